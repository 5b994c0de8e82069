"""What the page computes, beside what Python computes: values, figures, texts and worked steps."""

import json
import re
from unittest import mock

import numpy as np
import pytest

from cnnfilter.network.grammar import parse
from cnnfilter.network.plan import plan
from cnnfilter.page import assembly
from cnnfilter.page.document import Given, document
from cnnfilter.pipeline import Pipeline

LOAD = """
    await model.load(JSON.parse(arguments[0]));
    await model.ready;
    for (const [what, ...edit] of arguments[1]) {
      if (what === "set") cnnfilter.set(...edit);
      else model[what](...edit);
      await model.ready;
    }
    return {
      mistakes: model.mistakes,
      texts: model.stages.map((_, place) => model.text(place + 1)),
      network: networkText(model.stages, model.contents.groups),
      shapes: model.shapes,
      figures: model.figures.slice(1),
      fields: model.stages.map((_, place) => model.shapes[place + 1] && model.fieldOf(place + 1)),
      values: model.results.slice(1).map((result) => result && [...result.values].map(String)),
    };
"""

RECORDS = """
    return JSON.stringify(arguments[0].map(([stage, at]) => {
      if (at.length === 1) model.select(stage, at[0]);
      else model.select(stage, at[2], at[0], at[1]);
      return cnnfilter.record();
    }));
"""


def numbers(texts):
    return np.array([float(text.replace("Infinity", "inf")) for text in texts])


class Comparison:
    """A page without views in a tab, which is given one network after another.

    Parameters
    ----------
    tab : Tab
    """

    def __init__(self, tab):
        self.tab = tab
        bare = tuple(name for name in assembly.SCRIPTS if not name.startswith("views/") and name != "boot")
        with mock.patch.object(assembly, "SCRIPTS", bare):
            tab.show(assembly.assembled(document(Given(parse("relu"), np.zeros((1, 2, 2), np.uint8), "a.png"))))

    def told(self, stages, maps, edits=()):
        """What the page says of stages, after edits: ("set", 1, "stride", 2), ("insert", 0, "relu"), ("remove", 1)."""
        return self.tab.run(LOAD, json.dumps(self.contents(stages, maps)), edits)

    def contents(self, stages, maps):
        """What a page of stages on a picture embeds."""
        return document(Given(Pipeline.parse(stages).network, maps, "a.png"))

    def compare(self, stages, maps, places=4, seed=0, edits=(), expected=None):
        """Hold all that the page says of some stages against what Python says of them, or of `expected`.

        After edits, they are what the page's own text of them says to Python; `expected` has the same stages, whose
        numbers are told in other words.
        """
        told = self.told(stages, maps, edits)
        assert not [each for each in told["mistakes"] if each], told["mistakes"]
        pipeline = Pipeline.parse(expected or (told["network"] if edits else stages))
        rows = plan(pipeline.network, (*maps.shape[1:], len(maps)))
        if expected is None:
            assert told["texts"] == [str(row.stage) for row in rows]
            assert told["network"] == str(pipeline)
        assert [tuple(shape) for shape in told["shapes"][1:]] == [row.output for row in rows]
        for row, figures, field in zip(rows, told["figures"], told["fields"], strict=True):
            assert figures == {"parameters": row.params, "macs": row.macs, "arithmetic": row.arithmetic}, str(row.stage)
            sizes, jumps = ([float(each) for each in numbers or ()] for numbers in (row.receptive_field, row.jump))
            assert field["size"] == pytest.approx(sizes), str(row.stage)
            assert (field["jump"] is None) == (row.jump is None), str(row.stage)
            assert (field["jump"] or []) == pytest.approx(jumps), str(row.stage)
        results = dict(pipeline.results(maps, range(len(rows)), layout="chw"))
        for number, values in enumerate(told["values"]):
            close(numbers(values), results[number].reshape(-1), str(rows[number].stage))
        asked = [*places_of([row.output for row in rows], places, np.random.default_rng(seed))]
        self.explain(pipeline, maps, rows, results, asked, reworded=expected is not None)

    def explain(self, pipeline, maps, rows, results, asked, *, reworded):
        """Hold worked steps at a few places against those of `explain --json`."""
        scales = [largest(maps), *(largest(results[number]) for number in range(len(rows)))]
        around = {
            number: max(scales[read + 1] for read in (number - 1, *row.reads)) for number, row in enumerate(rows, 1)
        }
        for (number, at), told in zip(asked, json.loads(self.tab.run(RECORDS, asked)), strict=True):
            expected = pipeline.up_to(number).explain(maps, at=at, layout="chw")
            if reworded:
                told["stages"] = expected["stages"]
                for mine, theirs in zip(told["steps"], expected["steps"], strict=False):
                    mine["stage"] = theirs["stage"]
            alike(told, json.loads(json.dumps(expected)), around, f"{pipeline} {number} {at}")


