"""Several pictures in one file: the pages of a TIFF, or the frames of an animation with their timing.

A frame is written whole, as viewers show it; what of it needs to be stored, the encoder finds out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from cnnfilter.errors import PictureError
from cnnfilter.imaging import stored
from cnnfilter.imaging.formats import described
from cnnfilter.imaging.formats import why_not as why_no_picture
from cnnfilter.imaging.picture import PALETTE, Picture

SEVERAL = ("TIFF", "GIF", "PNG", "WEBP", "AVIF")
"""The formats that hold several pictures."""

_USUAL = 100.0
"""Milliseconds for which viewers show a frame that has no time of its own."""
_HUNDREDTH = 10
"""What a GIF counts time in, in milliseconds."""


def why_not(format: str, picture: Picture) -> str | None:
    """Why an animation cannot hold a picture; None if it can, a GIF in the colours that it has."""
    if picture.pixels.dtype != np.uint8:
        return f"an animation cannot hold {described(picture)}: write .tif, or each to a file with {{frame}} in -o"
    if format != "GIF":
        return why_no_picture(format, picture)
    if picture.alpha is not None and not np.isin(picture.alpha, (0, 255)).all():
        return "GIF cannot hold what is half transparent: write PNG, or drop it with --alpha drop"
    return None


def parameters(format: str, pictures: Sequence[Picture]) -> dict[str, Any]:
    """Pillow's parameters of the timing of frames, the first of which has how often they are played."""
    timings = [picture.stored.timing for picture in pictures]
    durations = [timing.duration if timing and timing.duration else _USUAL for timing in timings]
    if format == "GIF":
        durations = [max(1, round(duration / _HUNDREDTH)) * _HUNDREDTH for duration in durations]
    plays = timings[0].plays if timings[0] else 0
    found: dict[str, Any] = {"save_all": True, "duration": [round(duration) for duration in durations]}
    if format == "GIF":
        found["disposal"] = 2  # what is transparent shows nothing of the frame before
        plays = plays - 1 if plays else 0  # a GIF counts repetitions, and without their number there are none
        return found | ({"loop": plays} if plays or not (timings[0] and timings[0].plays) else {})
    return found | ({} if format == "AVIF" else {"loop": plays})


def matched(format: str, images: Sequence[Image.Image], notes: list[str]) -> list[Image.Image]:
    """Images of one mode, as an animation needs them; those of a GIF in the colours that it has."""
    if len({image.size for image in images}) > 1:
        msg = "pages of several sizes make no animation: write .tif, or each to a file with {frame} in -o"
        raise PictureError(msg)
    if format == "GIF":
        paletted = [in_palette(image) for image in images]
        if any(image.mode != "P" for image in paletted):
            notes.append(f"a GIF has {PALETTE} colours a frame: the nearest are taken")
        return paletted
    modes = {image.mode for image in images}
    mode = modes.pop() if len(modes) == 1 else "RGBA" if any("A" in mode for mode in modes) else "RGB"
    return [image if image.mode == mode else image.convert(mode) for image in images]


def in_palette(image: Image.Image) -> Image.Image:
    """An image for a GIF in exactly its colours, or as it is if they are too many."""
    samples = np.array(image.convert("RGBA"))
    samples[samples[..., 3] == 0] = 0  # one transparent colour
    exact = stored.with_palette(samples[..., :3], samples[..., 3])
    if exact is None:
        return image
    covers = exact.info.pop("transparency")
    if 0 in covers:
        exact.info["transparency"] = covers.index(0)
    return exact
