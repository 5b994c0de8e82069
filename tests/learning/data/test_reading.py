"""Labelled pictures out of folders, arrays, IDX files and lists, and what is refused of them in one line."""

import gzip
import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from cnnfilter.errors import ArgumentError, CnnfilterError, PictureError
from cnnfilter.learning.data import filed, folders
from cnnfilter.learning.data.arrays import given
from cnnfilter.learning.data.reading import read_data
from tests.learning.strokes import LABELS, strokes

MEMORY = 10**8
PICTURES, CLASSES = strokes(12)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tree(root, count=12, labels=LABELS):
    pictures, classes = strokes(count)
    for number, (picture, kind) in enumerate(zip(pictures, classes, strict=True)):
        place = Path(root) / labels[kind]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{number:02}.png")


def idx(array, name):
    data = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
    Path(name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


def read(name, memory=MEMORY):
    return read_data(Path(name), memory)


def same(dataset, pictures=PICTURES, classes=CLASSES):
    assert [dataset.labels[number] for number in dataset.classes] == [dataset.labels[number] for number in classes]
    for number, picture in enumerate(pictures):
        np.testing.assert_array_equal(dataset.source.picture(number)[..., 0], picture)


def test_a_folder_has_a_folder_for_each_class():
    tree("data")
    Path("data/lie/notes.txt").write_text("no picture")
    Path("data/lie/.hidden.png").write_text("no picture")
    Path("data/lie/deeper").mkdir()
    Path("data/empty").mkdir()
    found = read("data")
    assert found.labels == LABELS
    assert len(found) == 12
    assert sorted(found.classes.tolist()) == [0] * 4 + [1] * 4 + [2] * 4
    assert found.notes == [
        "without pictures, and left out: 'empty'",
        "left out of the folders of classes: 1 other file and 1 folder in them",
    ]
    np.testing.assert_array_equal(found.source.picture(0)[..., 0], PICTURES[0])
    assert found.source.name(0) == "data/lean/00.png"
    assert not found.source.is_certain


def test_a_folder_may_be_divided_already():
    tree("data/train")
    tree("data/val", 6)
    found = read("data")
    assert (len(found), len(found.validation)) == (12, 6)


def test_numpy_files_are_read_as_keras_has_them():
    np.savez("d.npz", x_train=PICTURES, y_train=CLASSES, x_test=PICTURES[:3], y_test=CLASSES[:3, None])
    found = read("d.npz")
    assert found.labels == ("0", "1", "2")
    same(found)
    same(found.validation, PICTURES[:3], CLASSES[:3])
    assert found.source.name(5) == "picture 5 of d.npz"
    assert found.source.is_certain
    np.savez_compressed("e.npz", images=PICTURES.astype(float)[..., None], labels=CLASSES + 5.0)
    found = read("e.npz")
    assert found.labels == ("5", "6", "7")
    assert found.source.picture(0).dtype == np.float32
    assert found.notes == ["array 'images' holds floats up to 229, of which 1 is white; as uint8 255 would be"]
    same(found)


@pytest.mark.parametrize("end", ["", ".gz"])
def test_idx_files_are_read_by_one_of_them_or_their_folder(end):
    idx(PICTURES, f"train-images-idx3-ubyte{end}")
    idx(CLASSES.astype(np.uint8), f"train-labels-idx1-ubyte{end}")
    for name in (f"train-images-idx3-ubyte{end}", "."):
        same(read(name))
    assert read(".").validation is None
    idx(PICTURES[:3], f"t10k-images-idx3-ubyte{end}")
    idx(CLASSES[:3].astype(np.uint8), "t10k-labels-idx1-ubyte")
    same(read(".").validation, PICTURES[:3], CLASSES[:3])
    assert read(f"t10k-images-idx3-ubyte{end}").validation is None


@pytest.mark.parametrize(("between", "head"), [(",", "file,label\n"), (";", ""), ("\t", "Path\tClass\r\n")])
def test_a_list_has_files_and_labels(between, head):
    tree("data")
    lines = [f"data/{LABELS[kind]}/{number:02}.png{between}{LABELS[kind]}\n" for number, kind in enumerate(CLASSES)]
    Path("list.csv").write_text(head + "\n".join(lines))
    found = read("list.csv")
    assert found.labels == LABELS
    same(found)


def test_arrays_are_taken_from_programs():
    same(given(PICTURES, CLASSES))
    found = given(PICTURES, [LABELS[kind] for kind in CLASSES])
    assert found.labels == LABELS
    same(found)
    for pictures, classes in ((PICTURES, CLASSES[:3]), (PICTURES[0], CLASSES), ("no", CLASSES), (PICTURES, [[1]] * 12)):
        with pytest.raises(ArgumentError) as caught:
            given(pictures, classes)
        assert "one-hot" not in str(caught.value)
    with pytest.raises(ArgumentError, match=r"a class \(N,\) for each; of one-hot rows that is classes.argmax\(1\)$"):
        given(PICTURES, np.eye(3)[CLASSES])


def test_a_picture_that_cannot_be_read_says_why():
    Path("d.csv").write_text("no.png,a\nbad\0.png,b\n")
    source = read("d.csv").source
    for number in (0, 1):
        with pytest.raises(PictureError, match="no such file"):
            source.picture(number)


def raising(path):
    raise OSError(5, "it is broken")


def refused(name, reason, memory=MEMORY):
    with pytest.raises(CnnfilterError, match=reason) as caught:
        read(name, memory)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_what_is_no_data_is_refused(monkeypatch):
    refused("no", "^no: no such file$")
    refused("a\0b", "no such file")
    Path("a.txt").write_text("text")
    refused("a.txt", "is no data to learn from: give a folder")
    Path("flat").mkdir()
    refused("flat", "flat holds no folders with pictures, one for each class$")
    Image.fromarray(PICTURES[0]).save("flat/a.png")
    refused("flat", "; 1 lie in it without one$")
    tree("data")
    monkeypatch.setattr(folders, "MAX_FILES", 3)
    refused("data", "data holds more than 3 pictures")
    monkeypatch.setattr(folders.os, "scandir", raising)
    refused("data", "^data: it is broken$")


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"a": PICTURES}, "it holds 'a', and none of the pairs x_train and y_train"),
        ({"x": PICTURES, "y": CLASSES[:3]}, "there are 12 pictures and 3 numbers of classes"),
        ({"x": PICTURES[0], "y": CLASSES}, "'x' is 12x12; pictures are"),
        (
            {"x": PICTURES, "y": np.ones((12, 3))},
            "'y' is 12x3; .* one class for each picture; of one-hot rows that is y.argmax\\(1\\)$",
        ),
        ({"x": PICTURES, "y": np.ones((12, 3, 1))}, "'y' is 12x3x1; .* one class for each picture$"),
        ({"x": PICTURES, "y": CLASSES + 0.5}, "a class has the number 0.5"),
        (
            {"x": PICTURES, "y": np.array(["a"] * 12)},
            "'y' is of type <U1; .* give each name one, as np.unique\\(y, return_inverse=True\\)",
        ),
        ({"x": np.array(["a"] * 12), "y": CLASSES}, "'x' is of type <U1; it must hold real numbers$"),
        ({"x": PICTURES * np.nan, "y": CLASSES}, "'x' holds values that are not finite"),
        ({"x": np.array([{}] * 12), "y": CLASSES}, "'x' is of type object"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays, reason):
    np.savez("d.npz", **arrays)
    refused("d.npz", f"^d.npz: .*{reason}")


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32, np.float64, np.int16])
def test_pictures_that_are_larger_than_memory_are_read_from_a_file(kind):
    pictures, classes = PICTURES.astype(kind), CLASSES.astype(np.uint8)
    colours = np.stack([pictures, pictures // 2, pictures], axis=3)
    np.savez("stored.npz", x=pictures, y=classes, x_test=colours, y_test=classes)
    np.savez_compressed("packed.npz", x=colours, y=classes)
    small = 100  # bytes, which the classes take alone
    for name in ("stored.npz", "packed.npz"):
        whole, found = read(name), read(name, small)
        assert (found.labels, found.classes.tolist(), found.notes) == (
            whole.labels,
            whole.classes.tolist(),
            whole.notes,
        )
        for one, other in ((whole, found), (whole.validation, found.validation)):
            for number in range(12 if one is not None else 0):
                wanted, picture = one.source.picture(number), other.source.picture(number)
                np.testing.assert_array_equal(picture, wanted)
                assert picture.dtype == wanted.dtype
        assert (len(found.source), found.source.held, found.source.is_certain) == (12, 0, True)
        assert found.source.name(3) == f"picture 3 of {name}"
        assert whole.source.held == whole.source.picture(0).nbytes * 12


@pytest.mark.parametrize("end", ["", ".gz"])
def test_idx_files_that_are_larger_than_memory_are_read_as_they_are_asked_for(end):
    idx(PICTURES, f"images-idx3{end}")
    idx(CLASSES.astype(np.uint8), "labels-idx1")
    same(read(f"images-idx3{end}", 100))
    refused(f"images-idx3{end}", "^labels-idx1: it tells of 0 MB, and --memory allows 0 MB", 10)


def test_what_there_is_no_room_for_is_refused_before_it_is_read(monkeypatch):
    np.savez("d.npz", x=PICTURES, y=CLASSES)
    refused("d.npz", "'y' takes 0 MB, and --memory allows 0 MB", 10)
    np.savez("columns.npz", x=np.asfortranarray(PICTURES), y=CLASSES)
    refused("columns.npz", "'x' is stored by columns, and larger than --memory allows; give it more", 100)
    np.savez("bad.npz", x=np.where(PICTURES.max() == PICTURES, np.nan, 1.0), y=CLASSES)
    refused("bad.npz", "'x' holds values that are not finite", 100)
    idx(CLASSES.astype(np.uint8), "labels-idx1")
    Path("images-idx3").write_bytes(b"\0\0\x08\x03" + b"\0\0\0\x0c" + b"\0\0\x10\0" * 2)
    refused("images-idx3", "it tells of 201326592 bytes of numbers, but 0 follow")
    Path("images-idx3").write_bytes(gzip.compress(b"\0\0\x08\x03" + b"\0\0\0\x0c" + b"\0\0\x10\0" * 2 + b"abc"))
    refused("images-idx3", "it tells of 201326592 bytes of numbers, but 3 follow", 1000)
    monkeypatch.setattr(filed.shutil, "disk_usage", lambda folder: SimpleNamespace(free=10**6))
    refused("images-idx3", "it takes 201 MB, more than --memory allows, and .* has room for 1 MB", 1000)


def test_damaged_arrays_are_refused():
    Path("d.npz").write_bytes(b"PK")
    refused("d.npz", "^d.npz: the end of the zip file is missing")
    idx(PICTURES, "images.idx3")
    refused("images.idx3", "there is no labels.idx1 beside it")
    for labels, reason in (
        (b"", "no IDX file"),
        (b"\0\0\x08\x01\0\0", "it is cut off"), (b"\0\0\x08\x01\0\0\0\x05abc", "but 3 follow"),
        (b"\0\0\x08\x01\0\0\0\x05abcdefg", "but more follow"), (b"\x1f\x8b no", "^labels.idx1: damaged"),
        (b"\0\0\x77\x01", "no IDX file"),
    ):  # fmt: skip
        Path("labels.idx1").write_bytes(labels)
        refused("images.idx3", reason)
    idx(PICTURES, "labels.idx1")
    refused("images.idx3", "labels.idx1 holds an array of 3 axes; classes have one")


def test_a_list_may_name_its_columns():
    tree("data")
    for name, text in (
        ("turned.csv", "Label;Image\nlie;data/lie/01.png\nstand;data/stand/02.png\n"),
        ("more.csv", "id,split,path,class\n7,a,data/lie/01.png,lie\n8,b,data/stand/02.png,stand\n"),
    ):
        Path(name).write_text(text)
        found = read(name)
        assert (found.labels, found.classes.tolist()) == (("lie", "stand"), [0, 1])
        assert found.source.name(1) == "data/stand/02.png"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "it lists 0 pictures"),
        (b"a.png\n", "line 1: a line is FILE,LABEL, not 'a.png'"),
        (b"a.png,b\n\na.png,\n", "line 3: a line is FILE,LABEL"),
        (b"a.png,b,c\n", "line 1"),
        (b"id,path,class\n7,a.png\n", "line 2: a line has 3 columns, a file and a label among them, not '7,a.png'"),
        (b'a.png,"b\n', "no CSV"),
        (b"\xff\xff,a", "no text in UTF-8"),
        (b"a.png," + b"b" * 1001, "line 1"),
    ],
)
def test_lists_that_are_none_are_refused(text, reason):
    Path("list.csv").write_bytes(text)
    refused("list.csv", f"^list.csv.*{reason}")


def test_a_list_that_is_too_long_or_gone_is_refused(monkeypatch):
    from cnnfilter.learning.data import lists

    Path("list.csv").write_text("a.png,b\n")
    monkeypatch.setattr(lists, "MAX_BYTES", 3)
    refused("list.csv", "larger than a list may be")
    with pytest.raises(ArgumentError, match="^gone.csv: No such file"):
        lists.read_list(Path("gone.csv"))
