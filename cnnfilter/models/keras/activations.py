"""The activations of Keras as stages, by the names that it has for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnfilter.errors import KernelError
from cnnfilter.messages import nearest, quoted
from cnnfilter.models.keras.config import Settings, settings_of
from cnnfilter.network.stages import Activation, Softmax, Stage

NAMES: dict[str, tuple[Stage, ...]] = {
    "linear": (),
    "elu": (Activation("elu"),),
    "gelu": (Activation("gelu"),),
    "hard_sigmoid": (Activation("hardsigmoid"),),
    "hard_silu": (Activation("hardswish"),),
    "hard_swish": (Activation("hardswish"),),
    "leaky_relu": (Activation("leaky_relu", (0.2,)),),
    "relu": (Activation("relu"),),
    "relu6": (Activation("relu6"),),
    "selu": (Activation("selu"),),
    "sigmoid": (Activation("sigmoid"),),
    "silu": (Activation("swish"),),
    "softmax": (Softmax(),),
    "softplus": (Activation("softplus"),),
    "swish": (Activation("swish"),),
    "tanh": (Activation("tanh"),),
}
"""What is given to `activation=`, with Keras's defaults."""

KERAS_2 = {"hard_sigmoid": (Activation("hardsigmoid", (0.2, 0.5)),)}
"""What Keras had another formula for before its third version."""


def named(settings: Settings, key: str, version: int) -> tuple[Stage, ...]:
    """The stages of the activation that a layer names; none where it names none.

    Parameters
    ----------
    settings : Settings
    key : str
        Under which the layer names it.
    version : int
        Of Keras: 2 or 3.

    Raises
    ------
    KernelError
        If it is not known, or somebody's own.
    """
    told = settings.config.get(key)
    if told is None:
        return ()
    if isinstance(told, dict) and told.get("class_name") != "function":
        inner = settings_of({**told, "name": settings.name, "config": _config(told)})
        if inner.problem:
            msg = f"its activation: {inner.problem}"
            raise settings.refuse(msg)
        return layer(inner, version)
    name = _function(told) if isinstance(told, dict) else told
    known = NAMES | (KERAS_2 if version < 3 else {})
    if name not in known:
        msg = f"its activation {quoted(name)} is not known{nearest(str(name), known)}"
        raise settings.refuse(msg)
    return known[name]


def _config(told: dict[str, Any]) -> dict[str, Any]:
    config = told.get("config")
    return config if isinstance(config, dict) else {}


def _function(told: dict[str, Any]) -> object:
    """The name of a function that Keras 3 tells of at length, if it is Keras's own."""
    name, registered = told.get("config"), told.get("registered_name")
    return name if registered in (None, name, "function") else registered


def relu(settings: Settings) -> tuple[Stage, ...]:
    """The layer ReLU."""
    settings.must_be("threshold", None, 0, 0.0)
    slope = settings.number("negative_slope", 0.0) if settings.config.get("negative_slope") is not None else 0.0
    most = settings.number("max_value", 0.0) if settings.config.get("max_value") is not None else None
    if slope:
        above = () if most is None else (Activation("clip", (None, most)),)
        return Activation("leaky_relu", (slope,)), *above
    if most is None:
        return (Activation("relu"),)
    return (Activation("relu6") if most == 6 else Activation("clip", (0.0, most)),)


def _softmax(settings: Settings) -> tuple[Stage, ...]:
    settings.must_be("axis", -1, [-1], 3, [3])
    return (Softmax(),)


def _leaky_relu(settings: Settings) -> tuple[Stage, ...]:
    key = "negative_slope" if "negative_slope" in settings.config else "alpha"  # Keras 3, and before
    return (Activation("leaky_relu", (settings.number(key, 0.3),)),)


LAYERS: dict[str, Callable[[Settings], tuple[Stage, ...]]] = {
    "ReLU": relu,
    "LeakyReLU": _leaky_relu,
    "ELU": lambda settings: (Activation("elu", (settings.number("alpha", 1.0),)),),
    "Softmax": _softmax,
    "Relu": relu,
    "Relu6": lambda settings: NAMES["relu6"],
    "Sigmoid": lambda settings: NAMES["sigmoid"],
    "Tanh": lambda settings: NAMES["tanh"],
}
"""The layers that are activations, and functions of `keras.ops` that are."""


def layer(settings: Settings, version: int) -> tuple[Stage, ...]:
    """The stages of a layer that is an activation.

    Raises
    ------
    KernelError
        If it is none, or not known.
    """
    if settings.kind == "Activation":
        return named(settings, "activation", version)
    if settings.kind not in LAYERS:
        msg = f"{settings}: as an activation, it is not known{nearest(settings.kind, LAYERS)}"
        raise KernelError(msg)
    return LAYERS[settings.kind](settings)
