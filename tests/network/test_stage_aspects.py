"""What rooms do with stages, each an aspect: it knows every stage, and raises for one that it does not know."""

import ast
import importlib
import inspect
import pkgutil
import re
from dataclasses import dataclass

import pytest

import cnnfilter
from cnnfilter.errors import ShapeError
from cnnfilter.network.activations import ACTIVATIONS
from cnnfilter.network.readers import READERS
from cnnfilter.network.stages import Stage, Unknown
from tests.command import ROOT


def descendants(kind):
    """The classes of stages that the package has, whatever other tests made of their own."""
    for each in kind.__subclasses__():
        if each.__module__.startswith("cnnfilter."):
            yield each
        yield from descendants(each)


def modules():
    for each in pkgutil.walk_packages(cnnfilter.__path__, "cnnfilter."):
        if not each.name.endswith("__main__"):
            yield importlib.import_module(each.name)


WITHOUT = {Unknown}
"""Of its size it tells only that there is none, so that no aspect is ever asked about it."""
STAGES = sorted(
    {kind for kind in descendants(Stage) if not inspect.isabstract(kind)} - WITHOUT, key=lambda kind: kind.__name__
)
NAMES = {kind.__name__ for kind in STAGES}
ASPECTS = {
    f"{value.__module__}.{value.__name__}".removeprefix("cnnfilter."): value
    for module in modules()
    for value in vars(module).values()
    if hasattr(value, "registry") and any(issubclass(kind, Stage) for kind in value.registry)
}


@dataclass(frozen=True)
class Unheard(Stage):
    name = "unheard"

    def output(self, shape):
        return shape


def test_these_are_among_them():
    assert len(STAGES) >= 11
    assert set(ASPECTS) >= {
        "explanation.worked.step_of",
        "explanation.values.compute",
        "explanation.values.needed",
        "explanation.values.work",
        "running.lowering.lower",
        "network.channels.keeps_apart",
        "export.as_keras.layers",
        "export.as_numpy.expressions",
        "export.as_torch.layers",
        "network.notes.note",
        "page.records.record",
        "learning.gradients.base.differentiable",
    }


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_says_what_it_takes_and_gives(stage):
    assert stage.takes in ("maps", "vector", "either")
    assert stage.gives in ("maps", "vector", "same")
    assert (stage.gives == "same") == (stage.takes == "either")


@pytest.mark.parametrize("aspect", ASPECTS)
def test_every_aspect_knows_every_stage(aspect):
    assert [stage for stage in STAGES if stage not in ASPECTS[aspect].registry] == []


@pytest.mark.parametrize("aspect", ASPECTS)
def test_no_aspect_takes_a_stage_for_another(aspect):
    function = ASPECTS[aspect]
    rest = [None] * (len(inspect.signature(function).parameters) - 1)
    with pytest.raises(TypeError, match="has no entry for the stage Unheard"):
        function(Unheard(), *rest)
    assert Unheard().output((1,)) == (1,)


def test_what_is_unknown_gives_nothing_that_an_aspect_could_be_asked_about():
    stage = Unknown("Foo", "the node 'x' (Foo) is not known")
    with pytest.raises(ShapeError, match=r"^the node 'x' \(Foo\) is not known$"):
        stage.output((8, 8, 3))
    assert (str(stage), stage.runnable) == ("Foo", "the node 'x' (Foo) is not known")


SCRIPTS = ROOT / "cnnfilter" / "page" / "scripts" / "stages"
SCRIPTED = {*ACTIVATIONS} | {
    name for path in SCRIPTS.glob("*.js") for name in re.findall(r"^KINDS\.(\w+) = ", path.read_text(), re.MULTILINE)
}
"""The kinds of stages that the page's scripts know, by their names."""


def test_the_page_has_a_script_for_every_stage():
    assert sorted({*READERS} - SCRIPTED) == []


def test_the_page_has_no_script_for_anything_else():
    assert sorted(SCRIPTED - {*READERS}) == []


def asked(function):
    """The classes of stages that a function asks for with isinstance."""
    for call in ast.walk(function):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "isinstance":
            asked_for = (getattr(each, "id", getattr(each, "attr", None)) for each in ast.walk(call.args[1]))
            yield from (each for each in asked_for if each in NAMES)


def test_nothing_else_goes_through_the_stages():
    for path in sorted((ROOT / "cnnfilter").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for function in ast.walk(ast.parse(text)) if "isinstance" in text else ():
            if isinstance(function, ast.FunctionDef):
                ladder = len(set(asked(function))) > 2
                assert not ladder, f"{path}: {function.name} is a ladder that guesses what a new stage is"
