"""Texts of stages that nobody means well by: long ones, and ones that a terminal would obey."""

import ast
import os
import re
import time
from pathlib import Path

import numpy as np
import pytest

from cnnfilter.cli import render
from cnnfilter.errors import ArgumentError, CnnfilterError, GrammarError, ShapeError
from cnnfilter.explanation import explain
from cnnfilter.export import emit
from cnnfilter.messages import LONGEST_NAME, why_no_file
from cnnfilter.network.grammar import MAX_STAGES, parse
from cnnfilter.network.plan import plan
from cnnfilter.network.stages.text import Piece, escape, split, unescape
from cnnfilter.pipeline import Pipeline
from tests.command import run

LENGTH = 30_000
"""Characters. What takes quadratic time takes four seconds for them, and an hour for the longest file."""
SECONDS = 1
"""A twentieth is usual; this is about an algorithm's order."""
LONGEST = LONGEST_NAME + 500
"""Characters of a message: it names a file or repeats a stage and a value, each cut, and lists what is known."""

UNITS = ["\\", "\\,", "=a:/", " a:/", "a####", "# ", "+", ":", ",", "=", "a=b:", "relu,", "edge+", "1+", "1x", "9",
         "/", "[", "[1],", "1 ", "1;", "\N{MINUS SIGN}", "@", "3@3", "nan", " ", "\n",
         "'", "\x1b[31m", "\udc80", "s3://", "a::", "=a:// ", "://u:@"]  # fmt: skip
BEGINNINGS = ["", "@", "conv:", "conv:edge:", "conv:edge:stride=", "conv:edge:padding=", "conv:edge:border=constant=",
              "conv:edge:bias=", "conv:edge:groups=", "conv:edge:flip=", "conv:gaussian:sigma=", "conv:x.npy:name=",
              "conv:x.npy:layout=", "depthwise:", "maxpool:", "normalize:mean=", "leaky_relu:", "relu:", "dense:",
              "dense:1:bias="]  # fmt: skip


