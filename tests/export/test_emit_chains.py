"""NumPy programs of random chains against `Pipeline.run`."""

import random

import numpy as np
import pytest

from cnnfilter.export import emit
from cnnfilter.network.activations import ACTIVATIONS
from cnnfilter.network.grammar import parse
from cnnfilter.network.plan import plan
from cnnfilter.pipeline import Pipeline
from tests.chains import parameters

CHAINS = 100
LARGEST = 20_000

PADS = ["", ":padding=1", ":padding=2x0", ":padding=0+3x1+0", ":padding=same", ":padding=same-lower", ":padding=1x2"]
KERNELS = ["edge", "sobel-x+sobel-y", "sobel", "kirsch", "[1 2; 3 4]", "[1 2 3]", "identity", "roberts"]
BORDERS = ["replicate", "reflect", "symmetric", "circular", "constant=2.5", "zeros"]
ACTIVATED = [
    ":".join([name, *(f"{key}={value}" for key, value in parameters(known, 0.5).items())])
    for name, known in ACTIVATIONS.items()
]
ARRANGED = ["pad:1+2x0+3:border=reflect", "pad:-1+2x0:border=constant=2", "shuffle:3", "dropout"]
LEARNED = ["batchnorm:random=1", "prelu:random=1", "prelu:random=1:shared=yes"]
OTHERS = [
    *ACTIVATED,
    *ARRANGED,
    *LEARNED,
    "lrn:2:alpha=3",
    "abs",
    "softmax",
    "normalize:3:mean=0.5:std=-2",
    "magnitude",
    "gray",
    "rgb",
    "globalavgpool",
]


def maybe(draw, *texts):
    return draw.choice(["", "", *texts])


def convolution(draw):
    text = f"{draw.choice(['conv', 'depthwise'])}:{draw.choice(KERNELS)}:stride={draw.choice([1, 1, 2])}x1"
    text += draw.choice(PADS) + maybe(draw, ":dilation=2", ":dilation=1x3") + maybe(draw, ":flip=yes")
    return text + f":border={draw.choice(BORDERS)}" + maybe(draw, ":scale=sum", ":scale=l1") + maybe(draw, ":bias=-2")


def pool(draw):
    kind = draw.choice(["max", "avg", "sum"])
    text = f"{kind}pool:{draw.randint(1, 4)}x{draw.randint(1, 4)}" + draw.choice(PADS) + maybe(draw, ":ceil_mode=yes")
    text += maybe(draw, f":stride={draw.randint(1, 5)}x{draw.randint(1, 3)}")
    return text + {"max": maybe(draw, ":dilation=2"), "avg": maybe(draw, ":count_include_pad=no"), "sum": ""}[kind]


def chains(seed):
    draw = random.Random(seed)
    found = 0
    while found < CHAINS:
        size = draw.randint(1, 19), draw.randint(1, 19), draw.choice([1, 1, 3])
        makers = [convolution, pool, pool, lambda draw: draw.choice(OTHERS)]
        text = ",".join([draw.choice(makers)(draw) for _ in range(draw.randint(1, 4))])
        try:
            rows = plan(parse(text), size)
        except ValueError:  # the grammar's, and that of sizes
            continue
        if np.prod(rows[-1].output) <= LARGEST:
            found += 1
            yield text, size, rows


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_numpy_program_computes_what_the_chain_does(seed):
    for text, size, rows in chains(seed):
        maps = np.random.default_rng(seed).normal(scale=3, size=(size[2], *size[:2])).astype(np.float32)
        expected = Pipeline.parse(text).run(maps, layout="chw")
        namespace = {"__name__": "emitted"}
        exec(compile(emit(rows, "numpy"), "emitted", "exec"), namespace)
        result = namespace["network"](maps.astype(np.float64))
        assert result.shape == expected.shape, (text, size)
        # a zero weight, which counts for nothing here, makes NaN of the infinity of a window of padding
        usual = np.isfinite(result)
        largest = max(1, np.abs(expected[usual]).max(initial=0))
        np.testing.assert_allclose(result[usual], expected[usual], rtol=1e-4, atol=1e-4 * largest, err_msg=text)


@pytest.mark.parametrize(
    ("text", "size", "output", "torch", "keras"),
    [
        ("avgpool:3x1:padding=1:ceil_mode=yes", (18, 15, 1), (7, 16, 1),
         "AveragePool((3, 1), (3, 1), (1, 0, 1, 1), (0, 0, 0, 1), True)",
         "AveragePool((3, 1), (3, 1), ((1, 1), (1, 0)), ((0, 1), (0, 0)), True)"),
        ("sumpool:1x3:padding=2x0:ceil_mode=yes", (9, 9, 1), (12, 3, 1),
         "nn.ZeroPad2d((0, 0, 2, 1)),\n    nn.AvgPool2d((1, 3), divisor_override=1)",
         "layers.ZeroPadding2D(((2, 1), (0, 0))),\n        layers.AveragePooling2D((1, 3))"),
        ("maxpool:1x2:stride=3:padding=5:ceil_mode=yes", (3, 10, 1), (4, 6, 1),
         'nn.ConstantPad2d((5, 2, 5, 2), float("-inf")),\n    nn.MaxPool2d((1, 2), stride=3)',
         'Pad(((5, 2), (5, 2)), value=float("-inf")),\n        layers.MaxPooling2D((1, 2), strides=3)'),
        ("maxpool:2:padding=1:ceil_mode=yes", (6, 6, 1), (4, 4, 1),
         "nn.MaxPool2d(2, padding=1, ceil_mode=True)", 'Pad(((1, 1), (1, 1)), value=float("-inf"))'),
    ],
)  # fmt: skip
def test_windows_that_ceil_mode_drops_are_not_in_a_program(text, size, output, torch, keras):
    rows = plan(parse(text), size)
    assert rows[-1].output == output
    namespace = {"__name__": "emitted"}
    exec(emit(rows, "numpy"), namespace)
    assert namespace["network"](np.ones((1, *size[:2]))).shape == (1, *output[:2])
    assert torch in emit(rows, "torch")
    assert keras in emit(rows, "keras")
