"""What things are called elsewhere ends in a suggestion of what they are here, and each suggestion is right."""

from pathlib import Path

import click
import pytest

from cnnfilter.cli.group import COMMANDS
from cnnfilter.cli.group import cnnfilter as cli
from cnnfilter.errors import CnnfilterError, GrammarError
from cnnfilter.kernels.catalogue import KERNELS
from cnnfilter.kernels.kernel import get_kernel
from cnnfilter.network import readers
from cnnfilter.network.grammar import parse
from cnnfilter.text import synonyms

TABLES = {
    name: getattr(synonyms, name) for name in ("STAGES", "KEYS", "KERNELS", "PARAMETERS", "OPTIONS", "COMMANDS")
} | {f"TOLD {name}": table for name, table in synonyms.TOLD.items()}


def words(table):
    """What is written here, of a table."""
    return [each for ours in table for each in ours.split("|") if " " not in ours or ours.startswith("--")]


@pytest.mark.parametrize("name", TABLES)
def test_words_are_written_as_they_are_compared(name):
    for ours, others in TABLES[name].items():
        for word in others.split():
            assert word == synonyms.plain(word), ours
            assert synonyms.found(word, TABLES[name]) != ([], "")


@pytest.mark.parametrize("text", words(synonyms.STAGES))
def test_the_stages_that_are_suggested_can_be_read(text):
    assert str(parse("conv:sobel," + text)) == "conv:sobel," + text


@pytest.mark.parametrize("table", [synonyms.STAGES, *synonyms.TOLD.values()])
def test_the_examples_of_stages_in_what_is_told_can_be_read(table):
    for ours in table:
        if "as in " in ours:
            parse(ours.partition("as in ")[2])


ABSENT = "there is no such activation here"
"""Beside it the name of an activation that has come does no harm: a stage's is never looked up."""


def test_no_stage_is_among_the_words_of_others():
    named = {word for ours, others in synonyms.STAGES.items() if ours != ABSENT for word in others.split()}
    assert [word for word in sorted(named) if readers.stage_name(word) is not None] == []


