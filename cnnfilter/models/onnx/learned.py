"""The learned numbers of a stage that lie in an ONNX file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from cnnfilter.errors import ArgumentError, KernelError
from cnnfilter.models.onnx.tensors import Tensor
from cnnfilter.weights.parameters import OPTIONAL, Parameters, Shape, check_shape

if TYPE_CHECKING:
    from cnnfilter.weights.parameters import Weights


class Stored(Parameters):
    """Tensors by their roles, each read when it is first asked for, and then kept.

    Parameters
    ----------
    tensors : mapping of str to Tensor
        In PyTorch's layouts.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self.tensors = dict(tensors)
        self._read: dict[str, Weights] = {}

    def array(self, role: str, shape: Shape, fan: int | None = None) -> Weights | None:
        """See `Parameters.array`."""
        self.check(role, shape)
        return self._array(role) if role in self.tensors else None

    def _array(self, role: str) -> Weights:
        if role not in self._read:
            from cnnfilter.kernels.arrays import to_float32

            try:
                self._read[role] = to_float32(self.tensors[role].load(), f"its {role}", copy=False)
            except ArgumentError as error:
                raise KernelError(str(error)) from None
        return self._read[role]

    def check(self, role: str, shape: Shape) -> None:
        """See `Parameters.check`. A bias may be absent."""
        if role in self.tensors:
            check_shape(f"its {role}", self.tensors[role].shape, shape)
        elif role not in OPTIONAL:
            msg = f"there is no {role}"
            raise KernelError(msg)

    def load(self, roles: Collection[str]) -> None:
        """See `Parameters.load`."""
        for role in self.tensors.keys() & roles:
            self._array(role)

    def shape(self, role: str) -> Shape | None:
        """See `Parameters.shape`."""
        return self.tensors[role].shape if role in self.tensors else None
