"""The early end of a run on a cluster: on Ctrl-C, its client and its workers are gone within two seconds."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cnnfilter.cluster.connecting import starting
from cnnfilter.cluster.workers import TICK

if TYPE_CHECKING:
    from cnnfilter.cluster.sending import Part


class Live:
    """A run that is not over, and how to end it early."""

    def __init__(self, run: str, in_hand: Callable[[], int]) -> None:
        self.parts: dict[str, Part] = {}
        self.connection: tuple[Any, Any] = (None, None)
        self._run = run
        self._in_hand = in_hand

    def add(self) -> None:
        """Let `end_all` end it too."""
        _runs.add(self)

    def discard(self) -> None:
        """Leave it to itself."""
        _runs.discard(self)

    def end(self, deadline: float) -> None:
        """Cancel what is left; on this machine, wait until the workers have finished the pictures in hand."""
        client, local = self.connection
        with contextlib.suppress(Exception):  # whatever is lost by now
            client.cancel([each.future for each in list(self.parts.values())], force=True)
            if local is None:
                client.set_metadata(self._run, {})  # the marks of its tasks
            else:
                while time.monotonic() < deadline and any(client.run(self._in_hand).values()):
                    time.sleep(TICK / 4)
            client.close(timeout=max(0.1, deadline - time.monotonic()))
            if local is not None:
                local.close(timeout=max(0.1, deadline - time.monotonic()))


_runs: set[Live] = set()


def end_all(patience: float = 1.4) -> None:
    """End all runs: the process is about to end. What is met in the middle of something is waited for so long."""
    deadline = time.monotonic() + patience
    if starting.acquire(timeout=patience):
        starting.release()
    for live in list(_runs):
        # not on this thread, which may hold what that needs
        thread = threading.Thread(target=live.end, args=[deadline], daemon=True)
        thread.start()
        thread.join(max(0, deadline - time.monotonic()))
