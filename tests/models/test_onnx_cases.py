"""ONNX's published cases of the operators that are known, each read from a file and run.

`excluded.py` has by name those that are refused, with what they are: none is run to other numbers than it tells.
"""

import re

import numpy as np
import onnx
import pytest

from cnnfilter import Pipeline
from cnnfilter.errors import CnnfilterError
from cnnfilter.models import load
from tests.models.excluded import EXCLUDED
from tests.models.onnx_cases import in_scope, prepared

WITHIN = {"averagepool_2d_ceil_last_window_starts_on_pad": 6e-5}
"""Cases whose answers have few digits."""

OTHERWISE = {"resize_downsample_scales_linear_align_corners": [[[[1, 4]]]]}
"""What ONNX Runtime 1.32 gives instead, which takes the result's size as a whole number."""

CASES = {folder.name.removeprefix("test_"): folder for folder in in_scope()}
REFUSED = {name: "|".join(patterns) for _, patterns, names in EXCLUDED for name in names.split()}


def run(folder, path):
    """What a case gives, and what it is to give, as the network has its axes."""
    model, picture, expected = prepared(folder)
    onnx.save(model, path)
    pipeline = Pipeline(load(path).network)
    picture = picture.astype(np.float32)
    one_by_one = picture if picture.ndim in (2, 4) else [picture]
    given = np.stack([pipeline.run(one, layout="chw" if one.ndim == 3 else None) for one in one_by_one])
    return given, expected.astype(np.float32).reshape(given.shape)


def test_so_many_cases_are_run():
    assert (len(CASES), len(CASES) - len(REFUSED)) == (484, 165)
    assert {*REFUSED} <= {*CASES}


@pytest.mark.parametrize("name", [name for name in CASES if name not in REFUSED])
def test_a_case_gives_what_it_tells(name, tmp_path):
    given, expected = run(CASES[name], tmp_path / "case.onnx")
    expected = OTHERWISE.get(name, expected)
    np.testing.assert_allclose(given, expected, rtol=1e-4, atol=WITHIN.get(name, 1e-5))


@pytest.mark.parametrize("name", REFUSED)
def test_another_case_is_refused_by_one_line_that_says_why(name, tmp_path):
    with pytest.raises(CnnfilterError, match=re.compile(REFUSED[name])) as error:
        run(CASES[name], tmp_path / "case.onnx")
    assert "\n" not in str(error.value)
