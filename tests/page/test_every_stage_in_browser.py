"""Every stage of the page, as it is and after a person's changes: all of it is what the command makes of its text."""

import random

import numpy as np
import pytest

from cnnfilter.errors import CnnfilterError
from cnnfilter.explanation.formulas import show
from cnnfilter.network.readers import READERS
from cnnfilter.pipeline import Pipeline
from cnnfilter.text.numbers import show_number
from tests.graphs import graphs
from tests.page import browser as browsers
from tests.page.comparing import Comparison

GENERATOR = np.random.default_rng(8)
WHOLE = GENERATOR.integers(0, 256, (3, 7, 9), dtype=np.uint8)
GREY = GENERATOR.integers(0, 65536, (1, 8, 6), dtype=np.uint16)
FLOATS = GENERATOR.normal(scale=2, size=(4, 6, 5)).astype(np.float32)


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    with browsers.tab(browser, tmp_path_factory.mktemp("page")) as tab:
        yield Comparison(tab)
        assert tab.complaints() == []


def test_numbers_are_written_as_the_command_writes_them(page):
    draw = random.Random(3)
    values = [
        0.0,
        -3.0,
        2 / 3,
        1e-9,
        1e-5,
        1e-4,
        1e15,
        1e16,
        999999.5,
        99999.95,
        1234.125,
        1234.375,
        123456.5,
        -123457.5,
    ]
    values += [draw.gauss(0, 1) * 10 ** draw.randint(-12, 20) for _ in range(200)]
    values += [draw.randint(-(10**7), 10**7) / 2 ** draw.randint(0, 12) for _ in range(200)]  # many ties of six digits
    found = page.tab.run("return arguments[0].map((value) => [show(value), showNumber(value)])", values)
    assert found == [[show(value), show_number(value)] for value in values]


CHAINS = [
    ("conv:1 2; 3 -4,relu,maxpool:2,gray", WHOLE),
    ("maxpool:3x2:stride=1x8:padding=1", WHOLE),  # whose size is rounded down from 1.125
    ("gray,normalize,resize:5x4:filter=lanczos,rgb,normalize:imagenet,crop:3", WHOLE),
    ("abs,resize:5,pad:2,conv:edge:padding=1,crop:3x4", WHOLE),
    ("normalize:mean=0.1+0.2+0.3:std=1+2+3:divide=9,depthwise:2@2x1:random=1,sumpool:2:stride=1", WHOLE),
    ("conv:sobel-x+sobel-y:padding=1:border=reflect,magnitude,abs,avgpool:2", WHOLE),
    ("normalize,batchnorm:random=1:epsilon=0.1,prelu:random=2,lrn:size=4:alpha=0.5:beta=0.6:bias=2", GREY),
    ("prelu:random=1:shared=yes,pad:1+0x2+1:border=symmetric,shuffle:2,dropout:0.3,globalmaxpool,softmax", FLOATS),
    ("pad:-1+2x0+-2:border=constant=1.5,pad:5x6:border=reflect,pad:1x2:border=circular,softmax", FLOATS),
    ("convtranspose:3@4x2:stride=3x2:dilation=2x3:padding=1+0x0+1:output_padding=1:random=3,globalavgpool", FLOATS),
    ("convtranspose:4@2x3:groups=2:stride=3:bias=no:random=5:padding=same,flatten,batchnorm:random=1", FLOATS),
    ("convtranspose:sobel-x+emboss:stride=2:bias=0.5,convtranspose:3@2x3:stride=2:padding=same-lower:random=1", FLOATS),
    ("upsample:1.5x0.7:coordinates=half_pixel:rounding=round_prefer_ceil,upsample:size=5x4:rounding=ceil", FLOATS),
    ("upsample:0.3333333:coordinates=pytorch_half_pixel:rounding=round_prefer_floor,upsample:3,upsample:1/3", WHOLE),
    ("upsample:2x1.3:mode=bilinear,conv:edge:padding=2,upsample:1.5:mode=bilinear:coordinates=align_corners", WHOLE),
    ("upsample:3:mode=bilinear:coordinates=asymmetric,maxpool:3:padding=2:stride=4", FLOATS),
    ("flatten,dense:5:random=1,relu,flatten,dense:3:random=2:bias=no,softmax", FLOATS),
    ("relu:as=x,globalavgpool,multiply:x:as=y,conv:4@3x3:padding=1:random=1,concat:y+in,add:last+last", FLOATS),
    ("leaky_relu:0.1,elu:0.5,hardsigmoid:0.2,hardswish,rbf:0.2:epsilon=2", FLOATS),
    ("selu,sigmoid,tanh,softplus,swish,gelu,gelu:tanh,relu,elu,clip:max=0.1", FLOATS),
    ("clip:min=-1:max=0.5,relu6,leaky_relu,hardsigmoid,rbf", FLOATS),
]
"""Every stage, and each way that it has; asymmetric wherever a flip or a swap could hide."""


