"""How many pictures make a task of a cluster."""

from __future__ import annotations

SECONDS = 2.0
"""What a task should take: a hundred times what Dask takes for it, and little to lose or to wait for."""
MOST = 1000
"""Of pictures that take next to nothing; the names of so many are some 10 kB."""
RECENT = 0.3
"""How much the last task counts in the mean of what a picture takes."""


class Sizes:
    """The sizes of a run's tasks, which grow from what the first took: a task of one picture, then up to twice as many.

    Examples
    --------
    >>> sizes = Sizes()
    >>> sizes.next(1000, 2)
    1
    >>> sizes.took(1, 0.01)
    >>> sizes.next(1000, 2), sizes.next(10, 2)
    (2, 2)
    """

    def __init__(self) -> None:
        self._mean: float | None = None
        self._longest = 0

    def took(self, count: int, seconds: float) -> None:
        """Note what a task of so many pictures took."""
        mean = seconds / count
        self._mean = mean if self._mean is None else (1 - RECENT) * self._mean + RECENT * mean
        self._longest = max(self._longest, count)

    def next(self, left: int, threads: int) -> int:
        """How many of the pictures that are left go into the next task, where so many threads work on tasks."""
        fitting = MOST if not self._mean else SECONDS / self._mean
        shared = left / (2 * threads)  # towards the end, that no worker has a long task alone
        return max(1, int(min(fitting, 2 * self._longest, MOST, max(shared, 1))))
