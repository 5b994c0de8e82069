"""What programs of several languages share: the layers of the stages in their order, and what is loaded by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from cnnfilter.addresses.address import is_address
from cnnfilter.export.base import called, scale_of
from cnnfilter.export.naming import Path, Paths, string
from cnnfilter.export.weights import MAX_NUMBERS
from cnnfilter.messages import printable, show_shape
from cnnfilter.network.graph import INPUT, needed
from cnnfilter.network.listing import network_of
from cnnfilter.network.plan import Row
from cnnfilter.network.stages import Join, Stage
from cnnfilter.network.stages.base import Learned
from cnnfilter.weights.parameters import Named, Parameters, RandomParameters

if TYPE_CHECKING:
    from cnnfilter.weights.state import State

Code = Callable[[Any, Row, Any], list[str]]
"""From a stage, its row and the program to its layers or expressions."""


class Part(NamedTuple):
    """A stage in a program.

    Parameters
    ----------
    number : int
        That of its row, from 0.
    row : Row
    given : list of str
        The variables that it reads.
    layers : list of str
    paths : list of tuple of str
        What each of the layers is called.
    main : int
        Which of the layers holds the numbers, if any does.
    """

    number: int
    row: Row
    given: list[str]
    layers: list[str]
    paths: list[Path]
    main: int

    @property
    def comment(self) -> str:
        """What the stage is, and the size of its result."""
        return f"# {self.row.stage.name}: {show_shape(self.row.output)}"


class Program:
    """The layers of a program and the numbers they are given, gathered stage by stage.

    Parameters
    ----------
    rows : sequence of Row
        The plan.
    layers_of : callable
        Gives the layers of a stage; may add some before, and numbers.
    file : str, optional
        The file of the learned numbers that are known, which the program loads; see `saved`.

    Attributes
    ----------
    is_chain : bool
        Whether it is written as layers one after the other: it has no branches, and nothing that is loaded by name.
    parts : list of Part
    weights : list of str
        The lines that give numbers to the layers.
    kept : set of int
        The rows whose results are read later than by the next one; `INPUT` is the network's input.
    state_of : dict
        What reads arrays by name from a file of each suffix, `{}` its path; of others by "".
    safetensors : str
        The module that reads `.safetensors`.
    """

    state_of: ClassVar[dict[str, str]] = {
        ".safetensors": "safetensors.numpy.load_file({})",
        ".npz": "np.load({})",
        "": "{{name: array.numpy() for name, array in torch.load({}, weights_only=True).items()}}",
    }
    safetensors: ClassVar[str] = "safetensors.numpy"

    def __init__(self, rows: Sequence[Row], layers_of: Code, file: str | None = None) -> None:
        self.rows = rows
        self.file = file
        self._paths = Paths()
        mains = main_paths(rows, self._paths)
        numbers = sorted(mains)
        self.loaded = (loaded(rows) if file is None else learned(rows)) & {*numbers}
        self.is_chain = not self.loaded and all(row.reads == (number - 1,) for number, row in enumerate(rows))
        self.names = _names(rows)
        if file is not None:
            for number, path in mains.items():
                self.names[number] = ".".join(path)
        self.parts: list[Part] = []
        self.weights: list[str] = []
        self.kept: set[int] = set()
        self._last = INPUT
        for number in numbers:
            self.number, self.row = number, rows[number]
            self._main, self._layers, self._path = -1, list[str](), mains[number]
            self.given = [self._value(read) for read in self.row.reads]
            self.add(*layers_of(self.row.stage, self.row, self))
            self.parts.append(Part(number, self.row, self.given, self._layers, self._called(), self._main))
            self._last = number
        self.code = "\n".join(layer for part in self.parts for layer in part.layers)

    @property
    def is_loaded(self) -> bool:
        """Whether the numbers of the stage whose layers are asked for are loaded by name, and not printed."""
        return self.number in self.loaded

    @property
    def name(self) -> str:
        """What that stage is called: what its learned numbers' names begin with."""
        return self.names[self.number]

    def add(self, *layers: str) -> None:
        """Add layers."""
        self._layers += layers

    def mark(self) -> tuple[int, Path]:
        """Say that the layer added next holds the numbers: its place among all layers, and what it is called."""
        self._main = len(self._layers)
        return sum(len(part.layers) for part in self.parts) + self._main, self._path

    def _value(self, read: int) -> str:
        """The variable of a result; only the last one's is not kept."""
        if read == self._last:
            return "x"
        self.kept.add(read)
        return f"x{read + 1}"

    def _called(self) -> list[Path]:
        """What each layer of a stage is called: the one with the numbers, or the last one, as the stage."""
        main = self._main if self._main >= 0 else len(self._layers) - 1
        return [self._path if place == main else self._beside(place) for place in range(len(self._layers))]

    def _beside(self, place: int) -> Path:
        name = f"{'.'.join(self._path)}_{place + 1}"
        return self._paths.take(name, self.number + 1, self.row.stage.name)

    def helpers(self, known: dict[str, str]) -> str:
        """The code of those helpers that the layers call."""
        return "\n\n".join(code.strip() + "\n" for code in called(known, self.code))

    def result(self, part: Part) -> str:
        """The variables that a stage's result is given to."""
        return f"x{part.number + 1} = x" if part.number in self.kept else "x"

    def flow(self, part: Part, call: Callable[[int, str], str]) -> list[str]:
        """The lines from what a stage reads to its result, given what calls one of its layers."""
        lines, value = [], part.given[0]
        for place in range(len(part.layers)):
            last = place == len(part.layers) - 1
            lines.append(f"{self.result(part) if last else 'x'} = {call(place, value)}")
            value = "x"
        lines[-1] += f"  {part.comment}"
        return lines

    def text(self, imports: Sequence[str], helpers: str, body: str, after: str, main: str) -> str:
        """The program: imports, the helpers that it calls, the network, what is done to it after, what is run."""
        parts = [
            self.warning + "\n".join([*self.imports, *imports]) + "\n",
            *filter(None, [scale_of(self.code)]),
            *([f"\n{helpers}\n"] if helpers else []),
            body,
            f'{after}\nif __name__ == "__main__":\n{self.told}    {main}\n',
        ]
        return "\n".join(parts)

    @property
    def is_random(self) -> bool:
        """Whether the program has random numbers for known ones, unless those are loaded into it."""
        return bool(self.loaded) and self.file is None

    @property
    def warning(self) -> str:
        """What a program begins with that has random numbers for known ones."""
        return "# Its weights are random until they are loaded, as is told below.\n" if self.is_random else ""

    @property
    def told(self) -> str:
        """The line with which a program says so when it is run."""
        line = '    print("The weights are random, unless they were loaded: see the comment above.")\n'
        return line if self.is_random else ""

    @property
    def imports(self) -> list[str]:
        """What the line needs that loads the file."""
        return [] if self.file is None or _suffix(self.file) == ".npz" else [f"import {self.safetensors}"]

    def loading(self, call: Callable[[str], str], *before: str) -> str:
        """The line that loads the file of numbers, or the comment that says how those that are not printed are.

        Parameters
        ----------
        call : callable
            Gives the code that takes them from that of the arrays by name.
        *before : str
            Lines of code before it.
        """
        if not self.loaded:
            return ""
        if self.file is not None:
            return f"{call(self._state(self.file))}\n"
        count = sum(self.rows[number].params for number in self.loaded)
        lines = [f"{count:,} learned numbers are too many to print; these here are random."]
        if all(isinstance(_learned(self.rows[number]), Named) for number in self.loaded) and not any(
            is_address(state.source) for state in self.states
        ):
            lines += ["The learned ones are loaded by name, such as by", *before]
            lines += [call(self._state(state.source)) for state in self.states]
        else:
            lines += ["--weights FILE.npz, added to the command that wrote this program, writes the learned ones to"]
            lines += ["FILE.npz, and a program that loads them."]
        return "".join(f"# {line}\n" for line in lines)

    def _state(self, path: str) -> str:
        return self.state_of.get(_suffix(path), self.state_of[""]).format(string(path))

    def roles(self, row: Row) -> Iterable[str]:
        """What PyTorch calls the learned numbers of a stage."""
        return row.stage.arrays(row.input) if isinstance(row.stage, Learned) else ()

    @property
    def is_partly(self) -> bool:
        """Whether there are learned numbers beside those that are loaded."""
        learns = {part.number for part in self.parts if isinstance(part.row.stage, Learned)}
        return bool(learns - self.loaded)

    @property
    def states(self) -> list[State]:
        """The files that numbers are loaded from."""
        learned = (_learned(self.rows[number]) for number in sorted(self.loaded))
        return list(dict.fromkeys(each.state for each in learned if isinstance(each, Named)))


