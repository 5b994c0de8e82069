"""Operations on arrays that do not depend on the picture: sizes that exporters compute, weights that they reshape.

Small arrays are computed at once. What large ones, the weights, become is computed when they are read. A length that is
not known before there is a picture stands among numbers as a `Size`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from cnnfilter.errors import KernelError
from cnnfilter.messages import show_shape
from cnnfilter.models.onnx.computing import FOLDS, Compute, reshaped
from cnnfilter.models.onnx.reading import Operation
from cnnfilter.models.onnx.tensors import Tensor
from cnnfilter.models.onnx.values import Size, UnsupportedError, size_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[Any]

SMALL = 4096
"""Arrays of at most so many numbers are computed at once."""

BUDGET = 1 << 20
"""How many numbers all that is computed at once may hold."""

LARGEST = 1 << 27
"""The most numbers that an array may have: 512 MB as float32, and more than any published layer for pictures."""

SHARED = 16
"""How often the numbers of a file may be taken, on the whole, or what is made of them: once is usual, and networks that
do something again and again with the same weights have few."""

DEEPEST = 100
"""The most operations that may follow one another until a weight is ready; exporters have up to five."""

LISTED = 4
"""Of more arrays the shapes are not listed."""

INT64, FLOAT32, FLOAT64 = 7, 1, 11


def constant(numbers: Numbers) -> Tensor:
    """An array as a tensor; whole numbers may be `Size`s."""
    code = FLOAT32 if numbers.dtype.kind == "f" else INT64
    return Tensor(numbers.shape, code, partial(_itself, numbers))


def _itself(numbers: Numbers) -> Numbers:
    return numbers


def small(tensor: Tensor) -> Numbers:
    """The numbers of a small tensor.

    Raises
    ------
    UnsupportedError
        If it is large.
    """
    if tensor.size > SMALL:
        msg = f"computes with an array of {show_shape(tensor.shape)}, where a few numbers are usual"
        raise UnsupportedError(msg)
    return tensor.load()


def numbers_of(tensor: Tensor) -> tuple[Any, ...]:
    """The numbers of a small tensor in a row: Python's, or sizes."""
    return tuple(small(tensor).ravel().tolist())


def whole_numbers(tensor: Tensor) -> tuple[int, ...]:
    """The whole numbers of a small tensor in a row.

    Raises
    ------
    UnsupportedError
        If one is not known yet.
    """
    found = []
    for number in numbers_of(tensor):
        known = number.known if isinstance(number, Size) else int(number)
        if known is None:
            msg = "depends on the size of the picture"
            raise UnsupportedError(msg)
        found.append(known)
    return tuple(found)


def sizes(lengths: Sequence[Size]) -> Tensor:
    """Lengths as the operator Shape gives them."""
    import numpy as np

    known = [each.known for each in lengths]
    if None not in known:
        return constant(np.array(known, np.int64))
    array = np.empty(len(lengths), object)
    array[:] = [each if each.known is None else each.known for each in lengths]
    return constant(array)


AS_IT_IS = ("Dropout", "Identity")
SAME_SHAPE = ("Cast", "DequantizeLinear", "Neg", "Sqrt")
JOINED = ("Add", "Div", "Mul", "Sub")
BROADCAST = (*JOINED, "Equal", "Max", "Min", "Where")
MOVED = ("Squeeze", "Transpose", "Unsqueeze")
"""What changes nothing; and what is done to large arrays, when they are read: the result has the shape of the first,
that of all together (of the second row at once alone), or one that NumPy tells of a view."""

MISFITS = (ValueError, IndexError, TypeError, KeyError, AttributeError, ArithmeticError)
"""What NumPy raises of arrays that do not go together, or of parts of an operation that are not there."""