@pytest.mark.parametrize(("stages", "maps"), CHAINS, ids=[stages for stages, _ in CHAINS])
def test_chains(page, stages, maps):
    page.compare(stages, maps, 12)


def test_these_are_all_stages(page):
    assert {stage.name for stages, _ in CHAINS for stage in Pipeline.parse(stages).stages} == {*READERS}
    assert set(page.tab.run("return Object.keys(KINDS)")) == {*READERS}


@pytest.mark.parametrize("seed", range(3))
def test_random_networks_with_branches(page, seed):
    for text, size in graphs(seed + 60, 9):
        # a tanh of large sums that all but cancel would show their rounding alone
        maps = np.random.default_rng(seed).integers(0, 9, (size[2], *size[:2])).astype(np.float32)
        page.compare(text.replace("tanh", "leaky_relu"), maps, 3, seed)


EDITS = {
    "conv": ("conv:box:padding=1,relu", [
        ("kernels", "sobel-x"), ("stride", "2x1"), ("padding", "1+2x0+3"), ("dilation", 2), ("border", "reflect"),
        ("flip", True), ("scale", "l1"), ("bias", -1.5),
    ]),
    "depthwise": ("depthwise:emboss:padding=1,relu", [
        ("kernels", "1 2; 3 4"), ("stride", 2), ("padding", "same"), ("dilation", "1x2"), ("border", "circular"),
        ("flip", True), ("scale", "sum"), ("bias", 2),
    ]),
    "convtranspose": ("convtranspose:box,relu", [
        ("kernels", "1 2 3; 4 5 6"), ("stride", "3x2"), ("padding", "1+0x0+1"), ("output_padding", "1x1"),
        ("dilation", "2x1"), ("bias", 0.5),
    ]),
    "maxpool": ("maxpool:2,abs", [
        ("window", "3x2"), ("stride", 2), ("padding", "1x2"), ("dilation", "2x1"), ("ceil_mode", True),
    ]),
    "avgpool": ("avgpool:2,abs", [
        ("window", "3x2"), ("stride", 2), ("padding", "same"), ("ceil_mode", True), ("count_include_pad", False),
    ]),
    "sumpool": ("sumpool:2,abs", [("window", 3), ("stride", "1x2"), ("padding", 2), ("ceil_mode", True)]),
    "lrn": ("lrn", [("size", 2), ("alpha", 0.5), ("beta", "1/3"), ("bias", 2)]),
    "batchnorm": ("batchnorm:random=1", [("epsilon", 0.25)]),
    "normalize": ("normalize", [("divide", 2), ("mean", [0.1, 0.2, 0.3]), ("std", "2"), ("divide", "")]),
    "crop": ("relu,crop:3", [(2, "size", "5x4")]),
    "pad": ("pad:1", [("padding", "-1+2x0+3"), ("border", "constant=2"), ("padding", 4), ("border", "symmetric")]),
    "shuffle": ("shuffle:1", [("groups", 3)]),
    "dropout": ("dropout", [("rate", 0.25)]),
    "upsample": ("upsample:2,abs,upsample:size=5x6", [
        ("scale", "1.5x2"), ("coordinates", "half_pixel"), ("rounding", "ceil"), ("mode", "bilinear"),
        (3, "size", "7x3"), (3, "mode", "bilinear"), ("coordinates", "align_corners"),
    ]),
    "clip": ("clip", [("max", 90), ("min", 20), ("max", "")]),
    "leaky_relu": ("normalize:mean=0.5,leaky_relu", [(2, "slope", 0.5)]),
    "hardsigmoid": ("normalize,hardsigmoid", [(2, "alpha", 0.5), (2, "beta", -0.25)]),
    "elu": ("normalize:mean=0.5,elu", [(2, "alpha", 2)]),
    "gelu": ("normalize:mean=0.5,gelu", [(2, "approximate", "tanh")]),
    "rbf": ("normalize,rbf", [(2, "center", 0.5), (2, "epsilon", 3)]),
}  # fmt: skip
"""Of each kind of stage, values for each key that a person can change: of stage 1 unless it is said."""


@pytest.mark.parametrize("kind", EDITS)
def test_keys_that_are_changed_by_scripts(page, kind):
    stages, edits = EDITS[kind]
    steps = [("set", *(edit if len(edit) == 3 else (1, *edit))) for edit in edits]
    for count in range(1, len(steps) + 1):
        page.compare(stages, WHOLE, 2 if count < len(steps) else 8, edits=steps[:count])


def test_these_are_all_keys(page):
    """But those of a PReLU without numbers, which is made on the page alone."""
    listing = "return Object.entries(KINDS).flatMap(([kind, { controls }]) => controls.map((each) => [kind, each]))"
    keys = {(kind, each["key"]) for kind, each in page.tab.run(listing) if each["type"] != "weights"}
    changed = {(kind, edit[-2]) for kind, (_, edits) in EDITS.items() for edit in edits}
    assert keys - changed == {("prelu", "shared")}


