"""What is set for a process as a whole: its libraries before they load, and the garbage collector."""

from __future__ import annotations

import gc
import os

from cnnfilter.runtime.tricks import uses

BLOCKS = min(2 * max(2, os.cpu_count() or 1), 8)
"""How many large blocks of memory are kept: a source and a result for each of a few workers of a batch."""


def set_libraries() -> None:
    """Set what libraries read from the environment once, unless the person has.

    Nothing here multiplies matrices with NumPy, whose BLAS would start a thread for each core all the same: without
    this, filtering a small picture takes 1.29 times as much of the processors.

    Pictures and results up to 16 megapixels of colour lie in single blocks of Pillow's memory, which filters share (see
    `pillow`), and which go from one picture to the next. Given back and asked for again, their pages are cleared
    anew: a folder of JPEGs of 12 megapixels takes 1.26 times as much of the processors, and 427 MB instead of 289.
    """
    if uses("blas"):
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if uses("blocks"):
        os.environ.setdefault("PILLOW_BLOCK_SIZE", "64m")
        os.environ.setdefault("PILLOW_BLOCKS_MAX", str(BLOCKS))


def put_off_garbage() -> None:
    """Collect nothing from now on, until `collect_garbage`.

    What a program loads it keeps until it ends. Looking through all that for garbage while it loads, and twice more
    when Python ends, makes filtering a small picture take 1.26 times as long.
    """
    if uses("garbage"):
        gc.disable()


def collect_garbage() -> None:
    """Collect what is made from now on; does nothing if collecting was not put off."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def leave_garbage() -> None:
    """Leave all that there is to the system, which takes the process's memory back at once."""
    if uses("garbage"):
        gc.freeze()
