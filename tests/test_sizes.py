import doctest
import itertools
import re

import numpy as np
import pytest

from cnnfilter import sizes as shapes
from cnnfilter.errors import ArgumentError, ShapeError
from cnnfilter.sizes import (
    Border,
    axis_pads,
    output_size,
    output_sizes,
    parse_border,
    parse_padding,
    parse_pair,
    parse_shape,
    resolve_pads,
)
from cnnfilter.text.values import switch


def test_examples_in_the_docstrings():
    assert doctest.testmod(shapes).failed == 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2, (2, 2)),
        (np.int32(2), (2, 2)),
        (np.array(3), (3, 3)),
        ((2, 1), (2, 1)),
        ([4, 3], (4, 3)),
        (np.array([4, 3]), (4, 3)),
        (np.array([4], np.uint8), (4, 4)),
        (range(1, 3), (1, 2)),
        ((5,), (5, 5)),
        ("2", (2, 2)),
        ("2x1", (2, 1)),
        ("2X1", (2, 1)),
        (" 2 x 1 ", (2, 1)),
    ],
)
def test_a_pair_is_one_number_or_height_by_width(value, expected):
    assert parse_pair(value, "stride") == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, "stride must be at least 1, not 0"),
        (-2, "stride must be at least 1, not -2"),
        ((1, 0), "stride must be at least 1, not 0"),
        ("2x-1", "stride must be at least 1, not -1"),
        (1.5, r"stride must be a whole number, not 1\.5"),
        (True, "stride must be a whole number, not True"),
        (None, "stride must be a whole number, not None"),
        ("", r"stride takes one number or two \(HEIGHTxWIDTH\), not ''"),
        ("2x", r"stride takes one number or two \(HEIGHTxWIDTH\), not '2x'"),
        (" x2", r"stride takes one number or two \(HEIGHTxWIDTH\), not ' x2'"),
        ("two", "stride must be a whole number, not 'two'"),
        (np.array([2, 1.5]), r"stride must be a whole number, not 2\.0"),
        (np.array(2.5), r"stride must be a whole number, not 2\.5"),
        (np.array([[2, 1]]), r"stride must be a whole number, not \[2, 1\]"),
        (b"12", "stride must be a whole number, not b'12'"),
        ("9" * 5000, "stride must be a whole number, not '999"),
        ((1, 2, 3), r"stride takes one number or two \(HEIGHTxWIDTH\), not \(1, 2, 3\)"),
        ((), "stride takes one number or two"),
        ("1x2x3", "stride takes one number or two"),
    ],
)
def test_a_bad_pair_names_the_value_and_the_limit(value, message):
    with pytest.raises(ArgumentError, match=message):
        parse_pair(value, "stride")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("valid", ((0, 0), (0, 0))),
        ("Valid", ((0, 0), (0, 0))),
        (0, ((0, 0), (0, 0))),
        ("0", ((0, 0), (0, 0))),
        (2, ((2, 2), (2, 2))),
        (np.int64(2), ((2, 2), (2, 2))),
        ("2", ((2, 2), (2, 2))),
        ((1, 2), ((1, 1), (2, 2))),
        ("1x2", ((1, 1), (2, 2))),
        (((1, 2), (0, 3)), ((1, 2), (0, 3))),
        ([[1, 2], [0, 3]], ((1, 2), (0, 3))),
        (np.array(2), ((2, 2), (2, 2))),
        (np.array([1, 2]), ((1, 1), (2, 2))),
        (np.array([[1, 2], [0, 3]]), ((1, 2), (0, 3))),
        ((1, np.array([0, 3])), ((1, 1), (0, 3))),
        ("1+2x0+3", ((1, 2), (0, 3))),
        ("1+2x3", ((1, 2), (3, 3))),
        ((1, (0, 3)), ((1, 1), (0, 3))),
        ("1+2", ((1, 2), (1, 2))),
        ("same", "same"),
        ("SAME", "same"),
        ("same-lower", "same-lower"),
        ("same_lower", "same-lower"),
    ],
)
def test_every_form_of_padding(value, expected):
    assert parse_padding(value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1, "padding must be at least 0, not -1"),
        ("-1", "padding must be at least 0, not -1"),
        ((0, -3), "padding must be at least 0, not -3"),
        ("0+1x-2", "padding must be at least 0, not -2"),
        (0.5, r"padding must be a whole number, not 0\.5"),
        (None, "padding must be a whole number, not None"),
        ("+2", r"padding takes one number, or one or two for each axis, not '\+2'"),
        ("1x", "padding takes one number, or one or two for each axis, not '1x'"),
        ("sam", "padding must be a number, HxW, T.BxL.R, valid, same or same-lower, not 'sam'"),
        ("", "padding must be a number"),
        ((1, 2, 3), r"padding takes one number, or one or two for each axis, not \(1, 2, 3\)"),
        ("1x2x3", "padding takes one number, or one or two for each axis, not '1x2x3'"),
        (((1, 2, 3), 0), "padding takes one number, or one or two for each axis"),
        ("1+2+3x0", "padding takes one number, or one or two for each axis"),
        (("same", 1), "padding must be a whole number, not 'same'"),
    ],
)
def test_bad_padding_names_the_value_and_the_forms(value, message):
    with pytest.raises(ArgumentError, match=message):
        parse_padding(value)


