"""What things are called elsewhere, and what they are here: the one place from which suggestions come.

Each table has on its left what is written here, or what is told where there is no such thing (a text of several
words), and on its right what PyTorch, Keras, TensorFlow, ONNX, Caffe, OpenCV, SciPy, ImageMagick, other programs and
people call it: as `plain` leaves it, without capitals, hyphens and underscores.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from cnnfilter.messages import alternatives, nearest

Table = Mapping[str, str]

STAGES: Table = {
    "conv:32@3x3": "conv2d conv2 convolution convolution2d convolve filter filter2d crosscorrelate spatialconvolution",
    "depthwise:3x3": "depthwiseconv depthwiseconv2d depthwiseconvolution dwconv depthwiseconv2dnative",
    "depthwise:3x3,conv:32@1x1": "separableconv separableconv2d separableconvolution",
    "maxpool:2|avgpool:2|sumpool:2": "pool pool2d pooling pooling2d subsampling downsample downsampling",
    "maxpool:2": "max maxpool2d maxpooling maxpooling2d spatialmaxpooling",
    "avgpool:2": "averagepool averagepool2d avgpool2d averagepooling averagepooling2d avgpooling avgpooling2d meanpool "
    "meanpooling mean average",
    "sumpool:2": "sumpool2d sumpooling sumpooling2d lppool lppool2d",
    "globalavgpool": "gap globalaveragepool globalaveragepooling globalaveragepooling2d globalavgpooling2d globalpool "
    "globalpooling adaptiveavgpool adaptiveavgpool2d adaptiveaveragepooling2d reducemean",
    "globalmaxpool": "globalmaxpool2d globalmaxpooling globalmaxpooling2d adaptivemaxpool adaptivemaxpool2d "
    "adaptivemaxpooling2d reducemax gmp",
    "convtranspose:32@2x2:stride=2": "convtranspose2d conv2dtranspose convolutiontranspose deconv deconv2d "
    "deconvolution deconvolution2d transposedconv transposedconv2d transposedconvolution convtransposed "
    "fractionallystridedconv upconv",
    "upsample:2": "upsample2d upsampling upsampling2d unpool unpooling nearestneighbor",
    "upsample:2|resize:256": "interpolate resizing resizebilinear enlarge zoom scaling",
    "resize:256": "resized thumbnail smallestmaxsize",
    "resize:256,crop:224,normalize:imagenet": "preprocess preprocessing imageclassification transforms",
    "crop:224": "centercrop centrecrop centercropping cropping cropping2d cropcenter",
    "dense:10": "linear fc fullyconnected innerproduct gemm matmul affine lineardense densely mlp",
    "flatten": "flat reshape view ravel unroll vectorize",
    "leaky_relu": "lrelu leaky leakyrectifiedlinear",
    "relu": "rectifier rectifiedlinear rectify threshold0",
    "clip:min=0:max=6": "clamp clipbyvalue",
    "clip:min=-1:max=1": "hardtanh",
    "sigmoid": "logistic expit sigm",
    "tanh": "hyperbolictangent tangent",
    "softmax": "softargmax softmax2d logsoftmax",
    "abs": "absolute absval absolutevalue fabs",
    "gray": "grey grayscale greyscale rgb2gray rgbtogray rgbtograyscale bgr2gray cvtcolor togray luma luminance",
    "rgb": "colour color gray2rgb grey2rgb graytorgb greytorgb grayscaletorgb gray2bgr torgb tocolour tocolor",
    "normalize": "rescale rescaling rescaling2d normalise normalization scale totensor standardize",
    "magnitude": "norm hypot l2norm gradientmagnitude",
    "pad:1": "padding zeropad zeropad2d zeropadding zeropadding2d constantpad2d constantpad",
    "pad:1:border=reflect": "reflectionpad2d reflectpad",
    "pad:1:border=replicate": "replicationpad2d edgepad",
    "pad:1:border=circular": "circularpad2d wrappad",
    "lrn": "localresponsenorm localresponsenormalization localresponsenormalisation",
    "shuffle:groups=2": "channelshuffle",
    "dropout:0.5": "dropout1d dropout2d spatialdropout spatialdropout2d",
    "batchnorm": "batchnorm1d batchnorm2d batchnormalization batchnormalisation bn "
    "spatialbatchnormalization spatialbn",
    "prelu": "parametricrelu",
    "there is no such normalization here": "layernorm layernormalization groupnorm groupnormalization instancenorm "
    "instancenorm2d instancenormalization",
    "it does nothing in a network that is trained; leave it out": "alphadropout gaussiannoise gaussiandropout",
    "the input's size is no stage: in shape it stands before them, and a picture has its own": "input inputlayer "
    "inputshape",
    "a convolution here slides along rows and columns; for one of these write conv:32@1x3 or conv:32@3x1":
    "conv1d convolution1d conv3d convolution3d",
    "there is no such activation here": "mish celu glu softsign threshold",
    "chains have no stage for it": "pixelshuffle maxunpool2d depthtospace",
    "add:in": "plus sum residual skip shortcut eltwise elementwiseadd addv2 skipconnection",
    "multiply:in": "mul times product gate",
    "concat:in": "concatenate merge cat concatv2 depthconcat",
    "there is no pool for the minimum or the median": "minpool minpool2d minpooling medianpool",
}  # fmt: skip
"""Layers, as an example of each stage."""

KEYS: Table = {
    "window": "size kernel kernelsize kernelshape ksize k poolsize poolsizes windowsize windows filtersize",
    "stride": "strides step steps subsample subsampling s",
    "padding": "pad pads paddings p autopad",
    "border": "paddingmode bordermode bordertype padmode boundary boundarycondition edgemode mode fill",
    "dilation": "dilationrate dilations rate d atrous",
    "groups": "group numgroups featuregroupcount g",
    "bias": "usebias biasterm hasbias biases b",
    "flip": "trueconvolution rotate rotated mirror",
    "slope": "alpha negativeslope leak a",
    "alpha": "slope a",
    "center": "c centre mu mean",
    "min": "minimum low lower minvalue minval amin",
    "max": "maximum high upper maxvalue maxval amax",
    "approximate": "approximation",
    "epsilon": "eps e gamma",
    "output_padding": "outputpadding adj outpad extra outputpad",
    "scale": "scalefactor scales factor by ratio",
    "size": "outputsize outputshape shape targetsize shorterside shortestedge n depthradius localsize",
    "mode": "interpolation method interpolationmode",
    "coordinates": "coordinatetransformationmode coordinate centers",
    "rounding": "nearestmode",
    "filter": "interpolation method resample resampling mode antialias",
    "divide": "scale divisor by max fullscale rescale",
    "mean": "means mu average offset",
    "std": "stds stddev sd sigma deviation",
    "ceil_mode": "ceil ceiling ceilmode roundup",
    "rate": "p ratio prob probability keepprob",
    "beta": "b exponent power",
    "count_include_pad": "countincludepadding includepad includepadding",
    "layout": "dataformat order dataorder",
    "name": "array arrayname kernelname",
    "weights": "weight kernel matrix file path",
    "kernel": "weights weight file path filter",
}
"""Arguments of stages; which of several is meant, the stage's own tell."""

