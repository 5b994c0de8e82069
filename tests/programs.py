"""Emitted programs, run."""

import numpy as np

from cnnfilter.export import emit
from cnnfilter.network.grammar import parse
from cnnfilter.network.plan import plan


def run(program):
    namespace = {"__name__": "emitted"}
    exec(compile(program, "emitted", "exec"), namespace)
    return namespace


def emitted(text, size, language):
    return emit(plan(parse(text), size), language)


def given(size, seed=1):
    return np.random.default_rng(seed).normal(size=(size[2], *size[:2])).astype(np.float32)


def check(result, expected, text):
    assert result.shape == expected.shape, text
    largest = max(1, np.abs(expected).max())
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4 * largest, err_msg=text)


def in_torch(torch, network, maps):
    with torch.no_grad():
        return network(torch.from_numpy(maps)[None])[0].numpy()


def in_keras(keras, network, maps):
    result = keras.ops.convert_to_numpy(network(maps.transpose(1, 2, 0)[None]))[0]
    return result.transpose(2, 0, 1) if result.ndim == 3 else result