class Folder:
    """Computes what depends on the file alone, and keeps of it no more than a few megabytes.

    Parameters
    ----------
    stored : int
        How many numbers the file holds.
    """

    def __init__(self, stored: int) -> None:
        self._left = BUDGET
        self._most = self._untaken = LARGEST + SHARED * stored

    def take(self, tensors: Iterable[Tensor]) -> None:
        """Count the numbers that an operation on the picture takes.

        Raises
        ------
        UnsupportedError
            If they become many more than the file holds: each is read or computed anew for each that takes it.
        """
        self._untaken -= sum(each.cost for each in tensors)
        if self._untaken < 0:
            raise self._too_many()

    def _too_many(self) -> UnsupportedError:
        return UnsupportedError(f"would have over {self._most} numbers made of those in the file")

    def __call__(self, operation: Operation, given: Sequence[Tensor | None]) -> Tensor:
        """What an operation makes of arrays.

        Raises
        ------
        UnsupportedError
            If that is not known, does not fit or would take much memory.
        """
        if operation.type in AS_IT_IS and given and given[0] is not None:
            return given[0]
        compute = FOLDS.get(operation.type)
        if compute is None or not given or given[0] is None:
            msg = "is not computed for numbers of the file alone"
            raise UnsupportedError(msg)
        try:
            if all(each is None or each.size <= SMALL for each in given):
                return self._small(operation, compute, given)
            made = _large(operation, compute, given[0], given)
        except MISFITS:
            shapes = " and ".join(show_shape(each.shape) for each in given[:LISTED] if each is not None)
            more = " and so on" if len(given) > LISTED else ""
            msg = f"does not fit the numbers that it is given, of the shapes {shapes}{more}"
            raise UnsupportedError(msg) from None
        if made.cost > self._most:
            raise self._too_many()
        if made.depth > DEEPEST:
            msg = f"is one of over {DEEPEST} operations, one after the other, on numbers of the file"
            raise UnsupportedError(msg)
        return made

    def _small(self, operation: Operation, compute: Compute, given: Sequence[Tensor | None]) -> Tensor:
        import numpy as np

        shapes = [each.shape for each in given if each is not None]
        self._check(math.prod(np.broadcast_shapes(*shapes)) if operation.type in BROADCAST else 0)
        self._check(math.prod(map(math.prod, shapes)) if operation.type == "Gather" else 0)
        self._check(sum(map(math.prod, shapes)) if operation.type == "Concat" else 0)
        made = np.asarray(_computed(operation, compute, given))
        self._check(made.size)
        self._left -= made.size
        if made.dtype == object and any(size_of(number).is_long for number in made.flat):
            msg = "gives a whole number of over 63 bits"
            raise UnsupportedError(msg)
        return constant(made)

    def _check(self, count: int) -> None:
        """Refuse to hold more numbers than there is room for."""
        if count > self._left:
            msg = f"makes the arrays that are computed hold over {BUDGET} numbers"
            raise UnsupportedError(msg)


def _large(operation: Operation, compute: Compute, first: Tensor, given: Sequence[Tensor | None]) -> Tensor:
    """What becomes of large arrays, which are read when it is needed."""
    import numpy as np

    others = [None if each is None else np.broadcast_to(np.float32(0), each.shape) for each in given]
    if operation.type in SAME_SHAPE:
        shape = first.shape
    elif operation.type in JOINED:
        shape = np.broadcast_shapes(*(each.shape for each in others if each is not None))
    elif operation.type in MOVED:
        rest = [None if each is None else small(each) for each in given[1:]]
        shape = compute(operation, [others[0], *rest]).shape
    elif operation.type == "Reshape" and given[1] is not None:
        shape = reshaped(operation, [others[0], small(given[1])]).shape  # of one number repeated, a view
    else:
        msg = f"is not computed for arrays as large as {show_shape(first.shape)}"
        raise UnsupportedError(msg)
    if math.prod(shape) < max(each.size for each in given if each is not None):
        msg = "is small, but takes much to compute"  # so that all that is small is at hand
        raise ValueError(msg)
    if math.prod(shape) > LARGEST:
        msg = f"makes an array of {show_shape(shape)}; at most {LARGEST} numbers are read"
        raise UnsupportedError(msg)
    taken = [each for each in given if each is not None]
    before, depth = sum(each.cost for each in taken), 1 + max(each.depth for each in taken)
    return Tensor(shape, FLOAT32, partial(_read, operation, compute, tuple(given), shape), before, depth)


def _read(operation: Operation, compute: Compute, given: Sequence[Tensor | None], shape: tuple[int, ...]) -> Numbers:
    """What becomes of large arrays.

    Raises
    ------
    KernelError
        If they do not go together.
    """
    try:
        return _computed(operation, compute, given).reshape(shape)
    except UnsupportedError as error:
        msg = f"{operation.type} {error}"
        raise KernelError(msg) from None
    except MISFITS:
        msg = f"{operation.type} does not fit the numbers that it is given"
        raise KernelError(msg) from None


def _computed(operation: Operation, compute: Compute, given: Sequence[Tensor | None]) -> Numbers:
    import numpy as np

    with np.errstate(all="ignore"):
        made: Numbers = compute(operation, [None if each is None else each.load() for each in given])
    return made
