"""What a person is told of a chain whose numbers are right and hardly meant."""

from pathlib import Path

import numpy as np
import pytest

from cnnfilter.engine import reference
from cnnfilter.network.grammar import parse
from cnnfilter.network.notes import notes
from cnnfilter.network.plan import plan
from cnnfilter.pipeline import Pipeline
from tests.command import run

ONES = "over a single map it gives ones; flatten before it makes a vector of"
PADDED = "that lie wholly in the padding give -inf; less padding leaves them out"


def told(text, shape):
    return list(notes(plan(parse(text), shape)))


@pytest.mark.parametrize("shape", [(1, 5, 1), (5, 1, 1), (4, 3, 1)])
def test_a_softmax_over_one_map_is_told_of(shape):
    assert told("relu,softmax", shape) == [f"stage 2 (softmax): {ONES} {shape[0] * shape[1]}"]
    assert (Pipeline.parse("softmax").run(np.ones(shape[:2])) == 1).all()
    assert told("flatten,softmax", shape) == []
    assert told("softmax", (*shape[:2], 3)) == []


@pytest.mark.parametrize(
    "pool",
    ["3", "3:padding=1", "3:padding=2", "3:padding=3", "2x3:padding=2x0", "2x3:padding=0x3", "2:padding=0+2x0+0",
     "2:padding=0+3x0+0", "2:padding=0+2x0+0:ceil_mode=yes", "1:padding=1:ceil_mode=yes", "2:dilation=5:padding=3",
     "2:dilation=5:stride=1:padding=3", "2:dilation=9:stride=1:padding=5", "3:stride=4:padding=3", "3:padding=same",
     "2:dilation=9:stride=3:padding=6"],
)  # fmt: skip
@pytest.mark.parametrize("size", [(1, 4), (4, 4), (5, 2), (7, 9)])
def test_a_window_that_holds_padding_alone_is_told_of(pool, size):
    text = f"maxpool:{pool}"
    try:
        found = told(text, (*size, 1))
    except ValueError:
        return  # the window does not fit
    is_padded = bool(np.isneginf(Pipeline.parse(text).run(np.ones(size))).any())
    window = "x".join((pool.split(":")[0].split("x") * 2)[:2])
    assert found == ([f"stage 1 (maxpool): windows of {window} {PADDED}"] if is_padded else [])
    assert "dilation" in pool or told(text.replace("max", "sum"), (*size, 1)) == []


def test_commands_tell_of_it_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("row.csv").write_text("1,2,3\n")
    for arguments in (["run", "softmax", "row.csv", "-o", "out.csv"], ["explain", "softmax", "row.csv", "--at", "0,0"]):
        result = run(*arguments)
        assert result.exit_code == 0, result.err
        assert result.messages[0] == f"warning: row.csv: stage 1 (softmax): {ONES} 3"
        assert result.err.count("warning") == 1
    result = run("shape", "1x3", "softmax,maxpool:1:padding=2")
    assert result.exit_code == 0
    assert result.messages == [
        f"warning: stage 1 (softmax): {ONES} 3", f"warning: stage 2 (maxpool): windows of 1x1 {PADDED}"
    ]  # fmt: skip
    np.testing.assert_allclose(
        Pipeline.parse("flatten,softmax").run([[1.0, 2.0, 3.0]]), reference.softmax([1.0, 2.0, 3.0]), rtol=1e-6
    )


@pytest.mark.parametrize("text", ["normalize", "gray,normalize:mean=0.5,relu"])
def test_floats_that_are_no_shares_of_white_are_told_of(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    np.save("deep.npy", np.float32([[0, 200.5], [3, -900]]))
    np.save("shares.npy", np.float32([[0, 1], [3, -900]]))
    np.save("whole.npy", np.uint8([[0, 200], [3, 90]]))
    number = 1 + text.startswith("gray")
    note = (
        f"stage {number} (normalize): it divides floats by 1, and these reach 200.5; normalize:255 divides them by 255"
    )
    for command in (["run", text, "-o", "out/"], ["explain", text, "--at", "0,0"]):
        assert run(command[0], text, "deep.npy", *command[2:]).messages[0] == f"warning: deep.npy: {note}"
        for name in ("shares.npy", "whole.npy"):
            assert "warning" not in run(command[0], text, name, *command[2:]).err
        assert (
            "warning"
            not in run(
                command[0],
                text.replace("normalize", "normalize:255:std=1"),
                "deep.npy",
                *command[2:],
                *["-f"] * (command[0] == "run"),
            ).err
        )
