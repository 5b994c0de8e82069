import contextlib
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnfilter.errors import ArgumentError, KernelError
from cnnfilter.model.kernels import Kernel, get_kernel, parse_matrix
from cnnfilter.model.matrix import FLOAT32_MAX, looks_like_matrix, parse_number


def test_an_inline_matrix_keeps_its_orientation():
    kernel = get_kernel("1 2 3; 4 5 6")
    assert kernel == Kernel("custom", (((1, 2, 3), (4, 5, 6)),))
    assert kernel.size == (2, 3)
    np.testing.assert_array_equal(kernel.weights, np.array([[1, 2, 3], [4, 5, 6]], np.float32))


@pytest.mark.parametrize(
    "text",
    [
        "1,2;3,4",
        " 1 , 2\n3 4\n",
        "1 2;\n3 4;",
        "1\t2;3 4/1",
        "1 2 ; +3 4e0",
        "1 2\r\n3 4\r\n",
        "2/2 2.0; 3 4",
        "[[1,2],[3,4]]",
        " [ [1, 2] , [3, 4], ] ",
        "[[1 2]\n [3 4]]",  # NumPy
        "[1 2; 3 4]",  # MATLAB
    ],
)
def test_forms_of_an_inline_matrix(text):
    assert parse_matrix(text).filters == (((1, 2), (3, 4)),)


def test_numbers_of_an_inline_matrix():
    assert parse_matrix("1/9 -.5 1e-3 \N{MINUS SIGN}2").filters == (((1 / 9, -0.5, 0.001, -2),),)
    assert parse_matrix("7").size == (1, 1)
    assert isinstance(parse_number("12"), int)
    assert isinstance(parse_number("12."), float)
    assert parse_number("9" * 30) == 1e30


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2; 3", "inline matrix: row 2 has 1 numbers, row 1 has 2"),
        ("1 x; 3 4", r"inline matrix: 'x' is not a number \(row 1, column 2\)"),
        ("1 2; nan 4", r"'nan' is not finite \(row 2, column 1\)"),
        ("inf", "'inf' is not finite"),
        ("1e39", r"'1e39' is too large for float32 \(at most 3.4e\+38\)"),
        ("-1e999", "too large"),
        ("1e300/1e-300", "too large"),
        ("1/0", "'1/0' divides by zero"),
        ("1/2/3", "'1/2/3' is not a number"),
        ("1_0 2", "'1_0' is not a number"),
        ("1 2;; 3 4", "row 2 is empty"),
        ("", "row 1 is empty"),
        ("1,,2", "row 1 has an empty cell between its commas"),
        ("1;" * 1000, "1000 rows are too many for a kernel"),
        ("[[1, 2], [3, 4]", r"inline matrix: its brackets must hold rows of numbers, as in \[\[1, 2\], \[3, 4\]\]"),
        ("[[[1]]]", "its brackets must hold"),
        ("[[1], 2]", "its brackets must hold"),
        ("[1]]", "its brackets must hold"),
        ("[]", "row 1 is empty"),
        ("[[1, 2], [3]]", "row 2 has 1 numbers, row 1 has 2"),
        ("x" * 500, r"'x{55,60}\.\.\.' is not a number \("),
        ("1" * 1001, r"'1{55,60}\.\.\.' is too long for a number \("),
        ("1 " * 1000, "1000 columns are too many for a kernel"),
    ],
)
def test_a_bad_matrix_is_told_where(text, message):
    with pytest.raises(ArgumentError, match=message):
        parse_matrix(text)


@pytest.mark.parametrize("long", ["1" * 40_000 + "x", "[" * 40_000, "[[" + " " * 40_000 + "x", "1" * 900 + "x"])
def test_a_long_text_is_refused_at_once(long):
    start = time.perf_counter()
    for _ in range(20):
        with pytest.raises(ArgumentError):
            parse_matrix(long)
    assert time.perf_counter() - start < 1


@given(
    st.integers(1, 6).flatmap(
        lambda width: st.lists(
            st.lists(st.floats(-FLOAT32_MAX, FLOAT32_MAX), min_size=width, max_size=width),
            min_size=1,
            max_size=6,
        )
    ),
    st.sampled_from([" ", ",", ", ", "\t"]),
    st.sampled_from([";", "; ", "\n", ";\n"]),
)
def test_a_written_matrix_is_read_back(rows, comma, semicolon):
    text = semicolon.join(comma.join(map(repr, row)) for row in rows)
    kernel = parse_matrix(text)
    np.testing.assert_array_equal(kernel.filters[0], rows)
    assert looks_like_matrix(text)


@given(st.text(st.sampled_from("0123456789.,;:-+/e \nnaixf=")) | st.text())
def test_any_text_is_a_kernel_or_a_clear_error(text):
    for read in (parse_matrix, get_kernel):
        with contextlib.suppress(ArgumentError, KernelError):
            assert np.isfinite(read(text).weights).all()
