"""The page's losses, deltas and gradients, beside what `explain --target` tells and what `Pipeline.gradients` gives."""

import json

import numpy as np
import pytest

from cnnfilter.cli.backward import written as told_as
from cnnfilter.errors import ArgumentError
from cnnfilter.learning.explained import explain_loss
from cnnfilter.learning.one_weight import TOLD
from cnnfilter.pipeline import Pipeline
from tests.graphs import graphs
from tests.page import browser as browsers
from tests.page.comparing import Comparison, written
from tests.page.test_browser_values import EMBEDDED, with_numbers
from tests.page.test_every_stage_in_browser import CHAINS

GRADIENTS = """
    const [contents, target, loss, weights, places] = arguments;
    await model.load(JSON.parse(contents));
    await model.ready;
    const aim = {loss, target};
    const record = (weight, rate) => cnnfilter.explainLoss(target, loss, weight, rate);
    const passing = backedLoss(model, aim);
    let passed = passing.next();
    while (!passed.done) passed = passing.next();
    const parts = places.map(([number, at]) => partsOfDelta(model, passed.value, number, at)
        .map(({terms}) => terms.reduce((sum, {delta, slope}) => sum + delta * slope, 0)));
    const found = weights.map(([number, ...at]) => weightGradient(model, passed.value, number, at).gradient);
    return JSON.stringify({record: record(weights[0] ?? null, 0.25), parts, found});
"""
LOSSES = ("mse", "cross-entropy", "binary-cross-entropy")


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    with browsers.tab(browser, tmp_path_factory.mktemp("page")) as tab:
        yield Comparison(tab)
        assert tab.complaints() == []


def close(mine, theirs, what, scale=None):
    mine, theirs = (np.asarray(each, np.float64) for each in (mine, theirs))
    most = np.abs(theirs).max(initial=0) if scale is None else scale
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-5 * most, err_msg=what)


def loss_alike(mine, theirs, what):
    """Whether two loss records say the same, but for the last of six digits."""
    assert (mine["loss"], mine["formula"], mine["base"]) == (theirs["loss"], theirs["formula"], theirs["base"]), what
    for key in ("values", "results", "targets"):
        close(mine[key], theirs[key], f"{what} {key}")
    scale = max(1, *np.abs(theirs["values"]))
    assert [line["name"] for line in mine["lines"]] == [line["name"] for line in theirs["lines"]], what
    for one, other in zip(mine["lines"], theirs["lines"], strict=True):
        if "power" not in one["name"] or scale < 10:  # powers of large scores differ with the last digit of these
            for text, expected in zip(one["equal"], other["equal"], strict=True):
                written(text, expected, scale, what)
    close(mine["result"], theirs["result"], what, max(1, abs(theirs["result"])))


def drawn(rows, count, generator):
    """So many weights of each stage whose weights are told one by one: the stage's number, and the place."""
    for number, row in enumerate(rows, 1):
        shape = shape_of_weights(row)
        yield from ([number, *place(shape, generator)] for _ in range(count if shape else 0))


def shape_of_weights(row):
    """That of the weights which the command tells one by one; none where it refuses."""
    try:
        return TOLD[type(row.stage)].weights(row.stage, row).shape
    except (KeyError, ArgumentError):
        return ()


def place(shape, generator):
    return [int(generator.integers(size)) for size in shape]


def asked(rows, loss, generator):
    """A target, and its text as a person types it."""
    count = rows[-1].output[0]
    if loss == "cross-entropy":
        number = int(generator.integers(count))
        return number, str(number)
    values = generator.random(count).tolist()
    return values, ",".join(map(repr, values))


