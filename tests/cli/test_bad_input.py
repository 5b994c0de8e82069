"""What cannot be done is one clear line and an exit code, never a traceback, and leaves nothing behind."""

import errno
import json
import os
import pty
import resource
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cnnfilter.cli import apply as apply_module
from cnnfilter.errors import ArgumentError
from tests.command import PHOTO, Terminal, failed, load, refused, run, run_process, save, start


@pytest.fixture(autouse=True)
def _photo(tmp_path, monkeypatch):
    """Work in a folder that holds one photo."""
    monkeypatch.chdir(tmp_path)
    save("photo.png")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"just text\n", "not a picture that cnnfilter knows: it is text"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "EPS is not opened; convert it to PNG first"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "cannot decode PNG"),
    ],
)
def test_what_is_no_picture_fails_in_one_line(content, reason):
    Path("bad.png").write_bytes(content)
    assert failed("edge", "bad.png").startswith(f"bad.png: {reason}")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp", "bmp", "gif", "ppm", "avif", "jp2", "npy"])
def test_a_truncated_picture_fails_in_one_line(suffix):
    if suffix == "npy":
        np.save("whole.npy", PHOTO)
    else:
        save(f"whole.{suffix}")
    whole = Path(f"whole.{suffix}").read_bytes()
    Path(f"part.{suffix}").write_bytes(whole[: len(whole) * 2 // 5])
    assert failed("edge", f"part.{suffix}").startswith(f"part.{suffix}: ")


def test_a_corrupt_picture_fails_in_one_line():
    data = bytearray(Path("photo.png").read_bytes())
    data[len(data) // 2] ^= 0xFF
    Path("bad.png").write_bytes(data)
    assert failed("edge", "bad.png").startswith("bad.png: cannot decode PNG: ")


def test_a_missing_file_and_a_folder_fail_in_one_line():
    Path("folder.png").mkdir()
    assert failed("edge", "none.png") == "none.png: no such file"
    assert failed("edge", "nowhere/none.png") == "nowhere/none.png: no such file"
    assert refused("edge", "folder.png") == (
        "the pictures of a folder need a folder to go to; name one with -o, such as -o out/"
    )


@pytest.mark.parametrize("stdin", [b"", b"text"])
def test_bad_standard_input_fails_in_one_line(stdin):
    assert failed("edge", "-", stdin=stdin).startswith("standard input: ")


def test_an_unknown_kernel_is_refused_with_the_nearest_names():
    assert refused("sobelx", "photo.png") == (
        "unknown kernel 'sobelx'; did you mean sobel-x? (cnnfilter kernels lists them all)"
    )


def test_a_kernel_larger_than_the_padded_picture_fails():
    assert failed("box:size=33", "photo.png", "--padding", "1").startswith(
        "photo.png: window 33x33 does not fit in 30x45, padded to 32x47"
    )


@pytest.mark.parametrize(
    ("padding", "shape"),
    [("same", (30, 45)), ("same-lower", (30, 45)), ("valid", (27, 42)), ("1+2x2+1", (30, 45))],
)
def test_even_kernels_take_each_padding(padding, shape):
    result = run("apply", "box:size=4", "photo.png", "--padding", padding, "-o", "out.png")
    assert result.exit_code == 0, result.err
    assert load("out.png").shape == (*shape, 3)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 2)])
