"""The results of nodes of a network: what is asked for, and the files that they make."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnfilter import Pipeline
from cnnfilter.cli.rebuilding import task_of
from cnnfilter.errors import ArgumentError
from cnnfilter.imaging.reading import read
from cnnfilter.models.labels import read_labels
from cnnfilter.network.grammar import parse
from cnnfilter.network.graph import INPUT, Group, Network, Node
from cnnfilter.network.groups import spliced
from cnnfilter.network.notes import network_notes
from cnnfilter.network.plan import plan
from cnnfilter.network.stages import BatchNorm, Conv
from cnnfilter.results.chain import ChainTask
from cnnfilter.results.nodes import NodesResult, asked_nodes
from cnnfilter.results.view import View
from tests.command import run

NET = "conv:5@3x3:random=1:as=a/b,relu:as=seen,maxpool:2,flatten:as=all values"


@pytest.fixture(autouse=True)
def picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24)).astype(np.uint8)
    Image.fromarray(pixels).save("grey.png")
    return pixels


def test_nodes_are_asked_for_by_name_number_or_all_together():
    network = parse(NET)
    assert asked_nodes(network, ["seen", "1", "a/b"], arrays=False) == {0: "1", 1: "seen"}
    assert asked_nodes(network, ["all"], arrays=False) == {0: "a_b", 1: "seen", 2: "3"}
    assert asked_nodes(network, ["all"], arrays=True) == {0: "a_b", 1: "seen", 2: "3", 3: "all_values"}
    assert asked_nodes(parse("relu:as=all,abs"), ["all"], arrays=False) == {0: "all"}
    assert asked_nodes(parse("relu:as=A,abs:as=a"), ["all"], arrays=False) == {0: "A-1", 1: "a-2"}
    assert asked_nodes(parse("relu:as=a,abs:as=A,tanh:as=a-1"), ["all"], arrays=False) == {
        0: "a-1-1",
        1: "A-2",
        2: "a-1-3",
    }
    assert asked_nodes(parse(f"relu:as={'n' * 300}"), ["all"], arrays=False) == {0: "n" * 100}
    with pytest.raises(ArgumentError, match="a/b and A_B would be written under one name, a_b; ask for one by its num"):
        asked_nodes(parse("relu:as=a/b,abs:as=A_B"), ["A_B", "a/b"], arrays=False)
    with pytest.raises(ArgumentError, match="no node gives maps; --format npy writes vectors too"):
        asked_nodes(parse("flatten,dense:2"), ["all"], arrays=False)
    with pytest.raises(ArgumentError, match="there is no node 'see' among 4 nodes.*; did you mean seen"):
        asked_nodes(network, ["see"], arrays=False)


def test_a_network_is_planned_up_to_the_last_node_that_is_asked_for():
    task, _ = task_of(["run", NET, "grey.png", "--node", "seen", "--node", "a/b"], (20, 24, 1))
    expected = plan(parse(NET), (20, 24, 1))[:2]
    assert [(row.input, row.output) for row in task.plan_for((20, 24, 1))] == [(r.input, r.output) for r in expected]


def test_one_node_is_written_under_its_name(picture):
    assert run("run", NET, "grey.png", "--node", "a/b", "--format", "npy").exit_code == 0
    expected = Pipeline.parse(NET).run(picture, node="a/b")
    np.testing.assert_array_equal(np.load("grey-chain-a_b.npy"), expected)
    told = run("run", NET, "grey.png", "--node", "4", "--top", "2", "--json")
    values = json.loads(told.out)["values"]
    assert len(values) == 2
    assert values[0]["value"] == pytest.approx(float(Pipeline.parse(NET).run(picture).max()))


def test_several_nodes_make_a_file_each(picture, tmp_path):
    result = run("run", NET, "grey.png", "--node", "seen", "--node", "a/b", "--node", "4", "--format", "npy", "--json")
    assert result.exit_code == 0, result.err
    record = json.loads(result.out)
    assert record["output"] == ["grey-chain-4.npy", "grey-chain-a_b.npy", "grey-chain-seen.npy"]
    assert record["shape"] == {"a_b": [18, 22, 5], "seen": [18, 22, 5], "4": [495]}
    pipeline = Pipeline.parse(NET)
    for label, node in (("a_b", "a/b"), ("seen", "seen"), ("4", 4)):
        np.testing.assert_array_equal(np.load(f"grey-chain-{label}.npy"), pipeline.run(picture, node=node))


def test_all_that_give_maps_are_drawn():
    told = run("run", NET, "grey.png", "--node", "all", "--dry-run")
    assert told.out == "grey.png -> grey-chain-a_b.png to grey-chain-3.png, 3 files\n"
    result = run("run", NET, "grey.png", "--node", "all")
    assert result.exit_code == 0, result.err
    assert "all values gives a vector, and is left out; --format npy writes them too" in result.err
    for label in ("a_b", "seen", "3"):
        with Image.open(f"grey-chain-{label}.png") as sheet:
            assert sheet.format == "PNG"
    result = run("run", NET, "grey.png", "--node", "all")
    assert result.exit_code == 2
    assert "exists" in result.err
    assert run("run", NET, "grey.png", "--node", "all", "--depth", "float", "-o", "floats/").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--node", "1", "--node", "4", "--format", "png"], "4 gives a vector, and no picture; --format npy"),
        (["--node", "all", "--in-place"], "--in-place is for one node's result"),
        (["--node", "all", "--frame", "all"], "--frame all is for one node's result"),
        (["--node", "all", "--maps", "each"], "--maps each is for one node's result"),
        (["--node", "all", "--top", "3"], "--top is for one node's result"),
        (["--node", "all", "-o", "-"], "standard output takes one picture"),
        (["--node", "all", "--max-pixels", "500"], "more than the limit of 500"),
        (["--node", "nothing"], "there is no node 'nothing'"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused(arguments, message):
    result = run("run", NET, "grey.png", *arguments)
    assert result.exit_code in (1, 2)
    assert message in result.err


def test_a_node_is_explained(picture):
    told = run("explain", NET, "grey.png", "--at", "3,4,2", "--node", "seen", "--json")
    assert told.exit_code == 0, told.err
    value = Pipeline.parse(NET).run(picture, node="seen")[2, 3, 4]
    assert json.loads(told.out)["value"] == pytest.approx(float(value), rel=1e-5, abs=1e-5)


def test_several_nodes_are_explained_at_one_place(picture):
    told = run("explain", NET, "grey.png", "--at", "3,4,2", "--node", "seen", "--node", "a/b", "--json")
    assert told.exit_code == 0, told.err
    values = [each["value"] for each in json.loads(told.out)["nodes"]]
    pipeline = Pipeline.parse(NET)
    for value, node in zip(values, ["a/b", "seen"], strict=True):
        assert value == pytest.approx(float(pipeline.run(picture, node=node)[2, 3, 4]), rel=1e-5, abs=1e-5)
        assert pipeline.explain(picture, at=(3, 4, 2), node=node)["value"] == value
    told = run("explain", NET, "grey.png", "--at", "3,4,2", "--node", "seen", "--node", "a/b")
    assert "stage 2 (seen)  relu" in told.out
    assert "stage 1 (a/b)  conv:5@3x3:random=1" in told.out
    refused = run("explain", NET, "grey.png", "--matrix", "--node", "seen", "--node", "a/b")
    assert "--matrix without --at prints one result; name one --node" in refused.err


def test_what_a_network_is_given_is_told(tmp_path):
    Image.fromarray(np.zeros((40, 30), np.uint8)).save("small.png")
    result = run("run", "mnist-cnn:random=1", "grey.png", "--node", "conv1")
    made = "grey.png: mnist-cnn:random=1 is made for 28x28x1, and 20x24x1 arrives: put resize:28x28 before it"
    assert made in result.err
    assert "mnist-cnn:random=1 is given the picture's values as they are" in result.err
    result = run("run", "resize:28x28,normalize,mnist-cnn:random=1", "grey.png")
    assert "mnist-cnn" not in result.err
    inner = Network([Node(BatchNorm(), (INPUT,)), Node(Conv(sizes=(1, (1, 1))), (0,))])
    network = Network(spliced(inner, Group("net.onnx"), 0, INPUT, ()))
    assert not list(network_notes(network, plan(network, (3, 3, 1)), np.zeros((3, 3), np.uint8)))


def test_sums_and_joined_maps_are_told_on_the_board():
    told = run("explain", "relu:as=x,conv:box:padding=1,add:in+x", "grey.png", "--at", "3,4")
    assert told.exit_code == 0, told.err
    values = Image.open("grey.png").getpixel((4, 3))
    assert f"the picture  {values}\n  stage 1  {values}\n  stage 2  " in told.out
    told = run("explain", "relu:as=x,abs,concat:x", "grey.png", "--at", "3,4,1")
    assert f"  {values} of stage 2, row 3, column 4, map 0\n" in told.out


def test_results_of_nodes_are_drawn_file_by_file(picture):
    assert NodesResult(None, None, (), (), None).drawn("PNG") is None
    task = ChainTask(Pipeline.parse("relu"), View())
    assert task.transform(read("grey.png")).vector is None


def test_a_file_of_any_size_is_planned_at_a_size(tmp_path):
    helper = pytest.importorskip("onnx.helper")
    value = [helper.make_tensor_value_info(name, 1, [1, 3, "h", "w"]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", value[:1], value[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    (tmp_path / "any.onnx").write_bytes(model.SerializeToString())
    refused = run("shape", "any.onnx")
    assert "any.onnx takes ?x?x3: give the SIZE before it, such as cnnfilter shape 224x224x3 any.onnx" in refused.err
    assert run("shape", "8x8x3", "any.onnx").exit_code == 0
    pipeline = Pipeline.load(tmp_path / "any.onnx")
    assert pipeline.run(np.full((3, 2, 2), -1, np.float32)).max() == 0


def test_labels_that_cannot_be_opened_are_told(monkeypatch):
    def fail(self, mode):
        raise OSError(5, "Input/output error")

    Path("labels.txt").write_text("one")
    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(ArgumentError, match=r"^labels 'labels\.txt': Input/output error$"):
        read_labels("labels.txt")
