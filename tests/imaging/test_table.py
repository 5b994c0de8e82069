import io
import time

import numpy as np
import pytest

from cnnfilter.errors import KernelError, PictureError
from cnnfilter.imaging import table
from cnnfilter.imaging.encoding import encode
from cnnfilter.imaging.picture import Picture
from cnnfilter.imaging.reading import read
from cnnfilter.weights.bank import load_kernel
from tests.command import load, run


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read_text(folder, text, **arguments):
    path = folder / "grid.CSV"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(path, **arguments)


@pytest.mark.parametrize(
    ("text", "numbers", "dtype", "form"),
    [
        ("0,1,2\n3,4,255\n", [[0, 1, 2], [3, 4, 255]], "uint8", "PNG"),
        ("0,256\n1.0,65535", [[0, 256], [1, 65535]], "uint16", "PNG"),
        ("0,65536", [[0, 65536]], "float32", "NPY"),
        ("-1,0\n0,1", [[-1, 0], [0, 1]], "float32", "NPY"),
        ("0.5,1e-3", [[0.5, 0.001]], "float32", "NPY"),
        ("\N{MINUS SIGN}2, +.5", [[-2, 0.5]], "float32", "NPY"),
        ("\ufeff# from slide 12\n\n1; 2\r\n3; 4\r\n\r\n", [[1, 2], [3, 4]], "uint8", "PNG"),
        ("1\t2\n3\t4", [[1, 2], [3, 4]], "uint8", "PNG"),
        (" 1  2\n 3 4 ", [[1, 2], [3, 4]], "uint8", "PNG"),
        ("7", [[7]], "uint8", "PNG"),
        ("1 2; 3 4 # a note", [[1, 2], [3, 4]], "uint8", "PNG"),
        ("1,2 3,4", [[1, 2], [3, 4]], "uint8", "PNG"),
        ("1/2 1", [[0.5, 1]], "float32", "NPY"),
    ],
)
def test_a_table_of_numbers_is_a_picture(folder, text, numbers, dtype, form):
    picture = read_text(folder, text)
    np.testing.assert_array_equal(picture.pixels, np.array(numbers, dtype), strict=True)
    assert picture.pixels.flags.c_contiguous
    assert (picture.format, picture.alpha, picture.notes) == (form, None, ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty file"),
        ("\n# nothing\n  \n", "there are no numbers in it"),
        (";", "there are no numbers in it"),
        (";\n;\n", "there are no numbers in it"),
        ("a,b\n1,2", "'a' is not a number (row 1, column 1)"),
        ("1,2\n3", "row 2 has 1 numbers, row 1 has 2; all rows must have the same length"),
        ("1,2\n3,4,5", "row 2 has 3 numbers, row 1 has 2; all rows must have the same length"),
        ("1,2\n\n3,4\n\n5", "row 3 has 1 numbers, row 1 has 2; all rows must have the same length"),
        ("1,\n3,4", "row 1, column 2: the cell is empty"),
        ("1,nan", "'nan' is not finite (row 1, column 2)"),
        ("1\n-Inf", "'-Inf' is not finite (row 2, column 1)"),
        ("1e39,1", "'1e39' is too large for float32 (at most 3.4e+38) (row 1, column 1)"),
        ("1," + "9" * 400, f"'{'9' * 57}...' is too large for float32 (at most 3.4e+38) (row 1, column 2)"),
        ("1,5;2,5", "'1,5;2,5' may be one row or 2; write a line for each row, numbers split at blanks"),
        ("1_000,2", "'1_000' is not a number (row 1, column 1)"),
        ("1,\u0663", "'\u0663' is not a number (row 1, column 2)"),
        ("0x10,2", "'0x10' is not a number (row 1, column 1)"),
        (
            "1 2,3",
            "row 1 splits its numbers in two ways, so its rows cannot be told; end each with ';', as in 1 0 -1; 2 0 -2",
        ),
        ("0,5;1\n2;3", "row 1 has ';' between its numbers, and commas or blanks in them; decimals are written 0.5"),
        (b"1,2\n\xff\xfe", "a .csv must be text in UTF-8 or UTF-16"),
    ],
)
def test_what_is_no_table_is_one_line_with_the_place(folder, text, message):
    with pytest.raises(PictureError) as caught:
        read_text(folder, text)
    assert str(caught.value) == message