@pytest.mark.parametrize("border", ["zeros", "replicate", "reflect", "symmetric", "circular"])
def test_tiny_pictures_work(size, border):
    save("tiny.png", PHOTO[: size[0], : size[1]])
    result = run("apply", "gaussian:sigma=2", "tiny.png", "--border", border)
    assert result.exit_code == 0, result.err
    assert load("tiny-gaussian-sigma-2.png").shape == (*size, 3)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--stride", "0"], "stride must be at least 1, not 0"),
        (["--stride", "-1"], "stride must be at least 1, not -1"),
        (["--stride", "a"], "stride must be a whole number, not 'a'"),
        (["--stride", "1x2x3"], "stride takes one number or two (HEIGHTxWIDTH), not '1x2x3'"),
        (["--dilation", "0x1"], "dilation must be at least 1, not 0"),
        (["--padding", "-1"], "padding must be at least 0, not -1"),
        (
            ["--padding", "some"],
            "padding must be a number, HxW, T+BxL+R, valid, same or same-lower, not 'some'",
        ),
        (["--border", "constant=nan"], "the border's constant must be a finite number, not 'nan'"),
        (["--bias", "inf"], "bias must be a finite number, not inf"),
        (["--format", "eps"], "unknown picture format 'eps'"),
    ],
)
def test_a_value_outside_its_limits_is_refused(arguments, line):
    assert refused("edge", "photo.png", *arguments).startswith(line)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--threads", "0"],
        ["--frame", "-1"],
        ["--max-pixels", "0"],
        ["--range", "all"],
        ["--alpha", "x"],
        ["--scale", "x"],
        ["--depth", "12"],
    ],
)
def test_a_word_that_is_not_offered_is_refused(arguments):
    line = refused("edge", "photo.png", *arguments)
    assert line.startswith(f"Invalid value for '{arguments[0]}': ")
    assert line.endswith("; see cnnfilter apply --help")


@pytest.mark.parametrize("kernel", ["nan 0; 0 1", "inf", "1 2; 3", "1 x", "-inf 0", "-1 0; nan 0"])
def test_a_matrix_that_is_none_is_refused(kernel):
    assert "row" in refused(kernel, "photo.png")


def test_nan_in_a_kernel_file_is_refused():
    np.save("nan.npy", np.array([[0, np.nan], [1, 2]]))
    assert refused("nan.npy", "photo.png").startswith("nan.npy: ")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a b.png", "a b"),
        ("a\nb.png", "a\\nb"),
        ("[bold]x[/bold].png", "[bold]x[/bold]"),
        ("%d %s.png", "%d %s"),
        ("\x1b[31mred.png", "\\x1b[31mred"),
        (os.fsdecode(b"\xff\xe4.png"), "\\xff\\xe4"),
        ("a:b.png", "a:b"),
        ("ü.png", "ü"),
    ],
)
def test_odd_names_work_and_are_shown_escaped(name, shown):
    if not name.startswith("["):
        Path("photo.png").rename(name)
    else:
        Path("[bold]x[").mkdir()
        Path("photo.png").rename(name)
        shown = "[bold]x[/bold]"
    result = run("apply", "edge", name)
    assert result.exit_code == 0, result.err
    assert result.messages == [f"wrote {shown}-edge.png  45x30"]
    assert load(name.replace(".png", "-edge.png")).shape == (30, 45, 3)


def test_bytes_that_are_no_utf8_come_through_a_process():
    name = os.fsdecode(b"caf\xe9.png")
    Path("photo.png").rename(name)
    result = run_process("apply", "edge", name, "--json")
    assert result.exit_code == 0, result.err
    assert json.loads(result.out)["output"] == r"caf\xe9-edge.png"
    assert json.loads(result.out)["input"] == r"caf\xe9.png"
    result = run_process("apply", "edge", name)
    assert result.exit_code == 2
    assert result.err == "cnnfilter: error: 'caf\\xe9-edge.png' exists already; --force overwrites it\n"


def test_a_name_with_a_leading_dash_works_after_two_dashes():
    Path("photo.png").rename("-f.png")
    result = run("apply", "edge", "--", "-f.png")
    assert result.exit_code == 0, result.err
    assert result.messages == ["wrote -f-edge.png  45x30"]


def test_a_file_whose_name_looks_like_options_is_told_how():
    save("-lead.png")
    assert refused("edge", "-lead.png") == (
        "'-lead.png' looks like options; for the file of that name write ./-lead.png, or -- before it; "
        "see cnnfilter apply --help"
    )
    assert refused("relu", "-lead.png", command="run").startswith("'-lead.png' looks like options")
    assert run("apply", "edge", "./-lead.png").exit_code == 0


