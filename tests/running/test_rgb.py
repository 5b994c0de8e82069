"""Grey pictures in networks for colour: `rgb` takes a single map three times, whatever the picture's file holds."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnfilter import Pipeline
from cnnfilter.engine import reference
from cnnfilter.errors import CnnfilterError
from cnnfilter.network.channels import keeps_colours, map_names
from cnnfilter.network.grammar import parse
from cnnfilter.network.graph import Group, Network
from cnnfilter.network.notes import network_notes
from cnnfilter.network.plan import plan
from tests.command import run

RNG = np.random.default_rng(5)
GREY = RNG.integers(0, 256, (11, 9)).astype(np.uint8)
COLOUR = RNG.integers(0, 256, (11, 9, 3)).astype(np.uint8)
DEEP = RNG.integers(0, 65536, (11, 9)).astype(np.uint16)
WEIGHT = RNG.normal(size=(4, 3, 3, 3)).astype(np.float32)
BIAS = RNG.normal(size=4).astype(np.float32)
NETWORK = "rgb,resize:8,crop:8,normalize:imagenet,conv:4@3x3:as=conv1:weights=net.npz,globalavgpool,flatten"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Work in a folder that holds pictures of each kind, and the weights of a network for colour."""
    monkeypatch.chdir(tmp_path)
    np.savez("net.npz", **{"conv1.weight": WEIGHT, "conv1.bias": BIAS})
    Path("photos").mkdir()
    alpha = np.full_like(GREY, 255)
    levels = np.arange(256)[::-1]
    images = {
        "alpha": Image.fromarray(np.dstack([GREY, alpha])), "colour": Image.fromarray(COLOUR),
        "deep": Image.fromarray(DEEP), "grey": Image.fromarray(GREY),
    }  # fmt: skip
    palettes = {"palette": RNG.integers(0, 256, 768).tolist(), "greys": np.repeat(levels, 3).tolist()}
    for name, palette in palettes.items():
        images[name] = Image.frombytes("P", (9, 11), GREY.tobytes())
        images[name].putpalette(palette)
    for name, image in images.items():
        image.save(f"photos/{name}.png")
    shown = {name: np.array(palette).reshape(256, 3)[GREY] for name, palette in palettes.items()}
    whole = {"alpha": GREY, "colour": COLOUR, "grey": GREY, **shown}
    return {"deep": DEEP / 65535, **{name: values / 255 for name, values in whole.items()}}


def by_definition(shares):
    """What the network gives of a picture from 0 to 1: Pillow's filter, then PyTorch's arithmetic."""
    planes = [shares] * 3 if shares.ndim == 2 else list(shares.transpose(2, 0, 1))
    resized = [
        np.array(Image.fromarray(plane.astype(np.float32)).resize((8, 9), Image.Resampling.BILINEAR))[0:8]
        for plane in planes
    ]
    mean, std = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[..., None, None]
    normalized = (np.stack(resized) - mean) / std
    windows = np.lib.stride_tricks.sliding_window_view(normalized, (3, 3), axis=(1, 2))
    return np.einsum("chwij,ocij->ohw", windows, WEIGHT.astype(np.float64)).mean((1, 2)) + BIAS


def test_a_folder_of_pictures_of_each_kind_goes_through_a_network_for_colour(here):
    result = run("run", NETWORK, "photos/", "-o", "out/", "--format", "npy")
    assert result.exit_code == 0, result.err
    for name, shares in here.items():
        np.testing.assert_allclose(np.load(f"out/{name}-chain.npy"), by_definition(shares), rtol=1e-4, atol=1e-4)


