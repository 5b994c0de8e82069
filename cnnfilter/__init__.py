"""Convolve real pictures with named or learned kernels, and see the arithmetic of a CNN.

Importing this loads nothing else: each name brings its module at its first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnfilter.engine.activations import elu as elu
    from cnnfilter.engine.activations import leaky_relu as leaky_relu
    from cnnfilter.engine.activations import rbf as rbf
    from cnnfilter.engine.activations import relu as relu
    from cnnfilter.engine.activations import selu as selu
    from cnnfilter.engine.activations import sigmoid as sigmoid
    from cnnfilter.engine.activations import softmax as softmax
    from cnnfilter.engine.activations import softplus as softplus
    from cnnfilter.engine.activations import swish as swish
    from cnnfilter.engine.activations import tanh as tanh
    from cnnfilter.engine.ops import avg_pool2d as avg_pool2d
    from cnnfilter.engine.ops import conv2d as conv2d
    from cnnfilter.engine.ops import linear as linear
    from cnnfilter.engine.ops import max_pool2d as max_pool2d
    from cnnfilter.engine.ops import sum_pool2d as sum_pool2d
    from cnnfilter.filtering.filter import apply as apply
    from cnnfilter.model.kernels import get_kernel as get_kernel
    from cnnfilter.model.shapes import output_size as output_size
    from cnnfilter.pipeline import Pipeline as Pipeline

_HOMES = {
    "cnnfilter.engine.activations": ("elu leaky_relu rbf relu selu sigmoid softmax softplus swish tanh"),
    "cnnfilter.engine.ops": "avg_pool2d conv2d linear max_pool2d sum_pool2d",
    "cnnfilter.filtering.filter": "apply",
    "cnnfilter.model.kernels": "get_kernel",
    "cnnfilter.model.shapes": "output_size",
    "cnnfilter.pipeline": "Pipeline",
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        msg = f"module 'cnnfilter' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
