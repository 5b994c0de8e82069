"""Maps of another size, against what others make of the same maps.

`tests/data/enlarging.npz` was recorded with PyTorch 2.14.1 and torchvision 0.29.1 on CPU: for each stage's text what
`F.interpolate`, `F.adaptive_max_pool2d`, `v2.Resize(antialias=True)`, `v2.CenterCrop` and `v2.Normalize` make of the
arrays below, and `F.conv_transpose2d` of those in `test_transposed.py`.
"""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnfilter import Pipeline
from cnnfilter.engine import reference_resampling as reference
from cnnfilter.export import emit
from cnnfilter.network.grammar import parse
from cnnfilter.network.stages.pictures import FILTERS
from tests.onnx_cases import FOLDER, load

RECORDED = dict(np.load(Path(__file__).parents[1] / "data" / "enlarging.npz"))
MAPS = np.random.default_rng(1).normal(size=(2, 5, 7)).astype(np.float32)
PHOTO = np.random.default_rng(2).integers(0, 256, (3, 17, 25)).astype(np.float32)


@pytest.mark.parametrize("text", [text for text in RECORDED if not text.startswith("convtranspose")])
def test_stages_give_what_pytorch_and_torchvision_do(text):
    given = PHOTO if text.startswith(("resize", "crop")) else MAPS
    given = given / np.float32(255) if text.endswith("imagenet") else given
    result = Pipeline.parse(text).run(given, layout="chw")
    assert result.dtype == np.float32
    assert result.shape == RECORDED[text].shape
    np.testing.assert_allclose(result, RECORDED[text], rtol=1e-5, atol=1e-5 * np.abs(given).max())


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("size", ["9", "17", "20", "8x30", "17x40", "1x3", "40x12"])
def test_resizing_is_pillows_of_floats_channel_by_channel(size, filter):
    chain = Pipeline.parse(f"resize:{size}:filter={filter}")
    result = chain.run(PHOTO, layout="chw")
    value = chain.explain(PHOTO, at=(0, result.shape[2] // 2, 1), layout="chw")["value"]
    np.testing.assert_allclose(value, result[1, 0, result.shape[2] // 2], rtol=1e-5)
    program = {"__name__": "emitted"}
    exec(emit(chain.plan((17, 25, 3)), "numpy"), program)
    np.testing.assert_allclose(program["network"](PHOTO), result, rtol=1e-5, atol=2e-4)
    planes = [Image.fromarray(plane) for plane in PHOTO]
    kind = Image.Resampling[filter.upper()]
    shape = result.shape[:0:-1]
    assert result.shape[1:] == {"9": (9, 13), "17": (17, 25), "20": (20, 29)}.get(size, result.shape[1:])
    np.testing.assert_array_equal(result, [np.asarray(plane.resize(shape, kind)) for plane in planes])
    if filter != "nearest":
        np.testing.assert_allclose(result, reference.resize(PHOTO, result.shape[1:], filter), rtol=1e-5, atol=2e-4)


def test_pictures_of_8_bits_are_resized_without_rounding_and_then_divided_by_255():
    picture = PHOTO.transpose(1, 2, 0).astype(np.uint8)
    result = Pipeline.parse("resize:9,crop:9x11,normalize:imagenet").run(picture)
    resized = reference.crop(reference.resize(PHOTO, (9, 13)), (9, 11)) / 255
    mean, std = (np.array(each)[:, None, None] for each in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    np.testing.assert_allclose(result, (resized - mean) / std, rtol=1e-4, atol=1e-4)
    sixteen = picture.astype(np.uint16) * 257
    np.testing.assert_allclose(Pipeline.parse("gray,resize:9,normalize").run(sixteen), Pipeline.parse(
        "gray,resize:9,normalize").run(picture), rtol=1e-5)  # fmt: skip


@pytest.mark.parametrize("coordinates", ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"])
@pytest.mark.parametrize("mode", ["bilinear", *(f"nearest:rounding={word}" for word in reference._ROUNDINGS)])
@pytest.mark.parametrize("sizes", ["2", "3x1", "1.5", "0.6", "size=1x3", "size=5x7", "size=11x4", "size=1"])
def test_every_variant_is_what_the_reference_says(sizes, mode, coordinates):
    text = f"upsample:{sizes}:mode={mode}:coordinates={coordinates}"
    (stage,) = parse(text).stages
    assert parse(str(stage)).stages == (stage,)
    options = {"mode": stage.mode, "coordinates": coordinates, "rounding": stage.rounding}
    expected = reference.upsample(MAPS, scale=stage.scale, size=stage.size, **options)
    chain = Pipeline.parse(text)
    result = chain.run(MAPS)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)
    height, width = result.shape[1:]
    for place in [(0, 0, 0), (height - 1, width - 1, 1), (height // 2, width // 2, 0)]:
        record = chain.explain(MAPS, at=place, layout="chw")
        np.testing.assert_allclose(record["value"], expected[place[2], place[0], place[1]], rtol=1e-6)


ONNX_MODES = {"nearest": "nearest", "linear": "bilinear"}
ONNX = sorted(
    folder.name.removeprefix("test_")
    for folder in FOLDER.glob("test_resize_*")
    if not any(word in folder.name for word in ("cubic", "antialias", "tf_crop", "symmetric"))
)
"""The cases of Resize but those that nobody's networks use here: cubic, crops, and linear with antialias."""
EXCLUDED = {
    "resize_downsample_scales_linear_align_corners": "divides by the size before it is rounded down; ONNX Runtime and "
    "PyTorch do not",
}


@pytest.mark.parametrize("name", [*ONNX, "upsample_nearest"])
def test_onnx_cases_of_resize(name):
    operator, attributes, inputs, expected = load(name)
    assert operator in ("Resize", "Upsample")
    words = {key: value.decode() for key, value in attributes.items() if isinstance(value, bytes)}
    if operator == "Upsample":
        options = {"mode": words["mode"], "coordinates": "asymmetric"}
    else:
        options = {
            "mode": ONNX_MODES[words.get("mode", "nearest")],
            "coordinates": words.get("coordinate_transformation_mode", "half_pixel"),
        }
        if options["mode"] == "nearest":
            options["rounding"] = words.get("nearest_mode", "round_prefer_floor")
    numbers = [each for each in inputs[1:] if each is not None and each.size]
    (given,) = numbers
    if given.dtype.kind == "f" and "axes" not in attributes:
        text = f"upsample:{given[2]!r}x{given[3]!r}".replace("np.float32(", "").replace(")", "")
    else:
        text = f"upsample:size={expected.shape[2]}x{expected.shape[3]}"
    chain = Pipeline.parse(":".join([text, *(f"{key}={value}" for key, value in options.items())]))
    result = chain.run(inputs[0][0])
    assert result.shape == expected.shape[1:]
    if name in EXCLUDED:
        assert np.abs(result - expected[0]).max() > 0.1
    else:
        np.testing.assert_allclose(result, expected[0], rtol=1e-5, atol=1e-6)


def test_there_are_the_onnx_cases_that_were_counted():
    assert len(ONNX) == 19
    assert set(EXCLUDED) < set(ONNX)


@pytest.mark.parametrize("name", ["globalmaxpool", "globalmaxpool_precomputed"])
def test_onnx_cases_of_the_global_maximum(name):
    _, _, (x,), expected = load(name)
    for maps, wanted in zip(x, expected, strict=True):
        np.testing.assert_array_equal(Pipeline.parse("globalmaxpool").run(maps), wanted)
        np.testing.assert_array_equal(reference.global_max_pool2d(maps), wanted)


def test_a_nan_is_the_largest_and_infinity_times_nothing_is_not_looked_at():
    maps = MAPS.copy()
    maps[0, 2, 3], maps[1, 1, 1] = np.nan, np.inf
    assert np.isnan(Pipeline.parse("globalmaxpool").run(maps)[0])
    assert Pipeline.parse("globalmaxpool").run(maps)[1] == np.inf
    result = Pipeline.parse("upsample:3:mode=bilinear").run(maps)
    assert result[1, 4, 4] == np.inf  # the middle of three is the sample itself
    assert np.isnan(result).any(axis=(1, 2)).tolist() == [True, False]


def test_large_maps_are_enlarged_band_by_band():
    maps = np.random.default_rng(3).normal(size=(3, 500, 400)).astype(np.float32)
    for text in ("upsample:3:mode=bilinear,relu", "upsample:2x3,crop:900x1000"):
        first, second = Pipeline.parse(text).stages
        step = Pipeline([first]).run(maps)
        whole = np.maximum(step, 0) if "relu" in text else step[:, 50:950, 100:1100]
        for threads in (1, 2):
            np.testing.assert_array_equal(Pipeline([first, second]).run(maps, threads=threads), whole)


def test_eight_bits_are_enlarged_as_numbers():
    picture = np.array([[0, 255], [10, 20]], np.uint8)
    assert Pipeline.parse("upsample:1x2:mode=bilinear").run(picture)[0, 0].tolist() == [0, 63.75, 191.25, 255]
    assert Pipeline.parse("upsample:2").run(picture).dtype == np.float32
    assert Pipeline.parse("crop:1").run(picture).tolist() == [[[0]]]
