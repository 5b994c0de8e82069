"""Animations for tests: a square that moves over a ground, or over nothing, and what files of them hold."""

import io

import numpy as np
from PIL import Image

from tests.command import PHOTO
from tests.picture_files import saved

GREY = PHOTO[..., 1].copy()
TIMES = [50, 100, 150, 200]
FORMATS = {"GIF": ".gif", "PNG": ".png", "WEBP": ".webp", "TIFF": ".tif"}


def moving(kind="solid"):
    """Frames of few colours in which a square moves over a ground, or over nothing."""
    frames = []
    for index in range(len(TIMES)):
        ground = [0, 0, 0, 0] if kind == "clear" else [9, 200, 30, 255]
        frame = np.full((20, 30, 4), ground, np.uint8)
        frame[5:12, 5 * index : 5 * index + 6] = [255, 60 * index, 0, 255]
        frames.append(frame if kind == "clear" else frame[..., :3] if kind == "solid" else frame[..., 1])
    return frames


def animation(format, kind="solid", **options):
    first, *others = map(Image.fromarray, moving(kind))
    options = {"duration": TIMES, "loop": 2, "disposal": 2 if format == "GIF" else 0} | options
    if format == "WEBP":
        options |= {"lossless": True}
    return saved(first, format, save_all=True, append_images=others, **options)


def opened(data):
    """Frames, durations and the loop of a file, as Pillow finds them."""
    image = Image.open(io.BytesIO(data))
    frames, times = [], []
    for index in range(image.n_frames):
        image.seek(index)
        frames.append(np.asarray(image.convert("RGBA")))
        times.append(image.info.get("duration"))
    return frames, times, image.info.get("loop")


def same(found, expected):
    """Whether two lists of frames show the same; what is transparent has no colour."""
    return all(
        (one[..., 3] == two[..., 3]).all() and (one[two[..., 3] > 0] == two[two[..., 3] > 0]).all()
        for one, two in zip(found, expected, strict=True)
    )


def whole(frames):
    return [np.asarray(Image.fromarray(frame).convert("RGBA")) for frame in frames]
