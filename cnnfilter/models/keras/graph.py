"""The layers of a Keras model and how they follow one another: Sequential, functional, and one within the other."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from cnnfilter.errors import ArgumentError, KernelError
from cnnfilter.messages import nearest, quoted
from cnnfilter.models.keras.build import Builder, Call, Lost, Tensor, Value
from cnnfilter.models.keras.config import MAX_NAME, Settings, is_number, settings_of
from cnnfilter.models.keras.layers import build

SEQUENTIAL = ("Sequential",)
FUNCTIONAL = ("Functional", "Model")

MAX_NESTED = 16
"""The most models around a layer."""

INPUT_LAYER = "InputLayer"

Place = tuple[int, int]
"""A use of a layer: which layer, and which of its uses, both counted from 0."""


class Use(NamedTuple):
    """What a layer is given in one of its uses.

    Parameters
    ----------
    reads : list of (str, int)
        Layers by their names, and which of their uses.
    numbers : list of float
    problems : list of str
        What else there is.
    """

    reads: list[tuple[str, int]]
    numbers: list[float]
    problems: list[str]


@dataclass
class Layer:
    """A layer of a model.

    Parameters
    ----------
    settings : Settings
    inner : Model, optional
        What it is, if it is a model itself.
    uses : list of Use
        What it is given in each of its uses.
    arrays : dict of str to str
        The names of its arrays in the file, by Keras's names of them.
    """

    settings: Settings
    inner: Model | None = None
    uses: list[Use] = field(default_factory=list)
    arrays: dict[str, str] = field(default_factory=dict)


@dataclass
class Model:
    """A model: its layers, and of a functional one those that begin and end it.

    Parameters
    ----------
    settings : Settings
    layers : list of Layer
    inputs, outputs : list of (str, int)
        Empty of a Sequential model.
    """

    settings: Settings
    layers: list[Layer]
    inputs: list[tuple[str, int]]
    outputs: list[tuple[str, int]]

    @property
    def is_sequential(self) -> bool:
        """Whether each layer takes what the one before gives."""
        return self.settings.kind in SEQUENTIAL


def read_model(told: Any, depth: int = 1) -> Model:
    """The model that a configuration describes.

    Raises
    ------
    KernelError
        If it describes none, or one that is a program.
    """
    settings = settings_of(told)
    if settings.problem or settings.kind not in (*SEQUENTIAL, *FUNCTIONAL):
        msg = "a model that a program describes, which is not run; build it of layers as Sequential or functional"
        raise settings.refuse(msg)
    if depth > MAX_NESTED:
        msg = f"models stand within one another more than {MAX_NESTED} times"
        raise KernelError(msg)
    layers = settings.config.get("layers")
    if not isinstance(layers, list) or not layers:
        msg = "it holds no layers"
        raise settings.refuse(msg)
    found = [_read_layer(each, depth) for each in layers]
    names = Counter(each.settings.name for each in found)
    if settings.kind in FUNCTIONAL and len(names) < len(found):
        msg = f"two layers are called {quoted(names.most_common(1)[0][0])}"
        raise settings.refuse(msg)
    ends = [_ends(settings.config.get(key)) for key in ("input_layers", "output_layers")]
    model = Model(settings, found, *ends)
    nodes = [each.get("inbound_nodes") for each in layers]
    _count_from_0(model, is_keras_3=any(isinstance(each, list) and isinstance(each[0], dict) for each in nodes if each))
    return model


def _read_layer(told: Any, depth: int) -> Layer:
    settings = settings_of(told)
    is_model = settings.kind in (*SEQUENTIAL, *FUNCTIONAL) and not settings.problem
    layer = Layer(settings, read_model(told, depth + 1) if is_model else None)
    nodes = told.get("inbound_nodes", [])
    layer.uses = [_read_use(node) for node in nodes] if isinstance(nodes, list) else []
    return layer


def _read_use(node: Any) -> Use:
    """What one use of a layer is given, as Keras 3 or Keras 2 tells it: results of layers, and lists of them."""
    use = Use([], [], [])
    waiting = [node.get("args")] if isinstance(node, dict) else [node]
    beside = [node.get("kwargs")] if isinstance(node, dict) else []
    while waiting:
        each = waiting.pop()
        told = _result(each)
        if told is not None:
            use.reads.append((told[0], told[1]))
            beside += told[3:4]
        elif isinstance(each, list):
            waiting.extend(reversed(each))
        elif is_number(each):
            use.numbers.append(float(each))
        else:
            use.problems.append(f"it is given {quoted(each)}, which is not the result of a layer")
    for each in beside:
        more = {}
        for key, value in (each if isinstance(each, dict) else {"": each}).items():
            told = _result(value) if key == "y" else None  # of `x + y`, in Keras 2
            if told is not None:
                use.reads.append((told[0], told[1]))
            elif key == "y" and is_number(value):
                use.numbers.append(float(value))
            elif value is not None and key != "training":
                more[key] = value
        if more:
            use.problems.append(f"it is given {quoted(more)} beside the results of layers")
    return use


def _result(told: Any) -> list[Any] | None:
    """The layer's name and which of its uses, if this tells of a result; else None."""
    if isinstance(told, dict):
        config = told.get("config")
        told = config.get("keras_history") if isinstance(config, dict) else None
    is_one = isinstance(told, list) and [type(part) for part in told[:3]] == [str, int, int]
    return told if is_one else None


