"""`cnnfilter why`: its files, its words, and its refusals."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnfilter import Pipeline, heat_map
from cnnfilter.cli import why
from cnnfilter.learning.attribution import BASELINES, METHODS
from tests.command import PHOTO, ROOT, done, failed, files, load, refused, run, save

NETWORK = "normalize,conv:3@3x3:padding=1:random=1:as=c,relu,globalavgpool,flatten,dense:4:random=2,softmax"
SCORES = NETWORK.removesuffix(",softmax")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("photo.png")
    return tmp_path


def told(*arguments):
    (line,) = done("why", *arguments, "--json").out.splitlines()
    return json.loads(line)


def test_the_help_s_methods_are_those_there_are():
    assert tuple(METHODS) == why.METHODS
    assert BASELINES == why.BASELINES


def test_a_sample_is_looked_at_by_its_name():
    pytest.importorskip("onnx")
    for name in ("digits.onnx", "digits.labels.txt", "three.png"):
        shutil.copy(ROOT / "samples" / "digits" / name, name)
    network = "gray,resize:32x32,normalize,digits.onnx"
    result = done("why", network, "three.png")
    assert result.messages == ["labels from digits.labels.txt", "wrote three-why.png  807x490, three 99.83%"]
    record = told(network, "three.png", "--class", "five", "--force", "--method", "all")
    assert (record["class"], record["label"]) == (5, "five")
    assert [heat["method"] for heat in record["heat"]] == list(METHODS)
    assert record["heat"][0]["name"] == "layer3"
    assert record["size"] == [1204, 936]
    wrong = refused(network, "three.png", "--class", "fife", "-q", command="why")
    assert wrong.startswith("unknown class 'fife'; did you mean five or nine? (known: 'zero', ")


def test_numbers_are_those_of_heat_map():
    result = done("why", SCORES, "photo.png", "--method", "all", "--class", "1", "-o", "why.npy", "-q")
    assert result.messages == []
    values = np.load("why.npy")
    assert values.dtype == np.float32
    for each, method in zip(values, METHODS, strict=True):
        assert (each == heat_map(Pipeline.parse(SCORES), PHOTO, method, 1)).all()
    score = f"{Pipeline.parse(SCORES).run(PHOTO)[1]:.6g}"
    again = done("why", SCORES, "photo.png", "--class", "1", "--depth", "float")
    assert again.messages == [f"wrote photo-why.npy  1x30x45 float32, class 1, score {score}"]
    occlusion = ("--method", "occlusion", "--window", "9")
    record = told(SCORES, "photo.png", "--class", "1", *occlusion, "-o", "a.tif", "--depth", "float")
    assert np.float32(record["heat"][0]["values"]).tolist() == load("a.tif").tolist()
    assert (record["share"], record["heat"][0]["window"]) == (None, 9)


def test_labels_a_node_a_baseline_and_folders():
    save("more.png", PHOTO[:, :, 0])
    Path("names.txt").write_text("a\nb\nc\nd\n")
    asked = ["--class", "b", "--labels", "names.txt", "--node", "c", "--baseline", "mean"]
    asked += ["--method", "integrated-gradients", "--method", "grad-cam"]
    result = done("why", "rgb," + NETWORK, "photo.png", "more.png", *asked, "-o", "out/")
    assert result.messages[-1] == "2 written"
    assert all(" b " in line for line in result.messages[:-1])
    assert sorted(each.name for each in Path("out").iterdir()) == ["more-why.png", "photo-why.png"]
    with Image.open("out/photo-why.png") as picture:
        assert picture.size[0] > 3 * 360
    assert "exists" in refused(NETWORK, "photo.png", "-o", "out/", command="why")


def test_what_is_not_seen_is_told():
    save("clear.png", np.dstack([PHOTO, np.full(PHOTO.shape[:2], 7, np.uint8)]))
    result = done("why", "normalize,conv:3@3x3:random=1,relu,globalavgpool,flatten", "clear.png")
    assert any("transparency is left out" in line for line in result.messages)
    result = done(
        "why", "conv:0 0; 0 0,globalavgpool,flatten", "photo.png", "--method", "grad-cam", "--method", "saliency"
    )
    assert [line.split("photo.png: ")[1] for line in result.messages[:2]] == [
        "grad-cam is 0 everywhere: no map of the node speaks for the class",
        "saliency is 0 everywhere: the score does not change",
    ]


def test_integrated_gradients_that_do_not_sum_to_the_difference_are_told():
    save("grey.png", np.full((9, 9), 200, np.uint8))
    steep = "normalize,conv:[10000],tanh,globalavgpool,flatten"
    line, wrote = done("why", steep, "grey.png", "--method", "integrated-gradients").messages
    want = "grey.png: integrated-gradients sum to {:.4g} and not to 1, by which the score differs from that of the "
    # by the trapezoidal rule, all of it is the half step at the beginning, where alone the slope is 10,000
    assert line == f"warning: {want.format(0.5 / 256 * 10_000 * 200 / 255)}" + (
        "baseline (black): 256 steps are too few to come within 1%"
    )
    assert wrote.startswith("wrote grey-why.png")


def test_what_run_would_say_of_the_picture_is_said():
    network = "gray,resize:32x32,lenet-5:random=1"
    said = done("run", network, "photo.png").messages
    assert said
    assert set(done("why", network, "photo.png").messages) >= {line for line in said if "scores" not in line}


def test_the_effective_field():
    result = done("why", "normalize,conv:4@3x3,relu:as=one".replace("3x3", "3x3:random=1"), "photo.png",
                  "--effective-field", "--at", "4,7", "--node", "2")  # fmt: skip
    assert result.messages == [
        "wrote photo-effective-field-2.png  1132x346, value (4, 7): 9 pixels count, in a field of 3x3"
    ]
    first = ("photo.png", "--effective-field", "--at", "0,0", "--force", "-o", "field.png")
    (one,), (wide,) = (done("why", text, *first).messages for text in ("conv:[2]", "avgpool:1x40"))
    assert one.endswith("value (0, 0): 1 pixel counts, in a field of 1x1")
    assert wide.endswith("value (0, 0): 40 pixels count, in a field of 1x40")  # a square of as many is taller
    record = told(
        "conv:4@3x3:random=1,relu,conv:2@3x3:padding=9:random=2", "photo.png", "--effective-field", "--at", "0,0,1"
    )
    assert record["receptive_field"]["rows"] == [-9, -5]
    assert record["notes"] == ["the value changes with no pixel: there is nothing to be seen"]
    assert (record["at"], record["pixels"]) == ([0, 0, 1], 0)
    line = failed(NETWORK, "photo.png", "--effective-field", "--at", "9", "-o", "x.png", command="why")
    assert line.endswith("no value at 9: the result is a vector of 4; give an index from 0 to 3")


def test_frames_and_standard_output():
    frames = [Image.fromarray(PHOTO), Image.fromarray(PHOTO[::-1].copy())]
    frames[0].save("two.tif", save_all=True, append_images=frames[1:])
    assert done("why", NETWORK, "two.tif", "--frame", "all", "-o", "two.gif", "-q").messages == []
    with Image.open("two.gif") as picture:
        assert picture.n_frames == 2
    assert run("why", NETWORK, "photo.png", "-o", "-").data.startswith(b"\x89PNG")


def test_memory_is_asked_for():
    network = "resize:900x900,conv:64@3x3:random=1,relu,globalavgpool,flatten"
    assert "--memory" in failed(network, "photo.png", "--memory", "300M", command="why")
    network = "conv:3@99x99:random=1,globalavgpool,flatten"
    assert "window 99x99" in failed(network, "photo.png", command="why")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            [NETWORK, "photo.png", "--in-place"],
            "--in-place replaces a picture by its result, and why shows the picture itself",
        ),
        ([NETWORK, "photo.png", "--at", "1,1"], "--at names the value of an --effective-field"),
        (
            [NETWORK, "photo.png", "--effective-field", "--class", "1"],
            "--class asks about a class, and --effective-field",
        ),
        ([NETWORK, "photo.png", "--window", "3"], "--window is for occlusion; add --method occlusion, or leave it out"),
        (
            [NETWORK, "photo.png", "--method", "saliency", "--node", "c"],
            "--node is for grad-cam; add --method grad-cam",
        ),
        ([NETWORK, "photo.png", "--baseline", "white"], "--baseline is for integrated-gradients; add"),
        ([NETWORK, "photo.png", "--node", "d"], "there is no node 'd'"),
        ([NETWORK, "photo.png", "--class", "cat"], "--class 'cat' is no number, and there are no names of classes"),
        ([NETWORK, "photo.png", "--labels", "two.txt"], "there are 2 labels for 4 classes; give one label a line"),
        (["conv:3@3x3,relu", "photo.png"], "has sizes but no weights"),
        (["conv:3@3x3,relu", "photo.png", "--effective-field"], "has sizes but no weights"),
    ],
)
def test_what_does_not_go_together(arguments, message, folder):
    (folder / "two.txt").write_text("a\nb\n")
    assert message in refused(*arguments, command="why")
    assert files() == ["photo.png", "two.txt"]
