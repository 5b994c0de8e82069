import contextlib
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnfilter.errors import ArgumentError, KernelError
from cnnfilter.kernels.kernel import Kernel, get_kernel, parse_matrix
from cnnfilter.kernels.matrix import looks_like_matrix
from cnnfilter.text.numbers import FLOAT32_MAX, parse_number, split_rows


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
        "[1 2;\n 3 4]",
        "1 2;\n3 4",
        "1,2 3,4",  # ImageMagick
        "1, 2 3, 4",
        "2x2:1,2 3,4",
        "2x2: 1 2\n3 4\n",
        "2:\n1,2,3,4",
        " 2X2: 1 2, 3 4".lower(),
        "1;2\n3;4",  # a spreadsheet
        "1\t2\n3\t4",
    ],
)
def test_forms_of_an_inline_matrix(text):
    assert parse_matrix(text).filters == (((1, 2), (3, 4)),)


def test_imagemagick_tells_width_before_height():
    assert parse_matrix("3x1:1,0,-1").size == (1, 3)
    assert parse_matrix("1x3:1,0,-1").size == (3, 1)
    assert parse_matrix("3x2: 1,2,3  4,5,6").filters == parse_matrix("3x2:1 2 3 4 5 6").filters


def test_commas_alone_and_semicolons_alone_are_one_row_and_one_column():
    assert parse_matrix("1,0,-1,1,0,-1").size == (1, 6)
    assert parse_matrix("1, 0, -1").size == (1, 3)
    assert parse_matrix("1;0;-1").size == (3, 1)


@pytest.mark.parametrize("text", ["1;0;-1", "0,5;1,5", "1,2;3,4;"])
def test_a_line_of_a_file_that_may_be_a_row_or_several_is_refused(text):
    with pytest.raises(ArgumentError, match=rf"^'{text}' may be one row or [23]; write a line for each row"):
        split_rows(f"# a comment\n{text}\n", file=True)
    assert len(split_rows(text).lines) > 1


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
        ("", "there are no numbers in it"),
        ("1,,2", "row 1, column 2: the cell is empty"),
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
        ("1 0 -1, 1 0 -1, 1 0 -1", r"row 1 splits its numbers in two ways, .* end each with ';', as in 1 0 -1; 2 0 -2"),
        ("1 2; 3, 4 5", "row 2 splits its numbers in two ways"),
        ("[1,2 3,4]", "row 1 splits its numbers in two ways"),  # one row in MATLAB
        ("1,2 3,4;", "row 1 splits its numbers in two ways"),
        ("1,2 3", "row 1 splits its numbers in two ways"),
        ("1\t2 3", "row 1 splits its numbers in two ways"),
        ("1\t\t3", "row 1, column 2: the cell is empty"),
        ("1 2; 3 4\n5 6; 7 8", "row 1 has ';' between its numbers, and commas or blanks in them"),
        ("0,5;1,5\n2,5;3,5", r"row 1 has ';' between its numbers, .* decimals are written 0\.5"),
        ("3x2:1,2 3,4 5,6", "3x2: is ImageMagick's width x height, 2 rows of 3 numbers; it holds 3 rows of 2"),
        ("3x3:1,2,3", "3x3: is ImageMagick's width x height, 3 rows of 3 numbers; it holds 1 row of 3"),
        ("2x2: 1 2; 3", "2x2: is ImageMagick's width x height, 2 rows of 2 numbers; it holds 2 rows of 1 to 2"),
        ("0x0:", "'0x0:' is not a number"),
        ("1x0:", "'1x0:' is not a number"),
        ("2x2:", "row 1 is empty"),
        ("3x3+1+1:1,2,3", r"an origin or rotations, '\+1\+1', are not read; write 3x3: alone"),
        ("3x3@:1,2,3", "an origin or rotations, '@', are not read"),
        ("1" + "\n1" * 1_000_001, "more than 1000000 rows"),
        ("1" + ";1" * 1_000_001, "more than 1000000 rows"),
        ("1,1 " * 1_000_001, "row 1000001 splits its numbers in two ways|1000001 rows are too many"),
        ("9x99999999:1", "99999999 rows of 9 numbers; it holds 1 row of 1"),
        ("1" + ",1" * 1_000_001, "row 1 has more than 1000000 numbers"),
    ],
)
def test_a_bad_matrix_is_told_where(text, message):
    with pytest.raises(ArgumentError, match=message):
        parse_matrix(text)


@pytest.mark.parametrize(
    "long",
    [
        "1" * 40_000 + "x",
        "[" * 40_000,
        "[[" + " " * 40_000 + "x",
        "1" * 900 + "x",
        "1" + " " * 40_000 + ", x",
        "1,1 " + ", " * 20_000,
        "1:" * 20_000,
        "3x3" + "+1" * 20_000,
    ],
)
def test_a_long_text_is_refused_at_once(long):
    assert looks_like_matrix(long) in (True, False)
    start = time.process_time()
    for _ in range(20):
        with pytest.raises(ArgumentError):
            parse_matrix(long)
    assert time.process_time() - start < 5  # a tenth of a second is usual; this is about the order


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
