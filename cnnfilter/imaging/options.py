"""The save options of each format: `--save-option KEY=VALUE`, read and checked before Pillow sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cnnfilter.errors import ArgumentError
from cnnfilter.messages import nearest, quoted

KEEP = "keep"
"""The value of save options that take over what a JPEG had."""
DEFLATE = "tiff_adobe_deflate"
"""Pillow's name of TIFF's usual compression."""


class Option(NamedTuple):
    """One save option: what it takes, in words, how its text is read (ValueError if it cannot be); if it may `keep`."""

    takes: str
    read: Callable[[str], Any]
    keeps: bool = False


def _whole(low: int, high: int) -> Option:
    def read(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise ValueError
        return number

    return Option(f"a whole number from {low} to {high}", read)


def _words(**meaning: Any) -> Option:
    names = {word.replace("_", ":").strip(":"): value for word, value in meaning.items()}

    def read(text: str) -> Any:
        if text.lower() not in names:
            raise ValueError
        return names[text.lower()]

    return Option("one of " + ", ".join(names), read)


def _rates(text: str) -> list[float]:
    rates = [float(part) for part in text.split("+")]
    if not all(0 < rate < 1e6 for rate in rates):
        raise ValueError
    return rates


_SWITCH = _words(true=True, false=False, yes=True, no=False, on=True, off=False)


def _or_keep(option: Option) -> Option:
    def read(text: str) -> Any:
        return KEEP if text == KEEP else option.read(text)

    return Option(f"{option.takes} or {KEEP}", read, keeps=True)


_QUALITY = _whole(1, 100)
_SUBSAMPLING = _words(_4_4_4="4:4:4", _4_2_2="4:2:2", _4_2_0="4:2:0")

OPTIONS: Mapping[str, Mapping[str, Option]] = {
    "PNG": {"compress_level": _whole(0, 9), "compress_type": _whole(0, 4), "optimize": _SWITCH},
    "JPEG": {
        "quality": _or_keep(_QUALITY),
        "subsampling": _or_keep(_SUBSAMPLING),
        "progressive": _SWITCH,
        "optimize": _SWITCH,
        "smooth": _whole(0, 100),
    },
    "TIFF": {
        "compression": _words(
            none="raw", lzw="tiff_lzw", deflate=DEFLATE, packbits="packbits", zstd="zstd", lzma="lzma", jpeg="jpeg"
        ),
        "quality": _QUALITY,
        "big_tiff": _SWITCH,
    },
    "WEBP": {
        "quality": _whole(0, 100),
        "lossless": _SWITCH,
        "method": _whole(0, 6),
        "alpha_quality": _whole(0, 100),
        "exact": _SWITCH,
    },
    "GIF": {"optimize": _SWITCH, "interlace": _SWITCH},
    "TGA": {"compression": _words(none=None, rle="tga_rle")},
    "AVIF": {
        "quality": _whole(0, 100),
        "subsampling": _SUBSAMPLING,
        "speed": _whole(0, 10),
        "range": _words(full="full", limited="limited"),
    },
    "JPEG2000": {
        "irreversible": _SWITCH,
        "quality_mode": _words(rates="rates", db="dB"),
        "quality_layers": Option("numbers joined by +", _rates),
        "num_resolutions": _whole(1, 33),
    },
}
"""Pillow's parameters that a person may set, by format; the others have none."""


def applicable(format: str, options: Mapping[str, str]) -> dict[str, str]:
    """Those save options that a format has; to `keep` something is one of its own.

    Examples
    --------
    >>> applicable("PNG", {"quality": "75", "optimize": "yes"})
    {'optimize': 'yes'}
    """
    known = OPTIONS.get(format, {})
    return {key: text for key, text in options.items() if key in known and (text != KEEP or known[key].keeps)}


def read_options(format: str, options: Mapping[str, str]) -> dict[str, Any]:
    """Save options as Pillow takes them.

    Parameters
    ----------
    format : str
        A name out of `formats.FORMATS`, or `NPY`.
    options : mapping of str to str
        As a person gives them.

    Returns
    -------
    dict
        Pillow's parameters.

    Raises
    ------
    ArgumentError
        If the format has no such option, or not with such a value.

    Examples
    --------
    >>> read_options("JPEG", {"quality": "75", "progressive": "yes"})
    {'quality': 75, 'progressive': True}
    """
    known = OPTIONS.get(format, {})
    parsed = {}
    for key, text in options.items():
        if key not in known:
            tail = f"has: {', '.join(known)}" if known else "has none"
            msg = f"{format} has no save option {quoted(key)}{nearest(key, known)} ({tail})"
            raise ArgumentError(msg)
        try:
            parsed[key] = known[key].read(text.strip())
        except ValueError:
            msg = f"save option {key} of {format} takes {known[key].takes}, not {quoted(text)}"
            raise ArgumentError(msg) from None
    return parsed
