"""What tasks have in common."""

import numpy as np
import pytest

from tests.plans import Doing


def test_a_task_without_a_chain_follows_no_plan_and_tells_no_vector():
    assert Doing().plan_for((4, 4, 3)) == ()
    with pytest.raises(NotImplementedError):
        Doing().vector_of(np.zeros(1, np.float32), ())
