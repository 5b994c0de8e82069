"""The garbage collector, kept out of the start and the end of the process.

What a program loads it keeps until it ends. Looking through all that for garbage while it loads, and twice more
when Python ends, took a sixth of the time of filtering a small picture.
"""

from __future__ import annotations

import gc


def put_off() -> None:
    """Collect nothing from now on, until `begin`."""
    gc.disable()


def begin() -> None:
    """Collect what is made from now on; does nothing if collecting was not put off."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def leave() -> None:
    """Leave all that there is to the system, which takes the process's memory back at once."""
    gc.freeze()
