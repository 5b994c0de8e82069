"""What `cnnfilter train` writes beside the network: a report, and curves."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

from cnnfilter.cli import render
from cnnfilter.errors import ArgumentError, OutputError
from cnnfilter.messages import quoted, readable

if TYPE_CHECKING:
    from cnnfilter.addresses.address import Where
    from cnnfilter.learning.beginning import Begun

PLOTS = (".png", ".svg")


class Beside(NamedTuple):
    """The names of both, as far as they are asked for."""

    report: str | None
    plot: str | None

    def check(self, *, overwrite: bool) -> None:
        """Refuse what is no name of one, or is in the way."""
        from cnnfilter.addresses.address import located
        from cnnfilter.writing.write import check_free

        if self.report is not None and PurePath(self.report).suffix.lower() not in (".html", ".htm"):
            msg = f"--report writes an HTML file, and {quoted(self.report)} does not end in .html"
            raise ArgumentError(msg)
        if self.plot is not None and PurePath(self.plot).suffix.lower() not in PLOTS:
            msg = f"--plot writes {' or '.join(PLOTS)}, and {quoted(self.plot)} is neither"
            raise ArgumentError(msg)
        for each in (self.report, self.plot):
            if each is not None:
                check_free(located(each), overwrite=overwrite)

    def write(self, begun: Begun, network: Where, code: int, *, overwrite: bool, quiet: bool) -> int:
        """Write both of what was learned, if anything was, and give the exit code."""
        from cnnfilter.addresses.address import located
        from cnnfilter.writing.write import Writing, write_atomically

        best, history = begun.learner.best, begun.learner.history
        if best is None:
            return code
        found: list[tuple[str, bytes]] = []
        if self.report is not None:
            from cnnfilter.page.report import report

            facts = begun.learner.facts()
            text = report(network.name, begun.made.text, begun.labels, history, best, facts)
            found.append((self.report, text.encode()))
        if self.plot is not None:
            found.append((self.plot, _plot(begun, self.plot)))
        for name, data in found:
            try:
                write_atomically(located(name), data, Writing(overwrite=overwrite))
            except OutputError as error:
                render.error(str(error))
                code = code or 1
                continue
            if not quiet:
                render.message(f"wrote {readable(name)}")
        return code


def _plot(begun: Begun, name: str) -> bytes:
    from cnnfilter.drawing.training import curves

    figure = curves(begun.learner.history)
    if PurePath(name).suffix.lower() == ".svg":
        from cnnfilter.drawing.svg import to_svg

        return to_svg(figure).encode()
    from cnnfilter.drawing.files import png

    return png(figure)[0]