def _ends(told: Any) -> list[tuple[str, int]]:
    """The inputs or outputs of a functional model: one, a list of them, or an object of them by name."""
    if isinstance(told, list) and [type(part) for part in told] == [str, int, int]:
        return [(told[0], told[1])]
    values: Iterable[Any] = told.values() if isinstance(told, dict) else told if isinstance(told, list) else ()
    found = [each for each in values if isinstance(each, list) and [type(part) for part in each] == [str, int, int]]
    return [(each[0], each[1]) for each in found]


def _count_from_0(model: Model, *, is_keras_3: bool) -> None:
    """Count the uses of layers from 0: of models that are layers they may be told from 1, their making being the first.

    Keras 3 does that for functional ones, where it tells what a model gives; Keras 2 everywhere, for those that begin
    with an input.
    """
    if is_keras_3:
        functional = {each.settings.name for each in model.layers if each.inner and not each.inner.is_sequential}
        model.inputs, model.outputs = (_shifted(each, functional) for each in (model.inputs, model.outputs))
        return
    told = {
        *model.inputs,
        *model.outputs,
        *(each for layer in model.layers for use in layer.uses for each in use.reads),
    }
    nested = {each.settings.name: len(each.uses) for each in model.layers if each.inner}
    begun = {name for name, count in nested.items() if (name, count) in told}
    model.inputs, model.outputs = (_shifted(each, begun) for each in (model.inputs, model.outputs))
    for layer in model.layers:
        layer.uses = [use._replace(reads=_shifted(use.reads, begun)) for use in layer.uses]


def _shifted(told: list[tuple[str, int]], names: set[str]) -> list[tuple[str, int]]:
    return [(name, use - (name in names)) for name, use in told]


def sizes(model: Model) -> list[tuple[str, Any]]:
    """The inputs of a model, by name, with the shape that each is told to have, that of the batch included."""
    if model.is_sequential:
        first = model.layers[0]
        inner = first.inner
        if inner is not None:
            return sizes(inner)
        told = _batch_shape(first.settings)
        return [(first.settings.name, model.settings.config.get("build_input_shape") if told is None else told)]
    by_name = {layer.settings.name: layer for layer in model.layers}
    found = [by_name.get(name) for name, _ in model.inputs]
    if not found or None in found:
        msg = "damaged: its inputs are no layers of it"
        raise model.settings.refuse(msg)
    return [(layer.settings.name, _batch_shape(layer.settings)) for layer in found if layer is not None]


def _batch_shape(settings: Settings) -> Any:
    return settings.config.get("batch_shape", settings.config.get("batch_input_shape"))


