"""Pictures and the numbers of their classes as arrays: `.npz` files, as Keras's `mnist.npz` is one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cnnfilter.errors import ArgumentError, KernelError
from cnnfilter.learning.data.dataset import Dataset, Source, Stacked, labelled
from cnnfilter.learning.data.filed import Filed, Place, unpacked
from cnnfilter.messages import listed, show_bytes, show_shape
from cnnfilter.npy import read_header
from cnnfilter.weights.archives import open_zip
from cnnfilter.weights.files import read_npz
from cnnfilter.weights.kinds import named_failures

if TYPE_CHECKING:
    import zipfile

    from cnnfilter.weights.files import Member

    Numbers = npt.NDArray[Any]

NAMES = (
    ("x_train", "y_train"), ("x", "y"), ("images", "labels"), ("data", "target"), ("train_images", "train_labels"),
)  # fmt: skip
"""What arrays of pictures and of their classes may be called."""
OTHERS = (("x_test", "y_test"), ("x_val", "y_val"), ("test_images", "test_labels"))
"""The same of what there is to validate with."""

ONE_HOT = "; of one-hot rows that is {}.argmax(1)"
NUMBERED = "; give each name one, as np.unique({}, return_inverse=True)[1] does, the same for training and validation"
"""What to do about classes that are no numbers."""

LONGEST_SIDE = 1 << 15


def read_arrays(path: Path, memory: int) -> Dataset:
    """The pictures of a `.npz`.

    Parameters
    ----------
    path : Path
    memory : int
        How many bytes an array may take in memory; pictures of more are read from a file one by one.

    Raises
    ------
    KernelError, ArgumentError
        If it cannot be used.
    """
    with named_failures(path):
        with path.open("rb") as stream:
            size = path.stat().st_size
            members = {each.name: each for each in read_npz(stream, size, path)}
            archive = open_zip(stream, size, ".npz")
            names = next((pair for pair in NAMES if {*pair} <= {*members}), None)
            if names is None:
                known = ", ".join(" and ".join(pair) for pair in NAMES)
                msg = f"it holds {listed(list(members))}, and none of the pairs {known}"
                raise KernelError(msg)
            others = next((pair for pair in OTHERS if {*pair} <= {*members} and pair != names), None)
            found = _pair(archive, (members[names[0]], members[names[1]]), path, memory)
            if others is not None:
                found.validation = _pair(archive, (members[others[0]], members[others[1]]), path, memory)
        return found


def _pair(archive: zipfile.ZipFile, pair: tuple[Member, Member], path: Path, memory: int) -> Dataset:
    pictures, classes = pair
    for each, remedy in ((pictures, ""), (classes, NUMBERED)):
        if not each.numeric:
            msg = f"{each.label} is of type {each.dtype}; it must hold real numbers{remedy.format(classes.name)}"
            raise KernelError(msg)
    if _size(classes) > memory:
        msg = f"{classes.label} takes {show_bytes(_size(classes))}, and --memory allows {show_bytes(memory)}"
        raise KernelError(msg)
    if len(classes.shape) != 1 and not (len(classes.shape) == 2 and classes.shape[1] == 1):
        msg = f"{classes.label} is {show_shape(classes.shape)}; it must hold the number of one class for each picture"
        if len(classes.shape) == 2:
            msg += ONE_HOT.format(classes.name)
        raise KernelError(msg)
    numbers = classes.read().reshape(-1)
    if _size(pictures) <= memory:
        return stacked(pictures.read(), numbers, str(path), pictures.label)
    with archive.open(f"{pictures.name}.npy") as stream:
        header = read_header(stream)
        if header.fortran_order:
            msg = f"{pictures.label} is stored by columns, and larger than --memory allows; give it more"
            raise KernelError(msg)
        stream.seek(header.size)
        place = partial(unpacked, stream, header.promised)
        return filed(place, header.dtype, header.shape, numbers, str(path), pictures.label)


def _size(member: Member) -> int:
    return math.prod(member.shape) * np.dtype(member.dtype).itemsize


def stacked(pictures: Numbers, classes: Numbers, file: str, label: str) -> Dataset:
    """Arrays as a dataset.

    Raises
    ------
    KernelError
        If they are no pictures, or not as many as classes.
    """
    _check(pictures.shape, classes, label)
    if pictures.dtype not in (np.uint8, np.uint16):
        pictures = pictures.astype(np.float32)
    return _dataset(Stacked(pictures, file), [pictures], classes, label)


def filed(
    place: Callable[[], Place], dtype: np.dtype[Any], shape: Sequence[int], classes: Numbers, file: str, label: str
) -> Dataset:
    """Arrays as a dataset, the pictures in a file, which is asked for when all else is right.

    Raises
    ------
    KernelError
        As of `stacked`.
    """
    _check(shape, classes, label)
    source = Filed(place(), dtype, shape, file)
    return _dataset(source, map(source.picture, range(len(source))), classes, label)


def _check(shape: Sequence[int], classes: Numbers, label: str) -> None:
    if len(shape) not in (3, 4) or 0 in shape or max(shape[1:]) > LONGEST_SIDE:
        msg = f"{label} is {show_shape(shape)}; pictures are (N, H, W) or (N, H, W, C)"
        raise KernelError(msg)
    if shape[0] != len(classes):
        msg = f"there are {shape[0]} pictures and {len(classes)} numbers of classes"
        raise KernelError(msg)
    if not np.array_equal(classes, np.rint(classes)):
        worst = classes[classes != np.rint(classes)][0]
        msg = f"a class has the number {worst}; they are whole numbers"
        raise KernelError(msg)


def _dataset(source: Source, blocks: Iterable[Numbers], classes: Numbers, label: str) -> Dataset:
    """A source as a dataset, all of whose pictures are also given in blocks."""
    numbers, inverse = np.unique(classes.astype(np.int64), return_inverse=True)
    labels = tuple(map(str, numbers.tolist()))
    found = Dataset(source, inverse.reshape(-1).astype(np.int64), labels)
    if source.picture(0).dtype == np.float32:
        largest = -math.inf
        for block in blocks:
            if not np.isfinite(block).all():
                msg = f"{label} holds values that are not finite"
                raise KernelError(msg)
            largest = max(largest, float(block.max()))
        if largest > 1:
            found.notes.append(f"{label} holds floats up to {largest:g}, of which 1 is white; as uint8 255 would be")
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
        if arrays[1].ndim == 2 and arrays[1].shape[1] > 1:
            msg += ONE_HOT.format("classes")
        raise ArgumentError(msg)
    try:
        if arrays[1].dtype.kind != "U":
            return stacked(arrays[0], arrays[1], name, name)
        found = stacked(arrays[0], np.zeros(len(arrays[1])), name, name)
        return labelled(found.source, [str(each) for each in arrays[1]])
    except KernelError as error:
        raise ArgumentError(str(error)) from None
