"""What padding, channel shuffle, dropout and local response normalization are before there is a picture."""

import pytest

from cnnfilter.errors import ArgumentError, GrammarError, ShapeError
from cnnfilter.network.channels import keeps_colours, map_names
from cnnfilter.network.grammar import parse
from cnnfilter.network.plan import plan
from cnnfilter.network.stages import Dropout, LocalResponse, Pad, Shuffle


@pytest.mark.parametrize(
    ("text", "output", "arithmetic", "start"),
    [
        ("pad:2", (9, 10, 3), "height: 5 + 2 + 2 = 9\nwidth: 6 + 2 + 2 = 10", (-2, -2)),
        ("pad:1x2", (7, 10, 3), "height: 5 + 1 + 1 = 7\nwidth: 6 + 2 + 2 = 10", (-1, -2)),
        ("pad:-1+2x0+-3", (6, 3, 3), "height: 5 - 1 + 2 = 6\nwidth: 6 + 0 - 3 = 3", (1, 0)),
        ("pad:40:border=reflect", (85, 86, 3), "height: 5 + 40 + 40 = 85\nwidth: 6 + 40 + 40 = 86", (-40, -40)),
    ],
)
def test_a_padding_adds_up(text, output, arithmetic, start):
    (row,) = plan(parse(text), (5, 6, 3))
    assert (row.output, row.arithmetic) == (output, arithmetic)
    assert (row.params, row.macs, row.field.size, row.field.jump, row.field.start) == (0, 0, (1, 1), (1, 1), start)


def test_of_a_square_it_is_told_once():
    assert Pad(((1, 2), (1, 2))).arithmetic((5, 5, 1)) == "5 + 1 + 2 = 8"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pad", "needs amounts, such as pad:1 or pad:1x2"),
        ("pad:same", "padding takes amounts, such as 1, 1x2 or 1\\+2x0\\+3; same is for a window"),
        ("pad:1x2x3", "padding takes one number, or one or two for each axis"),
        ("pad:9999999", "padding must be at most 1000000"),
        ("pad:-9999999", "padding must be at least -1000000"),
        (
            "pad:-1:border=reflect",
            "padding below 0, which crops, goes with border=zeros or constant=V, not with reflect",
        ),
        ("conv:3@3x3:padding=-1", "padding must be at least 0, not -1"),
        ("shuffle", "needs a number of groups, such as shuffle:2"),
        ("shuffle:0", "groups must be at least 1, not 0"),
        ("dropout:1.5", "rate must be from 0 to 1, not 1.5"),
        ("dropout:-0.5", "rate must be from 0 to 1, not -0.5"),
        ("lrn:0", "size must be at least 1, not 0"),
        ("lrn:size=x", "'x' must be a whole number"),
        ("lrn:alpha=nan", "'nan' is not finite"),
    ],
)
def test_what_cannot_be_read(text, message):
    with pytest.raises(GrammarError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("stage", "shape", "message"),
    [
        (Pad(((-2, -3), (0, 0))), (5, 6, 3), "padding of -2\\+-3x0\\+0 crops all of 5x6"),
        (Pad(((0, 0), (-6, 9))), (5, 6, 3), "padding of 0\\+0x-6\\+9 crops all of 5x6"),
        (Shuffle(4), (5, 6, 6), "groups=4 does not divide 6 channels"),
        (Pad(((1, 1), (1, 1))), (9,), "takes maps"),
        (Shuffle(3), (9,), "takes maps"),
        (LocalResponse(), (9,), "takes maps"),
    ],
)
def test_what_does_not_fit(stage, shape, message):
    with pytest.raises(ShapeError, match=message):
        stage.output(shape)


def test_a_number_that_is_not_finite_is_refused():
    with pytest.raises(ArgumentError, match="beta must be a finite number, not inf"):
        LocalResponse(beta=float("inf"))


def test_texts_without_what_is_default():
    texts = ["pad:1x2", "pad:1:border=reflect", "shuffle:groups=2", "dropout:0.5", "lrn", "lrn:size=3:bias=2"]
    assert [str(parse(text)) for text in texts] == texts
    assert str(parse("Local_Response".replace("Local_Response", "LRN") + ":5:alpha=1e-4,Dropout")) == "lrn,dropout:0.5"


def test_the_maps_around_one():
    assert [list(LocalResponse(4).around(number, 5)) for number in (0, 2, 4)] == [[0, 1, 2], [1, 2, 3, 4], [3, 4]]


def test_dropout_costs_nothing_and_shows():
    conv, dropout = plan(parse("conv:4@3x3,dropout:0.25"), (5, 5, 1))
    assert (dropout.input, dropout.output, dropout.params, dropout.macs) == (conv.output, conv.output, 0, 0)
    assert Dropout().output((7,)) == (7,)


def test_a_shuffle_takes_names_along():
    rows = plan(parse("conv:sobel-x+sobel-y,shuffle:2"), (5, 5, 3))
    assert rows[1].arithmetic == "6 maps / 2 = 3"
    assert map_names(rows) == (
        "sobel-x, red", "sobel-y, green", "sobel-y, red", "sobel-x, blue", "sobel-x, green", "sobel-y, blue",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("pad:1,dropout", True),
        ("shuffle:3", True),
        ("lrn", False),
        ("conv:sobel-x+sobel-y,shuffle:2,maxpool:2,conv:3@1x1:groups=3", False),
    ],
)
def test_colours_that_stay_apart(text, kept):
    assert keeps_colours(plan(parse(text), (5, 5, 3))) == kept


def test_a_magnitude_stands_behind_what_leaves_its_maps_where_they_are():
    assert plan(parse("conv:sobel-x+sobel-y,dropout,pad:1,lrn,magnitude"), (5, 5, 1))[-1].output == (5, 5, 1)
    with pytest.raises(GrammarError, match="needs a conv before it"):
        parse("conv:sobel-x+sobel-y,shuffle:2,magnitude")
