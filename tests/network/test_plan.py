import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnfilter.engine import reference
from cnnfilter.errors import ArgumentError, KernelError, ShapeError
from cnnfilter.network.field import Field
from cnnfilter.network.grammar import parse
from cnnfilter.network.plan import input_shape, parse_size, plan
from cnnfilter.network.stages import Sliding


def rows_of(text, shape):
    return plan(parse(text), shape)


def test_a_row_has_all_of_a_stage():
    first, second = rows_of("conv:8@3x3:stride=2:padding=1,flatten", (9, 7, 2))
    assert str(first.stage) == "conv:8@3x3:stride=2:padding=1"
    assert (first.input, first.output) == ((9, 7, 2), (5, 4, 8))
    assert (first.params, first.macs) == (8 * 19, 8 * 19 * 20)
    assert (first.receptive_field, first.jump) == ((3, 3), (2, 2))
    assert first.arithmetic == (
        "height: floor((9 + 2*1 - 3)/2) + 1 = 5\nwidth: floor((7 + 2*1 - 3)/2) + 1 = 4\nparams: (3*3*2 + 1)*8 = 152"
    )
    assert first.flattened is None
    assert (second.input, second.output) == ((5, 4, 8), (160,))


@pytest.mark.parametrize(
    ("text", "shape", "fields", "jumps"),
    [
        ("conv:1@3x3,conv:1@3x3,maxpool:2,conv:1@3x3", (20, 20, 1), [3, 5, 6, 10], [1, 1, 2, 2]),
        ("conv:1@3x3:dilation=2,conv:1@3x3:stride=3,conv:1@2x2", (40, 40, 1), [5, 7, 10], [1, 3, 3]),
        ("conv:1@3x3,flatten,dense:4,relu,dense:2,softmax", (7, 7, 1), [3, 3, 7, 7, 7, 7], [1, 1, 0, 0, 0, 0]),
        ("maxpool:2,globalavgpool,flatten,dense:2", (7, 7, 1), [2, 6, 6, 6], [2, 0, 0, 0]),
        ("conv:1@3x3:padding=1,globalavgpool", (7, 7, 1), [3, 7], [1, 0]),
        ("flatten,softmax", (7, 7, 1), [1, 7], [1, 0]),
        ("avgpool:4:stride=3,conv:1@3x3:padding=1,flatten,dense:3", (66, 66, 1), [4, 10, 10, 64], [3, 3, 3, 0]),
        (
            "avgpool:4:stride=3,conv:1@3x3:padding=1,flatten,dense:3",
            (10_001, 10_001, 1),
            [4, 10, 10, 10_000],
            [3, 3, 3, 0],
        ),
        ("globalavgpool,conv:1@3x3:padding=1,maxpool:1:stride=2", (7, 7, 1), [7, 7, 7], [0, 0, 0]),
        ("conv:1@1x1:padding=1:stride=2,globalavgpool,conv:1@1x1", (1, 1, 1), [1, 0, 0], [2, 0, 0]),
        ("relu,conv:1@2x2:padding=5,conv:1@1x1:stride=99,globalavgpool", (3, 3, 1), [1, 2, 2, 0], [1, 1, 99, 0]),
        ("conv:1@3x3:padding=2000,flatten,dense:1", (3, 3, 1), [3, 3, 3], [1, 1, 0]),
    ],
)
def test_receptive_field_and_jump(text, shape, fields, jumps):
    rows = rows_of(text, shape)
    assert [row.receptive_field for row in rows] == [(field, field) for field in fields]
    assert [row.field.jump for row in rows] == [(jump, jump) for jump in jumps]


def test_the_axes_have_fields_of_their_own():
    (row,) = rows_of("conv:1@3x5:stride=2x1:padding=0x2", (9, 9, 1))
    assert row.receptive_field == (3, 5)
    assert row.jump == (2, 1)
    assert row.field.start == (0, -2)
    assert row.field.extent(1, 0) == ((2, 4), (-2, 2))


def test_a_vector_has_a_field_of_one_axis():
    (row,) = rows_of("dense:30", (784,))
    assert (row.receptive_field, row.jump, row.dropped) == ((784,), None, None)


def test_a_value_without_neighbours_has_no_jump():
    rows = rows_of("maxpool:2,globalavgpool,relu,flatten,relu", (7, 7, 1))
    assert [row.jump for row in rows] == [(2, 2), None, None, None, None]


@pytest.mark.parametrize(
    ("text", "dropped"),
    [
        ("maxpool:2", (1, 0)),
        ("conv:1@3x3:stride=2:padding=1", (0, 0)),  # only padding
        ("conv:1@2x2:stride=3:padding=1", (0, 1)),  # a row of padding; a column of it, and one more
        ("maxpool:2:ceil_mode=yes", (0, 0)),
        ("maxpool:1:stride=4", (2, 3)),
        ("relu", None),
        ("globalavgpool", None),
    ],
)
def test_what_no_window_reaches_is_counted_without_padding(text, dropped):
    (row,) = rows_of(text, (7, 8, 1))
    assert row.dropped == dropped
    if dropped:
        window, stride, _, pads = row.stage.sliding(row.input)
        ends = [(row.output[i] - 1) * stride[i] + window[i] - pads[i][0] for i in (0, 1)]
        assert dropped == tuple(max(row.input[i] - ends[i], 0) for i in (0, 1))


