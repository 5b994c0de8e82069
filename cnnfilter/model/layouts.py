"""How the axes of a bank of filters lie in an array: told by a person, or by the shape alone where it can be."""

from __future__ import annotations

from cnnfilter.errors import KernelError
from cnnfilter.model.arrays import show_shape

Order = tuple[int | None, ...]
"""Where O, I, H and W are among an array's axes; None is an axis of length 1 that it lacks."""

LAYOUTS: dict[str, Order] = {"oihw": (0, 1, 2, 3), "hwio": (3, 2, 0, 1)}
"""How the four axes of a bank may lie, and where O, I, H and W are then found."""

FLAT: dict[str, Order] = {"oihw": (0, None, 1, 2), "hwio": (None, 2, 0, 1)}
"""`LAYOUTS` of 3-D arrays: n filters of one channel, and one filter of several."""

MAX_WINDOW = 15
"""The longest side of a window for which a shape is read without being told its layout. The largest of the well-known
networks' are 11x11 and 1x7; longer sides are far more often numbers of channels."""

LINES = (5, 7)
"""How long the windows one pixel wide are that a square one may be mistaken for. There are 1x3 as well, but 1 and 3
are far more often numbers of colours: one filter over three, or one for each."""


def arrangement(shape: tuple[int, ...], layout: str | None) -> tuple[Order, tuple[int, ...]]:
    """Return where the axes of a bank are in an array, and how long they are.

    Parameters
    ----------
    shape : tuple of int
        Of two to four axes.
    layout : {"oihw", "hwio"}, optional
        As a person tells it, in any case.

    Returns
    -------
    order, lengths : tuple of int or None, tuple of int
        For O, I, H and W.

    Raises
    ------
    KernelError
        If there is no layout and the shape may be read in both, or one that means nothing.

    Examples
    --------
    >>> arrangement((3, 3, 1, 32), None)
    ((3, 2, 0, 1), (32, 1, 3, 3))
    """
    if len(shape) == 2:
        if layout is not None:
            msg = f"layout {layout} is of 3-D and 4-D arrays, and this one is {show_shape(shape)}"
            raise KernelError(msg)
        return (None, None, 0, 1), (1, 1, *shape)
    orders = FLAT if len(shape) == 3 else LAYOUTS
    readings = {
        name: (order, tuple(1 if axis is None else shape[axis] for axis in order)) for name, order in orders.items()
    }
    chosen = layout.lower() if layout is not None else _likely_layout(shape)
    if chosen is not None:
        return readings[chosen]
    told = " or ".join(
        f"{name} ({o} filter{'s' * (o != 1)} over {i} channel{'s' * (i != 1)}, {h}x{w})"
        for name, (_, (o, i, h, w)) in readings.items()
    )
    msg = f"shape {show_shape(shape)} may be {told}; say which with --layout oihw or --layout hwio"
    raise KernelError(msg)


def _likely_layout(shape: tuple[int, ...]) -> str | None:
    """Return the layout that a shape tells; None where either may be meant."""
    if len(shape) == 3:  # the Python interface takes these as (n, kh, kw)
        return "oihw" if shape[0] != shape[1] or shape == (1, 1, 1) else None
    for name, window, other in (("oihw", shape[2:], shape[:2]), ("hwio", shape[:2], shape[2:])):
        if window[0] == window[1] and 2 <= window[0] <= MAX_WINDOW and not _is_likely(other):
            return name
    return None


def _is_likely(window: tuple[int, ...]) -> bool:
    """Tell whether a kernel may well have this window, which may also be numbers of filters and channels."""
    shortest, longest = sorted(window)
    return (shortest == longest <= MAX_WINDOW) or (shortest == 1 and longest in LINES)
