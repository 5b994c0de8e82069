"""What exists for speed or memory alone, and how to run without it: `CNNFILTER_WITHOUT=buffers,store cnnfilter ...`.

What each gains is told where it is written, as measured on two cores of an EPYC. One that gains less than 5% goes.
"""

from __future__ import annotations

import os

from cnnfilter.errors import ArgumentError

VARIABLE = "CNNFILTER_WITHOUT"
"""The environment variable that names those to run without."""

TRICKS = {
    "blas": "process: NumPy starts no threads",
    "blocks": "process: Pillow keeps large blocks of memory",
    "buffers": "buffers: memory of large arrays is kept",
    "calls": "learning.gradients.workspace: calls for batches of one size are laid out once",
    "files": "memory_files: JPEGs are encoded into files in memory",
    "garbage": "process: none is looked for while a process begins and ends",
    "helpers": "helpers: threads are kept",
    "packed": "pillow: pixels are copied as a PPM",
    "parts": "jit: what loops call is compiled with them",
    "pieces": "writing.pieces: files are written in pieces",
    "programs": "running.schedule: networks of small maps are laid out once",
    "shared": "pillow: pixels are filtered where Pillow has them",
    "store": "native: machine code is kept, and called without Numba",
}
"""Each one's name, with its file and what is done."""

WITHOUT = frozenset(filter(None, os.environ.get(VARIABLE, "").split(",")))


def uses(trick: str) -> bool:
    """Whether one of `TRICKS` is not left out."""
    return trick not in WITHOUT


def check() -> None:
    """Refuse names that are none of `TRICKS`.

    Raises
    ------
    ArgumentError
    """
    if unknown := WITHOUT.difference(TRICKS):
        msg = f"{VARIABLE}: there is no '{min(unknown)}'; known are {', '.join(TRICKS)}"
        raise ArgumentError(msg)
