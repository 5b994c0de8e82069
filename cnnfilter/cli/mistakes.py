"""What a person may have meant by a command line that cannot be carried out: the one that does it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence

from cnnfilter.cli import render
from cnnfilter.kernels.catalogue import KERNELS
from cnnfilter.kernels.matrix import looks_like_matrix
from cnnfilter.messages import LONGEST_NAME, shortened

MOST_WORDS = 4
"""Words of a suggested command that are written out: a pattern may stand for thousands of files."""
LIKE_APPLY = ":padding=same:border=replicate"
"""What `apply` does at a picture's edges unless it is told otherwise, as arguments of `conv`."""


def rewritten(command: str, words: Sequence[str]) -> str | None:
    """How to write what a command's arguments seem to mean, or None if they mean what they say.

    Examples
    --------
    >>> rewritten("run", ["conv:edge", "relu", "photo.jpg"])
    'commas part stages; write cnnfilter run conv:edge,relu photo.jpg'
    """
    # of thousands of arguments all are files if the first and the last are
    is_files = len(words) < 2 or (_is_there(words[1]) and _is_there(words[-1]))
    takes_stages = command in ("run", "explain", "shape", "why")  # `apply` loads nothing of networks
    doubtful = words[:1] if is_files and not (takes_stages and any(map(_is_network, words[1:2]))) else words
    if takes_stages:
        joined = _joined(doubtful, ",", _begins_stages, _begins_stages)
        return f"commas part stages; write {_command(command, joined)}" if len(joined) < len(doubtful) else None
    joined = _joined(doubtful, ":", _is_kernel, lambda word: re.fullmatch(r"\w+=[-+.\d]+", word) is not None)
    if len(joined) < len(doubtful):
        return f"colons part a kernel and its parameters; write {_command(command, joined)}"
    kernels = [name.split(",") for place, name in enumerate(doubtful) if place == 0 or not _is_there(name)]
    several = [name for names in kernels if all(map(_is_kernel, names)) for name in names]
    if command != "apply" or not words:
        return None
    if len(several) > 1 and several[0] == kernels[0][0]:
        chain = ",".join(f"conv:{name}{LIKE_APPLY}" for name in several)
        others = [word for word in words[1:] if word not in several]
        return f"apply takes one kernel; for one after the other write {_command('run', [chain, *others])}"
    is_kernel = _is_kernel(words[0]) or looks_like_matrix(words[0]) or _is_there(words[0])
    is_chain = not is_kernel and _begins_stages(words[0])
    return f"apply takes a kernel, and run takes stages; write {_command('run', words)}" if is_chain else None


def unknown_command(words: Sequence[str], known: Iterable[str]) -> str:
    """The end of an error message about a command that does not exist: the one that may have been meant."""
    from cnnfilter.network.plan import parse_size
    from cnnfilter.text import synonyms
    from cnnfilter.weights.kinds import SUFFIXES

    word = words[0]
    if parse_size(word) is not None or (len(words) == 1 and _is_network(word)):
        meant = _command("shape", words)
    elif _begins_stages(word):
        meant = _command("run", words)
    elif _is_kernel(word) or looks_like_matrix(word) or word.lower().endswith(SUFFIXES):
        meant = _command("apply" if len(words) > 1 else "kernels", words)
    elif "://" in word or os.path.isfile(word):  # noqa: PTH113  (never raises)
        meant = _command("apply", ["KERNEL", *words])
    else:
        return synonyms.tail(word, synonyms.COMMANDS, {*known, "--help", "--version"})
    return f"; did you mean {meant}?"


def _joined(words: Sequence[str], by: str, first: Callable[[str], bool], more: Callable[[str], bool]) -> list[str]:
    """Words, each that goes on with the one before joined to it."""
    joined: list[str] = []
    for word in words:
        if joined and first(joined[-1]) and more(word) and (_is_network(word) or not _is_there(word)):
            joined[-1] += by + word
        else:
            joined.append(word)
    return joined


def _command(name: str, words: Sequence[str]) -> str:
    import shlex

    shown = shortened(shlex.join([render.PROGRAM, name, *words[:MOST_WORDS]]), LONGEST_NAME)
    return shown + (f" (and {len(words) - MOST_WORDS} more)" if len(words) > MOST_WORDS else "")


def _is_there(word: str) -> bool:
    """Whether a word is the name of something that is there; nobody is asked what is at an address."""
    return "://" in word or os.path.lexists(word)


def _is_kernel(word: str) -> bool:
    return word.partition(":")[0] in KERNELS


def _begins_stages(word: str) -> bool:
    from cnnfilter.network.readers import stage_name

    first = word.partition(",")[0]
    return stage_name(first.partition(":")[0]) is not None or _is_network(first)


def _is_network(word: str) -> bool:
    """Whether a stage is a preset or, by its name, the file of a network."""
    from cnnfilter.models.loading import names_network
    from cnnfilter.network.presets import PRESETS

    return word.partition(":")[0] in PRESETS or names_network(word)
