"""What a name can mean that somebody gave, of an input or of an output, and how it is taken apart."""

from __future__ import annotations

import functools
import os
import re
from pathlib import Path

from cnnfilter.addresses.address import Address, Where, is_address, shown, wrong_address
from cnnfilter.addresses.schemes import SCHEMES
from cnnfilter.errors import OutputError
from cnnfilter.messages import alternatives, nearest, quoted, readable

STREAM = "-"
"""Standard input, or standard output. A file of that name is `./-`."""
NAME_BYTES = 255
"""The longest name that the usual file systems hold."""
KEY_BYTES = 1024
"""The longest key that buckets have."""
PATH_BYTES = 4095
"""The longest path that Linux takes; other systems take less."""
FIELDS = ("name", "kernel", "ext", "dir", "frame")
"""What may stand in braces in a template."""
EACH_FRAME = "\0"
"""What stands in names for the number of each frame, until there is one: no name has it."""
APART = "{dir}/{name}-{kernel}.{ext}"
"""The template that puts each output beside its input."""
SEPARATORS = tuple(filter(None, (os.sep, os.altsep)))

PARTS = r"(\{\{|\}\}|\{[^{}]*\})"
"""What splits a template at its fields and at braces that are written twice."""
_USUAL = re.compile(rf"(?:{'|'.join(SCHEMES)})://\w[\w.-]{{0,200}}\w/[\w ./-]{{1,500}}")
"""What is an address that nobody refuses, as most are: a closer look takes four times as long."""
_NO_FOLDERS = re.compile(r"((?<=/)\.\.?(?=/|$)|//)")
_ABOVE = re.compile(r"(?<=/)(\.\.)(?=/|$)")
"""Parts of an address that are no folder's name, and that which leads out of one."""
_HARMLESS = re.compile(r"[\w ./-]{1,1000}")
"""What may stand behind the bucket of an address without a closer look, which takes ten times as long."""


def wrong_input(name: str) -> str | None:
    """Why the name of an input can name none, or None."""
    if "://" in name and _USUAL.fullmatch(name):
        return None
    if reason := _wrong_name(name):
        return reason
    if "://" in name and is_address(name):
        return _wrong_address(name)
    if name.endswith(SEPARATORS) and os.path.isfile(Path(name)):  # noqa: PTH113  (never raises)
        return f"{quoted(name)} ends in {name[-1]} like a folder, but is a file; leave that out"
    return None


def wrong_output(output: str) -> str | None:
    """Why the name of an output can name none, or None."""
    if reason := _wrong_name(output):
        return reason
    if is_address(output):
        if reason := _wrong_address(output) or _wrong_key(output, _NO_FOLDERS):
            return reason
        scheme = output.partition("://")[0].lower()
        if not SCHEMES[scheme].writes:
            return f"{scheme}:// is only read: name a folder of this machine, or a bucket, with -o"
    elif is_folder(Path(output)):
        return None
    for part in re.split(PARTS, output)[1::2]:
        field = part[1:-1]
        if part not in ("{{", "}}") and field not in FIELDS:
            known = ", ".join(f"{{{each}}}" for each in FIELDS)
            return (
                f"unknown field {part:.60} in -o{nearest(field, FIELDS)} (known: {known}; a brace itself is written "
                "{{ or }})"
            )
    return None


def _wrong_name(name: str) -> str | None:
    if not name:
        return "a file name is empty"
    return f"the name {quoted(name)} holds a NUL, which no file's does" if "\0" in name else None


def _wrong_address(name: str) -> str | None:
    reason = refused(name)
    return f"the address {readable(shown(name))}: {reason}" if reason else None


def _wrong_key(name: str, strange: re.Pattern[str]) -> str | None:
    """Why the address of an output is refused that a bucket takes and no disk, for what is strange in it."""
    found = strange.search(name, name.find("://") + 3)
    if found is None or SCHEMES[name.partition("://")[0].lower()].is_of_host:
        return None
    return f"the address {readable(shown(name))}: {quoted(found[1])} in it can be no folder's name; leave that out"


def refused(name: str) -> str | None:
    """Why an address is refused, as `wrong_address` tells of any; of most in a tenth of the time."""
    start = name.find("/", name.find("://") + 3)
    is_harmless = start > 0 and _HARMLESS.fullmatch(name, start)
    return _wrong_start(name[: start + 1]) if is_harmless else wrong_address(name)


@functools.lru_cache
def _wrong_start(start: str) -> str | None:
    return wrong_address(f"{start}x")


