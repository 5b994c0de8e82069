"""Vectors: what `cnnfilter run` prints after flatten, dense and softmax."""

import json
from pathlib import Path

import numpy as np
import pytest

from cnnfilter.engine import reference
from tests import seeded
from tests.cli.test_run import GREY, VECTOR, done, maps
from tests.command import PHOTO, files, run, save
from tests.running.test_pipeline import assert_close, small_cnn


@pytest.fixture(autouse=True)
def _photo(tmp_path, monkeypatch):
    """Work in a folder that holds a colour photo and a grey one."""
    monkeypatch.chdir(tmp_path)
    save("photo.png")
    save("grey.png", GREY)


def test_a_vector_is_printed_as_a_table():
    result = done(VECTOR, "photo.png")
    values = maps(VECTOR)
    lines = result.out.splitlines()
    assert lines[0] == "INDEX  VALUE"
    assert [line.split() for line in lines[1:]] == [[str(i), f"{value:.6g}"] for i, value in enumerate(values)]
    assert result.err == ""
    assert files() == ["grey.png", "photo.png"]


def test_the_largest_values_are_printed_with_their_labels():
    Path("labels.txt").write_text("".join(f"label {i}\n" for i in range(12)))
    values = maps(VECTOR)
    order = sorted(range(12), key=lambda i: -values[i])[:3]
    for arguments in (["photo.png"], ["-"], ["photo.png", "-o", "-"]):
        result = done(VECTOR, *arguments, "--top", "3", "--labels", "labels.txt", stdin=Path("photo.png").read_bytes())
        lines = [line.split(maxsplit=2) for line in result.out.splitlines()]
        assert lines == [["INDEX", "VALUE", "LABEL"], *([str(i), f"{values[i]:.6g}", f"label {i}"] for i in order)]


def test_behind_softmax_the_values_are_told_in_per_cent():
    text = f"{VECTOR},normalize:10,softmax"
    values = maps(text)
    order = sorted(range(12), key=lambda i: -values[i])
    lines = done(text, "photo.png", "--top", "3").out.splitlines()
    assert [line.split() for line in lines] == [
        ["INDEX", "PERCENT"],
        *([str(i), f"{100 * values[i]:.2f}%"] for i in order[:3]),
    ]
    record = json.loads(done(text, "photo.png", "--json", "--top", "1").out)
    assert record["values"] == [{"index": order[0], "value": values[order[0]]}]


NOTE = "these are scores; with ,softmax behind the last stage they become per cent"


@pytest.mark.parametrize(
    ("end", "arguments", "told"),
    [
        (",dense:w.npy", ["--top", "2"], True),
        (",dense:w.npy", ["--labels", "labels.txt"], True),
        (",dense:w.npy", [], False),
        (",dense:w.npy", ["-o", "v.npy"], False),
        (",dense:w.npy,softmax", ["--top", "2"], False),
        (",dense:w.npy,sigmoid", ["--top", "2"], False),
        ("", ["--top", "2"], False),  # nothing learned, no scores
    ],
)
def test_scores_of_a_network_are_told_how_to_become_per_cent(end, arguments, told):
    np.save("w.npy", np.random.default_rng(3).normal(size=(3, 12)).astype(np.float32))
    Path("labels.txt").write_text("red\ngreen\nblue\n")
    notes = [line for line in done(VECTOR + end, "photo.png", *arguments).messages if line.startswith("warning")]
    assert notes == [f"warning: photo.png: {NOTE}"] * told


@pytest.mark.parametrize(
    ("stages", "unit", "noted"),
    [
        ("globalavgpool,conv:7@1x1:random=3", "VALUE", True),
        ("globalavgpool,conv:7@1x1:random=3,softmax", "PERCENT", False),
        ("globalavgpool,conv:7@1x1:random=3,softmax,flatten", "PERCENT", False),
        ("avgpool:15,conv:7@1x1:random=3,softmax,flatten", "VALUE", True),  # a softmax at each of six places
        ("flatten", "VALUE", False),
    ],
)
def test_maps_of_a_point_each_are_told_as_a_vector_where_its_largest_are_asked_for(stages, unit, noted):
    result = done(stages, "photo.png", "--top", "2")
    values = maps(stages).ravel()
    lines = [line.split() for line in result.out.splitlines()]
    assert lines[0] == ["INDEX", unit]
    assert [int(index) for index, _ in lines[1:]] == np.argsort(-values, kind="stable")[:2].tolist()
    assert result.messages == [f"warning: photo.png: {NOTE}"] * noted


DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
LENET = "resize:32x32,normalize,lenet-5-1998:weights=nets/lenet.npz"


@pytest.fixture
def lenet():
    """The file of labels beside the weights of a network, which is not written yet."""
    Path("nets").mkdir()
    shapes = {"conv1": (6, 1, 5, 5), "conv2": (16, 6, 5, 5), "fc1": (120, 400), "fc2": (84, 120), "fc3": (10, 84)}
    named = {
        f"{layer}.{role}": shape[:n] for layer, shape in shapes.items() for role, n in (("weight", 4), ("bias", 1))
    }
    np.savez("nets/lenet.npz", **seeded.state(named))
    return Path("nets/lenet.labels.txt")


