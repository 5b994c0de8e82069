"""All that training needs to go on where it left off, as a file: numbers, what the optimiser remembers, figures.

It is a network of our own too, of the last epoch's numbers.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfilter.addresses.address import Where
from cnnfilter.errors import KernelError
from cnnfilter.learning.training import Best, Figures, Learner
from cnnfilter.messages import quoted
from cnnfilter.models.own import Record, read_record, written
from cnnfilter.weights.kinds import file_of, named_failures

if TYPE_CHECKING:
    from cnnfilter.engine.groups import Array

SUFFIX = ".npz"
REMEDY = "--force in place of --resume begins anew"
OPTIONS = {"rate": "lr", "fraction": "validation"}
"""What the options of settings are called that have other names."""

BEST, STATE = "best/", "state/"
"""What the names of arrays begin with beside those of the network."""


def checkpoint_path(output: Where) -> Where:
    """Where the checkpoint of a network that is written to a file is."""
    return output.with_name(f"{output.stem}-checkpoint{SUFFIX}")


def saved(learner: Learner, stages: str) -> list[bytes | memoryview]:
    """A checkpoint, as a file in parts."""
    arrays = dict(learner.net.parameters)
    if learner.best is not None:
        arrays |= {f"{BEST}{name}": value for name, value in learner.best.parameters.items()}
    arrays |= {f"{STATE}{name}": value for name, value in learner.optimiser.state.items()}
    facts = learner.facts() | {"mark": learner.parts.mark(), "epoch": learner.epoch, "step": learner.net.step}
    facts["digest"] = _digest(arrays)
    return written(SUFFIX, arrays, Record(stages, None, learner.parts.labels, facts))


def resume(learner: Learner, checkpoint: Where, stages: str) -> None:
    """Bring a learner to where it was when a checkpoint was written.

    Raises
    ------
    KernelError
        If the checkpoint cannot be used, or is of other stages, data or settings; one line that names it.
    """
    path = file_of(checkpoint)
    with named_failures(path):
        record, facts = read_record(path)
        if record.stages != stages:
            msg = f"a checkpoint of other stages, {quoted(record.stages)}; {REMEDY}"
            raise KernelError(msg)
        known, own = facts.get("settings"), learner.settings.told()
        if not isinstance(known, dict):
            msg = "no checkpoint: it does not tell how it was trained"
            raise KernelError(msg)
        for name, value in own.items():
            if name != "epochs" and known.get(name) != value:
                option = OPTIONS.get(name, name.replace("_", "-"))
                known_value = quoted(known.get(name))
                msg = f"a checkpoint of a training with --{option} {known_value}, not {quoted(value)}; {REMEDY}"
                raise KernelError(msg)
        if facts.get("mark") != learner.parts.mark():
            msg = f"a checkpoint of other data; {REMEDY}"
            raise KernelError(msg)
        history = [Figures(**each) for each in facts["history"]]
        if not history or facts["epoch"] != len(history):
            msg = "damaged: its epochs do not add up"
            raise KernelError(msg)
        arrays = _arrays(path, learner)
        if facts.get("digest") != _digest(arrays):
            msg = "damaged: its numbers are not those that were written"
            raise KernelError(msg)
        _put_back(learner, arrays, facts, history)


def _put_back(learner: Learner, arrays: dict[str, Array], facts: dict[str, Any], history: list[Figures]) -> None:
    for name, value in learner.net.parameters.items():
        value[...] = arrays[name]
    best = {name.removeprefix(BEST): value for name, value in arrays.items() if name.startswith(BEST)}
    state = {name.removeprefix(STATE): value for name, value in arrays.items() if name.startswith(STATE)}
    learner.best = Best(Figures(**facts["best"]), best, facts["confusion"])
    learner.optimiser.state = state
    learner.net.step = learner.optimiser.steps = int(facts["step"])
    learner.history, learner.epoch = history, len(history)


def _arrays(path: Path, learner: Learner) -> dict[str, Array]:
    """All arrays of a checkpoint, of the shapes that the learner's have."""
    from cnnfilter.weights.state import load_state  # which loads what PyTorch's files take

    state = load_state(path)
    shapes = {name: value.shape for name, value in learner.net.parameters.items()}
    wanted = shapes | {f"{BEST}{name}": shape for name, shape in shapes.items()}
    for name in state.names:
        if name.startswith(STATE):
            wanted[name] = shapes.get(name.removeprefix(STATE).partition("/")[2], ())
    return {name: state.array(name, shape).copy() for name, shape in wanted.items()}


def _digest(arrays: dict[str, Array]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
