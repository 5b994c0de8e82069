"""How help is laid out: as Click does it, but in no line that the terminal breaks, and with no word broken."""

from __future__ import annotations

from collections.abc import Iterable

import click

from cnnfilter.cli.tables import wrapped

WIDEST = 78
"""The longest line: longer ones are harder to read."""
NARROW = 60
"""Columns below which an option's text stands below its name."""


class Formatter(click.HelpFormatter):
    """Writes help in lines that the terminal has room for."""

    def write_text(self, text: str) -> None:
        r"""Write paragraphs; a line of examples, behind a `\b`, goes on further to the right where it is too long."""
        paragraphs = []
        for paragraph in text.split("\n\n"):
            first, *lines = paragraph.split("\n")
            if first == "\b":
                written = [self._lines(line.strip(), len(line) - len(line.lstrip()), 4) for line in lines]
            else:
                written = [self._lines(" ".join(paragraph.split()), 0, 0)]
            paragraphs.append("".join(written))
        self.write("\n".join(paragraphs))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write names with their texts beside them, or below those that are too long."""
        rows = list(rows)
        begin = min(max(len(name) for name, _ in rows), col_max) + col_spacing if self.width >= NARROW else 4
        for name, text in rows:
            lines = [" " * begin + line for line in wrapped(text, self.width - self.current_indent - begin)]
            if len(name) + col_spacing <= begin:
                lines[0] = name + lines[0][len(name) :]
            else:
                lines[:0] = wrapped(name, self.width - self.current_indent)
            self.write("".join(" " * self.current_indent + line + "\n" for line in lines))

    def _lines(self, text: str, indent: int, more: int) -> str:
        """A text in lines as long as there is room, from the second on so many columns `more` to the right."""
        lead = self.current_indent + indent
        room = self.width - lead
        first, *others = wrapped(text, room if len(text) <= room else room - more)
        return "".join([" " * lead + first + "\n", *(" " * (lead + more) + line + "\n" for line in others)])


class Context(click.Context):
    """A command's context, in which help is laid out so."""

    def make_formatter(self) -> Formatter:
        """The formatter of its help."""
        import shutil  # most commands show no help

        return Formatter(width=min(shutil.get_terminal_size().columns - 1, WIDEST))
