"""Networks with branches: their text, what is wrong with one, and the networks that are stages of others."""

import numpy as np
import pytest

from cnnfilter import Pipeline
from cnnfilter.errors import ArgumentError, CnnfilterError, CnnfilterWarning, GrammarError, KernelError, ShapeError
from cnnfilter.network.channels import map_names
from cnnfilter.network.grammar import parse
from cnnfilter.network.graph import INPUT, Group, Network, Node
from cnnfilter.network.groups import check_weights, spliced
from cnnfilter.network.plan import plan
from cnnfilter.network.stages import Activation, Add, Dense, Learned, WeightFile
from cnnfilter.weights.parameters import MAX_SEED, RandomParameters

BLOCK = "relu:as=x,conv:2@3x3:padding=1:bias=no,relu,conv:2@3x3:padding=1:bias=no,add:x,relu"
PROJECTED = "relu:as=x,conv:4@1x1:stride=2,relu:as=s,from:x,conv:4@3x3:stride=2:padding=1,add:s,relu"
FORKED = "conv:6@1x1:as=a,relu,conv:8@1x1:as=b,from:a,conv:8@3x3:padding=1,concat:b"


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("relu,abs", [(INPUT,), (0,)]),
        (BLOCK, [(INPUT,), (0,), (1,), (2,), (0, 3), (4,)]),
        (PROJECTED, [(INPUT,), (0,), (1,), (0,), (2, 3), (4,)]),
        (FORKED, [(INPUT,), (0,), (1,), (0,), (2, 3)]),
        ("relu,add:in", [(INPUT,), (INPUT, 0)]),
        ("relu,concat:last+in", [(INPUT,), (0, INPUT)]),
        ("relu,add:last+last", [(INPUT,), (0, 0)]),
        ("relu:as=a,abs:as=b,from:in,tanh,add:a+b", [(INPUT,), (0,), (INPUT,), (0, 1, 2)]),
        ("relu:as=a,abs:as=b,multiply:last+a", [(INPUT,), (0,), (1, 0)]),
        (r"relu:as=a\,b\:c\+d,abs,add:a\,b\:c\+d", [(INPUT,), (0,), (0, 1)]),
    ],
)
def test_text_becomes_nodes_and_back(text, reads):
    network = parse(text)
    assert [node.reads for node in network] == reads
    assert str(network) == text
    assert parse(str(network)) == network


def test_what_is_read_elsewhere_needs_no_name_of_its_own():
    relu, abs_ = Activation("relu"), Activation("tanh")
    network = Network((Node(relu, (INPUT,)), Node(abs_, (0,)), Node(Add(), (0, 1))))
    assert str(network) == "relu:as=node1,tanh,add:node1"
    assert [node.reads for node in parse(str(network))] == [node.reads for node in network]


@pytest.mark.parametrize(
    ("text", "node", "expected"),
    [
        ("relu:as=x,tanh:as=t,from:x,sigmoid:as=y,add:t+y", "y", "relu:as=x,sigmoid:as=y"),
        ("conv:edge,lenet-5-1998:random=1,relu", 3, "conv:edge,conv:6@5x5:random=1:as=conv1,"),
        ("relu,lenet-5-1998:random=1,relu", 1, "relu"),
    ],
)
def test_a_network_up_to_a_node_is_told_as_what_it_is(text, node, expected):
    pipeline = Pipeline.parse(text).up_to(node)
    assert str(pipeline).startswith(expected)
    assert str(parse(str(pipeline))) == str(pipeline)
    assert repr(pipeline) == f"<Pipeline {str(pipeline)}>"


@pytest.mark.parametrize("name", ["a=b", "names=x", "padding=1", "=", "a+b", "a:b"])
def test_every_name_can_be_joined(name):
    shown = name.replace(":", "\\:").replace("+", "\\+")
    network = parse(f"relu:as={shown},tanh,{'add:names=' if '=' in name else 'add:'}{shown}")
    assert network[0].name == name
    assert parse(str(network)) == network


