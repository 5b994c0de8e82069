"""Pictures are changed by chance that repeats, as each word says, and colours between black and white."""

import numpy as np
import pytest
from scipy import ndimage

from cnnfilter.errors import ArgumentError
from cnnfilter.learning.data.augmenting import KINDS, Ends, augmented, check_augment, parse_augment
from cnnfilter.learning.data.dataset import Stacked
from cnnfilter.learning.data.preparing import Prepared
from cnnfilter.learning.random import generator
from cnnfilter.network.grammar import parse

COLOURS = np.random.default_rng(2).random((30, 3, 7, 9)).astype(np.float32)
PLAIN = Ends(np.zeros((1, 1, 1), np.float32), np.ones((1, 1, 1), np.float32))


def changed(maps, word, ends=PLAIN):
    return augmented(maps, parse_augment(word), generator(5, 1), ends)


def test_changes_are_what_they_say():
    maps = np.random.default_rng(1).random((40, 2, 6, 6)).astype(np.float32)
    for word, ways in (
        ("flip", [lambda each: each, lambda each: each[..., ::-1]]),
        ("upside", [lambda each: each, lambda each: each[:, ::-1]]),
        ("turn", [lambda each, n=n: np.rot90(each, n, (1, 2)) for n in range(4)]),
    ):
        found = changed(maps, word)
        seen = [
            [way for way, make in enumerate(ways) if np.array_equal(make(a), b)]
            for a, b in zip(maps, found, strict=True)
        ]
        assert {way for (way,) in seen} == {*range(len(ways))}
        np.testing.assert_array_equal(found, changed(maps, word))


def test_a_shift_repeats_the_rim():
    maps = np.arange(36, dtype=np.float32).reshape(1, 1, 6, 6).repeat(30, 0)
    found = changed(maps, "shift=1")
    padded = np.pad(maps[0, 0], 1, mode="edge")
    seen = set()
    for each in found[:, 0]:
        ((row, column),) = [
            (r, c) for r in range(3) for c in range(3) if np.array_equal(each, padded[r : r + 6, c : c + 6])
        ]
        seen.add((row, column))
    assert len(seen) > 6
    assert changed(maps, "flip,shift").shape == maps.shape


@pytest.mark.parametrize(("word", "degrees", "most"), [("rotate=40", 40, 0), ("zoom=0.5", 0, 0.5)])
def test_what_is_turned_or_enlarged_lies_where_scipy_has_it(word, degrees, most):
    found = changed(COLOURS, word)
    draws = generator(5, 1).uniform(-1, 1, len(COLOURS))
    centre = np.array([3.0, 4.0])
    for each, result, draw in zip(COLOURS, found, draws, strict=True):
        angle, scale = np.radians(degrees * draw), 1 + most * draw
        matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / scale
        for plane, made in zip(each, result, strict=True):
            wanted = ndimage.affine_transform(plane, matrix, centre - matrix @ centre, order=1, mode="nearest")
            np.testing.assert_allclose(made, wanted, atol=1e-5)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(changed(COLOURS[:, :, :1, :1], word), COLOURS[:, :, :1, :1])


def luma(maps):
    return np.tensordot([0.299, 0.587, 0.114], maps, (0, 1))[:, None]


def test_colours_are_changed_as_they_say():
    middle = 0.4 + 0.2 * COLOURS  # which none of these brings to black or white
    mean = luma(middle).mean(axis=(2, 3), keepdims=True)
    for word, rest in (("brightness=0.5", 0 * mean), ("contrast=0.5", mean), ("saturation=0.5", luma(middle))):
        factors = (changed(middle, word) - rest) / (middle - rest)
        each = np.median(factors.reshape(30, -1), axis=1)
        np.testing.assert_allclose(changed(middle, word), rest + each[:, None, None, None] * (middle - rest), atol=1e-5)
        assert 0.5 <= each.min() < 0.6
        assert 1.4 < each.max() <= 1.5
    grey = COLOURS[:, :1]
    assert changed(grey, "contrast").shape == grey.shape
    assert [name for name, kind in KINDS.items() if kind.of_colours] == ["brightness", "contrast", "saturation"]


def test_colours_stay_between_black_and_white_as_they_were_prepared():
    pictures = np.rint(COLOURS.transpose(0, 2, 3, 1) * 255).astype(np.uint8)
    prepared = Prepared(Stacked(pictures, "d"), parse("normalize:imagenet"), 10**6, 1)
    ends = prepared.ends()
    for value, end in ((0, ends.black), (1, ends.white)):
        np.testing.assert_allclose(
            end[:, 0, 0], (value - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225], rtol=1e-6
        )
    maps = prepared.maps(np.arange(30))
    found = changed(maps, "brightness=1,contrast=1", ends)
    plain = changed(pictures.transpose(0, 3, 1, 2) / np.float32(255), "brightness=1,contrast=1")
    np.testing.assert_allclose((found - ends.black) / (ends.white - ends.black), plain, atol=1e-5)
    assert plain.max() == 1
    bright = 16 * COLOURS  # floats may lie beyond
    assert changed(bright, "brightness=1").max() == bright.max()


def test_changes_that_cannot_be_are_refused():
    assert parse_augment("") == ()
    for text, reason in (
        ("spin", "unknown augmentation 'spin'"),
        ("flip=2", "flip takes no number; shift=N, rotate=N, zoom=N, brightness=N, contrast=N and saturation=N do"),
        ("shift=0", "at least 1"),
        ("rotate=181", "^rotate must be a number above 0, up to 180, not '181'$"),
        ("zoom=nan", "^zoom must be a number above 0, up to 0.9, not 'nan'$"),
        ("contrast=much", "^contrast must be a number above 0, up to 1, not 'much'$"),
    ):
        with pytest.raises(ArgumentError, match=reason):
            parse_augment(text)
    with pytest.raises(ArgumentError, match="turn is for square pictures, and these are 4x5"):
        check_augment(parse_augment("turn"), (4, 5, 1))
    with pytest.raises(ArgumentError, match="shift=4 moves all of 4x5"):
        check_augment(parse_augment("shift=4"), (4, 5, 1))
    with pytest.raises(ArgumentError, match="saturation is for pictures of three channels, and these have 1"):
        check_augment(parse_augment("saturation"), (4, 5, 1))
    check_augment(parse_augment("rotate,saturation,shift=3"), (4, 5, 3))
