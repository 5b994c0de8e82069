"""A network over one picture: plan every size, then run its stages fused, band by band.

`running` brings what is below it together for one picture; this is what programs and notebooks hold of a network, with
what else can be done with it, each by the room below that does it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfilter.addresses.address import located, text_of
from cnnfilter.engine.arrays import as_maps, as_samples, layout_of
from cnnfilter.engine.bands import available_threads
from cnnfilter.engine.geometry import Array
from cnnfilter.errors import ArgumentError
from cnnfilter.imaging.mapping import FULL_SCALE
from cnnfilter.messages import about, printable, quoted, shortened, without_secrets
from cnnfilter.models.loading import load, load_named
from cnnfilter.network import grammar
from cnnfilter.network.graph import INPUT, Network
from cnnfilter.network.groups import group_of, spliced
from cnnfilter.network.listing import columns, is_plain, network_of
from cnnfilter.network.plan import COLUMNS, Row, at_scale, plan
from cnnfilter.network.stages import Learned, Shape, Stage
from cnnfilter.running.schedule import Schedule
from cnnfilter.sizes import parse_shape
from cnnfilter.text.values import file_path, is_sequence, listed, switch, whole_number
from cnnfilter.weights.kinds import renew

if TYPE_CHECKING:
    from cnnfilter.page.making import Page


class Pipeline:
    """A network, to be planned, run and explained; a notebook shows it as a table.

    Parameters
    ----------
    stages : sequence of Stage, or Network
        Usually from text, by `Pipeline.parse`. Each stage reads the one before, but in a `Network`.

    Raises
    ------
    ArgumentError
        If it is none.

    Examples
    --------
    >>> edges = Pipeline.parse("conv:sobel-x,relu,maxpool:2")
    >>> edges.run(np.eye(6, dtype=np.uint8)).shape
    (1, 2, 2)
    """

    def __init__(self, stages: Sequence[Stage] | Network) -> None:
        if not isinstance(stages, Network):
            is_sequence = isinstance(stages, Sequence) and not isinstance(stages, str)
            if not (is_sequence and all(isinstance(stage, Stage) for stage in stages)):
                msg = f"stages must be a sequence of stages, not {quoted(stages)}; Pipeline.parse reads them from text"
                raise ArgumentError(msg)
        self.network = Network.of(stages)
        self._nodes: dict[int, Pipeline] = {}
        self._last: tuple[tuple[Shape, int], Schedule | None] = (((), 0), None)

    @classmethod
    def parse(cls, text: str, *, base: PathLike[str] | str | None = None) -> Pipeline:
        """Read the text of a chain.

        Parameters
        ----------
        text : str
            Stages between commas, such as `"conv:sobel-x,relu,maxpool:2"`; or `"@FILE"`, a file with a stage in each
            line.
        base : path or str, optional
            The folder that file names are relative to, or its address; by default the working one.

        Returns
        -------
        Pipeline

        Raises
        ------
        GrammarError
            If it cannot be read; the message says where.
        ArgumentError
            If it is no text, or a file of stages cannot be read.

        Examples
        --------
        >>> str(Pipeline.parse("conv: sobel-x, ReLU"))
        'conv:sobel-x,relu'
        """
        if not isinstance(text, str):
            msg = f"text must be stages such as 'conv:sobel-x,relu', not {quoted(text)}"
            raise ArgumentError(msg)
        if not isinstance(base, str | PathLike | None):
            msg = f"base must be the path of a folder, not {quoted(base)}"
            raise ArgumentError(msg)
        renew()
        with about("base: "):
            folder = None if base is None else located(base)
        return cls(grammar.parse(text, base=folder, load=load_named))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Pipeline:
        """Read a network from a file.

        Parameters
        ----------
        path : str or path
            An ONNX file (.onnx), one of Keras (.keras, .h5), or one that `save` or `cnnfilter train` wrote (.npz,
            .safetensors); or the address of one, such as `"s3://nets/net.onnx"`.

        Returns
        -------
        Pipeline
            Its nodes have the names that the file gives them. It takes the values that the network was trained on:
            `Pipeline.parse("resize:256,crop:224,normalize:imagenet,net.onnx")` puts stages before it.

        Raises
        ------
        KernelError
            If it cannot be used; one line that names it.
        MissingExtraError
            If the library that reads it is not installed.
        ArgumentError
            If it is no path.

        Examples
        --------
        >>> Pipeline.load("net.onnx")
        Traceback (most recent call last):
            ...
        cnnfilter.errors.KernelError: net.onnx: no such file
        """
        source = file_path(path)
        renew()
        model = load(source)
        return cls(Network(spliced(model.network, group_of(text_of(source), model), 0, INPUT, ())))

    def save(
        self,
        path: str | PathLike[str],
        *,
        size: Shape | None = None,
        labels: Sequence[str] | None = None,
        overwrite: bool = False,
    ) -> None:
        """Write the network with its learned numbers into one file, which `load` and `cnnfilter run` take.

        Parameters
        ----------
        path : str or path
            Ending in `.npz` or `.safetensors`; or an address.
        size : tuple of int, optional
            (H, W, C) of the input, where the sizes of the numbers are not known without it.
        labels : sequence of str, optional
            The names of a vector's values; those of the file that the network is from by default.
        overwrite : bool
            Whether an existing file is replaced.

        Raises
        ------
        ArgumentError
            If a stage has no numbers or cannot be told without another file, or the path ends in something else.
        ShapeError, KernelError, MissingExtraError
            If the size does not fit, or numbers cannot be read.
        ExistsError, OutputError
            If the file exists, or cannot be written.

        Examples
        --------
        >>> Pipeline.parse("conv:8@3x3:random=1,relu").save("photo.jpg")
        Traceback (most recent call last):
            ...
        cnnfilter.errors.ArgumentError: a network is written as .npz or .safetensors, not as '.jpg'
        """
        from cnnfilter.models import own  # running does without
        from cnnfilter.writing.write import Writing, write_atomically

        target, replaces = file_path(path), switch(overwrite, "overwrite")
        own.check_suffix(target.suffix)
        self.check_runnable()
        groups = [node.group for node in self.network if node.group is not None and node.group.labels]
        names = (groups[-1].labels if groups else ()) if labels is None else _texts(labels, "labels")
        network = own.named(self.network)
        text = own.text_of(network)
        arrays = own.arrays_of(network, None if size is None else parse_shape(size))
        data = own.written(target.suffix, arrays, own.Record(text, size, names))
        write_atomically(target, data, Writing(overwrite=replaces))

    def __str__(self) -> str:
        return str(self.network)

    def __repr__(self) -> str:
        return f"<Pipeline {shortened(self.network)}>"

    def __getstate__(self) -> dict[str, Any]:
        """What another process is sent: it prepares the stages itself."""
        return {"network": self.network, "_nodes": {}, "_last": (((), 0), None)}

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages, in order."""
        return self.network.stages

    def _repr_html_(self) -> str:
        """Table of the stages, for a notebook."""
        if is_plain(self.network):
            return _html(
                ("", "STAGE"), [(str(number), shortened(stage)) for number, stage in enumerate(self.stages, 1)]
            )
        return _html(*columns(self.network))

    def plan(self, shape: Shape) -> Plan:
        """Plan the chain for an input of some size: what each stage makes of it, costs and sees.

        Parameters
        ----------
        shape : tuple of int
            (H, W, C), or (n,) of a vector.

        Returns
        -------
        Plan
            A tuple of a row for each stage, which a notebook shows as a table. A row has `stage`, `input` and `output`
            (sizes as `shape` is one), `params` (learned numbers), `macs` (multiply-adds), `receptive_field`, `jump`,
            `dropped` (rows and columns that no window reaches) and `arithmetic`.

        Raises
        ------
        ShapeError, ArgumentError, KernelError, MissingExtraError
            If a stage does not fit what arrives, or its weights cannot be read; the message begins with its number and
            name.

        Examples
        --------
        >>> [row.output for row in Pipeline.parse("conv:32@3x3,relu,maxpool:2").plan((28, 28, 1))]
        [(26, 26, 32), (26, 26, 32), (13, 13, 32)]
        """
        return Plan(plan(self.network, parse_shape(shape)))

    def up_to(self, node: str | int) -> Pipeline:
        """The network whose result is that of one of its nodes.

        Parameters
        ----------
        node : str or int
            By its name, or by its number, the plan's rows counted from 1; an equal name comes first.

        Returns
        -------
        Pipeline

        Raises
        ------
        ArgumentError
            If there is no such node.

        Examples
        --------
        >>> str(Pipeline.parse("conv:sobel-x,relu:as=seen,maxpool:2").up_to("seen"))
        'conv:sobel-x,relu:as=seen'
        """
        number = self.network.find(node)
        if number == len(self.network) - 1:
            return self
        if number not in self._nodes:
            self._nodes[number] = Pipeline(self.network.up_to(number))
        return self._nodes[number]

    def check_runnable(self) -> None:
        """Raise an `ArgumentError` if a stage has sizes but no weights."""
        for number, stage in self._used():
            if stage.runnable is not None:
                group = self.network[number - 1].group
                if group is not None and isinstance(stage, Learned):
                    msg = f"{group.text} has no weights; write {group.text}:weights=FILE, or {group.text}:random=1"
                    raise ArgumentError(msg)
                with about(f"stage {number} ({stage.name}): "):
                    raise ArgumentError(stage.runnable)

    def load_weights(self) -> None:
        """Read the weight files now, which otherwise are read when they are first needed.

        Raises
        ------
        KernelError, MissingExtraError
            If one cannot be used; the message begins with the stage's number and name.
        """
        for number, stage in self._used():
            with about(f"stage {number} ({stage.name}): "):
                stage.load()

    def _used(self) -> Iterator[tuple[int, Stage]]:
        """The stages that the result depends on, with their numbers."""
        needed = self.network.needed()
        return ((number + 1, node.stage) for number, node in enumerate(self.network) if number in needed)

    def run(
        self,
        maps_or_image: Any,
        *,
        node: str | int | None = None,
        layout: str | None = None,
        threads: int | None = None,
    ) -> Array:
        """Run a picture, maps, or a batch of them through the network.

        Parameters
        ----------
        maps_or_image : Picture, or array_like, (H, W), (C, H, W), (H, W, C), (N, C, H, W) or (n,)
            A picture's transparency is left out, with a warning. Values are taken as they are: nothing is divided
            unless a `normalize` stage says so, by default by the full scale of what is given: 255 of uint8, 65535 of
            uint16, and 1 of all else, which is taken as float32.
        node : str or int, optional
            Whose result is wanted, by name or number, as `up_to` takes it; the last one's by default.
        layout : {"chw", "hwc"}, optional
            How the axes of a 3-D array lie. By default a Picture, uint8 and uint16 are (H, W, C), and all else is
            (C, H, W).
        threads : int, optional
            How many to use; all cores by default. The result is the same for every number.

        Returns
        -------
        ndarray of float32, maps (C, H', W'), or a vector (m,) after `flatten` and `dense`; of a batch one for each

        Raises
        ------
        ShapeError, KernelError, MissingExtraError
            If a stage does not fit what arrives, or its weights cannot be read.
        ArgumentError
            If a stage has no weights, there is no such node, or an argument is outside its limits. Without a layout
            also if the array is 3-D, not of uint8 or uint16, and looks like (H, W, C): its last axis is 1, 3 or 4, and
            the others are longer than 4.

        Examples
        --------
        >>> Pipeline.parse("conv:1 1; 1 1,relu").run([[1, 2, 3], [4, 5, 6]]).tolist()
        [[[12.0, 16.0]]]
        """
        if node is not None:
            return self.up_to(node).run(maps_or_image, layout=layout, threads=threads)
        self.check_runnable()
        if threads is not None:
            available_threads(threads)
        given = as_samples(maps_or_image, "maps_or_image")
        scale = FULL_SCALE[given.dtype.type.__name__]  # `dtype.name` takes 2 us
        if given.ndim == 1:
            return self._run(given, given.shape, scale, threads)
        batch = as_maps(given, "maps_or_image", layout_of(maps_or_image, layout))
        shape = (*batch.shape[2:], batch.shape[1])
        results = [self._run(maps, shape, scale, threads) for maps in batch]
        return np.stack(results) if given.ndim == 4 else results[0]

    def _run(self, given: Array, shape: Shape, scale: int, threads: int | None) -> Array:
        schedule = self._schedule(shape, scale)
        with np.errstate(over="ignore", invalid="ignore"):  # of vectors, as in `Pointwise`
            result = schedule.run(given, threads).astype(np.float32, copy=False)
        return result.copy() if np.may_share_memory(result, given) else result

    __call__ = run

    def results(
        self, maps_or_image: Any, nodes: Collection[int], *, layout: str | None = None, threads: int | None = None
    ) -> Iterator[tuple[int, Array]]:
        """Run a picture, or maps, through the network once, and give the results of some of its nodes as they come.

        Parameters
        ----------
        maps_or_image : Picture, or array_like, (H, W), (C, H, W), (H, W, C) or (n,)
            A picture's transparency is left out, with a warning. Values are taken as they are.
        nodes : collection of int
            By their numbers, counted from 0.
        layout : {"chw", "hwc"}, optional
            How the axes of a 3-D array lie. By default a Picture, uint8 and uint16 are (H, W, C), and all else is
            (C, H, W).
        threads : int, optional
            How many to use; all cores by default.

        Returns
        -------
        iterator of (int, ndarray of float32)
            Each node and its result, maps (C, H', W') or a vector (m,) that cannot be written into, in the order of the
            nodes.

        Raises
        ------
        ShapeError, KernelError, MissingExtraError
            If a stage does not fit what arrives, or its weights cannot be read.
        ArgumentError
            If a stage has no weights, or an argument is outside its limits.

        Examples
        --------
        >>> pipeline = Pipeline.parse("conv:1 1; 1 1,relu,maxpool:1x2")
        >>> [(node, result.shape) for node, result in pipeline.results([[1, 2, 3], [4, 5, 6]], [0, 2])]
        [(0, (1, 1, 2)), (2, (1, 1, 1))]
        """
        self.check_runnable()
        if threads is not None:
            available_threads(threads)
        given = as_samples(maps_or_image, "maps_or_image")
        maps = given if given.ndim == 1 else _one(given, "maps_or_image", layout_of(maps_or_image, layout))
        shape = given.shape if given.ndim == 1 else (*maps.shape[1:], maps.shape[0])
        rows = at_scale(self.plan(shape), FULL_SCALE[given.dtype.type.__name__])
        with np.errstate(over="ignore", invalid="ignore"):
            for number, result in Schedule(rows, nodes).results(maps, threads):
                told = result.astype(np.float32, copy=False).view()
                told.flags.writeable = False  # later nodes may read it, and it may be what was given
                yield number, told

    def gradients(
        self,
        maps_or_image: Any,
        target: Any,
        loss: str = "cross-entropy",
        *,
        layout: str | None = None,
        threads: int | None = None,
    ) -> tuple[float, dict[str, Array], Array]:
        """How a loss would change with every learned number, and with every sample of a picture or of a batch.

        Parameters
        ----------
        maps_or_image : Picture, or array_like, (H, W), (C, H, W), (H, W, C), (N, C, H, W) or (n,)
            As `run` takes it. The network is as it is in use: nothing is dropped.
        target : int, str or array_like
            The number of the class, counted from 0, its name, as it comes with the network's file, or what the result
            should be; of a batch one for each.
        loss : {"cross-entropy", "binary-cross-entropy", "mse"}
            By the natural logarithm, and a mean over a batch; of `mse` over all values. The first two take the result
            of a network that does not end in `softmax`, or `sigmoid`, as what these are made of.
        layout : {"chw", "hwc"}, optional
            As `run` takes it.
        threads : int, optional
            How many to use; all cores by default. The result is the same for every number.

        Returns
        -------
        loss : float
        gradients : dict of str to ndarray of float32
            Of each learned array by its name: that of its node, or the number counted from 1, and PyTorch's of its
            role, such as `conv1.weight`.
        dx : ndarray of float32, (C, H, W), (N, C, H, W) or (n,)
            Of the picture's samples.

        Raises
        ------
        ArgumentError
            If a stage has no weights, the target does not fit the result, or an argument is outside its limits.
        ShapeError, KernelError, MissingExtraError
            If a stage does not fit what arrives, or its weights cannot be read.

        Examples
        --------
        >>> network = Pipeline.parse("dense:2:bias=no:random=1:as=d")
        >>> value, gradients, dx = network.gradients([1.0, 2.0, 3.0], 0)
        >>> gradients["d.weight"].shape, dx.shape
        ((2, 3), (3,))
        """
        from cnnfilter.learning.differentiation import gradients  # running does without

        self.check_runnable()
        if threads is not None:
            available_threads(threads)
        given = as_samples(maps_or_image, "maps_or_image")
        is_vector = given.ndim == 1
        batch = given[None] if is_vector else as_maps(given, "maps_or_image", layout_of(maps_or_image, layout))
        is_batch = given.ndim == 4
        scale = FULL_SCALE[given.dtype.type.__name__]
        targets = target if is_batch else [target]
        value, found, dx = gradients(self.network, batch, targets, loss, scale=scale, threads=threads)
        return value, found, dx if is_batch else dx[0]

    def explain(
        self, image: Any, *, at: Sequence[int], node: str | int | None = None, layout: str | None = None
    ) -> dict[str, Any]:
        """Explain how one value of the result comes about: every window, product and sum behind it.

        Parameters
        ----------
        image : Picture, or array_like, (H, W), (C, H, W) or (H, W, C)
            A picture's transparency is left out, with a warning.
        at : sequence of int
            Row and column in the result, counted from 0, and which map (0 if left out); of a vector, the index.
        node : str or int, optional
            Whose result is meant, by name or number, as `up_to` takes it; the last one's by default.
        layout : {"chw", "hwc"}, optional
            How the axes of a 3-D array lie. By default a Picture, uint8 and uint16 are (H, W, C), and all else is
            (C, H, W).

        Returns
        -------
        dict
            What `cnnfilter explain --json` prints: `stages`, `input`, `output`, `at`, `value`, `steps` (the last stage
            first, each with its window, kernel, products and sum) and `receptive_field`. All of it is text, numbers,
            lists and dictionaries, in float64; `run` gives the same value within the rounding of float32.

        Raises
        ------
        ArgumentError
            If a stage has no weights, there is no such place (the message has the result's size), the value depends on
            more than can be told, or an argument is outside its limits. Without a layout also if the array is 3-D,
            not of uint8 or uint16, and looks like (H, W, C): its last axis is 1, 3 or 4, and the others are longer than
            4.
        ShapeError, KernelError, MissingExtraError
            If a stage does not fit what arrives, or its weights cannot be read.

        Examples
        --------
        >>> record = Pipeline.parse("conv:0 1; 2 3").explain([[0, 1, 2], [3, 4, 5], [6, 7, 8]], at=(0, 0))
        >>> record["value"], record["steps"][0]["filters"][0]["channels"][0]["products"]
        (19, [[0, 1], [6, 12]])
        """
        from cnnfilter.explanation import explain, to_record  # running does without

        maps = _one(as_samples(image, "image"), "image", layout_of(image, layout))
        pipeline = self if node is None else self.up_to(node)
        return to_record(explain(pipeline, maps.transpose(1, 2, 0), at))

    def page(
        self,
        image: Any,
        *,
        node: str | int | None = None,
        layout: str | None = None,
        size: int | None = None,
        static: bool = False,
        labels: Sequence[str] | None = None,
        name: str = "picture",
    ) -> Page:
        """An interactive page of the network on a picture: every value can be followed back, and all of it changed.

        Parameters
        ----------
        image : Picture, or array_like, (H, W), (C, H, W) or (H, W, C)
            A picture's transparency is left out, with a warning.
        node : str or int, optional
            Whose result is the last, by name or number, as `up_to` takes it.
        layout : {"chw", "hwc"}, optional
            How the axes of a 3-D array lie, as `explain` takes it.
        size : int, optional
            A picture whose longer side has more samples is resized first, by a stage of the network that the page
            tells.
        static : bool
            Embed the results of what is too large to be computed again; nothing can be changed then.
        labels : sequence of str, optional
            The names of a vector's values, one for each.
        name : str
            What the picture is called.

        Returns
        -------
        Page
            Its `html` is the whole file, as `cnnfilter page` writes it; a notebook shows it in a frame.

        Raises
        ------
        ArgumentError
            If a stage has no weights, there is no such node, the network is too large for a page (the message has the
            limit, and the ways out), or an argument is outside its limits.
        ShapeError, KernelError, MissingExtraError
            If a stage does not fit what arrives, or its weights cannot be read.

        Examples
        --------
        >>> page = Pipeline.parse("conv:edge,relu").page(np.eye(8, dtype=np.uint8))
        >>> page.html.startswith("<!doctype html>")
        True
        """
        from cnnfilter.page.making import page  # running does without
        from cnnfilter.page.preparing import shrunk

        maps = _one(as_samples(image, "image"), "image", layout_of(image, layout))
        if size is not None:
            size = whole_number(size, "size", 1)
        pipeline = self if node is None else self.up_to(node)
        pipeline.check_runnable()
        if not isinstance(name, str):
            msg = f"name must be a text, not {quoted(name)}"
            raise ArgumentError(msg)
        is_static = switch(static, "static")
        names = _texts(labels, "labels")
        network, whole = (shrunk(each.network, maps.shape[1:], size) for each in (pipeline, self))
        of = None if pipeline is self else whole
        return page(network, maps, without_secrets(name), labels=names, whole=of, static=is_static)

    def _schedule(self, shape: Shape, scale: int) -> Schedule:
        """What is done to an input; for the last size and scale it is kept.

        A small network takes longer to prepare than to run.
        """
        known, schedule = self._last
        if schedule is None or known != (shape, scale):
            schedule = Schedule(at_scale(self.plan(shape), scale))
            self._last = ((shape, scale), schedule)
        return schedule


