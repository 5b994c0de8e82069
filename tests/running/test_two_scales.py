"""A network that shrinks maps, enlarges them and joins both sizes, as U-Net does: values, fields, explanations."""

import numpy as np
import pytest

from cnnfilter import Pipeline
from cnnfilter.engine import reference
from cnnfilter.engine import reference_resampling as enlarging

TEXT = (
    "conv:4@3x3:padding=1:random=1,relu:as=fine,maxpool:2,conv:6@3x3:padding=1:random=2,relu,"
    "{up},concat:fine+last,conv:2@3x3:padding=1:random=4"
)
UPS = ["convtranspose:4@3x3:stride=2:padding=1:output_padding=1:random=3", "upsample:2:mode=bilinear", "upsample:2"]
MAPS = np.random.default_rng(6).normal(size=(2, 8, 10)).astype(np.float32)


def convolved(stage, maps):
    bank = stage.source(len(maps))
    return reference.conv2d(maps, bank.weight, bank.bias, padding=1)


def composed(stages):
    """The result by hand."""
    conv, _, _, coarse, _, up, _, last = stages
    fine = np.maximum(convolved(conv, MAPS), 0)
    deep = np.maximum(convolved(coarse, reference.max_pool2d(fine, 2)), 0)
    if up.name == "upsample":
        wide = enlarging.upsample(deep, scale=up.scale, mode=up.mode, coordinates=up.coordinates)
    else:
        weight, bias, _ = up.weight(len(deep))
        wide = enlarging.conv_transpose2d(deep, weight, bias, stride=2, padding=1, output_padding=(1, 1))
    return convolved(last, np.concatenate([fine, wide]))


@pytest.mark.parametrize("up", UPS)
def test_it_is_composed_of_its_stages(up):
    chain = Pipeline.parse(TEXT.format(up=up))
    result = chain.run(MAPS)
    np.testing.assert_allclose(result, composed(chain.stages), rtol=1e-4, atol=1e-4)
    for place in [(0, 0, 0), (7, 9, 1), (3, 4, 1)]:
        record = chain.explain(MAPS, at=place, layout="chw")
        np.testing.assert_allclose(record["value"], result[place[2], place[0], place[1]], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("up", UPS)
def test_a_value_changes_with_the_samples_of_its_field_and_no_others(up):
    chain = Pipeline.parse(TEXT.format(up=up))
    before = chain.run(MAPS)
    changed = np.zeros((8, 10, *before.shape[1:]), bool)
    for row, column in np.ndindex(8, 10):
        maps = MAPS.copy()
        maps[:, row, column] += 100
        changed[row, column] = (chain.run(maps) != before).any(axis=0)
    for place in [(0, 0), (4, 5), (7, 9), (3, 2)]:
        field = chain.explain(MAPS, at=place, layout="chw")["receptive_field"]
        rows, columns = np.nonzero(changed[:, :, *place])
        (top, bottom), (left, right) = field["rows"], field["columns"]
        assert (max(top, 0), min(bottom, 7)) == (rows.min(), rows.max())
        assert (max(left, 0), min(right, 9)) == (columns.min(), columns.max())
