"""What is known of an activation, and the table of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:

    class _NumPy:
        """Brings NumPy when something of it is first asked for: planning does without."""

        def __getattr__(self, name: str) -> Any:
            import numpy

            value = getattr(numpy, name)
            setattr(self, name, value)
            return value

    np = _NumPy()

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

Value = float | str | None
"""A parameter's: a number, a word, or that it is left out."""

Code = str | Callable[..., str]
"""An activation's in some language: a text with the parameters to put in, or what writes it from these."""


class Quadratic(NamedTuple):
    """The slopes of a function as `constant + linear * y + square * y * y` of its values."""

    constant: float
    linear: float
    square: float

    def __call__(self, x: Array, y: Array) -> Array:
        """The slopes."""
        slopes: Array = self.constant + (self.linear + self.square * y) * y
        return slopes


class Function(NamedTuple):
    """What is known of an activation.

    Parameters
    ----------
    compute : callable
        From a float32 array and the parameters to the values, float32. It gives no warnings, and no infinity for what
        float32 holds.
    parameters : mapping
        Names and defaults, those of `compute`. One that may be left out has None, one that is a word its word.
    formula : str
        Of `x` and the parameters.
    worked : callable
        From x and the parameters to the formula to put numbers into: `{x}` and `{slope}`, or `{(x)}` where a minus
        takes parentheses. Its entry says it only where it has branches; of the others the formula itself is written so.
    definition : callable
        From a float64 array and all parameters to the values, by the formula.
    derivative : callable
        From an array, the values there and all parameters to the slopes; where two meet, PyTorch's.
    torch, keras : Code
        Its layer.
    numpy : Code
        Its expression of `x`.
    script : str
        Its expression of `x` and the parameters in JavaScript, where a parameter that is left out is null.
    script_worked : str
        The expression in JavaScript of what `worked` gives. Its entry says it only where that has branches.
    script_slope : str
        What `derivative` gives, in JavaScript, as an expression of `x`, `y` and the parameters.
    numpy_helpers : mapping
        Functions that `numpy` calls, name and code.
    words : mapping
        What the parameters may be that are words.
    aliases : tuple of str
        Its other names as a stage.
    """

    compute: Callable[..., Array]
    parameters: Mapping[str, Value]
    formula: str
    worked: Callable[..., str]
    definition: Callable[..., Array]
    derivative: Callable[..., Array]
    torch: Code
    keras: Code
    numpy: Code
    script: str
    script_worked: str
    script_slope: str
    numpy_helpers: Mapping[str, str] = {}
    words: Mapping[str, tuple[str, ...]] = {}
    aliases: tuple[str, ...] = ()


ACTIVATIONS: dict[str, Function] = {}
"""The activations by name, in the order of the help."""


def entry(
    formula: str, worked: Callable[..., str] | None = None, script_worked: str = "", **known: Any
) -> Callable[[Decorated], Decorated]:
    """Make a function an activation, with what else is known of it: see `Function`.

    Its docstring says of the parameters only what is its own; `engine.activations` adds what holds for all.
    """
    plain = re.sub(r"\{\(?(\w+)\)?\}", r"\1", formula)
    worked = worked or (lambda x, **values: formula)
    known["script_worked"] = script_worked or f'"{formula}"'

    def register(compute: Decorated) -> Decorated:
        code = compute.__code__
        names, defaults = code.co_varnames[1 : code.co_argcount], compute.__defaults__ or ()
        parameters = dict(zip(names, defaults, strict=True))
        ACTIVATIONS[compute.__name__] = Function(compute, parameters, formula=plain, worked=worked, **known)
        return compute

    return register
