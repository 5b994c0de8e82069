"""Which arrays of a file belong to one layer, by their names, and which of them is its bias.

Frameworks and people write `conv1.weight` and `conv1.bias`, `conv1/kernel:0` and `conv1/bias:0`, `conv1_W` and
`conv1_b`, `W1` and `b1`, or number what `get_weights` gives: `arr_0` and `arr_1`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cnnfilter.errors import KernelError
from cnnfilter.messages import quoted, show_shape
from cnnfilter.weights.files import Member

_ROLE = re.compile(
    r"(?<![A-Za-z])(?:(?P<weight>(?:depthwise_|pointwise_)?kernels?|weights?|filters?|w)|(?P<bias>bias(?:es)?|b))"
    r"(?![A-Za-z])",
    re.IGNORECASE,
)
"""The words that tell what an array is to its layer; of several in a name the last counts."""
_OUTPUT = re.compile(r":\d{1,9}\Z", re.ASCII)
"""What TensorFlow puts behind a variable's name."""
_NUMBERED = re.compile(r"(.*?)(\d{1,9})", re.ASCII | re.DOTALL)
_SEPARATORS = ("", ".", "_", "/", "-")


class Name(NamedTuple):
    """What a name tells: the layer, the word for what the array is to it (empty if there is none), and all of it."""

    layer: str
    word: str
    is_bias: bool
    plain: str

    @property
    def bias(self) -> str:
        """What the bias beside weights of this name may be called."""
        if not self.word:
            return f"{self.plain}.bias"
        begin, _, end = self.plain.rpartition(self.word)
        return f"{begin}{'b' if self.word in 'wW' else 'bias'}{end}"


def read_name(name: str) -> Name:
    """Take an array's name apart.

    Examples
    --------
    >>> [read_name(each).layer for each in ("conv1/kernel:0", "b_conv1", "conv1_w_0", "W1", "bias", "arr_0")]
    ['conv1', 'conv1', 'conv1_0', '1', '', 'arr_0']
    """
    plain = _OUTPUT.sub("", name)
    *_, found = (None, *_ROLE.finditer(plain))
    if found is None:
        return Name(plain, "", False, plain)
    before, after = plain[: found.start()], plain[found.end() :]
    shorter = before.removesuffix(before[-1:] if before[-1:] in _SEPARATORS else "")
    after = after if shorter != before else after.removeprefix(after[:1] if after[:1] in _SEPARATORS else "")
    return Name(shorter + after, found[0], found["bias"] is not None, plain)


def is_vector(shape: Sequence[int]) -> bool:
    """Whether an array may be a bias: a number, or as many as its one axis that is longer than 1."""
    return sum(length > 1 for length in shape) <= 1


class Layers:
    """The arrays of one file, by their layers.

    Parameters
    ----------
    members : sequence of Member
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = {member.name: member for member in members}
        if len(self.members) < len(members):
            (twice, _), *_ = Counter(member.name for member in members).most_common(1)
            msg = f"it holds two arrays of the name {quoted(twice)}"
            raise KernelError(msg)
        self._names = {name: read_name(name) for name in self.members}
        self._biases: dict[str, list[Member]] = defaultdict(list)
        self._weights: dict[str, list[Member]] = defaultdict(list)
        for name, member in self.members.items():
            read = self._names[name]
            if read.is_bias:
                self._biases[read.layer].append(member)
            if not read.is_bias or not is_vector(member.shape):
                self._weights[read.layer].append(member)
        self._is_single = sum(len(member.shape) > 1 for member in members) == 1

    def named(self, asked: str) -> Member | None:
        """The array that a person names: by its whole name, or by its layer's if one alone is of it."""
        if asked in self.members:
            return self.members[asked]
        fitting = [each for each in self._weights[asked] if not self._names[each.name].is_bias]
        return fitting[0] if len(fitting) == 1 else None

    def weights(self) -> list[Member]:
        """All but those whose names and shapes are a bias's; if there are no others, these."""
        found = [each for each in self.members.values() if not self._is_bias(each)]
        return found or list(self.members.values())

    def _is_bias(self, member: Member) -> bool:
        return self._names[member.name].is_bias and is_vector(member.shape)

    def bias_of(self, weight: Member, fits: Callable[[Member], bool]) -> Member | None:
        """The bias of an array.

        Parameters
        ----------
        weight : Member
        fits : callable
            Whether an array may be one by its shape. One that is named as the bias need not.

        Raises
        ------
        KernelError
            If several arrays are named as its bias.
        """
        name = self._names[weight.name]

        def may_be(bias: Member) -> bool:
            # a lone letter names many things: beside `conv`, what is called `conv_b` may be another kernel
            is_told = bool(name.word) or len(self._names[bias.name].word) > 1
            return bias is not weight and (is_vector(bias.shape) or is_told)

        layers = dict.fromkeys([name.layer, name.plain, *([""] if self._is_single else [])])
        found = next(filter(None, (list(filter(may_be, self._biases[each])) for each in layers)), [])
        if len(found) > 1:
            listed = ", ".join(f"{quoted(each.name)} ({show_shape(each.shape)})" for each in found[:4])
            msg = f"each of {listed} may be the bias of {quoted(weight.name)} by its name; rename all but one"
            raise KernelError(msg)
        if found:  # Keras' separable convolutions have two kernels, and one bias for the second
            several = sum(each is not found[0] for each in self._weights[name.layer]) > 1
            return found[0] if not several or fits(found[0]) else None
        following = self._following(weight)
        return following if following is not None and fits(following) else None

    def _following(self, weight: Member) -> Member | None:
        """The vector behind an array in a numbered list, if it is the only one there.

        More, four or five, are those of a batch normalisation.
        """
        one, two = (self._numbered(weight, step) for step in (1, 2))
        return one if one is not None and len(one.shape) == 1 and (two is None or len(two.shape) > 1) else None

    def _numbered(self, member: Member, step: int) -> Member | None:
        found = _NUMBERED.fullmatch(member.name)
        if found is None or self._names[member.name].word:
            return None
        return self.members.get(f"{found[1]}{int(found[2]) + step:0{len(found[2])}}")

    def unused(self, weight: Member, fits: Callable[[Member], bool]) -> list[Member]:
        """The vectors that might be the bias of an array, and are not named as that of another one."""
        return [each for each in self.members.values() if len(each.shape) == 1 and fits(each) and self._is_free(each)]

    def _is_free(self, vector: Member) -> bool:
        name, before = self._names[vector.name], self._numbered(vector, -1)
        owners = self._weights[name.layer] if name.is_bias else []
        return not owners and (before is None or len(before.shape) < 2 or self._following(before) is not vector)