ADDED = [
    "MaxPool:2:stride=1", "silu", "leaky-relu:0.1", "lrn:3", "dropout", "prelu:random=1", "prelu:random=1:shared=yes",
    "pad:1x2:border=reflect", "normalize:imagenet", "avgpool:3:padding=1:count_include_pad=no", "clip:max=100",
    "upsample:size=5x4:coordinates=half_pixel:rounding=ceil", "conv:[2]", "gelu:tanh", "sumpool:2x3", "globalmaxpool",
]  # fmt: skip
"""Texts of stages as people type them."""


@pytest.mark.parametrize("text", ADDED)
def test_stages_that_are_added_by_their_texts(page, text):
    page.compare("relu", WHOLE, 2, edits=[("insert", 1, text), ("insert", 0, "abs:as=first")])


def test_a_network_that_is_made_on_the_page(page):
    texts = ["conv:sobel-x+sobel-y:padding=1:as=edges", "magnitude:as=size", "batchnorm:random=1", "add:in+size"]
    texts += [
        "upsample:2:mode=bilinear",
        "convtranspose:1 2; 3 4:stride=2",
        "shuffle:3",
        "multiply:last+last",
        "crop:5",
    ]
    edits = [("insert", number, text) for number, text in enumerate(texts, 1)]
    page.compare("relu", WHOLE, 12, edits=edits)
    page.compare("relu", WHOLE, 12, edits=[*edits, ("set", 2, "kernels", "kirsch"), ("remove", 8), ("remove", 1)])


LEARNED = {
    "batchnorm:random=1": [
        ("weight", [2, 3.5]),
        ("bias", [0, -2]),
        ("running_mean", [1, 7]),
        ("running_var", [2, 0.25]),
    ],
    "prelu:random=1": [("weight", [1, -0.5])],
    "conv:2@2x3:random=1": [("weight", [1, 2, 0, 1, 3.25]), ("bias", [1, 8])],
    "convtranspose:2@2x3:random=1": [("weight", [2, 1, 1, 0, -1.5]), ("bias", [0, 8])],
    "flatten,dense:4:random=1": [("weight", [3, 20, 2]), ("bias", [2, 5])],
}
"""Learned numbers that are changed: the indices, then the number."""


@pytest.mark.parametrize("stages", LEARNED)
def test_learned_numbers_that_are_changed(page, stages, tmp_path):
    pipeline = Pipeline.parse(stages)
    rows = pipeline.plan((*WHOLE.shape[1:], len(WHOLE)))
    number, row = len(rows), rows[-1]
    arrays = {}
    for role, shape in row.stage.arrays(row.input).items():
        fan = int(np.prod(row.stage.arrays(row.input)["weight"][1:]))
        arrays[role] = row.stage.learned.array(role, shape, fan).copy()
    edits = []
    for role, (*place, value) in LEARNED[stages]:
        arrays[role][tuple(place)] = value
        edits.append(("set", number, f"learned.{role}", [*place, value]))
    np.savez(tmp_path / "net.npz", **{f"x.{role}": array for role, array in arrays.items()})
    page.compare(
        stages, WHOLE, 8, edits=edits, expected=stages.replace("random=1", f"weights={tmp_path / 'net.npz'}:name=x")
    )


MISFITS = [
    ("conv:box", [("set", 1, "dilation", 5)]),
    ("maxpool:2", [("set", 1, "window", "20x3")]),
    ("relu,crop:3", [("set", 2, "size", "30x4")]),
    ("pad:1", [("set", 1, "padding", "-4")]),
    ("abs,shuffle:3", [("insert", 1, "pad:1"), ("set", 3, "groups", 2)]),
    ("gray,relu", [("insert", 1, "normalize"), ("set", 2, "mean", "1+2+3")]),
    ("relu,gray", [("insert", 1, "concat:in")]),
    ("relu,rgb", [("insert", 1, "concat:in")]),
    ("relu,maxpool:2", [("insert", 1, "flatten")]),
    ("relu,upsample:2", [("set", 2, "scale", 0.1)]),
    ("relu:as=a,maxpool:2,relu", [("insert", 2, "add:a")]),
    ("relu:as=a,flatten", [("insert", 2, "multiply:a")]),
    ("relu:as=a,maxpool:2", [("insert", 2, "concat:a")]),
    ("convtranspose:box,relu", [("set", 1, "padding", 9)]),
    ("flatten,relu", [("insert", 1, "lrn")]),
    ("flatten,relu", [("insert", 1, "globalmaxpool")]),
]


@pytest.mark.parametrize(("stages", "edits"), MISFITS, ids=[f"{stages} {edits[-1][1:]}" for stages, edits in MISFITS])
def test_what_does_not_fit_is_told_in_the_commands_words(page, stages, edits):
    told = page.told(stages, WHOLE, edits)
    with pytest.raises(CnnfilterError) as raised:
        Pipeline.parse(told["network"]).plan((*WHOLE.shape[1:], len(WHOLE)))
    assert [each for each in told["mistakes"] if each][0] == str(raised.value)
