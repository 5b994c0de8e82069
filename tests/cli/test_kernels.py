import json
import sys

import numpy as np
import pytest

from cnnfilter.cli import kernels as kernels_module
from cnnfilter.cli import render
from cnnfilter.kernels.catalogue import KERNELS
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
    from cnnfilter.kernels.kernel import get_kernel

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
    assert result.out.splitlines()[3] == '  "size": [5, 5],'
    assert result.out.count("        [1, 1, 1, 1, 1]") == 5


def test_the_help_says_what_exact_means():
    text = " ".join(run("kernels", "--help").out.split())
    assert '"exact" says whether some picture reaches both' in text


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


@pytest.fixture
def terminal(monkeypatch):
    """Gives the lines that a terminal of some width gets."""

    def lines(width, *arguments):
        monkeypatch.setattr(render, "columns", lambda: width)
        result = run("kernels", *arguments)
        assert result.exit_code == 0, result.err
        return result.out.splitlines()

    return lines


def test_a_matrix_too_wide_is_shown_in_fewer_digits(terminal):
    assert terminal(75, "gaussian:sigma=1")[2] == "matrix    " + " ".join(
        ["1.97e-05", "0.000239", " 0.00107", " 0.00177", " 0.00107", "0.000239", "1.97e-05"]
    )


@pytest.mark.parametrize("width", [40, 80, 100])
def test_the_middle_of_a_matrix_that_is_still_too_wide_is_left_out(terminal, width):
    lines = terminal(width, "gaussian:sigma=2")
    assert max(map(len, lines)) <= width
    assert sum(" ... " in line for line in lines) == 13
    assert "part of 13x13 numbers; --json shows all" in " ".join(" ".join(lines).split())


def test_the_middle_rows_of_a_high_matrix_are_left_out(terminal):
    lines = terminal(100, "; ".join(str(i) for i in range(1, 31)))
    assert lines[2:19] == [
        "matrix     1",
        *(f"          {i:2}" for i in range(2, 8)),
        "          ...",
        *(f"          {i:2}" for i in range(24, 31)),
        "part      of 30x1 numbers; --json shows all",
        "sum       465",
    ]


def test_long_lines_are_wrapped_at_words(terminal):
    lines = terminal(50, "gaussian")
    place = next(i for i, line in enumerate(lines) if line.startswith("source"))
    assert lines[place:] == [
        "source    binomial rows: Burt & Adelson 1983; with",
        "          sigma: exp(-r^2 / (2 sigma^2)), sampled,",
        "          sum 1",
    ]


def test_a_scale_that_is_no_simple_fraction_has_six_digits(terminal):
    assert "scale     0.177149" in terminal(100, "motion:length=5:angle=45")


@pytest.mark.parametrize(
    ("width", "heading"),
    [
        (80, "KERNEL         FAMILY    PARAMETERS            WHAT IT SHOWS OR DOES"),
        (64, "KERNEL         PARAMETERS            WHAT IT SHOWS OR DOES"),
        (40, "KERNEL         WHAT IT SHOWS OR DOES"),
    ],
)
def test_a_narrow_catalogue_keeps_names_and_descriptions(terminal, width, heading):
    lines = terminal(width)
    assert lines[0] == heading
    assert max(map(len, lines)) <= max(width, 39)
    first = [line.split()[0] for line in lines[1:] if not line.startswith(" ")]
    assert first == list(KERNELS)
    words = " ".join(" ".join(lines).split())
    for line in ("as a moving camera blurs", "weighted mean,"):
        assert line.split()[-1] in words
    if width == 40:
        assert "(length=9 angle=0)" in " ".join(line[15:] for line in lines)


def test_a_kernel_from_a_file_is_described_and_its_name_escaped(tmp_path):
    path = tmp_path / "a\n[bold].npy"
    np.save(path, np.array([[1, 2], [3, 5]]))
    result = run("kernels", path)
    assert result.exit_code == 0, result.err
    assert result.out.splitlines()[0] == "kernel    a\\n[bold]"


def test_a_kernel_with_a_bias_is_described(tmp_path):
    path = tmp_path / "edge.json"
    path.write_text('{"weight": [[1, 0, -1], [1, 0, -1], [1, 0, -1]], "bias": [128]}')
    result = run("kernels", path)
    assert result.exit_code == 0, result.err
    lines = result.out.splitlines()
    assert lines[:3] == ["kernel    edge", "size      3x3", "matrix     1  0 -1"]
    assert lines[-2:] == ["bias      128", "range     -637 to 893 for 8-bit input"]
    record = json.loads(run("kernels", path, "--json").out)
    assert (record["bias"], record["low"], record["high"]) == (128, -637, 893)


def test_a_bank_is_described_by_its_shape_and_sums(tmp_path):
    path = tmp_path / "conv.npz"
    weight = np.ones((20, 3, 5, 5), np.float32)
    weight[1] = 0.1 * np.linspace(-1, 1, 75).reshape(3, 5, 5)
    np.savez(path, **{"weight": weight, "bias": np.arange(20) / 4})
    result = run("kernels", path)
    assert result.exit_code == 0, result.err
    lines = result.out.splitlines()
    assert lines[:5] == [
        "bank     conv",
        "shape    20x3x5x5 (filters, channels, height, width)",
        "filters  filter  sum  bias",
        "              0   75     0",
        "              1    0  0.25",
    ]
    assert lines[-4:] == [
        "             14   75   3.5",
        "more     5 filters; --json has them all",
        "use      cnnfilter run conv:FILE shows what each filter finds; apply takes one filter, or one a",
        "         channel",
    ]
    record = json.loads(run("kernels", path, "--json").out)
    assert record["shape"] == [20, 3, 5, 5]
    assert [record["filters"][i] for i in (0, 19)] == [{"sum": 75, "bias": 0}, {"sum": 75, "bias": 4.75}]
    np.save(tmp_path / "bare.npy", weight[:2])
    assert json.loads(run("kernels", tmp_path / "bare.npy", "--json").out)["filters"][0] == {"sum": 75, "bias": None}
    assert "filters  filter  sum" in run("kernels", tmp_path / "bare.npy").out.splitlines()


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