@pytest.mark.parametrize(
    ("padding", "n", "window", "stride", "dilation", "expected"),
    [
        ("same", 5, 3, 1, 1, (1, 1)),
        ("same", 5, 2, 1, 1, (0, 1)),
        ("same-lower", 5, 2, 1, 1, (1, 0)),
        ("same", 224, 7, 2, 1, (2, 3)),
        ("same-lower", 224, 7, 2, 1, (3, 2)),
        ("same", 5, 3, 1, 3, (3, 3)),
        ("same", 4, 1, 3, 1, (0, 0)),
        ((2, 9), 5, 3, 1, 1, (2, 9)),
    ],
)
def test_pads_of_one_axis(padding, n, window, stride, dilation, expected):
    assert axis_pads(padding, n, window, stride, dilation) == expected


def test_pads_of_both_axes():
    assert resolve_pads("same", (5, 224), (2, 7), (1, 2), (1, 1)) == ((0, 1), (2, 3))
    assert resolve_pads(((1, 2), (0, 3)), (5, 5), (2, 2), (1, 1), (1, 1)) == ((1, 2), (0, 3))


@pytest.mark.parametrize("padding", ["same", "same-lower"])
def test_same_gives_one_output_for_each_stride(padding):
    for n, window, stride, dilation in itertools.product(range(1, 14), range(1, 7), range(1, 5), range(1, 4)):
        out = output_size(n, window, stride=stride, padding=padding, dilation=dilation)
        assert out == -(-n // stride), (n, window, stride, dilation)


def test_output_size_counts_the_windows_that_fit():
    for n, window, stride, begin, end, dilation in itertools.product(
        range(1, 8), range(1, 5), range(1, 4), range(3), range(3), range(1, 3)
    ):
        span = dilation * (window - 1) + 1
        starts = range(0, n + begin + end - span + 1, stride)
        options = {"stride": stride, "padding": (begin, end), "dilation": dilation}
        if starts:
            assert output_size(n, window, **options) == len(starts)
        else:
            with pytest.raises(ShapeError, match="does not fit in"):
                output_size(n, window, **options)


@pytest.mark.parametrize(
    ("n", "window", "options", "expected"),
    [
        (28, 3, {}, 26),
        (5, 3, {"padding": 1}, 5),
        (5, 3, {"padding": "1"}, 5),
        (5, 3, {"padding": "valid"}, 3),
        (7, 3, {"stride": 2}, 3),
        (224, 7, {"stride": 2, "padding": 3}, 112),
        (224, 7, {"stride": 2, "padding": "same"}, 112),
        (5, 2, {"stride": 2}, 2),
        (5, 2, {"stride": 2, "ceil_mode": True}, 3),
        (4, 3, {"stride": 2, "padding": 1, "ceil_mode": True}, 3),
        (4, 2, {"stride": 3, "padding": 1, "ceil_mode": True}, 2),  # a third would start in the end padding
        (6, 1, {"stride": 4, "ceil_mode": True}, 2),
        (7, 2, {"stride": 2, "dilation": 3, "ceil_mode": True}, 3),
        (2, 3, {"stride": 2, "ceil_mode": True}, 1),
        (1, 3, {"stride": 3, "ceil_mode": True}, 1),
    ],
)
def test_output_size(n, window, options, expected):
    assert output_size(n, window, **options) == expected


def test_ceil_mode_is_pytorchs():
    # pooling_output_shape of PyTorch's aten/src/ATen/native/Pool.h, in words: round up, then drop a last window that
    # begins beyond the input and the padding before it; nothing left is an error.
    for n, window, stride, begin, end, dilation in itertools.product(
        range(1, 8), range(1, 6), range(1, 5), range(3), range(3), range(1, 3)
    ):
        out = (n + begin + end - dilation * (window - 1) - 1 + stride - 1) // stride + 1
        out -= (out - 1) * stride >= n + begin
        options = {"stride": stride, "padding": (begin, end), "dilation": dilation, "ceil_mode": True}
        if out > 0:
            assert output_size(n, window, **options) == out, (n, window, options)
        else:
            with pytest.raises(ShapeError, match="does not fit in"):
                output_size(n, window, **options)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((0, 3), {}, "n must be at least 1, not 0"),
        ((5, 0), {}, "window must be at least 1, not 0"),
        ((5, 3), {"stride": 0}, "stride must be at least 1, not 0"),
        ((5, 3), {"dilation": -1}, "dilation must be at least 1, not -1"),
        ((5, 3), {"padding": -1}, "padding must be at least 0, not -1"),
        ((5, 3), {"padding": (1, 2, 3)}, "padding takes one number"),
    ],
)
def test_output_size_refuses_numbers_below_their_limit(arguments, options, message):
    with pytest.raises(ArgumentError, match=message):
        output_size(*arguments, **options)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((4, 5), {}, "^window 5 does not fit in 4$"),
        ((4, 9), {"padding": (1, 2)}, "^window 9 does not fit in 4 padded to 7$"),
        ((4, 3), {"dilation": 2}, r"^window 3 \(spanning 5 with dilation 2\) does not fit in 4$"),
        ((2, 4), {"stride": 2, "ceil_mode": True}, "^window 4 does not fit in 2$"),
    ],
)
def test_output_size_names_window_and_input(arguments, options, message):
    with pytest.raises(ShapeError, match=message):
        output_size(*arguments, **options)


