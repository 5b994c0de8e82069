"""Values that `explain` tells of: of pictures of each depth, of none, and what JSON lacks."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.command import run, save


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535)])
def test_normalize_is_explained_by_the_pictures_full_scale(dtype, white):
    pixels = np.arange(0, white, white // 13, dtype=dtype)[:12].reshape(3, 4)
    save("deep.png", pixels)
    result = run("explain", "normalize,relu", "deep.png", "--at", "1,2", "--matrix", "--json")
    assert result.exit_code == 0, result.err
    record = json.loads(result.out)
    assert record["stages"] == "normalize,relu"
    assert record["steps"][1]["formula"] == f"({pixels[1, 2]}/{white} - 0) / 1"
    assert record["value"] == pytest.approx(pixels[1, 2] / white, rel=1e-12)
    result = run("explain", "normalize,relu", "deep.png", "--matrix", "--json")
    assert result.exit_code == 0, result.err
    np.testing.assert_allclose(json.loads(result.out)["matrix"]["result"][0], pixels / white, rtol=1e-6)


def test_a_mean_of_nothing_but_padding_sees_nothing():
    Path("dot.csv").write_text("7\n")
    result = run("explain", "conv:[1]:padding=1:stride=2,globalavgpool", "dot.csv", "--at", "0,0")
    assert result.exit_code == 0, result.err
    assert "receptive field  none: all lies in the padding\n" in result.out


def test_matrices_in_json_hold_what_json_lacks_as_text():
    np.save("gaps.npy", np.float32([[np.nan, 1], [-np.inf, 2.5]]))
    result = run("explain", "relu", "gaps.npy", "--matrix", "--json")
    assert result.exit_code == 0, result.err
    assert json.loads(result.out)["matrix"] == {
        "picture": [[["nan", 1], ["-inf", 2.5]]], "result": [[["nan", 1], [0, 2.5]]]
    }  # fmt: skip
