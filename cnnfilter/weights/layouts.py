"""How the axes of a bank of filters lie in an array: told by a person, or by the shape alone where it can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cnnfilter.errors import KernelError
from cnnfilter.kernels.matrix import MAX_SIDE
from cnnfilter.messages import either, show_shape

Order = tuple[int | None, ...]
"""Where O, I, H and W are among an array's axes; None is an axis of length 1 that it lacks."""

LAYOUTS: dict[str, Order] = {"oihw": (0, 1, 2, 3), "hwio": (3, 2, 0, 1)}
"""How the four axes of a bank may lie, and where O, I, H and W are then found."""

TRANSPOSED = {"iohw": "oihw", "hwoi": "hwio"}
"""How the axes of a transposed convolution may lie, and the layout of a convolution that has I for O and O for I."""

FLAT: dict[str, Order] = {"oihw": (0, None, 1, 2), "hwio": (None, 2, 0, 1)}
"""`LAYOUTS` of 3-D arrays: n filters of one channel, and one filter of several."""

NAMED = {"weight": "oihw", "kernel": "hwio"}
"""What a layer of PyTorch and one of Keras call a bank, and how each lays it: told where a shape may be either."""

MAX_WINDOW = 15
"""The longest side of a window for which a shape is read without being told its layout. The largest of the well-known
networks' are 11x11 and 1x7; longer sides are far more often numbers of channels."""

LINES = (5, 7)
"""How long the windows one pixel wide are that a square one may be mistaken for. There are 1x3 as well, but 1 and 3
are far more often numbers of colours: one filter over three, or one for each."""


class Reading(NamedTuple):
    """One way to read the axes of an array: its layout's name, where O, I, H and W are, and how long they are."""

    name: str
    order: Order
    lengths: tuple[int, int, int, int]


def readings(shape: tuple[int, ...], layout: str | None = None) -> list[Reading]:
    """The ways in which an array may be a bank: one, if its shape tells or a person does, else two.

    Parameters
    ----------
    shape : tuple of int
        Of two to four axes.
    layout : {"oihw", "hwio"}, optional
        As a person tells it, in any case.

    Raises
    ------
    KernelError
        If a layout is told of a matrix.
    """
    if len(shape) == 2:
        if layout is not None:
            msg = f"layout {layout} is of 3-D and 4-D arrays, and this one is {show_shape(shape)}"
            raise KernelError(msg)
        return [Reading("", (None, None, 0, 1), (1, 1, *shape))]
    orders = FLAT if len(shape) == 3 else LAYOUTS
    found = []
    for name, order in orders.items():
        o, i, h, w = (1 if axis is None else shape[axis] for axis in order)
        found.append(Reading(name, order, (o, i, h, w)))
    found = [each for each in found if layout is None or each.name == layout.lower()]
    found = [each for each in found if max(each.lengths[2:]) <= MAX_SIDE] or found
    likely = _likely_layout(shape)
    return [each for each in found if each.name == likely] or found


def settled(
    shape: tuple[int, ...],
    layout: str | None = None,
    fits: Callable[[Reading], bool] = lambda reading: True,
    word: str = "",
) -> Reading:
    """How to read an array: as a person tells it, as its shape does, or as the only way that fits.

    Parameters
    ----------
    shape, layout
        As for `readings`.
    fits : callable
        Whether what goes with the array, its biases or the channels that arrive, fits a reading.
    word : str
        What the array is called in its layer: where that leaves both, PyTorch's `weight` and Keras' `kernel` tell.

    Raises
    ------
    KernelError
        If that leaves both.

    Examples
    --------
    >>> settled((3, 3, 1, 32)).lengths
    (32, 1, 3, 3)
    >>> settled((5, 8, 5, 3), fits=lambda reading: reading.lengths[1] == 8).name
    'oihw'
    """
    found = readings(shape, layout)
    fitting = found if len(found) == 1 else list(filter(fits, found))
    if len(fitting) > 1 and word in NAMED and len(shape) == 4:
        fitting = [each for each in fitting if each.name == NAMED[word]]
    if len(fitting) == 1:
        return fitting[0]
    told = " or ".join(
        f"{name} ({o} filter{'s' * (o != 1)} over {i} channel{'s' * (i != 1)}, {h}x{w})"
        for name, _, (o, i, h, w) in found
    )
    which = either("--layout oihw or --layout hwio", "layout=oihw or layout=hwio")
    msg = f"shape {show_shape(shape)} may be {told}; say which with {which}"
    raise KernelError(msg)


def _likely_layout(shape: tuple[int, ...]) -> str | None:
    """The layout that a shape tells; None where either may be meant."""
    if len(shape) == 3:  # the Python interface takes these as (n, kh, kw)
        return "oihw" if shape[0] != shape[1] or shape == (1, 1, 1) else None
    for name, window, other in (("oihw", shape[2:], shape[:2]), ("hwio", shape[:2], shape[2:])):
        if window[0] == window[1] and 2 <= window[0] <= MAX_WINDOW and not _is_likely(other):
            return name
    return None


def _is_likely(window: tuple[int, ...]) -> bool:
    """Whether a kernel may well have this window, which may also be numbers of filters and channels."""
    shortest, longest = sorted(window)
    return (shortest == longest <= MAX_WINDOW) or (shortest == 1 and longest in LINES)
