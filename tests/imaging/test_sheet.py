import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cnnfilter import conv2d
from cnnfilter.errors import ArgumentError, ShapeError
from cnnfilter.imaging import grid, sheet
from cnnfilter.imaging.colormaps import NOT_FINITE, table
from cnnfilter.imaging.grid import Text, arrange
from cnnfilter.imaging.sheet import contact_sheet

SAMPLES = Path(__file__).parents[2] / "samples"
MARGIN = 12
"""Of sheets whose font has its smallest size."""


def ramps(count, height=40, width=70, low=0.0):
    """Maps that all differ; the k-th goes from `low` to k + 1."""
    ramp = np.linspace(0, 1, height * width, dtype=np.float32).reshape(height, width)
    return np.stack([low + ramp * (k + 1 - low) for k in range(count)])


def first_tile(picture, height, width):
    return picture.pixels[MARGIN + 1 : MARGIN + 1 + height, MARGIN + 1 : MARGIN + 1 + width]


@pytest.fixture
def written(monkeypatch):
    """All lines that are drawn, with their boxes (top, left, bottom, right)."""
    lines = []
    draw = sheet.Lettering.draw

    def recorded(self, canvas, top, left, text, colour):
        box = (top, left, top + self.line, left + self.width(text))
        assert box[2] <= canvas.shape[0]
        assert box[3] <= canvas.shape[1]
        lines.append((text, box))
        draw(self, canvas, top, left, text, colour)

    monkeypatch.setattr(sheet.Lettering, "draw", recorded)
    return lines


def texts(written):
    return [text for text, _ in written if text]


def assert_apart(boxes):
    for index, (top, left, bottom, right) in enumerate(boxes):
        for other in boxes[index + 1 :]:
            assert bottom <= other[0] or other[2] <= top or right <= other[1] or other[3] <= left


def test_a_map_keeps_its_size_and_spans_the_colours():
    maps = ramps(1, 200, 300)
    picture = contact_sheet(maps)
    assert picture.pixels.dtype == np.uint8
    assert picture.alpha is None
    assert (picture.format, picture.notes) == ("PNG", ())
    expected = table("viridis")[np.rint(maps[0].astype(np.float64) * 255).astype(int)]
    np.testing.assert_array_equal(first_tile(picture, 200, 300), expected)


def test_a_small_map_is_enlarged_by_a_whole_factor():
    picture = contact_sheet([[[0, 1], [2, 3]]], colormap="gray")
    expected = np.repeat(np.repeat([[0, 85], [170, 255]], 64, 0), 64, 1)
    np.testing.assert_array_equal(first_tile(picture, 128, 128)[..., 0], expected)


def test_scaling_by_map_uses_each_maps_range_and_global_that_of_all():
    maps = ramps(2, 128, 128)
    assert first_tile(contact_sheet(maps), 128, 128)[-1, -1].tolist() == table("viridis")[255].tolist()
    common = first_tile(contact_sheet(maps, scaling="global"), 128, 128)
    assert common[-1, -1].tolist() == table("viridis")[128].tolist()


def test_one_negative_value_makes_the_whole_sheet_diverging():
    maps = ramps(2, 128, 128)
    maps[1, 0, 0] = -1
    tile = first_tile(contact_sheet(maps), 128, 128)
    assert tile[0, 0].tolist() == table("blue-white-red")[127].tolist()
    assert tile[-1, -1].tolist() == table("blue-white-red")[254].tolist()


def test_labels_hold_index_and_extremes_and_the_legend_the_rest(written):
    contact_sheet(ramps(3, low=-2))
    assert texts(written) == [
        *("0", "-2 to 1", "1", "-2 to 2", "2", "-2 to 3"),
        *("3 maps of 40x70", "each map on its own scale", "-max |v|", "max |v|", "0"),
    ]


def test_a_common_scale_has_its_numbers_in_the_legend(written):
    contact_sheet(ramps(3, low=-2), scaling="global")
    assert texts(written)[6:] == ["3 maps of 40x70", "all maps on one scale", "-3", "3", "0"]


