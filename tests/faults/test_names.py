"""Names that shells, terminals and programs stumble over work as any other, and are shown escaped."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.command import PHOTO, load, run, save
from tests.faults import CHAINS, contents

LONG = "x" * 251
NAMES = {
    b"new\nline.png": r"new\nline",
    b"[bold]b.png": "[bold]b",
    b"\xff\xfe.png": r"\xff\xfe",
    "ä€\N{SNOWMAN}.png".encode(): "ä€\N{SNOWMAN}",
    b"-dash.png": "-dash",
    b"--force.png": "--force",
    b"%d%s%n.png": "%d%s%n",
    b"a:b.png": "a:b",
    b"{name}.png": "{name}",
    b"* ?[a].png": "* ?[a]",
    b"back\\slash.png": "back\\slash",
    b" blank .png": " blank ",
    b"tab\tand\x1b[31mred\x7f.png": r"tab\tand\x1b[31mred\x7f",
    "\N{RIGHT-TO-LEFT OVERRIDE}gnp.png".encode(): r"\u202egnp",
    b"'quotes\".png": "'quotes\"",
    b"$HOME`id`.png": "$HOME`id`",
    b".hidden.png": ".hidden",
    LONG.encode() + b".png": LONG,
}
SUFFIX = {"apply": "gaussian", "run": "chain"}

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="its file systems refuse such names")


@pytest.fixture
def names(tmp_path, monkeypatch):
    """Pictures of all those names; return the names as Python has them."""
    monkeypatch.chdir(tmp_path)
    found = [os.fsdecode(name) for name in NAMES]
    Path("in").mkdir()
    for i, name in enumerate(found):
        save(Path("in", name), PHOTO + i)
    return found


def output(name, command):
    """The name of the output, of which one that is too long loses letters of the input's."""
    ending = f"-{SUFFIX[command]}."
    return name.removesuffix(".png")[: 251 - len(ending)] + ending + "png"  # there is room for four letters


def check(result, names, command):
    assert result.exit_code == 0, result.err
    assert result.messages[-1] == f"{len(names)} written"
    assert sorted(contents(Path("out"))) == sorted(output(name, command) for name in names)
    assert result.err.isprintable() or set(filter(lambda c: not c.isprintable(), result.err)) == {"\n"}
    shown = {line.removeprefix("wrote out/").split("-" + SUFFIX[command])[0] for line in result.messages[:-1]}
    assert shown >= {text for text in NAMES.values() if text != LONG}
    for _i, name in enumerate(names):  # each output is its own input's
        target = Path("out", output(name, command))
        assert load(target).shape[:2] == ((30, 45) if command == "apply" else (28, 43)), target
    assert len(set(contents(Path("out")).values())) == len(names)


@pytest.mark.parametrize("command", CHAINS)
def test_names_from_the_command_line(command, names):
    check(run(command, CHAINS[command], *(f"in/{name}" for name in names), "-o", "out/"), names, command)


@pytest.mark.parametrize("command", CHAINS)
def test_names_in_a_folder(command, names):
    kept = [name for name in names if not name.startswith(".")]
    hidden = run(command, CHAINS[command], "in/", "-o", "out/")
    assert hidden.exit_code == 0, hidden.err
    assert hidden.messages[-1] == f"{len(kept)} written"
    assert sorted(contents(Path("out"))) == sorted(output(name, command) for name in kept)


@pytest.mark.parametrize("command", CHAINS)
def test_names_from_a_list_that_ends_them_by_nul(command, names):
    listed = b"".join(b"in/" + name + b"\0" for name in NAMES)
    check(run(command, CHAINS[command], "--files-from", "-", "-0", "-o", "out/", stdin=listed), names, command)


def test_names_from_a_list_of_lines(names):
    kept = [name for name in NAMES if b"\n" not in name]
    Path("list").write_bytes(b"".join(b"in/" + name + b"\n" for name in kept))
    result = run("apply", "gaussian", "--files-from", "list", "-o", "out/")
    assert result.exit_code == 0, result.err
    assert result.messages[-1] == f"{len(kept)} written"


def test_names_with_a_leading_dash_as_arguments(names, monkeypatch):
    monkeypatch.chdir("in")
    result = run("apply", "gaussian", "-o", "../out/", "--", "-dash.png", "--force.png")
    assert result.exit_code == 0, result.err
    assert sorted(contents(Path("../out"))) == ["--force-gaussian.png", "-dash-gaussian.png"]
    assert run("apply", "gaussian", "./-dash.png").exit_code == 0
    assert Path("-dash-gaussian.png").exists()


def test_names_as_json_and_as_a_plan(names):
    arguments = ["apply", "gaussian", *(f"in/{name}" for name in names), "-o", "out/"]
    plan = run(*arguments, "--dry-run")
    assert plan.exit_code == 0, plan.err
    assert len(plan.out.splitlines()) == len(names)
    assert r"in/new\nline.png -> out/new\nline-gaussian.png" in plan.out
    records = [json.loads(line) for line in run(*arguments, "--json").data.splitlines()]
    inputs = [record["input"] for record in records]
    assert inputs[:4] == ["in/new\nline.png", "in/[bold]b.png", r"in/\xff\xfe.png", "in/ä€\N{SNOWMAN}.png"]
    assert all(record["error"] is None for record in records)


def test_errors_about_names_show_them_escaped(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        Path(os.fsdecode(name)).write_bytes(b"no picture")
    result = run("apply", "gaussian", *(f"./{os.fsdecode(name)}" for name in NAMES), "-o", "out/")
    assert result.exit_code == 1
    assert len(result.messages) == len(NAMES) + 1
    for line, text in zip(result.messages, NAMES.values(), strict=False):
        assert line.startswith(f"cnnfilter: error: {text}.png: not a picture"), line


def test_a_name_that_would_be_too_long_fails_by_itself_and_before_any_work_on_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(LONG + ".png")
    save("a.png")
    result = run("apply", "gaussian", LONG + ".png", "a.png", "-o", "out-{name}.png")
    assert result.exit_code == 1
    assert result.messages[0].endswith(" is too long")
    assert result.messages[1:] == ["wrote out-a.png  45x30", "1 written, 1 failed"]
    missing = run("apply", "gaussian", "y" * 300 + ".png", "a.png", "-o", "out/")
    assert missing.exit_code == 1
    assert missing.messages[0].endswith(": cannot be read: File name too long")
    assert missing.messages[-1] == "1 written, 1 failed"