def test_names_that_no_text_can_tell_are_left_out():
    inner = Network([Node(Activation("relu"), (INPUT,), name) for name in (" a", "last", "", "b")])
    nodes = spliced(inner, Group("net.onnx"), 1, 0, {"b": 0})
    assert [node.name for node in nodes] == [None] * 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("relu:as=x,from:y,relu", r"stage 2 'from:y' \(column 16\): no stage before it is named 'y' \(known: in, x\)"),
        ("relu:as=block1,add:block2", r"stage 2 .* \(column 20\): no .* named 'block2'; did you mean block1\?"),
        ("relu:as=a,add:a+b", r"stage 2 'add:a\+b' \(column 17\): no stage before it is named 'b'"),
        ("relu:as=x,from:in,relu", r"stage 1 'relu:as=x' \(column 1\): no stage reads its result"),
        ("mnist-cnn,from:in,relu", r"stage 1 'mnist-cnn' \(column 1\): no stage reads its result"),
        ("relu:as=in", r"\(column 9\): 'in' cannot be a name: it has a meaning"),
        ("relu:as=last", "'last' cannot be a name"),
        ("relu:as=vgg-16", "'vgg-16' cannot be a name"),
        ("relu:as=", "a name is missing after as="),
        ("relu:as=x,abs:as=x", r"\(column 18\): 'x' is the name of stage 1 already"),
        ("relu:as=x:as=y", r"\(column 11\): as is given twice"),
        ("relu,from:in", r"stage 2 'from:in' \(column 6\): a stage must follow it"),
        ("from:in,from:in,relu", "a stage must stand between two of them"),
        ("from,relu", "needs the name of a stage, such as from:x, which as=x names"),
        ("from:,relu", "needs the name of a stage"),
        ("relu,add", "needs the name of a stage, such as add:x after relu:as=x"),
        ("relu,add:last", "joins the stage before with nothing; name another stage, or write add:last"),
        ("mnist-cnn:size=3", r"unknown key 'size'.* \(known: weights, random\)"),
        ("mnist-cnn:random=1:weights=a.pth", "takes one of random and weights"),
        ("mnist-cnn:random=-1", f"random must be a whole number from 0 to {MAX_SEED}, not '-1'"),
        ("mnist-cnn:weights=none.npz", r"none\.npz: no such file"),
        ("conv:3@3x3:random=1:weights=a.npz", "takes one of random and weights"),
        ("conv:3@3x3:name=a", "name is for weight files"),
        ("conv:edge:random=1", "random and weights are for sizes such as 32@3x3"),
        ("dense:a.npz:random=1", "random and weights are for a number of units"),
        ("dense", "needs a number of units or a weight file, such as dense:10"),
    ],
)  # fmt: skip
def test_an_error_points_at_the_place(text, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GrammarError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("maxpool:2:as=x,from:in,conv:1@3x3,add:x", (8, 8, 1),
         r"stage 3 \(add\): takes results of one size, or of 1 along an axis, not 4x4x1 and 6x6x1"),
        ("maxpool:2:as=x,from:in,conv:1@3x3,concat:x", (8, 8, 1),
         r"stage 3 \(concat\): takes maps of one height and width, or vectors, not 4x4x1 and 6x6x1"),
        ("flatten:as=x,from:in,relu,multiply:x", (2, 2, 1),
         r"stage 3 \(multiply\): takes either maps or vectors, not 4 and 2x2x1"),
    ],
)  # fmt: skip
def test_sizes_that_do_not_meet_are_told(text, shape, message):
    with pytest.raises(ShapeError, match=message):
        plan(parse(text), shape)


def test_a_network_is_run_and_explained():
    maps = np.random.default_rng(0).normal(size=(2, 9, 8)).astype(np.float32)
    block = Pipeline.parse("relu:as=x,conv:2@3x3:padding=1:random=1,relu,conv:2@3x3:padding=1:random=2,add:x,relu")
    branch = Pipeline.parse("relu,conv:2@3x3:padding=1:random=1,relu,conv:2@3x3:padding=1:random=2")
    expected = np.maximum(np.maximum(maps, 0) + branch.run(maps), 0)
    np.testing.assert_allclose(block.run(maps), expected, rtol=1e-6, atol=1e-6)
    for place in [(0, 0, 0), (8, 7, 1), (4, 3, 0)]:
        told = block.explain(maps, at=place, layout="chw")
        assert told["value"] == pytest.approx(float(expected[place[2], place[0], place[1]]), rel=1e-5, abs=1e-6)