CHAINS = st.lists(
    st.sampled_from(
        ["conv:1@3x3", "conv:1@2x3:stride=2", "conv:1@3x3:padding=1", "conv:1@3x3:dilation=2:padding=same",
         "conv:1@2x2:dilation=3", "maxpool:2", "avgpool:3:stride=1", "maxpool:3:stride=2:padding=1:ceil_mode=yes",
         "relu"]
    ),
    min_size=1, max_size=4,
)  # fmt: skip


@given(CHAINS, st.data())
@settings(max_examples=60, deadline=None)
def test_an_output_depends_on_its_receptive_field_and_on_nothing_else(texts, data):
    """Every input sample, in turn a NaN, makes those outputs NaN whose field holds it."""
    size = (11, 10)
    try:
        rows = rows_of(",".join(texts), (*size, 1))
    except ShapeError:
        return
    x = np.zeros(size, np.float32)
    spot = data.draw(st.tuples(st.integers(0, size[0] - 1), st.integers(0, size[1] - 1)))
    x[spot] = np.nan
    for row in rows:
        stage = row.stage
        if stage.name == "relu":
            continue
        options = {"stride": stage.sliding(row.input).stride, "padding": stage.padding}
        if stage.name == "conv":
            x = reference.conv2d(x, np.ones(stage.window), dilation=stage.dilation, **options)
        elif stage.name == "maxpool":
            x = reference.max_pool2d(x, stage.window, ceil_mode=stage.ceil_mode, **options)
        else:
            x = reference.avg_pool2d(x, stage.window, **options)
    for place in np.ndindex(x.shape):
        inside = all(first <= at <= last for at, (first, last) in zip(spot, rows[-1].field.extent(*place), strict=True))
        assert inside or not np.isnan(x[place])
        # not so between dilated taps, nor where only a later stage's padding would have seen the sample
        if "padding" not in ",".join(texts) and _dense(rows):
            assert inside == np.isnan(x[place])


def _dense(rows):
    """Whether no window leaves samples out, within itself or between it and the next."""
    slides = [slide for slide in (row.stage.sliding(row.input) for row in rows) if slide is not None]
    return all(slide.dilation == (1, 1) and all(np.array(slide.stride) <= slide.window) for slide in slides)


def test_an_error_names_the_stage():
    with pytest.raises(ShapeError) as caught:
        rows_of("conv:edge,relu,maxpool:5", (6, 6, 1))
    assert str(caught.value).startswith("stage 3 (maxpool): window 5x5 does not fit in 4x4")
    with pytest.raises(KernelError, match=r"^stage 2 \(conv\): none\.npy: no such file"):
        rows_of("relu,conv:none.npy", (6, 6, 1))


@pytest.mark.parametrize("shape", [(), (3, 4), (0, 3, 1), (1, 2, 3, 4)])
def test_an_input_is_maps_or_a_vector(shape):
    with pytest.raises(ArgumentError, match=r"an input is \(H, W, C\) or \(n,\) of at least 1 each"):
        rows_of("relu", shape)


def test_a_layout_needs_the_maps_that_were_flattened(tmp_path):
    path = tmp_path / "fc-weight.npy"
    np.save(path, np.ones((12, 12), np.float32))
    rows = rows_of(f"flatten,relu,dense:{path}:layout=hwc,relu", (2, 3, 2))
    assert [row.flattened for row in rows] == [None, (2, 3, 2), (2, 3, 2), None]
    message = r"stage 3 \(dense\): layout=hwc needs the flatten before it that made its vector of maps"
    for text in (f"dense:{path},relu,dense:{path}:layout=hwc", f"flatten,relu,dense:{path}:layout=hwc"):
        with pytest.raises(ArgumentError, match=message):
            rows_of(text, (12,))


@pytest.mark.parametrize(
    ("text", "shape"),
    [("28", (28,)), ("28x30", (28, 30)), (" 28X30x3 ", (28, 30, 3)), ("007", (7,)), ("0" * 5000 + "7", (7,)),
     ("a.png", None), ("28x", None), ("1x2x3x4", None), ("-3", None), ("2.5", None), ("", None), ("٣", None)],
)  # fmt: skip
def test_a_size_is_up_to_three_numbers(text, shape):
    assert parse_size(text) == shape


@pytest.mark.parametrize("text", ["0", "3x0", "1000000001", "9" * 5000])
def test_a_size_has_limits(text):
    with pytest.raises(ArgumentError, match="a size is from 1 to 1000000000, not"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text", "shape"),
    [
        ((784,), "dense:30", (784,)),
        ((784,), "relu,normalize,abs,softmax,dense:30", (784,)),
        ((28,), "flatten,dense:30", (28, 28, 1)),
        ((28,), "relu", (28, 28, 1)),
        ((28,), "conv:edge,flatten,dense:3", (28, 28, 1)),
        ((28, 30), "relu", (28, 30, 1)),
        ((28, 30, 3), "relu", (28, 30, 3)),
    ],
)
def test_one_number_is_a_vector_before_dense_and_else_a_square(size, text, shape):
    assert input_shape(size, parse(text)) == shape


def test_a_field_begins_in_the_padding():
    field = Field.of_input((28, 28, 3)).through(Sliding((7, 7), (2, 2), (1, 1), ((3, 3), (2, 3))).sights, (14, 14))
    assert field == Field((7, 7), (2, 2), (-3, -2))
