import json
import sys

import numpy as np
import pytest

from cnnfilter.cli import kernels as kernels_module
from cnnfilter.model.catalogue import KERNELS
from tests.command import run


def test_the_catalogue_lists_every_kernel_on_one_line():
    result = run("kernels")
    assert result.exit_code == 0, result.err
    assert result.err == ""
    lines = result.out.splitlines()
    assert lines[0] == "KERNEL         FAMILY    PARAMETERS            WHAT IT SHOWS OR DOES"
    assert [line.split()[0] for line in lines[1:]] == list(KERNELS)
    assert "gaussian       blur      size sigma            weighted mean, the near pixels more" in lines
    assert "motion         blur      length=9 angle=0      mean along a line, as a moving camera blurs" in lines


def test_the_catalogue_as_json():
    result = run("kernels", "--json")
    assert result.exit_code == 0, result.err
    entries = json.loads(result.out)
    assert [entry["name"] for entry in entries] == list(KERNELS)
    assert list(entries[0]) == ["name", "family", "description", "source", "parameters"]
    box = next(entry for entry in entries if entry["name"] == "box")
    assert box["parameters"][0]["name"] == "size"
    assert box["parameters"][0]["default"] == 3


def test_a_kernel_is_described():
    result = run("kernels", "sobel-x")
    assert result.exit_code == 0, result.err
    assert result.out.splitlines() == [
        "kernel    sobel-x",
        "size      3x3",
        "matrix    -1  0  1",
        "          -2  0  2",
        "          -1  0  1",
        "sum       0",
        "symmetry  up-down; with the sign turned: left-right, half turn",
        "rank      1 (separable)",
        "range     -1020 to 1020 for 8-bit input",
        f"source    {KERNELS['sobel-x'].source}",
    ]


def test_a_scale_stands_apart_from_the_integers():
    result = run("kernels", "gaussian")
    assert result.exit_code == 0, result.err
    assert result.out.splitlines()[2:7] == [
        "matrix    1 2 1",
        "          2 4 2",
        "          1 2 1",
        "scale     1/16",
        "sum       1",
    ]


def test_a_bank_is_described_filter_by_filter():
    result = run("kernels", "sobel")
    assert result.exit_code == 0, result.err
    lines = result.out.splitlines()
    assert lines[2:5] == ["", "filter 1  of 2", "matrix    -1  0  1"]
    assert lines[-4:] == [
        "",
        "combined  square root of the sum of squares",
        "range     0 to 1140.39 for 8-bit input",  # sqrt(20) * 255: six pixels around a corner lit
        f"source    {KERNELS['sobel'].source}",
    ]
    assert "combined  the largest" in run("kernels", "kirsch").out.splitlines()


def test_every_way_of_combining_has_a_word():
    from cnnfilter.model.kernels import get_kernel

    assert {get_kernel(name).combine for name in KERNELS} - {None} == set(kernels_module.COMBINED)


@pytest.mark.parametrize("name", KERNELS)
def test_every_kernel_can_be_described(name):
    assert run("kernels", name).exit_code == 0
    assert json.loads(run("kernels", name, "--json").out)["name"] == name


def test_a_kernel_as_json():
    result = run("kernels", "box:size=5", "--json")
    assert result.exit_code == 0, result.err
    record = json.loads(result.out)
    assert record["name"] == "box:size=5"
    assert record["size"] == [5, 5]
    assert record["scale"] == "1/25"
    assert record["filters"][0]["matrix"] == [[1] * 5] * 5
    assert record["filters"][0]["separable"] is True
    assert (record["low"], record["high"]) == (0, 255)


def test_a_matrix_that_begins_with_a_minus_is_described():
    result = run("kernels", "-1 0; 0 1.5")
    assert result.exit_code == 0, result.err
    assert result.out.splitlines() == [
        "kernel    custom",
        "size      2x2",
        "matrix     -1   0",
        "            0 1.5",
        "sum       0.5",
        "symmetry  diagonal",
        "rank      2 (not separable)",
        "range     -255 to 382.5 for 8-bit input",
    ]


def test_a_matrix_without_symmetry_says_so():
    assert "symmetry  none" in run("kernels", "1 2; 3 5").out.splitlines()


def test_a_matrix_too_wide_to_read_is_not_shown():
    assert "matrix    25x25 numbers; --json shows them" in run("kernels", "gaussian:sigma=4").out.splitlines()


def test_a_kernel_from_a_file_is_described_and_its_name_escaped(tmp_path):
    path = tmp_path / "a\n[bold].npy"
    np.save(path, np.array([[1, 2], [3, 5]]))
    result = run("kernels", path)
    assert result.exit_code == 0, result.err
    assert result.out.splitlines()[0] == "kernel    a\\n[bold]"


def test_a_bank_from_a_file_is_refused(tmp_path):
    path = tmp_path / "conv.npy"
    np.save(path, np.ones((4, 3, 5, 5)))
    result = run("kernels", path, "--layout", "oihw")
    assert result.exit_code == 2
    assert result.messages == ["cnnfilter: error: conv is a bank of shape 4x3x5x5; only single kernels are described"]


def test_an_unknown_kernel_names_the_nearest():
    result = run("kernels", "gausian")
    assert result.exit_code == 2
    assert result.out == ""
    assert result.messages == [
        "cnnfilter: error: unknown kernel 'gausian'; did you mean gaussian or laplacian? "
        "(cnnfilter kernels lists them all)"
    ]


def test_the_package_is_a_command_too(monkeypatch, capsys):
    import runpy

    monkeypatch.setattr(sys, "argv", ["cnnfilter", "kernels", "edge"])
    with pytest.raises(SystemExit) as end:
        runpy.run_module("cnnfilter", run_name="__main__")
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("kernel    edge\n")
