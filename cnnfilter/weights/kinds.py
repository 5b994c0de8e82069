"""Which files hold weights, how one is opened, and what is said of one that cannot be used.

Planning asks here what is a file, so that what brings NumPy is imported when a file is opened.
"""

from __future__ import annotations

import contextlib
import errno
import stat
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING

from cnnfilter.errors import CnnfilterError, CnnfilterWarning, KernelError, MissingExtraError
from cnnfilter.kernels.catalogue import KERNELS
from cnnfilter.kernels.matrix import looks_like_matrix
from cnnfilter.messages import either, readable

if TYPE_CHECKING:
    from pathlib import Path

    from cnnfilter.addresses.address import Where
    from cnnfilter.weights.files import Member

READERS = {
    ".npy": "files.read_npy",
    ".npz": "files.read_npz",
    ".json": "text.read_json",
    ".csv": "text.read_table",
    ".txt": "text.read_table",
    ".safetensors": "files.read_safetensors",
    ".pt": "pytorch.read_torch",
    ".pth": "pytorch.read_torch",
}
"""What of this room reads the arrays of a file, by its suffix: from a stream, its length and its path to members."""

OF_NETWORKS = (".pt", ".pth", ".safetensors", ".npz")
"""The suffixes of files whose arrays have names, as those of a whole network do."""

UNSUPPORTED = {
    ".onnx": "numpy.savez('weights.npz', **{t.name: onnx.numpy_helper.to_array(t) "
    "for t in onnx.load('model.onnx').graph.initializer})",
    ".h5": "kernel, bias = layer.get_weights(); "
    "numpy.savez('weights.npz', **{'conv1.kernel': kernel, 'conv1.bias': bias})",
}
UNSUPPORTED |= {suffix: UNSUPPORTED[".h5"] for suffix in (".hdf5", ".keras")}
"""Other networks' files, and the Python that saves their weights in a form that is read here."""

SUFFIXES = (*READERS, *UNSUPPORTED)


@contextlib.contextmanager
def open_members(path: Path) -> Iterator[list[Member]]:
    """Open a file, and give its arrays as long as the context lasts.

    Raises
    ------
    KernelError, MissingExtraError
        If it cannot be used.
    """
    if path.is_dir():
        msg = "is a folder, not a kernel"
        raise KernelError(msg)
    check_name(path)
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for its other end
        msg = "is not a regular file"
        raise KernelError(msg)
    if not status.st_size:
        msg = "the file is empty"
        raise KernelError(msg)
    module, name = READERS[path.suffix.lower()].split(".")
    with path.open("rb") as stream:
        yield getattr(import_module(f"cnnfilter.weights.{module}"), name)(stream, status.st_size, path)


def check_name(path: Where) -> None:
    """Raise a `KernelError` if no file of weights has such a name."""
    suffix = path.suffix.lower()
    if suffix in UNSUPPORTED:
        msg = (
            f"{suffix} files hold whole networks, each of which is a stage by itself (cnnfilter run); "
            f"to take one layer's weights, save them as .npz from Python: {UNSUPPORTED[suffix]}"
        )
        raise KernelError(msg)
    if is_picture(path.name):
        order = either("; the kernel comes first, then the pictures", "")
        msg = f"is a picture, not a kernel{order}"
        raise KernelError(msg)
    if suffix not in READERS:
        msg = f"not a weight file by its name (known: {', '.join(READERS)})"
        raise KernelError(msg)


def file_of(name: str | Where, check: Callable[[Where], object] | None = None) -> Path:
    """The file of a path or an address: of the latter a copy.

    Parameters
    ----------
    name : str, Path or Address
    check : callable, optional
        Refuses names of what is none of such files, before one is fetched.

    Raises
    ------
    KernelError, MissingExtraError
        If it cannot be fetched; one line that names it.
    ArgumentError
        If the address is refused.
    """
    from cnnfilter.addresses.address import Address, located  # named kernels and sizes do without
    from cnnfilter.addresses.copies import file_at

    where = located(name)
    if isinstance(where, Address):
        with named_failures(where):
            if check is not None:
                check(where)
            return file_at(where)
    return file_at(where)


def renew() -> None:
    """Let files at addresses be fetched anew by whoever names them from now on: they may have changed."""
    copies = sys.modules.get("cnnfilter.addresses.copies")
    if copies is not None:
        copies.renew()


def is_there(where: Where) -> bool:
    """Whether there is a file; one at an address is fetched.

    Raises
    ------
    KernelError, MissingExtraError
        If that cannot be told; one line that names it.
    """
    from cnnfilter.addresses.copies import file_at

    with named_failures(where):
        try:
            return file_at(where).is_file()
        except (FileNotFoundError, PermissionError):  # as of what is not there, in a bucket that we may not list
            return False


def names_file(text: str, base: Where | None = None) -> bool:
    """Whether a kernel's text means a file: by its suffix, by a slash in it, or because it is there.

    A name in the catalogue and a matrix are never files. Nobody is asked what is at an address.
    """
    if text.lower().endswith(SUFFIXES):
        return True
    if not text.strip() or looks_like_matrix(text) or text.strip().split(":")[0] in KERNELS:
        return False
    if "/" in text or "\\" in text:
        return True
    return isinstance(base, PathLike | None) and names_existing(text, base)


def names_existing(text: str, base: Where | None = None) -> bool:
    """Whether a path, from a folder on, is that of something that is there; one at an address is believed to be."""
    from pathlib import Path  # named kernels and sizes do without

    if base is not None or "://" in text:
        from cnnfilter.addresses.address import is_address, name_in

        text = name_in(base, text)
        if is_address(text):
            return True
    with contextlib.suppress(OSError, ValueError):  # too long for a name, or a NUL in it
        return Path(text).exists()
    return False


def is_picture(path: str | Path) -> bool:
    """Whether a name is that of a picture by its suffix."""
    from pathlib import Path

    suffix = Path(path).suffix
    if not suffix:  # as most kernels: they do not wait for the system's list of types
        return False
    import mimetypes

    return (mimetypes.guess_type("a" + suffix, strict=False)[0] or "").startswith("image/")


@contextlib.contextmanager
def named_failures(path: Where) -> Iterator[None]:
    """Turn whatever goes wrong with a file into one line that names it."""
    kind: type[CnnfilterError] = KernelError
    damaged = f"damaged or cut off, or not a {path.suffix} file"
    try:
        yield
        return
    except CnnfilterError as error:
        reason = str(error).removeprefix(f"{readable(path)}: ")  # of a reader that names it too
        kind = MissingExtraError if isinstance(error, MissingExtraError) else kind
    except FileNotFoundError:
        reason = "no such file"
    except OSError as error:  # a damaged directory of a zip leads before the beginning of the file
        reason = damaged if error.errno == errno.EINVAL else error.strerror or str(error)
    except MemoryError:
        reason = "not enough memory"
    except CnnfilterWarning:  # whoever wants warnings as errors gets them as they are
        raise
    # A damaged zip, header or text fails in too many ways to list: BadZipFile, zlib.error, EOFError,
    # ValueError, TokenError, RecursionError, SafetensorError, ... Their words are about the decoder's insides.
    except Exception:
        reason = damaged
    msg = f"{readable(path)}: {reason}"
    raise kind(msg) from None