@pytest.mark.parametrize("option", ["-o", "--output", "--stride=2"])
def test_an_option_behind_two_dashes_is_told_where_it_goes(option):
    assert refused("--", "-1 0 1", "photo.png", option, "x.png") == (
        f"there is no file '{option}'; options go before --; see cnnfilter apply --help"
    )


def test_quiet_and_verbose_exclude_each_other():
    for command in (["apply", "edge"], ["run", "relu"]):
        line = refused(*command[1:], "photo.png", "-qv", command=command[0])
        assert line == f"-q says less and -v says more; give one of them; see cnnfilter {command[0]} --help"


def test_nothing_is_written_beside_a_file_of_the_web():
    assert refused("edge", "photo.png", "https://a.org/b.png?signature=secret") == (
        "https:// is only read: name a place for 'b-edge.png' with -o"
    )
    assert refused("edge", "photo.png", "-o", "https://ann:secret@a.org/out/") == (
        "https:// is only read: name a folder of this machine, or a bucket, with -o"
    )


def test_junk_among_pictures_keeps_none_of_them_from_being_done():
    Path("photo.txt").write_text("text")
    result = run("apply", "edge", "photo.png", "photo.txt")
    assert result.exit_code == 1
    assert result.messages[0] == "wrote photo-edge.png  45x30"
    assert result.messages[1].startswith("cnnfilter: error: photo.txt: not a picture")
    assert result.messages[2] == "1 written, 1 failed"


def test_a_long_name_is_one_short_line():
    assert refused("edge", "photo.png", "-o", "x" * 492 + ".png").endswith("...' is too long")


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (["apply", "edge", "--padding", "20000"], "40043x40028, which counts as 1,602,841,204 pixels"),
        (["run", "conv:edge:padding=20000"], "3 maps of 40043x40028, which counts as 1,602,841,204 pixels"),
        (["run", "gray,conv:edge:padding=20000,flatten"], "40043x40028, which counts as 1,602,841,204 pixels"),
    ],
)
def test_a_result_larger_than_the_limit_fails(command, what):
    line = failed(*command[1:], "photo.png", command=command[0])
    assert line.startswith(f"photo.png: the result would be {what}, more than the limit of 89,478,485; it takes at ")


def test_what_is_limited_is_what_exists_whole():
    assert run("run", "conv:edge:padding=200,globalavgpool", "photo.png", "--max-pixels", "1350").exit_code == 0
    np.save("x.npy", np.zeros((1, 9), np.uint8))
    np.save("fc.npy", np.zeros((30, 9), np.float32))
    line = failed("conv:edge:padding=2,flatten", "x.npy", "--max-pixels", "30", command="run")
    assert line.startswith("x.npy: the result would be 11x3, which counts as 33 pixels, more than the limit of 30; ")
    line = failed("flatten,dense:fc.npy", "x.npy", "--max-pixels", "9", command="run")
    assert line.startswith("x.npy: the result would be a vector of 30, which counts as 10 pixels, more than the limit")


def test_a_disk_that_is_really_full_fails_in_one_line_and_leaves_nothing():
    # a limit on the size of files acts like one: the first write is short, and the next refused
    result = run_process(
        "apply", "identity", "photo.png",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
        env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
    )  # fmt: skip
    assert result.exit_code == 1
    assert result.err == "cnnfilter: error: photo.png: cannot write 'photo-identity.png': File too large\n"
    assert sorted(path.name for path in Path().iterdir()) == ["photo.png"]


def test_an_existing_output_is_refused_and_all_conflicts_are_told():
    save("b.png")
    run("apply", "edge", "photo.png", "b.png")
    result = run("apply", "edge", "photo.png", "b.png")
    assert result.exit_code == 2
    assert result.messages == [
        "cnnfilter: error: 'photo-edge.png' exists already; --force overwrites it",
        "cnnfilter: error: 'b-edge.png' exists already; --force overwrites it",
    ]
    assert run("apply", "edge", "photo.png", "b.png", "--force").exit_code == 0