class Plan(tuple[Row, ...]):
    """The rows of a plan, which show themselves as a table in a notebook."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        network = network_of(self)
        if is_plain(network):
            return _html(COLUMNS, [row.cells for row in self])
        header, nodes = columns(network)
        rows = [(*node, *row.cells[1:]) for node, row in zip(nodes, self, strict=True)]
        return _html((*header, *COLUMNS[1:]), rows)


def _html(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    from html import escape  # only notebooks ask for it

    def line(tag: str, cells: Sequence[str]) -> str:
        texts = ("<br>".join(escape(printable(part)) for part in cell.split("\n")) for cell in cells)
        return f"<tr>{''.join(f'<{tag}>{text}</{tag}>' for text in texts)}</tr>"

    return f"<table>{line('th', header)}{''.join(line('td', row) for row in rows)}</table>"


def _texts(value: object, name: str) -> tuple[str, ...]:
    """Texts in a sequence, none of None."""
    texts = () if value is None else listed(value)
    if not (is_sequence(texts) and all(isinstance(text, str) for text in texts)):
        msg = f"{name} must be texts in a list, not {quoted(value)}"
        raise ArgumentError(msg)
    return tuple(map(str, texts))


def _one(given: Array, name: str, layout: str | None) -> Array:
    """The maps of one picture."""
    batch = as_maps(given, name, layout)
    if len(batch) != 1:
        msg = f"one picture is taken at a time here: {name} is a batch of {len(batch)}"
        raise ArgumentError(msg)
    maps: Array = batch[0]
    return maps
