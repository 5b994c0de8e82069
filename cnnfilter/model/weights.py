"""Learned kernels and banks from files: which array is meant, how its axes lie, and its bias."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from cnnfilter.errors import ArgumentError, CnnfilterError, KernelError, MissingExtraError
from cnnfilter.model.arrays import show_shape, to_float32
from cnnfilter.model.kernels import KERNELS, Kernel, check_sides, from_array, get_kernel
from cnnfilter.model.layouts import LAYOUTS, arrangement
from cnnfilter.model.matrix import looks_like_matrix
from cnnfilter.model.weight_files import Member, read_npy, read_npz, read_safetensors
from cnnfilter.model.weight_text import read_json, read_table
from cnnfilter.words import alternatives, nearest, quoted, readable

if TYPE_CHECKING:
    import numpy.typing as npt

    Weights = npt.NDArray[np.float32]

READERS: dict[str, Callable[[IO[bytes], int, Path], list[Member]]] = {
    ".npy": read_npy,
    ".npz": read_npz,
    ".json": read_json,
    ".csv": read_table,
    ".txt": read_table,
    ".safetensors": read_safetensors,
}
"""What reads the arrays of a file, by its suffix."""

PICKLES = (".pt", ".pth")
"""PyTorch's own files. They are programs that rebuild objects, and may do anything when opened."""

UNSUPPORTED = {
    ".onnx": "numpy.savez('weights.npz', **{t.name: onnx.numpy_helper.to_array(t) "
    "for t in onnx.load('model.onnx').graph.initializer})",
    ".h5": "kernel, bias = layer.get_weights(); "
    "numpy.savez('weights.npz', **{'conv1.kernel': kernel, 'conv1.bias': bias})",
}
UNSUPPORTED |= {suffix: UNSUPPORTED[".h5"] for suffix in (".hdf5", ".keras")}
"""Other networks' files, and the Python that saves their weights in a form that is read here."""

SUFFIXES = (*READERS, *PICKLES, *UNSUPPORTED)

CONVOLUTION = ((4,), (2, 3))
"""How many dimensions a kernel or bank has; four tell it from the other arrays of a network."""

MAX_LISTED = 8
"""The most arrays that an error message lists."""


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


def load_bank(path: str | Path, *, array_name: str | None = None, layout: str | None = None) -> Kernel | FilterBank:
    """Load a kernel or a bank of filters from a file.

    Parameters
    ----------
    path : str or Path
        A `.npy`, `.npz`, `.json`, `.csv`, `.txt` or `.safetensors` file.
    array_name : str, optional
        The array to use: NAME, else NAME.weight, else NAME.kernel; NAME.bias is its bias. May be left out
        where there is only one array, or only one that can be a bank.
    layout : {"oihw", "hwio"}, optional
        How a 4-D array lies; may be left out where only one of the two gives a likely window. A 3-D array is
        (n, kh, kw) with `oihw`, n filters of one channel each, and (kh, kw, I) with `hwio`, one filter over I
        channels; without a layout the former, unless the latter would be square.

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
    """
    path = Path(path)
    if layout is not None and layout.lower() not in LAYOUTS:
        msg = f"layout must be {' or '.join(LAYOUTS)}, not {quoted(layout)}"
        raise ArgumentError(msg)

    def outputs(shape: tuple[int, ...]) -> int:
        count, _, height, width = arrangement(shape, layout)[1]
        check_sides(height, width)
        return count

    weight, bias = load_arrays(path, array_name=array_name, outputs=outputs)
    if weight.ndim == 2 and bias is None:
        return from_array(weight, path.stem)
    order, lengths = arrangement(weight.shape, layout)
    bank = weight.transpose([axis for axis in order if axis is not None]).reshape(lengths)
    return FilterBank(path.stem, np.ascontiguousarray(bank), bias)


