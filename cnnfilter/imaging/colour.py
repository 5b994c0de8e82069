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


def to_srgb(mode: str, icc: bytes | None) -> tuple[Convert | None, str]:
    """How images of a mode become sRGB, as viewers do it (perceptually), and what a person should know of that.

    Parameters
    ----------
    mode : str
        CMYK, whose profile decides what its inks look like, or LAB, which needs none.
    icc : bytes, optional
        The picture's profile.

    Returns
    -------
    convert : callable or None
        None where only Pillow's formula is left: of CMYK without a profile that is one of CMYK, or by a Pillow without
        its library for profiles.
    note : str
        One line.
    """
    guess = f"its {mode} became RGB by a plain formula, as it has no profile of {mode}: colours are a guess"
    if mode == "CMYK" and not icc:
        return None, guess
    from PIL import ImageCms

    try:
        profile: Any = io.BytesIO(icc or b"") if mode == "CMYK" else ImageCms.createProfile(mode)  # type: ignore[arg-type]
        srgb: Any = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(profile, srgb, mode, "RGB")
    except (ImageCms.PyCMSError, ImportError):
        return None, guess
    return transform.apply, f"its {mode} became sRGB" + " through its profile" * (mode == "CMYK")