def test_a_single_map_has_numbers_in_the_legend(written):
    contact_sheet(ramps(1))
    assert texts(written) == ["0", "0 to 1", "1 map of 40x70", "0", "1"]


def test_maps_of_their_own_sequential_scales_have_no_common_0(written):
    contact_sheet(ramps(2, low=-2), colormap="gray")
    assert texts(written)[-2:] == ["min", "max"]


@pytest.mark.parametrize(("low", "zero"), [(-1, ["0"]), (-0.01, [])])
def test_0_is_written_at_its_place_only_where_there_is_room(written, low, zero):
    contact_sheet([[[low, 1]]], colormap="magma")
    assert texts(written)[-1 - len(zero) :] == ["1", *zero]


def test_dead_maps_are_hatched_named_and_explained(written):
    maps = ramps(4)
    maps[1] = maps[3] = 0
    picture = contact_sheet(maps, columns=1)
    assert texts(written).count("dead: all 0") == 2
    assert texts(written)[-1] == "dead: all values 0"
    assert picture.notes == ("dead, all values 0: 2 maps (1, 3)",)
    top = next(box[0] for text, box in written if text == "dead: all 0")
    tile = picture.pixels[top - 50 : top - 25, MARGIN + 1 : MARGIN + 71]
    assert set(tile.reshape(-1).tolist()) == {236, 184}


def test_a_constant_map_is_not_dead(written):
    maps = ramps(2, 128, 128)
    maps[1] = 2.5
    picture = contact_sheet(maps)
    assert texts(written)[:4] == ["0", "0 to 1", "1", "all 2.5"]
    assert picture.notes == ()
    left = next(box for text, box in written if text == "1")[1]
    assert picture.pixels[MARGIN + 20, left + 20].tolist() == table("viridis")[255].tolist()


