"""What to do where a network or its learned numbers do not fit the picture that arrives."""

from __future__ import annotations

from cnnfilter.errors import KernelError, ShapeError
from cnnfilter.messages import readable, show_shape
from cnnfilter.network.graph import Group, Node
from cnnfilter.network.stages import Shape
from cnnfilter.network.stages.base import Learned

RECOLOURING = {(1, 3): "rgb", (3, 1): "gray"}
"""The stage that makes of so many channels so many."""


def misfit(group: Group | None, shape: Shape) -> str:
    """What to do where something of a network does not fit, if another size arrives than it is made for; else ""."""
    size = None if group is None else group.size
    if group is None or size is None or {*size} == {None}:
        return ""
    fits = [side in (None, n) for side, n in zip(size, shape, strict=False)]
    if len(size) == len(shape) and all(fits):
        return ""
    before = []
    if len(size) == len(shape) == 3:
        before += [] if fits[2] else [RECOLOURING.get((shape[2], size[2] or 0))]
        before += [] if all(fits[:2]) or None in size[:2] else [f"resize:{size[0]}x{size[1]}"]
    put = "" if None in before or not before else f": put {','.join(filter(None, before))} before it"
    made = "x".join(letter if side is None else str(side) for letter, side in zip("HWC", size, strict=False))
    return f"; {readable(group.text)} is made for {made}, and {show_shape(shape)} arrives{put}"


def check_learned(node: Node, shape: Shape) -> None:
    """Raise as `Learned.check_learned` does; the message tells what makes a picture fit that is grey, or in colour.

    Of the nodes of a network that is made for a size, `misfit` tells it.
    """
    stage, is_told = node.stage, node.group is not None and node.group.size is not None
    if not isinstance(stage, Learned):
        return
    try:
        stage.check_learned(shape)
    except KernelError as error:
        for (given, wanted), name in RECOLOURING.items():
            if shape[2:] == (given,) and not is_told and _fits(stage, (*shape[:2], wanted)):
                msg = f"{error}; put {name} before it"
                raise KernelError(msg) from None
        raise


def _fits(stage: Learned, shape: Shape) -> bool:
    """Whether its numbers fit such an input."""
    try:
        stage.check_learned(shape)
    except (KernelError, ShapeError):
        return False
    return True
