import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.command import ROOT, done, files, refused, run
from tests.test_imports import loaded


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_network_is_drawn_into_a_new_file():
    result = done("shape", "lenet-5", "--diagram", "net.svg")
    assert result.out == ""
    assert re.fullmatch(r"wrote net\.svg  \d+x\d+", result.err.strip())
    root = ET.parse("net.svg").getroot()
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "lenet-5 on 32x32x1"
    assert texts[-1] == "61,706 parameters (246.8 kB as float32), 423,038 multiply-adds"
    assert {"28x28x6", "conv 5x5", "tanh", "c1", "dense 10"} <= {*texts}


def test_the_drawing_in_the_readme_is_what_is_drawn():
    done("shape", "lenet-5", "--diagram", "net.svg")
    assert Path("net.svg").read_text(encoding="utf-8") == (ROOT / "samples" / "lenet-5.svg").read_text(encoding="utf-8")


def test_nothing_is_overwritten_without_force():
    done("shape", "mnist-cnn", "--diagram", "net.svg")
    before = Path("net.svg").read_text(encoding="utf-8")
    assert refused("lenet-5", "--diagram", "net.svg", command="shape").endswith(
        "'net.svg' exists already; --force overwrites it"
    )
    assert Path("net.svg").read_text(encoding="utf-8") == before
    done("shape", "lenet-5", "--diagram", "net.svg", "--force")
    assert Path("net.svg").read_text(encoding="utf-8") != before


def test_standard_output_gets_the_same():
    done("shape", "28x28x1", "conv:2@3x3,relu", "--diagram", "net.svg")
    out = done("shape", "28x28x1", "conv:2@3x3,relu", "--diagram", "-").out
    assert out == Path("net.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["lenet-5", "--diagram", "net.png"], "--diagram writes an SVG, and 'net.png' does not end in .svg"),
        (["lenet-5", "--diagram", "net.svg", "--json"], "goes with none of -k, --compare, --emit and --json"),
        (["28", "-k", "3", "--diagram", "net.svg"], "goes with none of"),
        (["lenet-5", "--emit", "torch", "--diagram", "net.svg"], "goes with none of"),
        (["lenet-5", "--compare", "--diagram", "net.svg"], "goes with none of"),
        (["8x8x1", "conv:9@9x9,relu", "--diagram", "net.svg"], "stage 1 (conv): window 9x9 does not fit in 8x8"),
        (["lenet-5", "--diagram", "no/net.svg"], "there is no folder 'no' for the output 'net.svg'"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_nothing_is_written(arguments, text):
    result = run("shape", *arguments)
    assert result.exit_code == 2
    assert bool(result.data) == ("--json" in arguments)
    assert text in result.err
    assert files() == []


def test_a_drawing_takes_no_numpy_no_pillow_and_no_compiler(tmp_path):
    names = loaded("-m", "cnnfilter", "shape", "mobilenet-v2", "--diagram", str(tmp_path / "net.svg"))
    assert files() == ["net.svg"]
    assert names & {"numpy", "numba", "llvmlite", "PIL", "rich"} == set()
