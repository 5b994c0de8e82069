"""Convolutions, pools, dense layers and activations of the page: what it computes is what the command computes."""

import numpy as np
import pytest

from tests.command import ROOT
from tests.page import browser as browsers
from tests.page.comparing import Comparison

GENERATOR = np.random.default_rng(14)
WHOLE = GENERATOR.integers(0, 256, (3, 11, 13), dtype=np.uint8)
FLOATS = GENERATOR.normal(size=(4, 9, 12)).astype(np.float32)


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    with browsers.tab(browser, tmp_path_factory.mktemp("page")) as tab:
        yield Comparison(tab)
        assert tab.complaints() == []


CONVOLUTIONS = [
    "conv:sobel-x",
    "conv:sobel",
    "conv:kirsch:padding=1:border=symmetric",
    "conv:box:stride=2x3:padding=same",
    "conv:gaussian:size=5:dilation=2:padding=same-lower:border=replicate",
    "conv:emboss:padding=4+1x0+3:border=reflect",
    "conv:edge:padding=20:border=reflect:stride=3",
    "conv:edge:padding=15x16:border=circular:dilation=3",
    "conv:sharpen:padding=2:border=constant=7",
    "conv:laplacian+sobel-y:bias=0.5",
    "conv:1 2 -3; 0 4 1:flip=yes:scale=l1",
    "conv:1 2 3; 4 5 6:scale=sum:padding=1x2",
    "conv:prewitt:scale=sum:flip=yes",
    "conv:[2]:bias=-3",
    "conv:5@3x2:random=3:stride=2x1:padding=1+2x2+0",
    "conv:4@3x3:random=3:bias=no:dilation=2x1:border=circular:padding=same",
    "depthwise:3x3:random=9:padding=1",
    "depthwise:2@3x1:random=9:border=replicate:padding=2",
]


@pytest.mark.parametrize("stages", CONVOLUTIONS)
def test_convolutions(page, stages):
    page.compare(stages, WHOLE)


def test_grouped_convolutions(page):
    page.compare("conv:6@2x3:groups=2:random=2:padding=1,conv:9@1x1:groups=3:random=4", FLOATS)


def test_filters_from_files(page, tmp_path):
    kernel = tmp_path / "kernel.npy"
    np.save(kernel, np.float32([[1, -2, 0.5], [0, 3, 1]]))
    page.compare(f"conv:{kernel}:stride=2,relu", WHOLE)
    bank = tmp_path / "bank.npz"
    weights = {"a.weight": GENERATOR.normal(size=(4, 3, 3, 3)), "a.bias": np.arange(4.0)}
    np.savez(bank, **weights)
    page.compare(f"conv:{bank}:name=a:scale=l1:flip=yes,relu", WHOLE)


POOLS = [
    f"{kind}pool:{options}"
    for kind in ("max", "avg", "sum")
    for options in (
        "2",
        "3x2:stride=1",
        "3:stride=2:padding=1",
        "2x3:stride=3x2:padding=2+0x1+4",
        "3:stride=2:ceil_mode=yes",
        "4:stride=3:padding=1:ceil_mode=yes",
        "2:stride=2:padding=same",
    )
] + [
    "maxpool:2:dilation=2x3:stride=1",
    "maxpool:3:padding=3:stride=4",
    "avgpool:3:padding=1:count_include_pad=no",
    "avgpool:3:stride=2:padding=1+2x0+1:ceil_mode=yes:count_include_pad=no",
    "avgpool:2:padding=3:stride=2",
]


@pytest.mark.parametrize("stages", POOLS)
def test_pools(page, stages):
    page.compare(stages, WHOLE)


def test_values_that_are_not_finite(page):
    maps = FLOATS.copy()
    maps[0, 2, 3], maps[1, 4, 4], maps[2, 0, 0] = np.nan, np.inf, -np.inf
    page.compare("conv:0 1 0; 1 0 -1", maps, places=0)
    page.compare("maxpool:2:padding=1", maps, places=0)


def test_dense_layers(page, tmp_path):
    page.compare("flatten,dense:5:random=1,tanh,dense:4:random=3:bias=no,softmax", FLOATS)
    np.savez(tmp_path / "keras.npz", weight=GENERATOR.normal(size=(6, 432)), bias=np.arange(6.0))
    page.compare(f"relu,flatten,dense:{tmp_path / 'keras.npz'}:layout=hwc", FLOATS)


def test_chains_see_what_python_says_they_see(page):
    page.compare("gray,conv:box:padding=2:dilation=2,maxpool:3:stride=2:padding=1,conv:edge:padding=1,relu", WHOLE, 12)
    page.compare(
        "conv:4@3x3:random=1:padding=1,relu,avgpool:2,conv:2@3x3:random=2:stride=2,flatten,dense:3:random=5", WHOLE, 8
    )


def test_presets_with_weights(page):
    maps = GENERATOR.integers(0, 256, (1, 32, 32), dtype=np.uint8)
    page.compare("normalize,lenet-5:random=1", maps, 4)


GRAPHS = {
    "a residual block": "relu:as=x,conv:3@3x3:padding=1:bias=no:random=1,batchnorm:random=2,relu,add:x,relu",
    "a projection": "relu:as=x,conv:8@1x1:stride=2:random=1:as=s,from:x,conv:8@3x3:stride=2:padding=1:random=4,add:s",
    "branches joined": "conv:4@1x1:random=1:as=a,relu,conv:4@1x1:random=2:as=b,from:a,"
    "conv:2@3x3:padding=1:random=3,concat:b+last,maxpool:2",
    "a gate": "relu:as=x,globalavgpool,conv:3@1x1:random=1,sigmoid,multiply:x,conv:box:padding=2,"
    "flatten,dense:3:random=2",
    "a branch in the padding": "relu:as=x,pad:5+-5x6+-6,add:x,abs:as=y,pad:-5+5x6+-6,concat:y",
    "transposed": "gray,convtranspose:1 2 0; 3 4 1:stride=2:padding=1,relu,conv:box",
    "enlarged": "upsample:1.5:mode=bilinear,conv:box:padding=1:border=reflect,maxpool:3:stride=2",
    "unequal branches": "relu:as=x,conv:3@5x5:random=1:padding=2:stride=2,upsample:size=11x13,concat:x,"
    "conv:2@3x3:random=8,globalmaxpool,flatten,softmax",
    "resized between": "conv:box,resize:9x8,conv:edge:padding=2,crop:7x5,pad:1x2:border=reflect,maxpool:2",
    "magnitudes": "conv:sobel-x+sobel-y,magnitude,lrn,shuffle:3,dropout,prelu:random=2",
}


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs(page, name):
    page.compare(GRAPHS[name], WHOLE, 8)


def test_the_network_of_a_file(page):
    maps = GENERATOR.integers(0, 256, (1, 32, 32), dtype=np.uint8)
    page.compare(f"normalize,{ROOT / 'samples' / 'digits' / 'digits.onnx'}", maps, 8)
