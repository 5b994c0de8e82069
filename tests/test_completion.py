"""Completion for bash, zsh and fish, by its output."""

import os
import shutil
import subprocess

import pytest

from cnnfilter.model.catalogue import KERNELS
from cnnfilter.model.presets import PRESETS
from tests.command import run, run_process

VARIABLE = "_CNNFILTER_COMPLETE"


@pytest.fixture
def complete(monkeypatch):
    """Completes a line as bash asks for it; returns pairs of a kind and a word."""

    def ask(line, shell="bash"):
        words = line.split(" ")
        monkeypatch.setenv(VARIABLE, f"{shell}_complete")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", words[-1] if shell == "fish" else str(len(words) - 1))
        result = run()
        assert (result.exit_code, result.err) == (0, "")
        return result.out

    return ask


@pytest.mark.parametrize(
    ("shell", "part"), [("bash", "complete -o"), ("zsh", "#compdef cnnfilter"), ("fish", "complete ")]
)
def test_each_shell_gets_its_script(shell, part):
    result = run_process(env={**os.environ, VARIABLE: f"{shell}_source"})
    assert result.exit_code == 0, result.err
    assert part in result.out
    assert f"{VARIABLE}={shell}_complete" in result.out


def test_an_unknown_request_is_an_error(monkeypatch):
    monkeypatch.setenv(VARIABLE, "tcsh_source")
    assert run().exit_code == 1


@pytest.mark.parametrize("command", ["apply", "kernels"])
def test_kernels_are_completed_by_name(complete, command):
    lines = complete(f"cnnfilter {command} ").splitlines()
    assert lines == [f"plain,{name}" for name in KERNELS]
    assert complete(f"cnnfilter {command} sob").splitlines() == [
        f"plain,{name}" for name in KERNELS if name.startswith("sob")
    ]
    assert complete(f"cnnfilter {command} ./conv") == "file,./conv\n"


def test_behind_strip_stands_a_word_or_a_file(complete):
    assert complete("cnnfilter apply edge --strip pri") == "plain,privacy\n"
    assert complete("cnnfilter apply edge --strip=a") == "plain,all\n"
    assert complete("cnnfilter apply edge --strip ph") == "file,ph\n"


def test_what_is_said_of_a_kernel_is_shown_where_the_shell_can(complete):
    assert KERNELS["sobel-x"].description in complete("cnnfilter apply sobel-x", "zsh")


def test_presets_files_commands_and_options_are_completed(complete):
    assert complete("cnnfilter shape ").splitlines() == [f"plain,{name}" for name in PRESETS]
    assert complete("cnnfilter apply edge ph") == "file,ph\n"
    assert complete("cnnfilter run gray ph") == "file,ph\n"
    assert complete("cnnfilter apply edge a.png -o ph") == "file,ph\n"
    assert complete("cnnfilter ap") == "plain,apply\n"
    assert complete("cnnfilter apply edge --bor") == "plain,--border\n"
    assert complete("cnnfilter apply edge --border re").splitlines() == ["plain,replicate", "plain,reflect"]
    assert complete("cnnfilter apply --range ce") == "plain,center\n"


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_takes_the_script(tmp_path):
    script = run_process(env={**os.environ, VARIABLE: "bash_source"}).out
    (tmp_path / "script").write_text(script)
    result = subprocess.run(
        ["bash", "-c", "source ./script && complete -p cnnfilter"], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert "cnnfilter" in result.stdout