def repeated(unit):
    return (unit * (LENGTH // len(unit) + 1))[:LENGTH]


def planned(text):
    stages = parse(text)
    assert str(parse(str(stages))) == str(stages)
    return plan(stages, (5, 5, 1))


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_long_text_takes_time_in_proportion_and_a_short_message(beginning):
    for unit in UNITS:
        begin = time.process_time()
        with pytest.raises(CnnfilterError) as error:
            planned(beginning + repeated(unit))
        assert time.process_time() - begin < SECONDS, unit
        assert len(str(error.value)) <= LONGEST, (unit, str(error.value))


@pytest.mark.parametrize("unit", UNITS)
def test_parts_of_a_long_text_take_time_in_proportion(unit):
    text = repeated(unit)
    begin = time.process_time()
    for separator in ",:+":
        split(Piece(text, 1), separator)
    assert unescape(escape(text)) == text
    assert time.process_time() - begin < 4 * SECONDS


@pytest.mark.parametrize("line", ["a####", "\\", "=a:/", "relu, "])
def test_a_long_line_of_a_pipeline_file_takes_time_in_proportion(tmp_path, line):
    (tmp_path / "net.txt").write_text(repeated(line))
    begin = time.process_time()
    with pytest.raises(CnnfilterError):
        parse("@net.txt", base=tmp_path)
    assert time.process_time() - begin < SECONDS


def test_a_chain_has_a_greatest_length():
    assert len(parse(",".join(["relu"] * MAX_STAGES))) == MAX_STAGES
    with pytest.raises(GrammarError, match="^1,001 stages are too many for a chain \\(at most 1,000\\)$") as error:
        parse(",".join(["relu"] * (MAX_STAGES + 1)))
    assert (error.value.stage, error.value.column) == (1001, 5001)


def test_a_pipe_is_no_file_but_it_is_there(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert why_no_file(tmp_path / "pipe") == "is a pipe or a device, not a file"
    with pytest.raises(CnnfilterError, match="pipeline file .*pipe: is a pipe or a device, not a file$"):
        parse(f"@{tmp_path / 'pipe'}")
    result = run("shape", str(tmp_path / "pipe"), "conv:edge")
    assert result.messages == [f"cnnfilter: error: {tmp_path / 'pipe'}: is a pipe or a device, not a file"]


# What is printed


def printed(*arguments):
    result = run(*arguments)
    for text in (result.out, result.err):
        assert all(line.isprintable() for line in text.split("\n")), ascii(text)
    return result


OBEYED = "\x1b[2J\u202e\x9b"


@pytest.mark.parametrize(
    "arguments",
    [
        ["shape", "5", "STAGES"],
        ["shape", "5", "STAGES", "--json"],
        ["shape", "5", "STAGES", "--compare"],
        *(["shape", "5", "STAGES", "--emit", language] for language in ("numpy", "torch", "keras")),
        ["explain", "STAGES", "picture.csv", "--at", "0,0"],
        ["explain", "STAGES", "picture.csv", "--at", "0,0", "--json"],
        ["run", "STAGES", "picture.csv", "-o", "-", "--format", "csv"],
        ["run", "STAGES", "picture.csv", "-v", "-n"],
        ["apply", "FILE", "picture.csv", "-v", "-n"],
        ["kernels", "FILE"],
    ],
)
@pytest.mark.parametrize("from_file", [False, True])
def test_what_a_terminal_would_obey_is_printed_escaped(tmp_path, monkeypatch, arguments, from_file):
    monkeypatch.chdir(tmp_path)
    name = f"a{OBEYED}.csv"
    (tmp_path / name).write_text("0,1\n2,3\n")
    (tmp_path / "picture.csv").write_text("1,2,3\n4,5,6\n7,8,9\n")
    text = f"conv:{name},relu"
    if from_file:
        (tmp_path / f"n{OBEYED}.txt").write_text(text)
        text = f"@n{OBEYED}.txt"
    result = printed(*({"STAGES": text, "FILE": name}.get(each, each) for each in arguments))
    assert result.exit_code == 0, result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["shape", "5", f"conv:{OBEYED}"],
        ["shape", "5", f"@{OBEYED}"],
        ["shape", OBEYED],
        ["shape", "5", f"relu:{OBEYED}=1"],
        ["shape", "5", "relu", "--emit", OBEYED],
        ["explain", f"{OBEYED}", "x.csv", "--at", OBEYED],
        ["run", OBEYED, OBEYED],
        ["kernels", OBEYED],
        [OBEYED],
        ["apply", "edge", "x.png", f"--{OBEYED}"],
        ["apply", "edge", "x.png", "--memory", OBEYED],
    ],
)
def test_what_a_terminal_would_obey_is_escaped_in_messages(arguments):
    assert printed(*arguments).exit_code == 2


def test_a_long_message_is_cut():
    for argument in ("x" * 10**6, "\x1b" * 10**6):
        result = printed("apply", "edge", "x.png", "--threads", argument)
        assert result.exit_code == 2
        assert len(result.err) == render.LONGEST_MESSAGE + len("...\n")


def test_what_is_read_back_is_what_was_meant(tmp_path):
    (tmp_path / "net.txt").write_text("relu # one\nabs#2\n")
    with pytest.raises(GrammarError, match="unknown stage"):
        parse("@net.txt", base=tmp_path)
    (tmp_path / "net.txt").write_text("relu\t# one\n#two\nabs\n")
    assert str(parse("@net.txt", base=tmp_path)) == "relu,abs"


@pytest.mark.parametrize(
    "name",
    ['a"""\nimport os\nraise SystemExit\n"""', 'a\\"""+b', "a\\", '"', "a\r\n# b\n", "{x}", "\x1b[2J\udcff", "'''"],
)
@pytest.mark.parametrize("language", ["numpy", "torch", "keras"])
def test_a_name_is_no_code_of_a_program(tmp_path, monkeypatch, name, language):
    monkeypatch.chdir(tmp_path)
    Path(f"{name}.csv").write_text("0,1\n2,3\n")
    stages = parse(f"conv:{escape(f'{name}.csv')},relu")
    program = emit(plan(stages, (5, 5, 1)), language)
    assert all(line.isprintable() for line in program.split("\n"))
    tree = ast.parse(program)
    plain = ast.parse(emit(plan(parse("conv:0 1;2 3,relu"), (5, 5, 1)), language))
    if language == "numpy":  # says in its first line what it is made from
        told = tree.body.pop(0), plain.body.pop(0)
        assert [type(each) for each in told] == [ast.Expr, ast.Expr]
        assert told[0].value.value.encode("latin-1", "surrogateescape") == os.fsencode(str(stages))
    assert ast.dump(tree) == ast.dump(plain)


# Sizes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (["maxpool:1:stride=1000000"] * 717, "stage 3 (maxpool): the jump would be 1000000000000000000x10000000000000"),
        (["conv:1@2x2:stride=1000:padding=1000000"] * 700, "stage 6 (conv): the receptive field would be 100"),
        (
            ["conv:edge+edge+edge+edge+edge+edge+edge+edge:padding=1"] * 700,
            "stage 17 (conv): the result would be 9x9x2",
        ),
        (["conv:1@1x1:padding=1000000"] * 50 + ["flatten"], "stage 51 (flatten): the result would be 10000"),
    ],
)
def test_sizes_of_thousands_of_digits_are_refused(text, message):
    with pytest.raises(
        ShapeError, match=f"^{re.escape(message)}.*, more than any picture's .at most 1,000,000,000,000,000"
    ):
        plan(parse(",".join(text)), (9, 9, 1))


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("maxpool:1000000:padding=500000", (0, 0), "stage 1 (maxpool): a window of 1000000x1000000 is too large to be"),
        (",".join(["conv:box:size=99"] * 8), (3, 3), "stage 4 (conv): the value depends on 2,8"),
        ("conv:edge:padding=1000000,globalavgpool", (0, 0), "stage 2 (globalavgpool): the value depends on 4,0"),
        (",".join([*["relu"] * 900, "globalavgpool"]), (0, 0), "stage 715 (relu): the value depends on 269,"),
        (
            "maxpool:1000000x1:padding=500000x0:stride=1,globalavgpool",
            (0, 0),
            "stage 1 (maxpool): the value depends on",
        ),
        ("flatten,dense:large.npy", (1,), None),
        ("conv:box:size=999:stride=400", (0, 0), None),
    ],
)
def test_a_value_that_depends_on_too_much_is_not_explained(tmp_path, monkeypatch, text, at, message):
    monkeypatch.chdir(tmp_path)
    np.save("large.npy", np.broadcast_to(np.float32(1), (2, 1200 * 1200)))
    picture = np.ones((1200, 1200), np.uint8)
    begin = time.process_time()
    if message is None:
        assert explain(Pipeline.parse(text), picture, at).value == pytest.approx(1200 * 1200 if "dense" in text else 1)
    else:
        with pytest.raises(ArgumentError, match=f"^{re.escape(message)}"):
            explain(Pipeline.parse(text), picture, at)
    assert time.process_time() - begin < 10 * SECONDS  # each takes a second or less, and took minutes