def expand(builder: Builder, model: Model, inputs: Sequence[Value], prefix: str = "") -> list[Value]:
    """What a model gives, whose nodes are added.

    Raises
    ------
    KernelError
        If its layers do not fit together, or are not known.
    """
    if not model.is_sequential:
        return _expand_functional(builder, model, inputs, prefix)
    given = [*inputs]
    for layer in model.layers:
        if layer.settings.kind != INPUT_LAYER:
            given = _use(builder, layer, given, Use([], [], []), prefix)
    return given


def _use(builder: Builder, layer: Layer, given: list[Value], use: Use, prefix: str) -> list[Value]:
    """What a layer gives in one of its uses: nothing if it is not known, or what it reads is not made."""
    builder.count()
    name = prefix + layer.settings.name
    if len(name) > MAX_NAME:  # each layer of a model has the name of the model before its own
        msg = f"its layer {quoted(name)} has a name of more than {MAX_NAME} letters, with those of the models around it"
        raise KernelError(msg)
    settings = replace(layer.settings, name=name)
    lost = [each for each in given if isinstance(each, Lost)]
    inputs = tuple(each for each in given if isinstance(each, Tensor))
    if any(each.node is not None for each in lost) or not inputs:
        reason = f"{settings}: {[*use.problems, *(each.reason for each in lost), 'it is given nothing'][0]}"
        return [next((each for each in lost if each.node is not None), Lost(reason))]
    if layer.inner is not None:
        return expand(builder, layer.inner, given, f"{builder.name(name)}/")
    call = Call(settings, inputs, builder.name(name), layer.arrays, tuple(use.numbers))
    try:
        for problem in (*use.problems, *(each.reason for each in lost)):
            raise settings.refuse(problem)
        return [build(builder, call)]
    except (KernelError, ArgumentError) as error:
        return [builder.stop(call, str(error))]


def _expand_functional(builder: Builder, model: Model, inputs: Sequence[Value], prefix: str) -> list[Value]:
    places = {layer.settings.name: number for number, layer in enumerate(model.layers)}

    def place(told: tuple[str, int]) -> Place:
        if told[0] not in places:
            msg = f"damaged: there is no layer {quoted(told[0])}{nearest(told[0], places)}"
            raise model.settings.refuse(msg)
        return places[told[0]], told[1]

    if len(model.inputs) != len(inputs):
        msg = f"it takes {len(model.inputs)} inputs, and is given {len(inputs)}"
        raise model.settings.refuse(msg)
    made: dict[Place, list[Value]] = {place(told): [given] for told, given in zip(model.inputs, inputs, strict=True)}
    reads = {
        (number, count): [place(told) for told in use.reads]
        for number, layer in enumerate(model.layers)
        for count, use in enumerate(layer.uses)
        if (number, count) not in made
    }
    for at in _ordered(reads, made):
        given = [tensor for read in reads[at] for tensor in made[read]]
        layer = model.layers[at[0]]
        made[at] = _use(builder, layer, given, layer.uses[at[1]], prefix)
    results = [made.get(place(told)) for told in model.outputs]
    if not results or None in results:
        msg = "damaged: its layers form a circle, or what it gives is not made by any of them"
        raise model.settings.refuse(msg)
    return [tensor for each in results if each is not None for tensor in each]


def _ordered(reads: Mapping[Place, list[Place]], made: Iterable[Place]) -> Iterator[Place]:
    """The uses of layers, each after all that it reads; those that never can be are left out."""
    readers: dict[Place, list[Place]] = {}
    waits = {}
    known = set(made)
    for at, given in reads.items():
        waits[at] = len({*given} - known)
        for read in {*given} - known:
            readers.setdefault(read, []).append(at)
    ready = [at for at, count in waits.items() if not count]
    heapq.heapify(ready)
    while ready:
        at = heapq.heappop(ready)
        yield at
        for reader in readers.get(at, []):
            waits[reader] -= 1
            if not waits[reader]:
                heapq.heappush(ready, reader)
