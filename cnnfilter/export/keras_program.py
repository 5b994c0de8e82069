"""A Keras 3 program: a `keras.Sequential` of a chain, else a model in the functional form."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from cnnfilter.export.naming import Path, string
from cnnfilter.export.program import Code, Part, Program
from cnnfilter.export.weights import literal
from cnnfilter.network.plan import Row
from cnnfilter.network.stages import Join
from cnnfilter.runtime.forks import lazy

_LAYER = re.compile(r"(?:layers\.)?(\w+)\(")


class KerasProgram(Program):
    """The layers of a Keras program.

    Parameters
    ----------
    rows : sequence of Row
    layers_of : callable
        See `Program`.
    helpers : dict
        The layers that Keras lacks, by name.
    file : str, optional
        See `Program`.
    """

    def __init__(self, rows: Sequence[Row], layers_of: Code, helpers: dict[str, str], file: str | None = None) -> None:
        self._arrays: list[_Arrays] = []
        super().__init__(rows, layers_of, file)
        self._known = helpers

    def array(self, role: str, values: Any, written: Callable[[Any], str] = literal) -> str:
        """An array of a stage's learned numbers: as they are written, or by its name where they are loaded."""
        return f"state[{string(f'{self.name}.{role}')}]" if self.is_loaded else f"np.array({written(values)})"

    def give(self, *arrays: str) -> None:
        """Set the weights of the layer added next, if there are any."""
        place, path = self.mark()
        if arrays:
            self._arrays.append(_Arrays(place, path, f"set_weights([{', '.join(arrays)}])", self.is_loaded))

    def program(self) -> str:
        """The whole program."""
        printed, loading = (self._settings(is_loaded=each) for each in (False, True))
        weights = "".join(f"{line}\n" for line in printed)
        helpers = self.helpers(self._known)
        body = self._chain() if self.is_chain else self._model()
        code = helpers + body + weights
        numpy = ["import numpy as np"] if "np." in code or (self.file and not self.imports) else []
        imports = [*numpy, "import keras", f"from keras import layers{', ops' if 'ops.' in code else ''}"]
        return self.text(imports, helpers, body, weights + self._loader(loading), "network.summary()")

    def _settings(self, *, is_loaded: bool) -> list[str]:
        """The lines that set weights: those that are loaded, or those that are printed."""
        return [
            f"network.{f'layers[{place}]' if self.is_chain else self._found(path)}.{setting}"
            for place, path, setting, loaded in self._arrays
            if loaded == is_loaded
        ]

    def _found(self, path: Path) -> str:
        return f'get_layer("{self._name(path)}")'

    def _loader(self, settings: list[str]) -> str:
        """The function that sets the weights that are not printed, and how it is called."""
        if not settings:
            return ""
        about = '    """Set the numbers that are not printed, from arrays by name as PyTorch has them."""'
        lines = "\n".join(["def load(state):", about, *(f"    {line}" for line in settings)])
        return f"\n\n{lines}\n\n\n{self.loading('load({})'.format)}"

    def _chain(self) -> str:
        lines = ["network = keras.Sequential(", "    [", f"        keras.Input({self.rows[0].input}),"]
        for part in self.parts:
            *before, last = part.layers
            lines += [*(f"        {layer}," for layer in before), f"        {last},  {part.comment}"]
        return "\n".join([*lines, "    ]", ")"])

    def _model(self) -> str:
        lines = [f"given = x = keras.Input({self.rows[0].input})"]
        lines += ["x0 = x"] if -1 in self.kept else []
        lines += [line for part in self.parts for line in self._steps(part)]
        return "\n".join([*lines, "network = keras.Model(given, x)"])

    def _steps(self, part: Part) -> list[str]:
        if isinstance(part.row.stage, Join):
            several = f"[{', '.join(part.given)}]"
            return self.flow(part, lambda place, value: f"{part.layers[place]}({several})")
        return self.flow(part, lambda place, value: f"{self._named(part, place)}({value})")

    def _named(self, part: Part, place: int) -> str:
        """A layer, with its name if it may be given numbers."""
        layer = part.layers[place]
        if place != part.main:
            return layer
        return f'{layer[:-1]}, name="{self._name(part.paths[place])}")'

    def _name(self, path: Path) -> str:
        """What Keras calls a layer: with PyTorch behind it, no name may have a dot, and others it gives itself."""
        name = "_".join(path)
        return f"{name}_" if re.sub(r"_\d+$", "", name) in self._kinds else name

    @lazy
    def _kinds(self) -> set[str]:
        """What Keras calls layers that have no name: as their classes."""
        words = {re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind) for kind in _LAYER.findall(self.code)}
        return {re.sub("([a-z])([A-Z])", r"\1_\2", word).lower() for word in words} | {"input_layer"}


class _Arrays(NamedTuple):
    """What sets the weights of a layer: of which one of all, what that is called, and whether they are loaded."""

    place: int
    path: Path
    setting: str
    is_loaded: bool
