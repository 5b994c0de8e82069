"""From a network and a picture to a page."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from cnnfilter.engine.geometry import Array
from cnnfilter.network.graph import Network
from cnnfilter.page.assembly import assembled
from cnnfilter.page.document import Given, document

HEIGHT = 800
"""Of a page in a notebook, in pixels."""


@dataclass(frozen=True)
class Page:
    """A network on a picture as one interactive HTML file, which a notebook shows.

    Attributes
    ----------
    html : str
        All of the file; in UTF-8.
    """

    html: str

    def __repr__(self) -> str:
        return f"<Page of {len(self.html):,} characters>"

    def _repr_html_(self) -> str:
        """The page in a frame of its own: nothing of it reaches the notebook."""
        return (
            f'<iframe srcdoc="{html.escape(self.html)}" sandbox="allow-scripts allow-downloads" '
            f'allow="clipboard-write" width="100%" height="{HEIGHT}" title="cnnfilter page" style="border: 0"></iframe>'
        )


def page(
    network: Network,
    maps: Array,
    name: str,
    *,
    file: str | None = None,
    labels: Sequence[str] = (),
    whole: Network | None = None,
    static: bool = False,
) -> Page:
    """The page of a network on a picture.

    Parameters
    ----------
    network : Network
        All of whose stages have their numbers.
    maps : ndarray, (C, H, W) uint8, uint16 or float32
        The picture.
    name : str
        What it is called.
    file : str, optional
        Its file, as a command names it.
    labels : sequence of str
        The names of the classes.
    whole : Network, optional
        The network that this one is the beginning of.
    static : bool
        Whether results are embedded, and nothing can be changed.

    Raises
    ------
    ArgumentError
        If the network is too large for that; the message tells the limit, and the ways out.
    ShapeError, KernelError, MissingExtraError
        If a stage does not fit what arrives, or its weights cannot be read.
    """
    return Page(assembled(document(Given(network, maps, name, file=file, labels=labels, whole=whole, static=static))))
