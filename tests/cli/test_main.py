import errno
import gc
import io
import os
import signal
import subprocess
import sys
from importlib import metadata

import click
import pytest

from cnnfilter.cli import main as main_module
from cnnfilter.cli import render
from cnnfilter.cli.group import COMMANDS
from cnnfilter.errors import ArgumentError
from cnnfilter.runtime import process
from cnnfilter.writing.temporaries import Temporaries
from tests.command import ROOT, run, run_process, save, start


def raising(error):
    def fail(*arguments):
        raise error

    return fail


@pytest.fixture
def failing(monkeypatch):
    """Makes the program end in an exception."""
    return lambda error: monkeypatch.setattr(main_module, "_run", raising(error))


def test_the_version_is_that_of_the_package():
    result = run("--version")
    assert result.exit_code == 0, result.err
    assert result.out == f"cnnfilter {metadata.version('cnnfilter')}\n"


def test_help_lists_every_command():
    result = run("--help")
    assert result.exit_code == 0, result.err
    assert result.err == ""
    lines = result.out.splitlines()
    assert lines[lines.index("Commands:") :] == [
        "Commands:",
        "  apply     Filter pictures with a kernel.",
        "  run       Run pictures through a chain of stages.",
        "  explain   Show the arithmetic behind one value of a result.",
        "  page      Make an interactive page of a network on a picture.",
        "  train     Train a network on labelled pictures.",
        "  learn     Learn the kernel that turns one picture into another.",
        "  why       Show what of a picture a network looked at.",
        "  kernels   List the kernels, or describe one.",
        "  shape     Show the arithmetic of sizes.",
        "  loss      Show the arithmetic of a loss.",
        "  networks  List the well-known networks, or print one.",
        "",
        "  Examples:",
        "    cnnfilter apply edge photo.jpg                      makes photo-edge.jpg",
        "    cnnfilter run conv:sobel,relu,maxpool:2 photo.jpg   makes photo-chain.jpg",
        "    cnnfilter shape 28x28x1 conv:32@3x3,relu,maxpool:2  shows every size",
        "    cnnfilter explain conv:edge photo.jpg --at 10,20    shows its arithmetic",
        "    cnnfilter page conv:edge,relu photo.jpg --open      shows all its numbers",
        "    cnnfilter learn before.png after.png -o k.json      finds the kernel",
        "    cnnfilter kernels                                   lists the kernels",
        "    cnnfilter apply --help                              lists the options",
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(command):
    result = run(command, "-h")
    assert result.exit_code == 0, result.err
    assert result.out.startswith(f"Usage: cnnfilter {command} ")
    assert f"\n  Examples:\n    cnnfilter {command}" in result.out


def test_no_command_shows_the_help_as_a_message():
    result = run()
    assert result.exit_code == 2
    assert result.out == ""
    assert result.messages == run("--help").out.splitlines()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["aply"],
            f"unknown command 'aply'; did you mean apply? (known: {', '.join(COMMANDS)}); see cnnfilter --help",
        ),
        (["apply"], "Missing argument 'KERNEL'; see cnnfilter apply --help"),
        (["apply", "edge"], "Missing argument 'INPUT...'; see cnnfilter apply --help"),
    ],
)
def test_a_usage_error_is_one_line(arguments, line):
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.out == ""
    assert result.messages == [f"cnnfilter: error: {line}"]


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    "arguments",
    [["apply", "edge", "a.png"], ["apply", "edge", "/a.png", "-o", "/tmp/"], ["run", "relu", "a.png"], ["kernels"],
     ["networks"], ["shape", "28", "-k", "3"], ["explain", "relu", "a.png", "--at", "1,1"]],
    ids=" ".join,
)  # fmt: skip
def test_a_working_folder_that_was_removed_is_named(arguments, named, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    monkeypatch.delenv("PWD", raising=False)
    if named:
        monkeypatch.setenv("PWD", str(gone))
    gone.rmdir()
    result = run(*arguments)
    monkeypatch.chdir(tmp_path)  # before anything else asks where it is
    assert (result.exit_code, result.out) == (2, "")
    name = f"{gone} " if named else ""
    assert result.err == f"cnnfilter: error: there is no working folder {name}any more; change to one that exists\n"


def test_an_unknown_option_is_one_line_with_the_nearest():
    result = run("apply", "--foce", "edge", "a.png")
    assert result.exit_code == 2
    (line,) = result.messages
    assert line.startswith("cnnfilter: error: No such option")
    assert "--force" in line


def test_an_error_of_ours_is_a_line_for_each_argument_made_printable(failing):
    failing(ArgumentError("a\nb\x1b[31m", "c"))
    result = run()
    assert result.exit_code == 2
    assert result.messages == ["cnnfilter: error: a\\nb\\x1b[31m", "cnnfilter: error: c"]


def test_an_error_of_click_has_its_own_exit_code(monkeypatch):
    monkeypatch.setattr(click.Group, "invoke", lambda group, ctx: raising(click.ClickException("no luck."))(ctx))
    result = run("kernels")
    assert result.exit_code == 1
    assert result.messages == ["cnnfilter: error: no luck"]


@pytest.mark.parametrize("error", [ZeroDivisionError("oh"), FileNotFoundError(2, "No such file", "/x")])
def test_a_defect_is_one_line_and_a_traceback_only_on_request(failing, monkeypatch, error):
    failing(error)
    monkeypatch.delenv("CNNFILTER_DEBUG", raising=False)
    result = run()
    assert result.exit_code == 1
    assert result.messages == [
        "cnnfilter: error: internal error, please report it (CNNFILTER_DEBUG=1 shows more): "
        f"{type(error).__name__}: {error}"
    ]
    monkeypatch.setenv("CNNFILTER_DEBUG", "1")
    result = run()
    assert result.exit_code == 1
    assert result.messages[1] == "Traceback (most recent call last):"


def test_a_traceback_shows_no_secret(failing, monkeypatch):
    failing(KeyError("https://ann:0penSesame@host/a.png?signature=0penSesame"))
    monkeypatch.setenv("CNNFILTER_DEBUG", "1")
    result = run()
    assert "https://host/a.png?..." in result.messages[-1]
    assert "0penSesame" not in result.err


def test_running_out_of_memory_is_one_line(failing):
    failing(MemoryError())
    result = run()
    assert result.exit_code == 1
    assert result.messages == ["cnnfilter: error: not enough memory"]


def test_a_closed_pipe_is_quiet(failing):
    failing(BrokenPipeError())
    result = run()
    assert result.exit_code == 141
    assert result.err == ""


class Died(BaseException):
    """What ends the tests of how the process ends."""


@pytest.fixture
def deaths(monkeypatch):
    """Keep signals from ending this process; collects them, their handlers, and what it would exit with if blocked."""
    seen = []

    def die(code):
        seen.append(code)
        raise Died

    monkeypatch.setattr(signal, "raise_signal", lambda number: seen.extend([number, signal.getsignal(number)]))
    monkeypatch.setattr(os, "_exit", die)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield seen
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "terminated"),
        (signal.SIGHUP, 129, "terminated"),
    ],
)
def test_a_signal_ends_the_process_by_the_same_signal(tmp_path, monkeypatch, deaths, capfd, number, code, word):
    def work(arguments):
        path, file = Temporaries().open(tmp_path / "a.png", None)
        with file:
            assert path.exists()
            os.kill(os.getpid(), number)

    monkeypatch.setattr(main_module, "_run", work)
    with pytest.raises(Died):
        main_module.main([])
    assert deaths == [number, signal.SIG_DFL, code]
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().err == f"cnnfilter: error: {word}\n"