def test_output_sizes_of_both_axes():
    assert output_sizes((5, 224), (3, 7), (1, 2), ((1, 1), (2, 3)), (1, 1)) == (5, 112)
    assert output_sizes((5, 5), (2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1), ceil_mode=True) == (3, 3)


@pytest.mark.parametrize(
    ("size", "window", "pads", "dilation", "message"),
    [
        ((9, 2), (3, 3), ((0, 0), (0, 0)), (1, 1), r"^window 3x3 does not fit in 9x2 \(height x width\); use"),
        ((1, 9), (5, 3), ((1, 2), (1, 1)), (1, 1),
         r"^window 5x3 does not fit in 1x9, padded to 4x11 \(height x width\); use"),
        ((4, 4), (5, 5), ((0, 0), (0, 0)), (1, 1), "^window 5x5 does not fit in 4x4; use"),
        ((4, 4), (3, 1), ((0, 0), (0, 0)), (2, 2), r"^window 3x1 \(spanning 5x1 when dilated\) does not fit"),
    ],
)  # fmt: skip
def test_output_sizes_names_window_and_input_in_full(size, window, pads, dilation, message):
    with pytest.raises(ShapeError, match=message):
        output_sizes(size, window, (1, 1), pads, dilation)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("zeros", Border("constant", 0.0)),
        ("constant", Border("constant", 0.0)),
        ("constant=3", Border("constant", 3.0)),
        ("constant = -2.5", Border("constant", -2.5)),
        ("Replicate", Border("replicate")),
        ("reflect", Border("reflect")),
        ("symmetric", Border("symmetric")),
        ("circular", Border("circular")),
        ("nearest", Border("replicate")),
        ("edge", Border("replicate")),
        ("mirror", Border("reflect")),
        ("wrap", Border("circular")),
        ("grid-mirror", Border("symmetric")),
        ("grid-wrap", Border("circular")),
        ("grid-constant", Border()),
        ("grid_constant=3", Border("constant", 3.0)),
        ("reflect_101", Border("reflect")),
        ("BORDER_REFLECT_101", Border("reflect")),
        ("BORDER_REFLECT101", Border("reflect")),
        ("BORDER_REFLECT", Border("symmetric")),
        ("BORDER_REPLICATE", Border("replicate")),
        ("BORDER_WRAP", Border("circular")),
        ("BORDER_CONSTANT", Border("constant", 0.0)),
        (Border("replicate"), Border("replicate")),
    ],
)
def test_borders_by_their_name_here_and_elsewhere(value, expected):
    assert parse_border(value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("reflekt", r"unknown border 'reflekt'; did you mean reflect.*\(known: zeros, constant, replicate"),
        ("qqq", r"unknown border 'qqq' \(known: zeros"),
        ("replicate=3", "unknown border 'replicate=3'"),
        ("zeros=1", "unknown border 'zeros=1'"),
        (3, "border must be a name, one of zeros, .*, not 3"),
        ("constant=", "the border's constant must be a finite number, not ''"),
        ("constant=red", "the border's constant must be a finite number, not 'red'"),
        ("constant=nan", "the border's constant must be a finite number, not 'nan'"),
        ("constant=1e39", r"the border's constant '1e39' is too large for float32 \(at most 3.4e\+38\)"),
        (Border("constant", float("inf")), "the border's constant must be a finite number, not 'inf'"),
        ("constant=1e999", r"the border's constant '1e999' is too large for float32 \(at most 3.4e\+38\)"),
    ],
)
def test_an_unknown_border_names_the_known(value, message):
    with pytest.raises(ArgumentError, match=message):
        parse_border(value)


