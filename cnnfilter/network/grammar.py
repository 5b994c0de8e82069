r"""The stage language: text to stages and back.

Stages are separated by `,`, the arguments of a stage by `:`. The first argument may stand bare, the others
are `key=value`, split at the first `=`::

    conv:sobel-x:stride=2:padding=same,relu,maxpool:2
    relu:as=x,conv:8@3x3:padding=1,relu,conv:8@3x3:padding=1,add:x

Each stage reads the one before. `as=NAME` names its result, and `from:NAME`, which is no stage itself, goes on from
there; `add`, `multiply` and `concat` take names joined by `+`. `in` is the network's input, `last` the stage before.

Names of stages and keys may have capitals, and those of stages hyphens and underscores: `ReLU` and `Max_Pool` are read
and are written `relu` and `maxpool`. A backslash before `,`, `:` or `+` takes the separator's meaning away. The same
text stands in pipeline files, `@FILE`: one stage a line, `#` for comments, paths relative to the file. `READERS` has
all the stages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from cnnfilter.errors import ArgumentError, CnnfilterError, GrammarError
from cnnfilter.kernels.catalogue import KERNELS
from cnnfilter.kernels.matrix import looks_like_matrix
from cnnfilter.messages import alternatives, nearest, quoted, readable, why_no_file
from cnnfilter.network.graph import IN, INPUT, LAST, Group, Network, Node, names_of
from cnnfilter.network.groups import preset_text, seed_of, spliced, with_random, with_weights
from cnnfilter.network.presets import PRESETS
from cnnfilter.network.readers import READERS, Given, Reader, stage_name
from cnnfilter.network.stages import Conv, ConvTranspose, Join, Stage
from cnnfilter.network.stages.text import Piece, escape, split, unescape
from cnnfilter.text.files import decoded
from cnnfilter.weights.kinds import names_file

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE = 1 << 20
"""The largest pipeline file, in bytes; a hundred stages take a few thousand."""


MAX_STAGES = 1000
"""The longest chain: twice what the deepest well-known networks have. Each stage takes its time at every pixel."""


MAX_LISTED = 12
"""The most names that a message lists."""


MAX_NUMBERS = 10**7
"""The most numbers that the kernels of a chain hold together: ten of the largest ones, whose names are short."""


class _MisplacedError(ArgumentError):
    """What is wrong, and at which piece of a stage's text."""

    def __init__(self, problem: str, piece: Piece) -> None:
        super().__init__(problem)
        self.piece = piece


class Model(Protocol):
    """A network from a file, as `cnnfilter.models.Model` is one."""

    network: Network
    size: tuple[int | None, ...] | None
    labels: tuple[str, ...]


Load = Callable[[str], Model | None]
"""From the path of a file to the network in it; None if by its name it holds none."""


def parse(text: str, *, base: Path | None = None, load: Load = lambda path: None) -> Network:
    """Read a network.

    Parameters
    ----------
    text : str
        Such as `"conv:sobel-x,relu,maxpool:2"`, or `"@FILE"`.
    base : Path, optional
        The folder that paths of weight files are relative to; the current one by default, and that of the file
        for `@FILE`.
    load : callable, optional
        Reads files of whole networks, which are stages too: `cnnfilter.models.loading.load_named`.

    Returns
    -------
    Network
        A tuple of its nodes. Weight files are not opened yet.

    Raises
    ------
    GrammarError
        If the text cannot be read; the message has the stage and the column.
    ArgumentError
        If a pipeline file cannot be opened.

    Examples
    --------
    >>> str(parse("conv: sobel-x :padding=1x1, leaky_relu:0.1"))
    'conv:sobel-x:padding=1,leaky_relu:slope=0.1'
    """
    if text.strip().startswith("@"):
        return _parse_file(text.strip()[1:], base, load)
    return _parse_pieces([(piece, "") for piece in split(Piece(text, 1), ",")], base, load)


def _parse_file(name: str, base: Path | None, load: Load) -> Network:
    from pathlib import Path  # most texts name no file

    path = Path(name) if base is None else base / name
    shown = readable(path)
    try:
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
    return _parse_pieces(pieces, path.parent, load)


