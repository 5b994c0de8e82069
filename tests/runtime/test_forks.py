"""A child that is forked while other threads work waits for none of them."""

import os
import subprocess
import sys
import threading

import pytest

from cnnfilter.runtime import forks
from cnnfilter.runtime.forks import lazy
from tests.command import ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")

FORKS = """
import os, signal, sys, threading, time
import numpy as np
from cnnfilter import Pipeline, apply, conv2d, max_pool2d

chain = "gray,conv:sobel-x+sobel-y,relu,maxpool:2"
Pipeline.parse(chain)  # what is imported lazily, Python itself locks

def use(size):
    picture = np.arange(size * size * 3, dtype=np.uint8).reshape(size, size, 3)
    alpha = np.dstack([picture, picture[..., 0]])
    conv2d(picture, np.ones((2, 3, 3, 3), np.float32), padding=2, border="reflect", threads=1)
    max_pool2d(picture, 2, padding=1, threads=1)
    if sys.argv[3] == "all":
        apply(picture, "gaussian", threads=1)
        apply(alpha, "sharpen", threads=2)
        Pipeline.parse(chain).run(picture, threads=1)

def work(size):
    while True:
        size = 20 + (size - 19) % 40
        use(size)

if sys.argv[1] == "compiled":
    use(30)
for size in (20, 30, 40):
    threading.Thread(target=work, args=(size,), daemon=True).start()
time.sleep(0.05)
for _ in range(int(sys.argv[2])):
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # it ends by that if it waits for a thread that it does not have
        use(25)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    time.sleep(0.01)
os._exit(0)
"""


@pytest.mark.parametrize(
    ("state", "count", "loops"),
    [
        ("compiling", 2, "few"),
        ("compiled", 10, "all"),
        pytest.param("compiling", 4, "all", marks=pytest.mark.slow),
        pytest.param("compiled", 40, "all", marks=pytest.mark.slow),
    ],
)
def test_children_of_a_process_whose_threads_filter_can_filter(state, count, loops, tmp_path):
    environment = {**os.environ, "CNNFILTER_CACHE_DIR": str(tmp_path)} if state == "compiling" else None
    code = ["-W", "ignore", "-c", FORKS, state, str(count), loops]  # Python 3.12 warns of forks with threads
    result = subprocess.run([sys.executable, *code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_waits_for_whoever_holds_a_lock():
    lock, is_held, may_end = forks.lock(), threading.Event(), threading.Event()

    def hold():
        with lock:
            is_held.set()
            may_end.wait(0.2)

    threading.Thread(target=hold).start()
    is_held.wait()
    child = os.fork()
    if child == 0:
        os._exit(0 if lock.acquire(blocking=False) else 1)
    assert os.waitpid(child, 0)[1] == 0
    with lock:
        pass


def test_no_module_uses_what_holds_a_lock_for_a_class():
    for path in (ROOT / "cnnfilter").rglob("*.py"):
        assert "import cached_property" not in path.read_text(encoding="utf-8"), path
        assert "functools.cached_property\n" not in path.read_text(encoding="utf-8"), path


def test_a_lazy_value_is_computed_once_for_each_object():
    class Square:
        def __init__(self, side):
            self.side, self.computed = side, 0

        @lazy
        def area(self):
            """Its area."""
            self.computed += 1
            return self.side**2

    squares = [Square(2), Square(3)]
    assert [square.area for square in squares * 2] == [4, 9, 4, 9]
    assert [square.computed for square in squares] == [1, 1]
    assert Square.area.__doc__ == "Its area."
