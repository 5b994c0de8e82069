"""What error messages are made of: the words that a person may have meant, and their own words, quoted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

LONGEST_QUOTE = 60
"""How many characters of a person's text a message repeats; a whole file may have been pasted."""

_STRAY_BYTE = re.compile(r"\\udc([89a-f][0-9a-f])")


def alternatives(words: Sequence[str], last: str = "or") -> str:
    """Return words joined as people join them.

    Examples
    --------
    >>> alternatives(["a", "b", "c"])
    'a, b or c'
    """
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def nearest(word: str, known: Iterable[str], count: int = 3) -> str:
    """Return a tail for an error message that names what `word` may have meant, or nothing.

    Examples
    --------
    >>> nearest("reflekt", ["reflect", "circular"])
    '; did you mean reflect?'
    """
    import difflib  # only a wrong word pays for it

    matches = difflib.get_close_matches(word[:LONGEST_QUOTE].lower(), list(known), n=count, cutoff=0.5)
    return f"; did you mean {alternatives(matches)}?" if matches else ""


def quoted(value: object) -> str:
    r"""Return a value as a message repeats it: in quotes if it is text, and cut where it is long.

    Bytes of an argument or a file name that are no text, which Python holds as lone surrogates, appear as bytes.

    Examples
    --------
    >>> quoted("gausian")
    "'gausian'"
    >>> print(quoted("caf\udce9"))
    'caf\xe9'
    """
    # cut twice: before, so that the whole is not escaped, and after, as an escape takes several characters
    whole = repr(value[: LONGEST_QUOTE + 1] if isinstance(value, str) else value)
    shown = _STRAY_BYTE.sub(r"\\x\1", whole)
    return shown if len(shown) <= LONGEST_QUOTE + 2 else f"{shown[: LONGEST_QUOTE - 2]}...{shown[-1]}"


def readable(path: object) -> str:
    r"""Return a file's name as it is, or in quotes and with escapes if it holds what cannot be printed.

    Examples
    --------
    >>> readable("a b.npy"), readable("a\nb.npy")
    ('a b.npy', "'a\\nb.npy'")
    """
    text = str(path)
    return text if text.isprintable() else _STRAY_BYTE.sub(r"\\x\1", ascii(text))