@pytest.mark.parametrize("sign", [1, -1])
def test_an_outlier_does_not_pale_its_map(written, sign):
    maps = ramps(2, 128, 128)
    maps[1, 5, 5] = sign * 1000
    picture = contact_sheet(maps, colormap="viridis", columns=2)
    assert texts(written)[3] == ("0 to 1000" if sign == 1 else "-1000 to 2")
    assert "colours of 1 map end at the 99.5th percentile; outliers lie beyond" in texts(written)
    left = next(box for text, box in written if text == "1")[1] + 1
    tile = picture.pixels[MARGIN + 1 : MARGIN + 129, left : left + 128]
    ends = table("viridis")[[0, 255]]
    np.testing.assert_array_equal(tile[5, 5], ends[(1 + sign) // 2])
    np.testing.assert_array_equal(tile[[0, -1], [0, -1]], ends)


def test_an_outlier_of_one_map_does_not_pale_the_others(written):
    maps = ramps(3, 128, 128)
    maps[2, 7, 7] = 1e30
    picture = contact_sheet(maps, scaling="global")
    tile = first_tile(picture, 128, 128).reshape(-1, 3)
    assert len(np.unique(tile, axis=0)) > 80
    assert texts(written)[6:9] == [
        "3 maps of 128x128", "all maps on one scale",
        "colours end at the 99.5th percentile; outliers lie beyond",
    ]  # fmt: skip
    assert float(texts(written)[-1]) == pytest.approx(2.97, abs=0.02)


def test_what_is_rare_but_near_is_no_outlier(written):
    sparse = np.zeros((2, 128, 128), np.float32)
    sparse[:, 3, :5] = [1, 2, 3, 4, 5]
    contact_sheet(sparse)
    assert not [text for text in texts(written) if "percentile" in text]


def test_a_sheet_of_dead_maps_has_no_bar(written):
    picture = contact_sheet(np.zeros((12, 4, 4)))
    assert texts(written)[-3:] == [
        "12 maps of 4x4, enlarged 32 times", "each map on its own scale", "dead: all values 0",
    ]  # fmt: skip
    assert picture.notes == ("dead, all values 0: 12 maps (0, 1, 2, 3, 4, 5, 6, 7, ...)",)


def test_what_is_not_finite_is_magenta_counted_and_explained(written):
    maps = ramps(3, 128, 128)
    maps[0, :2, :3] = np.nan
    maps[0, 5, 5] = -np.inf
    maps[2] = np.inf
    picture = contact_sheet(maps)
    tile = first_tile(picture, 128, 128)
    assert (tile == NOT_FINITE).all(axis=2).sum() == 7
    assert texts(written)[2] == "7 not finite"
    assert texts(written)[6:8] == ["no finite value", "16384 not finite"]
    assert texts(written)[-1] == "NaN or infinite"
    assert picture.notes == ("NaN or infinity, shown in magenta: 2 maps (0, 2)",)


def test_topk_shows_the_strongest_under_their_own_index(written):
    maps = ramps(6)
    maps[2] = -9 * maps[2]
    maps[4, 0, 0] = np.nan
    picture = contact_sheet(maps, topk=3)
    assert [text for text in texts(written) if text.isdigit()][:3] == ["2", "5", "4"]
    assert "3 strongest of 6 maps of 40x70" in texts(written)
    assert picture.notes == ("NaN or infinity, shown in magenta: map 4",)


def test_topk_beyond_the_maps_shows_them_all(written):
    contact_sheet(ramps(2), topk=9)
    assert "2 maps of 40x70" in texts(written)


def test_titles_follow_the_index_and_are_cut(written):
    contact_sheet(ramps(2), titles=["sobel-x\n", "a very long title that goes on and on"], topk=2)
    first, second = texts(written)[0], texts(written)[2]
    assert first.startswith("1 a very long")
    assert first.endswith("...")
    assert second == "0 sobel-x?"


def test_maps_of_one_value_are_compared(written):
    picture = contact_sheet(np.array([0, 1, 3], np.float32).reshape(3, 1, 1), columns=3)
    assert texts(written)[:6] == ["0", "dead: all 0", "1", "1", "2", "3"]
    assert "all maps on one scale" in texts(written)
    middle = next(box for text, box in written[2:] if text == "1")
    assert picture.pixels[MARGIN + 20, middle[1] + 20].tolist() == table("viridis")[85].tolist()


def test_without_labels_there_are_only_maps(written):
    picture = contact_sheet(ramps(4, 128, 128), labels=False, columns=2)
    assert texts(written) == []
    assert picture.pixels.shape == (2 * 130 + 3 * 12, 2 * 130 + 3 * 12, 3)


def test_more_columns_than_maps_are_as_many_as_maps():
    assert contact_sheet(ramps(2), columns=9, labels=False).pixels.shape[1] == 2 * 72 + 3 * 12


@pytest.mark.parametrize(("cell", "side"), [(20, 20), (25, 20), (300, 300), (7, 7), (6, 5), (1, 1)])
def test_a_cell_bounds_the_longer_side_by_a_whole_factor(cell, side):
    picture = contact_sheet(ramps(2, 20, 10), cell=cell, columns=2, labels=False)
    assert picture.pixels.shape[0] == side + 2 + 2 * MARGIN


def test_letters_grow_with_the_sheet(written):
    contact_sheet(ramps(9, 500, 500))
    assert {box[2] - box[0] for text, box in written if text} != {17}
    heights = {box[2] - box[0] for _, box in written}
    assert min(heights) >= 24


def limit_sides(monkeypatch, pixels):
    for module in (grid, sheet):
        monkeypatch.setattr(module, "MAX_SIDE", pixels)


def test_a_sheet_too_large_has_its_maps_reduced(written, monkeypatch):
    limit_sides(monkeypatch, 260)
    plane = np.kron([[0, 1], [2, 3]], np.ones((90, 120)))
    picture = contact_sheet([plane], colormap="gray")
    assert max(picture.pixels.shape) <= 260
    assert picture.notes == ("maps of 180x240 are shown as 90x120, 2 times reduced",)
    assert "1 map of 180x240, reduced 2 times" in texts(written)
    tile = first_tile(picture, 90, 120)[..., 0]
    np.testing.assert_array_equal(tile, np.kron([[0, 85], [170, 255]], np.ones((45, 60))))


@pytest.mark.parametrize("columns", [None, 3])
def test_too_many_maps_for_a_sheet_are_refused(columns, monkeypatch):
    limit_sides(monkeypatch, 500)
    with pytest.raises(ShapeError, match=r"^a sheet of 500 pixels has no room for 400 maps( in 3 columns)?; "):
        contact_sheet(np.ones((400, 2, 2)), columns=columns)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scaling": "local"}, r"unknown scaling 'local' \(known: map, global\)"),
        ({"colormap": "jet"}, "unknown colormap 'jet'"),
        ({"titles": ["a"]}, "there must be one title for each of 2 maps, not 1"),
    ],
)
def test_arguments_outside_their_limits_are_refused(options, message):
    with pytest.raises(ArgumentError, match=f"^{message}"):
        contact_sheet(ramps(2), **options)


