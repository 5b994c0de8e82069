"""Operators that change the height and the width of maps: padding and resizing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial

from cnnfilter.messages import quoted
from cnnfilter.models.onnx.building import Builder
from cnnfilter.models.onnx.folding import numbers_of, whole_numbers
from cnnfilter.models.onnx.pointwise import scalar
from cnnfilter.models.onnx.reading import Operation
from cnnfilter.models.onnx.values import Result, Size, UnsupportedError, Value, size_of
from cnnfilter.models.onnx.views import known, result
from cnnfilter.network import stages
from cnnfilter.sizes import NONE, Border, Pair

Make = Callable[..., stages.Stage]

BORDERS = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}
MODES = {"nearest": "nearest", "linear": "bilinear", "bilinear": "bilinear"}


def pad(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """Rows and columns put around maps, or taken away."""
    attributes, value = operation.attributes, result(given[0])
    pads = attributes.get("pads", ()) if given[1] is None else whole_numbers(known(given[1], "pads"))
    rank = len(value.axes)
    axes = range(rank) if given[3] is None else [value.axis(axis) for axis in whole_numbers(known(given[3], "axes"))]
    if len(pads) != 2 * len(axes):
        msg = f"has {len(pads)} pads for {len(axes)} axes"
        raise UnsupportedError(msg)
    around = {axis: (pads[place], pads[place + len(axes)]) for place, axis in enumerate(axes)}
    grown = {axis: ends for axis, ends in around.items() if ends != (0, 0)}
    if not grown:
        return value
    value = builder.maps(value, batched=False)
    if min(grown) < rank - 2:
        msg = f"pads axis {min(grown)}; those of height and width are done"
        raise UnsupportedError(msg)
    filling = attributes.get("value", 0.0) if given[2] is None else scalar(known(given[2], "value"), "value")
    mode = attributes.get("mode", "constant")
    if mode not in ("constant", *BORDERS):
        msg = f"has the mode {quoted(mode)}"
        raise UnsupportedError(msg)
    border = Border("constant", float(filling)) if mode == "constant" else Border(BORDERS[mode])
    padding = around.get(rank - 2, (0, 0)), around.get(rank - 1, (0, 0))
    return value if padding == NONE else builder.made(stages.Pad(padding, border), value)


def cut(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """Rows and columns taken away at the ends of maps."""
    attributes, value = operation.attributes, result(given[0])
    begins, ends, axes, steps = (
        attributes.get(name) if each is None else whole_numbers(known(each, name))
        for name, each in zip(("starts", "ends", "axes", "steps"), given[1:], strict=True)
    )
    if begins is None or ends is None or any(step != 1 for step in steps or ()):
        msg = "takes every second place or the like; rows and columns at the ends are taken away"
        raise UnsupportedError(msg)
    places = [value.axis(axis) for axis in axes or range(len(begins))]
    if not len(places) == len(begins) == len(ends):
        msg = f"has {len(begins)} starts and {len(ends)} ends for {len(places)} axes"
        raise UnsupportedError(msg)
    shape = value.shape
    every = {axis: _taken(shape[axis], *pair) for axis, *pair in zip(places, begins, ends, strict=True)}
    taken = {axis: pads for axis, pads in every.items() if pads != (0, 0)}
    if not taken:
        return value
    value, rank = builder.maps(value, batched=False), len(value.axes)
    if min(taken) < rank - 2:
        msg = f"takes some of axis {min(taken)} of {value.show()}; rows and columns are taken away"
        raise UnsupportedError(msg)
    padding = taken.get(rank - 2, (0, 0)), taken.get(rank - 1, (0, 0))
    return builder.made(stages.Pad(padding), value)


def _taken(size: Size, begin: int, end: int) -> Pair:
    """How many places a slice leaves out at both ends, below 0; they may be counted from the end."""
    n = size.known
    if n is None:
        if begin < 0 or 0 <= end < MOST:
            msg = "takes places that depend on the size of the picture"
            raise UnsupportedError(msg)
        return -begin, min(end, 0) if end < MOST else 0
    first, last, _ = slice(begin, end).indices(n)
    return -first, max(last, first) - n


MOST = 10**9
"""What is longer than any axis: files have it for the end of one."""


def resize(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """Maps of another height and width, by the nearest samples or two neighbours along each axis."""
    attributes, value = operation.attributes, builder.maps(result(given[0]), batched=False)
    mode = attributes.get("mode", "nearest")
    unknown = [
        f"{key}={quoted(attributes[key])}"
        for key, usual in (("antialias", 0), ("exclude_outside", 0), ("keep_aspect_ratio_policy", "stretch"))
        if attributes.get(key, usual) != usual
    ]
    if mode not in MODES or unknown:
        msg = f"has {' and '.join([f'the mode {quoted(mode)}', *unknown])}; nearest and linear are done"
        raise UnsupportedError(msg)
    is_old = operation.type == "Upsample" or builder.graph.opset < 11  # with no region of interest
    usual = "asymmetric" if is_old else "half_pixel"
    coordinates = attributes.get("coordinate_transformation_mode", usual)
    if coordinates not in KNOWN:
        msg = f"has the coordinates {quoted(coordinates)}; done are {', '.join(KNOWN)}"
        raise UnsupportedError(msg)
    rounding = attributes.get("nearest_mode", "floor" if is_old else "round_prefer_floor")
    make = partial(
        stages.Upsample,
        mode=MODES[mode],
        coordinates=coordinates,
        rounding=rounding if mode == "nearest" else "floor",
    )
    axes = [value.axis(axis) for axis in attributes.get("axes", range(len(value.axes)))]
    scales, sizes = (given[1], None) if is_old else given[2:4]
    if sizes is not None:
        lengths = map(size_of, numbers_of(known(sizes, "sizes")))
        return _to_size(value, dict(zip(axes, lengths, strict=False)), make, builder)
    factors = attributes.get("scales", ()) if scales is None else numbers_of(known(scales, "scales"))
    return _by_scale(value, dict(zip(axes, map(float, factors), strict=False)), make, builder)


KNOWN = ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")


def _to_size(value: Result, lengths: dict[int, Size], make: Make, builder: Builder) -> Result:
    """The result of a size that is told, or is told in multiples of the input's, which is not known yet."""
    shape = value.shape
    rank = len(shape)
    if any(lengths.get(axis, shape[axis]) != shape[axis] for axis in range(rank - 2)):
        msg = "resizes more than height and width"
        raise UnsupportedError(msg)
    wanted = [lengths.get(axis, shape[axis]) for axis in (rank - 2, rank - 1)]
    if wanted == list(shape[-2:]):
        return value
    height, width = (each.known for each in wanted)
    if height is not None and width is not None:
        return builder.made(make(size=(height, width)), value)
    factors = {rank - 2 + place: _factor(each, shape[rank - 2 + place]) for place, each in enumerate(wanted)}
    return _by_scale(value, factors, make, builder)


def _factor(wanted: Size, size: Size) -> float:
    if wanted.names != size.names or not size.factor:
        msg = "is to give a size that depends on the picture's in a way that is not known"
        raise UnsupportedError(msg)
    return float(Fraction(wanted.factor, size.factor))


def _by_scale(value: Result, factors: dict[int, float], make: Make, builder: Builder) -> Result:
    rank = len(value.axes)
    if not factors or any(factors.get(axis, 1.0) != 1 for axis in range(rank - 2)):
        msg = "resizes more than height and width" if factors else "has neither scales nor sizes"
        raise UnsupportedError(msg)
    scale = factors.get(rank - 2, 1.0), factors.get(rank - 1, 1.0)
    return value if scale == (1, 1) else builder.made(make(scale=scale), value)