def places_of(shapes, count, generator):
    """So many stages, half of them the last, each with a place in its result."""
    for _ in range(count):
        number = int(generator.integers(len(shapes))) if generator.random() < 0.5 else len(shapes) - 1
        yield number + 1, [int(generator.integers(size)) for size in shapes[number]]


def largest(values):
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max(initial=0))


def close(found, expected, what):
    """Whole numbers exactly; others within 1e-5 of the largest magnitude."""
    expected = np.asarray(expected, np.float64)
    whole = np.isfinite(expected) & (expected == np.round(expected)) & (np.abs(expected) < 2**24)
    if whole.all():
        np.testing.assert_array_equal(found, expected, err_msg=what)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * (largest(expected) or 1), err_msg=what)


def alike(told, expected, scales, where):
    """Whether two records are the same but for rounding: the path, where two count almost alike, may part.

    `scales` has of each stage the largest magnitude of what it reads and gives.
    """
    for mine, theirs in zip(told["steps"], expected["steps"], strict=False):
        number = theirs["number"]
        same(mine, theirs, scales[number], f"{where}: step {number}", skip=("follows", "source"))
        if mine["follows"] != theirs["follows"]:
            return  # two values that differ in rounding alone count most
    assert len(told["steps"]) == len(expected["steps"]), where
    rest = {key: value for key, value in expected.items() if key != "steps"}
    same(
        {key: value for key, value in told.items() if key != "steps"},
        rest,
        scales[expected["steps"][0]["number"]],
        where,
    )


def same(mine, theirs, scale, where, skip=()):
    if isinstance(theirs, dict):
        assert set(mine) == set(theirs), where
        for key in set(theirs) - {*skip}:
            compared = written if key == "formula" else same
            compared(mine[key], theirs[key], 0 if key in PLACES else scale, f"{where}.{key}")
    elif isinstance(theirs, list):
        assert len(mine) == len(theirs), where
        for place, (one, other) in enumerate(zip(mine, theirs, strict=True)):
            same(one, other, scale, f"{where}[{place}]")
    elif isinstance(theirs, float | int) and not isinstance(theirs, bool):
        assert abs(mine - theirs) <= 1e-5 * (scale and max(scale, abs(theirs))), f"{where}: {mine} and not {theirs}"
    else:
        assert mine == theirs, where


PLACES = {
    "at", "reads", "number", "channel", "rows", "columns", "kernel_rows", "kernel_columns", "stride", "corners",
    "first", "count", "divisor", "in_padding", "size", "input", "output",
}  # fmt: skip
"""What of a record is whole numbers, and no values."""

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]\d+)?")


def written(mine, theirs, scale, where):
    """Whether two formulas are the same but for the last of six digits, or the sign of what is all but 0."""
    mine, theirs = (re.sub(r"\((-[^()]*)\)", r"\1", text).replace(" - ", " + -") for text in (mine, theirs))
    assert NUMBER.sub("0", mine) == NUMBER.sub("0", theirs), where
    found, expected = (np.array(NUMBER.findall(text), np.float64) for text in (mine, theirs))
    assert (np.abs(found - expected) <= 1e-5 * np.maximum(scale, np.abs(expected))).all(), f"{where}: {mine}, {theirs}"
