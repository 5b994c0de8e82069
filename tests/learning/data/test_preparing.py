"""Pictures are prepared once, kept as far as memory allows, divided by class, and changed by chance that repeats."""

import numpy as np
import pytest
from PIL import Image

from cnnfilter.errors import ArgumentError, PictureError, ShapeError
from cnnfilter.learning.data.dataset import Dataset, Files, Stacked
from cnnfilter.learning.data.preparing import Prepared, divided, readable_ones
from cnnfilter.learning.data.splitting import same_labels, split, told_missing
from cnnfilter.network.grammar import parse
from cnnfilter.pipeline import Pipeline
from tests.learning.strokes import strokes

PICTURES, CLASSES = strokes(12)
NONE = parse("relu").up_to(-1)


def test_what_prepares_a_picture_comes_before_what_learns():
    for text, count in (
        ("resize:8x8,gray,normalize,conv:2@3x3,normalize", 3),
        ("conv:2@3x3,gray", 0),
        ("resize:8x8,gray:as=g,conv:1@3x3:padding=1,add:g", 2),
        ("resize:8x8:as=r,gray,rgb,add:r,conv:2@3x3", 1),
        ("resize:8x8:as=r,conv:3@3x3:padding=1,add:in", 0),
    ):
        before, rest = divided(parse(text))
        assert len(before) == count, text
        assert len(rest) == len(parse(text)) - count
        assert all(read < number for number, node in enumerate(rest) for read in node.reads)


@pytest.mark.parametrize("memory", [10**7, 2000])
@pytest.mark.parametrize("threads", [1, 3])
def test_pictures_are_those_that_the_stages_make(tmp_path, memory, threads):
    paths = []
    for number, picture in enumerate(PICTURES):
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(picture).resize((20 + number, 16)).convert("RGB").save(paths[-1])
    paths[4].write_bytes(b"no picture")
    stages = parse("resize:8x8,gray,normalize")
    prepared = Prepared(Files(paths), stages, memory, threads)
    assert list(prepared.survey()) == [*range(1, 13)]
    assert [number for number, _ in prepared.unreadable] == [4]
    assert prepared.unreadable[0][1].startswith(f"{paths[4]}: ")
    assert (prepared.shape, prepared.scale) == ((8, 8, 1), 255)
    there = readable_ones(prepared, 12)
    wanted = np.stack([Pipeline(stages)(np.asarray(Image.open(paths[number]))) for number in there])
    for _ in range(2):
        np.testing.assert_array_equal(prepared.maps(np.array(there)), wanted)
    np.testing.assert_array_equal(prepared.maps(np.array([6, 0, 6])), wanted[[5, 0, 5]])


def test_a_picture_that_is_gone_later_is_told(tmp_path):
    for name in ("a.png", "b.png"):
        Image.fromarray(PICTURES[0]).save(tmp_path / name)
    prepared = Prepared(Files([tmp_path / "a.png", tmp_path / "b.png"]), NONE, 600, 1)
    list(prepared.survey())
    (tmp_path / "b.png").unlink()
    with pytest.raises(PictureError, match=r"b\.png: no such file"):
        prepared.maps(np.array([0, 1]))


def test_arrays_are_prepared_when_they_are_asked_for():
    prepared = Prepared(Stacked(PICTURES, "d"), NONE, 10**6, 1)
    assert list(prepared.survey()) == []
    np.testing.assert_array_equal(prepared.maps(np.array([3, 5]))[:, 0], PICTURES[[3, 5]])
    np.testing.assert_array_equal(prepared.maps(np.array([5, 7]))[:, 0], PICTURES[[5, 7]])


def test_pictures_of_other_sizes_are_refused_with_a_way_out(tmp_path):
    Image.fromarray(PICTURES[0]).save(tmp_path / "a.png")
    both = "resize:12x12 and gray, or rgb,"
    for shape, way in (((9, 12), "resize:12x12"), ((12, 12, 3), "gray, or rgb,"), ((9, 12, 3), both)):
        Image.fromarray(np.zeros(shape, np.uint8)).save(tmp_path / "b.png")
        prepared = Prepared(Files([tmp_path / name for name in ("a.png", "b.png", "a.png")]), NONE, 10**6, 2)
        first = r"a\.png 12x12x1 \(height x width x channels\)"
        with pytest.raises(ShapeError, match=rf"b\.png is {'x'.join(map(str, shape))}.*{first}; put {way}"):
            list(prepared.survey())


def test_nothing_to_read_or_no_room_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no")
    with pytest.raises(ArgumentError, match=r"no picture can be read; the last, .*a\.png"):
        Prepared(Files([tmp_path / "a.png"]), NONE, 10**6, 1)
    with pytest.raises(ArgumentError, match="one picture takes 0 MB, and --memory allows"):
        Prepared(Stacked(PICTURES, "d"), NONE, 10, 1)
    with pytest.raises(ShapeError, match="picture 0 of d: .*crop"):
        Prepared(Stacked(PICTURES, "d"), parse("crop:99x99"), 10**6, 1)


def test_a_part_of_each_class_is_held_back():
    classes = np.array([0] * 20 + [1] * 10 + [2])
    training, validation = split(classes, 0.2, 3)
    assert np.bincount(classes[validation], minlength=3).tolist() == [4, 2, 0]
    assert sorted([*training, *validation]) == [*range(31)]
    assert split(classes, 0.2, 3)[1].tolist() == validation.tolist()
    assert split(classes, 0.2, 4)[1].tolist() != validation.tolist()
    assert len(split(classes, 0.0, 3)[1]) == 0
    assert len(split(classes, 0.99, 3)[0]) == 3


def test_classes_of_both_parts_are_the_same():
    training = Dataset(Stacked(PICTURES, "d"), CLASSES, ("a", "b", "c"))
    other = same_labels(training, Dataset(Stacked(PICTURES[:2], "d"), np.array([0, 1]), ("a", "c")))
    assert other.classes.tolist() == [0, 2]
    assert told_missing(training, other.classes) == "the validation part has no picture of 'b'"
    assert told_missing(training, CLASSES) is None
    with pytest.raises(ArgumentError, match="the classes 'd', which the training part has not"):
        same_labels(training, Dataset(Stacked(PICTURES[:1], "d"), np.array([0]), ("d",)))
