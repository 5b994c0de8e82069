"""Colours that are neither grey nor RGB, on their way to sRGB."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

CONVERTED = ("CMYK", "LAB")
"""Pillow's modes of these."""

Convert = Callable[["Image"], "Image"]


def to_srgb(image: Image, notes: list[str]) -> Convert | None:
    """How an image becomes sRGB as in viewers, perceptually; None if it is grey or RGB, or by Pillow's formula alone.

    Parameters
    ----------
    image : PIL.Image.Image
        One of CMYK, whose profile decides what its inks look like, or of LAB, which needs none; else nothing happens.
    notes : list of str
        Is told what a person should know. Only the formula is left for CMYK without a profile that is one of CMYK, and
        to a Pillow without its library for profiles.
    """
    mode, icc = image.mode, image.info.get("icc_profile")
    if mode not in CONVERTED:
        return None
    from PIL import ImageCms

    try:
        profile: Any = io.BytesIO(icc or b"") if mode == "CMYK" else ImageCms.createProfile(mode)  # type: ignore[arg-type]
        srgb: Any = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(profile, srgb, mode, "RGB")
    except (ImageCms.PyCMSError, ImportError):
        notes.append(f"its {mode} became RGB by a plain formula, as it has no profile of {mode}: colours are a guess")
        return None
    notes.append(f"its {mode} became sRGB" + " through its profile" * (mode == "CMYK"))
    return transform.apply
