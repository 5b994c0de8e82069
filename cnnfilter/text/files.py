"""Text files as editors, spreadsheets and the shells of Windows write them."""

from __future__ import annotations

import codecs


def without_mark(data: bytes) -> bytes:
    r"""A text as UTF-8 without a byte order mark; one that such a mark calls UTF-16 is converted.

    Raises
    ------
    UnicodeDecodeError
        If a text that begins as UTF-16 is not.

    Examples
    --------
    >>> without_mark("\ufeffa\r\n".encode("utf-16-le"))
    b'a\r\n'
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16").encode()
    return data.removeprefix(codecs.BOM_UTF8)


def decoded(data: bytes) -> str:
    """A text in UTF-8, or in UTF-16 behind a byte order mark.

    Raises
    ------
    UnicodeDecodeError
        If it is neither.
    """
    return without_mark(data).decode()
