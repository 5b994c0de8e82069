"""Every stage on the page against Python: sizes, costs, texts, values, and how values came about."""

import json
import random

import numpy as np
import pytest

from cnnfilter.explanation import explain, to_record
from cnnfilter.network.grammar import parse
from cnnfilter.page.assembly import assembled
from cnnfilter.page.document import Given, document
from cnnfilter.pipeline import Pipeline
from tests.chains import CHAINS, DILATED
from tests.graphs import graphs

SHOW = """
return (async (contents, places) => {
  await model.load(contents);
  await model.ready;
  const told = model.results.map((result, number) => ({
    shape: model.shapes[number], mistake: model.mistakes[number], figures: model.figures[number],
    text: number ? model.text(number) : "", values: result && [...result.values].map(String),
  }));
  const explained = places.map((place) => {
    cnnfilter.select(...place);
    return cnnfilter.record();
  });
  return JSON.stringify([told, explained]);
})(...arguments);
"""


EMBEDDED = [(text, shape) for text, shape in [*CHAINS, DILATED] if len(shape) == 3 and not text.startswith("resize")]
"""Chains of which the page computes all: `resize` and `crop` before them are embedded as results."""


class Different(Exception):
    """What the page has otherwise than Python."""


def with_numbers(text):
    """The text of a chain, its stages without learned numbers with drawn ones."""
    return ",".join(f"{stage}:random=7" if stage.runnable is not None else str(stage) for stage in parse(text).stages)


def pictured(text, shape, seed):
    """A picture of floats around 0; of whole numbers where the kernels are matrices."""
    draw = np.random.default_rng(seed)
    size = (shape[2], *shape[:2])
    return draw.normal(0, 1, size).astype(np.float32) if "random" in text else draw.integers(0, 256, size, np.uint8)


def same(told, expected, where):
    if told != expected:
        msg = f"{where}: {told!r} for {expected!r}"
        raise Different(msg)


def alike(told, expected, close, where):
    """Two records are the same, numbers as far as `close`."""
    if isinstance(expected, dict):
        same(sorted(told), sorted(expected), where)
        for key, value in expected.items():
            alike(told[key], value, close, f"{where}.{key}")
    elif isinstance(expected, list):
        same(len(told), len(expected), f"{where}: length")
        for index, (one, other) in enumerate(zip(told, expected, strict=True)):
            alike(one, other, close, f"{where}[{index}]")
    elif isinstance(expected, int | float) and not isinstance(expected, bool):
        if not (isinstance(told, int | float) and abs(told - expected) <= close):
            same(told, expected, where)
    elif where.endswith(".formula"):
        same(len(told.split()), len(expected.split()), f"{where} {told} for {expected}")
    else:
        same(told, expected, where)


def check(tab, text, shape, seed, places=4):
    """Raise `Different` where the page and Python differ over a network."""
    pipeline = Pipeline.parse(text)
    maps = pictured(text, shape, seed)
    rows = pipeline.plan(shape)
    results = [pipeline.run(maps, layout="chw", node=number + 1) for number in range(len(rows))]
    draw = random.Random(seed)
    chosen = []
    for _ in range(places):
        number = draw.randrange(len(rows))
        index = [draw.randrange(size) for size in results[number].shape]
        chosen.append([number + 1, *index])
    told, explained = json.loads(tab.run(SHOW, document(Given(pipeline.network, maps, "a.png")), chosen))
    for number, (row, result) in enumerate(zip(rows, results, strict=True), 1):
        shown, where = told[number], f"stage {number} {row.stage}"
        same(shown["mistake"], None, where)
        same(shown["text"], str(row.stage), where)
        same(shown["shape"], list(row.output), where)
        figures = {"parameters": row.params, "macs": row.macs, "arithmetic": row.arithmetic}
        same(shown["figures"], figures, where)
        values = np.array([float(value.replace("Infinity", "inf")) for value in shown["values"]], np.float32)
        if all((each == np.rint(each)).all() for each in (maps, *results[:number])):
            same(values.tolist(), result.ravel().tolist(), where)
        finite = result[np.isfinite(result)]
        most = np.abs(finite).max(initial=0)
        if not np.allclose(values, result.ravel(), rtol=0, atol=1e-5 * most, equal_nan=True):
            same(values.tolist(), result.ravel().tolist(), where)
    for (number, *index), record in zip(chosen, explained, strict=True):
        at = (*index[1:], index[0]) if len(index) == 3 else index
        expected = json.loads(json.dumps(to_record(explain(pipeline.up_to(number), maps.transpose(1, 2, 0), at))))
        most = max(1, *(np.abs(each[np.isfinite(each)]).max(initial=0) for each in (maps, *results)))
        if "upsample" in text:  # of equal values side by side, rounding says which counts most
            told = [step["follows"] for step in expected["steps"]]
            kept = next((n for n, step in enumerate(record["steps"]) if step["follows"] != told[n]), len(told))
            for each in (record, expected):
                each["steps"] = [{**step, "follows": None} for step in each["steps"][: kept + 1]]
        alike(record, expected, 1e-5 * most, f"stage {number} at {at}")


@pytest.fixture
def differences(tab):
    """A function from networks to those that the page has otherwise, with the first difference."""
    tab.folder.joinpath("page.html").write_text(
        assembled(document(Given(parse("relu"), np.ones((1, 2, 2), np.float32), "a.png")))
    )
    tab.open(tab.folder / "page.html")

    def find(networks):
        found = {}
        for seed, (text, shape) in enumerate(networks):
            try:
                check(tab, text, shape, seed)
            except Different as error:
                found[text] = str(error)
        return found

    return find


def test_every_stage_of_chains(differences):
    assert differences((with_numbers(text), shape) for text, shape in EMBEDDED) == {}


@pytest.mark.parametrize("count", [12, pytest.param(100, marks=pytest.mark.slow)])
def test_random_networks_with_branches(differences, count):
    assert differences(graphs(count, count)) == {}
