import os
from importlib.util import find_spec

import numpy as np
import pytest

from cnnfilter.errors import ShapeError
from cnnfilter.export.frameworks import Answer, compare
from cnnfilter.network.grammar import parse

NONE = ((0, 0), (0, 0))


def answers(text, n=28, m=None):
    return compare(parse(text).stages[0], (n, m or n, 1))


def differences(text, n=28):
    ours, *others = answers(text, n)
    return {each.framework: each.differs_from(ours) for each in others if each.differs_from(ours)}


def of(framework, text, n=28):
    return next(each for each in answers(text, n) if each.framework == framework)


def test_cnnfilter_comes_first_with_its_own_sizes():
    ours = answers("conv:1@7x7:stride=2:padding=same", 224)[0]
    assert ours == Answer("cnnfilter", "padding=same", (112, 112), ((2, 3), (2, 3)))
    assert answers("maxpool:2:ceil_mode=yes", 5)[0].request == "padding=0, ceil_mode=yes"
    assert [each.framework for each in answers("maxpool:2")] == ["cnnfilter", "PyTorch", "Keras", "ONNX"]


def test_same_with_a_stride_is_refused_by_pytorch_whose_usual_padding_reads_other_pixels():
    """The worked check: n=224, k=7, s=2 pads 2+3, and PyTorch's usual p=3 pads 3+3; both give 112."""
    torch = of("PyTorch", "conv:1@7x7:stride=2:padding=same", 224)
    assert torch.output == (112, 112)
    assert torch.pads == ((3, 3), (3, 3))
    assert torch.request == "padding=3"
    assert torch.notes == ('padding="same" with a stride above 1 is refused; padding=3 is the usual stand-in',)
    assert differences("conv:1@7x7:stride=2:padding=same", 224) == {"PyTorch": "pads"}


def test_the_stand_in_may_give_another_size_or_none():
    assert differences("conv:1@2x2:stride=2:padding=same", 5) == {"PyTorch": "size"}
    assert of("PyTorch", "conv:1@2x2:stride=2:padding=same", 1).output is None
    assert differences("conv:1@2x2:stride=2:padding=same", 1) == {"PyTorch": "refused"}


@pytest.mark.parametrize(
    ("text", "framework", "request_", "pads"),
    [
        ("conv:1@3x3", "PyTorch", "padding=0", NONE),
        ("conv:1@3x3", "Keras", 'padding="valid"', NONE),
        ("conv:1@3x3", "ONNX", "pads=[0, 0, 0, 0]", NONE),
        ("conv:1@4x4:padding=same", "PyTorch", 'padding="same"', ((1, 2), (1, 2))),
        ("conv:1@4x4:padding=same", "Keras", 'padding="same"', ((1, 2), (1, 2))),
        ("conv:1@4x4:padding=same", "ONNX", 'auto_pad="SAME_UPPER"', ((1, 2), (1, 2))),
        ("conv:1@4x4:padding=same-lower", "ONNX", 'auto_pad="SAME_LOWER"', ((2, 1), (2, 1))),
        ("conv:1@4x4:padding=same-lower", "PyTorch", "F.pad(x, (2, 1, 2, 1)), then padding=0", ((2, 1), (2, 1))),
        ("conv:1@4x4:padding=same-lower", "Keras", 'ZeroPadding2D(((2, 1), (2, 1))), then padding="valid"',
         ((2, 1), (2, 1))),
        ("conv:1@3x3:padding=1x2", "PyTorch", "padding=(1, 2)", ((1, 1), (2, 2))),
        ("conv:1@3x3:padding=1+2x0+3", "PyTorch", "F.pad(x, (0, 3, 1, 2)), then padding=0", ((1, 2), (0, 3))),
        ("conv:1@3x3:padding=1+2x0+3", "ONNX", "pads=[1, 0, 2, 3]", ((1, 2), (0, 3))),
        ("conv:1@3x3:padding=1", "Keras", 'ZeroPadding2D(((1, 1), (1, 1))), then padding="valid"',
         ((1, 1), (1, 1))),
        ("conv:edge:padding=same:border=reflect", "PyTorch", 'padding="same", padding_mode="reflect"',
         ((1, 1), (1, 1))),
        ("conv:edge:padding=1:border=replicate", "ONNX", 'Pad with "edge", then pads=[0, 0, 0, 0]',
         ((1, 1), (1, 1))),
        ("conv:edge:padding=1:border=reflect", "Keras", 'ops.pad with "reflect", then padding="valid"',
         ((1, 1), (1, 1))),
        ("conv:edge:padding=1:border=constant=3", "PyTorch", 'F.pad with "constant", 3, then padding=0',
         ((1, 1), (1, 1))),
        ("conv:edge:padding=1:border=symmetric", "PyTorch", "numpy.pad, then padding=0", ((1, 1), (1, 1))),
        ("conv:edge:border=symmetric", "PyTorch", "padding=0", NONE),
        ("maxpool:3:stride=2:padding=1:ceil_mode=yes", "PyTorch", "padding=1, ceil_mode=True", ((1, 1), (1, 1))),
        ("maxpool:3:stride=2:padding=2", "PyTorch",
         'F.pad(x, (2, 2, 2, 2), value=float("-inf")), then padding=0', ((2, 2), (2, 2))),
        ("avgpool:3:padding=1", "ONNX", "pads=[1, 1, 1, 1], count_include_pad=1", ((1, 1), (1, 1))),
        ("avgpool:3:padding=1:count_include_pad=no", "ONNX", "pads=[1, 1, 1, 1]", ((1, 1), (1, 1))),
        ("avgpool:3:padding=1:count_include_pad=no", "PyTorch", "padding=1, count_include_pad=False",
         ((1, 1), (1, 1))),
        ("maxpool:2:ceil_mode=yes", "ONNX", "pads=[0, 0, 0, 0], ceil_mode=1", NONE),
        ("sumpool:2", "PyTorch", "padding=0, divisor_override=1", NONE),
    ],
)  # fmt: skip
def test_how_each_asks_for_it(text, framework, request_, pads):
    answer = of(framework, text)
    assert answer.request == request_
    assert answer.pads == pads
    assert answer.output == answers(text)[0].output


