"""What messages are made of: the words that a person may have meant, and their own words, quoted and printable.

Text from outside goes through one of these before anybody sees it: `printable` is what a terminal shows and does not
obey, `quoted` and `readable` are that cut to what a message has room for.
"""

from __future__ import annotations

import contextlib
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from cnnfilter.errors import CnnfilterError

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_QUOTE = 60
"""How many characters of a person's text a message repeats; a whole file may have been pasted."""

LONGEST_STAGE = 200
"""How many characters of a stage's text stand in a table: of a name with all its arguments, all of them."""

MOST_NAMES = 20
"""Of more names that a file has the rest is not listed."""

LONGEST_NAME = 1000
"""How many characters of a file's name a message repeats: more than a name that is one ever has."""

MOST_AXES = 8
"""The most axes of a shape that a message shows."""

_STRAY_BYTE = r"\\udc([89a-f][0-9a-f])"

_RUN = r"(?:[^\s'\"]|'(?![\s'\":,;.)\]]|\Z))+"
"""What an address may be, and what stands beside it: a quotation mark at its end is not its own."""

_QUERY = r"[?#](?!\.\.\.(?:[,:]|\Z))"
"""How a query or a fragment begins that is not hidden already."""

_SCHEME = r"([A-Za-z][\w+.-]{0,30}://|\b(?:https?|sftp|s3|gs|az):/(?!/))"
"""How an address begins; also as a path has it, which joins the slashes, where it was mistyped."""

_OF_NAMES = ("s3", "gs", "az", "sftp", "memory")
"""Schemes in whose addresses a question mark is part of a name."""


known_as: dict[str, str] = {}
"""What people know files as, by their names: the copy of a file that is elsewhere by its address."""

_heard: list[str] = []
"""Not empty where a person at the command line reads the messages."""


class _Thread(threading.local):
    in_stage = False
    """Whether what a message is about was said in the text of a stage, whose keys are named as parameters are."""


_thread = _Thread()


@contextlib.contextmanager
def options_named() -> Iterator[None]:
    """Name the command line's options in messages, of all threads; without this, they name parameters."""
    _heard.append("options")
    try:
        yield
    finally:
        _heard.pop()


@contextlib.contextmanager
def keys_named() -> Iterator[None]:
    """Name a stage's keys in messages, of this thread."""
    before, _thread.in_stage = _thread.in_stage, True
    try:
        yield
    finally:
        _thread.in_stage = before


class about:  # a generator's would take a fifth of planning a network
    """Let the messages of errors begin with what they are about, and end with advice."""

    def __init__(self, subject: str = "", advice: str = "") -> None:
        self._subject, self._advice = subject, advice

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, CnnfilterError):
            msg = f"{self._subject}{error}{self._advice}"
            raise type(error)(msg) from None


def either(option: str, parameter: str) -> str:
    """What a message tells whoever reads it to give: an option of the command line, or a parameter.

    Examples
    --------
    >>> either("--depth 8", "depth=8")
    'depth=8'
    """
    return option if _heard and not _thread.in_stage else parameter


def is_command() -> bool:
    """Whether a person at the command line reads the messages, of the text of a stage too."""
    return bool(_heard)


def alternatives(words: Sequence[str], last: str = "or") -> str:
    """Words as people join them.

    Examples
    --------
    >>> alternatives(["a", "b", "c"])
    'a, b or c'
    """
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def nearest(word: str, known: Iterable[str], count: int = 3) -> str:
    """A tail for an error message that names what `word` may have meant, or nothing.

    Examples
    --------
    >>> nearest("reflekt", ["reflect", "circular"])
    '; did you mean reflect?'
    """
    import difflib  # only a wrong word pays for it

    matches = difflib.get_close_matches(word[:LONGEST_QUOTE].lower(), list(known), n=count, cutoff=0.5)
    return f"; did you mean {alternatives(matches)}?" if matches else ""


def without_secrets(text: str) -> str:
    """A text, and the addresses in it without passwords and queries: nobody is shown what opening them takes.

    Examples
    --------
    >>> without_secrets("conv:sftp://ann:secret@host/a.npz,https://host/net.onnx?signature=1")
    'conv:sftp://ann@host/a.npz,https://host/net.onnx?...'
    """
    return re.sub(_RUN, lambda found: _bared(found[0]), text) if ":/" in text else text