@pytest.mark.parametrize(
    "maps",
    [
        ramps(1, 1, 1),
        ramps(5, 3, 3, low=-1e-7),
        ramps(5, 4, 400),
        ramps(7, 300, 10) * 1e-4,
        ramps(40, 11, 17, low=-12345),
        np.full((3, 2, 2), np.nan),
        ramps(2, 30, 900),
    ],
)
def test_no_text_touches_another_or_a_map(written, maps):
    maps = maps.astype(np.float32)
    maps[-1, 0, 0] = np.inf
    grids = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sheet, "arrange", lambda *args, **kwargs: grids.append(arrange(*args, **kwargs)) or grids[-1])
        contact_sheet(maps, titles=["title " * index for index in range(len(maps))])
    height, width = (side + 2 for side in grids[0].tile)
    tiles = [(top, left, top + height, left + width) for top, left in grids[0].places(len(maps))]
    assert_apart([box for text, box in written if text] + tiles)


@given(st.integers(1, 600), st.integers(1, 300), st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_every_map_has_its_place_on_a_sheet_that_fits(count, height, width):
    made = arrange(count, (height, width), lambda longer, zoom: Text(12, 40, 70, (90, 200)))
    assert max(made.size) <= grid.MAX_SIDE
    places = list(made.places(count))
    assert len(set(places)) == count
    assert all(left + made.cell[1] + made.margin <= made.size[1] for _, left in places)
    assert all(top + made.cell[0] <= made.legend_top for top, _ in places)
    assert (made.rows - 1) * made.columns < count


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (4, 2), (9, 3), (16, 4), (64, 8)])
def test_square_numbers_make_square_grids(count, columns):
    assert arrange(count, (56, 56), lambda longer, zoom: Text(12, 40, 70)).columns == columns


def test_large_maps_have_large_letters():
    small, large = contact_sheet(ramps(1, 100, 100)), contact_sheet(ramps(1, 2000, 2000))
    assert small.pixels.shape[0] < 300
    assert large.pixels.shape[0] > 2300


def test_memory_is_that_of_the_sheet(monkeypatch):
    limit_sides(monkeypatch, 3000)
    maps = np.broadcast_to(np.float32(0), (4, 1500, 2000)).copy()
    maps[:, ::2] = 1
    tracemalloc.start()
    picture = contact_sheet(maps)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < picture.pixels.nbytes + 10e6


def test_maps_of_a_photograph_by_a_learned_bank():
    with np.load(SAMPLES / "kernels" / "gabor.npz") as bank:
        weight, bias = bank["conv1.weight"], bank["conv1.bias"]
    photo = np.asarray(Image.open(SAMPLES / "camera.png").convert("L"), np.float32)[np.newaxis]
    maps = conv2d(photo, weight, bias)
    picture = contact_sheet(maps, scaling="global", columns=4)
    height, width = maps.shape[1:]
    largest = np.abs(maps).max()
    expected = np.rint((maps[0].astype(np.float64) + largest) * 254 / (2 * largest)).astype(int)
    margin = int((picture.pixels != 255).any(axis=(1, 2)).argmax())
    tile = picture.pixels[margin + 1 : margin + 1 + height, margin + 1 : margin + 1 + width]
    np.testing.assert_array_equal(tile, table("blue-white-red")[expected])


def test_importing_it_loads_no_font():
    code = "import sys, cnnfilter.imaging.sheet; sys.exit('PIL.ImageFont' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