def _stages_of(line: str) -> list[Piece]:
    """The stages of a line: commas work here too, and one at its end does no harm."""
    comment = re.search(r"(?<!\S)#", line)
    pieces = split(Piece(line[: comment.start()] if comment else line, 1), ",")
    return pieces[:-1] if not pieces[-1].text else pieces


def _parse_pieces(pieces: Sequence[tuple[Piece, str]], base: Path | None, load: Load) -> Network:
    if len(pieces) > MAX_STAGES:
        msg = f"{len(pieces):,} stages are too many for a chain (at most {MAX_STAGES:,})"
        raise GrammarError(msg, stage=MAX_STAGES + 1, column=pieces[MAX_STAGES][0].column)
    network = _Network(base, load)
    for piece, where in pieces:
        number = len(network.nodes) + 1
        try:
            network.read(piece, where)
        except CnnfilterError as error:
            raise _placed(error, number, piece, where) from None
    network.check_read()
    return Network(network.nodes)


def _placed(error: CnnfilterError, number: int, piece: Piece, where: str) -> GrammarError:
    """The error with the stage's number and text, and the column of what is wrong in it."""
    wrong = error.piece if isinstance(error, _MisplacedError) else piece
    shown = f" {quoted(piece.text)}" if piece.text else ""
    meant = _with_commas(piece.text)
    reason = error if meant is None else f"commas part stages; write {quoted(meant)}"
    msg = f"stage {number}{shown} ({where}column {wrong.column}): {reason}"
    return GrammarError(msg, stage=number, column=wrong.column)


PRESET_READER = Reader(lambda given: NotImplemented, {"weights": unescape, "random": seed_of})
"""What a preset takes."""


class _Place(NamedTuple):
    """Where a node, or a `from`, stands in the text."""

    number: int
    piece: Piece
    where: str


