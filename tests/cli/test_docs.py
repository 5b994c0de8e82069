"""The README cannot drift: its transcripts are run again, and it names every command."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cnnfilter.cli.group import cnnfilter as cli

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
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=checkout,
        env={**os.environ, "PATH": path, "COLUMNS": "100", "LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return result.stdout, result.returncode


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
