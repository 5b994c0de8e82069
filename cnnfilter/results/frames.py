"""All frames of a file, each with its result: in a file of its own, or together in one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import InitVar, dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from cnnfilter.errors import PictureError
from cnnfilter.imaging.animation import SEVERAL
from cnnfilter.imaging.encoding import encode_frames
from cnnfilter.results.saving import Encoded, Ready
from cnnfilter.results.task import Result, Task

if TYPE_CHECKING:
    from cnnfilter.imaging.picture import Picture, Timing
    from cnnfilter.network.plan import Row


@dataclass
class FrameResults:
    """The results of frames, each made when it is asked for.

    Parameters
    ----------
    first : Picture
    pictures : iterator of Picture
        The others.
    task : Task
        Makes a picture's result.
    threads : int, optional
        How many that may use.
    apart : bool
        Whether each goes to a file of its own.
    """

    first: InitVar[Picture]
    pictures: Iterator[Picture]
    task: Task
    threads: int | None
    apart: bool

    vector: ClassVar[None] = None  # those of frames are written, not told

    def __post_init__(self, first: Picture) -> None:
        self._frames = first.frames
        self._timing = first.stored.timing
        self._first = self.task.transform(first, self.threads)
        self.notes: tuple[str, ...] = self._first.notes
        self.rows: tuple[Row, ...] = self._first.rows
        self.format = self._first.format
        self.count = self._frames if self.apart else None

    def files(self, format: str) -> Iterator[Encoded]:
        """Encode each frame as it is made, or all together.

        Raises
        ------
        PictureError
            If the format holds one picture only, and all would go to one file.
        """
        if self.apart:
            return self._each(format)
        if self._frames == 1:
            return self._first.files(format)
        if format not in SEVERAL:
            msg = (
                f"{format} holds one picture, and there are {self._frames}: put {{frame}} into the name, such as "
                "-o '{name}-{frame}.{ext}', or write .tif, .gif, .webp, .png or .avif"
            )
            raise PictureError(msg)
        return self._together(format)

    def _results(self) -> Iterator[tuple[Timing | None, Result]]:
        yield self._timing, self._first
        del self._first  # of one frame at a time
        for picture in self.pictures:
            timing, result = picture.stored.timing, self.task.transform(picture, self.threads)
            del picture
            yield timing, result

    def _each(self, format: str) -> Iterator[Encoded]:
        for _, result in self._results():
            for file in result.files(format):
                yield file._replace(notes=(*result.notes, *file.notes))

    def drawn(self, format: str) -> Iterator[Ready]:
        """The pictures of all frames, with their timing.

        Raises
        ------
        PictureError
            If the numbers are written as they are.
        """
        for timing, result in self._results():
            drawn = result.drawn(format)
            if drawn is None:
                msg = "maps that make no picture cannot be frames: put {frame} into the name of the output"
                raise PictureError(msg)
            for ready in drawn:
                picture = replace(ready.picture, stored=ready.picture.stored._replace(timing=timing))
                yield ready._replace(picture=picture, notes=(*result.notes, *ready.notes))

    def _together(self, format: str) -> Iterator[Encoded]:
        notes: list[str] = []
        clipped: list[float] = []

        def pictures() -> Iterator[Picture]:
            for ready in frames:
                notes.extend(ready.notes)
                clipped.extend([] if ready.clipped is None else [ready.clipped])
                yield ready.picture

        frames = self.drawn(format)
        first = next(frames)
        saving, size = first.saving, first.picture.pixels.shape[1::-1]  # the options that count are the first's
        frames = itertools.chain([first], frames)
        del first
        is_lost = format == "TIFF" and self._timing is not None
        more = ["a TIFF has no timing: that of the frames is left out"] * is_lost
        data = encode_frames(pictures(), format, options=saving.options, strip=saving.strip, notes=more)
        mean = sum(clipped) / len(clipped) if clipped else None
        yield Encoded(data, size, tuple(dict.fromkeys(notes + more)), mean, self._frames)
