"""The activations in the page's language, made of their table: a new activation takes no script of its own."""

from __future__ import annotations

import json

from cnnfilter.network.activations import ACTIVATIONS
from cnnfilter.network.activations.table import Function


def activations_script() -> str:
    """The script of `ACTIVATIONS`, an object with an entry for each; of it `stages/activations.js` makes stages.

    An entry has `parameters` (names and defaults, null of one that may be left out), `words` (what those may be that
    are words), `aliases`, `value` (from x and the parameters to the value), `slope` (from x, that value and the
    parameters to the slope there) and `worked` (from x and the parameters to the formula to put numbers into).

    Examples
    --------
    >>> '"tanh": {' in activations_script()
    True
    """
    entries = (f"  {json.dumps(name)}: {_entry(known)},\n" for name, known in ACTIVATIONS.items())
    return f"const ACTIVATIONS = {{\n{''.join(entries)}}};\n"


def _entry(known: Function) -> str:
    arguments = ", ".join(("x", *known.parameters))
    told = {"parameters": known.parameters, "words": known.words, "aliases": known.aliases}
    values = ", ".join(f"{key}: {json.dumps(value)}" for key, value in told.items())
    slope = f"({', '.join(('x', 'y', *known.parameters))}) => {known.script_slope}"
    worked = f"({arguments}) => {known.script_worked}"
    return f"{{ {values}, value: ({arguments}) => {known.script}, slope: {slope}, worked: {worked} }}"