def _learned(row: Row) -> Parameters | None:
    return row.stage.learned if isinstance(row.stage, Learned) else None


def _suffix(path: str) -> str:
    return f".{path.lower().rpartition('.')[2]}"


def main_paths(rows: Sequence[Row], paths: Paths) -> dict[int, Path]:
    """What the layer of each row that is needed is called that has its numbers; what has some chooses first."""
    names = _names(rows)
    numbers = needed([row.reads for row in rows], [len(rows) - 1])
    by_choice = sorted(sorted(numbers), key=lambda number: not isinstance(rows[number].stage, Learned))
    return {n: paths.take(names[n], n + 1, rows[n].stage.name) for n in by_choice}


def learned(rows: Sequence[Row]) -> frozenset[int]:
    """The rows whose learned numbers are known."""
    return frozenset(number for number, row in enumerate(rows) if _learned(row) is not None)


def loaded(rows: Sequence[Row]) -> frozenset[int]:
    """The rows whose numbers are not printed but loaded by name: all that have names, if they are many together."""
    found = [number for number, row in enumerate(rows) if _prefix(row) is not None and row.params]
    many = sum(rows[number].params for number in found) > MAX_NUMBERS
    return frozenset(found if many else ())


def _prefix(row: Row) -> str | None:
    """What the names of a stage's numbers begin with, where a file has them by name."""
    learned = _learned(row)
    if learned is None or isinstance(learned, RandomParameters):
        return None
    return learned.prefix if isinstance(learned, Named) else row.name


def _names(rows: Sequence[Row]) -> list[str]:
    """What each stage is called: as its numbers in a file, by its own name, or by its kind and number."""
    choices = ((_prefix(row), row.name, f"{row.stage.name}_{number}") for number, row in enumerate(rows, 1))
    return [next(name for name in names if name) for names in choices]


def takers_of(rows: Sequence[Row], number: int) -> list[Stage]:
    """The stages that a row's result comes to, past those that take maps and vectors alike but do not join them."""
    found, wanted = [], {number}
    for later in range(number + 1, len(rows)):
        stage = rows[later].stage
        if wanted.isdisjoint(rows[later].reads):
            continue
        if stage.takes == "either" and not isinstance(stage, Join):
            wanted.add(later)
        else:
            found.append(stage)
    return found


def described(rows: Sequence[Row], *, is_chain: bool) -> str:
    """The text of a network for a program's docstring.

    People run this: a file's name must neither end the string nor reach their terminal as it is.
    """
    text = ",".join(str(row.stage) for row in rows) if is_chain else str(network_of(rows))
    return printable(text.replace("\\", "\\\\").replace('"', '\\"'))
