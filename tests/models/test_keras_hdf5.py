"""HDF5 files that are hostile, or odd: what the program that reads them refuses before it reads, and how it ends."""

import contextlib
import ctypes
import json
import os
import resource
import runpy
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cnnfilter.errors import KernelError, MissingExtraError
from cnnfilter.models.keras import child, hdf5

h5py = pytest.importorskip("h5py")

ROOT = "model_weights"


@pytest.fixture
def file(tmp_path):
    """Makes an HDF5 file by functions of its root and of the group that is walked."""

    def make(fill, name="net.h5"):
        path = tmp_path / name
        with h5py.File(path, "w") as made:
            fill(made, made.create_group(ROOT))
        return path

    return make


def told_here(path, start=0):
    """What a file holds, found in this process."""
    with path.open("rb", buffering=0) as stream:
        size = path.stat().st_size - start
        return child.describe(child.Part(stream, start, size), size, [ROOT])


def told_apart(path, start=0):
    """The same, as the program's process tells it."""
    with path.open("rb") as stream:
        return hdf5.describe(stream, start, path.stat().st_size - start, (ROOT,))


def told(path, start=0):
    """What the process tells, which is what is found here."""
    contents = told_apart(path, start)
    here, _ = told_here(path, start)
    assert (contents.texts, contents.orders) == (here["texts"], here["orders"])
    assert [each[:3] for each in contents.arrays.values()] == [
        (each["shape"], each["kind"], each["offset"]) for each in here["arrays"].values()
    ]
    return contents


def virtual(root, group):
    layout = h5py.VirtualLayout((10,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (10,))
    group.create_virtual_dataset("x", layout)


def nested(root, group):
    for _ in range(70):
        group = group.create_group("g")


def many_bombs(root, group):
    for number in range(6):
        group.create_dataset(f"x{number}", data=np.zeros(1 << 20, "f4"), chunks=(1 << 20,), compression="gzip")


def linked(name, link):
    def fill(root, group):
        group[name] = link

    return fill


def array(*shape, **how):
    return lambda root, group: group.create_dataset("x", shape, **{"dtype": "f4", **how})


REFUSED = {
    "soft": (linked("x", h5py.SoftLink("/etc")), "'model_weights/x' is a link, and links are not followed"),
    "external": (linked("x", h5py.ExternalLink("/etc/passwd", "/x")), "is a link to '/etc/passwd', and links are not"),
    "circle": (lambda root, group: linked("x", group)(root, group), "'model_weights/x' is another name of what is in"),
    "wide circle": (lambda root, group: linked("x", root)(root, group), "'model_weights/x/model_weights' is another"),
    "named type": (linked("t", np.dtype("f4")), None),
    "elsewhere": (
        array(10, external=[("/etc/passwd", 0, 40)]),
        "the numbers of 'model_weights/x' are kept in another file, which is not opened",
    ),
    "virtual": (virtual, "'model_weights/x' is a virtual dataset, whose numbers are in other files"),
    "plugin": (
        array(10, chunks=(10,), compression=32004, allow_unknown_filter=True),
        "'model_weights/x' is packed by filter 32004, which is a plugin",
    ),
    "bomb": (array(1 << 28, chunks=(1 << 20,), compression="gzip"), "grows from 0 to 1073741824 bytes, as bombs do"),
    "bombs": (many_bombs, "'model_weights/x4' grows from 4086 to 4194304 bytes, as bombs do"),
    "hole": (array(1 << 30), "the numbers of 'model_weights/x' are not in the file"),
    "deep": (nested, "groups in more than 64 groups"),
}


@pytest.mark.parametrize(("fill", "message"), REFUSED.values(), ids=REFUSED)
def test_what_leads_out_of_a_file_or_grows_is_refused_before_it_is_read(file, fill, message):
    path = file(fill)
    if message is None:
        assert told_here(path)[0]["arrays"] == {}
        return
    with pytest.raises(child.Refused) as caught:
        told_here(path)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["external", "elsewhere", "virtual", "bomb"])
def test_the_process_says_why_it_refuses(file, name):
    fill, message = REFUSED[name]
    with pytest.raises(KernelError) as caught:
        told_apart(file(fill))
    assert message in str(caught.value)


