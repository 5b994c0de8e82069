"""What a file that takes another's place takes over from it, beside its permissions: owner and extended attributes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cnnfilter.messages import alternatives, readable


def take_over(descriptor: int, replaced: Path, *, private: bool = False) -> tuple[str, ...]:
    """Give an open file the owner, the group and the extended attributes of the one that it is to replace.

    Windows has other owners, and Python reaches extended attributes on Linux alone.

    Parameters
    ----------
    descriptor : int
        Of the new file.
    replaced : Path
        The old one; if it is none, nothing is done.
    private : bool
        Whether attributes that programs of the user's made are left out: where a file was downloaded from is one.

    Returns
    -------
    tuple of str
        A note on what the system did not allow, if anything.
    """
    try:
        old = os.stat(replaced, follow_symlinks=False)  # noqa: PTH116  (as the calls below)
    except OSError:
        return ()
    if not stat.S_ISREG(old.st_mode):
        return ()
    lost = [*_owner(descriptor, old), *_attributes(descriptor, replaced, private=private)]
    return (f"not kept: its {alternatives(lost, 'and')}",) if lost else ()


def _owner(descriptor: int, old: os.stat_result) -> list[str]:
    if not hasattr(os, "fchown"):
        return []
    new = os.fstat(descriptor)
    lost = []
    for name, user, group in (("group", -1, old.st_gid), ("owner", old.st_uid, -1)):
        if (user in (-1, new.st_uid)) and (group in (-1, new.st_gid)):
            continue
        try:
            os.fchown(descriptor, user, group)
        except OSError:  # only root gives files away
            lost.append(name)
    return lost


def _attributes(descriptor: int, replaced: Path, *, private: bool) -> list[str]:
    if not hasattr(os, "listxattr"):
        return []
    try:
        names = os.listxattr(replaced, follow_symlinks=False)
    except OSError:  # a file system without any
        return []
    lost = []
    for name in names:
        if private and name.startswith("user."):
            continue
        try:
            os.setxattr(descriptor, name, os.getxattr(replaced, name, follow_symlinks=False))
        except OSError:
            lost.append(f"extended attribute {readable(name)}")
    return lost
