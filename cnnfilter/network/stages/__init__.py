"""What a chain is made of: frozen stages that know their output's size, and what they cost, without a pixel.

Sizes are tuples of whole numbers: `(H, W, C)` for maps, `(n,)` for a vector. A stage's text, `str(stage)`, is
read back by `cnnfilter.network.grammar`.
"""

from cnnfilter.network.stages.base import Learned as Learned
from cnnfilter.network.stages.base import Sliding as Sliding
from cnnfilter.network.stages.base import Stage as Stage
from cnnfilter.network.stages.convolution import Conv as Conv
from cnnfilter.network.stages.dense import Dense as Dense
from cnnfilter.network.stages.dense import Flatten as Flatten
from cnnfilter.network.stages.joining import Add as Add
from cnnfilter.network.stages.joining import Concat as Concat
from cnnfilter.network.stages.joining import Join as Join
from cnnfilter.network.stages.joining import Multiply as Multiply
from cnnfilter.network.stages.normalization import LocalResponse as LocalResponse
from cnnfilter.network.stages.per_map import BatchNorm as BatchNorm
from cnnfilter.network.stages.per_map import EachMap as EachMap
from cnnfilter.network.stages.per_map import PReLU as PReLU
from cnnfilter.network.stages.pictures import Crop as Crop
from cnnfilter.network.stages.pictures import Resize as Resize
from cnnfilter.network.stages.pointwise import Absolute as Absolute
from cnnfilter.network.stages.pointwise import Activation as Activation
from cnnfilter.network.stages.pointwise import Gray as Gray
from cnnfilter.network.stages.pointwise import Magnitude as Magnitude
from cnnfilter.network.stages.pointwise import Normalize as Normalize
from cnnfilter.network.stages.pointwise import Rgb as Rgb
from cnnfilter.network.stages.pointwise import Softmax as Softmax
from cnnfilter.network.stages.pooling import GlobalAveragePool as GlobalAveragePool
from cnnfilter.network.stages.pooling import GlobalMaxPool as GlobalMaxPool
from cnnfilter.network.stages.pooling import Pool as Pool
from cnnfilter.network.stages.rearranging import Dropout as Dropout
from cnnfilter.network.stages.rearranging import Pad as Pad
from cnnfilter.network.stages.rearranging import Shuffle as Shuffle
from cnnfilter.network.stages.resampling import Resampling as Resampling
from cnnfilter.network.stages.resampling import Upsample as Upsample
from cnnfilter.network.stages.text import Shape as Shape
from cnnfilter.network.stages.transposed import ConvTranspose as ConvTranspose
from cnnfilter.network.stages.unknown import Unknown as Unknown
from cnnfilter.network.stages.weight_file import WeightFile as WeightFile
