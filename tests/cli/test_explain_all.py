import json
import re

import numpy as np
import pytest

from cnnfilter.pipeline import Pipeline
from tests.chains import CHAINS
from tests.command import run

NETWORKS = [
    ("conv:0 1 0; 1 0 -1; 0 1 0:padding=1:as=c,relu,maxpool:2,flatten,dense:3:random=1:as=d,softmax", (5, 5, 1)),
    ("relu:as=x,conv:3@3x3:padding=1:random=4,tanh:as=y,from:x,abs,concat:y,globalavgpool", (6, 7, 3)),
    *[(text, shape) for text, shape in CHAINS[:6] if len(shape) == 3],
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.csv").write_text("1,0,1,0,1\n1,0,0,1,1\n0,1,1,0,0\n1,0,0,1,0\n0,0,1,1,0\n")


def listed(*arguments):
    result = run("explain", *arguments)
    assert result.exit_code == 0, result.err
    return result.out


def refused(*arguments, code=1):
    result = run("explain", *arguments)
    assert (result.exit_code, result.data) == (code, b"")
    return result.messages[-1].removeprefix("cnnfilter: error: ")


def with_numbers(text):
    """A chain whose sizes have numbers."""
    return re.sub(r"((?:conv|depthwise|convtranspose|dense):(?:\d+@)?\d[^,]*)", r"\1:random=1", text)


def saved(shape):
    values = np.random.default_rng(3).integers(0, 256, shape).astype(np.uint8)
    np.save("small.npy", values)
    return values.transpose(2, 0, 1)


@pytest.mark.parametrize(("text", "shape"), NETWORKS)
def test_the_numbers_of_all_stages_are_those_of_the_pipeline(text, shape):
    text = text if "random" in text else with_numbers(text)
    maps = saved(shape)
    pipeline = Pipeline.parse(text)
    wanted = dict(pipeline.results(maps, range(len(pipeline.stages)), layout="chw"))
    picture, *stages = json.loads(listed(text, "small.npy", "--all-matrices", "--json"))["matrices"]
    assert (picture["number"], picture["reads"], picture["output"]) == (0, [], list(shape))
    assert picture["values"] == maps.tolist()
    rows = pipeline.plan(shape)
    for number, (stage, row) in enumerate(zip(stages, rows, strict=True)):
        assert stage["number"] == number + 1
        assert stage["reads"] == [read + 1 for read in row.reads]
        assert (stage["name"], stage["output"]) == (row.name, list(row.output))
        assert stage["values"] == wanted[number].tolist()


def test_a_terminal_gets_them_one_below_the_other():
    text = "conv:0 1 0; 1 0 -1; 0 1 0:as=c,relu,maxpool:2:ceil_mode=yes,flatten"
    assert (
        listed(text, "small.csv", "--all-matrices")
        == """\
picture 5x5x1
  1 0 1 0 1
  1 0 0 1 1
  0 1 1 0 0
  1 0 0 1 0
  0 0 1 1 0

stage 1 (c)  conv:0 1 0; 1 0 -1; 0 1 0  3x3x1
   2 1 -1
  -1 1  3
   2 1  1

stage 2  relu  3x3x1
  2 1 0
  0 1 3
  2 1 1

stage 3  maxpool:2:ceil_mode=yes  2x2x1
  2 3
  2 1

stage 4  flatten  4
  2
  3
  2
  1
"""
    )


def test_a_node_ends_the_listing_and_a_value_is_explained_behind_it():
    record = json.loads(listed("relu,abs,tanh", "small.csv", "--all-matrices", "--node", "2", "--json"))
    assert [each["number"] for each in record["matrices"]] == [0, 1, 2]
    out = listed("relu,abs", "small.csv", "--all-matrices", "--at", "0,0")
    assert out.index("stage 2  abs  5x5x1") < out.index("relu,abs on a picture of 5x5x1 gives 5x5x1")
    record = json.loads(listed("relu,abs", "small.csv", "--all-matrices", "--at", "0,0", "--json"))
    assert record["value"] == record["matrices"][2]["values"][0][0][0] == 1


def test_of_many_maps_and_values_the_first_are_printed_and_json_has_all():
    text = "conv:20@1x1:random=1,flatten"
    out = listed(text, "small.csv", "--all-matrices")
    assert "map 15\n" in out
    assert "map 16\n" not in out
    assert out.count("  and 4 more; --json has them all\n") == 1
    assert out.count("  and 436 more; --json has them all\n") == 1
    assert len(json.loads(listed(text, "small.csv", "--all-matrices", "--json"))["matrices"][1]["values"]) == 20


def test_what_is_not_a_number_is_told_as_text():
    (picture, stage) = json.loads(listed("conv:1e38:bias=3e38", "small.csv", "--all-matrices", "--json"))["matrices"]
    assert {*sum(stage["values"][0], [])} == {"inf", 3.0000000054977558e38}
    assert picture["stage"] == "picture"


def test_what_nobody_reads_number_by_number_is_refused_with_the_limit_and_what_to_do():
    assert refused("relu,upsample:7", "small.csv", "--all-matrices") == (
        "small.csv: stage 2 (upsample) gives 35x35x1, too large for --all-matrices (at most 32x32 a map); --node 1 "
        "lists what comes before, and cnnfilter run --node 2 --format npy writes its numbers"
    )
    assert refused("upsample:7", "small.csv", "--all-matrices").endswith(
        "(at most 32x32 a map); cnnfilter run --node 1 --format npy writes its numbers"
    )
    assert refused("conv:900@1x1:random=1", "small.csv", "--all-matrices") == (
        "small.csv: the stages give 22,500 numbers, too many for --all-matrices (at most 20,000); --node NODE "
        "--all-matrices lists up to a node, and cnnfilter run --node all --format npy writes all numbers"
    )
    np.save("large.npy", np.zeros((33, 4), np.uint8))
    assert "4x33 pixels are too many to be printed" in refused("relu", "large.npy", "--all-matrices")
    assert "only --matrix alone takes INPUT" in refused("small.csv", "--all-matrices", code=2)
    assert "--all-matrices without --at prints one result" in refused(
        "relu,abs", "small.csv", "--all-matrices", "--node", "1", "--node", "2", code=2
    )


def test_a_small_network_of_the_textbooks_is_within_the_limits():
    np.save("digit.npy", np.zeros((32, 32), np.uint8))
    record = json.loads(listed("lenet-5:random=1", "digit.npy", "--all-matrices", "--json"))
    assert sum(np.size(each["values"]) for each in record["matrices"][1:]) == 14_732