def test_there_is_a_limit_of_objects(file, monkeypatch):
    monkeypatch.setattr(child, "MAX_OBJECTS", 3)
    with pytest.raises(child.Refused, match="it holds more than 3 groups and arrays"):
        told_here(file(lambda root, group: [group.create_group(str(n)) for n in range(3)]))


def test_a_text_that_is_too_long_is_refused(file, monkeypatch):
    monkeypatch.setattr(child, "MAX_TEXT", 100)
    with pytest.raises(child.Refused, match="its 'model_config' has 101 characters, at most 100 are read"):
        told_here(file(lambda root, group: root.attrs.update(model_config="x" * 101)))


def one_text_many_times(file):
    """A file whose list of names is one long text, again and again."""
    long, many = 400_000, 3000
    names = np.array(["B" * long, *["x"] * (many - 1)], dtype=object)
    path = file(lambda root, group: group.attrs.create("weight_names", names, dtype=h5py.string_dtype()))
    data = bytearray(path.read_bytes())
    begin = data.find(struct.pack("<I", long))
    for number in range(1, many):
        data[begin + 16 * number : begin + 16 * (number + 1)] = data[begin : begin + 16]
    path.write_bytes(data)
    return path


def test_one_text_many_times_takes_little_memory(file):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    with pytest.raises(KernelError, match="damaged|not enough memory"):
        told_apart(one_text_many_times(file))
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= max(before, 300 << 10)  # of all children so far


def test_lists_of_names_have_a_limit(file, monkeypatch):
    monkeypatch.setattr(child, "MAX_TEXT", 30)
    path = file(lambda root, group: group.attrs.update(weight_names=["a" * 20, "b" * 20]))
    with pytest.raises(child.Refused, match="its lists of names have more than 30 characters"):
        told_here(path)


def test_arrays_of_every_type_in_one_piece_or_packed(file):
    values = {kind: np.arange(6).reshape(2, 3).astype(kind) for kind in child.KINDS if kind.endswith(tuple("248"))}
    assert len(values) == 6
    packed = {"chunks": (1, 2), "compression": "gzip", "shuffle": True, "fletcher32": True}

    def fill(root, group):
        for kind, array in values.items():
            group.create_dataset(f"plain/{kind}", data=array)
            group.create_dataset(f"packed/{kind}", data=array, **packed)

    path = file(fill)
    arrays = told(path).arrays
    assert len(arrays) == 12
    with path.open("rb") as stream:
        for name, found in arrays.items():
            expected = values[name[-3:]]
            assert (found.shape, found.kind, found.offset is None) == ((2, 3), name[-3:], "packed" in name)
            np.testing.assert_array_equal(hdf5.numbers(stream, 0, found), expected)
            np.testing.assert_array_equal(hdf5.numbers(stream, 0, hdf5.held(stream, found)), expected)


def test_the_upper_halves_of_float32(file):
    values = np.array([1.5, -2.0, 3.140625], "<f4")
    path = file(lambda root, group: group.create_dataset("x", data=(values.view("<u4") >> 16).astype("<u2").view("V2")))
    found = told(path).arrays["model_weights/x"]
    assert found.kind == "bfloat16"
    with path.open("rb") as stream:
        np.testing.assert_array_equal(hdf5.numbers(stream, 0, found), values)


def test_an_hdf5_file_within_another_file(file, tmp_path):
    inner = file(lambda root, group: group.create_dataset("x", data=np.arange(5, dtype="f4")))
    path = tmp_path / "outer"
    path.write_bytes(b"x" * 77 + inner.read_bytes())
    found = told(path, 77).arrays["model_weights/x"]
    with path.open("rb") as stream:
        np.testing.assert_array_equal(hdf5.numbers(stream, 77, found), np.arange(5))


def odd(root, group):
    group.create_dataset("empty", (0, 4), "f4")
    group.create_dataset("nothing", data=h5py.Empty("f4"))
    group.create_dataset("whole", data=np.arange(3))
    group.create_dataset("complex", data=np.zeros(3, "c8"))
    group.create_dataset("texts", (2,), h5py.string_dtype())
    group.create_dataset("references", (2,), h5py.ref_dtype)
    scalar = group.create_dataset("one", data=np.float32(3))
    assert scalar.shape == ()
    own = h5py.h5t.IEEE_F32LE.copy()
    own.set_fields(31, 24, 7, 0, 24)
    own.set_ebias(63)
    h5py.h5d.create(group.id, b"own", own, h5py.h5s.create_simple((3,)))