def test_three_tables_are_red_green_and_blue(folder):
    picture = read_text(folder, "# red\n1,2\n3,4\n\n# green\n5,6\n7,8\n\n \n9,0\n1,2\n")
    expected = np.uint8([[[1, 5, 9], [2, 6, 0]], [[3, 7, 1], [4, 8, 2]]])
    np.testing.assert_array_equal(picture.pixels, expected, strict=True)
    assert picture.pixels.flags.c_contiguous


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1,2\n\n3,4", "2 tables of 1, 1 rows"),
        ("1\n2\n\n3\n\n4", "3 tables of 2, 1, 1 rows"),
        ("1\n\n" * 9, "9 tables of 1, 1, 1, 1, ... rows"),
    ],
)
def test_empty_lines_are_between_three_tables_of_one_size(folder, text, parts):
    with pytest.raises(PictureError, match=f"^empty lines part it into {parts}; a picture is one table, or three of"):
        read_text(folder, text)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 3), (1, 1)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_what_is_written_reads_as_the_same_numbers(folder, dtype, shape):
    generator = np.random.default_rng(3)
    if dtype == "float32":
        pixels = (generator.normal(0, 1, shape) * 10.0 ** generator.integers(-38, 38, shape)).astype(dtype)
    else:
        pixels = generator.integers(0, np.iinfo(dtype).max, shape, dtype)
    again = read_text(folder, bytes(encode(Picture(pixels), "csv"))).pixels
    np.testing.assert_array_equal(again, pixels)


def test_commands_write_tables(folder):
    (folder / "a.csv").write_text("1,2\n3,4.5\n")
    for command, name, text in [
        (("apply", "identity", "a.csv", "-o", "b.csv"), "b.csv", "1,2\n3,4.5\n"),
        (("apply", "0 0 0; 0 -1 0; 0 0 0", "a.csv", "--in-place"), "a.csv", "-1,-2\n-3,-4.5\n"),
        (("run", "conv:0 0 0; 0 -1 0; 0 0 0:padding=1", "a.csv", "--format", "csv"), "a-chain.csv", "1,2\n3,4.5\n"),
        (("run", "flatten", "a.csv", "-o", "v.csv"), "v.csv", "-1\n-2\n-3\n-4.5\n"),
        (("run", "abs", "a.csv", "--maps", "each", "-o", "m.csv"), "m-0.csv", "1,2\n3,4.5\n"),
    ]:
        result = run(*command)
        assert result.exit_code == 0, result.err
        assert (folder / name).read_text() == text
    assert run("apply", "identity", "b.csv", "-o", "-", "--format", "csv").out == "1,2\n3,4.5\n"


def test_a_table_of_whole_numbers_that_is_filtered_as_a_picture_is_tells_what_that_costs(folder):
    (folder / "a.csv").write_text("0,200\n100,0\n")
    command = ("apply", "0 0 0; 0 -0.5 0.003; 0 0 0", "a.csv", "--border", "zeros", "--format", "csv", "-f")
    result = run(*command)
    told = "warning: a.csv: its results are rounded, and cut off at 0 and 255, as a picture's; --depth float keeps them"
    assert told in result.messages
    assert (folder / "a-custom.csv").read_text() == "1,0\n0,0\n"
    result = run(*command, "--depth", "float")
    assert result.messages == ["wrote a-custom.csv  2x2"]
    assert (folder / "a-custom.csv").read_text() == "0.6,-100\n-50,0\n"
    assert told not in run(*command, "--range", "abs").messages


