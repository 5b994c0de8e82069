"""The names of classes: those that a person gives, or that come with a network's file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnfilter.cli import render
from cnnfilter.errors import CnnfilterError

if TYPE_CHECKING:
    from cnnfilter.network.graph import Network
    from cnnfilter.network.plan import Row


def offered(network: Network, rows: tuple[Row, ...], *, quiet: bool) -> tuple[str, ...]:
    """The names that come with a network's file, which are told of."""
    from cnnfilter.models.labels import offered_labels

    try:
        labels = offered_labels(network)
        if labels is None:
            return ()
        names, note = labels.names, f"labels from {labels.file}"
        count = rows[-1].output[-1] if rows else len(names)
        if count != len(names):
            names, note = (), f"{labels.file} holds {len(names)} labels for {count} results, and is left out"
    except CnnfilterError as error:
        names, note = (), f"{error}; they are left out"
    if not quiet:
        render.message(note)
    return names
