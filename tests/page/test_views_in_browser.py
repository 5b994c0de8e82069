"""What the page shows: the stages, the worked steps in the command's words, the receptive field, paper."""

import re

import numpy as np
import pytest

from cnnfilter.cli.board import board
from cnnfilter.explanation import explain
from cnnfilter.pipeline import Pipeline
from cnnfilter.text.shown import show as written

PHOTO = np.random.default_rng(3).integers(0, 256, (1, 9, 10), dtype=np.uint8)
COLOURS = np.random.default_rng(4).integers(0, 256, (3, 9, 10), dtype=np.uint8)
BRANCHES = (
    "conv:-1 0 1; -2 0 2; -1 0 1:padding=1:as=a,relu,conv:2@3x3:padding=1:random=1,concat:a+last:as=c,"
    "conv:3@1x1:random=2,add:c,globalavgpool,flatten,dense:4:random=3,softmax"
)
LABELS = ("zero", "one", "two", "three")


def go(tab, stage, *at):
    """Look at a value: row, column and map, or an index."""
    row, column, number = at if len(at) == 3 else (0, 0, at[0])
    tab.run("model.select(...arguments)", stage, number, row, column)


def told(tab, places):
    """What the detail tells of each of some values (stage, place): the value, and the lines of arithmetic behind it."""
    return tab.run(
        """
        return arguments[0].map(([stage, at]) => {
            model.select(stage, at.at(-1), ...at.slice(0, -1));
            const lines = [...document.querySelectorAll(".work .equation")]
                .map(({children}) => [...children].map(({textContent}) => textContent).join(" "))
                .filter((line) => !line.startsWith("then "));
            return [document.querySelector(".readout").textContent, lines];
        });
        """,
        places,
    )


def test_branches_are_drawn_and_every_stage_has_its_sizes_and_figures(show):
    tab = show(BRANCHES, PHOTO, labels=LABELS)
    plan = Pipeline.parse(BRANCHES).plan((9, 10, 1))
    cards = tab.find_all(".stage")
    assert len(cards) == len(plan) + 1
    for card, row in zip(cards[1:], plan, strict=True):
        text = card.text
        assert "x".join(map(str, row.output)) in text
        assert all(line in text.replace("\n", " ") for line in row.arithmetic.replace("\n", " ").split("  "))
        if row.params:
            assert f"{row.params:,}" in text
    edges = tab.run("return [...document.querySelectorAll('.rail [data-edge]')].map(({dataset}) => dataset.edge)")
    reads = [f"{read + 1}-{number}" for number, row in enumerate(plan, 1) for read in row.reads]
    assert sorted(edges) == sorted(reads)
    go(tab, 9, 0)
    go(tab, 10, 0)
    tab.wait("return document.querySelector('[data-stage=\"10\"] .bar-row')")
    bars = [row.text.split("\n") for row in tab.find_all("[data-stage='10'] .bar-row")]
    shares = Pipeline.parse(BRANCHES).run(PHOTO, layout="chw")
    assert bars == [[f"{i} {LABELS[i]}", f"{100 * shares[i]:.2f}%"] for i in range(4)]
    widths = tab.run(
        "return [...arguments[0].querySelectorAll('.bar')].map(({style}) => parseFloat(style.width))", cards[10]
    )
    assert sum(widths) == pytest.approx(100, abs=1e-3)


def test_signed_maps_are_blue_below_0_and_red_above(show):
    tab = show("conv:-1 0 1", np.array([[[0, 9, 9, 9, 0, 0]]], np.uint8))
    read = """
        const copy = new OffscreenCanvas(arguments[0].width, arguments[0].height).getContext("2d");
        copy.drawImage(arguments[0], 0, 0);
        const {width, height} = copy.canvas;
        return [width, height, ...copy.getImageData(0, 0, width, height).data];
    """
    for selector in ("[data-stage='1'] canvas", ".board canvas"):
        width, height, *data = tab.run(read, tab.find(selector))
        assert (width, height) == (4, 1)
        positive, zero, negative, same = np.reshape(data, (4, 4)).tolist()
        assert positive[0] > 2 * positive[2]
        assert zero[0] == zero[1] == zero[2] > 240
        assert negative[2] > 2 * negative[0]
        assert negative == same
    tab.prefer(dark=True)
    tab.wait(
        "return ((...arguments_) => {"
        + read.replace("arguments", "arguments_")
        + "})(arguments[0]).slice(6, 9).every((level) => level < 40)",
        tab.find(".board canvas"),
    )