def test_what_is_no_array_of_floats_is_told_and_not_read(file):
    arrays = told(file(odd)).arrays
    kinds = {name.removeprefix("model_weights/"): each.kind for name, each in arrays.items()}
    assert kinds == dict.fromkeys(["empty", "nothing", "whole", "complex", "texts", "references", "own"], "") | {
        "one": "<f4"
    }


def attributes(root, group):
    root.attrs["model_config"] = "{}"
    root.attrs["keras_version"] = np.bytes_(b"2.4.0")
    root.attrs["number"] = 3
    root.attrs["list"] = ["a", "b"]
    root.attrs["reference"] = group.ref
    group.attrs["weight_names1"] = np.array([b"c", b"d"])
    group.attrs["weight_names0"] = ["a", "b"]
    group.attrs["weight_names10"] = [1, 2]
    group.create_group("none").attrs["weight_names"] = np.zeros(0)


def test_attributes_that_are_texts_are_told(file):
    contents = told(file(attributes))
    assert contents.texts == {"model_config": "{}", "keras_version": "2.4.0"}
    assert contents.orders == {"model_weights": ["a", "b", "c", "d"]}


# The process


def run_here(monkeypatch, capfdbinary, path, *folders, parent=None):
    """What the program answers when it runs in this process, without its limits."""
    limits = {}
    parent = os.getppid() if parent is None else parent
    system = SimpleNamespace(prctl=lambda *arguments: limits.update({"prctl": arguments}))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: system)
    monkeypatch.setattr(resource, "setrlimit", lambda which, limit: limits.update({which: limit}))
    monkeypatch.setattr(sys, "argv", ["child.py", "0", str(path.stat().st_size), ROOT, str(parent), *folders])
    monkeypatch.setattr(sys, "path", [*sys.path])
    kept, own = os.dup(0), os.open(path, os.O_RDONLY)
    try:
        os.dup2(own, 0)
        runpy.run_path(child.__file__, run_name="__main__")
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(own)
    return capfdbinary.readouterr().out.partition(b"\n"), limits


def test_the_program_limits_itself_and_answers_with_json_and_numbers(file, monkeypatch, capfdbinary):
    path = file(lambda root, group: group.create_dataset("x", data=np.ones(2, "f4"), chunks=(2,)))
    (line, _, numbers), limits = run_here(monkeypatch, capfdbinary, path, "/folder")
    answer = json.loads(line)
    assert answer["arrays"] == {"model_weights/x": {"shape": [2], "kind": "<f4", "offset": None, "sent": 8}}
    assert numbers == struct.pack("<2f", 1, 1)
    assert limits["prctl"] == (1, signal.SIGKILL)
    assert limits[resource.RLIMIT_NOFILE] == (3, 3)
    assert limits[resource.RLIMIT_FSIZE] == (0, 0)
    assert limits[resource.RLIMIT_CPU] == (child.SECONDS, child.SECONDS)
    assert 128 << 20 < limits[resource.RLIMIT_AS][0] < 1 << 40


def test_the_program_ends_where_its_parent_has_ended(file, monkeypatch, capfdbinary):
    with pytest.raises(SystemExit):
        run_here(monkeypatch, capfdbinary, file(attributes), parent=1 << 30)
    assert capfdbinary.readouterr().out == b""


def test_the_program_refuses_in_one_line(file, monkeypatch, capfdbinary):
    monkeypatch.setitem(sys.modules, "resource", None)  # as on Windows
    (line, _, numbers), limits = run_here(monkeypatch, capfdbinary, file(REFUSED["soft"][0]))
    assert json.loads(line) == {"refused": "'model_weights/x' is a link, and links are not followed"}
    assert (numbers, [*limits]) == (b"", ["prctl"])


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (ImportError("no libhdf5.so"), {"refused": "h5py cannot be loaded: no libhdf5.so"}),
        (MemoryError(), {"refused": "not enough memory"}),
        (OSError("file signature not found"), {"damaged": True}),
    ],
)
def test_whatever_goes_wrong_is_told_in_one_line(monkeypatch, capfdbinary, error, answer):
    def fail(*arguments, **more):
        raise error

    monkeypatch.setattr(h5py, "File", fail)
    path = Path(child.__file__)
    (line, _, numbers), _ = run_here(monkeypatch, capfdbinary, path)
    assert (json.loads(line), numbers) == (answer, b"")


