import pytest

from tests.test_imports import loaded

UNWANTED = {"numpy", "numba", "llvmlite", "PIL", "rich"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["28", "-k", "3"],
        ["mnist-cnn"],
        ["28", "conv:gaussian:sigma=2,relu"],
        ["mnist-cnn", "--json"],
        ["mnist-cnn", "--compare"],
        ["mnist-cnn", "--emit", "torch"],
        ["--help"],
    ],
    ids=" ".join,
)
def test_planning_loads_no_numpy_no_pillow_and_no_compiler(arguments):
    names = loaded("-m", "cnnfilter", "shape", *arguments)
    assert "cnnfilter" in names
    assert names & UNWANTED == set()
