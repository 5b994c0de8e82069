"""A network put together from the pieces of a text: nodes, their names, what they read, and networks among them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnfilter.errors import ArgumentError, CnnfilterError, GrammarError
from cnnfilter.messages import nearest, quoted, readable
from cnnfilter.network.arguments import LEARNED_KEYS, Given, Reader
from cnnfilter.network.graph import IN, INPUT, LAST, Group, Network, Node, names_of
from cnnfilter.network.groups import Model, group_of, preset_text, spliced, with_random, with_weights
from cnnfilter.network.presets import PRESETS
from cnnfilter.network.stage_text import head_and_arguments, misplaced, parse_stage, parse_values, with_commas
from cnnfilter.network.stages import Conv, ConvTranspose, Join, Stage
from cnnfilter.network.stages.text import Piece, escape, split, unescape

if TYPE_CHECKING:
    from cnnfilter.addresses.address import Where

MAX_LISTED = 12
"""The most names that a message lists."""


MAX_NUMBERS = 10**7
"""The most numbers that the kernels of a chain hold together: ten of the largest ones, whose names are short."""


Load = Callable[[str], Model | None]
"""From the path of a file to the network in it; None if by its name it holds none."""


def placed(error: CnnfilterError, number: int, piece: Piece, where: str) -> GrammarError:
    """The error with the stage's number and text, and the column of what is wrong in it."""
    column = error.column if isinstance(error, GrammarError) else piece.column
    shown = f" {quoted(piece.text)}" if piece.text else ""
    meant = with_commas(piece.text)
    reason = error if meant is None else f"commas part stages; write {quoted(meant)}"
    msg = f"stage {number}{shown} ({where}column {column}): {reason}"
    return GrammarError(msg, stage=number, column=column)


PRESET_READER = Reader(lambda given: NotImplemented, {key: LEARNED_KEYS[key] for key in ("weights", "random")})
"""What a preset takes."""


class _Place(NamedTuple):
    """Where a node, or a `from`, stands in the text."""

    number: int
    piece: Piece
    where: str


class Assembly:
    """A network as it is read, piece by piece."""

    def __init__(self, base: Where | None, load: Load, *, names_files: bool = True) -> None:
        self.base = base
        self.load = load
        self.names_files = names_files
        self.nodes: list[Node] = []
        self.places: list[_Place] = []
        self.names: dict[str, int] = {IN: INPUT}
        self.last = INPUT
        self.moved: _Place | None = None
        self.numbers = 0

    @classmethod
    def of(
        cls, pieces: Iterable[tuple[Piece, str]], base: Where | None, load: Load, *, names_files: bool = True
    ) -> Network:
        """The network of some pieces, each with what stands before its column in errors.

        Raises
        ------
        GrammarError
            If one cannot be read.
        """
        network = cls(base, load, names_files=names_files)
        for piece, where in pieces:
            number = len(network.nodes) + 1
            try:
                network.read(piece, where)
            except CnnfilterError as error:
                raise placed(error, number, piece, where) from None
        network.check_read()
        return Network(network.nodes)

    def read(self, piece: Piece, where: str) -> None:
        """Add what a piece of the text says."""
        head, rest = head_and_arguments(piece)
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
        stage, joined = parse_stage(piece, head, plain, self._given(called))
        self.numbers += _numbers_of(stage)
        if self.numbers > MAX_NUMBERS:
            most = f"at most {MAX_NUMBERS:,}"
            msg = f"the kernels up to here hold {self.numbers:,} numbers, too many for a chain ({most})"
            raise ArgumentError(msg)
        reads = self._reads(joined)
        if isinstance(stage, Join) and len(reads) < 2:
            msg = f"joins the stage before with nothing; name another stage, or write {stage.name}:last+last"
            raise misplaced(msg, rest[0])
        self._add(Node(stage, reads, called))
        self.places.append(place)
        self.moved = None

    def _given(self, called: str | None) -> Given:
        earlier = [node.stage for node in self.nodes]
        return Given({}, [*self._before()][::-1], earlier, self.base, called, self.names_files)

    def _before(self) -> Iterator[Stage]:
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
            return self._preset(head.text, dict(parse_values(head.text, PRESET_READER, rest)))
        path = unescape(head.text)
        if not self.names_files:
            return None
        if self.base is not None:
            from cnnfilter.addresses.address import name_in

            path = name_in(self.base, path)
        model = self.load(path)
        if model is None:
            return None
        if rest:
            msg = f"a file of a network takes no arguments but as=NAME, not {quoted(rest[0].text)}"
            raise misplaced(msg, rest[0])
        return model.network, group_of(path, model)

    def _preset(self, name: str, values: dict[str, Any]) -> tuple[Network, Group]:
        weights, seed = values.get("weights"), values.get("random")
        network = Assembly.of([(piece, "") for piece in split(Piece(PRESETS[name].text, 1), ",")], None, self.load)
        if weights is not None and seed is not None:
            msg = "takes one of random and weights"
            raise ArgumentError(msg)
        if weights is not None:
            weights = self._given(None).path(weights)
            network = with_weights(network, weights)
        elif seed is not None:
            network = with_random(network, seed)
        return network, Group(preset_text(name, weights, seed), PRESETS[name].size, weights)

    def _splice(self, network: Network, group: Group, name: Piece | None) -> None:
        """Add the nodes of a network; the last of them answers to a name besides."""
        alias = None if name is None else self._free(name)
        if alias is not None:
            group = group._replace(text=f"{group.text}:as={escape(alias)}")
        if not network:
            msg = "a network without stages"
            raise ArgumentError(msg)
        nodes = spliced(network, group, len(self.nodes), self.last, self.names)
        if alias is not None:
            nodes[-1] = nodes[-1]._replace(aliases=(*nodes[-1].aliases, alias))
        for node in nodes:
            self._add(node)

    def check_read(self) -> None:
        """Raise a `GrammarError` if a result is read by no stage, or nothing follows a `from`."""
        if self.moved is not None:
            raise placed(ArgumentError("a stage must follow it"), *self.moved)
        readers = Network(self.nodes).readers()
        for number, (place, found) in enumerate(zip(self.places[:-1], readers, strict=False)):
            group = self.nodes[number].group
            if not found and (group is None or group is not self.nodes[number + 1].group):
                msg = "no stage reads its result: the next begins elsewhere; name it, and add or concat it"
                raise placed(ArgumentError(msg), *place)

    def _go_on(self, rest: Sequence[Piece], piece: Piece) -> None:
        if self.moved is not None:
            msg = "a stage must stand between two of them"
            raise ArgumentError(msg)
        if len(rest) != 1 or not rest[0].text:
            msg = "needs the name of a stage, such as from:x, which as=x names"
            raise misplaced(msg, rest[-1] if rest else piece)
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
            raise misplaced(msg, piece)
        return self.names[name]

    def _free(self, piece: Piece) -> str:
        """A new name."""
        name = unescape(piece.text)
        if not name or name in (IN, LAST) or name in PRESETS:
            msg = f"{quoted(name)} cannot be a name: it has a meaning" if name else "a name is missing after as="
            raise misplaced(msg, piece)
        if name in self.names:
            msg = f"{quoted(name)} is the name of stage {self.names[name] + 1} already"
            raise misplaced(msg, piece)
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
            raise misplaced(msg, piece)
        else:
            name = Piece(value.strip(), piece.column + len(piece.text) - len(value.lstrip()))
    return plain, name


def _numbers_of(stage: Stage) -> int:
    kernels = stage.kernels if isinstance(stage, Conv | ConvTranspose) else ()
    return sum(len(each.filters) * math.prod(each.size) for each in kernels)
