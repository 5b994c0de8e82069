"""What becomes of a picture's channels in a chain: whether they stay apart, and what its maps are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import singledispatch

from cnnfilter.network import stages
from cnnfilter.network.graph import INPUT
from cnnfilter.network.plan import Row
from cnnfilter.network.stages.base import unknown

Names = tuple[str, ...]
"""Of each map; empty where there is none."""


COLOURS = ("red", "green", "blue")


def keeps_colours(rows: Sequence[Row]) -> bool:
    """Whether three maps are red, green and blue: each made of its own channel and no other, or by `rgb` of one map."""
    kept = {INPUT: rows[0].input[2:] == (3,)}
    for number, row in enumerate(rows):
        is_made = isinstance(row.stage, stages.Rgb) and row.input[2] == 1
        kept[number] = is_made or (all(kept[read] for read in row.reads) and keeps_apart(row.stage, row))
    return kept[len(rows) - 1] and rows[-1].output[2:] == (3,)


def map_names(rows: Sequence[Row]) -> Names | None:
    """What made each of a chain's maps: the kernel and the colour; None where nothing of them has a name."""
    channels = rows[0].input[-1]
    names: Names = COLOURS if channels == 3 else ("",) * channels
    made = {INPUT: names}
    for number, row in enumerate(rows):
        names = _RENAMES.get(type(row.stage), _kept)(row.stage, row, *(made[read] for read in row.reads))
        if len(names) != row.output[-1]:
            names = ("",) * row.output[-1]
        made[number] = names
    return names if any(names) else None


@singledispatch
def keeps_apart(stage: stages.Stage, row: Row) -> bool:
    """Whether each map of a stage's result is made of one map of its input, or of several of one channel."""
    raise unknown(stage, "keeping channels apart")


@keeps_apart.register(
    stages.Absolute
    | stages.Activation
    | stages.BatchNorm
    | stages.Crop
    | stages.Dropout
    | stages.Flatten
    | stages.GlobalAveragePool
    | stages.GlobalMaxPool
    | stages.Magnitude
    | stages.Normalize
    | stages.PReLU
    | stages.Pad
    | stages.Pool
    | stages.Resize
    | stages.Rgb
    | stages.Upsample
)
def _each_alone(stage: stages.Stage, row: Row) -> bool:
    return True


@keeps_apart.register(stages.Concat | stages.Dense | stages.Gray | stages.LocalResponse | stages.Softmax)
def _mixed(stage: stages.Stage, row: Row) -> bool:
    return False


@keeps_apart.register(stages.Add | stages.Multiply)
def _map_by_map(stage: stages.Join, row: Row) -> bool:
    return all(shape[-1] == row.output[-1] for shape in row.inputs)


@keeps_apart.register(stages.Conv)
def _in_groups_of_one(stage: stages.Conv, row: Row) -> bool:
    channels = row.input[2]
    return isinstance(stage.source(channels), tuple) or stage.depthwise or stage.groups == channels


@keeps_apart.register(stages.ConvTranspose)
def _kernels_of_one(stage: stages.ConvTranspose, row: Row) -> bool:
    channels = row.input[2]
    return stage.groups == channels or (stage.sizes is None and isinstance(stage.source(channels), tuple))


@keeps_apart.register(stages.Shuffle)
def _in_place(stage: stages.Shuffle, row: Row) -> bool:
    return stage.groups in (1, row.input[2])  # then none moves to where another was


def _kept(stage: stages.Stage, row: Row, names: Names) -> Names:
    return names if keeps_apart(stage, row) else ()


def _same(stage: stages.Join, row: Row, *read: Names) -> Names:
    return _kept(stage, row, read[0]) if len({*read}) == 1 else ()


def _one_after_the_other(stage: stages.Concat, row: Row, *read: Names) -> Names:
    return tuple(name for names in read for name in names)


def _joined(stage: stages.Magnitude, row: Row, names: Names) -> Names:
    return tuple("+".join(names[i : i + stage.count]) for i in range(0, len(names), stage.count))


def _coloured(stage: stages.Rgb, row: Row, names: Names) -> Names:
    return tuple(", ".join(filter(None, (names[0], each))) for each in COLOURS) if len(names) == 1 else names


def _shuffled(stage: stages.Shuffle, row: Row, names: Names) -> Names:
    return tuple(names[stage.source(number, len(names))] for number in range(len(names)))


def _by_kernels(stage: stages.Conv | stages.ConvTranspose, row: Row, names: Names) -> Names:
    kernels = _kernel_names(stage, row.input[2])
    if kernels:
        return tuple(", ".join(filter(None, (kernel, name))) for name in names for kernel in kernels)
    return _kept(stage, row, names)


_RENAMES: Mapping[type[stages.Stage], Callable[..., Names]] = {
    stages.Add: _same,
    stages.Concat: _one_after_the_other,
    stages.Conv: _by_kernels,
    stages.ConvTranspose: _by_kernels,
    stages.Magnitude: _joined,
    stages.Multiply: _same,
    stages.Rgb: _coloured,
    stages.Shuffle: _shuffled,
}
"""What gives its maps names of their own; all else keeps those that stay apart."""


def _kernel_names(stage: stages.Conv | stages.ConvTranspose, channels: int) -> list[str]:
    """The name of each map that a stage makes of one channel; none of a bank."""
    source = stage.source(channels)
    names = []
    for kernel in source if isinstance(source, tuple) else ():
        count = 1 if kernel.combine else len(kernel.filters)
        names += [kernel.name if count == 1 else f"{kernel.name} {i}" for i in range(count)]
    return names
