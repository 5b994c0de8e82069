"""Everything that is laid out, on terminals of 40 and of 80 columns and in a pipe: no number and no word is broken."""

import re

import numpy as np
import pytest

from cnnfilter.cli import render
from cnnfilter.cli.group import COMMANDS as COMMANDS_OF_HELP
from tests.command import ROOT, run, save

SAMPLES = ROOT / "samples"
COMMANDS = {
    "shape": ["shape", "224x224x3", "conv:64@7x7:stride=2:padding=3,relu,maxpool:3:stride=2,flatten,dense:10"],
    "misfit": ["shape", "6", "conv:edge,maxpool:5"],
    "window": ["shape", "10x9x3", "-k", "3x2", "-s", "2", "-d", "1x2", "-p", "1+0x0"],
    "compare": ["shape", "224", "conv:64@7x7:stride=2:padding=same,maxpool:3:ceil_mode=yes", "--compare"],
    "catalogue": ["kernels"],
    "networks": ["networks"],
    "kernel": ["kernels", "gaussian:sigma=2"],
    "bank": ["kernels", SAMPLES / "kernels" / "gabor.npz"],
    "explain": ["explain", "conv:sobel:padding=1,relu,maxpool:2", "photo.png", "--at", "0,0,2"],
    "top": ["run", "avgpool:30x45,flatten", "photo.png", "--labels", "labels.txt", "--top", "3"],
    "dry run": ["apply", "gaussian:sigma=2", "photo.png", "-o", "a/folder/with/a/long/name/", "-n"],
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("photo.png")
    (tmp_path / "a" / "folder" / "with" / "a" / "long" / "name").mkdir(parents=True)
    (tmp_path / "labels.txt").write_text("red, the first of the channels of the picture\ngreen\nblue\n")


def shown(monkeypatch, columns, *arguments):
    monkeypatch.setattr(render, "columns", lambda stream=None: columns)
    result = run(*arguments)
    return result.out


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("name", COMMANDS)
def test_no_line_is_too_long_and_no_word_is_lost(monkeypatch, name, columns):
    whole = shown(monkeypatch, float("inf"), *COMMANDS[name])
    text = shown(monkeypatch, columns, *COMMANDS[name])
    assert max(map(len, text.splitlines())) <= columns
    if name == "kernel":  # the middle of its matrix is left out, in fewer digits
        whole, text = (re.sub(r"(?s)\nmatrix.*\nsum", "\nsum", each) for each in (whole, text))
    if name in ("catalogue", "explain"):  # columns that are left out, and sums that are put in words
        return
    words = set(re.findall(r"[^\s:,;/]+", whole))
    assert words - {"STAGE", "FRAMEWORK", "NETWORK", "ARITHMETIC", "SOURCE"} <= set(re.findall(r"[^\s:,;/]+", text))


SHAPE_80 = """\
STAGE
    INPUT       OUTPUT         PARAMS  MULTIPLY-ADDS  FIELD    JUMP  DROPPED
conv:64@7x7:stride=2:padding=3
    224x224x3   112x112x64      9,472    118,816,768  7x7      2     0
    floor((224 + 2*3 - 7)/2) + 1 = floor(111.5) + 1 = 112
    params: (7*7*3 + 1)*64 = 9472
relu
    112x112x64  112x112x64          0              0  7x7      2
maxpool:3:stride=2
    112x112x64  55x55x64            0              0  11x11    4     1
    floor((112 + 2*0 - 3)/2) + 1 = floor(54.5) + 1 = 55
flatten
    55x55x64    193600              0              0  11x11    -
    55*55*64 = 193600
dense:10
    193600      10          1,936,010      1,936,010  224x224  -
    params: (193600 + 1)*10 = 1936010

total: 1,945,482 parameters (7.8 MB as float32), 120,752,778 multiply-adds
"""

SHAPE_40 = """\
conv:64@7x7:stride=2:padding=3
  INPUT          224x224x3
  OUTPUT         112x112x64
  PARAMS         9,472
  MULTIPLY-ADDS  118,816,768
  FIELD          7x7
  JUMP           2
  DROPPED        0
"""

COMPARE_40 = """\
stage 1
conv:64@7x7:stride=2:padding=same on
224x224x1
cnnfilter
  OUTPUT        112x112
  TOP           2
  BOTTOM        3
  LEFT          2
  RIGHT         3
  ASKED FOR AS  padding=same
PyTorch
  OUTPUT        112x112
  TOP           3
  BOTTOM        3
  LEFT          3
  RIGHT         3
  DIFFERS       pads
  ASKED FOR AS  padding=3
"""

TOP_40 = """\
INDEX  VALUE    LABEL
    1  128.809  green
    2  124.67   blue
    0  124.285  red, the first of the
                channels of the picture
"""

DRY_40 = """\
photo.png
  -> a/folder/with/a/long/name/
    photo-gaussian-sigma-2.png
"""


def test_the_layouts_of_narrow_terminals(monkeypatch):
    assert shown(monkeypatch, 80, *COMMANDS["shape"]) == SHAPE_80
    assert shown(monkeypatch, 40, *COMMANDS["shape"]).startswith(SHAPE_40)
    assert shown(monkeypatch, 40, *COMMANDS["compare"]).startswith(COMPARE_40)
    assert shown(monkeypatch, 40, *COMMANDS["top"]) == TOP_40
    assert shown(monkeypatch, 40, *COMMANDS["dry run"]) == DRY_40


def test_a_pipe_has_a_line_for_each_row(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    rows = run(*COMMANDS["top"]).out.splitlines()
    assert len(rows) == 4
    assert rows[-1].split()[-1] in ("green", "blue", "picture")
    assert run(*COMMANDS["dry run"]).out.count("\n") == 1


def test_sizes_of_a_chain_follow_the_terminal_that_messages_go_to(monkeypatch):
    monkeypatch.setattr(render, "columns", lambda stream=None: 30)
    np.save("k.npy", np.full((3, 3), 1 / 9, np.float32))
    result = run("run", "conv:k.npy:padding=same:border=reflect", "photo.png", "-v")
    assert result.messages[:3] == [
        "30x45x3  photo.png",
        "30x45x3  conv:k.npy:",
        "         padding=same:",
    ]


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS_OF_HELP)])
def test_help_has_lines_that_fit(monkeypatch, command, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    text = run(*command, "--help").out
    assert max(map(len, text.splitlines())) <= min(columns, 80)
    examples = text[text.index("Examples:") :]
    assert columns == 40 or "\n        " not in examples  # each stays a line, which can be copied
    monkeypatch.setenv("COLUMNS", "1000")
    words = re.compile(r"[^\s:,;/|]+")
    assert sorted(words.findall(run(*command, "--help").out)) == sorted(words.findall(text))


def test_help_on_a_narrow_terminal_has_texts_below_names(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    text = run("apply", "--help").out
    assert "\n  --bias V\n      Added to every result.  [default:\n      0]\n" in text
    assert "\n    cnnfilter apply edge photo.jpg\n        makes photo-edge.jpg\n" in text
