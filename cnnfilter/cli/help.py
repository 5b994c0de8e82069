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

    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        import shutil  # most commands show no help

        width = min(shutil.get_terminal_size().columns - 1, WIDEST) if width is None else width
        super().__init__(indent_increment, width, max_width)

    def write_text(self, text: str) -> None:
        r"""Write paragraphs; a line of examples, behind a `\b`, goes on further to the right where it is too long."""
        paragraphs = []
        for paragraph in text.split("\n\n"):
            first, *lines = paragraph.split("\n")
            written = [self._lines(line, 4) for line in lines] if first == "\b" else [self._lines(paragraph)]
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

    def _lines(self, text: str, more: int | None = None) -> str:
        """A text in lines as long as there is room; with `more`, further ones stand so much to the right."""
        lead = self.current_indent + (len(text) - len(text.lstrip()) if more else 0)
        words = text.strip() if more else " ".join(text.split())
        room = self.width - lead
        first, *others = wrapped(words, room if len(words) <= room else room - (more or 0))
        return "".join([" " * lead + first + "\n", *(" " * (lead + (more or 0)) + line + "\n" for line in others)])


class Context(click.Context):
    """A command's context, in which help is laid out so."""

    formatter_class = Formatter
