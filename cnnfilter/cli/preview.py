"""Pictures on the terminal of standard output: as it draws them, or in half blocks."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from cnnfilter.cli import render, terminal
from cnnfilter.errors import CnnfilterError, PictureError
from cnnfilter.messages import why_no_file

if TYPE_CHECKING:
    from cnnfilter.addresses.address import Where
    from cnnfilter.imaging.arrays import Uint8Array
    from cnnfilter.imaging.picture import Picture

LEFT = 2
"""Lines of the terminal that a picture leaves to the message above and the prompt below it."""
MOST_CELLS = 256
"""Rows and columns of cells that textual-image can name."""
PLACE = "\x1b_Ga=p,"
"""Begins in kitty's protocol what puts a picture, which has been sent, to a place."""
COLOUR = re.compile(r"#(\d+);2;\d+;\d+;\d+")
"""Says in sixel what a colour is. Some terminals, xterm 379 for one, draw in it only where its number alone follows."""


class Preview:
    """What shows pictures on a terminal, once it has said how it draws them.

    Parameters
    ----------
    stream : text stream
        Standard output, where that is a terminal. If that is closed while pictures are shown, they are not any more.
    """

    def __init__(self, stream: TextIO) -> None:
        from importlib.util import find_spec

        self.graphics = terminal.graphics(stream) if find_spec("textual_image") else None
        self.stream: TextIO | None = stream

    def show_file(self, path: Where, max_pixels: int) -> None:
        """Show the first picture in a file that was written, or say why not."""
        from cnnfilter.imaging.reading import read

        try:
            if isinstance(path, Path) and (reason := why_no_file(path)):  # a pipe would be waited for
                raise PictureError(reason)
            self.show(read(path, frame=0, max_pixels=max_pixels))
        except CnnfilterError as error:
            render.warning(f"{path} is not shown: {error}")

    def show(self, picture: Picture) -> None:
        """Show a picture as large as it fits, and its pixels no larger than a column.

        Raises
        ------
        ShapeError
            If it is of floats, and neither of one map nor of three.
        """
        if self.stream is None:
            return
        text = _drawn(picture, self.graphics, self.stream.encoding)
        messages: list[str] = []  # of threads, which would be read as part of the picture
        try:
            with terminal.drawing(self.stream), render.messages_to(messages.append):
                render.out("", text)
        except OSError:  # the work goes on
            render.silence(self.stream)
            self.stream = None
        for message in messages:
            render.message(message)


def _drawn(picture: Picture, graphics: terminal.Graphics | None, encoding: str) -> str:
    """What makes a terminal draw a picture."""
    import shutil

    from rich.console import Console

    from cnnfilter.imaging.preview import fitted

    columns, lines = shutil.get_terminal_size()
    lines = max(1, lines - LEFT)
    written = io.StringIO()
    if graphics is None:
        from cnnfilter.cli.blocks import blocks

        console = Console(file=written, width=columns, force_terminal=True)
        shown = blocks(fitted(picture, (2 * lines, columns), 1), console, encoding)
        console.print(shown, end="", crop=False)
        return written.getvalue()
    height, width = graphics.cell
    pixels = fitted(picture, (min(lines, MOST_CELLS) * height, min(columns, MOST_CELLS) * width), width)
    return _by_textual_image(pixels, graphics)


def _by_textual_image(pixels: Uint8Array, graphics: terminal.Graphics) -> str:
    """What textual-image writes of a picture, mended where not all terminals that say that they draw one take it.

    It is on whole cells, whose rest has the colour of the ground.
    """
    import numpy as np
    from PIL import Image
    from rich.console import Console

    lines, columns = (int(-(-size // cell)) for size, cell in zip(pixels.shape[:2], graphics.cell, strict=True))
    cells = np.full((lines * graphics.cell[0], columns * graphics.cell[1], 3), graphics.ground, np.uint8)
    cells[: pixels.shape[0], : pixels.shape[1]] = pixels
    written = io.StringIO()
    console = Console(file=written, width=columns, force_terminal=True)
    with _taken_for_terminal(written, graphics.cell):
        from textual_image.renderable import SixelImage, TGPImage

        image = {"kitty": TGPImage, "sixel": SixelImage}[graphics.way](Image.fromarray(cells), columns, lines)
        console.print(image, end="", crop=False)
    text = written.getvalue()
    if graphics.way == "sixel":
        return COLOUR.sub(r"\g<0>#\1", text)
    # it puts pictures behind characters, which kitty knows since 0.28, and others that know its protocol do not
    sent = text.partition(PLACE)[0]
    here = f"{PLACE}i={image.terminal_image_id},c={columns},r={lines},q=2\x1b\\"
    return "\n" * lines + f"\x1b[{lines}A\x1b7{sent}{here}\x1b8\x1b[{lines}B"


@contextlib.contextmanager
def _taken_for_terminal(stream: TextIO, cell: tuple[int, int]) -> Iterator[None]:
    """Let textual-image take a stream for the terminal, which it writes to past Rich.

    It would ask the real one when it loads, waiting for what it may be told on standard input; this is none that it
    asks, and the size of its cells is where it looks for that of a browser's.
    """
    os.environ.update(TEXTUAL_CELL_HEIGHT=str(cell[0]), TEXTUAL_CELL_WIDTH=str(cell[1]))
    real = sys.__stdout__
    sys.__stdout__ = stream  # type: ignore[misc, assignment]  # final to a type checker; any text stream will do
    try:
        yield
    finally:
        sys.__stdout__ = real  # type: ignore[misc]  # as above