TOLD: Mapping[str, Table] = {
    "upsample": {"write coordinates=align_corners": "aligncorners"},
    "conv": {
        "sizes stand in front, as in conv:32@3x3": "size window kernelsize kernelshape ksize k windowsize filtersize "
        "filters outchannels numfilters numoutput nf n out",
        "it follows from what arrives; leave it out": "inchannels channels inputshape inputdim in",
        "an activation is a stage of its own, as in conv:32@3x3,relu": "activation act nonlinearity",
    },
    "dense": {
        "the number of outputs stands in front, as in dense:10": "units outfeatures outputdim numoutput n out features",
        "it follows from what arrives; leave it out": "infeatures inputshape inputdim in",
        "an activation is a stage of its own, as in dense:10,relu": "activation act nonlinearity",
    },
}
"""What is told of an argument that a stage has not."""
TOLD = {**TOLD, "depthwise": TOLD["conv"], "convtranspose": TOLD["conv"]}

KERNELS: Table = {
    "gaussian": "gauss gaussianblur gaussblur gaussianfilter smooth smoothing lowpass",
    "box": "boxblur boxfilter mean average averaging avg uniform uniformfilter",
    "gaussian|box|motion": "blur blurring",
    "motion": "motionblur",
    "edge": "edges outline edgedetect edgedetection findedges ridge highpass",
    "laplacian": "laplace",
    "unsharp": "unsharpmask unsharpen usm",
    "sharpen": "sharp sharpening sharpness",
    "log": "laplacianofgaussian laplaceofgaussian marr mexicanhat",
    "dog": "differenceofgaussians differenceofgaussian",
    "sobel|prewitt|scharr": "gradient derivative deriv",
    "sobel-x": "sobelx sobelh leftsobel rightsobel dx",
    "sobel-y": "sobely sobelv topsobel bottomsobel dy",
    "identity": "none original noop",
    "emboss": "embossing relief",
    "it is no convolution": "median medianblur medianfilter bilateral bilateralfilter canny threshold erode dilate "
    "morphology morphologyex opening closing invert negate equalize",
    "there is no kernel of that name; a file of weights holds any, as in apply gabor.npy": "gabor",
}  # fmt: skip
"""Filters, as the kernels that they are."""

PARAMETERS: Table = {
    "size": "ksize kernelsize k width window n side diameter",
    "sigma": "std sd stddev sigmax s deviation",
    "sigma2": "sigmab wide",
    "amount": "strength percent gain factor",
    "length": "len distance pixels size",
    "angle": "degrees theta direction deg",
    "ratio": "k factor",
    "a size is twice the radius and 1": "radius r",
}
"""Parameters of kernels; which of several is meant, the kernel's own tell."""