def test_a_signal_before_anything_could_be_written_has_nothing_to_remove(monkeypatch, deaths):
    monkeypatch.delitem(sys.modules, "cnnfilter.writing.temporaries")
    with pytest.raises(Died):
        main_module._end_by(signal.SIGTERM)
    assert deaths == [signal.SIGTERM, signal.SIG_DFL, 143]


def test_the_last_words_end_a_progress_bar(monkeypatch, capfd):
    with render.messages_to(None), render.telling(lambda: "3 written"):
        render.last_words("interrupted")
    assert capfd.readouterr().err == "\r\x1b[K\x1b[?25hinterrupted; 3 written\n"
    monkeypatch.setattr(os, "write", raising(OSError(errno.ENOSPC, "No space left on device")))
    render.last_words("interrupted")


def test_signals_that_follow_change_nothing_and_handlers_are_put_back(monkeypatch):
    seen = []

    def end(number):
        seen.append(number)
        for other in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.raise_signal(other)

    monkeypatch.setattr(main_module, "_end_by", end)
    before = signal.getsignal(signal.SIGINT)
    with main_module._ended_by_signals():
        signal.raise_signal(signal.SIGINT)
    assert seen == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_leaves_no_temporary_file(tmp_path, second):
    save(tmp_path / "a.png")
    code = (
        "import os, signal, sys, time; from cnnfilter.cli.main import main\n"
        "unlink = os.unlink\n"
        "os.fsync = lambda descriptor: (signal.raise_signal(signal.SIGTERM), time.sleep(5))\n"
        "os.unlink = lambda *a, **k: (signal.raise_signal(int(sys.argv[2])), unlink(*a, **k))\n"
        "main(['apply', 'identity', sys.argv[1]])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "a.png", str(int(second))], capture_output=True, text=True, cwd=ROOT
    )
    assert result.returncode == -signal.SIGTERM
    assert result.stderr == "cnnfilter: error: terminated\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with main_module._ended_by_signals():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_shell_sees_the_signal_and_nothing_is_left(tmp_path, number, code, word):
    pipe = tmp_path / "a.png"
    os.mkfifo(pipe)
    process = start("apply", "edge", str(pipe))
    with process, pipe.open("wb"):  # opens when the program does: it is waiting for the picture now
        process.send_signal(number)
        data, err = process.communicate(timeout=10)
    assert process.returncode == -number  # which is 128 + number to a shell
    assert 128 + number == code
    assert data == b""
    assert err.decode() == f"cnnfilter: error: {word}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_reader_that_goes_away_ends_the_program_quietly():
    read, write = os.pipe()
    os.close(read)
    try:
        result = run_process("kernels", stdout=write)
    finally:
        os.close(write)
    assert result.exit_code == 141
    assert result.err == ""


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("argument", ["kernels", "--help", "--version"])
def test_a_full_standard_output_is_an_error(argument, unbuffered):
    with open("/dev/full", "wb") as full:  # noqa: PTH123  (a device, not a path of ours)
        result = run_process(argument, stdout=full, env={**os.environ, "PYTHONUNBUFFERED": unbuffered})
    assert result.exit_code == 1
    assert result.err == "cnnfilter: error: cannot write standard output: No space left on device\n"