class _Network:
    """A network as it is read, piece by piece."""

    def __init__(self, base: Path | None, load: Load) -> None:
        self.base = base
        self.load = load
        self.nodes: list[Node] = []
        self.places: list[_Place] = []
        self.names: dict[str, int] = {IN: INPUT}
        self.last = INPUT
        self.moved: _Place | None = None
        self.numbers = 0

    def read(self, piece: Piece, where: str) -> None:
        """Add what a piece of the text says."""
        head, *rest = split(piece, ":")
        place = _Place(len(self.nodes) + 1, piece, where)
        if head.text.lower() == "from":
            self._go_on(rest, piece)
            self.moved = place
            return
        plain, name = _named(rest)
        group = self._group(head, plain, name)
        if group is not None:
            self._splice(*group, name)
            self.places += [place] * (len(self.nodes) - len(self.places))
            self.moved = None
            return
        called = None if name is None else self._free(name)
        stage, joined = _parse_stage(piece, head, plain, called, self)
        self.numbers += _numbers_of(stage)
        if self.numbers > MAX_NUMBERS:
            most = f"at most {MAX_NUMBERS:,}"
            msg = f"the kernels up to here hold {self.numbers:,} numbers, too many for a chain ({most})"
            raise ArgumentError(msg)
        reads = self._reads(joined)
        if isinstance(stage, Join) and len(reads) < 2:
            msg = f"joins the stage before with nothing; name another stage, or write {stage.name}:last+last"
            raise _MisplacedError(msg, rest[0])
        self._add(Node(stage, reads, called))
        self.places.append(place)
        self.moved = None

    def before(self) -> Iterator[Stage]:
        """The stages before the next one, the nearest first, back to the input or to where branches meet."""
        number = self.last
        while number != INPUT:
            node = self.nodes[number]
            yield node.stage
            if len(node.reads) > 1:
                return
            (number,) = node.reads

    def _group(self, head: Piece, rest: Sequence[Piece], name: Piece | None) -> tuple[Network, Group] | None:
        """The network that a piece stands for, and how it is told; None if it is a stage."""
        if head.text in PRESETS:
            return self._preset(head.text, dict(_values(head.text, PRESET_READER, rest)))
        path = unescape(head.text)
        path = path if self.base is None else str(self.base / path)
        model = self.load(path)
        if model is None:
            return None
        if rest:
            msg = f"a file of a network takes no arguments but as=NAME, not {quoted(rest[0].text)}"
            raise _MisplacedError(msg, rest[0])
        return model.network, Group(escape(path), model.size, path, model.labels)

    def _preset(self, name: str, values: dict[str, Any]) -> tuple[Network, Group]:
        weights, seed = values.get("weights"), values.get("random")
        network = _parse_pieces([(piece, "") for piece in split(Piece(PRESETS[name].text, 1), ",")], None, self.load)
        if weights is not None and seed is not None:
            msg = "takes one of random and weights"
            raise ArgumentError(msg)
        if weights is not None:
            weights = weights if self.base is None else str(self.base / weights)
            network = with_weights(network, weights)
        elif seed is not None:
            network = with_random(network, seed)
        return network, Group(preset_text(name, weights, seed), PRESETS[name].size, weights)

    def _splice(self, network: Network, group: Group, name: Piece | None) -> None:
        """Add the nodes of a network; the last of them answers to a name besides."""
        alias = None if name is None else self._free(name)
        if alias is not None:
            group = replace(group, text=f"{group.text}:as={escape(alias)}")
        nodes = spliced(network, group, len(self.nodes), self.last, self.names)
        if alias is not None:
            nodes[-1] = replace(nodes[-1], aliases=(*nodes[-1].aliases, alias))
        for node in nodes:
            self._add(node)

    def check_read(self) -> None:
        """Raise a `GrammarError` if a result is read by no stage, or nothing follows a `from`."""
        if self.moved is not None:
            raise _placed(ArgumentError("a stage must follow it"), *self.moved)
        readers = Network(self.nodes).readers()
        for number, (place, found) in enumerate(zip(self.places[:-1], readers, strict=False)):
            group = self.nodes[number].group
            if not found and (group is None or group is not self.nodes[number + 1].group):
                msg = "no stage reads its result: the next begins elsewhere; name it, and add or concat it"
                raise _placed(ArgumentError(msg), *place)

    def _go_on(self, rest: Sequence[Piece], piece: Piece) -> None:
        if self.moved is not None:
            msg = "a stage must stand between two of them"
            raise ArgumentError(msg)
        if len(rest) != 1 or not rest[0].text:
            msg = "needs the name of a stage, such as from:x, which as=x names"
            raise _MisplacedError(msg, rest[-1] if rest else piece)
        self.last = self._known(rest[0])

    def _reads(self, joined: Sequence[Piece]) -> tuple[int, ...]:
        """What the next stage reads: what it names, and then the stage before unless that is among it."""
        named = [self._known(piece) for piece in joined]
        return tuple(named) if self.last in named else (*named, self.last)

    def _known(self, piece: Piece) -> int:
        name = unescape(piece.text)
        if name == LAST:
            return self.last
        if name not in self.names:
            listed = list(self.names)
            known = f"(known: {', '.join(map(readable, listed[:MAX_LISTED]))}{', ...' * (len(listed) > MAX_LISTED)})"
            msg = f"no stage before it is named {quoted(name)}{nearest(name, listed)} {known}"
            raise _MisplacedError(msg, piece)
        return self.names[name]

    def _free(self, piece: Piece) -> str:
        """A new name."""
        name = unescape(piece.text)
        if not name or name in (IN, LAST) or name in PRESETS:
            msg = f"{quoted(name)} cannot be a name: it has a meaning" if name else "a name is missing after as="
            raise _MisplacedError(msg, piece)
        if name in self.names:
            msg = f"{quoted(name)} is the name of stage {self.names[name] + 1} already"
            raise _MisplacedError(msg, piece)
        return name

    def _add(self, node: Node) -> None:
        self.last = len(self.nodes)
        self.nodes.append(node)
        self.names |= dict.fromkeys(names_of(node), self.last)


