"""What `layout` says of an input, and that none is guessed for an array that may be a picture or maps."""

import re

import numpy as np
import pytest

import cnnfilter
from cnnfilter import ArgumentError, Picture, Pipeline

CHW = np.arange(3 * 6 * 5, dtype=np.float32).reshape(3, 6, 5) % 17
HWC = np.ascontiguousarray(CHW.transpose(1, 2, 0))
CHAIN = Pipeline.parse("avgpool:2")

TAKERS = {
    "conv2d": lambda x, **how: cnnfilter.conv2d(x, [[0.25, 0.25], [0.25, 0.25]], stride=2, **how),
    "max_pool2d": lambda x, **how: cnnfilter.max_pool2d(x, 2, **how),
    "avg_pool2d": lambda x, **how: cnnfilter.avg_pool2d(x, 2, **how),
    "sum_pool2d": lambda x, **how: cnnfilter.sum_pool2d(x, 2, **how),
    "Pipeline.run": CHAIN.run,
    "Pipeline.__call__": CHAIN,
    "Pipeline.explain": lambda x, **how: np.array(
        [[[CHAIN.explain(x, at=(i, j, c), **how)["value"] for j in range(2)] for i in range(3)] for c in range(3)]
    ),
}
REDUCE = {"max_pool2d": np.max, "sum_pool2d": np.sum}
EXPECTED = {name: REDUCE.get(name, np.mean)(CHW[:, :, :4].reshape(3, 3, 2, 2, 2), axis=(2, 4)) for name in TAKERS}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64, np.int64])
@pytest.mark.parametrize("name", TAKERS)
def test_a_layout_is_what_it_says(name, dtype):
    for array, layout in ((CHW, "chw"), (HWC, "hwc")):
        np.testing.assert_array_equal(TAKERS[name](array.astype(dtype), layout=layout), EXPECTED[name])


@pytest.mark.parametrize("name", TAKERS)
def test_the_layout_of_whole_numbers_is_that_of_pictures(name):
    for dtype in (np.uint8, np.uint16):
        np.testing.assert_array_equal(TAKERS[name](HWC.astype(dtype)), EXPECTED[name])
    np.testing.assert_array_equal(TAKERS[name](CHW), EXPECTED[name])


@pytest.mark.parametrize("name", [name for name in TAKERS if name != "Pipeline.explain"])
def test_a_plane_has_one_layout(name):
    for layout in ("chw", "hwc", None):
        np.testing.assert_array_equal(np.squeeze(TAKERS[name](CHW[0], layout=layout)), EXPECTED[name][0])


@pytest.mark.parametrize("name", [name for name in TAKERS if "Pipeline" not in name])
def test_a_layout_is_that_of_each_picture_of_a_batch(name):
    for batch, layout in ((HWC[None], "hwc"), (CHW[None], "chw"), (CHW[None], None)):
        np.testing.assert_array_equal(TAKERS[name](batch, layout=layout), EXPECTED[name][None])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64, np.int8, bool])
@pytest.mark.parametrize("shape", [(5, 5, 1), (5, 6, 3), (480, 7, 4)])
@pytest.mark.parametrize("name", TAKERS)
def test_what_may_be_a_picture_is_refused(name, shape, dtype):
    called = {"Pipeline.explain": "image"}.get(name, "maps_or_image" if "Pipeline" in name else "x")
    message = (
        f"^{called} of shape {re.escape(str(shape))} may be a picture or {shape[0]} maps: say which, "
        r'layout="hwc" for \(H, W, C\) or layout="chw" for \(C, H, W\)$'
    )
    with pytest.raises(ArgumentError, match=message):
        TAKERS[name](np.zeros(shape, dtype))


@pytest.mark.parametrize("shape", [(4, 5, 3), (5, 4, 3), (5, 5, 2), (5, 5, 5), (3, 480, 640), (64, 4, 4)])
def test_what_can_only_be_maps_is_taken_for_them(shape):
    assert cnnfilter.max_pool2d(np.zeros(shape, np.float32), 1).shape == shape


@pytest.mark.parametrize("layout", ["CHW", "nchw", "", 3, ("c", "h", "w"), np.array(["chw"])])
@pytest.mark.parametrize("name", TAKERS)
def test_other_layouts_are_refused(name, layout):
    with pytest.raises(ArgumentError, match=r'^layout must be "chw" or "hwc", not '):
        TAKERS[name](CHW, layout=layout)


@pytest.mark.parametrize("name", TAKERS)
def test_a_picture_is_taken_for_its_pixels(name):
    np.testing.assert_array_equal(TAKERS[name](Picture(HWC.astype(np.uint8))), EXPECTED[name])
    np.testing.assert_array_equal(TAKERS[name](Picture(HWC), layout="hwc"), EXPECTED[name])
    np.testing.assert_array_equal(TAKERS[name](Picture(HWC)), EXPECTED[name])
    clear = Picture(HWC.astype(np.uint8), alpha=np.zeros((6, 5), np.uint8))
    if name != "Pipeline.explain":
        with pytest.warns(cnnfilter.CnnfilterWarning, match="^the picture's transparency is left out$") as told:
            np.testing.assert_array_equal(TAKERS[name](clear), EXPECTED[name])
        assert len(told) == 1