@pytest.mark.parametrize("language", ["numpy", "torch", "keras"])
@pytest.mark.parametrize(
    ("text", "channels", "what"),
    [
        ("conv:edge:bias=2", 10**8, "conv over 100,000,000 channels holds 100,000,000 numbers"),
        ("conv:" + "+".join(["edge"] * 2000), 1, "edge.edge.*edge holds 18,000 numbers"),
        ("conv:box:size=101", 1, "box:size=101 holds 10,201 numbers"),
    ],
)
def test_a_program_prints_no_more_numbers_than_a_person_reads(language, text, channels, what):
    with pytest.raises(ArgumentError, match=f"^{what}, too many to print .at most 10,000"):
        emit(plan(parse(text), (110, 110, channels)), language)


def test_a_program_for_many_channels_is_short():
    assert len(emit(plan(parse("conv:sobel:bias=2,relu"), (9, 9, 10**8)), "numpy")) < 3000


@pytest.mark.parametrize("command", [["apply", "edge"], ["run", "relu"], ["explain", "--at=0,0", "relu"], ["shape"]])
def test_no_file_has_a_nul_in_its_name(command):
    result = printed(*command, "a\0b", *["relu"] * (command == ["shape"]))
    assert result.exit_code == 2
    assert result.messages == ["cnnfilter: error: the name 'a\\x00b' holds a NUL, which no file's does"]


