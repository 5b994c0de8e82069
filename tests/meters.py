"""How much of something there is at a time, on however many threads."""

import threading
from contextlib import contextmanager


class Meter:
    """Counts what threads hold, and knows the most that they held together."""

    def __init__(self):
        self.most = 0
        self._held, self._lock = 0, threading.Lock()

    def add(self, amount):
        with self._lock:
            self._held += amount
            self.most = max(self.most, self._held)

    @contextmanager
    def holding(self, amount=1):
        self.add(amount)
        try:
            yield
        finally:
            self.add(-amount)
