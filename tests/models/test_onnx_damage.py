"""ONNX files that are damaged, or forged part by part: they are planned, or one line says why they are not."""

import random
import time
import tracemalloc

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from cnnfilter import Pipeline
from cnnfilter.errors import CnnfilterError
from cnnfilter.models import load
from cnnfilter.models.onnx.computing import FOLDS
from cnnfilter.models.onnx.operators import OPERATORS
from tests.command import run
from tests.models import light
from tests.models.graphs import graph, node, numbers
from tests.models.onnx_cases import in_scope, prepared
from tests.weights.test_broken import listening

SEEDS = (range(100), pytest.param(range(100, 500), marks=pytest.mark.slow))
MEMORY = 32 << 20

NUMBERS = (-1, 0, 1, 2, 3, 7, -2, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 10**6, 4096, 65536)
WORDS = (b"", b"SAME_UPPER", b"linear", b"\xff\xfe", b"VALID", b"tanh", b"reflect")
OPERATIONS = sorted({*OPERATORS, *FOLDS, "Constant", "ConstantOfShape", "If", "Foo"})


@pytest.fixture(scope="module")
def sources():
    """Whole networks, a small one with weights in the file, and single operators."""
    nodes = [
        node("Conv", "x w b", "c", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "c b b b v", "n"),
        node("Relu", "n", "r"),
        node("Add", "r c", "a"),
        node("GlobalAveragePool", "a", "g"),
        node("Shape", "g", "s"),
        node("Slice", "s zero one", "batch"),
        node("Concat", "batch minus", "shape", axis=0),
        node("Reshape", "g shape", "f"),
        node("Gemm", "f d", "y", transB=1),
    ]
    tensors = {"w": numbers(16, 3, 5, 5), "b": numbers(16), "v": numbers(16, low=0.5), "d": numbers(10, 16)}
    small = graph(nodes, x=("n", 3, "h", "w"), **tensors, zero=[0], one=[1], minus=[-1])
    whole = [onnx.load(light.FOLDER / f"light_{name}.onnx") for name in ("squeezenet", "bvlc_alexnet", "shufflenet")]
    cases = [prepared(folder)[0] for folder in in_scope()[::5]]
    return [each.SerializeToString() for each in [small] * 20 + whole * 8 + cases]


def broken(chance, data):
    """Data cut off, or with some of its bits or bytes changed, put in or left out."""
    data = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 5])):
        begin, other, how = chance.randrange(len(data)), chance.randrange(len(data)), chance.randrange(5)
        if how == 0:
            data[begin] ^= 1 << chance.randrange(8)
        elif how == 1:
            data[begin] = chance.choice([0, 1, 127, 128, 255])
        elif how == 2:
            data[begin:begin] = chance.randbytes(chance.choice([1, 3, 9]))
        elif how == 3:
            data[begin:begin] = data[other : other + chance.choice([4, 40, 400])]
        else:
            del data[begin : chance.choice([begin + 1, begin + 5, begin + 30, len(data)])]
        data = data or bytearray(1)
    return bytes(data)


def forged(chance, data):
    """A model that is whole as a file, with some of its parts changed."""
    model = onnx.load_from_string(data)
    for _ in range(chance.choice([1, 1, 2, 4])):
        chance.choice(CHANGES)(chance, model.graph)
    return model.SerializeToString()


def change_attribute(chance, net):
    for each in chance.sample([*net.node], min(4, len(net.node))):
        for told in each.attribute:
            if told.ints:
                told.ints[chance.randrange(len(told.ints))] = chance.choice(NUMBERS)
                told.ints.extend(chance.choice([[], [], [chance.choice(NUMBERS)]]))
            told.i = chance.choice([told.i, chance.choice(NUMBERS)])
            told.f = chance.choice([told.f, -1.0, 0.0, float("nan"), float("inf"), 1e38, 1e-45])
            told.s = chance.choice([told.s, told.s, *WORDS])
            told.type = chance.choice([told.type] * 9 + [chance.randrange(15)])


def change_tensor(chance, net):
    for each in chance.sample([*net.initializer], min(2, len(net.initializer))):
        if each.dims:
            each.dims[chance.randrange(len(each.dims))] = chance.choice(NUMBERS)
        each.dims.extend(chance.choice([[], [], [chance.choice(NUMBERS)]]))
        each.data_type = chance.choice([each.data_type] * 5 + [chance.randrange(30)])


def change_input(chance, net):
    for axis in net.input[0].type.tensor_type.shape.dim:
        axis.dim_value = chance.choice([axis.dim_value, axis.dim_value, chance.choice(NUMBERS)])


def change_edges(chance, net):
    each = chance.choice([*net.node])
    names = ["", *(name for other in net.node for name in other.output), *(other.name for other in net.initializer)]
    if each.input:
        each.input[chance.randrange(len(each.input))] = chance.choice(names)
    each.output[0] = chance.choice([each.output[0]] * 3 + names)


