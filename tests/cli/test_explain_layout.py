"""How explanations are laid out: on narrow terminals, and what the marks in their windows mean."""

import re
from pathlib import Path

import pytest

from cnnfilter.cli import explain as explain_module
from tests.cli.test_explain import CAMERA, folder, shown
from tests.command import Terminal

__all__ = ["folder"]  # a fixture that each test has


def test_blocks_that_are_too_wide_stand_one_below_the_other(monkeypatch):
    monkeypatch.setattr(explain_module.render, "PLAIN_WIDTH", 34)
    out = shown("conv:1 2 3; 4 5 6; 7 8 9", CAMERA, "--at", "0,0")
    assert re.search(
        r"  window\n    +\| .*(\n    \d \| .*){3}\n  kernel\n    1 2 3\n    4 5 6\n    7 8 9\n  products\n", out
    )
    assert re.search(r"^  sum of 9 products = \d+$", out, re.M)


NARROW = """\
conv:0 1 0; 1 0 -1; 0 1
  0:padding=1,maxpool:2 on a picture of
  5x5x1 gives 2x2x1
row 0, column 0, map 0 = 2

stage 2  maxpool:2
  row 0, column 0, map 0
  window
      | 0   1
    0 | 1   0
    1 | 1  [2]
  largest  2, at row 1, column 1, map 0

stage 1  conv:0 1 0; 1 0 -1; 0 1
  0:padding=1
  row 1, column 1, map 0
  window       kernel    products
    | 0 1 2
  0 | 1 0 1    0 1  0    0 0 0
  1 | 1 0 0    1 0 -1    1 0 0
  2 | 0 1 1    0 1  0    0 1 0
  sum of 9 products = 2

receptive field  4x4, rows -1 to 2,
  columns -1 to 2
  corners in the picture
    (0, 0) (0, 2) (2, 0) (2, 2)
  in the padding          7 of 16

[0] traced to the stage before
"""


@pytest.mark.parametrize("width", [40, 80])
def test_no_word_and_no_number_is_broken_on_a_narrow_terminal(monkeypatch, width):
    arguments = "conv:0 1 0; 1 0 -1; 0 1 0:padding=1,maxpool:2", "slide.csv", "--at", "0,0"
    words = shown(*arguments).split()
    monkeypatch.setattr(explain_module.render, "columns", lambda: width)
    out = shown(*arguments)
    assert max(map(len, out.splitlines())) <= width
    assert width == 80 or out == NARROW
    assert width == 40 or out.split() == words


def test_the_marks_of_windows_are_told():
    assert shown("maxpool:2", "slide.csv", "--at", "0,0").endswith("\n\n[0] the largest of stage 1\n")
    assert shown("maxpool:2,maxpool:2", "slide.csv", "--at", "0,0").endswith(
        "\n\n[0] traced to the stage before, or the largest of stage 1\n"
    )
    assert "[0]" not in shown("conv:edge", "slide.csv", "--at", "0,0")


def test_a_terminal_s_width_counts(monkeypatch):
    out = Terminal()
    monkeypatch.setattr(explain_module.render, "standard_output", lambda: out)
    monkeypatch.setenv("COLUMNS", "61")
    assert explain_module.render.width() == 61


def test_numbers_that_are_too_wide_for_a_terminal_are_shown_some_columns_at_a_time(monkeypatch):
    Path("wide.csv").write_text("1,-22,3,4444\n5,6,7,8\n")
    monkeypatch.setattr(explain_module.render, "columns", lambda: 12)
    assert shown("wide.csv", "--matrix") == (
        """\
picture 2x4x1
  columns 0 to 2
  1 -22 3
  5   6 7
  column 3
  4444
     8
"""
    )
