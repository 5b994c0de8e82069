"""What `import cnnfilter` offers: names of all kinds, each of which tells all about itself."""

import doctest
import importlib.metadata
import inspect
import re

import numpy as np
import pytest

import cnnfilter
from cnnfilter.batch import plan
from cnnfilter.kernels.kernel import Kernel
from cnnfilter.network import activations
from cnnfilter.network.plan import Row
from cnnfilter.pipeline import Plan
from cnnfilter.weights.bank import FilterBank
from tests.command import ROOT

SECTIONS = ("Parameters", "Returns", "Raises", "Examples")
FUNCTIONS = {name: value for name in cnnfilter.__all__ if inspect.isfunction(value := getattr(cnnfilter, name))}
METHODS = {
    f"{kind.__name__}.{name}": value
    for kind in (cnnfilter.Pipeline, cnnfilter.Picture)
    for name, value in inspect.getmembers(kind, inspect.isroutine)
    if name == "__call__" or not name.startswith("_")
}
LESS = {
    "Picture.write": {"Returns"},
    "Pipeline.save": {"Returns"},
    "Pipeline.check_runnable": set(SECTIONS),
    "Pipeline.load_weights": {"Parameters", "Returns", "Examples"},
}
"""What the docstrings of some have no use for."""


def subclasses(kind):
    return {kind, *(each for direct in kind.__subclasses__() for each in subclasses(direct))}


def test_every_name_is_there():
    for name in cnnfilter.__all__:
        assert callable(getattr(cnnfilter, name))
    assert {*cnnfilter.__all__, "__version__"} <= set(dir(cnnfilter))


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="module 'cnnfilter' has no attribute 'conv3d'"):
        _ = cnnfilter.conv3d


def test_each_activation_is_that_of_the_table():
    assert {*activations.ACTIVATIONS} < {*cnnfilter.__all__}
    for name in activations.ACTIVATIONS:
        assert inspect.unwrap(getattr(cnnfilter, name)) is activations.ACTIVATIONS[name].compute


def test_the_version_is_that_of_the_package():
    assert cnnfilter.__version__ == importlib.metadata.version("cnnfilter")


def test_every_error_is_there():
    assert plan.ConflictError in subclasses(cnnfilter.CnnfilterError)
    for error in {*subclasses(cnnfilter.CnnfilterError), cnnfilter.CnnfilterWarning}:
        if error.__name__.startswith("_"):
            continue
        assert getattr(cnnfilter, error.__name__) is error


@pytest.mark.parametrize("name", [*FUNCTIONS, *METHODS])
def test_help_is_complete_in_itself(name):
    function = {**FUNCTIONS, **METHODS}[name]
    text = inspect.getdoc(function)
    sections = re.findall(r"^(\w+)\n-+$", text, re.MULTILINE)
    assert {*SECTIONS} - LESS.get(name, set()) <= set(sections)
    told = re.search(r"^Parameters\n-+\n(.*?)(?=^\w+\n-+$|\Z)", text, re.MULTILINE | re.DOTALL)
    listed = re.findall(r"^(\w[\w, ]*) : ", told[1], re.MULTILINE) if told else []
    given = [each for each in inspect.signature(function).parameters if each not in ("self", "cls")]
    assert sorted(", ".join(listed).split(", ") if listed else []) == sorted(given)
    assert not re.search(r"\b(see|as for) `|\bas in `?(cnnfilter\.|conv2d|max_pool2d|avg_pool2d)", text, re.IGNORECASE)


@pytest.mark.parametrize("value", [cnnfilter.Picture, cnnfilter.Pipeline, Kernel, FilterBank, Plan, Row])
def test_help_of_a_class_names_no_module(value):
    members = [getattr(value, name) for name in dir(value) if not name.startswith("_")]
    for text in [inspect.getdoc(value), *(inspect.getdoc(each) or "" for each in members)]:
        assert not re.search(r"`(\w+\.)*[a-z_]+\.\w+`", text), text


@pytest.mark.parametrize("name", [*FUNCTIONS, *METHODS, "Pipeline", "Picture"])
def test_its_example_runs(name, tmp_path, monkeypatch):
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    monkeypatch.chdir(tmp_path)
    value = {**FUNCTIONS, **METHODS}.get(name) or getattr(cnnfilter, name)
    names = {**{each: getattr(cnnfilter, each) for each in cnnfilter.__all__}, "cnnfilter": cnnfilter, "np": np}
    tests = doctest.DocTestFinder(recurse=False).find(value, name, globs=names)
    (test,) = [each for each in tests if each.examples] or [None]
    assert (test is None) == ("Examples" in LESS.get(name, ()))
    assert test is None or doctest.DocTestRunner().run(test).failed == 0
