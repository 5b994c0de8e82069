"""Stages of sizes whose numbers are drawn, or come from a file of a whole network by their names."""

from pathlib import Path

import numpy as np
import pytest

from cnnfilter import Pipeline
from cnnfilter.errors import CnnfilterError
from cnnfilter.network.grammar import parse
from cnnfilter.network.plan import plan
from tests.command import run, save
from tests.weights.torch_files import written

RNG = np.random.default_rng(3)
ARRAYS = {
    "conv1.weight": RNG.normal(size=(4, 3, 3, 3)).astype(np.float32),
    "conv1.bias": RNG.normal(size=4).astype(np.float32),
    "layer1.0.conv.weight": RNG.normal(size=(5, 4, 1, 1)).astype(np.float16),
    "fc.weight": RNG.normal(size=(2, 5)).astype(np.float32),
    "fc.bias": RNG.normal(size=2).astype(np.float32),
}
CHAIN = (
    "conv:4@3x3:as=conv1:weights=net.pth,relu,conv:5@1x1:bias=no:weights=net.pth:name=layer1.0.conv,globalavgpool,"
    "flatten,dense:2:as=fc:weights=net.pth"
)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "net.pth", ARRAYS, "zip")


def by_definition(x):
    windows = np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), (3, 3), axis=(1, 2))
    maps = np.einsum("chwij,ocij->ohw", windows, ARRAYS["conv1.weight"].astype(np.float64))
    maps = np.maximum(maps + ARRAYS["conv1.bias"][:, None, None], 0)
    maps = np.einsum("chw,oc->ohw", maps, ARRAYS["layer1.0.conv.weight"][:, :, 0, 0].astype(np.float64))
    return ARRAYS["fc.weight"] @ maps.mean((1, 2)) + ARRAYS["fc.bias"]


def test_a_network_takes_its_numbers_from_a_state_dict():
    x = RNG.normal(size=(3, 7, 6)).astype(np.float32)
    np.testing.assert_allclose(Pipeline.parse(CHAIN).run(x), by_definition(x), rtol=1e-5)


def test_its_text_gives_it_again():
    network = parse(CHAIN)
    assert parse(str(network)) == network
    drawn = parse("conv:4@3x3:random=1,relu,flatten,dense:2:random=7")
    assert parse(str(drawn)) == drawn


def test_planning_reads_no_numbers():
    arrays = {name: array * np.float32("nan") for name, array in ARRAYS.items()}
    written(Path("net.pth"), arrays, "zip")
    assert plan(parse(CHAIN), (7, 6, 3))[-1].output == (2,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("conv:8@3x3:weights=net.pth:name=conv1", r"array 'conv1.weight' is 4x3x3x3, but it must be 8x3x3x3"),
        ("conv:4@3x3:weights=net.pth:name=conv", r"there is no array 'conv.weight'; did you mean .*conv1.weight"),
        ("conv:4@3x3:bias=no:weights=net.pth:name=layer1.0.conv", "array 'layer1.0.conv.weight' is 5x4x1x1"),
        ("conv:4@1x1:random=1,conv:5@1x1:weights=net.pth:name=layer1.0.conv", "bias'.*; bias=no is for what has none"),
        ("flatten,dense:2:weights=net.pth:name=fc", r"array 'fc.weight' is 2x5, but it must be 2x2352"),
        ("conv:4@3x3:weights=net.pth", "there is no array 'weight'.*; say which layer's with name=NAME$"),
        ("conv:4@3x3:weights=gone.pth:name=conv1", "gone.pth: no such file"),
        ("conv:4@3x3:weights=photo.png:name=conv1", "photo.png: is a picture, not a kernel$"),
    ],
)
def test_weights_that_do_not_fit_are_told_before_there_is_a_picture(text, message):
    save("photo.png")
    with pytest.raises(CnnfilterError, match=message):
        plan(parse(text), (28, 28, 3))
    result = run("shape", "28x28x3", text)
    assert result.exit_code == 2
    assert len(result.messages) == 1


def test_a_batch_ends_before_it_begins_where_weights_cannot_be_used():
    for name in ("a.png", "b.png"):
        save(name)
    written(Path("net.pth"), {"conv1.weight": ARRAYS["conv1.weight"] * np.float32("inf")}, "zip")
    result = run("run", "conv:4@3x3:bias=no:as=conv1:weights=net.pth", "a.png", "b.png", "-o", "out/")
    assert result.exit_code == 2
    (line,) = result.messages
    assert "stage 1 (conv): net.pth: " in line
    assert "array 'conv1.weight' must be finite" in line


@pytest.mark.parametrize(
    "text",
    ["conv:4@3x3", "conv:4@3x3:bias=no", "convtranspose:4@2x2", "convtranspose:4@2x2:bias=no", "batchnorm", "prelu"],
)
def test_the_roles_of_a_stage_are_those_of_its_arrays(text):
    (node,) = parse(text)
    assert node.stage.roles == tuple(node.stage.arrays((7, 6, 3)))


def test_what_no_stage_asks_for_is_not_read():
    written(Path("net.pth"), {**ARRAYS, "layer1.0.conv.bias": np.full(5, np.nan, np.float32)}, "zip")
    Pipeline.parse(CHAIN).load_weights()
    with pytest.raises(CnnfilterError, match="nan at"):
        Pipeline.parse(CHAIN.replace(":bias=no", "")).load_weights()
