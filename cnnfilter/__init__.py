"""Convolve real pictures with named or learned kernels, and see the arithmetic of a CNN.

Importing this loads nothing else: each name brings its module at its first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the same names as below, which a test sees to
    from cnnfilter.batch.plan import ConflictError as ConflictError
    from cnnfilter.engine.activations import softmax as softmax
    from cnnfilter.engine.ops import avg_pool2d as avg_pool2d
    from cnnfilter.engine.ops import conv2d as conv2d
    from cnnfilter.engine.ops import linear as linear
    from cnnfilter.engine.ops import max_pool2d as max_pool2d
    from cnnfilter.engine.ops import sum_pool2d as sum_pool2d
    from cnnfilter.errors import ArgumentError as ArgumentError
    from cnnfilter.errors import CnnfilterError as CnnfilterError
    from cnnfilter.errors import CnnfilterWarning as CnnfilterWarning
    from cnnfilter.errors import DiskFullError as DiskFullError
    from cnnfilter.errors import ExistsError as ExistsError
    from cnnfilter.errors import GrammarError as GrammarError
    from cnnfilter.errors import KernelError as KernelError
    from cnnfilter.errors import MissingExtraError as MissingExtraError
    from cnnfilter.errors import OutputError as OutputError
    from cnnfilter.errors import PictureError as PictureError
    from cnnfilter.errors import RoomError as RoomError
    from cnnfilter.errors import ShapeError as ShapeError
    from cnnfilter.kernels.kernel import get_kernel as get_kernel
    from cnnfilter.network.activations import *  # noqa: F403
    from cnnfilter.picture import Picture as Picture
    from cnnfilter.picture import read as read
    from cnnfilter.picture import sheet as sheet
    from cnnfilter.pipeline import Pipeline as Pipeline
    from cnnfilter.running.filter import apply as apply
    from cnnfilter.sizes import output_size as output_size
    from cnnfilter.weights.bank import load_bank as load_bank

    __version__: str

_HOMES = {
    "cnnfilter.batch.plan": "ConflictError",
    "cnnfilter.engine.activations": "softmax",
    "cnnfilter.engine.ops": "avg_pool2d conv2d linear max_pool2d sum_pool2d",
    "cnnfilter.errors": (
        "ArgumentError CnnfilterError CnnfilterWarning DiskFullError ExistsError GrammarError KernelError "
        "MissingExtraError OutputError PictureError RoomError ShapeError"
    ),
    "cnnfilter.running.filter": "apply",
    "cnnfilter.kernels.kernel": "get_kernel",
    "cnnfilter.sizes": "output_size",
    "cnnfilter.weights.bank": "load_bank",
    "cnnfilter.picture": "Picture read sheet",
    "cnnfilter.pipeline": "Pipeline",
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names.split()}


def _modules() -> dict[str, str]:
    """Return where each public name is from, the activations by their table too."""
    from cnnfilter.network.activations import ACTIVATIONS

    return {**_MODULES, **dict.fromkeys(ACTIVATIONS, "cnnfilter.engine.activations")}


if not TYPE_CHECKING:  # type checkers would take it for any name

    def __getattr__(name: str) -> Any:
        if name == "__all__":
            return sorted(_modules())
        if name == "__version__":
            value: Any = importlib.import_module("importlib.metadata").version("cnnfilter")
        else:
            modules = _MODULES if name in _MODULES or name.startswith("_") else _modules()
            if name not in modules:
                msg = f"module 'cnnfilter' has no attribute {name!r}"
                raise AttributeError(msg)
            value = getattr(importlib.import_module(modules[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_modules(), "__version__"})
