"""Pictures and the numbers of their classes as arrays: `.npz` files, as Keras's `mnist.npz` is one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cnnfilter.errors import ArgumentError, KernelError
from cnnfilter.learning.data.dataset import Dataset, Stacked, labelled
from cnnfilter.messages import listed, show_bytes, show_shape
from cnnfilter.weights.files import read_npz
from cnnfilter.weights.kinds import named_failures

if TYPE_CHECKING:
    from cnnfilter.weights.files import Member

    Numbers = npt.NDArray[Any]

NAMES = (
    ("x_train", "y_train"), ("x", "y"), ("images", "labels"), ("data", "target"), ("train_images", "train_labels"),
)  # fmt: skip
"""What arrays of pictures and of their classes may be called."""
OTHERS = (("x_test", "y_test"), ("x_val", "y_val"), ("test_images", "test_labels"))
"""The same of what there is to validate with."""

LONGEST_SIDE = 1 << 15


def read_arrays(path: Path, memory: int) -> Dataset:
    """The pictures of a `.npz`.

    Parameters
    ----------
    path : Path
    memory : int
        How many bytes the arrays may take.

    Raises
    ------
    KernelError, ArgumentError
        If it cannot be used.
    """
    with named_failures(path):
        with path.open("rb") as stream:
            members = {each.name: each for each in read_npz(stream, path.stat().st_size, path)}
            names = next((pair for pair in NAMES if {*pair} <= {*members}), None)
            if names is None:
                known = ", ".join(" and ".join(pair) for pair in NAMES)
                msg = f"it holds {listed(list(members))}, and none of the pairs {known}"
                raise KernelError(msg)
            others = next((pair for pair in OTHERS if {*pair} <= {*members} and pair != names), None)
            found = _pair(members, names, path, memory)
            if others is not None:
                found.validation = _pair(members, others, path, memory)
        return found


def _pair(members: dict[str, Member], names: tuple[str, str], path: Path, memory: int) -> Dataset:
    pictures, classes = (members[name] for name in names)
    for each in (pictures, classes):
        if not each.numeric:
            msg = f"{each.label} is of type {each.dtype}; it must hold real numbers"
            raise KernelError(msg)
        size = math.prod(each.shape) * np.dtype(each.dtype).itemsize
        if size > memory:
            msg = f"{each.label} takes {show_bytes(size)}, and --memory allows {show_bytes(memory)}"
            raise KernelError(msg)
    if len(classes.shape) != 1 and not (len(classes.shape) == 2 and classes.shape[1] == 1):
        msg = f"{classes.label} is {show_shape(classes.shape)}; it must hold the number of one class for each picture"
        raise KernelError(msg)
    return stacked(pictures.read(), classes.read().reshape(-1), str(path), pictures.label)


def stacked(pictures: Numbers, classes: Numbers, file: str, label: str) -> Dataset:
    """Arrays as a dataset.

    Raises
    ------
    KernelError
        If they are no pictures, or not as many as classes.
    """
    if pictures.ndim not in (3, 4) or 0 in pictures.shape or max(pictures.shape[1:]) > LONGEST_SIDE:
        msg = f"{label} is {show_shape(pictures.shape)}; pictures are (N, H, W) or (N, H, W, C)"
        raise KernelError(msg)
    if len(pictures) != len(classes):
        msg = f"there are {len(pictures)} pictures and {len(classes)} numbers of classes"
        raise KernelError(msg)
    if not np.array_equal(classes, np.rint(classes)):
        worst = classes[classes != np.rint(classes)][0]
        msg = f"a class has the number {worst}; they are whole numbers"
        raise KernelError(msg)
    if pictures.dtype not in (np.uint8, np.uint16):
        pictures = pictures.astype(np.float32)
        if not np.isfinite(pictures).all():
            msg = f"{label} holds values that are not finite"
            raise KernelError(msg)
    numbers, inverse = np.unique(classes.astype(np.int64), return_inverse=True)
    labels = tuple(map(str, numbers.tolist()))
    found = Dataset(Stacked(pictures, file), inverse.reshape(-1).astype(np.int64), labels)
    if pictures.dtype == np.float32 and pictures.max() > 1:
        found.notes.append(f"{label} holds floats up to {pictures.max():g}, of which 1 is white; as uint8 255 would be")
    return found


def given(pictures: Any, classes: Any, name: str = "data") -> Dataset:
    """Arrays that a program holds.

    Parameters
    ----------
    pictures : array_like, (N, H, W) or (N, H, W, C)
    classes : array_like, (N,)
        Whole numbers, or the names of classes.
    name : str
        What the two are called.

    Raises
    ------
    ArgumentError
        If they cannot be used.
    """
    arrays = [np.asarray(each) for each in (pictures, classes)]
    if arrays[0].dtype.kind not in "uif" or arrays[1].ndim != 1 or arrays[1].dtype.kind not in "uifU":
        msg = f"{name} must be a path, or pictures (N, H, W[, C]) of numbers and a class (N,) for each"
        raise ArgumentError(msg)
    try:
        if arrays[1].dtype.kind != "U":
            return stacked(arrays[0], arrays[1], name, name)
        found = stacked(arrays[0], np.zeros(len(arrays[1])), name, name)
        return labelled(found.source, [str(each) for each in arrays[1]])
    except KernelError as error:
        raise ArgumentError(str(error)) from None
