"""Handwritten digits, the 1,797 of 8x8 that scikit-learn carries: each fifth is told by what the others taught."""

import numpy as np
import pytest

import cnnfilter

STAGES = (
    "conv:32@3x3:padding=1,batchnorm,relu,conv:32@3x3:padding=1,batchnorm,relu,maxpool:2,flatten,dropout:0.5,dense:10"
)
SETTINGS = {"epochs": 20, "batch": 32, "lr": 0.002, "augment": "rotate=10,zoom=0.1"}


@pytest.mark.slow  # a quarter of a minute
@pytest.mark.filterwarnings("ignore:softmax is put last", "ignore:normalize is put first")
def test_digits_of_each_fifth_are_told_by_the_last_epoch():
    digits = pytest.importorskip("sklearn.datasets").load_digits()
    pictures = np.rint(digits.images * 255 / 16).astype(np.uint8)
    fifths = np.array_split(np.random.default_rng(0).permutation(len(pictures)), 5)
    right = 0
    for held in fifths:
        others = np.setdiff1d(np.arange(len(pictures)), held)
        data, validation = ((pictures[each], digits.target[each]) for each in (others, held))
        last = cnnfilter.train(STAGES, data, validation=validation, **SETTINGS).history[-1]
        right += round(last["validation_accuracy"] * len(held))
    print(f"{right / len(pictures):.2%} told right")  # noqa: T201
    assert right >= 0.98 * len(pictures)
