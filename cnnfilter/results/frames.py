"""All frames of a file, each with its result: in a file of its own, or together in one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import InitVar, dataclass, replace
from typing import TYPE_CHECKING, Any

from cnnfilter.errors import PictureError
from cnnfilter.imaging.animation import SEVERAL
from cnnfilter.imaging.encoding import encode_frames
from cnnfilter.results.pictures import Encoded, Rendered, Result, Saving

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
    transform : callable
        Makes a picture's result.
    apart : bool
        Whether each goes to a file of its own.
    """

    first: InitVar[Picture]
    pictures: Iterator[Picture]
    transform: Callable[[Picture], Result]
    apart: bool

    def __post_init__(self, first: Picture) -> None:
        self.count = first.frames
        self._timing = first.stored.timing
        self._first = self.transform(first)
        self.notes: tuple[str, ...] = self._first.notes
        self.rows: tuple[Row, ...] = self._first.rows

    @property
    def vector(self) -> None:
        """Vectors of frames are written, not told."""
        return

    def render(self, asked: str | None, saving: Saving) -> Rendered:
        """Choose the format of all as for the first, and encode.

        Raises
        ------
        PictureError
            If the format holds one picture only, and all would go to one file.
        """
        first = self._first.render(asked, saving)
        format = first.format
        if self.apart:
            return Rendered(format, self.count, self._each(format, saving))
        if self.count == 1:
            return first
        if format not in SEVERAL:
            msg = (
                f"{format} holds one picture, and there are {self.count}: put {{frame}} into the name, such as "
                "-o '{name}-{frame}.{ext}', or write .tif, .gif, .webp, .png or .avif"
            )
            raise PictureError(msg)
        return Rendered(format, None, self._together(format, saving))

    def _results(self) -> Iterator[tuple[Timing | None, Result]]:
        yield self._timing, self._first
        del self._first  # of one frame at a time
        for picture in self.pictures:
            timing, result = picture.stored.timing, self.transform(picture)
            del picture
            yield timing, result

    def _each(self, format: str, saving: Saving) -> Iterator[Encoded]:
        for _, result in self._results():
            for file in result.render(format, saving).files:
                yield file._replace(notes=(*result.notes, *file.notes))

    def _together(self, format: str, saving: Saving) -> Iterator[Encoded]:
        shown: list[Encoded] = []
        taken: list[Picture] = []
        options: dict[str, str] = {}

        def take(picture: Picture, format: str, **how: Any) -> bytes:
            taken.append(picture)
            options.update(how["options"])
            return b""

        def pictures() -> Iterator[Picture]:
            for timing, result in self._results():
                (file,) = result.render(format, replace(saving, encode=take)).files
                if not taken:
                    msg = "maps that make no picture cannot be frames: put {frame} into the name of the output"
                    raise PictureError(msg)
                shown.append(file._replace(data=b"", notes=(*result.notes, *file.notes)))
                picture = taken.pop()
                yield replace(picture, stored=picture.stored._replace(timing=timing))

        frames = pictures()
        first = next(frames)  # which tells the options that count
        notes: list[str] = []
        if format == "TIFF" and self._timing is not None:
            notes.append("a TIFF has no timing: that of the frames is left out")
        frames = itertools.chain([first], frames)
        del first
        data = encode_frames(frames, format, options=options, strip=saving.strip, notes=notes)
        notes = [note for file in shown for note in file.notes] + notes
        clipped = [file.clipped for file in shown if file.clipped is not None]
        mean = sum(clipped) / len(clipped) if clipped else None
        yield Encoded(data, shown[0].size, tuple(dict.fromkeys(notes)), mean, len(shown))
