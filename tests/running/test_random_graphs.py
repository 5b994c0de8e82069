"""Random networks with branches, against `reference`'s functions composed by hand."""

from functools import reduce

import numpy as np

from cnnfilter.network.grammar import parse
from cnnfilter.network.plan import plan
from cnnfilter.pipeline import Pipeline
from tests.chains import expected
from tests.graphs import graphs

JOINED = {
    "add": lambda values: reduce(np.add, values),
    "multiply": lambda values: reduce(np.multiply, values),
    "concat": np.concatenate,
}


def composed(rows, maps):
    """The result of every row."""
    results = {-1: maps.astype(np.float64)}
    for number, row in enumerate(rows):
        values = [results[read] for read in row.reads]
        join = JOINED.get(row.stage.name)
        results[number] = expected([row], values[0], {}) if join is None else join(values)
    return results


def test_every_node_of_a_network_is_what_its_stages_make_one_by_one():
    for text, size in graphs(9, 40):
        network = parse(text)
        maps = np.random.default_rng(4).normal(size=(size[2], *size[:2])).astype(np.float32)
        want = composed(plan(network, size), maps)
        pipeline = Pipeline(network)
        np.testing.assert_allclose(pipeline.run(maps, layout="chw"), want[len(network) - 1], rtol=1e-4, atol=1e-4)
        for number, result in pipeline.results(maps, range(len(network)), layout="chw"):
            largest = max(1, np.abs(want[number]).max())
            np.testing.assert_allclose(result, want[number], rtol=1e-4, atol=1e-4 * largest, err_msg=text)


def test_a_batch_and_any_number_of_threads_give_the_same():
    for text, size in graphs(10, 10):
        pipeline = Pipeline.parse(text)
        batch = np.random.default_rng(5).normal(size=(2, size[2], *size[:2])).astype(np.float32)
        one = pipeline.run(batch, layout="chw", threads=1)
        np.testing.assert_array_equal(pipeline.run(batch, layout="chw", threads=2), one)
        np.testing.assert_array_equal(pipeline.run(batch[1], layout="chw"), one[1])