def check(page, stages, maps, loss, seed=0):
    """Hold what the page says of a loss of some stages against what Python says."""
    generator = np.random.default_rng(seed)
    shape = (*maps.shape[1:], len(maps))
    pipeline = Pipeline.parse(stages)
    if len(pipeline.plan(shape)[-1].output) > 1:
        pipeline = Pipeline.parse(f"{stages},flatten")
    rows = pipeline.plan(shape)
    target, text = asked(rows, loss, generator)
    weights = [*drawn(rows, 5, generator)]
    sizes = [shape, *(row.output for row in rows)]
    places = [[number, place(size, generator)] for number, size in enumerate(sizes) for _ in range(3)]
    contents = json.dumps(page.contents(str(pipeline), maps))
    told = json.loads(page.tab.run(GRADIENTS, contents, text, loss, weights, places))
    where = f"{pipeline} {loss}"
    one = (str(weights[0][0]), tuple(weights[0][1:])) if weights else None
    explained = explain_loss(pipeline, maps.transpose(1, 2, 0), target, loss, weight=one, rate=0.25)
    mine, theirs = told["record"], json.loads(told_as(explained, "json"))
    for key in ("stages", "input", "output"):
        assert mine[key] == theirs[key], where
    loss_alike(mine["loss"], theirs["loss"], where)
    close(mine["deltas"], theirs["deltas"], where)
    deltas = dict(deltas_alike(mine["steps"], theirs["steps"], where))
    for (number, at), parts in zip(places, told["parts"], strict=True):
        if parts and number in deltas:
            spot = tuple(at if len(at) == 1 else [at[2], *at[:2]])
            close(sum(parts), deltas[number][spot], f"{where}: {number} at {at}", np.abs(deltas[number]).max())
    if weights:
        weight_alike(mine["weight"], theirs["weight"], where)
    _, gradients, dx = pipeline.gradients(maps, target, loss, layout="chw")
    if 0 in deltas:
        close(deltas[0], dx, where)
    names = pipeline.network.names()
    for (number, *at), found in zip(weights, told["found"], strict=True):
        array = gradients[f"{names[number - 1]}.weight"]
        close(found, array[tuple(at)], f"{where}: weight {at} of {number}", np.abs(array).max())


def deltas_alike(mine, theirs, where):
    """The page's deltas by the stages' numbers, where they are the command's."""
    told = ("number", "name", "stage")
    assert [[step[key] for key in told] for step in mine] == [[step[key] for key in told] for step in theirs], where
    for one, other in zip(mine, theirs, strict=True):
        assert [*one["gradients"]] == [*other["gradients"]], where
        most = abs(other["gradients"]["deltas"]["largest"])  # whose rounding shows in sums that all but cancel
        for role, expected in other["gradients"].items():
            own = one["gradients"][role]
            assert own["shape"] == expected["shape"], where
            found = np.reshape(own["values"], own["shape"])
            scale = max(abs(expected["largest"]), 0 if role == "deltas" else most)
            close(found, expected["values"], f"{where}: {role} of {one['number']}", scale)
            assert own["largest"] == found[tuple(own["at"])], where
            close(abs(own["largest"]), abs(expected["largest"]), where, scale)
            close(own["rms"], expected["rms"], where, scale)
            if role == "deltas":
                yield one["number"], found


def weight_alike(mine, theirs, where):
    for key in ("number", "name", "stage", "at", "rate", "places"):
        assert mine[key] == theirs[key], f"{where}: {key}"
    for key in ("weight", "deltas", "inputs", "products"):
        close(mine[key], theirs[key], f"{where}: {key}")
    close(mine["gradient"], theirs["gradient"], where, np.abs(theirs["products"]).max(initial=0))
    assert mine["stepped"] == mine["weight"] - 0.25 * mine["gradient"]


def pictured(shape):
    """A picture around 0, over which curves are no lines yet: where they are, gradients are rounding alone."""
    return np.random.default_rng(5).normal(size=(shape[2], *shape[:2])).astype(np.float32)


EVERY = [*CHAINS, *((with_numbers(text), pictured(shape)) for text, shape in EMBEDDED)]


@pytest.mark.parametrize("part", range(6))
def test_every_chain(page, part):
    for number, (stages, maps) in enumerate(EVERY[part::6]):
        check(page, stages, maps, LOSSES[number % 3], number)


@pytest.mark.parametrize("seed", range(2))
def test_networks_with_branches(page, seed):
    for text, size in graphs(seed + 20, 10):
        # of values that a tanh brings near 1, or that are none but for rounding, this says which are the largest
        maps = np.random.default_rng(seed).integers(0, 9, (size[2], *size[:2])).astype(np.float32)
        check(page, text.replace("tanh", "leaky_relu"), maps, "mse", seed)
