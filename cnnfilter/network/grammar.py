r"""The stage language: text to stages and back.

Stages are separated by `,`, the arguments of a stage by `:`. The first argument may stand bare, the others
are `key=value`, split at the first `=`::

    conv:sobel-x:stride=2:padding=same,relu,maxpool:2
    relu:as=x,conv:8@3x3:padding=1,relu,conv:8@3x3:padding=1,add:x

Each stage reads the one before. `as=NAME` names its result, and `from:NAME`, which is no stage itself, goes on from
there; `add`, `multiply` and `concat` take names joined by `+`. `in` is the network's input, `last` the stage before.

Names of stages and keys may have capitals, and those of stages hyphens and underscores: `ReLU` and `Max_Pool` are read
and are written `relu` and `maxpool`. A backslash before `,`, `:` or `+` takes the separator's meaning away; the colons
of a drive need none, nor those of an address up to its folder, `SCHEME://USER@HOST:PORT/`. The same text stands in
pipeline files, `@FILE`: one stage a line, `#` for comments, paths relative to the file. `READERS` has all the stages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnfilter.errors import ArgumentError, GrammarError
from cnnfilter.messages import readable, why_no_file
from cnnfilter.network.arguments import other_file
from cnnfilter.network.assembly import Assembly, Load
from cnnfilter.network.graph import Network
from cnnfilter.network.stages.text import Piece, split
from cnnfilter.text.files import decoded

if TYPE_CHECKING:
    from cnnfilter.addresses.address import Where

MAX_FILE = 1 << 20
"""The largest pipeline file, in bytes; a hundred stages take a few thousand."""


MAX_STAGES = 1000
"""The longest chain: twice what the deepest well-known networks have. Each stage takes its time at every pixel."""


def parse(text: str, *, base: Where | None = None, load: Load = lambda path: None, names_files: bool = True) -> Network:
    """Read a network.

    Parameters
    ----------
    text : str
        Such as `"conv:sobel-x,relu,maxpool:2"`, or `"@FILE"`.
    base : Path or Address, optional
        The folder that paths of weight files are relative to; the current one by default, and that of the file
        for `@FILE`.
    load : callable, optional
        Reads files of whole networks, which are stages too: `cnnfilter.models.loading.load_named`.
    names_files : bool
        Whether the text may name files, which one out of a file may not.

    Returns
    -------
    Network
        A tuple of its nodes. Weight files are not opened yet.

    Raises
    ------
    GrammarError
        If the text cannot be read; the message has the stage and the column.
    ArgumentError
        If a pipeline file cannot be opened, or none may be named.

    Examples
    --------
    >>> str(parse("conv: sobel-x :padding=1x1, leaky_relu:0.1"))
    'conv:sobel-x:padding=1,leaky_relu:slope=0.1'
    """
    if text.strip().startswith("@"):
        if not names_files:
            raise other_file(text.strip())
        return _parse_file(text.strip()[1:], base, load)
    return _parse_pieces([(piece, "") for piece in split(Piece(text, 1), ",")], base, load, names_files=names_files)


def _parse_file(name: str, base: Where | None, load: Load) -> Network:
    from cnnfilter.addresses.address import located, name_in  # most texts name no file
    from cnnfilter.addresses.copies import file_at

    where = located(name_in(base, name))
    shown = readable(where)
    try:
        path = file_at(where)
        if reason := why_no_file(path):
            raise ArgumentError(reason)
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE + 1)
        if len(data) > MAX_FILE:
            msg = f"larger than a pipeline file may be ({MAX_FILE} bytes)"
            raise ArgumentError(msg)
        lines = decoded(data).splitlines()
    except UnicodeDecodeError:
        msg = f"pipeline file {shown}: no text in UTF-8 or UTF-16"
        raise ArgumentError(msg) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        msg = f"pipeline file {shown}: {reason}"
        raise ArgumentError(msg) from None
    pieces = [(piece, f"{shown}, line {n}, ") for n, line in enumerate(lines, 1) for piece in _stages_of(line)]
    if not pieces:
        msg = f"pipeline file {shown}: it holds no stages"
        raise ArgumentError(msg)
    return _parse_pieces(pieces, where.parent, load)


def _stages_of(line: str) -> list[Piece]:
    """The stages of a line: commas work here too, and one at its end does no harm."""
    comment = re.search(r"(?<!\S)#", line)
    pieces = split(Piece(line[: comment.start()] if comment else line, 1), ",")
    return pieces[:-1] if not pieces[-1].text else pieces


def _parse_pieces(
    pieces: Sequence[tuple[Piece, str]], base: Where | None, load: Load, *, names_files: bool = True
) -> Network:
    if len(pieces) > MAX_STAGES:
        msg = f"{len(pieces):,} stages are too many for a chain (at most {MAX_STAGES:,})"
        raise GrammarError(msg, stage=MAX_STAGES + 1, column=pieces[MAX_STAGES][0].column)
    return Assembly.of(pieces, base, load, names_files=names_files)
