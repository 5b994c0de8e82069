import json

import numpy as np
import pytest

import cnnfilter
from cnnfilter.cli.explain import LOSSES
from cnnfilter.learning import losses
from tests.command import ROOT, run
from tests.typeset.reading import DISPLAYS, displays, value

SLIDE = ROOT / "samples" / "slide.csv"
DIGIT = ROOT / "samples" / "digits" / "three.png"
NETWORK = "conv:2@2x2:random=1:as=c,relu,flatten,dense:2:random=2,softmax"


def test_the_losses_are_those_that_networks_learn_by():
    assert tuple(losses.LOSSES) == LOSSES


def test_softmax_one_hot_cross_entropy_deltas_and_back():
    result = run("explain", NETWORK, SLIDE, "--target", "0", "--weight", "c,1,0,0,1", "--lr", "0.5")
    assert result.exit_code == 0, result.err
    lines = result.out.splitlines()
    assert lines[0] == f"{NETWORK} on a picture of 5x5x1 gives 2; right is class 0"
    assert lines[2:4] == ["cross-entropy", "formula  -sum(t*ln(p))"]
    assert "t        1, 0" in lines
    network = cnnfilter.Pipeline.parse(NETWORK)
    picture = np.loadtxt(SLIDE, delimiter=",").astype(np.float32)
    loss, gradients, _ = network.gradients(picture, 0)
    assert f"result   {loss:.6g} nats" in lines
    p = network(picture)
    begin = lines.index("deltas  p - t")
    rows = [[float(cell) for cell in line.split()] for line in lines[begin + 2 : begin + 4]]
    assert rows == [
        pytest.approx([place, share, target, share - target], rel=1e-4)
        for place, (share, target) in enumerate(zip(p, (1, 0), strict=True))
    ]
    back = lines[lines.index("back through the stages") + 2 :]
    assert [line.split()[0] for line in back[:-1] if line[:5].strip().isdigit()] == ["4", "3", "2", "1", "0"]
    slope = gradients["c.weight"][1, 0, 0, 1]
    (step,) = [line for line in lines if line.startswith("step")]
    assert float(step.split(" = ")[1]) == pytest.approx(
        network.stages[0].source(1).weight[1, 0, 0, 1] - 0.5 * slope, rel=1e-4
    )
    (sum_,) = [line for line in lines if line.startswith("gradient ")]
    assert sum_.startswith("gradient  sum of 16 products = ")
    assert float(sum_.split(" = ")[1]) == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize(
    ("end", "loss", "told"),
    [
        ("softmax", "binary-cross-entropy", "the network ends in softmax, and binary-cross-entropy takes its result as "
         "scores: p is made of it by sigmoid"),
        ("sigmoid", "cross-entropy", "the network ends in sigmoid, and cross-entropy takes its result as "
         "scores: p is made of it by softmax"),
        ("sigmoid", "binary-cross-entropy", None), ("softmax", "mse", None), ("relu", "cross-entropy", None),
    ],
)  # fmt: skip
def test_probabilities_that_are_made_twice_are_told(end, loss, told):
    result = run("explain", f"flatten,dense:2:random=2,{end}", SLIDE, "--target", "0", "--loss", loss)
    assert result.exit_code == 0, result.err
    assert result.messages == ([] if told is None else [f"warning: {SLIDE}: {told}"])


def test_labels_that_the_network_brings():
    network = f"gray,resize:32x32,normalize,{ROOT}/samples/digits/digits.onnx"
    named = run("explain", network, DIGIT, "--target", "three")
    assert named.exit_code == 0, named.err
    assert named.out == run("explain", network, DIGIT, "--target", "3").out
    assert named.out.startswith(f"{network} on a picture of 96x96x1 gives 10; right is three\n")
    assert named.messages == [f"labels from {ROOT}/samples/digits/digits.labels.txt"]
    begin = named.out[named.out.index("deltas  p - t\n") :].splitlines()
    rows = [line.split() for line in begin[1:10]]
    assert rows[0] == ["INDEX", "LABEL", "P", "T", "DELTA"]
    labels = (ROOT / "samples" / "digits" / "digits.labels.txt").read_text().split()
    assert all(label == labels[int(place)] for place, label, *_ in rows[1:])
    assert [label for _, label, _, t, _ in rows[1:] if t == "1"] == ["three"]
    assert "not shown, as they are smaller: 2\n" in named.out
    record = json.loads(run("explain", network, DIGIT, "--target", "three", "--json").out)
    assert (record["class"], record["label"]) == (3, "three")
    wrong = run("explain", network, DIGIT, "--target", "tree")
    assert wrong.exit_code == 2
    assert "unknown class 'tree'; did you mean three?" in wrong.err


