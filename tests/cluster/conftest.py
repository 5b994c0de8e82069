"""What the tests with a fake cluster share."""

import pytest

from cnnfilter.cluster import sending, workers
from tests.cluster.fakes import forget_runs


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder of its own, where nobody waits long; its worker knows no runs afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workers, "TICK", 0.01)
    monkeypatch.setattr(sending, "TICK", 0.01)
    yield
    forget_runs()