def test_maps_are_folded_and_a_stage_is_found(show):
    tab = show("conv:9@3x3:random=1,relu,conv:2@1x1:random=2,relu", PHOTO)
    tab.wait("return document.querySelectorAll('[data-stage=\"1\"] button.thumbnail').length === 4")
    fold = tab.find("[data-stage='1'] .fold")
    assert fold.text == "5 more maps"
    fold.click()
    assert len(tab.find_all("[data-stage='1'] button.thumbnail")) == 9
    tab.find_all("[data-stage='1'] button.thumbnail")[7].click()
    assert tab.run("return [model.selection.stage, model.selection.at[2]]") == [1, 7]
    assert tab.run("return document.activeElement.getAttribute('aria-pressed')") == "true"
    tab.press("\ue012")  # an arrow to the left
    assert tab.run("return document.activeElement.textContent") == "map 6"
    search = tab.find("#stage-search")
    for text, numbers in (("relu", [2, 4]), ("2@1", [3]), ("4", [4]), ("pool", [])):
        tab.run("arguments[0].select()", search)
        search.send_keys(text)
        told = tab.find(".stage-search [role=status]").text
        assert told == (f"1 of {len(numbers)}" if numbers else "none")
        found = tab.run("return [...document.querySelectorAll('.stage.found')].map(({dataset}) => +dataset.stage)")
        assert found == numbers[:1]
    tab.run("arguments[0].select()", search)
    search.send_keys("relu\n")
    assert tab.find(".stage-search [role=status]").text == "2 of 2"


NETWORKS = [
    (
        "lrn:3,batchnorm:random=1,conv:2@3x3:random=1:padding=1:as=c,leaky_relu,maxpool:3:stride=1:padding=1,add:c,"
        "convtranspose:2@3x3:stride=2:random=2,avgpool:2,pad:1,globalavgpool,flatten,"
        "dense:3:random=1,softmax",
        COLOURS,
    ),
    (
        "gray,conv:-1 0 1; -2 0 2; -1 0 1:padding=1:dilation=2:bias=3,sumpool:2:stride=1,relu:as=a,abs,multiply:a,"
        "concat:a,shuffle:2,globalmaxpool,flatten,dense:12:random=2,softmax",
        COLOURS,
    ),
    (
        "conv:sobel:padding=1,conv:kirsch,conv:gaussian:scale=l1,"
        "conv:5@1x1:random=3,conv:12@13x13:random=1:padding=8,convtranspose:1@1x1:stride=2:random=2",
        PHOTO,
    ),
]


NUMBER = re.compile(r"-?(?:\d+\.?\d*(?:e[-+]\d+)?|inf|nan)")


def is_among(line, told):
    """Whether a line is one of those that are told, its numbers but for the rounding of float32."""
    numbers = np.array(NUMBER.findall(line), dtype=float)
    near = 1e-5 * np.abs(numbers).max(initial=1)
    return any(
        NUMBER.sub("#", line) == NUMBER.sub("#", other)
        and np.allclose(numbers, np.array(NUMBER.findall(other), dtype=float), 1e-4, near)
        for other in told
    )


