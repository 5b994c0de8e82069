"""A training's report: one file without scripts that asks for nothing, whatever names hold."""

import re

import numpy as np
import pytest

from cnnfilter.drawing.shapes import Text
from cnnfilter.drawing.svg import to_svg
from cnnfilter.drawing.training import confusion, curves
from cnnfilter.learning.training import Best, Figures
from cnnfilter.page.report import report

HISTORY = [Figures(1, 1.5, 0.5, 1.25, 0.6), Figures(2, 0.5, 0.75, 0.75, 0.8)]
FACTS = {
    "settings": {"epochs": 2, "freeze": ["a", "b"], "rate": 0.001, "weight_decay": 0.0, "augment": ""},
    "pictures": 1200,
    "validation_pictures": 30,
}
NUMBERS = {"c.weight": np.ones((70, 1, 3, 3), np.float32), "c.bias": np.ones(70, np.float32)}
EVIL = "<script>alert(1)</script>\"'&\x1b"


def made(labels=("cat", "dog"), confused=((9, 1), (2, 18)), history=HISTORY, name="net.npz"):
    best = Best(history[-1], NUMBERS, [list(row) for row in confused])
    return report(name, "conv:70@3x3", labels, history, best, FACTS)


def test_all_that_was_reached_is_there():
    text = made()
    assert "1,200 pictures were learned from, and 30 held back." in text
    assert "The numbers of epoch 2 are kept: accuracy 75.00%, of what was held back 80.00%." in text
    assert "27 of 30 are told right" in text
    assert "Filters of c, the first 64 of 70" in text
    for row in ("<td>freeze</td><td>a, b</td>", "<td>weight decay</td><td>0</td>", "<td>augment</td><td>-</td>"):
        assert row in text
    assert "<tr><td>2</td><td>0.5</td><td>0.75</td><td>0.75</td><td>0.8</td></tr>" in text
    assert text.count("<svg") == 2
    assert all(heading[0].isupper() for heading in re.findall("<h2>(.*?)</h2>", text))


def test_nothing_in_it_runs_or_is_loaded():
    text = made(labels=(EVIL, "dog"), name=EVIL)
    assert "<script" not in text
    assert "\x1b" not in text
    assert "default-src 'none'; style-src 'sha256-" in text
    assert set(re.findall(r'(?:src|href)="(\w+:)', text)) == {"data:"}
    assert not re.search(r"\son\w+=|\sstyle=", text)
    assert "&lt;script&gt;" in text


def test_a_browser_shows_it(tab, accessible):
    path = tab.folder / "report.html"
    path.write_text(made(labels=(EVIL, "dog"), name=EVIL), encoding="utf-8")
    tab.open(path)
    for dark in (False, True):
        tab.prefer(dark=dark)
        ground = tab.run("return getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") != dark
        accessible(f"dark: {dark}")
    assert [tab.run(f"return document.querySelectorAll('{each}').length") for each in ("svg", "img", "table")] == [
        2,
        1,
        2,
    ]
    assert tab.run("return document.querySelector('img').naturalWidth") > 100
    widths = "return [...document.querySelectorAll('svg')].map(each => Math.round(each.getBoundingClientRect().width))"
    for width, shown in ((1300, 1150), (720, 720 - 2 * 16), (360, 1150 / 2)):  # whole; all in sight; as far as is read
        tab.resize(width)
        assert tab.run("return document.documentElement.scrollWidth") == width
        assert tab.run(widths)[0] == shown
    accessible("narrow")


def test_what_is_not_there_is_left_out():
    alone = [Figures(1, 0.0, 1.0)]
    text = made(history=alone, confused=())
    assert "accuracy 100.00%.</p>" in text
    assert "<td>-</td>" in text
    assert "<h2>Classes</h2>" not in text
    labels = [str(number) for number in range(51)]
    assert "<h2>Classes</h2>" not in made(labels=labels, confused=np.eye(51, dtype=int).tolist())


def test_curves_go_through_what_was_reached():
    text = to_svg(curves(HISTORY))
    assert "after epoch 2 the loss is 0.5 and the accuracy 75.00%" in text
    loss = next(shape.points for shape in curves(HISTORY).shapes if getattr(shape, "weight", 0) == 3)
    assert loss[0] == (90.0, pytest.approx(60 + 300 * (1 - 1.5 / 1.6)))
    assert loss[1] == (530.0, pytest.approx(60 + 300 * (1 - 0.5 / 1.6)))
    for most, ticks in ((1.04, "0 0.3 0.6 0.9 1.2"), (1, "0 0.25 0.5 0.75 1"), (3629.8, "0 1000 2000 3000 4000")):
        texts = [each.text for each in curves([Figures(1, most, 1.0)]).shapes if isinstance(each, Text)]
        assert " ".join(texts[1:6]) == ticks
    assert len([each for each in curves(HISTORY[:1]).shapes if getattr(each, "weight", 0) == 3]) == 2  # the legend's


def test_a_matrix_has_a_cell_for_each_pair():
    figure = confusion([[9, 1], [0, 0]], ["a name that is longer than it may be", "b"])
    texts = [shape.text for shape in figure.shapes if hasattr(shape, "text")]
    assert [text for text in texts if text.isdigit()] == ["9", "1", "0", "0"]
    assert confusion([[0, 0], [0, 0]], ["a", "b"]).description == "0 of 0 are told right"