def load_arrays(
    path: str | Path,
    *,
    array_name: str | None = None,
    dimensions: Sequence[Sequence[int]] = CONVOLUTION,
    outputs: Callable[[tuple[int, ...]], int] = lambda shape: shape[0],
) -> tuple[Weights, Weights | None]:
    """Load an array and its bias, as `load_bank` finds them, whatever the array means.

    Parameters
    ----------
    path : str or Path
        The file.
    array_name : str, optional
        As for `load_bank`.
    dimensions : sequence of sequences of int
        The numbers of dimensions allowed. Without `array_name`, an array of the first group is preferred to
        those of the next: `((2,),)` for a dense layer.
    outputs : callable
        Gives the length of the bias from the array's shape. It may raise a `CnnfilterError` to refuse the
        shape before the array is read.

    Returns
    -------
    weight, bias : ndarray, ndarray or None
        float32, C-contiguous, finite, in the file's order of axes.

    Raises
    ------
    KernelError, MissingExtraError
        As for `load_bank`.
    """
    path = Path(path)
    with _named_failures(path), _open(path) as (stream, size):
        members = READERS[path.suffix.lower()](stream, size, path)
        weight, bias = _choose({member.name: member for member in members}, array_name, dimensions)
        weight.check()
        count = outputs(weight.shape)
        if bias is not None:
            bias.check()
            if bias.shape != (count,):
                shape = show_shape(bias.shape)
                msg = f"array {quoted(bias.name)} is {shape}, but there are {count} filters or outputs"
                raise KernelError(msg)
        return to_float32(weight.read()), None if bias is None else to_float32(bias.read())


def _choose(
    members: dict[str, Member], array_name: str | None, dimensions: Sequence[Sequence[int]]
) -> tuple[Member, Member | None]:
    allowed = sorted(number for group in dimensions for number in group)
    if not members:
        msg = "it holds no arrays"
        raise KernelError(msg)
    if array_name is not None:
        spellings = (array_name, f"{array_name}.weight", f"{array_name}.kernel")
        name = next((spelling for spelling in spellings if spelling in members), None)
        if not name:
            msg = f"there is no array {quoted(array_name)}{nearest(array_name, members)}; {_listing(members)}"
            raise KernelError(msg)
    else:
        name = _only(members, dimensions)
    chosen = members[name]
    if len(chosen.shape) not in allowed:
        wanted = alternatives([f"{number}-D" for number in allowed])
        label = f"array {quoted(name)}" if name else "its array"
        shape = show_shape(chosen.shape)
        found = f"{len(chosen.shape)}-D ({shape})" if chosen.shape else shape
        msg = f"{label} is {found}; it must be {wanted}"
        raise KernelError(msg)
    return chosen, members.get(_bias_name(name))


def _only(members: dict[str, Member], dimensions: Sequence[Sequence[int]]) -> str:
    biases = {_bias_name(name) for name in members}
    names = [name for name in members if name not in biases]
    if len(names) == 1:
        return names[0]
    for group in dimensions:
        fitting = [name for name in names if len(members[name].shape) in group]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            break
    msg = f"name the array to use (--kernel-name NAME); {_listing(members)}"
    raise KernelError(msg)


def _bias_name(name: str) -> str:
    """Return what the bias beside an array is called: `conv1.bias` for `conv1` and for `conv1.weight`."""
    layer, _, last = name.rpartition(".")
    if last not in ("weight", "kernel"):
        layer = name
    return f"{layer}.bias" if layer else "bias"


def _listing(members: dict[str, Member]) -> str:
    if list(members) == [""]:
        return "the file holds one array without a name"
    listed = [f"{quoted(name)} ({show_shape(each.shape)})" for name, each in members.items()]
    more = f" and {len(listed) - MAX_LISTED} more" if len(listed) > MAX_LISTED else ""
    return f"the file holds {', '.join(listed[:MAX_LISTED])}{more}"