OPTIONS: Table = {
    "--output": "out outdir outputdir outputfile outfile outputfolder dest destination to save saveas writeto",
    "--recursive": "r recurse subfolders walk",
    "--force": "overwrite replace y yes clobber",
    "--skip-existing": "resume noclobber keepexisting ignoreexisting update",
    "--in-place": "inplace",
    "--dry-run": "simulate preview whatif pretend",
    "--jobs": "workers processes numworkers parallel njobs cores",
    "--threads": "numthreads nthreads",
    "--memory": "mem maxmemory memorylimit ram",
    "--stride": "strides step steps s",
    "--padding": "pad pads p",
    "--border": "paddingmode bordermode bordertype boundary virtualpixel edgemode mode",
    "--dilation": "dilationrate dilations d",
    "--kernel": "kernelsize ksize window size k",
    "--true-convolution": "flip convolve rotate",
    "--save-option": "compression lossless",
    "--format": "type ext extension outputformat",
    "--depth": "bits bitdepth",
    "--frame": "page index frames pages",
    "--strip": "nometadata stripmetadata noexif",
    "--preserve-times": "p keeptimes preservetime",
    "--quiet": "silent s",
    "--verbose": "debug log",
    "--max-pixels": "maxsize limit",
    "--colormap": "cmap colourmap palette",
    "--topk": "top k nmaps",
    "--top": "topk k best",
    "--labels": "classes names classnames",
    "--maps": "each separate sheet",
    "--at": "pos position pixel xy place point coordinates",
    "--emit": "export code torch pytorch keras numpy",
    "--kernel-name": "name array arrayname",
    "--layout": "dataformat order",
    "--files-from": "filelist list fromfile files",
    "--compare": "frameworks",
    "--range clip|--range abs|--range center": "clip abs absolute center signed",
    "--range normalize": "normalize normalise stretch autocontrast rescale",
    "the kernel stands before the inputs, as in cnnfilter apply edge photo.jpg": "kernel filter k",
    "inputs stand without an option": "i input in infile inputs file image img picture source",
    "parameters stand with the kernel's name, as in gaussian:sigma=2 and box:size=5": "sigma size ksize kernelsize "
    "radius amount angle",
    "in a chain it stands with its stage, as in conv:edge:stride=2:padding=same:border=replicate": "stride strides "
    "step steps padding pad pads border paddingmode bordermode bordertype boundary dilation dilationrate dilations "
    "scale bias trueconvolution flip layout kernelname",
    "gray is a stage of cnnfilter run, as in cnnfilter run gray,conv:edge photo.jpg": "gray grey grayscale greyscale",
    "rgb is a stage of cnnfilter run, as in cnnfilter run rgb,normalize:imagenet,net.onnx photo.jpg": "rgb torgb",
    "only cnnfilter itself has it": "version",
    "apply, run and why have it": "cluster",
}  # fmt: skip
"""Options; which of several is meant, the command's own tell."""

COMMANDS: Table = {
    "apply": "filter convolve convolution correlate process use",
    "run": "chain pipeline forward predict network net infer cnn",
    "explain": "why trace how show inspect",
    "shape": "size sizes shapes plan summary info params output layers",
    "loss": "losses entropy crossentropy binarycrossentropy softmax mse onehot cost objective",
    "kernels": "list ls filters catalogue catalog",
    "networks": "models zoo presets architectures nets",
    "--help": "help usage man",
    "--version": "version",
}
"""Commands."""


def plain(word: str) -> str:
    """A word without capitals, hyphens, underscores, a module before it and arguments in parentheses.

    Examples
    --------
    >>> plain("nn.Conv2d(1, 32, 3)"), plain("max_pool"), plain("--kernel-size")
    ('conv2d', 'maxpool', 'kernelsize')
    """
    found = re.match(r"(?:[A-Za-z]\w*\.)*([^(]*)", word.strip())
    return re.sub(r"[-_\s]", "", found[1] if found else word).lower()


def found(word: str, table: Table, known: Collection[str] | None = None) -> tuple[list[str], str]:
    """What a word means here, or what is told of it.

    Parameters
    ----------
    word : str
    table : Table
    known : collection of str, optional
        What of the table there is in this place: the keys of a stage, the options of a command. All by default.

    Returns
    -------
    list of str
        Each of which it may mean.
    str
        What is told where that is nothing.
    """
    word = plain(word)
    meaning = [ours for ours, others in table.items() if word in others.split()]
    texts = [ours for ours in meaning if " " in ours and not ours.startswith("--")]
    words = [each for ours in meaning if ours not in texts for each in ours.split("|")]
    known_words = [each for each in words if known is None or re.split("[: ]", each, maxsplit=1)[0] in known]
    return known_words, texts[0] if texts else ""


def tail(word: str, table: Table, known: Collection[str] | None = None, *, count: int = 3) -> str:
    """The end of an error message: what a word means here, or the known words that are spelled like it."""
    words, text = found(word, table, known)
    if words:
        return f"; did you mean {alternatives(words)}?"
    return f"; {text}" if text else nearest(word, known or (), count)
