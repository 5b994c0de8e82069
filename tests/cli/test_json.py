"""--json: one object a line, whatever becomes of an input, and of a refusal too."""

import json
from pathlib import Path

import pytest

from tests.command import run, save


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("photo.png")


def lines(*arguments, code):
    result = run(*arguments)
    assert result.exit_code == code, result.err
    return [json.loads(line) for line in result.out.splitlines()]


def test_each_input_has_a_line_and_a_skipped_one_its_output():
    save("photo-edge.png")
    Path("text.png").write_text("text")
    first, second, third = lines(
        "apply", "edge", "photo.png", "text.png", "gone.png", "--skip-existing", "--json", code=1
    )
    assert (first["input"], first["output"], first["skipped"]) == ("photo.png", "photo-edge.png", True)
    assert (second["output"], second["skipped"]) == (None, False)
    assert second["error"].startswith("not a picture")
    assert third["error"] == "no such file"


@pytest.mark.parametrize("names", [["a-0.png", "a-1.png"], ["a-0.png"]])
def test_maps_that_exist_are_all_named(names):
    for name in names:
        save(name)
    arguments = ["run", "gray,conv:sobel-x+sobel-y", "photo.png", "--maps", "each", "-o", "a.png", "--json"]
    (record,) = lines(*arguments, "--skip-existing", code=0)
    assert record["output"] == ["a-0.png", "a-1.png"]
    assert record["skipped"] == (len(names) == 2)


def test_an_output_whose_name_follows_what_the_input_holds_is_named_too():
    save("b.png")
    Path("b.png").rename("b.jpg")
    run("apply", "edge", "b.jpg")
    (record,) = lines("apply", "edge", "b.jpg", "--skip-existing", "--json", code=0)
    assert (record["output"], record["skipped"]) == ("b-edge.png", True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["apply", "egde", "photo.png", "--json"], "unknown kernel 'egde'; did you mean edge?"),
        (["apply", "edge", "photo.png", "--strid", "2", "--json"], "No such option '--strid'; did you mean --stride?"),
        (["apply", "edge", "--json"], "Missing argument 'INPUT...'"),
        (["run", "relo", "photo.png", "--json"], "stage 1 'relo' (column 1): unknown stage; did you mean relu?"),
        (["explain", "relo", "photo.png", "--at", "0,0", "--json"], "stage 1 'relo'"),
        (["shape", "28x", "relu", "--json"], "'28x' is no size"),
        (["shape", "2", "maxpool:3", "--json"], "stage 1 (maxpool): window 3x3 does not fit in 2x2"),
        (["kernels", "egde", "--json"], "unknown kernel 'egde'; did you mean edge?"),
        (["shape", "28", "relu", "--json", "--emit", "torch"], "--emit prints a program of STAGES, and goes with none"),
        (
            ["apply", "edge", "photo.png", "-o", "-", "--json"],
            "standard output cannot take both the picture and --json",
        ),
        (["shap", "28", "--json"], "unknown command 'shap'"),
    ],
)
def test_a_refusal_is_an_object_with_the_error(arguments, message):
    (record,) = lines(*arguments, code=2)
    assert list(record) == ["error"]
    assert record["error"].startswith(message)


def test_each_conflict_has_a_line():
    save("photo-edge.png")
    save("other.png")
    save("other-edge.png")
    records = lines("apply", "edge", "photo.png", "other.png", "--json", code=2)
    assert [record["error"].partition(" ")[0] for record in records] == ["'photo-edge.png'", "'other-edge.png'"]


def test_without_json_standard_output_stays_empty():
    assert run("apply", "egde", "photo.png").out == ""
    assert run("apply", "egde", "--", "photo.png", "--json").out == ""


def test_an_explanation_that_fails_is_an_object():
    assert lines("explain", "relu", "gone.png", "--at", "0,0", "--json", code=1) == [
        {"input": "gone.png", "error": "no such file"}
    ]


def test_the_help_says_that_it_is_lines():
    for command in ("apply", "run"):
        assert "one object a line" in " ".join(run(command, "--help").out.split())
