"""What the commands take and refuse with `--cluster`, and say of it; what clusters do is in `tests/cluster`."""

import sys

import pytest

from cnnfilter.cli import render
from cnnfilter.cluster import connecting
from tests.command import done, files, refused, save


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("a.png")
    save("b.png")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("a.png", "--cluster", "locally"), "is local, local:N, tcp://HOST:PORT or tls://HOST:PORT, not 'locally'"),
        (("a.png", "--cluster", "local:0"), "local:N takes 1 to 512 workers, not 0"),
        (("a.png", "--cluster", "local", "-j", "2"), "-j is how many pictures this machine works on, and --cluster "),
        (("a.png", "--cluster", "local", "--in-place"), "--cluster may begin a picture twice, and --in-place would "),
        (("-", "--cluster", "local"), "standard input and output are of this process, and a cluster's workers are oth"),
        (("a.png", "--cluster", "local", "-o", "-"), "standard input and output are of this process, and a clus"),
        (("a.png", "--cluster", "local", "-o", "/dev/null"), "'/dev/null' is a device of this machine, and a clust"),
        (
            ("memory://x/a.png", "--cluster", "local"),
            "memory:// is of this process, and a cluster's workers are others",
        ),
        (("a.png", "--cluster", "local", "-o", "memory://x/"), "memory:// is of this process, and a cluster's worker"),
        (("a.png", "--max-bytes", "many"), "--max-bytes is a size such as 800M, 4G or 2GiB, not 'many'"),
    ],
)
def test_what_has_no_meaning_is_refused_before_any_work_and_by_a_dry_run(arguments, told):
    error = refused("edge", *arguments)
    assert told in error
    assert refused("edge", *arguments, "--dry-run") == error


@pytest.mark.parametrize("command", ["apply", "run", "why"])
@pytest.mark.parametrize(
    "promise",
    [
        "pip install 'cnnfilter[remote]'", "pip install 'cnnfilter[cluster]'",
        "gs:// and az:// with gcsfs and adlfs, which nobody has tested", "memory:// within this process",
        "S3 refuses it where something stands (If-None-Match), elsewhere we look before",
        "--skip-existing reads a folder's listing once", "programs on its workers: trust it like a login",
        "plain data, no code", "over tcp:// in clear", "tls:// with Dask's own security settings",
    ],
)  # fmt: skip
def test_the_help_says_what_is_promised_and_what_is_not(command, promise):
    assert promise in " ".join(done(command, "--help").out.split())


@pytest.mark.parametrize("options", [[], ["-n"]])
def test_without_dask_its_extra_is_named(monkeypatch, options):
    monkeypatch.setitem(sys.modules, "distributed", None)
    told = refused("edge", "a.png", "--cluster", "local", *options)
    assert told == "--cluster needs the distributed library: pip install 'cnnfilter[cluster]'"


def test_a_dry_run_connects_to_nothing(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("cnnfilter.cluster.client.connected", None)
    result = done("apply", "edge", "a.png", "--cluster", "tcp://127.0.0.1:9", "-n")
    assert result.out == "a.png -> a-edge.png\n"
    assert files() == ["a.png", "b.png"]


def test_nobody_waits_for_a_cluster_where_nothing_is_left_to_do(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("cnnfilter.cluster.client.connected", None)
    done("apply", "edge", "a.png", "b.png")
    result = done("apply", "edge", "a.png", "b.png", "--skip-existing", "--cluster", "tcp://127.0.0.1:9")
    assert result.messages == ["0 written, 2 skipped"]


@pytest.mark.parametrize(("options", "rest"), [([], "; --skip-existing does the rest"), (["--force"], "")])
def test_an_interrupted_run_does_not_count_what_workers_finish_then(monkeypatch, options, rest):
    pytest.importorskip("distributed")
    told = []

    def process(*arguments, **options):
        told.append(render._so_far[-1]())
        yield from ()

    monkeypatch.setattr("cnnfilter.cluster.client.process", process)
    done("apply", "edge", "a.png", "b.png", "--cluster", "local:2", *options)
    assert told == [f"0 written, as far as is known{rest}"]


def test_a_scheduler_that_is_not_there_is_told_in_a_line(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(connecting, "PATIENCE", 0.2)
    told = refused("edge", "a.png", "--cluster", "tcp://127.0.0.1:9")
    assert told == (
        "the scheduler tcp://127.0.0.1:9 does not answer; is it a Dask scheduler (dask scheduler starts one), and can "
        "it be reached from here?"
    )