def test_keys_kernels_parameters_options_and_commands_that_are_suggested_exist():
    keys = {key for reader in readers.READERS.values() for key in reader.keys}  # noqa: SIM118  (a field of that name)
    assert set(words(synonyms.KEYS)) <= keys
    assert set(words(synonyms.KERNELS)) <= set(KERNELS)
    parameters = {parameter.name for entry in KERNELS.values() for parameter in entry.parameters}
    assert set(words(synonyms.PARAMETERS)) <= parameters
    commands = [cli.get_command(click.Context(cli), name) for name in COMMANDS]
    options = {option for command in commands for param in command.params for option in param.opts}
    assert {each.split()[0] for each in words(synonyms.OPTIONS)} <= options
    assert {each for each in synonyms.COMMANDS if not each.startswith("-")} <= set(COMMANDS)
    assert not {word for others in synonyms.KERNELS.values() for word in others.split()} & set(KERNELS)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("ReLU", "relu"),
        ("MaxPool:2", "maxpool:2"),
        ("max_pool:2:Ceil-Mode=yes", "maxpool:2:ceil_mode=yes"),
        ("LeakyReLU:Slope=0.1", "leaky_relu:slope=0.1"),
        ("SiLU", "swish"),
        ("Hard-Swish", "hardswish"),
        ("GELU:Tanh", "gelu:approximate=tanh"),
        ("Conv:sobel-x:Stride=2", "conv:sobel-x:stride=2"),
    ],
)
def test_stages_and_keys_are_read_in_capitals_and_written_without(text, canonical):
    assert str(parse(text)) == canonical
    assert str(parse(canonical)) == canonical


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pool:2", r"unknown stage; did you mean maxpool:2, avgpool:2 or sumpool:2\?"),
        ("Conv2D:32", r"unknown stage; did you mean conv:32@3x3\?"),
        ("Conv2D:edge:stride=2", r"unknown stage; did you mean 'conv:edge:stride=2'\?"),
        ("conv2d:no-kernel", r"unknown stage; did you mean conv:32@3x3\?"),
        ("pool:3", r"unknown stage; did you mean 'maxpool:3', 'avgpool:3' or 'sumpool:3'\?"),
        ("SeparableConv2D:3x3", r"unknown stage; did you mean depthwise:3x3,conv:32@1x1\?"),
        ("nn.Conv2d(3, 8, 3)", r"unknown stage; did you mean conv:32@3x3\?"),
        ("AveragePooling2D:2", r"unknown stage; did you mean avgpool:2\?"),
        ("GlobalAveragePooling2D", r"did you mean globalavgpool\?"),
        ("AdaptiveAvgPool2d:1", r"did you mean globalavgpool\?"),
        ("Conv2DTranspose:8@2:stride=2", r"did you mean 'convtranspose:8@2:stride=2'\?"),
        ("deconv", r"did you mean convtranspose:32@2x2:stride=2\?"),
        ("convtranspose:8@2:adj=1", r"unknown key 'adj'; did you mean output_padding\?"),
        ("AdaptiveMaxPool2d:1", r"did you mean globalmaxpool\?"),
        ("UpSampling2D:3", r"did you mean 'upsample:3'\?"),
        ("Interpolate", r"did you mean upsample:2 or resize:256\?"),
        ("CenterCrop:224x160", r"did you mean 'crop:224x160'\?"),
        ("gray2rgb", r"unknown stage; did you mean rgb\?"),
        ("ToRGB", r"unknown stage; did you mean rgb\?"),
        ("colour", r"unknown stage; did you mean rgb\?"),
        ("PixelShuffle:2", "unknown stage; chains have no stage for it"),
        ("resize:224:interpolation=bicubic", r"unknown key 'interpolation'; did you mean filter\?"),
        ("upsample:scale_factor=2", r"unknown key 'scale_factor'; did you mean scale\?"),
        ("Linear:10", r"did you mean dense:10\?"),
        ("FC:10", r"did you mean dense:10\?"),
        ("InnerProduct", r"did you mean dense:10\?"),
        ("BatchNormalization", r"unknown stage; did you mean batchnorm\?"),
        ("BN:epsilon=1e-3", r"did you mean 'batchnorm:epsilon=1e-3'\?"),
        ("LayerNorm", "unknown stage; there is no such normalization here"),
        ("blur", r"unknown stage; did you mean conv:gaussian, conv:box or conv:motion\?"),
        ("Identity", r"unknown stage; did you mean conv:identity\?"),
        ("GaussianBlur:sigma=2", r"unknown stage; did you mean conv:gaussian\?"),
        ("nn.Hardtanh", r"did you mean clip:min=-1:max=1\?"),
        ("Mish", "unknown stage; there is no such activation here"),
        ("conv:3x3@32", "sizes are written FILTERS@HEIGHTxWIDTH, such as 32@3x3"),
        ("conv:32x3x3", "sizes are written FILTERS@HEIGHTxWIDTH, such as 32@3x3"),
        ("AlphaDropout:0.5", "it does nothing in a network that is trained; leave it out"),
        ("Dropout2d:0.2", r"did you mean 'dropout:0.2'\?"),
        ("dropout:p=0.2", r"unknown key 'p'; did you mean rate\?"),
        ("ZeroPadding2D:1x2", r"unknown stage; did you mean 'pad:1x2'\?"),
        ("ReflectionPad2d", r"did you mean pad:1:border=reflect\?"),
        ("LocalResponseNorm:5:k=2", r"unknown stage; did you mean lrn\?"),
        ("channel_shuffle:2", r"did you mean 'shuffle:2'\?"),
        ("maxpool:size=2", r"unknown key 'size'; did you mean window\?"),
        ("MaxPool:pool_size=2", r"unknown key 'pool_size'; did you mean window\?"),
        ("leaky_relu:alpha=0.1", r"unknown key 'alpha'; did you mean slope\?"),
        ("leaky_relu:negative_slope=0.1", r"did you mean slope\?"),
        ("rbf:c=1", r"unknown key 'c'; did you mean center\?"),
        ("conv:32@3x3:kernel_size=3", "unknown key 'kernel_size'; sizes stand in front, as in conv:32@3x3"),
        ("conv:32@3x3:filters=3", "unknown key 'filters'; sizes stand in front, as in conv:32@3x3"),
        ("conv:32@3x3:strides=2", r"unknown key 'strides'; did you mean stride\?"),
        ("conv:32@3x3:padding_mode=reflect", r"did you mean border\?"),
        ("depthwise:3x3:in_channels=3", "unknown key 'in_channels'; it follows from what arrives; leave it out"),
        ("conv:gaussian:ksize=5", r"unknown key 'ksize'; did you mean size\?"),
        ("maxpool:2:2", "'2' must be written as KEY=VALUE, such as stride=2"),
        ("sharpen", "a kernel is no stage by itself; write 'conv:sharpen'"),
        ("gaussian:sigma=2", "a kernel is no stage by itself; write 'conv:gaussian:sigma=2'"),
        ("0 -1 0; -1 5 -1; 0 -1 0", "a kernel is no stage by itself; write 'conv:0 -1 0; -1 5 -1; 0 -1 0'"),
        ("net.npz:name=a", "a kernel is no stage by itself; write 'conv:net.npz:name=a'"),
        ("net.npz", "^stage 1 'net.npz' [(]column 1[)]: 'net.npz': no such file$"),
        ("nets/net.safetensors,relu", "^stage 1 .*: 'nets/net.safetensors': no such file$"),
        ("resnet18.pth", "'resnet18.pth': no such file$"),
        ("net.npy", "write 'conv:net.npy'$"),
        ("conv:32@3x3:stride=2,2", "two numbers of a window or a stride are written 2x1"),
        ("conv:edge relu maxpool:2", "commas part stages; write 'conv:edge,relu,maxpool:2'"),
        ("conv:edge -> relu", "commas part stages; write 'conv:edge,relu'"),
        ("relu|maxpool:2", "commas part stages; write 'relu,maxpool:2'"),
    ],
)
def test_what_stages_are_called_elsewhere(text, message):
    with pytest.raises(GrammarError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "nets/resnet18-f37072fd.pth",
            "write 'conv:nets/resnet18-f37072fd.pth'; the weights of a whole network go to its preset, as in "
            "'resnet-18:weights=nets/resnet18-f37072fd.pth'$",
        ),
        ("SqueezeNet1_1.safetensors", "as in 'squeezenet-1.1:weights=SqueezeNet1_1.safetensors'$"),
        ("net.pt", "as in 'resnet-18:weights=net.pt'$"),
    ],
)
def test_a_file_of_weights_as_a_stage(name, message, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).touch()
    with pytest.raises(GrammarError, match=message):
        parse(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("GaussianBlur", r"unknown kernel 'GaussianBlur'; did you mean gaussian\?"),
        ("sobel_x", r"did you mean sobel-x\?"),
        ("outline", r"did you mean edge\?"),
        ("median", "unknown kernel 'median'; it is no convolution"),
        ("gaussian:ksize=5", r"gaussian has no parameter 'ksize'; did you mean size\?"),
        ("gaussian:radius=5", "gaussian has no parameter 'radius'; a size is twice the radius and 1"),
        ("motion:theta=5", r"did you mean angle\?"),
        ("box:5", "box: '5' must be written as NAME=VALUE, such as size=5 "),
        ("gaussian:0x2", r"'0x2' must be written as NAME=VALUE \("),
    ],
)
def test_what_kernels_are_called_elsewhere(text, message):
    with pytest.raises(CnnfilterError, match=message):
        get_kernel(text)