def test_labels_beside_the_file_of_a_network_are_found_and_told_of(lenet):
    lenet.write_text("\n".join(DIGITS))
    result = done(LENET, "grey.png", "--top", "2")
    values = maps(LENET, GREY)
    order = np.argsort(-values)[:2]
    lines = [line.split() for line in result.out.splitlines()]
    assert lines == [["INDEX", "PERCENT", "LABEL"], *([str(i), f"{values[i]:.2%}", DIGITS[i]] for i in order)]
    assert result.messages == ["labels from nets/lenet.labels.txt"]
    quiet = done(LENET, "-", "--top", "1", "--json", "-q", stdin=Path("grey.png").read_bytes())
    assert quiet.err == ""
    assert json.loads(quiet.out)["values"][0]["label"] == DIGITS[order[0]]
    Path("others.txt").write_text("\n".join("abcdefghij"))
    asked = done(LENET, "grey.png", "--top", "1", "--labels", "others.txt")
    assert asked.messages == []
    assert asked.out.split()[-1] == "abcdefghij"[order[0]]
    inner = done(LENET, "grey.png", "--node", "fc3", "--top", "1")
    assert (len(inner.out.splitlines()[1].split()), inner.messages) == (2, [])
    written = done(LENET, "grey.png", "-o", "v.npy")
    assert written.messages == ["wrote v.npy  10 float32"]


def test_labels_that_do_not_fit_are_left_out_and_told_of(lenet):
    lenet.write_text("\n".join(DIGITS[1:]))
    result = done(LENET, "grey.png")
    assert result.out.splitlines()[0] == "INDEX  PERCENT"
    assert result.messages == ["nets/lenet.labels.txt holds 9 labels for 10 results, and is left out"]
    unknown = done(LENET, "-", stdin=Path("grey.png").read_bytes())  # of what size, nobody knows yet
    assert unknown.out == result.out
    lenet.write_bytes(b"\xff\xfe\xff")
    result = done(LENET, "grey.png")
    assert result.messages == ["labels 'nets/lenet.labels.txt': no text in UTF-8 or UTF-16; they are left out"]
    lenet.unlink()
    assert done(LENET, "grey.png").messages == []


def test_several_inputs_give_a_table_each():
    result = run("run", "maxpool:30x45,flatten", "photo.png", "none.png", "grey.png", "-v")
    assert result.exit_code == 1
    high = PHOTO.max(axis=(0, 1))
    assert result.out == (
        f"photo.png:\nINDEX  VALUE\n    0  {high[0]}\n    1  {high[1]}\n    2  {high[2]}\n\n"
        f"grey.png:\nINDEX  VALUE\n    0  {GREY.max()}\n\n"
    )
    assert result.messages == [
        "30x45x3  photo.png",
        "1x1x3    maxpool:30x45",
        "3        flatten",
        "cnnfilter: error: none.png: no such file",
        "30x45x1  grey.png",
        "1x1x1    maxpool:30x45",
        "1        flatten",
        "2 done, 1 failed",
    ]


def test_a_vector_may_be_json():
    Path("labels.txt").write_text("".join(f"label {i}\n" for i in range(12)))
    lines = done(VECTOR, "photo.png", "photo.png", "--json", "-q").out.splitlines()
    first, second = (json.loads(line) for line in lines)
    assert first.pop("seconds") > 0
    expected = [{"index": i, "value": value} for i, value in enumerate(maps(VECTOR).tolist())]
    assert first == {
        "input": "photo.png", "output": None, "size": None, "format": None, "clipped": None, "notes": [],
        "skipped": False, "error": None, "shape": [12], "values": expected,
    }  # fmt: skip
    assert second["values"] == expected
    result = done(VECTOR, "photo.png", "--json", "--top", "1", "--labels", "labels.txt")
    (largest,) = json.loads(result.out)["values"]
    assert largest == {**max(expected, key=lambda each: each["value"]), "label": f"label {largest['index']}"}


def test_values_that_are_not_finite_are_null_in_json_and_last_in_order():
    np.save("x.npy", np.array([[np.nan, 1, np.inf, 2]], np.float32))
    result = done("flatten", "x.npy", "--json", "--top", "4")
    values = [(each["index"], each["value"]) for each in json.loads(result.out)["values"]]
    assert values == [(2, None), (3, 2.0), (1, 1.0), (0, None)]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [(["-o", "v.npy"], "v.npy"), (["-o", "out/"], "out/photo-chain.npy"), (["--format", "npy"], "photo-chain.npy")],
)
def test_a_vector_may_be_an_array(arguments, name):
    assert done(VECTOR, "photo.png", *arguments).messages == [f"wrote {name}  12 float32"]
    np.testing.assert_array_equal(np.load(name), maps(VECTOR))


def test_a_vector_may_be_in_an_archive():
    done(VECTOR, "photo.png", "-o", "v.npz")
    with np.load("v.npz") as archive:
        np.testing.assert_array_equal(archive["vector"], maps(VECTOR))


def test_a_small_cnn_equals_the_definitions_composed_by_hand():
    picture = np.random.default_rng(1).integers(0, 256, (16, 22, 3), dtype=np.uint8)
    save("digit.png", picture)
    text, definition = small_cnn()
    done(text, "digit.png", "-o", "digit.npy")
    assert_close(np.load("digit.npy"), definition(picture))
    Path("net.txt").write_text(text.replace(",", "\n"))
    values = [each["value"] for each in json.loads(done("@net.txt", "digit.png", "--json").out)["values"]]
    np.testing.assert_allclose(values, definition(picture), atol=2e-5)


def test_the_maps_of_a_small_cnn_equal_their_definition():
    picture = np.random.default_rng(1).integers(0, 256, (16, 22, 3), dtype=np.uint8)
    save("digit.png", picture)
    text, _ = small_cnn()
    done(",".join(text.split(",")[:4]), "digit.png", "-o", "digit.npy")
    with np.load("net.npz") as net:
        expected = reference.conv2d(reference.normalize(picture), net["conv1.weight"], net["conv1.bias"], padding=1)
    assert_close(np.load("digit.npy"), reference.max_pool2d(reference.relu(expected), 2))
