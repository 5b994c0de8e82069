"""What a network is given: which of a graph's inputs is the picture, and how its axes lie."""

from __future__ import annotations

from cnnfilter.errors import KernelError
from cnnfilter.messages import quoted
from cnnfilter.models.onnx.reading import Graph, Input
from cnnfilter.models.onnx.tensors import BOOL, NAMES, TYPES
from cnnfilter.models.onnx.values import ONE, Atom, Result, Size, size_of, unknown_size
from cnnfilter.network.graph import INPUT

READ = {NAMES[code] for code in TYPES if code != BOOL} | {"untold"}
"""What pictures come in."""

ALIKE = ("Add", "Cast", "Clip", "Div", "Identity", "Mul", "Sub")
"""What is done to each number of a picture before its axes are put in the order that a network takes."""

WORDS = ("int32", "int64")
"""What numbers stand for the words of a text, or the rows of a table, where there are at most two axes of them."""


def picture(graph: Graph) -> Input:
    """The input that is the picture: the first of four axes, else the first.

    Raises
    ------
    KernelError
        If there is none.
    """
    if not graph.inputs:
        msg = "it takes no input"
        raise KernelError(msg)
    chosen = next((each for each in graph.inputs if each.axes is not None and len(each.axes) == 4), graph.inputs[0])
    what = None
    rank = 4 if chosen.axes is None else len(chosen.axes)
    if chosen.kind not in READ or (chosen.kind in WORDS and rank < 3):
        told = "x".join(str(each or "?") for each in chosen.axes or ())
        told = f"{chosen.kind}{f' of {told}' if told else ''}"
        what = f"{told}, as networks for texts and tables do" if chosen.kind in (*WORDS, "text", "bool") else told
    elif not 1 <= rank <= 4:
        what = f"{rank} axes, where pictures have 2 to 4"
    if what is not None:
        msg = f"it is no network for pictures: its input {quoted(chosen.name)} takes {what}"
        raise KernelError(msg)
    return chosen


def value_of(given: Input, graph: Graph) -> Result:
    """The picture as the first value: (N, C, H, W) or (N, H, W, C), (C, H, W), (N, n), or (n,).

    A batch of any size is one of 1: one picture is run at a time.
    """
    axes = given.axes if given.axes is not None else ("", "", "", "")
    names = {4: "NCHW", 3: "CHW", 2: "NF", 1: "F"}[len(axes)]
    if len(axes) >= 3 and _is_last(given.name, axes, graph):
        names = names.replace("CHW", "HWC")
    atoms = [Atom(name, _size(name, length)) for name, length in zip(names, axes, strict=True)]
    if "C" in names:
        place = names.index("C")
        if atoms[place].size.known is None:
            atoms[place] = Atom("C", size_of(_channels(given, graph)))
    return Result(INPUT, tuple((atom,) for atom in atoms), is_whole="int" in given.kind)


def _size(name: str, length: int | str) -> Size:
    if isinstance(length, int):
        return size_of(length)
    return ONE if name == "N" else unknown_size(f"{name}0")


def _is_last(name: str, axes: tuple[int | str, ...], graph: Graph) -> bool:
    """Whether the channels are the last axis, as TensorFlow has them, and ONNX's operators do not.

    Then the axes are turned before anything else is done; a single channel may be moved by a Reshape.
    """
    names = {name}
    for operation in graph.operations:
        if not names.intersection(operation.inputs[:2]):
            continue
        if operation.type in ALIKE:
            names.update(operation.outputs)
        elif operation.type == "Transpose":
            return operation.attributes.get("perm") in ((0, 3, 1, 2), (2, 0, 1))
        else:
            return operation.type == "Reshape" and axes[-1] == 1 and axes[-3] != 1
    return False


def _channels(given: Input, graph: Graph) -> int:
    """How many channels the picture has where the file does not say it: as many as the first convolution takes."""
    for operation in graph.operations:
        if operation.type == "Conv" and len(operation.inputs) > 1 and operation.inputs[1] in graph.tensors:
            weight = graph.tensors[operation.inputs[1]]
            groups = operation.attributes.get("group", 1)
            if len(weight.shape) == 4 and isinstance(groups, int) and weight.shape[1] * groups > 0:
                return weight.shape[1] * groups
    msg = f"it does not say how many channels its input {quoted(given.name)} has"
    raise KernelError(msg)


def size_told(value: Result) -> tuple[int | None, ...]:
    """The size of the input as stages have it, None for a length that may be any."""
    return tuple(value.length(name).known for name in ("HWC" if "C" in value.atoms else "F"))
