"""A folder that is another on a worker is found before any work."""

import contextlib
import os
from pathlib import Path

import pytest

from cnnfilter.cluster.probing import check_shared, probes
from cnnfilter.errors import ClusterError, OutputError
from cnnfilter.writing.temporaries import Temporaries
from tests.plans import planned, touch


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@contextlib.contextmanager
def probed(names, **wanted):
    touch(*names)
    plan = planned(names, **wanted)
    plan.prepare()
    with contextlib.closing(Temporaries()) as temporaries, contextlib.ExitStack() as held:
        yield probes(plan, temporaries, held)


def test_the_same_folders_are_found_and_nothing_is_left_in_them():
    with probed(["in/a.png", "in/b.png", "in/sub/c.png"], output="out/") as found:
        assert [Path(name).parent.name for name, *_ in found] == ["out", "in", "sub"]
        check_shared(found)
        assert len([*Path("out").iterdir()]) == 1
    assert not [*Path("out").iterdir()]
    assert sorted(os.listdir("in")) == ["a.png", "b.png", "sub"]  # noqa: PTH208  (names)


def test_a_folder_that_is_still_to_be_made_will_be_where_its_parent_is():
    with probed(["in/a.png"], output="new/{dir}/{name}.png") as found:
        assert [Path(name).parent for name, *_ in found] == [Path.cwd(), Path("in").absolute()]
        check_shared(found)
    assert not Path("new").exists()


def test_outputs_beside_their_inputs_need_each_folder():
    with probed(["in/a.png", "in/sub/c.png"]) as found:
        assert [Path(name).parent.name for name, *_ in found] == ["in", "sub", "in", "sub"]
    with probed(["in/a.png"], told=True) as found:
        assert [Path(name).name for name, *_ in found] == ["a.png"]
    with probed([f"{number}/a.png" for number in range(40)], told=True) as found:
        assert len(found) == 16


@pytest.mark.parametrize("how", ["missing", "another", "no input"])
def test_a_folder_that_is_not_shared_is_named(how):
    with probed(["in/a.png"], output="out/") as found:
        if how == "missing":
            found[0][0] = str(Path("other/x").absolute())
        elif how == "another":
            Path(found[0][0]).write_bytes(b"0" * 16)
        else:
            Path("in/a.png").unlink()
        folder = {"missing": "other", "another": "out", "no input": "in"}[how]
        told = (
            f"'{Path(folder).absolute()}' is not the folder that it is here; clusters need a shared one, or addresses"
        )
        with pytest.raises(ClusterError) as raised:
            check_shared(found)
        assert str(raised.value) == told


def test_a_folder_that_cannot_be_written_to_is_named(monkeypatch):
    def refused(*arguments):
        raise PermissionError(13, "Permission denied")

    with probed(["in/a.png"], output="out/") as found:
        monkeypatch.setattr(Temporaries, "open", refused)
        with pytest.raises(OutputError, match="^cannot write to the folder '.*out': Permission denied$"):
            check_shared(found)


def test_inputs_that_cannot_be_read_tell_nothing():
    plan = planned(["nowhere/a.png"], told=True)
    with contextlib.closing(Temporaries()) as temporaries, contextlib.ExitStack() as held:
        assert probes(plan, temporaries, held) == []