def test_a_node_answers_to_its_name_and_its_number():
    pipeline = Pipeline.parse("conv:sobel-x:as=edges,relu:as=1,maxpool:2")
    picture = np.arange(64, dtype=np.uint8).reshape(8, 8)
    np.testing.assert_array_equal(pipeline.run(picture, node="edges"), Pipeline.parse("conv:sobel-x").run(picture))
    np.testing.assert_array_equal(pipeline.run(picture, node=1), Pipeline.parse("conv:sobel-x,relu").run(picture))
    np.testing.assert_array_equal(pipeline.run(picture, node=3), pipeline.run(picture))
    assert pipeline.up_to("edges") is pipeline.up_to("edges")
    with pytest.raises(ArgumentError, match="there is no node 'edge' among 3 nodes.* 1; did you mean edges\\?"):
        pipeline.run(picture, node="edge")
    with pytest.raises(ArgumentError, match="there is no node 4 among"):
        pipeline.run(picture, node=4)


def test_what_no_result_depends_on_is_neither_run_nor_asked_for_weights():
    network = Network(
        (
            *parse("conv:2@1x1"),
            Node(Activation("relu"), (INPUT,), "seen"),
        )
    )
    np.testing.assert_array_equal(Pipeline(network).run([[1.0, -1.0]]), [[[1, 0]]])


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("mnist-cnn", (32, 32, 1), "net.npz is made for 28x28x1, and 32x32x1 arrives: put resize:28x28 before it$"),
        ("mnist-cnn", (28, 28, 3), "net.npz is made for 28x28x1, and 28x28x3 arrives: put gray before it$"),
        ("mnist-cnn", (9, 8, 3), "net.npz is made for 28x28x1, and 9x8x3 arrives: put gray,resize:28x28 before it$"),
        ("mnist-cnn", (28, 28, 2), "net.npz is made for 28x28x1, and 28x28x2 arrives$"),
        ("mnist-cnn", (28, 28, 1), "is 3, but it must be 10$"),
    ],
)
def test_what_does_not_fit_says_what_a_network_is_made_for(text, shape, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    preset = parse("mnist-cnn")
    arrays = {}
    for node, row in zip(preset, plan(preset, (28, 28, 1)), strict=True):
        for role, size in node.stage.arrays(row.input).items() if isinstance(node.stage, Learned) else ():
            arrays[f"{node.name}.{role}"] = np.zeros(size, np.float32)
    if shape == (28, 28, 1):
        arrays[next(reversed(arrays))] = np.zeros(3, np.float32)
    np.savez("net.npz", **arrays)
    with pytest.raises(CnnfilterError, match=message):
        plan(parse(f"{text}:weights=net.npz"), shape)


# Presets as stages


def test_a_preset_is_a_stage():
    pipeline = Pipeline.parse("gray,mnist-cnn:random=3:as=scores,relu,add:scores")
    assert str(pipeline) == "gray,mnist-cnn:random=3:as=scores,relu,add:scores"
    picture = np.random.default_rng(1).integers(0, 256, (28, 28, 3)).astype(np.uint8)
    scores = Pipeline.parse("gray,mnist-cnn:random=3").run(picture)
    assert scores.shape == (10,)
    np.testing.assert_array_equal(pipeline.run(picture), scores + scores)
    assert not np.array_equal(scores, Pipeline.parse("gray,mnist-cnn:random=4").run(picture))


def test_a_preset_without_weights_is_planned_and_not_run():
    pipeline = Pipeline.parse("from:in,mnist-cnn")
    assert pipeline.plan((28, 28, 1))[-1].output == (10,)
    with pytest.raises(ArgumentError, match="^mnist-cnn has no weights; write mnist-cnn:weights=FILE, or"):
        pipeline.check_runnable()


def test_names_that_are_taken_are_left_out_of_a_group():
    network = parse("relu:as=a,mnist-cnn:as=b,abs")
    assert network.find("b") == 10
    assert network.find("a") == 0
    assert str(parse(str(network))) == str(network)


def test_weights_go_to_nodes_by_their_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weight = np.random.default_rng(2).normal(size=(3, 1, 3, 3)).astype(np.float32)
    np.savez("net.npz", **{"one.weight": weight, "fc.weight": np.ones((2, 3), np.float32), "fc.bias": np.ones(2)})
    text = "conv:3@3x3:bias=no:weights=net.npz:name=one,globalavgpool,flatten,dense:2:weights=net.npz:as=fc"
    pipeline = Pipeline.parse(text)
    assert str(pipeline) == text.replace(":as=fc", ":name=fc:as=fc")
    picture = np.ones((5, 5), np.float32)
    np.testing.assert_allclose(pipeline.run(picture), [weight.sum() + 1] * 2, rtol=1e-5)
    with pytest.raises(KernelError, match=r"stage 1 \(conv\): net.npz: .* is 3x1x3x3, but it must be 4x1x3x3"):
        Pipeline.parse("conv:4@3x3:bias=no:weights=net.npz:name=one").run(picture)


def test_weights_that_fit_no_picture_are_told_before_there_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    preset = parse("mnist-cnn")
    arrays = {}
    for node, row in zip(preset, plan(preset, (28, 28, 1)), strict=True):
        for role, size in node.stage.arrays(row.input).items() if isinstance(node.stage, Learned) else ():
            arrays[f"{node.name}.{role}"] = np.zeros(size, np.float32)
    np.savez("net.npz", **arrays)
    check_weights(parse("gray,mnist-cnn:weights=net.npz,abs"))
    arrays["fc2.weight"] = np.zeros((4, 128), np.float32)
    np.savez("other.npz", **arrays)
    with pytest.raises(KernelError, match="fc2.weight' is 4x128, but it must be 10x128"):
        check_weights(parse("gray,mnist-cnn:weights=other.npz,abs"))


# Files as stages


class Loaded:
    """A network from a file."""

    size, labels, notes = None, (), ("it was read so",)

    def __init__(self, text):
        self.network = parse(text) if text else Network()


def test_a_file_is_a_stage_whose_notes_are_told():
    with pytest.warns(CnnfilterWarning, match=r"^net\.onnx: it was read so$"):
        network = parse(
            "relu,net.onnx:as=y,tanh,add:y", load=lambda path: Loaded("abs") if path == "net.onnx" else None
        )
    assert str(network) == "relu,net.onnx:as=y,tanh,add:y"
    assert [node.reads for node in network] == [(INPUT,), (0,), (1,), (1, 2)]


@pytest.mark.filterwarnings("ignore:net.onnx")
@pytest.mark.parametrize(
    ("text", "held", "message"),
    [
        (
            "net.onnx:scale=2",
            "abs",
            r"\(column 10\): a file of a network takes no arguments but as=NAME, not",
        ),
        ("net.onnx", "", "a network without stages"),
    ],
)
def test_a_file_that_makes_no_stage_is_told(text, held, message):
    with pytest.raises(GrammarError, match=message):
        parse(text, load=lambda path: Loaded(held))


def test_arrays_that_no_node_takes_are_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("net.npz", **{f"{name}.weight": np.zeros(2, np.float32) for name in "abcde"})
    with pytest.warns(CnnfilterWarning, match=r"net\.npz: 'a\.weight', 'b\.weight', .* and 2 more are not used"):
        parse("mnist-cnn:weights=net.npz")


def test_maps_that_are_joined_keep_their_names():
    rows = plan(parse("conv:sobel-x:as=a,from:in,conv:sobel-y,concat:a"), (5, 5, 1))
    assert map_names(rows) == ("sobel-x", "sobel-y")


def test_numbers_of_a_dense_stage_are_from_one_place():
    with pytest.raises(ArgumentError, match="random and weights are for a number of units"):
        Dense(file=WeightFile("fc.npz"), learned=RandomParameters(1))
    with pytest.raises(ArgumentError, match="dense:3 has units but no weights"):
        Dense(units=3).matrix(4)
    assert repr(Dense(units=3)) == "<Dense dense:3>"


def test_a_seed_is_read_alike_everywhere():
    pipeline = Pipeline.parse(f"mnist-cnn:random={MAX_SEED - 1}").up_to("conv2")
    assert str(pipeline).startswith(f"conv:32@3x3:random={MAX_SEED - 1}:as=conv1,relu,conv:64@3x3:random=0:")
    assert str(parse(str(pipeline))) == str(pipeline)
    with pytest.raises(GrammarError, match=f"random must be a whole number from 0 to {MAX_SEED}, not '{MAX_SEED + 1}'"):
        parse(f"conv:3@3x3:random={MAX_SEED + 1}")
