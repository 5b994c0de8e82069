"""What a person asks of the reading of a picture: which frames, how large they may be, and who waits for memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from cnnfilter.errors import PictureError
from cnnfilter.imaging.formats import DEFAULT_MAX_PIXELS
from cnnfilter.messages import either, show_bytes

if TYPE_CHECKING:
    from cnnfilter.imaging.picture import Stored

ALL = "all"
"""What stands for all frames of a file."""

HELD = 16
"""Bytes that a pixel of a frame takes until all are encoded: its image, what changed in it, and its encoded form.
Measured on frames of noise, the worst there is: 8 to 12, and 16 for AVIF."""

_PIXEL, _BESIDE = 16, 1 << 26
"""Bytes of a file for each pixel that a picture may have, floats with alpha, and for all beside the pixels."""


def most_bytes(max_pixels: int, max_bytes: int | None = None) -> int:
    """How many bytes of a file are kept or read at once, where that cannot be avoided."""
    return min(max_bytes or 1 << 62, _PIXEL * max_pixels + _BESIDE)


MOST = most_bytes(DEFAULT_MAX_PIXELS)

Need = tuple[int, int, int, int]
"""The bytes of memory that decoding a picture takes, and its height, width and channels."""

Admit = Callable[[int, int, int, int], None]
"""Is told height, width, channels and the bytes of memory that decoding takes, before it begins, and may wait."""


def at_once(height: int, width: int, channels: int, memory: int) -> None:
    """Admit a picture of any size."""


class Limits(NamedTuple):
    """What is asked for.

    Parameters
    ----------
    frame, max_pixels, depth, shared, admit
        As for `reading.read`; `frame` may be `ALL`.
    together : bool
        Whether what is made of all frames is held until the last is read.
    most : int
        Bytes of a file that are held at once.
    download : int, optional
        Bytes of a file at an address that are fetched at most; see `addresses.reading.fetch`.
    """

    frame: int | str | None = None
    max_pixels: int = DEFAULT_MAX_PIXELS
    depth: int | None = None
    shared: bool = False
    admit: Admit = at_once
    together: bool = False
    most: int = MOST
    download: int | None = None

    def wanted(self, frames: int) -> range:
        """Which of so many frames are read.

        Raises
        ------
        PictureError
            If there is none of the number that was asked for.
        """
        if self.frame == ALL:
            return range(frames)
        index = int(self.frame or 0)
        if index >= frames:
            msg = f"there is no frame {index}: the file has {frames}, counted from 0"
            raise PictureError(msg)
        return range(index, index + 1)

    def admit_all(self, needs: Iterable[Need]) -> None:
        """Admit pictures that are decoded one after another; of those that are kept, all are in memory in the end.

        Raises
        ------
        PictureError
            If one is too large.
        """
        largest: Need = (0, 0, 0, 0)
        held = 0
        for each in needs:
            memory, height, width, _ = each
            check_size((width, height), self.max_pixels, memory // max(width * height, 1))
            largest = max(largest, each)
            held += HELD * self.together * height * width
        memory, height, width, channels = largest
        self.admit(height, width, channels, memory + held)

    def notes(self, frames: int) -> list[str]:
        """A note if nobody chose one of several frames."""
        picks = either("--frame picks another, counted from 0, or all", "frame=N picks another, counted from 0")
        several = self.frame is None and frames > 1
        return [f"first of {frames} frames; {picks}"] * several

    def left_out(self, stored: Stored) -> list[str]:
        """A note on what of a file is neither read nor a frame, unless one was chosen."""
        if not stored.others or isinstance(self.frame, int):
            return []
        return [f"its {stored.others} {'are' if stored.others[:2] != '1 ' else 'is'} left out"]


ALL_FRAMES = Limits(ALL)


def check_size(size: tuple[int, int], max_pixels: int, bytes_per_pixel: int) -> None:
    """Refuse a picture of more pixels, telling the memory that it takes.

    Raises
    ------
    PictureError
        If it is larger.
    """
    width, height = size
    pixels = width * height
    if pixels > max_pixels:
        accepts = either(f"--max-pixels {pixels}", f"max_pixels={pixels}")
        msg = (
            f"{width}x{height} is {pixels:,} pixels, more than the limit of {max_pixels:,}; it takes about "
            f"{show_bytes(pixels * bytes_per_pixel)} of memory, and {accepts} accepts it"
        )
        raise PictureError(msg)