def change_operator(chance, net):
    each = chance.choice([*net.node])
    each.op_type = chance.choice(OPERATIONS)
    each.domain = chance.choice([each.domain] * 9 + ["com.microsoft", "\x1b[31m\n"])
    each.name = chance.choice([each.name, "x" * 5000, "\x1b[31m\n\u202e"])


def leave_out(chance, net):
    net.node.remove(chance.choice([*net.node])) if len(net.node) > 1 else None


def put_elsewhere(chance, net):
    for each in chance.sample([*net.initializer], min(1, len(net.initializer))):
        each.data_location = TensorProto.EXTERNAL
        each.ClearField("raw_data")
        told = {"location": chance.choice(["/etc/passwd", "../net.onnx", "net.onnx", "/dev/zero"]), "offset": -4}
        for key, value in told.items():
            each.external_data.add(key=key, value=str(chance.choice([value, 2**62])) if key == "offset" else value)


CHANGES = (
    change_attribute, change_tensor, change_input, change_edges, change_operator, leave_out, put_elsewhere,
)  # fmt: skip


@pytest.mark.parametrize("seeds", SEEDS, ids=repr)
@pytest.mark.parametrize("change", [broken, forged])
def test_a_damaged_file_is_planned_or_is_one_line(change, seeds, sources, tmp_path):
    path, told = tmp_path / "net.onnx", []
    path.write_bytes(sources[0])
    outcome(path)  # imports what this takes
    tracemalloc.start()
    for seed in seeds:
        chance = random.Random(seed)
        path.write_bytes(change(chance, chance.choice(sources)))
        tracemalloc.reset_peak()
        before, begin = tracemalloc.get_traced_memory()[0], time.monotonic()
        with listening():
            message = outcome(path)
        assert time.monotonic() - begin < 20, seed
        assert tracemalloc.get_traced_memory()[1] - before < MEMORY, seed
        assert "\n" not in message, seed
        assert "\x1b" not in message, seed
        assert len(message) < 3000, seed
        told.append(message)
    tracemalloc.stop()
    assert len(seeds) / 4 < sum(map(bool, told)) < len(seeds)
    assert not [message for message in told if "Traceback" in message]


def outcome(path):
    """What is said of a file, or nothing if it can be planned."""
    try:
        model = load(path)
        Pipeline(model.network).plan(tuple(n or 32 for n in model.size))
    except CnnfilterError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("change", [broken, forged])
def test_the_command_ends_with_the_code_of_an_error(change, sources, tmp_path):
    path, codes = tmp_path / "net.onnx", set()
    for seed in range(40):
        chance = random.Random(seed)
        path.write_bytes(change(chance, chance.choice(sources)))
        result = run("shape", "32x32x3", path)
        codes.add(result.exit_code)
        errors = [line for line in result.messages if line.startswith("cnnfilter: error: ")]
        assert len(errors) == (result.exit_code == 2)
        assert len(result.messages) <= 3  # with what was decided, and should be known
        assert not {"\x1b", "\u202e"} & {*result.out, *result.err}
    assert codes == {0, 2}


def field(number, content):
    """A field of a protobuf message that holds a message or a text."""
    length = len(content)
    groups = [length >> 7 * place & 127 for place in range(max(1, -(-length.bit_length() // 7)))]
    return bytes([number << 3 | 2, *(group | 128 for group in groups[:-1]), groups[-1]]) + content


@pytest.mark.parametrize("depth", [1, 20, 40, 5000])
def test_graphs_within_graphs_are_not_followed(depth, tmp_path):
    inner = b""
    for _ in range(depth):
        attribute = field(1, b"then_branch") + field(6, inner) + b"\xa0\x01\x05"
        inner = field(1, field(1, b"x") + field(2, b"y") + field(4, b"If") + field(5, attribute))
    data = graph([node("Relu", "x", "z")]).SerializeToString() + field(7, inner)
    (tmp_path / "net.onnx").write_bytes(data)
    message = outcome(tmp_path / "net.onnx")
    assert "(If) has graphs of its own" in message if depth < 30 else "damaged or cut off" in message


def test_sizes_of_many_digits_are_told(tmp_path):
    nodes = [node("Resize", "x - - big", "y")]
    (tmp_path / "net.onnx").write_bytes(graph(nodes, big=[1, 3, 10**16, 10**16]).SerializeToString())
    assert "more than any picture's" in outcome(tmp_path / "net.onnx")


def test_as_many_nodes_as_may_be_are_read_in_little_time(tmp_path):
    nodes = [node("Relu", "x" if number == 0 else f"v{number - 1}", f"v{number}") for number in range(15_000)]
    model = graph([*nodes, node("Relu", "v14999", "y")])
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(1, np.float32), "unused"))
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    begin = time.monotonic()
    assert len(load(tmp_path / "net.onnx").network) == 15_001
    assert time.monotonic() - begin < 20