def _bared(run: str) -> str:
    shown, *parts = re.split(_SCHEME, run, flags=re.IGNORECASE)
    for begin, rest in zip(parts[::2], parts[1::2], strict=True):
        scheme = begin.rstrip(":/").lower()
        authority = re.split("[/?#]", rest, maxsplit=1)[0]
        path = rest[len(authority) :]
        user, at, host = authority.rpartition("@")
        if not at and "@" in path and re.search(r":(?![0-9]+\Z)", host):  # a password with what ends a host in it
            host, path = "", path.rpartition("@")[2]
        named = f"{user.partition(':')[0]}@" if at and scheme == "sftp" else ""  # elsewhere it may be a key
        shown += begin + named
        query = None if scheme in _OF_NAMES else re.search(_QUERY, path)
        if query is not None:
            end = run[len(run.rstrip(",:;")) :]  # a message's
            return f"{shown}{host}{path[: query.start()]}{query[0]}...{end}"
        shown += host + path
    return shown


def quoted(value: object) -> str:
    r"""A value as a message repeats it: in quotes if it is text, and cut where it is long.

    Bytes of an argument or a file name that are no text, which Python holds as lone surrogates, appear as bytes.

    Examples
    --------
    >>> quoted("gausian")
    "'gausian'"
    >>> print(quoted("caf\udce9"))
    'caf\xe9'
    """
    # cut twice: before, so that the whole is not escaped, and after, as an escape takes several characters
    try:
        whole = (
            repr(without_secrets(value)[: LONGEST_QUOTE + 1])
            if isinstance(value, str)
            else without_secrets(repr(value))
        )
    except ValueError:  # a number of more digits than Python writes
        return f"a number of over {sys.get_int_max_str_digits():,} digits"
    except Exception:  # of a type that cannot be shown
        whole = f"<{type(value).__name__}>"
    shown = re.sub(_STRAY_BYTE, r"\\x\1", " ".join(whole.split()) if "\n" in whole else whole)
    return shown if len(shown) <= LONGEST_QUOTE + 2 else f"{shown[: LONGEST_QUOTE - 2]}...{shown[-1]}"


def listed(names: Sequence[str]) -> str:
    """Names in quotes, one after the other; of many the first."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(map(quoted, names[:MOST_NAMES])) + more


def readable(path: object) -> str:
    r"""A file's name as it is, or in quotes and with escapes if it holds what cannot be printed; a copy's address.

    Examples
    --------
    >>> readable("a b.npy"), readable("a\nb.npy")
    ('a b.npy', "'a\\nb.npy'")
    """
    text = str(path)
    text = shortened(known_as.get(text, text), LONGEST_NAME)
    return text if text.isprintable() else shortened(re.sub(_STRAY_BYTE, r"\\x\1", ascii(text)), LONGEST_NAME)


def shortened(value: object, longest: int = LONGEST_STAGE) -> str:
    """A text as it is, or without its middle if it is longer: a stage may be a matrix of a thousand rows."""
    text, half = without_secrets(str(value)), longest // 2
    return text if len(text) <= longest + 3 else f"{text[:half]}...{text[-half:]}"


def show_shape(shape: Sequence[int]) -> str:
    """A shape as people write it, `28x28x1`; that of no axes is `a single number`, one of many is cut."""
    cut = "x..." if len(shape) > MOST_AXES else ""
    return "x".join(map(str, shape[:MOST_AXES])) + cut or "a single number"


def printable(text: str) -> str:
    r"""`text` as one line that a terminal shows and does not obey.

    Line breaks, control characters and everything else without a shape of its own appear as `\n`, `\x1b`,
    `\u202e`; bytes of a file name that are no UTF-8 as `\xff`.

    Examples
    --------
    >>> printable("a\nb\udcff[bold]")
    'a\\nb\\xff[bold]'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else escaped(c) for c in text)


def printable_lines(text: str) -> str:
    """`text` with each of its lines made `printable`."""
    return "\n".join(map(printable, text.split("\n")))


def escaped(character: str) -> str:
    """A character as its escape."""
    if "\udc80" <= character <= "\udcff":  # how Python carries a byte that it could not decode
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def show_bytes(size: float, more: int = 0) -> str:
    """A number of bytes as a person reads it: in megabytes and more, or in so many digits more than usual.

    Examples
    --------
    >>> show_bytes(12_345_678), show_bytes(2_500_000_000), show_bytes(12_345_678, 1), show_bytes(1234, 1)
    ('12 MB', '2.5 GB', '12.3 MB', '1.2 kB')
    """
    if size >= 1e9:
        return f"{size / 1e9:,.{more + 1}f} GB"
    if size >= 1e6 or not more:
        return f"{size / 1e6:.{more}f} MB"
    return f"{size / 1e3:.{more}f} kB" if size >= 1e3 else f"{size} bytes"


def why_no_file(path: Path) -> str | None:
    """What a path is instead of a file that may be opened without waiting; None if it is one.

    Raises
    ------
    ValueError
        If its name holds a NUL.
    """
    if path.is_file():
        return None
    if path.is_dir():
        return "is a folder"
    return "is a pipe or a device, not a file" if path.exists() else "no such file"
