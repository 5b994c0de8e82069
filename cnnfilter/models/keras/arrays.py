"""The learned numbers of a Keras file as stages take them: by PyTorch's names, with PyTorch's order of axes."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnfilter.errors import KernelError
from cnnfilter.messages import about, show_shape
from cnnfilter.weights.kinds import named_failures
from cnnfilter.weights.parameters import OPTIONAL, Parameters, Shape, check_shape

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cnnfilter.models.keras.store import Store
    from cnnfilter.weights.parameters import Weights

    Numbers = npt.NDArray[np.floating]

_ROWS = 64

Order = tuple[Shape, ...]
"""What the parts of a vector were flattened from, maps (H, W, C) each; empty where its order is Keras's and ours.

Keras flattens maps in the order H, W, C, and stages in C, H, W: what is learned of each value of such a vector, or for
each, is put in another order.
"""


@dataclass(frozen=True)
class Recipe:
    """What is made of an array.

    Parameters
    ----------
    axes : tuple of int
        The axes of Keras's array in the order of PyTorch's; empty for one whose only axis longer than 1 is the last.
    view : callable
        From the shape with its axes in order to the one that a stage takes.
    order : Order
        Of the vector that the first axis has a number, or a row, for each value of.
    least : float, optional
        What no number is below.
    """

    axes: tuple[int, ...]
    view: Callable[[Shape], Shape] = tuple
    order: Order = ()
    least: float | None = None

    def shape(self, found: Shape) -> Shape:
        """The shape of what is made of an array of this shape.

        Raises
        ------
        KernelError
            If nothing can be.
        """
        count = sum(map(math.prod, self.order))
        axes = self.axes or (len(found) - 1,)
        rest = [length for axis, length in enumerate(found) if axis not in axes]
        if len(found) - len(rest) != len(axes) or set(rest) - {1} or (count and count != found[0]):
            msg = f"its numbers are {show_shape(found)}, which does not fit what arrives"
            raise KernelError(msg)
        return self.view(tuple(found[axis] for axis in axes))

    def __call__(self, found: Numbers) -> Numbers:
        """The array."""
        import numpy as np

        shape = self.shape(found.shape)
        places = np.concatenate([*_places(self.order)]) if self.order else np.arange(len(found) if found.ndim else 0)
        if self.axes == (1, 0):
            return _turned(found, places).reshape(shape)
        ordered = found[places] if self.order else found
        made = ordered.transpose(self.axes or range(found.ndim)).reshape(shape)
        return made if self.least is None else made.clip(self.least)


def _turned(found: Numbers, places: npt.NDArray[np.intp]) -> Numbers:
    """Rows of a matrix as columns, some at a time: a tenth of the time that VGG-16's first matrix takes at once."""
    import numpy as np

    made = np.empty((found.shape[1], len(places)), found.dtype)
    for begin in range(0, len(places), _ROWS):
        made[:, begin : begin + _ROWS] = found[places[begin : begin + _ROWS]].T
    return made


def _places(order: Order) -> Iterator[npt.NDArray[np.intp]]:
    """Where in Keras's order the values of a vector are, in ours."""
    import numpy as np

    begin = 0
    for maps in order:
        count = math.prod(maps)
        yield begin + np.arange(count).reshape(maps).transpose(2, 0, 1).reshape(-1)
        begin += count


def _depthwise(shape: Shape) -> Shape:
    channels, each, *window = shape
    return channels * each, 1, *window


def _pointwise(shape: Shape) -> Shape:
    return *shape, 1, 1


KERNEL = Recipe((3, 2, 0, 1))
"""(kh, kw, I, O) as (O, I, kh, kw), and a transposed one's (kh, kw, O, I) as (I, O, kh, kw)."""

DEPTHWISE = Recipe((2, 3, 0, 1), _depthwise)
"""(kh, kw, C, n) as (C*n, 1, kh, kw)."""

POINTWISE = Recipe((1, 0), _pointwise)
"""A dense layer's (I, O) as a convolution's (O, I, 1, 1)."""

EACH = Recipe(())
"""A number for each map: (C,), or (1, 1, C) of a PReLU."""

VARIANCE = Recipe((), least=1e-14)
"""The variances of a Normalization, none of whose roots is below 1e-7."""


def vector(order: Order) -> Recipe:
    """A number for each value of a vector."""
    return Recipe((0,), order=order)


def matrix(order: Order) -> Recipe:
    """A dense layer's (in, out) as (out, in)."""
    return Recipe((1, 0), order=order)


Source = tuple[str, Recipe] | float
"""An array of the file and what is made of it, or a number that stands at each place."""


class LayerArrays(Parameters):
    """The learned numbers of one layer, read from the file when they are first asked for.

    Parameters
    ----------
    store : Store
    layer : str
        What messages call it.
    sources : mapping of str to Source
        By role.
    """

    def __init__(self, store: Store, layer: str, sources: Mapping[str, Source]) -> None:
        self._store, self._layer, self._sources = store, layer, dict(sources)
        self._made: dict[str, Weights] = {}

    def array(self, role: str, shape: Shape, fan: int | None = None) -> Weights | None:
        """See `Parameters.array`; messages name the file and the layer."""
        self.check(role, shape)
        if role not in self._sources:
            return None
        if role not in self._made:
            with self._told():
                self._made[role] = self._make(role, shape)
        return self._made[role]

    def _make(self, role: str, shape: Shape) -> Weights:
        import numpy as np

        from cnnfilter.kernels.arrays import to_float32

        source = self._sources[role]
        if isinstance(source, float):
            return np.full(shape, source, np.float32)
        name, recipe = source
        numbers = recipe(self._store.read(name))
        return to_float32(numbers, f"its {role}", copy=not numbers.flags.writeable)

    def check(self, role: str, shape: Shape) -> None:
        """See `Parameters.check`."""
        with self._told():
            source = self._sources.get(role)
            if isinstance(source, tuple):
                name, recipe = source
                check_shape(f"its {role}", recipe.shape(self._store.shape(name)), shape)
            elif source is None and role not in OPTIONAL:
                msg = f"there is no {role}"
                raise KernelError(msg)

    def load(self, roles: Collection[str]) -> None:
        """See `Parameters.load`."""
        for role in roles:
            if isinstance(source := self._sources.get(role), tuple):
                name, recipe = source
                with self._told():
                    shape = recipe.shape(self._store.shape(name))
                self.array(role, shape)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Let the messages of errors begin with the file and the layer."""
        with named_failures(self._store.path):
            _ = self._store.located  # what is wrong with the whole file is not told of a layer
            with about(f"{self._layer}: "):
                yield
