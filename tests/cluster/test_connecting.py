"""Where a cluster is, and why it cannot be reached."""

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from cnnfilter.cluster import ending
from cnnfilter.cluster.connecting import check_installed, connected, name_of, parse_cluster
from cnnfilter.engine import bands
from cnnfilter.errors import ArgumentError, ClusterError, MissingExtraError


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("local:1", 1), ("local:512", 512), ("tcp://host:8786", "tcp://host:8786"), ("host:1", "tcp://host:1"),
        ("tls://[::1]:8786/", "tls://[::1]:8786"), ("10.0.0.1:65535", "tcp://10.0.0.1:65535"),
    ],
)  # fmt: skip
def test_a_cluster_is_a_scheduler_or_processes_of_this_machine(text, meant):
    assert parse_cluster(text) == meant


def test_local_has_a_worker_for_each_core(monkeypatch):
    monkeypatch.setattr("cnnfilter.cluster.connecting.available_threads", lambda threads: 7)
    assert bands.available_threads(None) >= 1
    assert parse_cluster("local") == 7


@pytest.mark.parametrize(
    "text", ["", "host", "http://host:80", "tcp://host", "tcp://host:0", "tcp://host:65536", "tcp://u:p@host:1",
             "local:", "local:x", "tcp://ho st:1", "tcp://host:1/path", "tcp://:8786"],
)  # fmt: skip
def test_what_is_no_cluster_is_an_error(text):
    with pytest.raises(ArgumentError, match="^a cluster is local, local:N, tcp://HOST:PORT or tls://HOST:PORT, not '"):
        parse_cluster(text)


@pytest.mark.parametrize(
    ("text", "tail"),
    [("locl", "; did you mean local?"), ("local2", "; did you mean local:2?"), ("lcoal=16", "; did you mean local:16?"),
     ("scheduler", ""), ("8786", ""), ("http://localhost:8786", "")],
)  # fmt: skip
def test_a_slip_for_local_is_told_of(text, tail):
    with pytest.raises(ArgumentError) as raised:
        parse_cluster(text)
    assert str(raised.value).endswith(f", not '{text}'{tail}")


@pytest.mark.parametrize("count", [0, 513, 8786000])
def test_local_workers_are_no_more_than_some(count):
    with pytest.raises(ArgumentError, match=f"^local:N takes 1 to 512 workers, not {count}$"):
        parse_cluster(f"local:{count}")


class Fake:
    def __init__(self, calls, error=None):
        self.calls, self.error = calls, error

    def __call__(self, *arguments, **options):
        if self.error is not None:
            raise self.error
        self.calls.append((arguments, options))
        return SimpleNamespace(close=lambda: self.calls.append("closed"))


def fake_dask(monkeypatch, error=None):
    calls = []
    dask = SimpleNamespace(config=SimpleNamespace(set=lambda settings: contextlib.nullcontext()))
    distributed = SimpleNamespace(LocalCluster=Fake(calls), Client=Fake(calls, error))
    monkeypatch.setitem(sys.modules, "dask", dask)
    monkeypatch.setitem(sys.modules, "distributed", distributed)
    return calls


def test_what_is_connected_is_closed(monkeypatch):
    calls = fake_dask(monkeypatch)
    with connected("tcp://host:1") as (client, local):
        assert (client is None, local) == (False, None)
        [(arguments, _)] = calls
    assert (arguments, calls[1:]) == (("tcp://host:1",), ["closed"])
    calls = fake_dask(monkeypatch)
    with connected(3) as (client, local):
        assert client is not local
        assert calls[0][1]["n_workers"] == 3
    assert calls[2:] == ["closed", "closed"]


def test_a_hung_worker_of_this_machine_is_given_up_after_a_minute_and_none_is_profiled(monkeypatch):
    fake_dask(monkeypatch)
    told = {}
    monkeypatch.setattr(
        sys.modules["dask"].config, "set", lambda settings: contextlib.nullcontext(told.update(settings))
    )
    with connected(1):
        assert told["distributed.scheduler.worker-ttl"] == "60s"
        assert told["distributed.worker.profile.enabled"] is False


