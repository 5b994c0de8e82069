"""A file of learned weights as a stage names it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cnnfilter.messages import keys_named, without_secrets
from cnnfilter.network.stages.text import escape
from cnnfilter.runtime.forks import lazy
from cnnfilter.weights.kinds import check_name, file_of

if TYPE_CHECKING:
    from cnnfilter.kernels.kernel import Kernel
    from cnnfilter.weights.bank import FilterBank, TransposedBank, Weights
    from cnnfilter.weights.layer import Layer


@dataclass(frozen=True)
class WeightFile:
    """A file of learned weights. It is read when something of it is first asked for, and then kept.

    Parameters
    ----------
    path : str
        The file.
    array_name : str, optional
        Which of its arrays.
    layout : str, optional
        `oihw` or `hwio`, for convolutions whose shape does not tell; `iohw` or `hwoi`, for transposed ones.
    """

    path: str
    array_name: str | None = None
    layout: str | None = None
    _banks: dict[tuple[int | None, int, bool], Kernel | FilterBank] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _matrices: dict[int, tuple[Weights, Weights | None]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    _transposed: dict[int, Layer] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"<WeightFile {':'.join(self.arguments('path'))}>"

    @lazy
    def convolution(self) -> Layer:
        """The arrays of a convolution in it.

        Raises
        ------
        KernelError, MissingExtraError
            If the file cannot be used; one line that names it.
        """
        from cnnfilter.weights.layer import load_convolution  # brings NumPy, which sizes alone do not need

        with keys_named():
            return load_convolution(file_of(self.path, check_name), array_name=self.array_name, layout=self.layout)

    @lazy
    def dense(self) -> Layer:
        """The arrays of a dense layer in it.

        Raises
        ------
        KernelError, MissingExtraError
            As for `convolution`.
        """
        from cnnfilter.weights.layer import load_dense

        with keys_named():
            return load_dense(file_of(self.path, check_name), array_name=self.array_name)

    def bank(self, channels: int | None = None, groups: int = 1, *, depthwise: bool = False) -> Kernel | FilterBank:
        """The kernel or the bank in it, over so many channels; see `bank_of`.

        Raises
        ------
        KernelError, MissingExtraError
            As for `convolution`, and if it may be read in two ways.
        """
        asked = (channels, groups, depthwise)
        if asked not in self._banks:
            from cnnfilter.weights.bank import bank_of

            with keys_named():
                self._banks[asked] = bank_of(
                    self.convolution, self.layout, channels=channels, groups=groups, depthwise=depthwise
                )
        return self._banks[asked]

    def transposed_layer(self, groups: int = 1) -> Layer:
        """The arrays of a transposed convolution in it.

        Raises
        ------
        KernelError, MissingExtraError
            As for `convolution`.
        """
        if groups not in self._transposed:
            from cnnfilter.weights.layer import load_transposed
            from cnnfilter.weights.layouts import TRANSPOSED

            layout = None if self.layout is None else TRANSPOSED[self.layout]
            with keys_named():
                self._transposed[groups] = load_transposed(
                    file_of(self.path, check_name), array_name=self.array_name, layout=layout, groups=groups
                )
        return self._transposed[groups]

    def transposed(self, channels: int | None = None, groups: int = 1) -> Kernel | TransposedBank:
        """The kernel or the weights of a transposed convolution in it; see `transposed_of`.

        Raises
        ------
        KernelError, MissingExtraError
            As for `convolution`, and if it may be read in two ways.
        """
        from cnnfilter.weights.bank import transposed_of

        with keys_named():
            return transposed_of(self.transposed_layer(groups), self.layout, channels=channels, groups=groups)

    def matrix(self, inputs: int) -> tuple[Weights, Weights | None]:
        """The matrix (out, in) of a dense stage in it, and its bias (out,); see `matrix_of`.

        Raises
        ------
        KernelError, MissingExtraError
            As for `convolution`.
        """
        if inputs not in self._matrices:
            from cnnfilter.weights.bank import matrix_of

            self._matrices[inputs] = matrix_of(self.dense, inputs)
        return self._matrices[inputs]

    def arguments(self, key: str) -> list[str]:
        """How it is written: the path, bare unless it holds a `=`, then what is not default; no address's secrets."""
        shown = without_secrets(self.path)
        path = (f"{key}=" if "=" in shown else "") + escape(shown)
        name = [] if self.array_name is None else [f"name={escape(self.array_name)}"]
        layout = [] if self.layout is None else [f"layout={self.layout}"]
        return [path, *name, *layout]