@pytest.mark.parametrize(("stages", "maps"), NETWORKS)
def test_steps_are_worded_as_explain_words_them(show, stages, maps):
    """Each line of arithmetic is one of the command's, and the value is the one that it gives."""
    tab = show(stages, maps)
    whole, picture = Pipeline.parse(stages), maps.transpose(1, 2, 0)
    shapes = [row.output for row in whole.plan(picture.shape)]
    places = [
        (number, at)
        for number, shape in enumerate(shapes, 1)
        for at in ((0,) * len(shape), tuple(size // 2 for size in shape), tuple(size - 1 for size in shape))
    ]
    for (number, at), (value, lines) in zip(places, told(tab, places), strict=True):
        explanation = explain(whole.up_to(number), picture, at)
        known = [re.sub(r"\s+", " ", line).strip() for line in board(explanation, 10_000).splitlines()]
        assert lines
        assert [line for line in lines if not is_among(line, known) and not re.match(r"sum of \d+ ", line)] == []
        assert is_among(value, [f"{_place(at)} = {written(explanation.value)}"])


def test_scores_below_0_stand_in_brackets_in_powers(show):
    tab = show("conv:[-1],globalavgpool,flatten,softmax", np.full((3, 2, 2), [[[3]], [[1]], [[2]]], np.uint8))
    tab.run("model.select(4, 0)")
    powers = tab.run("return [...document.querySelectorAll('.terms td:nth-child(2)')].map((each) => each.textContent)")
    assert powers == ["e^(-3 - (-1))", "e^(-1 - (-1))", "e^(-2 - (-1))"]


def _place(at):
    return f"index {at[0]}" if len(at) == 1 else "row {}, column {}, map {}".format(*at)


def test_a_window_shows_its_numbers_its_padding_and_what_counts_most(show):
    stages = "maxpool:3:stride=2:padding=1:as=p,conv:1 2; 3 4"
    tab = show(stages, PHOTO)
    for stage, at in ((1, (0, 2, 0)), (2, (1, 1, 0))):
        go(tab, stage, *at)
        step = explain(Pipeline.parse(stages.split(",")[0] if stage == 1 else stages), PHOTO[0], at).steps[0]
        window = step.window if stage == 1 else step.filters[0].channels[0].window
        cells = tab.run(
            "return [...document.querySelectorAll('.work .numbers:has(th) td:not(.corner)')]"
            ".map(({textContent, className}) => [textContent, className])"
        )
        flat = [value for row in window.values for value in row]
        is_padding = [each for row in window.padding for each in row]
        texts = [
            f"({written(value)})" if padded else written(value) for value, padded in zip(flat, is_padding, strict=True)
        ]
        assert [text for text, _ in cells] == texts
        assert [("padded" in name) for _, name in cells] == is_padding
        assert "rgb(255, 0, 255)" not in tab.run(  # as of numbers that are none: the padding of a pool is meant
            "return [...document.querySelectorAll('.work td')].map((cell) => getComputedStyle(cell).backgroundColor)"
        )
        most = [i for i, (_, name) in enumerate(cells) if "most" in name]
        assert [divmod(i, len(window.columns)) for i in most] == [
            (window.rows.index(step.follows[0]), window.columns.index(step.follows[1]))
        ]
    assert "hatched: padding" not in tab.find(".zoom").text
    go(tab, 1, 0, 2, 0)
    assert "hatched: padding" in tab.find(".zoom").text
    assert "dashed: the next windows" in tab.find(".zoom").text


@pytest.mark.parametrize("shape", [(1, 2, 5000), (1, 5000, 2)])
def test_maps_that_are_nearly_lines_are_seen_and_fit_the_page(show, shape):
    tab = show("relu,maxpool:1", np.arange(10_000, dtype=np.float32).reshape(shape) % 251)
    boxes = tab.run(
        "return [...document.querySelectorAll('.frame')].map(({clientWidth: w, clientHeight: h}) => [w, h])"
    )
    boxes = [box for box in boxes if box != [0, 0]]  # none of colours
    assert len(boxes) >= 6
    for width, height in boxes:
        assert min(width, height) >= max(width, height) // 25
        assert max(width, height) <= 1000
    canvas = tab.find(".board canvas")
    tab.run("arguments[0].scrollIntoView({block: 'end'})", canvas)
    width, height = tab.run(
        "const {width, height} = arguments[0].getBoundingClientRect(); return [width, height]", canvas
    )
    tab.point(canvas, width * 0.75, height * 0.75)
    at = [int(size * 0.75) for size in shape[1:]]
    tab.wait(
        "return Math.abs(model.selection.at[0] - arguments[0]) + Math.abs(model.selection.at[1] - arguments[1]) < 40",
        *at,
    )


def test_the_way_back_leads_to_the_picture(show):
    stages = "conv:2@3x3:random=1:padding=1,relu,maxpool:2:stride=1,conv:1@3x3:random=2:padding=1"
    tab = show(stages, PHOTO)
    at = (0, 3, 0)
    explanation = explain(Pipeline.parse(stages), PHOTO[0], at)
    go(tab, 4, *at)
    field = tab.find(".field-view")
    seen = explanation.receptive_field
    where = f"rows {seen.rows[0]} to {seen.rows[1]}, columns {seen.columns[0]} to {seen.columns[1]}"
    tab.wait("return arguments[0].textContent.includes(arguments[1])", field, where)
    assert f"{seen.in_padding} of {seen.size[0] * seen.size[1]}" in field.text
    way = [row.text.split("\n") for row in tab.find_all(".way li")]
    steps = [(f"{step.number} {step.stage.split(':')[0]}", step.at, step.value) for step in explanation.steps]
    row, column, _ = explanation.steps[-1].follows
    steps.append(("picture", explanation.steps[-1].follows, PHOTO[0, row, column]))
    for texts, (name, place, value) in zip(way, steps, strict=True):
        assert {name, _place(place)} <= set(texts)
        (number,) = set(texts) - {name, _place(place)}
        assert float(number) == pytest.approx(value, 1e-5)
    outline = tab.run("""
        const box = document.querySelector('.field-view .outline.field').getBoundingClientRect();
        const whole = document.querySelector('.field-view .frame').getBoundingClientRect();
        return [box.top - whole.top, box.bottom - whole.top].map((y) => y / whole.height * 9)
            .concat([box.left - whole.left, box.right - whole.left].map((x) => x / whole.width * 10));
    """)
    inside = [max(0, seen.rows[0]), min(9, seen.rows[1] + 1), max(0, seen.columns[0]), min(10, seen.columns[1] + 1)]
    assert outline == pytest.approx(inside, abs=0.05)
    for step in explanation.steps[1:]:
        tab.find(".field-view > .button").click()
        assert tab.run("return [model.selection.stage, ...model.selection.at]") == [step.number, *step.at]
        here = "return document.querySelector('.way [aria-current=step]').textContent.startsWith(arguments[0])"
        tab.wait(here, f"{step.number} ")
        assert len(tab.find_all(".way li")) == len(steps)  # the way stays
    assert not tab.find(".field-view > .button").is_enabled()
    assert tab.run("return document.activeElement.getAttribute('aria-current')") == "step"
    tab.find(".way li button").click()
    tab.wait("return document.activeElement.matches('.way li:first-child [aria-current=step]')")
    assert tab.run("return [model.selection.stage, ...model.selection.at]") == [4, *at]


def test_a_stage_that_does_not_fit_is_told_where_it_is(show):
    tab = show("conv:box,maxpool:2", PHOTO)
    tab.run("model.set(1, 'kernels', '[1]'); model.set(2, 'window', 99)")
    card = tab.find(".stage.wrong")
    assert card.get_attribute("data-stage") == "2"
    assert "stage 2 (maxpool): window 99x99 does not fit in 9x10 (height x width)" in card.text


def test_wide_windows_fit_on_a_phone(show, accessible):
    tab = show("conv:2@5x5:random=1:padding=2,conv:2@7x7:random=2:padding=3,maxpool:7,conv:3@1x1:random=3", PHOTO)
    tab.resize(390)
    for stage in (1, 2, 3):
        go(tab, stage, 0, 0, 0)
        assert tab.run("return document.documentElement.scrollWidth") <= 390
    accessible("a window of 7x7", ".detail")


def test_what_changes_is_said_and_paper_has_no_buttons(show):
    tab = show("conv:box,relu", PHOTO)
    go(tab, 2, 3, 4, 0)
    value = explain(Pipeline.parse("conv:box,relu"), PHOTO[0], (3, 4, 0)).value
    text = f"row 3, column 4, map 0 = {written(value)}"
    tab.wait("return document.querySelector('.detail > [role=status]').textContent === arguments[0]", text)
    tab.prefer(print_=True)
    assert not any(button.is_displayed() for button in tab.find_all(".button"))
    assert tab.find(".work").is_displayed()