@pytest.mark.parametrize(
    ("cluster", "error", "told"),
    [
        ("tcp://h:1", OSError("timed out"), "the scheduler tcp://h:1 does not answer; is it a Dask scheduler (dask "
         "scheduler starts one), and can it be reached from here?"),
        ("tcp://h:22", MemoryError(), "the scheduler tcp://h:22 does not answer; is it a Dask scheduler (dask "
         "scheduler starts one), and can it be reached from here?"),  # the first words of SSH are a length to Dask
        ("tcp://locl:2", OSError("unknown name"), "the scheduler tcp://locl:2 does not answer; did you mean local:2?"),
        ("tcp://localhost:8786", OSError("refused"), "the scheduler tcp://localhost:8786 does not answer; is it a Dask "
         "scheduler (dask scheduler starts one), and can it be reached from here?"),
        ("tls://h:1", TypeError("no certificate"), "the scheduler tls://h:1 needs a certificate and a key; Dask's "
         "settings distributed.comm.tls name them"),
        ("tcp://h:1", TypeError("unexpected argument"), "the scheduler tcp://h:1 is of another version of Dask than "
         "the 2000.1 here; give all one environment"),
    ],
)  # fmt: skip
def test_a_scheduler_that_lets_nobody_in_is_an_error(monkeypatch, cluster, error, told):
    fake_dask(monkeypatch, error)
    monkeypatch.setattr(sys.modules["distributed"], "__version__", "2000.1", raising=False)
    with pytest.raises(ClusterError) as raised, connected(cluster):
        pass
    assert str(raised.value) == told


def test_nobody_waits_for_ever_for_what_is_no_scheduler(monkeypatch):
    fake_dask(monkeypatch)
    monkeypatch.setattr("cnnfilter.cluster.connecting.PATIENCE", 0.01)
    monkeypatch.setattr(sys.modules["distributed"], "Client", lambda *arguments, **options: time.sleep(0.5))
    with pytest.raises(ClusterError, match="does not answer"), connected("tcp://h:1"):
        pass


def test_a_cluster_needs_dask(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match="pip install 'cnnfilter\\[cluster\\]'$"):
        check_installed()
    assert name_of(1) == "the local cluster"


def test_what_is_started_is_left_alone_by_ctrl_c_and_closed_terminals(monkeypatch):
    blocked = []
    fake_dask(monkeypatch)
    start = lambda **options: blocked.append(signal.pthread_sigmask(signal.SIG_BLOCK, [])) or Fake([])()  # noqa: E731
    monkeypatch.setattr(sys.modules["distributed"], "LocalCluster", start)
    tracked = []
    track = lambda: tracked.append(signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT]))  # noqa: E731  (as it does)
    monkeypatch.setattr("multiprocessing.resource_tracker.ensure_running", track)
    before = os.environ.get("PYTHONWARNINGS")
    with connected(1):
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert {signal.SIGINT, signal.SIGHUP} <= blocked[0]
    assert signal.SIGHUP in tracked[0], "it removes what others leave when a terminal is closed"
    assert os.environ.get("PYTHONWARNINGS") == before
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    with connected(1):
        assert os.environ["PYTHONWARNINGS"] == "error"


def test_an_end_waits_until_processes_that_are_started_have_begun(monkeypatch):
    fake_dask(monkeypatch)
    moments = []
    end = threading.Timer(0.1, lambda: moments.append("ends") or ending.end_all(5) or moments.append("ended"))
    end.start()
    start = lambda **options: time.sleep(0.3) or moments.append("started") or Fake([])()  # noqa: E731
    monkeypatch.setattr(sys.modules["distributed"], "LocalCluster", start)
    with connected(1):
        end.join()
    assert moments == ["ends", "started", "ended"]


def test_the_loggers_of_dask_are_silent(monkeypatch):
    fake_dask(monkeypatch)
    loud = logging.getLogger("distributed.of_this_test")
    loud.setLevel(logging.INFO)
    with connected("tcp://h:1"):
        assert loud.level == logging.CRITICAL