@pytest.mark.parametrize(
    ("text", "n", "expected"),
    [
        ("conv:1@3x3:padding=same", 28, {}),
        ("maxpool:2", 28, {}),
        ("conv:1@3x3:stride=2:dilation=2", 28, {"Keras": "refused"}),
        ("maxpool:3:dilation=2", 28, {"Keras": "refused"}),
        ("maxpool:2:ceil_mode=yes", 5, {"Keras": "size"}),
        ("maxpool:3:padding=1", 28, {"Keras": "values"}),
        ("avgpool:3:padding=1", 28, {}),
        ("avgpool:3:padding=same", 28, {"Keras": "values"}),
        ("avgpool:3:padding=same:count_include_pad=no", 28, {"PyTorch": ""}),
        ("avgpool:3:padding=same:stride=2:count_include_pad=no", 28, {"PyTorch": "values"}),
        ("avgpool:3:padding=1:count_include_pad=no", 28, {"Keras": "values"}),
        ("maxpool:3:stride=2:padding=2:ceil_mode=yes", 28, {"PyTorch": "size", "Keras": "values"}),
    ],
)
def test_where_they_differ(text, n, expected):
    assert differences(text, n) == {name: what for name, what in expected.items() if what}


@pytest.mark.parametrize(
    ("text", "framework", "note"),
    [
        ("maxpool:3:padding=same:stride=2", "PyTorch", 'there is no padding="same" for pools'),
        ("conv:edge:padding=same-lower:stride=2", "PyTorch", 'there is no padding="same-lower" for convolutions'),
        ("maxpool:3:padding=2", "PyTorch", "pools take padding up to half the window, 1"),
        ("avgpool:3:padding=2:count_include_pad=no", "PyTorch", "padded beforehand, the divisor counts the padding"),
        ("conv:edge:padding=28:border=reflect", "PyTorch",
         "reflect padding beyond the picture is refused; numpy.pad repeats it"),
        ("conv:edge:padding=29:border=circular", "PyTorch",
         "circular padding beyond the picture is refused; numpy.pad repeats it"),
        ("conv:edge:padding=1:border=symmetric", "ONNX", "there is no border symmetric: numpy.pad beforehand"),
        ("sumpool:2", "Keras", "there is no sum pool: AveragePooling2D times the window stands in"),
        ("sumpool:2", "ONNX", "there is no sum pool: AveragePool times the window stands in"),
        ("maxpool:2:ceil_mode=yes", "Keras", "there is no ceil_mode: sizes are rounded down"),
        ("maxpool:2:padding=1", "Keras",
         "zeros are padded, which are above negative values, instead of minus infinity"),
        ("avgpool:2:padding=1:count_include_pad=no", "Keras", "padded beforehand, the divisor counts the padding"),
        ("avgpool:3:padding=same", "Keras", "its divisor leaves the padding out, as count_include_pad=no does"),
    ],
)  # fmt: skip
def test_what_a_person_should_know(text, framework, note):
    assert note in of(framework, text).notes


def test_what_fits_no_framework_is_an_error():
    with pytest.raises(ShapeError, match="window 5x5 does not fit in 4x4"):
        answers("conv:1@5x5", 4)


# The frameworks themselves, where they are installed: what `request` says is built and asked for its size.

