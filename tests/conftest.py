"""How the tests are shared among processes."""

import os


def pytest_xdist_auto_num_workers(config):
    """One more than there are cores: some wait for servers, workers and a browser."""
    return len(os.sched_getaffinity(0)) + 1
