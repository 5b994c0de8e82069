"""Memory that batches leave to the next ones."""

import numpy as np

from cnnfilter.learning.gradients import memory


def address(array):
    return array.ctypes.data


def test_an_array_gets_the_memory_of_an_earlier_one_of_its_size():
    memory.let_go()
    first = memory.fresh((100, 100))
    assert (first.shape, first.dtype) == ((100, 100), np.float32)
    view, place = first[1:], address(first)
    del first
    assert address(memory.fresh((100, 100))) != place  # a view of it is left
    del view
    assert address(memory.fresh((50, 200), np.int32)) == place
    assert not memory.zeros((100, 100)).any()


def test_no_more_is_kept_than_is_allowed(monkeypatch):
    memory.let_go()
    blocks = [memory.fresh((10_000,)) for _ in range(3)]
    del blocks
    assert memory._kept
    monkeypatch.setattr(memory, "MOST", 100_000)
    memory.fresh((20_000,))
    assert not memory._kept
