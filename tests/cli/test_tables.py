"""Tables at the widths of terminals: what changes is the layout, and no number and no word is ever broken."""

import re

import pytest

from cnnfilter.cli import render, tables
from tests.command import Terminal

HEADER = ("STAGE", "INPUT", "PARAMS", "ARITHMETIC")
ROWS = [
    ("conv:8@3x3:padding=same", "9x10x1", "80", "height: floor((9 + 2*1 - 3)/1) + 1 = 9\nwidth: 10"),
    ("relu", "9x10x8", "0", ""),
]

BESIDE = """\
STAGE                    INPUT   PARAMS  ARITHMETIC
conv:8@3x3:padding=same  9x10x1      80  height: floor((9 + 2*1 - 3)/1) + 1 = 9
                                         width: 10
relu                     9x10x8       0
"""
BELOW = """\
STAGE                    INPUT   PARAMS
conv:8@3x3:padding=same  9x10x1      80
    height: floor((9 + 2*1 - 3)/1) + 1
      = 9
    width: 10
relu                     9x10x8       0
"""
ABOVE = """\
STAGE
    INPUT   PARAMS
conv:8@3x3:padding=same
    9x10x1      80
    height: floor((9 +
      2*1 - 3)/1) + 1 = 9
    width: 10
relu
    9x10x8       0
"""
STACKED = """\
conv:8@3x3:
padding=same
  INPUT
    9x10x1
  PARAMS
    80
  ARITHMETIC
    height:
    floor((9 +
    2*1 -
    3)/1) + 1
    = 9
    width: 10
relu
  INPUT
    9x10x8
  PARAMS
    0
"""


@pytest.fixture
def terminal(monkeypatch):
    """Makes standard output a terminal of so many columns."""

    def make(columns):
        monkeypatch.setattr(render, "standard_output", Terminal)
        monkeypatch.setenv("COLUMNS", str(columns))

    return make


@pytest.mark.parametrize(
    ("columns", "shown"), [(79, BESIDE), (78, None), (40, BELOW), (38, None), (25, ABOVE), (14, STACKED)]
)
def test_the_layout_of_a_table_follows_the_terminal(terminal, columns, shown):
    terminal(columns)
    text = tables.table(HEADER, ROWS, (2,))
    assert shown is None or text == shown
    assert max(map(len, text.splitlines())) <= columns
    words = sorted(word for row in ROWS for cell in row for word in re.split(r"[ \n:]+", cell) if word)
    assert all(word in text for word in words)


def test_a_pipe_keeps_each_row_on_a_line(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(render, "columns", lambda stream=None: float("inf"))
    assert tables.table(("A", "B"), [("x" * 300, "word " * 90)], prose=True).count("\n") == 2


def test_prose_is_broken_between_words_beside_the_other_cells(terminal):
    terminal(30)
    rows = [("[bold]", "a weighted mean, the near pixels more"), ("\x1b[1m", "x")]
    assert tables.table(("NAME", "WHAT"), rows, prose=True) == (
        """\
NAME     WHAT
[bold]   a weighted mean, the
         near pixels more
\\x1b[1m  x
"""
    )
    terminal(28)
    assert tables.table(("NAME", "WHAT"), rows, prose=True).splitlines()[:3] == [
        "NAME",
        "[bold]",
        "    a weighted mean, the",
    ]


def test_facts_stand_beside_their_names_or_below_where_that_keeps_them_whole():
    rows = [("formula", "floor((n + 2p - k)/s) + 1"), ("x", "a text of many words, which is broken"), ("", "more")]
    assert tables.facts(rows, 80) == (
        """\
formula  floor((n + 2p - k)/s) + 1
x        a text of many words, which is broken
         more
"""
    )
    assert tables.facts(rows[:1], 33, prose=True) == "formula  floor((n + 2p - k)/s) +\n         1\n"
    assert tables.facts(rows, 31) == (
        """\
formula
  floor((n + 2p - k)/s) + 1
x        a text of many words,
         which is broken
         more
"""
    )
    assert tables.facts(rows, 20) == (
        """\
formula
  floor((n + 2p -
  k)/s) + 1
x
  a text of many
  words, which is
  broken
         more
"""
    )


def test_parts_of_a_line_stand_one_below_the_other_where_all_are_too_long(terminal):
    terminal(16)
    assert tables.joined("a b.png", "-> c.png") == "a b.png -> c.png\n"
    assert tables.joined("a b.png", "-> cd.png", "(exists)") == "a b.png\n  -> cd.png\n  (exists)\n"


def test_what_has_no_place_to_break_stays_whole():
    assert tables.wrapped("x" * 30, 10) == ["x" * 30]
    assert tables.wrapped("dense:12345678901:bias=no", 10) == ["dense:", "12345678901:", "bias=no"]
