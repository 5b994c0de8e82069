"""The configuration of a Keras file: text that says which layers there are, of which nothing is believed unchecked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from cnnfilter.errors import KernelError
from cnnfilter.messages import alternatives, quoted
from cnnfilter.sizes import LARGEST, Pair

MAX_TEXT = 16 << 20
"""The longest configuration; that of a network of 500 layers has some 300,000 characters."""

MAX_VALUES = 1_000_000
"""The most values in it, each of which takes Python up to 100 bytes, however short its text."""

MAX_NAME = 1000
"""Characters of the longest name of a layer, with those of the models around it, and of a class."""

FUNCTIONS = {
    "__operators__.add": "Add", "math.add": "Add", "math.multiply": "Multiply", "nn.relu": "Relu", "nn.relu6": "Relu6",
    "math.sigmoid": "Sigmoid", "math.tanh": "Tanh",
}  # fmt: skip
"""The functions that Keras 2 has as layers of one class, TFOpLambda, and what Keras 3 calls them."""

Config = dict[str, Any]


def read_config(text: str) -> Config:
    """The object that is written in JSON.

    Raises
    ------
    KernelError
        If it is not JSON, or too large or too deep.
    """
    if len(text) > MAX_TEXT or sum(map(text.count, ",[{")) > MAX_VALUES:
        msg = f"its configuration is too long for a network (at most {MAX_TEXT:,} characters and {MAX_VALUES:,} values)"
        raise KernelError(msg)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):  # RecursionError: lists in lists
        msg = "its configuration is no JSON, or damaged"
        raise KernelError(msg) from None
    if not isinstance(found, dict):
        msg = "its configuration is no object of JSON"
        raise KernelError(msg)
    return found


@dataclass(frozen=True)
class Settings:
    """What the configuration says of one layer.

    Parameters
    ----------
    kind : str
        The class of the layer.
    name : str
    config : dict
    problem : str
        Why it cannot be read, whatever its configuration: it is a program.
    """

    kind: str
    name: str
    config: Config
    problem: str = ""

    def __str__(self) -> str:
        return f"layer {quoted(self.name)} ({self.kind})"

    def refuse(self, problem: str) -> KernelError:
        """The error of a layer that is not read."""
        return KernelError(f"{self}: {problem}")

    def unlike(self, key: str, wanted: str) -> KernelError:
        """The error of a value that is not what it must be."""
        return self.refuse(f"{key} is {quoted(self.config.get(key))}, but it must be {wanted}")

    def flag(self, key: str, default: bool) -> bool:
        """A value that is true or false."""
        value = self.config.get(key, default)
        if not isinstance(value, bool):
            raise self.unlike(key=key, wanted="true or false")
        return value

    def number(self, key: str, default: float) -> float:
        """A finite number."""
        value = self.config.get(key, default)
        if not is_number(value):
            raise self.unlike(key=key, wanted="a finite number")
        return float(value)

    def numbers(self, key: str, default: float) -> tuple[float, ...]:
        """Finite numbers, one or some."""
        value = self.config.get(key, default)
        values = value if isinstance(value, list) and value else [value]
        if not all(map(is_number, values)):
            raise self.unlike(key=key, wanted="a finite number, or some")
        return tuple(map(float, values))

    def count(self, key: str, default: int | None = None) -> int:
        """A whole number from 1."""
        value = self.config.get(key, default)
        if not isinstance(value, int) or not _is_whole(value, 1):
            raise self.unlike(key=key, wanted=f"a whole number from 1 to {LARGEST}")
        return value

    def pair(self, key: str, default: Any = None, least: int = 1) -> Pair:
        """Two whole numbers, or one for both."""
        value = self.config.get(key, default)
        values = value if isinstance(value, list | tuple) else (value, value)
        if len(values) != 2 or not all(_is_whole(each, least) for each in values):
            raise self.unlike(key=key, wanted=f"two whole numbers from {least} to {LARGEST}")
        return values[0], values[1]

    def pads(self, key: str) -> tuple[Pair, Pair]:
        """Rows above and below, columns left and right."""
        value: Any = self.config.get(key)
        sides = value if isinstance(value, list) and len(value) == 2 else [value, value]
        pairs: list[list[int]] = [each if isinstance(each, list) and len(each) == 2 else [each, each] for each in sides]
        if not all(_is_whole(each, 0) for pair in pairs for each in pair):
            raise self.unlike(key=key, wanted=f"whole numbers from 0 to {LARGEST}")
        (above, below), (left, right) = pairs
        return (above, below), (left, right)

    def word(self, key: str, known: Sequence[str], default: str) -> str:
        """One of some words."""
        value = self.config.get(key, default)
        if value not in known:
            raise self.unlike(key=key, wanted=alternatives([quoted(each) for each in known]))
        return str(value)

    def must_be(self, key: str, *known: Any) -> None:
        """Refuse a value, where it is given, that is none of those that are read."""
        if key in self.config and self.config[key] not in known:
            raise self.unlike(key=key, wanted=f"{alternatives([quoted(each) for each in known])} to be read")


def settings_of(told: Any) -> Settings:
    """What the configuration says of one layer, by the object that describes it.

    Raises
    ------
    KernelError
        If it is none, or its class has a longer name than `MAX_NAME`.
    """
    if not isinstance(told, dict) or not isinstance(told.get("config"), dict | list):
        msg = "damaged: what should be a layer in its configuration is none"
        raise KernelError(msg)
    config = told["config"] if isinstance(told["config"], dict) else {"layers": told["config"]}  # as Keras 2.2 had it
    kind, name = (str(each) for each in (told.get("class_name", ""), told.get("name", config.get("name", ""))))
    if len(kind) > MAX_NAME:
        msg = f"the class of its layer {quoted(name)} has more than {MAX_NAME} letters"
        raise KernelError(msg)
    if kind == "TFOpLambda":
        kind = FUNCTIONS.get(str(config.get("function")), kind)
        return Settings(kind, name, config)
    return Settings(kind, name, config, _problem(kind, told.get("module"), told.get("registered_name")))


def _problem(kind: str, module: object, registered: object) -> str:
    if kind == "Lambda":
        return "it holds a program, which is not run; save the network with layers of Keras's own in its place"
    is_own = module is None or (isinstance(module, str) and module.split(".")[0] in ("keras", "tf_keras"))
    if is_own and registered in (None, kind):
        return ""
    return f"a layer of somebody's own, {quoted(registered or f'{module}.{kind}')}, which is a program, and is not run"


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e38


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= LARGEST
