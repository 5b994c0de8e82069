"""Templates that name folders, in trees and elsewhere."""

from pathlib import Path

import pytest

from tests.command import files, refused, run, save


@pytest.fixture(autouse=True)
def _tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("in/a.png", "in/sub/b.png"):
        Path(name).parent.mkdir(exist_ok=True)
        save(name)


def written(*arguments):
    """The files that a run makes."""
    before = set(Path().rglob("*.*"))
    result = run("apply", "box", *arguments)
    assert result.exit_code == 0, result.err
    return sorted(str(path) for path in set(Path().rglob("*.*")) - before)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{dir}/{name}-x.{ext}", ["in/a-x.png", "in/sub/b-x.png"]),
        ("{dir}/new/{name}.{ext}", ["in/new/a.png", "in/sub/new/b.png"]),
        ("out/{dir}/{name}.png", ["out/in/a.png", "out/in/sub/b.png"]),
        ("out/{name}/{kernel}.{ext}", ["out/a/box.png", "out/b/box.png"]),
        ("{kernel}/{name}/deep/down.{ext}", ["box/a/deep/down.png", "box/b/deep/down.png"]),
        ("in/sub/{{/{name}.png", ["in/sub/{/a.png", "in/sub/{/b.png"]),
    ],
)
def test_a_template_makes_the_folders_that_it_names(template, expected):
    assert written("-r", "in", "-o", template) == expected


def test_folders_are_made_for_one_file_too_and_in_any_folder(tmp_path):
    assert written("in/a.png", "-o", f"{tmp_path}/new/{{name}}.png") == ["new/a.png"]
    assert written("in/a.png", "-o", "{dir}/more/x.png") == ["in/more/x.png"]


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("none/none/{name}.png", "there is no folder 'none' to make 'none' in"),
        ("in/a.png/{name}.png", "'in/a.png' is a file, not a folder, so it cannot hold the outputs"),
        ("new/x.png", "there is no folder 'new' for the output 'x.png'"),
    ],
)
def test_a_folder_that_is_named_without_fields_is_made_in_an_existing_one(template, line):
    assert refused("box", "in/a.png", "-o", template) == line


def test_a_file_in_the_way_of_a_folder_is_told_before_any_work():
    save("out.png")
    Path("out").mkdir()
    Path("out/a").write_text("mine")
    line = "'out/a' is no folder, so it cannot hold the output 'x.png'"
    assert refused("box", "in/a.png", "-o", "out/{name}/x.png") == line


def test_what_a_template_wrote_is_not_looked_into():
    assert written("-r", ".", "-o", "out/{name}.png") == ["out/a.png", "out/b.png"]
    result = run("apply", "box", "-r", ".", "-o", "out/{name}.png", "--skip-existing")
    assert (result.exit_code, result.messages[-1]) == (0, "0 written, 2 skipped")
    assert files() == ["in", "out"]


def test_a_dry_run_makes_no_folder():
    result = run("apply", "box", "in/a.png", "-o", "new/{name}/x.png", "-n")
    assert (result.exit_code, result.out) == (0, "in/a.png -> new/a/x.png\n")
    assert files() == ["in"]


def test_an_input_that_is_missing_makes_no_folder():
    result = run("apply", "box", "none.png", "in/a.png", "-o", "{dir}/{name}/x.png")
    assert result.exit_code == 1
    assert result.messages[0] == "cnnfilter: error: none.png: no such file"
    assert files() == ["in"]
    assert Path("in/a/x.png").exists()