def test_a_closed_standard_output_is_an_error(monkeypatch):
    err = io.StringIO()
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", err)
    assert main_module.main(["kernels"]) == 1
    assert err.getvalue() == "cnnfilter: error: cannot write standard output: it is closed\n"


def test_messages_that_nobody_can_get_change_nothing(monkeypatch):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(errno.ENOSPC, "No space left on device")

    for stream in (None, Full()):
        monkeypatch.setattr(sys, "stderr", stream)
        assert main_module.main(["apply"]) == 2


def test_full_standard_error_does_not_change_the_exit_code():
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        result = run_process("apply", stderr=full)
    assert result.exit_code == 2


@pytest.fixture
def collector():
    """Puts the garbage collector back, which `main` leaves as the end of a process has it."""
    gc.unfreeze()
    yield
    gc.freeze()
    gc.enable()


@pytest.mark.usefixtures("collector")
def test_without_arguments_of_its_own_it_takes_those_of_the_process(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["cnnfilter", "--version"])
    assert main_module.main() == 0
    assert capsys.readouterr().out.startswith("cnnfilter ")


@pytest.mark.usefixtures("collector")
def test_no_garbage_is_looked_for_in_what_a_process_loads(monkeypatch):
    seen = []

    def work(arguments):
        seen.append(gc.isenabled())
        process.collect_garbage()
        seen.append(gc.isenabled())
        return 0

    monkeypatch.setattr(main_module, "_run", work)
    assert main_module.main() == 0
    assert seen == [False, True]
    assert gc.get_freeze_count() > 10_000


def test_the_caller_of_a_function_keeps_its_garbage_collector(monkeypatch):
    frozen = gc.get_freeze_count()
    monkeypatch.setattr(main_module, "_run", lambda arguments: process.collect_garbage() or int(not gc.isenabled()))
    assert main_module.main([]) == 0
    assert gc.get_freeze_count() == frozen


def test_what_an_encoding_lacks_is_shown_escaped(monkeypatch):
    data = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(data, encoding="ascii"))
    render.out("ä\n")
    assert data.getvalue() == b"\\xe4\n"
