"""The text of one stage: its name and its arguments, and what may have been meant by one that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cnnfilter.errors import ArgumentError, CnnfilterError, GrammarError
from cnnfilter.kernels.catalogue import KERNELS
from cnnfilter.kernels.matrix import looks_like_matrix
from cnnfilter.messages import alternatives, quoted
from cnnfilter.network.arguments import Given, Reader
from cnnfilter.network.presets import PRESETS
from cnnfilter.network.readers import READERS, stage_name
from cnnfilter.network.stages import Stage
from cnnfilter.network.stages.text import Piece, split
from cnnfilter.weights.kinds import OF_NETWORKS, names_existing, names_file

if TYPE_CHECKING:
    from cnnfilter.addresses.address import Where


def misplaced(problem: str, piece: Piece) -> GrammarError:
    """The error of what is wrong at a piece of a stage's text; which stage that is is not known yet."""
    return GrammarError(problem, stage=0, column=piece.column)


def head_and_arguments(piece: Piece) -> tuple[Piece, list[Piece]]:
    """The name of a stage, or what stands in its place, and its arguments.

    Behind a name a colon always separates: what follows may be a path such as `//folder/conv1.npz`.
    """
    name, _, arguments = piece.text.partition(":")
    if stage_name(name.rstrip()) is None or not arguments:
        head, *rest = split(piece, ":")
        return head, rest
    return Piece(name.rstrip(), piece.column), split(Piece(arguments, piece.column + len(name) + 1), ":")


def parse_stage(piece: Piece, head: Piece, rest: Sequence[Piece], given: Given) -> tuple[Stage, Sequence[Piece]]:
    """A stage, and the names of what it joins with the stage before.

    Parameters
    ----------
    piece : Piece
        The whole text.
    head : Piece
        Its name.
    rest : sequence of Piece
        Its arguments, without `as`.
    given : Given
        What it is made of, but for the values.

    Raises
    ------
    CnnfilterError
        If it cannot be read; a `GrammarError` says where.
    """
    if not piece.text:
        msg = "no stage here; a comma stands between two stages"
        raise ArgumentError(msg)
    if head.text.startswith("@"):
        msg = "a pipeline file stands alone, with no other stages beside it"
        raise ArgumentError(msg)
    name = stage_name(head.text)
    if name is None:
        msg = _unknown_stage(head.text, piece.text, given.base)
        raise ArgumentError(msg)
    reader = READERS[name]
    values = dict(parse_values(name, reader, rest))
    text = values.pop("names", None)
    joined = [] if text is None else split(Piece(text, rest[0].column + rest[0].text.rindex(text)), "+")
    try:
        return reader.make(given._replace(values=values)), joined
    except CnnfilterError as error:
        raise misplaced(str(error), rest[0] if rest else piece) from None


def parse_values(name: str, reader: Reader, pieces: Sequence[Piece]) -> Iterator[tuple[str, Any]]:
    """The arguments of a stage, by key."""
    keys = dict(reader.keys)
    given: set[str] = set()
    for place, piece in enumerate(pieces):
        key, equals, raw = piece.text.partition("=")
        key = key.strip().lower().replace("-", "_")
        if place == 0 and reader.bare and (not equals or "://" in key):  # an address, whose query has the sign
            key, equals, raw = reader.bare, "", piece.text
        elif not equals or key not in keys:
            raise misplaced(_unknown_key(name, piece.text, key if equals else None, keys), piece)
        if key in given:
            msg = f"{key} is given twice"
            raise misplaced(msg, piece)
        given.add(key)
        skipped = len(piece.text) - len(raw.lstrip()) if equals else 0
        value = Piece(raw.strip(), piece.column + skipped)
        try:
            read = keys[key](value.text)
        except CnnfilterError as error:
            raise misplaced(str(error), value) from None
        if key == reader.bare:
            keys |= reader.more(value.text)
        yield key, read
    if reader.needs and reader.bare not in given:
        raise ArgumentError(reader.needs)


def _unknown_stage(name: str, text: str, base: Where | None) -> str:
    if looks_like_matrix(name) and ";" not in name:
        return (
            "commas part stages; in a chain the numbers of a matrix are split at blanks, its rows at ';', and two "
            "numbers of a window or a stride are written 2x1"
        )
    if name == text and name.lower().endswith(OF_NETWORKS) and not names_existing(name, base):
        return f"{quoted(name)}: no such file"
    if name in KERNELS or ";" in name or names_file(name, base):
        return f"a kernel is no stage by itself; write {quoted(f'conv:{text}')}{_of_network(name, text)}"
    from cnnfilter.text import synonyms  # only what is wrong pays for it

    kernels = [name.lower()] if name.lower() in KERNELS else synonyms.found(name, synonyms.KERNELS)[0]
    if kernels and not any(synonyms.found(name, synonyms.STAGES)):
        return f"unknown stage; did you mean {alternatives([f'conv:{kernel}' for kernel in kernels])}?"
    words = [_with_arguments(word, text, base) for word in synonyms.found(name, synonyms.STAGES, READERS)[0]]
    tail = (
        f"; did you mean {alternatives(words)}?"
        if words
        else synonyms.tail(name, synonyms.STAGES, [*READERS, *PRESETS], count=1)
    )
    return f"unknown stage{tail}" if tail else f"unknown stage (known: {', '.join(READERS)})"


def _of_network(name: str, text: str) -> str:
    """What is told of a file that may hold the weights of a whole network: its preset takes it."""
    if name != text or not name.lower().endswith(OF_NETWORKS):
        return ""
    letters = _plain(re.split(r"[/\\]", name)[-1])
    preset = max((each for each in PRESETS if letters.startswith(_plain(each))), key=len, default="resnet-18")
    return f"; the weights of a whole network go to its preset, as in {quoted(f'{preset}:weights={name}')}"


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def _with_arguments(example: str, text: str, base: Where | None) -> str:
    """The example of a stage with the arguments that a person gave, if it takes them."""
    _, colon, arguments = text.partition(":")
    meant = f"{example.partition(':')[0]}:{arguments}"
    if not colon or "," in example or meant == example:
        return example
    try:
        piece = Piece(meant, 1)
        parse_stage(piece, *head_and_arguments(piece), Given({}, (), (), base, None))
    except CnnfilterError:
        return example
    return quoted(meant)


def _unknown_key(name: str, text: str, key: str | None, keys: Collection[str]) -> str:
    if not keys:
        return f"{name} takes no arguments, not {quoted(text)}"
    listed = f"(known: {', '.join(keys)})"
    if key is None:
        example = f", such as stride={text}" if "stride" in keys and re.fullmatch("[0-9x]{1,9}", text) else ""
        return f"{quoted(text)} must be written as KEY=VALUE{example} {listed}"
    from cnnfilter.text import synonyms

    tables = (synonyms.PARAMETERS, synonyms.KEYS, synonyms.TOLD.get(name, {}))
    table = next((each for each in tables if any(synonyms.found(key, each, keys))), {})
    return f"unknown key {quoted(key)}{synonyms.tail(key, table, keys)} {listed}"


def with_commas(text: str) -> str | None:
    """Stages with commas between them, if a person wrote blanks or arrows there; else None."""
    parts = list(filter(None, re.split(r"[-=]>|[|>;\s]+", text)))
    return ",".join(parts) if len(parts) > 1 and all(stage_name(part.partition(":")[0]) for part in parts) else None