@pytest.mark.parametrize("text", ["zeros", "constant=3", "constant=-2.5", "constant=0.123456789", "reflect"])
def test_a_border_as_text_reads_back(text):
    assert str(parse_border(text)) == text


@pytest.mark.parametrize("value", [1_000_001, "99999999999", "9" * 400])
def test_a_slip_of_the_finger_is_an_error(value):
    with pytest.raises(ArgumentError, match=r"stride must be at most 1000000, not (1000001|9{11}|9{58}\.\.\.9)$"):
        parse_pair(value, "stride")
    with pytest.raises(ArgumentError, match="padding must be at most 1000000"):
        parse_padding(value)


@pytest.mark.parametrize("padding", ["2", " 2 ", "1+2", "1+2x1+2", "valid", "same", "same-lower", 2, (1, 2), [0, 3]])
def test_one_axis_is_padded_as_each_of_two_is(padding):
    both = parse_padding(padding if isinstance(padding, str) else (padding, padding))
    pads = resolve_pads(both, (9, 9), (3, 3), (2, 2), (1, 1))
    size = output_size(9, 3, stride=2, padding=padding)
    assert output_sizes((9, 9), (3, 3), (2, 2), pads, (1, 1)) == (size, size)
    assert size == output_size(9, 3, stride=2, padding=np.array(padding) if isinstance(padding, list) else padding)


@pytest.mark.parametrize("padding", ["1x2", "1+2x0+3", "1x2x3"])
def test_a_text_that_pads_two_axes_differently_is_not_for_one(padding):
    with pytest.raises(ArgumentError, match=f"padding .*{re.escape(padding)}"):
        output_size(9, 3, padding=padding)


@pytest.mark.parametrize("value", [True, 1, np.True_, np.int8(1), np.array(1)])
def test_true_values_of_a_switch(value):
    assert switch(value, "flip") is True
    assert output_size(5, 2, stride=2, ceil_mode=value) == 3


@pytest.mark.parametrize("value", [False, 0, np.False_])
def test_false_values_of_a_switch(value):
    assert switch(value, "flip") is False


@pytest.mark.parametrize("value", ["no", "yes", "", None, 2, -1, 1.0, [], [True], np.array([True, False])])
def test_what_is_no_value_of_a_switch(value):
    with pytest.raises(ArgumentError, match="^flip must be True or False, not "):
        switch(value, "flip")


def test_the_shape_of_an_input():
    assert parse_shape([3, np.int64(4), 1]) == (3, 4, 1)
    assert parse_shape(np.array([7])) == (7,)
    for value in ((3, 4), 5, "3x4x1", None, ((1, 2, 3),) * 3, (1.5,), (0,)):
        with pytest.raises(ArgumentError, match="^shape must be "):
            parse_shape(value)
