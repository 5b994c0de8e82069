"""The arguments of stages: what a stage is made of, and what reads the value of each key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnfilter.errors import ArgumentError
from cnnfilter.messages import quoted
from cnnfilter.network import stages
from cnnfilter.network.stages.pointwise import IMAGENET
from cnnfilter.network.stages.text import unescape
from cnnfilter.sizes import BORDER_WORDS, LARGEST, PADDINGS, Pads, Pair, parse_border, parse_padding, parse_pair
from cnnfilter.text.numbers import parse_number
from cnnfilter.text.values import one_of
from cnnfilter.weights.parameters import MAX_SEED, Named, RandomParameters

if TYPE_CHECKING:
    from cnnfilter.addresses.address import Where

Read = Callable[[str], Any]
"""From the text of a value to the value."""


class Given(NamedTuple):
    """What a stage is made of.

    Parameters
    ----------
    values : dict
        By key.
    before : sequence of Stage
        Those whose results lead to it, back to the input or to where branches meet; the last is the one before.
    earlier : sequence of Stage
        All that are read already.
    base : Path or Address, optional
        The folder that paths are relative to.
    name : str, optional
        What the stage is called.
    names_files : bool
        Whether it may name files.
    """

    values: dict[str, Any]
    before: Sequence[stages.Stage]
    earlier: Sequence[stages.Stage]
    base: Where | None
    name: str | None
    names_files: bool = True

    def path(self, text: str) -> str:
        """The path of a file, or its address.

        Raises
        ------
        ArgumentError
            If none may be named.
        """
        if not self.names_files:
            raise other_file(text)
        from cnnfilter.addresses.address import name_in  # most stages name no file

        return name_in(self.base, text)

    def learned(self, stage: type[stages.Learned]) -> dict[str, Any]:
        """Where a stage's numbers are from, if that is said: drawn, or a state dict's of some name."""
        seed, file, name = (self.values.pop(key, None) for key in LEARNED_KEYS)
        if seed is not None and file is not None:
            msg = "takes one of random and weights"
            raise ArgumentError(msg)
        if name is not None and file is None:
            msg = "name is for weight files"
            raise ArgumentError(msg)
        if seed is not None:
            return {"learned": RandomParameters(seed, stage.initial)}
        if file is None:
            return {}
        from cnnfilter.weights.state import load_state  # brings NumPy, which sizes alone do not need

        return {"learned": Named(load_state(self.path(file)), name or self.name or "")}

    def file(self, path: str, layout: str | None = None) -> stages.WeightFile:
        """A file; an equal one of an earlier stage if there is one: it is read, and takes memory, once."""
        file = stages.WeightFile(self.path(path), self.values.pop("name", None), layout)
        return next((known for stage in self.earlier if (known := getattr(stage, "file", None)) == file), file)


class Reader(NamedTuple):
    """How one stage is read.

    Parameters
    ----------
    make : callable
        From what is given to the stage.
    keys : mapping
        What reads the value of each key.
    bare : str, optional
        The key that the first argument may stand without.
    needs : str
        What to say where that one is missing; empty if it may be.
    more : callable
        Gives further keys from the bare argument's text: a kernel's own parameters.
    """

    make: Callable[[Given], stages.Stage]
    keys: Mapping[str, Read] = MappingProxyType({})
    bare: str | None = None
    needs: str = ""
    more: Callable[[str], Mapping[str, Read]] = lambda text: {}


def other_file(text: str) -> ArgumentError:
    """The error of stages out of a file, that name another one: who passes a file on shall not open others by it."""
    return ArgumentError(f"stages in a file name no other file, and these name {quoted(text)}")


def yes_or_no(text: str) -> bool:
    """Read a switch."""
    words = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if text.lower() not in words:
        msg = f"{quoted(text)} must be yes or no"
        raise ArgumentError(msg)
    return words[text.lower()]


def number(text: str) -> float:
    """Read a number, or a fraction of two."""
    return float(parse_number(text))


def numbers(text: str) -> tuple[float, ...]:
    """Read one number, or one for each channel joined by `+`."""
    return tuple(number(part) for part in text.split("+"))


def divisor(text: str) -> float | str:
    """What normalize divides by, or the set of numbers that a word stands for."""
    return text.lower() if text.lower() in SETS else number(text)


SETS = {"imagenet": IMAGENET}
"""Mean and deviation by the name of what they were taken from."""


def scales(text: str) -> tuple[float, float]:
    """Read a scale for both axes, or `HEIGHTxWIDTH`."""
    parts = [number(part) for part in text.lower().split("x")]
    if len(parts) > 2:
        msg = f"scale takes one number or two (HEIGHTxWIDTH), not {quoted(text)}"
        raise ArgumentError(msg)
    return parts[0], parts[-1]


def shorter_or_both(text: str) -> int | Pair:
    """Read the length of the shorter side, or height and width."""
    height, width = parse_pair(text, "size")
    return (height, width) if "x" in text.lower() else height


def whole(text: str) -> int:
    """Read a whole number."""
    if not re.fullmatch(r"[0-9]{1,9}", text):
        msg = f"{quoted(text)} must be a whole number"
        raise ArgumentError(msg)
    return int(text)


def pair(name: str) -> Read:
    """What reads a window, stride or dilation: one number, or `HEIGHTxWIDTH`."""
    return lambda text: parse_pair(text, name)


@dataclass(frozen=True)
class Choice:
    """Reads one of some words."""

    name: str
    known: Sequence[str]

    def __call__(self, text: str) -> str:
        """The word.

        Raises
        ------
        ArgumentError
            If it is none of them; with the nearest.
        """
        return text.lower() if text.lower() in self.known else one_of(text, self.name, self.known)


def words_of(read: Read) -> Sequence[str]:
    """The words that a value may be, among others perhaps, by what reads it."""
    words: dict[Read, Sequence[str]] = {
        yes_or_no: ("yes", "no"),
        parse_padding: PADDINGS,
        parse_border: BORDER_WORDS,
        divisor: tuple(SETS),
    }
    return read.known if isinstance(read, Choice) else words.get(read, ())


def amounts(text: str) -> Pads:
    """Read how much is put around maps, or cut off, where it is below 0."""
    padding = parse_padding(text, lowest=-LARGEST)
    if isinstance(padding, str):
        msg = f"padding takes amounts, such as 1, 1x2 or 1+2x0+3; {padding} is for a window"
        raise ArgumentError(msg)
    return padding


def seed(text: str) -> int:
    """Read what random numbers are drawn by."""
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) > MAX_SEED:
        msg = f"random must be a whole number from 0 to {MAX_SEED}, not {quoted(text)}"
        raise ArgumentError(msg)
    return int(text)


LEARNED_KEYS: dict[str, Read] = {"random": seed, "weights": unescape, "name": unescape}
"""Where the numbers of a stage are from that its text gives the sizes of."""