def test_names_of_classes_in_notes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cnnfilter.Pipeline.parse(NETWORK).save("net.npz", size=(5, 5, 1), labels=["a|b", "1"])
    markdown, latex = (run("explain", "net.npz", SLIDE, "--target", "1", "--format", each).out for each in DISPLAYS)
    assert "`net.npz` on a picture of 5x5x1 gives 2; right is `1`.\n" in markdown
    assert r"| $0$ | `a\|b` | $" in markdown
    assert "index & label & p & t & delta" in latex
    assert r"$1$ & \texttt{1} & $" in latex
    text = run("explain", "net.npz", SLIDE, "--target", "1,0", "--loss", "mse").out
    assert text.startswith("net.npz on a picture of 5x5x1 gives 2\n")


@pytest.mark.parametrize("target", ["0.5,0.25", "1,0"])
def test_mean_square_as_json(target):
    result = run("explain", NETWORK, SLIDE, "--target", target, "--loss", "mse", "--weight", "4,1,7", "--json")
    assert result.exit_code == 0, result.err
    record = json.loads(result.out)
    picture = np.loadtxt(SLIDE, delimiter=",").astype(np.float32)
    wanted = [float(each) for each in target.split(",")]
    loss, gradients, dx = cnnfilter.Pipeline.parse(NETWORK).gradients(picture, wanted, "mse")
    assert record["loss"]["result"] == pytest.approx(loss, rel=1e-5)
    assert record["deltas"] == pytest.approx(
        [p - t for p, t in zip(record["loss"]["results"], wanted, strict=True)], rel=1e-5
    )
    assert record["steps"][-1]["gradients"]["deltas"]["values"] == dx.tolist()
    (first,) = [step for step in record["steps"] if step["name"] == "c"]
    np.testing.assert_array_equal(first["gradients"]["weight"]["values"], gradients["c.weight"])
    assert record["weight"]["gradient"] == pytest.approx(float(gradients["4.weight"][1, 7]), rel=1e-5, abs=1e-9)
    assert record["weight"]["rate"] == 0.01


def test_json_of_many_numbers_has_their_sizes():
    network = "conv:9@3x3:random=1,globalavgpool,flatten,dense:1:random=1,sigmoid"
    result = run("explain", network, DIGIT, "--target", "0.5", "--loss", "binary-cross-entropy", "--json")
    assert result.exit_code == 0, result.err
    deltas = json.loads(result.out)["steps"][-1]["gradients"]["deltas"]
    assert deltas["values"] is None
    assert deltas["shape"] == [1, 96, 96]
    assert abs(deltas["largest"]) >= deltas["rms"] > 0


@pytest.mark.parametrize("format", DISPLAYS)
def test_notes(format):
    result = run("explain", NETWORK, SLIDE, "--target", "0", "--weight", "c,0,0,1,1", "--format", format)
    assert result.exit_code == 0, result.err
    *_, gradient, step = displays(result.out, format)
    assert gradient.startswith((r"\begin{aligned}", r"\text{gradient}"))
    first, second = step.removeprefix(r"\text{after a step} = ").split(" = ")
    assert value(first) == pytest.approx(value(second), rel=1e-4)
    assert r"\text{bias}" in result.out
    many = run("explain", "flatten,dense:40:random=1", SLIDE, "--target", "3", "--format", format, "--weight", "2,3,4")
    assert many.exit_code == 0, many.err
    assert "Deltas that are not shown, as they are smaller: 32." in many.out
    assert "Values: 40 numbers" in many.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--loss", "mse", "--at", "0,0"], "--loss goes with --target LABEL"),
        (["--target", "0", "--at", "0,0"], "--target explains a loss, and goes with none of --at"),
        (["--target", "0", "--lr", "1"], "--lr goes with --weight"),
        (["--target", "0", "--weight", "c,0,0,0,0", "--lr", "0"], "--lr must be above 0, not '0'"),
        (["--target", "0", "--weight", "c,0"], "--weight takes STAGE,FILTER,CHANNEL,ROW,COL"),
        (["--target", "0", "--weight", "c,0,0,0,x"], "--weight must be a whole number, not 'x'"),
        (["--target", "0", "--weight", "c,9,0,0,0"], "there is no weight 9,0,0,0"),
        (["--target", "0", "--weight", "9,0,0,0,0"], "among 5 nodes, which cnnfilter shape lists"),
        (["--target", "0", "--weight", "5,0,0"], "stage 5 (softmax): it has no weights that are told one by one"),
        (["--target", "cat"], "--target 'cat' is no number of a class, and the network brings no names of any"),
        (["--target", "7"], "label 7 is no class: there are 2, counted from 0"),
        (["--target", "0", "--node", "1", "--node", "2"], "name one --node"),
        (["--target", "0", "--node", "1"], "a network that gives a vector, not 4x4x2"),
    ],
)
def test_what_is_refused(arguments, message):
    result = run("explain", NETWORK, SLIDE, *arguments)
    assert (result.exit_code, result.out) == (2, "")
    assert result.messages[-1].startswith("cnnfilter: error: ")
    assert message in result.messages[-1]


def test_a_probability_that_is_no_number_is_told():
    result = run("explain", "conv:[999],flatten", SLIDE, "--target", "0")
    assert result.exit_code == 0, result.err
    assert any("is too small for a number" in line for line in result.messages)
