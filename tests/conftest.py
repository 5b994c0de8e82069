"""How the tests are shared among processes, and what each of these spends on itself."""

import gc
import os

import pytest


def pytest_xdist_auto_num_workers(config):
    """One more than there are cores: some wait for servers, workers and a browser."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Look for no garbage in the tests themselves, of which there are thousands and which last until the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
