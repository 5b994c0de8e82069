"""Explanations of stages that change the size of maps, whole."""

import json

import numpy as np
import pytest

from cnnfilter.errors import ArgumentError
from cnnfilter.explanation import explain, to_record
from cnnfilter.pipeline import Pipeline
from tests.command import run


@pytest.fixture(autouse=True)
def picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.csv").write_text("0 20 40\n10 30 50\n4 8 12\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("stages", "lines"),
    [
        ("upsample:2:mode=bilinear", [
            "row 1, column 2, map 0 = 17.5",
            "  window         kernel           products",
            "    |   0   1",
            "  0 |   0  20    0.1875 0.5625        0 11.25",
            "  1 |  10  30    0.0625 0.1875    0.625 5.625",
            "  sum  0 + 11.25 + 0.625 + 5.625 = 17.5",
            "receptive field  2x2, rows 0 to 1, columns 0 to 1",
        ]),
        ("upsample:2", ["  as it is at row 0, column 1, map 0, 20", "receptive field  1x1, row 0, column 1"]),
        ("crop:2x3", ["  as it is at row 1, column 2, map 0, 50", "receptive field  1x1, row 1, column 2"]),
        ("globalmaxpool,upsample:3", ["  largest of 9 values  50, at row 1, column 2, map 0"]),
        ("convtranspose:1 2 3; 4 5 6; 7 8 9:stride=2", [
            "row 1, column 2, map 0 = 80",
            "  row 0 of the input meets row 1 of the kernel  0*2 - 0 + 1*1 = 1",
            "  column 0 of the input meets column 2 of the kernel  0*2 - 0 + 2*1 = 2",
            "  column 1 of the input meets column 0 of the kernel  1*2 - 0 + 0*1 = 2",
            "  window      kernel    products",
            "    | 0   1",
            "  0 | 0  20   6 4       0 80",
            "  sum  0 + 80 = 80",
            "receptive field  1x2, row 0, columns 0 to 1",
        ]),
        ("convtranspose:[1]:stride=3:bias=7", ["  no sample's kernel reaches this place: the bias, 7"]),
        ("convtranspose:[1]:stride=3,relu", ["  no sample's kernel reaches this place: nothing, 0"]),
        ("resize:8x9,convtranspose:box:size=5:padding=2", [
            "  rows 0 to 3 of the input meet rows 3 to 0 of the kernel  input*1 - 2 + kernel*1 = 1",
            "  columns 0 to 4 of the input meet columns 4 to 0 of the kernel  input*1 - 2 + kernel*1 = 2",
        ]),
        ("resize:3x6:filter=box", ["  as it is at row 1, column 1, map 0, 30"]),
    ],
)  # fmt: skip
def test_a_value_is_told_by_its_samples(stages, lines):
    result = run("explain", stages, "p.csv", "--at", "1,2")
    assert result.exit_code == 0, result.err
    told = result.out.splitlines()
    squeezed = [" ".join(line.replace("[", " ").replace("]", " ").split()) for line in told]
    for line in lines:
        assert " ".join(line.split()) in squeezed, result.err


def test_the_record_has_the_samples_and_their_weights():
    record = to_record(explain(Pipeline.parse("upsample:1x2:mode=bilinear,relu"), [[0, 4]], (0, 1)))
    second, first = record["steps"]
    assert second["kind"] == "function"
    assert first["kind"] == "resample"
    assert first["samples"]["kernel"] == [[0.75, 0.25]]
    assert first["samples"]["products"] == [[0, 1]]
    assert first["follows"] == [0, 1, 0]
    assert record["receptive_field"]["in_padding"] == 0


def test_fractions_are_floats_in_json_and_short_in_the_table():
    result = run("shape", "7x7x64", "convtranspose:32@3x3:stride=2,upsample:3", "--json")
    assert result.exit_code == 0, result.err
    first, second = json.loads(result.out)["stages"]
    assert (first["receptive_field"], first["jump"]) == ([1.5, 1.5], [0.5, 0.5])
    assert second["jump"] == pytest.approx([1 / 6, 1 / 6])
    table = run("shape", "7x7x64", "convtranspose:32@3x3:stride=2,upsample:3").out.splitlines()
    assert "1.5x1.5  0.5 " in table[1]
    assert "1.5x1.5  0.1667" in table[3]


def test_a_mean_of_a_million_samples_is_not_written_out():
    with pytest.raises(ArgumentError, match="stage 1 .resize.: a window of 2000x2000 is too large to be explained"):
        explain(Pipeline.parse("resize:1"), np.zeros((1000, 1000), np.uint8), (0, 0))
    assert explain(Pipeline.parse("resize:1:filter=nearest"), np.ones((1000, 1000), np.uint8), (0, 0)).value == 1