def impossible(name: str) -> str | None:
    """What is said of a name that no output can have, for its length or what it holds; or None."""
    if "://" in name and len(name) <= KEY_BYTES // 4 and "/.." not in name and _USUAL.fullmatch(name):
        return None
    if "://" in name and is_address(name):
        reason = _wrong_address(name) or ("/.." in name and _wrong_key(name, _ABOVE)) or None
        is_long = not reason and len(name) > KEY_BYTES // 4 and len(Address(name).path.encode()) > KEY_BYTES
        return f"the name {quoted(shown(name))} is too long" if is_long else reason
    if 4 * len(name) <= NAME_BYTES or len(os.fsencode(name)) <= NAME_BYTES:
        return None
    part = next((part for part in Path(name).parts if len(os.fsencode(part)) > NAME_BYTES), None)
    if part is None and len(os.fsencode(name)) <= PATH_BYTES:
        return None
    return f"the name {quoted(part or name)} is too long"


def is_folder(path: Where) -> bool:
    """Whether a path is a folder; one that cannot be one, as it is too long, is none.

    Raises
    ------
    OutputError
        If an address does not tell.
    """
    try:
        return path.is_dir()
    except OSError as error:
        if isinstance(path, Path) or isinstance(error, PermissionError):  # a bucket that may not be listed
            return False
        msg = f"cannot look at '{path}': {error.strerror}"
        raise OutputError(msg) from error


def where_of(name: str) -> Where:
    """Where a file of some name is, which nobody has anything against: see `wrong_input`."""
    return Address(normal(name)) if is_address(name) else Path(name)


def normal(name: str) -> str:
    """A name as a `Path` or an `Address` has it; most are so already, which takes a tenth of the time to see."""
    if "://" in name and is_address(name):
        scheme = name[: name.find(":")]
        return name if scheme.islower() else scheme.lower() + name[len(scheme) :]
    if os.sep == "/" and "//" not in name and "/." not in name and name[:2] != "./" and name[-1:] not in "/.":
        return name
    return str(Path(name))


def parted(name: str) -> tuple[str, str]:
    """The folder of a file, with the separator behind it, and what the file is called in it."""
    if "://" in name and (name.startswith("http") or name.count("/") < 3):  # it has a query, perhaps, or no name
        address = Address(name)
        return f"{address.parent.text.rstrip('/')}/", address.name
    base = name[name.rfind("/") + 1 :] if os.sep == "/" or "://" in name else os.path.basename(name)  # noqa: PTH119  (a path takes longer)
    return name[: len(name) - len(base)], base


def taken_apart(name: str) -> tuple[str, str, str]:
    """The parts of an input's name: its folder and the separator behind that, its stem, its suffix.

    Examples
    --------
    >>> taken_apart("a//b.tar.gz"), taken_apart(".png"), taken_apart("-")
    (('a/', 'b.tar', '.gz'), ('', '.png', ''), ('', 'stdin', '.png'))
    """
    if name == STREAM:
        return "", "stdin", ".png"
    folder, base = parted(normal(name))
    dot = base.rfind(".")
    return (folder, base[:dot], base[dot:]) if 0 < dot < len(base) - 1 else (folder, base, "")


def fields_of(output: str) -> list[str]:
    """The fields of a template, with their braces; none of any other name."""
    return [part for part in re.split(PARTS, output)[1::2] if part not in ("{{", "}}")]


def base_of(output: str) -> str:
    """The folder that a template names before any field; any other name as it is.

    Examples
    --------
    >>> base_of("out/{name}/{kernel}.png"), base_of("{dir}/x.png"), base_of("out/")
    ('out', '.', 'out/')
    """
    fields = fields_of(output)
    if not fields:
        return output
    return os.path.dirname(plain(output.partition(fields[0])[0])) or "."  # noqa: PTH120  (it may be the root)


def plain(text: str) -> str:
    """A name without fields, whose braces are written twice, as it is meant."""
    return text.replace("{{", "{").replace("}}", "}")


def doubled(name: str) -> str:
    """A name as it stands in a template: `plain` turned round."""
    return name.replace("{", "{{").replace("}", "}}")


def listed(names: list[str], most: int = 5) -> str:
    """Names as a sentence has them, no more than some of them."""
    shown = [f"'{name}'" for name in names]
    if len(shown) > most:
        shown = [*shown[: most - 1], f"{len(shown) - most + 1} more"]
    return alternatives(shown, "and")