def _named(pieces: Sequence[Piece]) -> tuple[list[Piece], Piece | None]:
    """The arguments of a stage without its name, and that name."""
    plain: list[Piece] = []
    name: Piece | None = None
    for piece in pieces:
        key, equals, value = piece.text.partition("=")
        if not equals or key.strip().lower() != "as":
            plain.append(piece)
        elif name is not None:
            msg = "as is given twice"
            raise _MisplacedError(msg, piece)
        else:
            name = Piece(value.strip(), piece.column + len(piece.text) - len(value.lstrip()))
    return plain, name


def _numbers_of(stage: Stage) -> int:
    kernels = stage.kernels if isinstance(stage, Conv | ConvTranspose) else ()
    return sum(len(each.filters) * math.prod(each.size) for each in kernels)


def _parse_stage(
    piece: Piece, head: Piece, rest: Sequence[Piece], called: str | None, network: _Network
) -> tuple[Stage, Sequence[Piece]]:
    """A stage, and the names of what it joins with the stage before."""
    if not piece.text:
        msg = "no stage here; a comma stands between two stages"
        raise ArgumentError(msg)
    if head.text.startswith("@"):
        msg = "a pipeline file stands alone, with no other stages beside it"
        raise ArgumentError(msg)
    name = stage_name(head.text)
    if name is None:
        msg = _unknown_stage(head.text, piece.text, network.base)
        raise ArgumentError(msg)
    reader = READERS[name]
    values = dict(_values(name, reader, rest))
    text = values.pop("names", None)
    joined = [] if text is None else split(Piece(text, rest[0].column + rest[0].text.index(text)), "+")
    try:
        earlier = [node.stage for node in network.nodes]
        return reader.make(Given(values, [*network.before()][::-1], earlier, network.base, called)), joined
    except CnnfilterError as error:
        raise _MisplacedError(str(error), rest[0] if rest else piece) from None


def _values(name: str, reader: Reader, pieces: Sequence[Piece]) -> Iterator[tuple[str, Any]]:
    keys = dict(reader.keys)
    given: set[str] = set()
    for place, piece in enumerate(pieces):
        key, equals, raw = piece.text.partition("=")
        key = key.strip().lower().replace("-", "_")
        if place == 0 and reader.bare and not equals:
            key, equals, raw = reader.bare, "", piece.text
        elif not equals or key not in keys:
            raise _MisplacedError(_unknown_key(name, piece.text, key if equals else None, keys), piece)
        if key in given:
            msg = f"{key} is given twice"
            raise _MisplacedError(msg, piece)
        given.add(key)
        skipped = len(piece.text) - len(raw.lstrip()) if equals else 0
        value = Piece(raw.strip(), piece.column + skipped)
        try:
            read = keys[key](value.text)
        except CnnfilterError as error:
            raise _MisplacedError(str(error), value) from None
        if key == reader.bare:
            keys |= reader.more(value.text)
        yield key, read
    if reader.needs and reader.bare not in given:
        raise ArgumentError(reader.needs)


def _unknown_stage(name: str, text: str, base: Path | None) -> str:
    if looks_like_matrix(name) and ";" not in name:
        return (
            "commas part stages; in a chain the numbers of a matrix are split at blanks, its rows at ';', and two "
            "numbers of a window or a stride are written 2x1"
        )
    if name in KERNELS or ";" in name or names_file(name, base):
        return f"a kernel is no stage by itself; write {quoted(f'conv:{text}')}"
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


def _with_arguments(example: str, text: str, base: Path | None) -> str:
    """The example of a stage with the arguments that a person gave, if it takes them."""
    _, colon, arguments = text.partition(":")
    meant = f"{example.partition(':')[0]}:{arguments}"
    if not colon or "," in example or meant == example:
        return example
    try:
        _Network(base, lambda path: None).read(Piece(meant, 1), "")
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


def _with_commas(text: str) -> str | None:
    """Stages with commas between them, if a person wrote blanks or arrows there; else None."""
    parts = list(filter(None, re.split(r"[-=]>|[|>;\s]+", text)))
    return ",".join(parts) if len(parts) > 1 and all(stage_name(part.partition(":")[0]) for part in parts) else None
