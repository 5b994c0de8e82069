"""Every stage that needs no weights, run as a chain against the reference's functions composed by hand."""

import numpy as np
import pytest

from cnnfilter.engine import bands
from cnnfilter.explanation import explain
from cnnfilter.network.grammar import parse
from cnnfilter.network.plan import at_scale, plan
from cnnfilter.pipeline import Pipeline
from tests.chains import CHAINS, DILATED, expected, sample

RUNNABLE = [
    (text, shape) for text, shape in [*CHAINS, DILATED] if all(each.runnable is None for each in parse(text).stages)
]
MAPS = [(text, shape) for text, shape in RUNNABLE if len(shape) == 3]


@pytest.mark.parametrize(("text", "shape"), RUNNABLE, ids=[text for text, _ in RUNNABLE])
def test_a_chain_computes_what_the_reference_does_however_it_is_cut(text, shape, monkeypatch):
    x = sample(shape)
    want = expected(at_scale(plan(parse(text), shape), 1), x, {})
    result = Pipeline.parse(text).run(x, layout="chw" if x.ndim == 3 else None)
    assert result.dtype == np.float32
    assert result.shape == want.shape
    np.testing.assert_allclose(result, want, rtol=1e-5, atol=1e-5 * np.abs(want).max())
    monkeypatch.setattr(bands, "SMALLEST_WORK", 0)
    monkeypatch.setattr(bands, "WHOLE_SAMPLES", 0)
    monkeypatch.setattr(bands, "BAND_SAMPLES", 1)
    cut = Pipeline.parse(text).run(x, layout="chw" if x.ndim == 3 else None, threads=2)
    np.testing.assert_allclose(cut, result, rtol=1e-6, atol=1e-6 * np.abs(want).max())


@pytest.mark.parametrize(("text", "shape"), MAPS, ids=[text for text, _ in MAPS])
def test_every_value_that_is_explained_is_the_reference_s(text, shape):
    x = sample(shape)
    want = expected(at_scale(plan(parse(text), shape), 1), x, {})
    pipeline = Pipeline.parse(text)
    for index in list(np.ndindex(want.shape))[:: max(1, want.size // 12)]:
        at = (*index[1:], index[0]) if want.ndim == 3 else index
        told = explain(pipeline, x.transpose(1, 2, 0), at)
        np.testing.assert_allclose(told.value, want[index], rtol=1e-6, atol=1e-7)
