"""Learned kernels and banks from files, and what a person names as a kernel: a file, a name or a matrix."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from cnnfilter.errors import ArgumentError, CnnfilterWarning, KernelError
from cnnfilter.kernels.kernel import Kernel, from_array, get_kernel
from cnnfilter.messages import quoted, readable, show_shape
from cnnfilter.text.values import file_path
from cnnfilter.weights.kinds import check_name, file_of, is_picture, named_failures, names_file, renew
from cnnfilter.weights.layouts import LAYOUTS, TRANSPOSED, Reading, readings, settled

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfilter.addresses.address import Where
    from cnnfilter.weights.layer import Layer

    Weights = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FilterBank:
    """Learned filters.

    Parameters
    ----------
    name : str
        The file's stem.
    weight : ndarray
        (O, I, kh, kw) float32, C-contiguous and finite.
    bias : ndarray, optional
        (O,) float32.

    Raises
    ------
    ArgumentError
        If there is not one bias for each filter.
    """

    name: str
    weight: Weights
    bias: Weights | None = None

    def __post_init__(self) -> None:
        if self.bias is not None and self.bias.shape != (len(self.weight),):
            msg = f"a bias of shape {show_shape(self.bias.shape)} does not fit {len(self.weight)} filters: one for each"
            raise ArgumentError(msg)


def load_kernel(path: str | Where, *, array_name: str | None = None, layout: str | None = None) -> Kernel | FilterBank:
    """Load a kernel or a bank of filters from a file.

    Parameters
    ----------
    path : str, Path or Address
        With a suffix that `kinds.READERS` has.
    array_name : str, optional
        The array to use, by its whole name or by its layer's: `conv1` is also `conv1.weight` or `conv1/kernel:0`. May
        be left out where there is only one array, or only one that can be a bank. Its bias is found by its name.
    layout : {"oihw", "hwio"}, optional
        How a 4-D array lies; may be left out where only one of the two gives a likely window, or as many filters as
        there are biases. A 3-D array is (n, kh, kw) with `oihw`, n filters of one channel each, and (kh, kw, I) with
        `hwio`, one filter over I channels; without a layout the former, unless the latter would be square.

    Returns
    -------
    Kernel or FilterBank
        A kernel for a 2-D array without a bias.

    Raises
    ------
    KernelError
        If the file cannot be used; one line that names it.
    ArgumentError
        If `layout` is not one of the two.
    MissingExtraError
        If the file needs a library that is not installed.

    Warns
    -----
    CnnfilterWarning
        Of arrays that might be the bias and are not used, and of a bias that is taken from a file beside this one.
    """
    from cnnfilter.weights.layer import load_convolution  # which kernels with a name do without

    if layout is not None and layout.lower() not in LAYOUTS:
        msg = f"layout must be {' or '.join(LAYOUTS)}, not {quoted(layout)}"
        raise ArgumentError(msg)
    return bank_of(load_convolution(file_of(path, check_name), array_name=array_name, layout=layout), layout)


def bank_of(
    layer: Layer,
    layout: str | None = None,
    *,
    channels: int | None = None,
    groups: int = 1,
    depthwise: bool = False,
) -> Kernel | FilterBank:
    """The kernel or the bank that a layer's arrays are.

    Parameters
    ----------
    layer : Layer
    layout : {"oihw", "hwio"}, optional
        As for `load_kernel`.
    channels : int, optional
        How many arrive: of two ways to read the shape, they tell the one that fits.
    groups : int
        In how many groups they are filtered.
    depthwise : bool
        In as many groups as there are channels. With `hwio`, I may then be the number of channels, each of which gets
        O filters, as Keras stores them.

    Raises
    ------
    KernelError
        If it may be read in two ways, or its bias does not fit; one line that names the file.
    """
    with named_failures(layer.path):
        if layer.weight.ndim == 2 and layer.bias is None:
            return from_array(layer.weight, layer.path.stem)

        def is_keras(reading: Reading) -> bool:
            return depthwise and reading.name == "hwio" and reading.lengths[1] == channels

        def fits(reading: Reading) -> bool:
            filters, inputs = reading.lengths[:2]
            outputs = filters * inputs if is_keras(reading) else filters
            if layer.bias is not None and len(layer.bias) not in (1, outputs):
                return False
            if channels is None or is_keras(reading):
                return True
            return inputs == 1 and filters % channels == 0 if depthwise else inputs * groups == channels

        from cnnfilter.weights.pairing import read_name

        reading = settled(layer.weight.shape, layout, fits, read_name(layer.name).word.lower())
        bank = layer.weight.transpose([axis for axis in reading.order if axis is not None]).reshape(reading.lengths)
        if is_keras(reading):
            bank = bank.swapaxes(0, 1).reshape(-1, 1, *bank.shape[2:])
        return FilterBank(layer.path.stem, np.ascontiguousarray(bank), layer.biases(len(bank)))


@dataclass(frozen=True, eq=False)
class TransposedBank:
    """The learned weights of a transposed convolution.

    Parameters
    ----------
    name : str
        The file's stem.
    weight : ndarray
        (I, O/groups, kh, kw) float32, C-contiguous and finite, as PyTorch has them.
    bias : ndarray, optional
        (O,) float32.
    """

    name: str
    weight: Weights
    bias: Weights | None = None


def transposed_of(layer: Layer, layout: str | None, *, channels: int | None, groups: int) -> Kernel | TransposedBank:
    """The kernel or the weights of a transposed convolution that a layer's arrays are.

    Parameters
    ----------
    layer : Layer
    layout : {"iohw", "hwoi"}, optional
        PyTorch's or Keras' order; may be left out where the shape tells, or the number of channels or biases.
    channels : int, optional
        How many arrive.
    groups : int
        In how many groups.

    Raises
    ------
    KernelError
        If it may be read in two ways, or its bias does not fit; one line that names the file.
    """
    with named_failures(layer.path):
        shape = layer.weight.shape
        if len(shape) == 2 and layer.bias is None:
            return from_array(layer.weight, layer.path.stem)
        found = readings(shape, TRANSPOSED[layout] if layout else None)
        if len(found) > 1:
            count = None if layer.bias is None or len(layer.bias) == 1 else len(layer.bias)
            found = [
                each
                for each in found
                if channels in (None, each.lengths[0]) and count in (None, each.lengths[1] * groups)
            ]
        if len(found) != 1:
            msg = f"shape {show_shape(shape)} may be (I, O, kh, kw) or (kh, kw, O, I); say layout=iohw or layout=hwoi"
            raise KernelError(msg)
        (reading,) = found
        weight = layer.weight.transpose([axis for axis in reading.order if axis is not None]).reshape(reading.lengths)
        biases = layer.biases(reading.lengths[1] * groups)
        return TransposedBank(layer.path.stem, np.ascontiguousarray(weight), biases)


def matrix_of(layer: Layer, inputs: int) -> tuple[Weights, Weights | None]:
    """The matrix (out, in) of a dense layer, and its bias (out,), whichever way it is stored.

    Parameters
    ----------
    layer : Layer
    inputs : int
        How many numbers arrive: where the bias does not, they tell an (in, out) matrix, as Keras stores it.

    Raises
    ------
    KernelError
        If the bias fits neither way; one line that names the file.

    Warns
    -----
    CnnfilterWarning
        If the matrix is square and its name is neither PyTorch's `weight` nor Keras' `kernel`.
    """
    with named_failures(layer.path):
        weight = np.ascontiguousarray(layer.weight.T) if _is_input_first(layer, inputs) else layer.weight
        return weight, layer.biases(len(weight))


def _is_input_first(layer: Layer, inputs: int) -> bool:
    rows, columns = layer.weight.shape
    if rows == columns == inputs:
        from cnnfilter.weights.pairing import read_name

        word = read_name(layer.name or layer.path.stem).word.lower()
        if word not in ("weight", "kernel"):
            note = "its square matrix is read as (outputs, inputs); Keras stores the transpose, and calls it kernel"
            warnings.warn(f"{readable(layer.path)}: {note}", CnnfilterWarning, stacklevel=2)
        return word == "kernel"
    if layer.bias is not None and len(layer.bias) > 1:
        return len(layer.bias) != int(rows)
    return int(rows) == inputs


def load_bank(path: str | PathLike[str], *, name: str | None = None, layout: str | None = None) -> FilterBank:
    """Load a bank of filters from a file.

    Parameters
    ----------
    path : str or path
        A `.npy`, `.npz`, `.json`, `.csv`, `.txt`, `.safetensors`, `.pt` or `.pth` file, or the address of one, such as
        `"s3://nets/conv1.npz"`. Nothing in it is executed.
    name : str, optional
        The array to use, by its whole name or by its layer's: `"conv1"` is also `conv1.weight` or `conv1/kernel:0`. May
        be left out where there is only one array, or only one that can be a bank. Its bias is found by its name.
    layout : {"oihw", "hwio"}, optional
        How a 4-D array lies: PyTorch's or Keras' order. May be left out where only one of the two gives a likely
        window, or as many filters as there are biases. A 3-D array is (n, kh, kw) with `"oihw"`, n filters of one
        channel each, and (kh, kw, I) with `"hwio"`, one filter over I channels; without a layout the former, unless the
        latter would be square.

    Returns
    -------
    FilterBank
        Taken by `conv2d` and `apply`. Its `weight` is (O, I, kh, kw) float32, its `bias` (O,) float32 or None. A matrix
        is a bank of one filter over one channel; its `weight[0, 0]` filters each channel of a picture on its own.

    Raises
    ------
    KernelError
        If the file cannot be used; one line that names it.
    ArgumentError
        If `layout` is not one of the two.
    MissingExtraError
        If the file needs a library that is not installed.

    Warns
    -----
    CnnfilterWarning
        Of arrays that might be the bias and are not used, and of a bias that is taken from a file beside this one.

    Examples
    --------
    >>> load_bank("samples/kernels/gabor.npz").weight.shape
    (8, 1, 5, 5)
    """
    for called, given in (("name", name), ("layout", layout)):
        if not (given is None or isinstance(given, str)):
            msg = f"{called} must be a text, not {quoted(given)}"
            raise ArgumentError(msg)
    renew()
    found = load_kernel(file_path(path), array_name=name, layout=layout)
    return FilterBank(found.name, found.weights[None, None]) if isinstance(found, Kernel) else found


def find_kernel(text: str, *, array_name: str | None = None, layout: str | None = None) -> Kernel | FilterBank:
    """A kernel as a person names it: an inline matrix, a weight file, or a name.

    Parameters
    ----------
    text : str
        A file by its suffix, or if it looks like a path; `"0 -1 0; -1 5 -1; 0 -1 0"`; `"gaussian:sigma=2"`.
    array_name, layout : str, optional
        As for `load_kernel`; only for files.

    Returns
    -------
    Kernel or FilterBank
        As `load_kernel` or `get_kernel` gives it.

    Raises
    ------
    KernelError, ArgumentError, MissingExtraError
        As `load_kernel` and `get_kernel` raise them.

    Examples
    --------
    >>> find_kernel("sobel-x").size
    (3, 3)
    """
    if is_picture(text) or names_file(text):
        return load_kernel(text, array_name=array_name, layout=layout)
    kernel = get_kernel(text)
    if array_name is not None or layout is not None:
        msg = f"an array's name or layout is for weight files, and {kernel.name!r} is not one"
        raise ArgumentError(msg)
    return kernel
