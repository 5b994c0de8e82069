"""A picture as a screen shows it: in the room that there is, of 8 bits, and where it is transparent on chequers."""

from __future__ import annotations

import numpy as np
from PIL import Image

from cnnfilter.imaging.arrays import Uint8Array
from cnnfilter.imaging.picture import Picture
from cnnfilter.imaging.showing import seen

CHEQUERS = (102, 153)
"""The greys of the squares behind what is transparent."""


def fitted(picture: Picture, room: tuple[int, int], largest: int) -> Uint8Array:
    """The pixels of a picture as large as there is room for them.

    Parameters
    ----------
    picture : Picture
        One of floats is seen in the colours of `maps.map_picture`.
    room : pair of int
        Height and width, in pixels of the screen.
    largest : int
        Pixels of the screen to which the side of a pixel may grow; squares of chequers are twice as large.

    Returns
    -------
    ndarray of uint8, (H, W, 3)
        In the proportions of the picture, as far as whole pixels have them: each pixel a square, or each square the
        mean of what it covers. No side is without a pixel.

    Raises
    ------
    ShapeError
        If floats are neither one map nor three.
    """
    picture = seen(picture, eight_bits=True)
    height, width = picture.pixels.shape[:2]
    fit = min(room[0] / height, room[1] / width)
    scale = min(int(fit), largest) or fit
    size = max(1, round(width * scale)), max(1, round(height * scale))
    samples = picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    whole = Image.fromarray(np.ascontiguousarray(samples))
    image = whole.resize(size, Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX)
    if picture.alpha is not None:
        image = Image.alpha_composite(_chequers(size, 2 * largest), image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))


def _chequers(size: tuple[int, int], side: int) -> Image.Image:
    width, height = size
    places = np.add.outer(np.arange(height) // side, np.arange(width) // side)
    return Image.fromarray(np.array(CHEQUERS, np.uint8)[places % 2]).convert("RGBA")
