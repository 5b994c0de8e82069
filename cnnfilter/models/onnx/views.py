"""Operators that move axes about: nothing is computed, the axes of a result are told anew."""

from __future__ import annotations

from collections.abc import Sequence

from cnnfilter.messages import quoted
from cnnfilter.models.onnx.building import Builder, flat_order
from cnnfilter.models.onnx.folding import numbers_of, sizes, small, whole_numbers
from cnnfilter.models.onnx.lifting import lifted
from cnnfilter.models.onnx.reading import Operation
from cnnfilter.models.onnx.tensors import MAX_AXES, Tensor
from cnnfilter.models.onnx.values import (
    ONE,
    Atom,
    Axis,
    Result,
    Size,
    UnsupportedError,
    Value,
    product,
    size_of,
    unknown_size,
)
from cnnfilter.network import stages


def reshape(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """Axes joined and split: maps flattened, channels in groups, axes of one place put in and left out."""
    (value, shape) = result(given[0]), known(given[1], "shape")
    _check_rank(small(shape).size)
    keeps_zero = bool(operation.attributes.get("allowzero", 0))
    return settled(_reshaped(value, _target(value, numbers_of(shape), keeps_zero=keeps_zero)), builder)


def flatten(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """Two axes: those before `axis`, and the rest."""
    value = result(given[0])
    axis = operation.attributes.get("axis", 1)
    axis = axis if axis == len(value.axes) else value.axis(axis)
    pair = tuple(sum(axes, ()) for axes in (value.axes[:axis], value.axes[axis:]))
    return settled(value._replace(axes=pair), builder)


def transpose(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """The axes in another order."""
    value = result(given[0])
    order = operation.attributes.get("perm", tuple(reversed(range(len(value.axes)))))
    if sorted(order) != list(range(len(value.axes))):
        msg = f"has no order of {len(value.axes)} axes: {quoted(order)}"
        raise UnsupportedError(msg)
    return value._replace(axes=tuple(value.axes[place] for place in order))


def squeeze(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """Axes of one place left out."""
    value = result(given[0])
    axes = axes_of(operation, given)
    chosen = (
        {number for number, size in enumerate(value.shape) if size == ONE}
        if axes is None
        else {value.axis(axis) for axis in axes}
    )
    for number in chosen:
        if value.shape[number] != ONE:
            msg = f"leaves out axis {number}, which has more than one place"
            raise UnsupportedError(msg)
    kept = tuple(axis for number, axis in enumerate(value.axes) if number not in chosen)
    return settled(value._replace(axes=kept), builder)


def unsqueeze(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """Axes of one place put in."""
    value = result(given[0])
    axes = axes_of(operation, given) or ()
    rank = len(value.axes) + len(axes)
    _check_rank(rank)
    places = {axis % rank for axis in axes if -rank <= axis < rank}
    if len(places) < len(axes):
        msg = f"puts in axes {quoted(axes)}, of which one cannot be or is told twice"
        raise UnsupportedError(msg)
    rest = iter(value.axes)
    return settled(value._replace(axes=tuple(() if place in places else next(rest) for place in range(rank))), builder)


def shape(operation: Operation, given: Sequence[Value | None], builder: Builder) -> Value:
    """The lengths of the axes, from `start` to `end`."""
    value = given[0]
    lengths = value.shape if isinstance(value, Result) else [size_of(n) for n in known(value, "data").shape]
    attributes = operation.attributes
    return sizes(lengths[attributes.get("start", 0) : attributes.get("end", len(lengths))])


def axes_of(operation: Operation, given: Sequence[Value | None]) -> tuple[int, ...] | None:
    """The axes that an operation is about: an attribute, or since opset 13 or 18 its second input."""
    if len(given) > 1 and given[1] is not None:
        return whole_numbers(known(given[1], "axes"))
    axes: tuple[int, ...] | None = operation.attributes.get("axes")
    return axes


def result(value: Value | None) -> Result:
    """An input that comes from the picture.

    Raises
    ------
    UnsupportedError
        If it does not.
    """
    if not isinstance(value, Result):
        msg = "has no input that comes from the picture where it needs one"
        raise UnsupportedError(msg)
    return value


def known(value: Value | None, called: str) -> Tensor:
    """An input that does not depend on the picture.

    Raises
    ------
    UnsupportedError
        If it does, or is left out.
    """
    if not isinstance(value, Tensor):
        msg = f"has no {called}" if value is None else f"computes its {called} from the picture"
        raise UnsupportedError(msg)
    return value


def _check_rank(rank: int) -> None:
    if rank > MAX_AXES:
        msg = f"is to give {rank} axes; up to {MAX_AXES} are possible"
        raise UnsupportedError(msg)


def _target(value: Result, numbers: Sequence[object], *, keeps_zero: bool) -> list[Size]:
    """The lengths that Reshape is to give, of which 0 is that of the input and -1 what is left."""
    lengths: list[Size | None] = []
    for place, number in enumerate(numbers):
        if number == 0 and not keeps_zero:
            if place >= len(value.axes):
                msg = f"has 0 for axis {place}, which its input does not have"
                raise UnsupportedError(msg)
            lengths.append(value.shape[place])
        else:
            lengths.append(None if number == -1 else size_of(number))
    if lengths.count(None) > 1:
        msg = "has -1 twice in its shape"
        raise UnsupportedError(msg)
    rest = product(value.shape).over(product(length for length in lengths if length is not None))
    if rest is None and lengths[:1] == [None] and len(lengths) == 2:  # the batch, where the size is not known
        return [value.shape[0], product(value.shape[1:])]
    return [(rest or unknown_size()) if length is None else length for length in lengths]


def _reshaped(value: Result, target: Sequence[Size]) -> Result:
    """A result with its atoms dealt out to axes of other lengths."""
    atoms = [atom for axis in value.axes for atom in axis if atom.counts]
    axes: list[Axis] = []
    for length in target:
        taken: list[Atom] = []
        while product(atom.size for atom in taken) != length:
            missing = length.over(product(atom.size for atom in taken))
            if not atoms or missing is None:
                msg = f"has a shape that does not go with {value.show()}"
                raise UnsupportedError(msg)
            atom = atoms.pop(0)
            rest = atom.size.over(missing)
            if rest is not None and rest != ONE and missing.over(atom.size) is None:
                taken.append(Atom(f"{atom.name}/o", missing))
                atoms.insert(0, Atom(f"{atom.name}/i", rest))
            else:
                taken.append(atom)
        axes.append(tuple(taken))
    if atoms:
        msg = f"has a shape that leaves out places of {value.show()}"
        raise UnsupportedError(msg)
    return value._replace(axes=tuple(_whole(axis) for axis in axes))


def _whole(axis: Axis) -> Axis:
    """An axis with the parts of an atom that follow each other in their order made one again."""
    joined: list[Atom] = []
    for atom in axis:
        name, part = atom.name[:-2], atom.name[-2:]
        if part == "/i" and joined and joined[-1].name == f"{name}/o":
            joined[-1] = Atom(name, joined[-1].size.times(atom.size))
        else:
            joined.append(atom)
    return tuple(joined)


def settled(value: Result, builder: Builder) -> Result:
    """A result whose axes are told anew, with the stage made that this comes to: channels shuffled, maps flattened."""
    names = value.names
    for place, axis in enumerate(names):
        if axis == ["C/i", "C/o"]:
            groups = value.length("C/o").known
            size = product(atom.size for atom in value.axes[place])
            whole = value._replace(axes=(*value.axes[:place], (Atom("C", size),), *value.axes[place + 1 :]))
            if groups is not None:
                return builder.made(stages.Shuffle(groups), builder.maps(whole, batched=False))
    if len(value.axes) in (3, 4) and names[-3:] == [["F"], [], []] and value.order == "chw":
        return lifted(value, builder)
    if len(value.axes) <= 2 and not value.is_vector and flat_order(value) is not None:
        return builder.vector(value)
    return value