def program(tmp_path, monkeypatch, text):
    """Puts another program in the place of the one that reads."""
    path = tmp_path / "child.py"
    path.write_text(text)
    monkeypatch.setattr(child, "__file__", str(path))
    data = tmp_path / "data"
    data.write_bytes(b"x" * 7)
    return data


ENDED = "damaged: reading it takes too much time or memory, or ends the library that reads it"
TWICE = "its arrays are larger together than the file: several are one piece of it"


@pytest.mark.parametrize(
    "text",
    [
        "import os; os.abort()",
        "print()",
        """print('{"arrays": {"x": {"shape": [2], "kind": "<f4", "offset": 0}}}')""",
        """print('{"arrays": {"x": {"shape": [2], "kind": "<f4", "offset": null, "sent": 8}}}')""",
        """print('{"arrays": {"x": {"shape": [-1], "kind": "<f4", "offset": 0}}}')""",
        """print('{"texts": {}, "orders": {}, "arrays": {"x": {"shape": [2], "kind": "<f2", "offset": 0}, '
        '"y": {"shape": [2], "kind": "<f2", "offset": 0}}}')""",
    ],
)
def test_a_process_that_ends_or_lies_is_one_line(tmp_path, monkeypatch, text):
    with pytest.raises((KernelError, ValueError)) as caught:
        told_apart(program(tmp_path, monkeypatch, text))
    assert str(caught.value) in (ENDED, TWICE) or text == "print()"


def test_a_process_that_does_not_end_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5, "WAIT", 0.01)
    begin = time.monotonic()
    with pytest.raises(KernelError, match=ENDED):
        told_apart(program(tmp_path, monkeypatch, "while True: pass"))
    assert time.monotonic() - begin < 20


LIVES = """
import os, pathlib, runpy, sys, time
made = runpy.run_path({program!r})
made["_end_with_parent"](os.getppid())
pathlib.Path({told!r}).write_text(str(os.getpid()))
time.sleep(60)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="Linux alone ends a process with its parent")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_process_ends_with_its_parent(tmp_path, monkeypatch, number):
    own, told = child.__file__, tmp_path / "told"
    data = program(tmp_path, monkeypatch, LIVES.format(program=own, told=str(told)))
    text = (
        "from cnnfilter.models.keras import child, hdf5; "
        f"child.__file__ = {child.__file__!r}; hdf5.describe(open({str(data)!r}, 'rb'), 0, 1, ())"
    )
    parent = subprocess.Popen([sys.executable, "-c", text], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 20
    while not (told.exists() and told.read_text()) and time.monotonic() < end:
        time.sleep(0.01)
    parent.send_signal(number)
    parent.wait(20)
    process = Path("/proc", told.read_text(), "stat")
    while time.monotonic() < end:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if process.read_text().rpartition(")")[2].split()[0] != "Z":  # ended, and nobody has asked how
                time.sleep(0.01)
                continue
        return
    pytest.fail("it lives on")


def test_a_process_that_answers_without_end_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5, "MAX_ANSWER", 1000)
    monkeypatch.setattr(child, "SMALL", 1000)
    with pytest.raises(KernelError, match=ENDED):
        told_apart(program(tmp_path, monkeypatch, "while True: print('x' * 999, end='')"))


def test_without_h5py_its_install_command_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(MissingExtraError, match=r"needs the h5py library: pip install 'cnnfilter\[keras\]'"):
        told_apart(program(tmp_path, monkeypatch, ""))


def test_nothing_is_imported_from_the_folder_that_one_is_in(file, tmp_path, monkeypatch):
    for name in ("h5py", "numpy", "json"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('imported')")
    path = file(array(3, data=np.ones(3)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), *sys.path])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert told(path).arrays["model_weights/x"].shape == (3,)


def test_the_folder_that_one_is_in_may_be_gone(file, tmp_path, monkeypatch):
    path = file(array(3, data=np.ones(3)))
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert told_apart(path).arrays["model_weights/x"].shape == (3,)


def test_the_file_may_be_read_further_by_its_parent(file):
    path = file(array(3, data=np.ones(3)))
    with path.open("rb") as stream:
        assert stream.read(4) == b"\x89HDF"
        hdf5.describe(stream, 0, path.stat().st_size, (ROOT,))
        stream.seek(0)
        assert stream.read() == path.read_bytes()
