"""The README cannot drift: its transcripts are run again, and it names every command."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from cnnfilter.cli.group import cnnfilter as cli
from tests.faults import without_coverage

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def transcripts():
    """Every command of the README with what it prints, block by block."""
    return [
        (command, output)
        for block in BLOCKS
        for command, output in re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    ]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of what the commands may write into."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "samples", folder / "samples", ignore=shutil.ignore_patterns("*-edge.*"))
    return folder


def test_there_are_transcripts():
    assert len(transcripts()) >= 7


def test_transcripts(checkout):  # one test: they go on from one another, and tests run on several cores
    for command, output in transcripts():
        assert (command, *_run(command, checkout)) == (command, output, 0)


def _run(command, checkout):
    """What a command prints, and its exit code."""
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=checkout,
        env={**os.environ, **_environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return result.stdout, result.returncode


def _environment():
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {"PATH": path, "COLUMNS": "100", "LC_ALL": "C.UTF-8"}


def test_the_python(checkout, monkeypatch):
    (block,) = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(checkout)
    names = {}
    exec(block, names)
    assert names["edges"].shape == (3, 200, 300)
    assert names["bank"].weight.shape == (8, 1, 5, 5)
    assert names["learned"].nearest.name == "box"
    assert [row.output for row in names["plan"]][-1] == (199, 299, 1)
    assert names["maps"].shape == (1, 199, 299)
    assert names["record"]["value"] == pytest.approx(names["maps"][0, 20, 30], rel=1e-5)
    assert names["sheet"].pixels.shape[2] == 3
    assert Path("edges.png").is_file()


def _steps(first):
    """The commands of the README's block that begins so."""
    (block,) = re.findall(rf"^```\n({re.escape(first)}.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return block.splitlines()


@contextlib.contextmanager
def _typed(commands, folder):
    """Commands that go on, each in a terminal of its own."""
    with contextlib.ExitStack() as ends:
        for command in commands:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"], cwd=folder, env={**without_coverage(), **_environment()},
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            ends.callback(process.wait)
            ends.callback(os.killpg, process.pid, signal.SIGKILL)
        yield


def _free_port():
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return own.getsockname()[1]


def _answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def test_the_steps_of_a_cluster(checkout):
    *going, last = _steps("dask scheduler\n")
    port = str(_free_port())
    going = [command.replace("8786", port) for command in going]
    going[0] += f" --port {port} --dashboard-address :0"  # the port that it has by itself may be another's
    with _typed(going, checkout):
        output, code = _run(last.replace("8786", port), checkout)
    assert (code, len(list((checkout / "boxed").iterdir()))) == (0, len(output.splitlines()) - 2), output


def test_the_steps_of_an_address(checkout):
    server, last = _steps("python3 -m http.server")
    port = str(_free_port())
    with _typed([server.replace("8000", port)], checkout):
        end = time.monotonic() + 60
        while not _answers(port) and time.monotonic() < end:
            time.sleep(0.05)
        output, code = _run(last.replace("8000", port), checkout)
    assert (code, output) == (0, "wrote coffee-edge.jpg  600x400\n")


def test_the_two_commands():
    (block,) = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert len(block.splitlines()) == 2


@pytest.mark.parametrize("name", cli.list_commands(click.Context(cli)))
def test_every_command_has_help_and_stands_in_the_readme(name):
    command = cli.get_command(click.Context(cli), name)
    assert command.help
    assert command.short_help or len(command.help.split(".")[0]) < 80
    assert f"cnnfilter {name}" in README


def test_pictures_of_the_readme_exist_and_no_command_writes_them():
    for name in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / name).is_file()
        assert not re.fullmatch(r".*-(edge|sobel|chain)\..*", name)