@contextlib.contextmanager
def _open(path: Path) -> Iterator[tuple[IO[bytes], int]]:
    suffix = path.suffix.lower()
    if suffix in PICKLES:
        msg = (
            f"{suffix} files are pickles, which can run any code when opened; convert it where PyTorch is: "
            + conversion(path)
        )
        raise KernelError(msg)
    if suffix in UNSUPPORTED:
        msg = f"{suffix} files are not supported; save the weights as .npz from Python: {UNSUPPORTED[suffix]}"
        raise KernelError(msg)
    if _is_picture(path):
        msg = "is a picture, not a kernel; the kernel comes first, then the pictures"
        raise KernelError(msg)
    if path.is_dir():
        msg = "is a folder, not a kernel"
        raise KernelError(msg)
    if suffix not in READERS:
        msg = f"not a weight file by its name (known: {', '.join(READERS)})"
        raise KernelError(msg)
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for its other end
        msg = "is not a regular file"
        raise KernelError(msg)
    if not status.st_size:
        msg = "the file is empty"
        raise KernelError(msg)
    with path.open("rb") as stream:
        yield stream, status.st_size


def _is_picture(path: str | Path) -> bool:
    suffix = Path(path).suffix
    if not suffix:  # as most kernels: they do not wait for the system's list of types
        return False
    import mimetypes

    return (mimetypes.guess_type("a" + suffix, strict=False)[0] or "").startswith("image/")


def conversion(path: Path) -> str:
    """Return the command that turns a PyTorch file into a safetensors file, without running code from it."""
    import shlex  # for this message alone

    code = (
        "import sys, torch, safetensors.torch as s; "
        "w = torch.load(sys.argv[1], map_location='cpu', weights_only=True); "
        "s.save_file({k: v.clone().contiguous() for k, v in w.items()}, sys.argv[2])"
    )
    return f'python -c "{code}" {shlex.quote(str(path))} {shlex.quote(str(path.with_suffix(".safetensors")))}'


@contextlib.contextmanager
def _named_failures(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong with a file into one line that names it."""
    shown = readable(path)
    try:
        yield
    except MissingExtraError as error:
        msg = f"{shown}: {error}"
        raise MissingExtraError(msg) from None
    except CnnfilterError as error:
        msg = f"{shown}: {error}"
    except FileNotFoundError:
        msg = f"{shown}: no such file"
    except OSError as error:
        msg = f"{shown}: {error.strerror or error}"
    except MemoryError:
        msg = f"{shown}: not enough memory"
    # A damaged zip, header or text fails in too many ways to list: BadZipFile, zlib.error, EOFError,
    # ValueError, TokenError, RecursionError, SafetensorError, ... Their words are about the decoder's insides.
    except Exception:
        msg = f"{shown}: damaged or cut off, or not a {path.suffix} file"
    else:
        return
    raise KernelError(msg) from None


def find_kernel(text: str, *, array_name: str | None = None, layout: str | None = None) -> Kernel | FilterBank:
    """Return a kernel as a person names it: an inline matrix, a weight file, or a name.

    Parameters
    ----------
    text : str
        A file by its suffix, or if it looks like a path; `"0 -1 0; -1 5 -1; 0 -1 0"`; `"gaussian:sigma=2"`.
    array_name, layout : str, optional
        As for `load_bank`; only for files.

    Returns
    -------
    Kernel or FilterBank
        As `load_bank` or `get_kernel` gives it.

    Raises
    ------
    KernelError, ArgumentError, MissingExtraError
        As `load_bank` and `get_kernel` raise them.

    Examples
    --------
    >>> find_kernel("sobel-x").size
    (3, 3)
    """
    if _is_file(text):
        return load_bank(text, array_name=array_name, layout=layout)
    kernel = get_kernel(text)
    if array_name is not None or layout is not None:
        msg = f"an array's name or layout is for weight files, and {kernel.name!r} is not one"
        raise ArgumentError(msg)
    return kernel


def _is_file(text: str) -> bool:
    if Path(text).suffix.lower() in SUFFIXES or _is_picture(text):
        return True
    if not text.strip() or looks_like_matrix(text) or text.strip().split(":")[0] in KERNELS:
        return False
    if "/" in text or "\\" in text:
        return True
    with contextlib.suppress(OSError, ValueError):  # too long for a name, or a NUL in it
        return Path(text).exists()
    return False