def test_a_table_in_a_folder_is_no_picture(folder):
    (folder / "in").mkdir()
    (folder / "in" / "list.csv").write_text("1,2\n")
    assert run("apply", "identity", "in", "-o", "out/").messages == [
        "found no picture that can be read; passed over 1 file (1 .csv)", "0 written"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["1,2\n3,4", "1 2\n3 4", "1\t2\n3\t4", "1;2\n3;4", "1 2; 3 4", "1 2;\n3 4;\n", "1,2 3,4", "2x2:1,2,3,4",
     "1, 2 # a\n3, 4", "# a\n1;2;\n3;4;", "2/2 2\n3 4e0"],
)  # fmt: skip
def test_tables_of_pixels_and_of_weights_are_read_alike(folder, text):
    np.testing.assert_array_equal(read_text(folder, text).pixels, [[1, 2], [3, 4]])
    assert load_kernel(folder / "grid.CSV").filters == (((1, 2), (3, 4)),)


@pytest.mark.parametrize("text", ["1;2;3", "1,2;3,4", "1 2, 3 4", "0,5;1\n2;3", "1,,2", "1 2\n3", "1,x", ""])
def test_tables_of_pixels_and_of_weights_are_refused_alike(folder, text):
    with pytest.raises(PictureError) as as_picture:
        read_text(folder, text or "#")
    with pytest.raises(KernelError) as as_weights:
        load_kernel(folder / "grid.CSV")
    assert str(as_weights.value) == f"{folder / 'grid.CSV'}: {as_picture.value}"


def test_a_table_is_not_read_without_end(folder, monkeypatch):
    monkeypatch.setattr(table, "MAX_BYTES", 7)
    assert read_text(folder, "1,2,3,4").pixels.shape == (1, 4)
    with pytest.raises(PictureError, match=r"more than 7 bytes is not read; save it as \.npy"):
        read_text(folder, "1,2,3,45")


def test_the_limit_of_pixels_holds_before_the_numbers_are_read(folder):
    with pytest.raises(PictureError, match=r"3x2 is 6 pixels, more than the limit of 5.*max_pixels=6"):
        read_text(folder, "1,2,3\nnot,a,number", max_pixels=5)


def test_there_is_one_frame_and_8_bits_only_of_whole_numbers(folder):
    assert read_text(folder, "1,2", frame=0).pixels.shape == (1, 2)
    with pytest.raises(PictureError, match="there is no frame 1: the file has 1, counted from 0"):
        read_text(folder, "1,2", frame=1)
    np.testing.assert_array_equal(read_text(folder, "0,65535", depth=8).pixels, np.uint8([[0, 255]]), strict=True)
    with pytest.raises(PictureError, match="leave out depth=8"):
        read_text(folder, "0.5,1", depth=8)


def test_a_picture_by_its_bytes_is_one_whatever_its_name(folder):
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((2, 3), np.uint8))
    assert read_text(folder, buffer.getvalue()).format == "NPY"


def test_a_filtered_table_is_a_png_or_an_array(folder):
    (folder / "whole.csv").write_text("0,9,0\n9,9,9\n0,9,0\n")
    (folder / "signed.csv").write_text("0,-9,0\n-9,1.5,-9\n0,-9,0\n")
    result = run("apply", "0 1 0; 0 0 0; 0 0 0", "whole.csv", "signed.csv", "--border", "zeros")
    assert result.exit_code == 0, result.err
    assert result.messages[0].startswith("warning: whole.csv: the result is nearly black; ")
    assert result.messages[1:3] == ["wrote whole-custom.png  3x3", "wrote signed-custom.npy  3x3"]
    np.testing.assert_array_equal(load("whole-custom.png"), np.uint8([[0, 0, 0], [0, 9, 0], [9, 9, 9]]), strict=True)
    expected = np.float32([[0, 0, 0], [0, -9, 0], [-9, 1.5, -9]])
    np.testing.assert_array_equal(np.load("signed-custom.npy"), expected, strict=True)


def test_a_long_cell_is_refused_at_once(folder):
    start = time.process_time()
    with pytest.raises(PictureError, match=r"'1{57}\.\.\.' is too long for a number"):
        read_text(folder, "1" * 60_000 + "x")
    assert time.process_time() - start < 5  # a tenth of a second is usual; this is about the order