def test_it_is_what_it_says_and_leaves_colours_alone():
    x = RNG.normal(size=(1, 4, 5)).astype(np.float32)
    np.testing.assert_array_equal(Pipeline.parse("rgb").run(x, layout="chw"), np.concatenate([x, x, x]))
    np.testing.assert_array_equal(Pipeline.parse("rgb").run(DEEP), reference.rgb(DEEP))
    np.testing.assert_array_equal(Pipeline.parse("rgb").run(COLOUR), COLOUR.transpose(2, 0, 1))
    np.testing.assert_array_equal(Pipeline.parse("rgb,normalize").run(DEEP), Pipeline.parse("normalize,rgb").run(DEEP))


def test_its_maps_are_a_picture_in_red_green_and_blue():
    grey, colour = (4, 5, 1), (4, 5, 3)
    for text, shape in (("rgb,conv:box", grey), ("gray,conv:sobel-x,rgb", colour), ("conv:box,rgb", colour)):
        assert keeps_colours(plan(parse(text), shape)), text
    for text, shape in (
        ("conv:box+edge+sobel-x", grey), ("rgb,conv:3@1x1:random=1", grey), ("conv:3@1x1:random=1,rgb", colour),
        ("rgb,gray", grey),
    ):  # fmt: skip
        assert not keeps_colours(plan(parse(text), shape)), text
    assert map_names(plan(parse("rgb,relu"), grey)) == ("red", "green", "blue")
    assert map_names(plan(parse("conv:box,rgb"), grey)) == ("box, red", "box, green", "box, blue")
    assert map_names(plan(parse("rgb"), colour)) == ("red", "green", "blue")
    result = run("run", "rgb,conv:box", "photos/grey.png", "-o", "out.png")
    assert result.exit_code == 0, result.err
    with Image.open("out.png") as image:
        assert (image.mode, image.size) == ("RGB", (7, 9))


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("conv:4@3x3:weights=net.npz:name=conv1", (8, 8, 1), "is 4x3x3x3, but it must be 4x1x3x3; put rgb before it$"),
        ("conv:4@3x3:weights=net.npz:name=conv1", (8, 8, 2), "is 4x3x3x3, but it must be 4x2x3x3$"),
        ("conv:5@3x3:weights=net.npz:name=conv1", (8, 8, 1), "is 4x3x3x3, but it must be 5x1x3x3$"),
        ("conv:4@3x3:weights=grey.npz:name=conv1", (8, 8, 3), "but it must be 4x3x3x3; put gray before it$"),
        ("conv:6@3x3:groups=3:weights=net.npz:name=conv1", (8, 8, 3), "is 4x3x3x3, but it must be 6x1x3x3$"),
        ("rgb", (8, 8, 4), r"stage 1 \(rgb\): takes 1 channel \(or 3, which stay as they are\), not 4; put rgb before"),
    ],
)  # fmt: skip
def test_what_wants_other_channels_tells_what_makes_them(text, shape, message):
    np.savez("grey.npz", **{"conv1.weight": WEIGHT[:, :1], "conv1.bias": BIAS})
    with pytest.raises(CnnfilterError, match=message):
        plan(parse(text), shape)


@pytest.mark.parametrize(
    ("size", "shape", "told"),
    [
        ((8, 8, 3), (8, 8, 1), ["a.onnx is made for 8x8x3, and 8x8x1 arrives: put rgb before it"]),
        ((8, 8, 3), (9, 7, 1), ["a.onnx is made for 8x8x3, and 9x7x1 arrives: put rgb,resize:8x8 before it"]),
        ((None, None, 3), (9, 7, 1), ["a.onnx is made for HxWx3, and 9x7x1 arrives: put rgb before it"]),
        ((8, None, 3), (9, 7, 3), ["a.onnx is made for 8xWx3, and 9x7x3 arrives"]),
        ((None, None, 3), (9, 7, 3), []),
        ((None, None, None), (9, 7, 1), []),
        (None, (9, 7, 1), []),
    ],
)
def test_what_a_network_is_made_for_tells_what_makes_it(size, shape, told):
    network = Network(tuple(node._replace(group=Group("a.onnx", size)) for node in parse("relu")))
    assert list(network_notes(network, plan(network, shape))) == told