def test_an_input_is_never_overwritten():
    before = Path("photo.png").read_bytes()
    assert refused("edge", "photo.png", "-o", "./photo.png", "--force") == (
        "the output 'photo.png' is the input 'photo.png', which is never overwritten; choose another name"
    )
    assert Path("photo.png").read_bytes() == before


def test_a_full_disk_fails_in_one_line_and_leaves_nothing(monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert failed("edge", "photo.png") == ("photo.png: cannot write 'photo-edge.png': No space left on device")


def test_a_full_device_and_a_full_standard_output_fail_in_one_line():
    assert failed("edge", "photo.png", "-o", "/dev/full") == (
        "photo.png: cannot write '/dev/full': No space left on device"
    )
    with open("/dev/full", "wb") as full:  # noqa: PTH123  (a device)
        result = run_process("apply", "edge", "photo.png", "-o", "-", stdout=full)
    assert result.exit_code == 1
    assert result.err == ("cnnfilter: error: photo.png: cannot write standard output: No space left on device\n")


def test_a_read_only_folder_is_refused(monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    assert refused("edge", "photo.png") == ("the folder '.' of the output 'photo-edge.png' cannot be written to")


def test_nothing_is_written_to_dev_null_but_it_works():
    result = run("apply", "edge", "photo.png", "-o", "/dev/null")
    assert result.exit_code == 0, result.err
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_format_that_cannot_hold_the_result_fails():
    save("clear.png", np.dstack([PHOTO, PHOTO[..., :1]]))
    assert failed("edge", "clear.png", "-o", "out.jpg") == (
        "clear.png: JPEG cannot hold alpha: write PNG, or drop it with --alpha drop"
    )
    assert run("apply", "edge", "clear.png", "-o", "out.jpg", "--alpha", "drop").exit_code == 0
    save("long.png", np.zeros((1, 16384), np.uint8))
    assert failed("edge", "long.png", "-o", "out.webp").startswith(
        "long.png: WEBP holds at most 16383 pixels a side, not 16384x1"
    )


def test_a_picture_with_too_many_pixels_fails():
    assert failed("edge", "photo.png", "--max-pixels", "1000").startswith(
        "photo.png: 45x30 is 1,350 pixels, more than the limit of 1,000; it takes about "
    )


def test_a_picture_is_not_written_to_a_terminal(monkeypatch):
    master, slave = pty.openpty()
    try:
        with open("photo.png", "rb") as photo:  # noqa: PTH123  (a stream for a process)
            result = run_process("apply", "edge", "-", stdin=photo, stdout=slave)
    finally:
        os.close(slave)
        os.close(master)
    assert result.exit_code == 2
    line = "standard output is a terminal, which shows no pictures; name a file with -o, or redirect it"
    assert result.err == f"cnnfilter: error: {line}\n"

    terminal = Terminal()
    terminal.buffer = None
    monkeypatch.setattr(sys, "stdout", terminal)
    with pytest.raises(ArgumentError, match="is a terminal"):
        apply_module.command.main(["edge", "photo.png", "-o", "-"], standalone_mode=False)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_ends_the_program_quietly(unbuffered):
    save("big.png", np.random.default_rng(0).integers(0, 256, (600, 600, 3), dtype=np.uint8))
    with start(
        "apply", "identity", "big.png", "-o", "-", env={**os.environ, "PYTHONUNBUFFERED": unbuffered}
    ) as process:
        head = subprocess.run(["head", "-c", "10"], stdin=process.stdout, capture_output=True)
        process.stdout.close()
        err = process.stderr.read()
        process.wait(timeout=20)
    assert head.stdout == b"\x89PNG\r\n\x1a\n\0\0"
    assert process.returncode == 141
    assert err == b""


def test_closed_standard_streams_are_errors():
    with start("apply", "edge", "-", preexec_fn=lambda: (os.close(0), os.close(1)), stdin=None, stdout=None) as process:
        _, err = process.communicate()
    assert process.returncode == 1
    assert err == b"cnnfilter: error: standard input: standard input is closed\n"
