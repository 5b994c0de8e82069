"""`cnnfilter networks`: the list, and the text of one, which can be copied and changed."""

import json
from pathlib import Path

import pytest

from cnnfilter.network.presets import PRESETS
from tests.command import run


def done(*arguments):
    result = run("networks", *arguments)
    assert result.exit_code == 0, result.err
    assert result.err == ""
    return result.out


def test_each_network_has_a_line_with_its_input_numbers_and_source():
    header, *lines = done().splitlines()
    assert header.split() == ["NETWORK", "INPUT", "PARAMETERS", "MULTIPLY-ADDS", "SOURCE"]
    assert [line.split()[0] for line in lines] == list(PRESETS)
    (line,) = (line for line in lines if line.startswith("resnet-18"))
    source = "He et al. 2015, Deep Residual Learning for Image Recognition; torchvision's resnet18"
    assert line.split(maxsplit=4) == ["resnet-18", "224x224x3", "11,689,512", "1,814,083,944", source]


@pytest.mark.parametrize("name", PRESETS)
def test_what_is_printed_of_a_network_is_a_file_of_its_stages(name, tmp_path, monkeypatch):
    page = done(name)
    for fact in ("source: ", "input: ", "parameters: ", "multiply-adds: "):
        assert f"\n# {fact}" in page
    monkeypatch.chdir(tmp_path)
    Path("mine.txt").write_text(page, encoding="utf-8")
    size = "x".join(map(str, PRESETS[name].size))
    copied, preset = (run("shape", *arguments, "--json") for arguments in ([size, "@mine.txt"], [name]))
    assert copied.exit_code == 0, copied.err
    assert copied.out == preset.out


def test_weights_are_told_by_their_address_with_what_they_take():
    page = done("resnet-18")
    assert "\n# weights: https://download.pytorch.org/models/resnet18-f37072fd.pth\n" in page
    assert "\n# before it: resize:256,crop:224,normalize:imagenet\n" in page


def test_json_has_all_of_it():
    records = json.loads(done("--json"))
    assert [each["name"] for each in records] == list(PRESETS)
    record = json.loads(done("alexnet", "--json"))
    assert record.pop("stages") == PRESETS["alexnet"].text
    assert record == next(each for each in records if each["name"] == "alexnet")
    assert record["input"] == [224, 224, 3]
    assert (record["params"], record["macs"]) == (61_100_840, 714_682_664)
    assert record["weights"].endswith("/alexnet-owt-7be5be79.pth")
    assert record["before"] == "resize:256,crop:224,normalize:imagenet"
    lesson = json.loads(done("lenet-5", "--json"))
    assert (lesson["weights"], lesson["before"]) == (None, None)


def test_an_unknown_network_is_one_line_with_the_nearest():
    result = run("networks", "resnet18")
    assert (result.exit_code, result.out) == (2, "")
    (line,) = result.messages
    assert line.startswith("cnnfilter: error: unknown network 'resnet18'; did you mean resnet-18, ")
    assert line.endswith(f" (known: {', '.join(PRESETS)})")
