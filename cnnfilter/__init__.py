"""Convolve real pictures with named or learned kernels, and see the arithmetic of a CNN.

Importing this loads nothing else: each name brings its module at its first use. The names stand in `__init__.pyi`.
"""

from __future__ import annotations

import importlib
from typing import Any


def _modules() -> dict[str, str]:
    """Where each public name is from, but for the activations."""
    import re
    from pathlib import Path

    stub = Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    return {name: module for module, name in re.findall(r"from (\S+) import (\w+) as", stub)}


def _activations() -> dict[str, str]:
    from cnnfilter.network.activations import ACTIVATIONS

    return dict.fromkeys(ACTIVATIONS, "cnnfilter.engine.activations")


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return sorted({*_modules(), *_activations()})
    if name == "__version__":
        value: Any = importlib.import_module("importlib.metadata").version("cnnfilter")
    else:
        # a name that Python itself looks for needs none of them
        module = None if name.startswith("_") else _modules().get(name) or _activations().get(name)
        if module is None:
            msg = f"module 'cnnfilter' has no attribute {name!r}"
            raise AttributeError(msg)
        value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_modules(), *_activations(), "__version__"})