REQUESTS = [
    f"{stage}:stride={stride}:padding={padding}"
    for stage in ("conv:1@3x3", "conv:1@4x2:dilation=2", "maxpool:3", "maxpool:2x3:ceil_mode=yes", "avgpool:3",
                  "avgpool:4:ceil_mode=yes", "avgpool:3:count_include_pad=no", "sumpool:2")
    for stride in (1, 2)
    for padding in ("0", "1", "2", "1+2x0+1", "same", "same-lower")
] + [
    f"conv:edge:padding={padding}:border={border}"
    for padding in (1, 2, "same")
    for border in ("replicate", "reflect", "circular")
] + ["maxpool:3:dilation=2:padding=1"]  # fmt: skip

X = np.arange(90, dtype=np.float32).reshape(1, 1, 9, 10)


@pytest.mark.filterwarnings("ignore")  # PyTorch's own
@pytest.mark.parametrize("text", REQUESTS)
def test_pytorch_gives_that_size(text):
    torch = pytest.importorskip("torch")
    (stage,) = parse(text).stages
    answer = compare(stage, (9, 10, 1))[1]
    x = torch.from_numpy(X)
    *first, then = answer.request.split(", then ")
    if first:
        x = eval(first[0], {"F": torch.nn.functional, "x": x})
    options = eval(f"dict({then})")
    step = stage.sliding((9, 10, 1)).stride
    if stage.name == "conv":
        layer = torch.nn.Conv2d(1, 1, stage.window, stride=step, dilation=stage.dilation, **options)
    elif stage.kind == "max":
        layer = torch.nn.MaxPool2d(stage.window, step, dilation=stage.dilation, **options)
    else:
        layer = torch.nn.AvgPool2d(stage.window, step, **options)
    assert tuple(layer(x).shape[2:]) == answer.output


def test_pytorch_refuses_what_is_said_to_be_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match="padding='same' is not supported for strided convolutions"):
        torch.nn.Conv2d(1, 1, 3, stride=2, padding="same")
    for pool in (torch.nn.MaxPool2d(3, padding=2), torch.nn.AvgPool2d(3, padding=2)):
        with pytest.raises(RuntimeError, match="at most half"):
            pool(torch.from_numpy(X))
    for mode, padding in (("reflect", 9), ("circular", 10)):
        with pytest.raises(RuntimeError, match=r"(?i)padding"):
            torch.nn.Conv2d(1, 1, 3, padding=padding, padding_mode=mode)(torch.from_numpy(X[..., :9]))


@pytest.mark.parametrize("text", [text for text in REQUESTS if "border" not in text])
def test_onnx_gives_that_size(text):
    onnx = pytest.importorskip("onnx")
    (stage,) = parse(text).stages
    answer = compare(stage, (9, 10, 1))[3]
    sliding = stage.sliding((9, 10, 1))
    kind = {"conv": "Conv", "maxpool": "MaxPool"}.get(stage.name, "AveragePool")
    attributes = {"kernel_shape": sliding.window, "strides": sliding.stride, **eval(f"dict({answer.request})")}
    attributes |= {} if kind == "AveragePool" else {"dilations": sliding.dilation}
    tensor, helper = onnx.TensorProto.FLOAT, onnx.helper
    inputs = [helper.make_tensor_value_info("x", tensor, (1, 1, 9, 10))]
    if kind == "Conv":
        inputs.append(helper.make_tensor_value_info("w", tensor, (1, 1, *sliding.window)))
    node = helper.make_node(kind, [each.name for each in inputs], ["y"], **attributes)
    graph = helper.make_graph([node], "g", inputs, [helper.make_tensor_value_info("y", tensor, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)])
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph.output[0].type.tensor_type.shape
    assert tuple(each.dim_value for each in inferred.dim)[2:] == answer.output


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", next((name for name in ("jax", "torch") if find_spec(name)), "tensorflow"))
    return pytest.importorskip("keras")


@pytest.mark.filterwarnings("ignore")  # Keras's own
def test_keras_gives_that_size(keras):
    for text in REQUESTS:
        (stage,) = parse(text).stages
        answer = compare(stage, (9, 10, 1))[2]
        step = stage.sliding((9, 10, 1)).stride
        *first, then = answer.request.split(", then ")
        if "border" in text or answer.output is None:
            continue
        options = eval(f"dict({then})")
        if stage.name == "conv":
            layer = keras.layers.Conv2D(1, stage.window, strides=step, dilation_rate=stage.dilation, **options)
        else:
            kind = keras.layers.MaxPooling2D if stage.kind == "max" else keras.layers.AveragePooling2D
            layer = kind(stage.window, strides=step, **options)
        before = [eval(each, {"ZeroPadding2D": keras.layers.ZeroPadding2D}) for each in first]
        network = keras.Sequential([keras.Input((9, 10, 1)), *before, layer])
        assert network.output_shape[1:3] == answer.output, text


def test_keras_refuses_what_is_said_to_be_refused(keras):
    with pytest.raises(ValueError, match="strides > 1"):
        keras.layers.Conv2D(1, 3, strides=2, dilation_rate=2)
    with pytest.raises(ValueError, match="dilation"):
        keras.layers.MaxPooling2D(3, dilation_rate=2)
