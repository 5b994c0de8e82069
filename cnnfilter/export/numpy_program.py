"""A NumPy program that needs nothing else: the functions it uses, its numbers, and its stages as one function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnfilter.export.base import called, scale_of
from cnnfilter.export.naming import string
from cnnfilter.export.program import Code, Part, Program, described
from cnnfilter.export.weights import inline, literal
from cnnfilter.network.plan import Row
from cnnfilter.network.stages import Join, Shape
from cnnfilter.text.numbers import show_number


class NumpyProgram(Program):
    """The expressions of a NumPy program, and the arrays in them.

    Parameters
    ----------
    rows : sequence of Row
    expressions_of : callable
        See `Program`. Each is one of `x`; those of stages that join others are of `given`.
    helpers : dict
        The functions that a program may call, by name.
    file : str, optional
        See `Program`.
    """

    def __init__(
        self, rows: Sequence[Row], expressions_of: Code, helpers: dict[str, str], file: str | None = None
    ) -> None:
        self.parameters: list[str] = []
        self.counts: dict[str, int] = {}
        self.random = False
        super().__init__(rows, expressions_of, file)
        self._known = helpers

    def layer(self, kind: str) -> str:
        """What a stage is called: its kind and how many of them there are; in a graph what a node is called."""
        if not self.is_chain:
            return self.name
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return f"{kind}{self.counts[kind]}"

    def parameter(self, name: str, shape: Shape, values: list[Any] | float | None, repeat: int = 1) -> str:
        """Add an array to the parameters: values, one value all over, or random ones if none are known."""
        if self.is_loaded and self.file is not None:
            self.parameters.append(f"    # {string(name)} is in the file: {shape}")
            return f"p[{string(name)}]"
        code = f"rng.normal(scale=0.1, size={shape})"
        if values is None:
            self.random = True
        elif isinstance(values, float):
            code = f"np.full({shape}, {show_number(values)})"
        else:
            code = f"np.array({literal(values, ' ' * 8) if len(shape) > 1 else inline(values)})"
        if repeat > 1:
            code = f"np.tile({code}, ({repeat}, 1, 1, 1))"
        self.parameters.append(f"    {string(name)}: {code},  # {shape}")
        return f"p[{string(name)}]"

    def program(self) -> str:
        """The whole program."""
        shape = channels_first(self.rows[0].input)
        kind = "maps (C, H, W)" if len(shape) == 3 else "a vector"
        random = "rng = np.random.default_rng(0)\n" if self.random else ""
        trained = "" if self.is_random else ": put the trained ones here"
        about = f"  # random{trained}" if self.random else ""
        parameters = "\n".join(self.parameters)
        loading = self.loading("parameters |= {}".format)
        first = ["    x0 = x"] if -1 in self.kept else []
        body = "\n".join([*first, *(f"    {line}" for part in self.parts for line in self._steps(part))])
        helpers = "\n".join(called(self._known, body))
        scale = scale_of(body)
        imports = "".join(f"{line}\n" for line in self.imports)
        return f'''{self.warning}"""{described(self.rows, is_chain=self.is_chain)}"""

import numpy as np
{imports}{scale and chr(10)}{scale}
{helpers}

{random}parameters = {{{about}
{parameters}
}}
{loading}

def network(x, p=parameters):
    """Return the result for {kind} of shape {shape}."""
{body}
    return x


if __name__ == "__main__":
{self.told}    print(network(np.random.default_rng(1).random({shape})))
'''

    def _steps(self, part: Part) -> list[str]:
        """The lines of a stage."""
        (first, *_), is_join = part.given, isinstance(part.row.stage, Join)
        begin = [] if first == "x" or is_join else [f"x = {first}"]
        lines = [f"x = {layer}" for layer in part.layers[:-1]]
        comment = f"# {part.row.stage.name}: {channels_first(part.row.output)}"
        return [*begin, *lines, f"{self.result(part)} = {part.layers[-1]}  {comment}"]


def channels_first(shape: Shape) -> Shape:
    """A size as the program's arrays have it."""
    return (shape[2], *shape[:2]) if len(shape) == 3 else shape