@pytest.mark.parametrize("digits", ["9" * 400, "9" * 5000])
@pytest.mark.parametrize(
    "arguments",
    [
        ["apply", "edge", "x.png", "--memory"],
        ["apply", "edge", "x.png", "--max-pixels"],
        ["apply", "edge", "x.png", "--frame"],
        ["apply", "edge", "x.png", "--stride"],
        ["apply", "edge", "x.png", "--bias"],
        ["apply", "edge", "x.png", "-j"],
        ["apply"],
        ["kernels"],
        ["run"],
        ["shape"],
        ["shape", "5", "-k"],
        ["shape", "5"],
        ["explain", "relu", "x.png", "--at"],
    ],
)
def test_a_number_of_thousands_of_digits_is_no_internal_error(tmp_path, monkeypatch, arguments, digits):
    monkeypatch.chdir(tmp_path)
    result = printed(*arguments, digits)
    assert result.exit_code in (1, 2)
    assert "internal error" not in result.err
    assert len(result.err) <= render.LONGEST_MESSAGE + 4


def test_the_kernels_of_a_chain_hold_only_so_many_numbers():
    assert len(parse(",".join(["conv:box:size=999"] * 10))) == 10
    with pytest.raises(
        GrammarError, match=r"^stage 11 .* the kernels up to here hold 10,978,011 numbers, too many for a"
    ):
        parse(",".join(["conv:box:size=999"] * 1000))


def test_a_file_that_many_stages_name_is_read_once(tmp_path):
    np.save(tmp_path / "k.npy", np.ones((3, 3), np.float32))
    np.save(tmp_path / "fc.npy", np.ones((4, 4), np.float32))
    text = "conv:k.npy,depthwise:k.npy:stride=2,conv:k.npy:name=a,conv:k.npy,flatten,dense:fc.npy,dense:fc.npy"
    files = [getattr(stage, "file", None) for stage in parse(text, base=tmp_path).stages]
    assert files[0] is files[1] is files[3] is not files[2]
    assert files[5] is files[6]


def test_messages_of_the_library_hold_no_control_characters(tmp_path):
    path = tmp_path / f"a{OBEYED}.npy"
    np.save(path, np.ones((2, 5, 3, 3), np.float32))
    for text in (f"conv:{path}", f"depthwise:{path}", f"conv:{path}:groups=2", f"conv:{path}x", f"@{path}"):
        with pytest.raises(CnnfilterError) as error:
            plan(parse(text), (9, 9, 3))
        assert str(error.value).isprintable()
    matrix = ";".join([" ".join(["1.23456789"] * 200)] * 200)
    with pytest.raises(ArgumentError, match="Keras refuses") as error:
        emit(plan(parse(f"conv:{matrix}:stride=2:dilation=2"), (999, 999, 1)), "keras")
    assert len(str(error.value)) < LONGEST


def test_a_stage_of_a_thousand_numbers_is_shown_in_part(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("grid.csv").write_text("\n".join([",".join(["1"] * 30)] * 30))
    matrix = "; ".join([" ".join(["1"] * 25)] * 25)
    for arguments in (["shape", "30"], ["shape", "30", "--compare"], ["explain", "grid.csv", "--at", "0,0"]):
        places = 2 if arguments[0] == "shape" else 1
        result = printed(*arguments[:places], f"conv:{matrix},relu", *arguments[places:])
        assert result.exit_code == 0, result.err
        assert re.search(r"1;? ?\.\.\. ?1", result.out)
        assert len(result.out) < 4 * LONGEST
