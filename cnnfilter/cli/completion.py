"""What may stand where a person presses Tab: kernels, stages and their arguments, files. `shells` brings it there."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cnnfilter.kernels.catalogue import KERNELS

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

    Items = list[CompletionItem[Any]]
    Complete = Callable[[click.Context, click.Parameter, str], Items]

MOST_ENTRIES = 10_000
"""How many entries of a folder are looked at."""

MOST_FILES = 200
"""How many files are offered."""

_PLAIN = r"[\w./-]+"
"""A name of a file or an array that neither a shell nor the stage language reads as anything else."""


def complete_files(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Leave the completion of files to the shell."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def complete_from(words: Callable[[], Collection[str]], *, files: bool = True) -> Complete:
    """A completion of words, a mapping with what is said of each; where none fits, of files if these may stand too."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
        items = _fitting(words(), incomplete, 0, ends=True)
        return items or (complete_files(ctx, param, incomplete) if files else [])

    return complete


def _kernel_names() -> dict[str, str]:
    """The kernels with what they show or do."""
    return {name: entry.description for name, entry in KERNELS.items()}


def complete_kernels(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Complete a kernel's name, or behind a colon its parameters."""
    name, colon, rest = incomplete.partition(":")
    if not (colon and name in KERNELS):
        return complete_from(_kernel_names)(ctx, param, incomplete)
    *given, last = rest.split(":")
    known = {f"{each.name}=": each.description for each in KERNELS[name].parameters if "=" not in last}
    return _fitting(known, incomplete, len(incomplete) - len(last), given)


def complete_stages(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Complete a chain: the name of a stage, behind a colon its arguments, behind an equals sign their values."""
    from cnnfilter.network.stages.text import Piece, split

    if incomplete.startswith("@"):
        items = _fitting(_files(incomplete[1:], None), incomplete, 1)
    else:
        items = list(_stage_items(split(Piece(incomplete, 1), ",")[-1], incomplete))
    return items or complete_files(ctx, param, incomplete)


def _stage_items(piece: Any, text: str) -> Iterator[CompletionItem[Any]]:
    from cnnfilter.models.loading import READERS as MODELS
    from cnnfilter.network.arguments import words_of
    from cnnfilter.network.assembly import PRESET_READER
    from cnnfilter.network.presets import PRESETS
    from cnnfilter.network.readers import ALIASES, READERS, stage_name
    from cnnfilter.network.stage_text import head_and_arguments
    from cnnfilter.network.stages.text import unescape

    head, rest = head_and_arguments(piece)
    if not rest:
        stages = {**READERS, **{alias: READERS[name] for alias, name in ALIASES.items()}}
        names = [name + ":" * bool(reader.needs) for name, reader in stages.items()]
        yield from _fitting([*names, *PRESETS], text, head.column - 1)
        yield from _fitting(_files(head.text, MODELS) if head.text else [], text, head.column - 1)
        return
    reader = PRESET_READER if head.text in PRESETS else READERS.get(stage_name(head.text) or "")
    if reader is None:
        return
    first, last = rest[0].text, rest[-1]
    keys = {**reader.keys, **(reader.more(first) if "=" not in first else {})}
    key, equals, value = last.text.partition("=")
    if not equals:
        begin = last.column - 1
        if len(rest) == 1 and reader.bare is not None:
            yield from _bare_items(reader.bare, words_of(keys[reader.bare]), text, begin)
        others = [f"{key}=" for key in keys if key != reader.bare]
        yield from _fitting(others, text, begin, [each.text for each in rest[:-1]])
        return
    begin = last.column - 1 + len(last.text) - len(value.lstrip())
    if key == "name":
        states = [each.text.partition("=")[2] for each in rest if each.text.startswith("weights=")]
        yield from _fitting(_prefixes(unescape(states[0])) if states else _arrays(unescape(first)), text, begin)
    elif key in keys:
        yield from _bare_items(key, words_of(keys[key]), text, begin)


def _bare_items(key: str, words: Collection[str], text: str, begin: int) -> Iterator[CompletionItem[Any]]:
    """Items for the value of a key that may be some words: what a stage filters or multiplies with, a file too."""
    from cnnfilter.network.stages.text import Piece, split
    from cnnfilter.weights.kinds import READERS

    if key == "kernel":
        last = split(Piece(text[begin:], begin + 1), "+")[-1]
        yield from _fitting(_kernel_names(), text, last.column - 1)
    if key in ("kernel", "units", "weights"):
        yield from _fitting(_files(text[begin:], READERS), text, begin)
    yield from _fitting(words, text, begin)


def _fitting(
    words: Collection[str], text: str, begin: int, given: Collection[str] = (), *, ends: bool = False
) -> Items:
    """Items for the words that begin as what is typed from `begin` on, but for keys that are given already.

    Of words that end what they stand in, more may follow only one that ends in an equals sign, or begins an address.
    """
    from click.shell_completion import CompletionItem

    helps = words if isinstance(words, Mapping) else {}
    keys = {each.partition("=")[0].strip() + "=" for each in given}
    return [
        CompletionItem(
            text[:begin] + word, help=helps.get(word), begin=begin, more=not ends or word.endswith(("=", "://"))
        )
        for word in words
        if word.startswith(text[begin:]) and word not in keys
    ]


def _files(prefix: str, suffixes: Collection[str] | None) -> list[str]:
    """The paths that begin so: folders, and files whose names end in one of the suffixes or, with None, all."""
    folder, stem = os.path.split(prefix)
    try:
        with os.scandir(folder or ".") as entries:
            found = [
                (each.name, each.is_dir())
                for each in itertools.islice(entries, MOST_ENTRIES)
                if each.name.startswith(stem or each.name.lstrip(".")) and re.fullmatch(_PLAIN, each.name)
            ]
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return []
    before = prefix[: len(prefix) - len(stem)]
    return [
        before + name + "/" * is_folder
        for name, is_folder in sorted(found)[:MOST_FILES]
        if is_folder or suffixes is None or name.lower().endswith(tuple(suffixes))
    ]


def _arrays(path: str) -> list[str]:
    """The names of the layers in a weight file; of one that cannot be read, none."""
    from cnnfilter.weights.pairing import read_name

    weights = [name for name, axes in _members(path) if axes > 1]
    return _plain(read_name(name).layer or name for name in weights)


def _prefixes(path: str) -> list[str]:
    """What the names of a state dict begin with before their last dot; of a file that cannot be read, nothing."""
    return _plain(name.rpartition(".")[0] for name, _ in _members(path))


def _plain(names: Iterable[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if re.fullmatch(_PLAIN, name)]


def _members(path: str) -> list[tuple[str, int]]:
    """The names of the arrays in a weight file, and how many axes each has; of one that cannot be read, none."""
    from pathlib import Path

    from cnnfilter.errors import CnnfilterError
    from cnnfilter.weights.kinds import named_failures, open_members

    try:
        with named_failures(Path(path)), open_members(Path(path)) as members:
            return [(each.name, len(each.shape)) for each in members]
    except CnnfilterError:
        return []
