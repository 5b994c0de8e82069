"""A network as the blocks of its usual drawing: a stage with the small ones behind it, and where branches meet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from cnnfilter.messages import shortened, show_shape
from cnnfilter.network.graph import INPUT
from cnnfilter.network.listing import network_of, stage_texts
from cnnfilter.network.plan import Row
from cnnfilter.network.stages import Join, Shape
from cnnfilter.network.stages.base import Learned
from cnnfilter.network.stages.text import show_pair

SYMBOLS = {"add": "+", "multiply": "\N{MULTIPLICATION SIGN}", "concat": "||"}
"""What stands in the circles where branches meet."""
TOLD = ("stride", "dilation", "groups", "size", "mode")
"""The keys of a stage that its block tells, beside what is seen of it."""
MOST_BLOCKS = 48
"""Networks of more have the repetitions of their parts folded."""
_SIZES = re.compile(r"(\d+@)?\d+(x\d+)?")


class Block(NamedTuple):
    """A box of a drawing.

    Parameters
    ----------
    rows : tuple of int
        The stages in it, by their rows; none of the network's input.
    reads : tuple of int
        The blocks that it goes on from, by number; `INPUT` is the network's input.
    size : tuple of int
        (H, W, C) of what it gives, or (n,).
    name : str
        Of its first stage; empty if that has none.
    lines : tuple of str
        What it does: the stage, its keys, and the small stages behind it.
    symbol : str
        What stands in the circle where branches meet; empty of others.
    weighs : bool
        Whether it multiplies with weights.
    moves : bool
        Whether its values see other places than their own.
    """

    rows: tuple[int, ...]
    reads: tuple[int, ...]
    size: Shape
    name: str = ""
    lines: tuple[str, ...] = ()
    symbol: str = ""
    weighs: bool = False
    moves: bool = False


class Part(NamedTuple):
    """Blocks between two places where nothing but one result goes on.

    Parameters
    ----------
    blocks : range
        Their numbers.
    times : int
        How often they follow each other; of several times, these are the first.
    """

    blocks: range
    times: int = 1


def blocks_of(rows: Sequence[Row]) -> list[Block]:
    """The blocks of a plan, in order.

    Examples
    --------
    >>> from cnnfilter.network.grammar import parse
    >>> from cnnfilter.network.plan import plan
    >>> [block.lines for block in blocks_of(plan(parse("conv:8@3x3:stride=2,relu,flatten"), (9, 9, 1)))]
    [('conv 3x3', 'stride 2', 'relu'), ('flatten',)]
    """
    readers: dict[int, list[int]] = {}
    for number, row in enumerate(rows):
        for read in row.reads:
            readers.setdefault(read, []).append(number)
    found: list[Block] = []
    block_of: dict[int, int] = {INPUT: INPUT}
    for number, row in enumerate(rows):
        before = row.reads[-1]
        if before != INPUT and readers[before] == [number] and _is_small(row):
            place = block_of[before]
            found[place] = _joined(found[place], number, row)
        else:
            place = len(found)
            found.append(_block(number, row, tuple(block_of[read] for read in row.reads)))
        block_of[number] = place
    return found


def _is_small(row: Row) -> bool:
    """Whether a stage stands in the block of the one before: its result is as large, and each value has its place."""
    stage = row.stage
    is_dense = isinstance(stage, Learned) and stage.sees_all(row.input)
    return row.output == row.input and stage.sights(row.input) is None and not isinstance(stage, Join) and not is_dense


def _block(number: int, row: Row, reads: tuple[int, ...]) -> Block:
    stage = row.stage
    moves = stage.sights(row.input) is not None or stage.sees_all(row.input)
    symbol = SYMBOLS[stage.name] if isinstance(stage, Join) else ""
    return Block((number,), reads, row.output, row.name or "", _lines(row), symbol, row.macs > 0, moves)


def _joined(block: Block, number: int, row: Row) -> Block:
    """A block with one more stage in it."""
    name = row.stage.name
    is_second = len(block.rows) == 1
    lines = (*block.lines, name) if is_second else (*block.lines[:-1], f"{block.lines[-1]}, {name}")
    return block._replace(rows=(*block.rows, number), lines=lines)


def _lines(row: Row) -> tuple[str, ...]:
    """The stage with its window or what it is given, and its keys that count."""
    stage, sliding = row.stage, row.stage.sliding(row.input)
    arguments = [] if isinstance(stage, Join) else stage.arguments()
    window = "" if sliding is None else "x".join(map(str, sliding.window))
    given = next((text for text in arguments[:1] if "=" not in text), "")
    if window == "1x1" and given and "@" not in given:  # of a pad, or of a single number
        window = ""
    elif _SIZES.fullmatch(given):  # how many maps there are stands above
        given = "" if window else given.rpartition("@")[2]
    keys = [text for text in arguments if text.partition("=")[0] in TOLD]
    if sliding is not None and not any(text.startswith("stride=") for text in keys) and sliding.stride != (1, 1):
        keys.insert(0, f"stride={show_pair(sliding.stride)}")  # a pool's is its window unless it is told
    return (" ".join(filter(None, (stage.name, given, window))), *([" ".join(keys).replace("=", " ")] if keys else []))


def parts_of(blocks: Sequence[Block]) -> list[Part]:
    """The parts of a network, those that repeat each other folded where it has many blocks."""
    last: dict[int, int] = {}
    for number, block in enumerate(blocks):
        for read in block.reads:
            last[read] = number
    parts, first, reach = [], 0, last.get(INPUT, 0)
    for number in range(len(blocks)):
        if reach <= number:  # nothing before it is read behind it
            parts.append(Part(range(first, number + 1)))
            first = number + 1
        reach = max(reach, last.get(number, 0))
    if len(blocks) <= MOST_BLOCKS:
        return parts
    folded: list[Part] = []
    for part in parts:
        before = folded[-1] if folded else None
        if before is not None and len(part.blocks) > 1 and _look(blocks, before) == _look(blocks, part):
            folded[-1] = before._replace(times=before.times + 1)
        else:
            folded.append(part)
    return folded


def _look(blocks: Sequence[Block], part: Part) -> list[tuple[object, ...]]:
    """All of a part that is drawn but for names, and the size of what it is given."""
    first = part.blocks.start
    given = blocks[first - 1].size if first else ()
    return [(given,)] + [
        (block.lines, block.size, block.symbol, tuple(max(read - first, INPUT) for read in block.reads))
        for block in blocks[first : part.blocks.stop]
    ]


def description(rows: Sequence[Row]) -> str:
    """Every stage in words, a line each: number and name, the stage, what it reads, and the size of its result."""
    texts = stage_texts(network_of(rows))
    lines = []
    for number, (row, text) in enumerate(zip(rows, texts, strict=True)):
        name = "" if row.name is None else f" {shortened(row.name)}"
        reads = ", ".join(str(read + 1) if read != INPUT else "the input" for read in row.reads)
        lines.append(f"{number + 1}{name}: {shortened(text)} of {reads} gives {show_shape(row.output)}")
    return "; ".join(lines)
