"""The nine whole networks in the wheel of `onnx`, with other weights, against ONNX Runtime.

`tests/data/onnx/light.npz` has what ONNX Runtime 1.32 gave, without its optimisations, for the networks and the picture
of `light.py`: 250 of the scores before the softmax and of the result of each, by `NAME-scores` and `NAME-result`.
"""

import numpy as np
import onnx
import pytest

from cnnfilter import Pipeline
from cnnfilter.models import load
from tests.command import ROOT
from tests.models import light

RECORDED = np.load(ROOT / "tests" / "data" / "onnx" / "light.npz")

NODES = {
    "bvlc_alexnet": 24, "densenet121": 668, "inception_v1": 143, "inception_v2": 371, "resnet50": 176,
    "shufflenet": 171, "squeezenet": 66, "vgg19": 46, "zfnet512": 22,
}  # fmt: skip


LARGE = ("vgg19", "zfnet512")
"""Of the kind of `bvlc_alexnet`, and larger."""


@pytest.mark.parametrize(
    "name", [each if each not in LARGE else pytest.param(each, marks=pytest.mark.slow) for each in light.NAMES]
)
def test_a_network_gives_what_onnx_runtime_gives(name, tmp_path):
    model, scores, result = light.randomised(name)
    onnx.save(model, tmp_path / "net.onnx")
    loaded = load(tmp_path / "net.onnx")
    assert (loaded.size, loaded.outputs, len(loaded.network)) == ((224, 224, 3), (result,), NODES[name])
    pipeline = Pipeline(loaded.network)
    for node, called in ((scores, "scores"), (result, "result")):
        expected = RECORDED[f"{name}-{called}"]
        given = light.spread(pipeline.run(light.picture(), node=node))
        assert np.ptp(expected) > np.abs(expected).max() / 10  # they differ, so that a wrong order shows
        np.testing.assert_allclose(given, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
