import shlex
import sys
import time
from types import ModuleType, SimpleNamespace

import pytest

from cnnfilter.errors import KernelError
from cnnfilter.weights import checkpoints
from tests.command import ROOT
from tests.weights.torch_files import (
    ONE,
    ONES,
    call,
    in_zip,
    items,
    name,
    number,
    read,
    sequence,
    table,
    text,
    zipped,
)

DATA = ROOT / "tests" / "data" / "pytorch"


@pytest.fixture
def file(tmp_path):
    def write(data):
        path = tmp_path / "net.pt"
        path.write_bytes(data)
        return path

    return write


# Whole networks


@pytest.mark.parametrize(
    ("data", "said", "called", "load"),
    [
        ((DATA / "whole-zip.pt").read_bytes(), "'__main__.Net'", "load", "torch.load(FILE, weights_only=False)"),
        (sequence(name("net", "Net") + b")\x81}b", {}), "'net.Net'", "load", "torch.load(FILE, weights_only=False)"),
        (
            in_zip(table({"epoch": number(1), "model": name("net", "Net") + b")\x81"})),
            "'net.Net'",
            "load",
            "torch.load(FILE, weights_only=False)['model']",
        ),
        (
            in_zip(table({"'; rm -r ~ #": call("net", "Net") + b")R"})),
            "'net.Net'",
            "load",
            "torch.load(FILE, weights_only=False)",
        ),
        (zipped(name("__torch__", "Net") + b")\x81", {}, **{"constants.pkl": b""}), "'__torch__.Net'", "jit", ""),
        (sequence(items(text("storage")) + b"Q", {}), None, "", ""),
        (in_zip(items(text("module"), name("net", "Net"), b"N", b"N") + b"Q)\x81"), "'net.Net'", "load", ""),
        (in_zip(b"K\x01)R"), "of no known class", "load", ""),
    ],
)
def test_a_pickled_network_is_refused_with_what_saves_its_state_dict(file, monkeypatch, data, said, called, load):
    path = file(data)
    with pytest.raises(KernelError) as caught:
        read(path)
    message = str(caught.value)
    assert "\n" not in message
    if said is None:
        assert message == f"{path}: damaged or cut off, or not a .pt file"
        return
    assert message.startswith(f"{path}: it holds no state dict but a pickled object, {said}, which only its own code")
    command = message.split("save its state dict: ")[1]
    python, flag, code, *arguments = shlex.split(command)
    assert (python, flag) == ("python", "-c")
    assert arguments == [str(path), str(path.with_name("net-state.pt"))]
    assert load.replace("FILE", "sys.argv[1]") in code

    # PyTorch is a gigabyte: a stand-in holds the calls to what its documentation says of them.
    loaded, saved = [], []
    network = SimpleNamespace(state_dict=lambda: "state dict")
    torch = ModuleType("torch")
    torch.load = lambda *given, **options: (
        loaded.append(("load", given, options)) or ({"model": network} if "model" in code else network)
    )
    torch.jit = SimpleNamespace(load=lambda *given: loaded.append(("jit", given, {})) or network)
    torch.save = lambda *given: saved.append(given)
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setattr(sys, "argv", ["-c", *arguments])
    exec(compile(code, "saving", "exec"), {})
    assert loaded == [(called, (arguments[0],), {"weights_only": False} if called == "load" else {})]
    assert saved == [("state dict", arguments[1])]


def test_an_array_of_numpy_is_told_what_to_do_with(file):
    array = call("numpy.core.multiarray", "_reconstruct", name("numpy", "ndarray"), items(number(0)), text("b"))
    with pytest.raises(KernelError, match=r"net.pt: it holds its array as NumPy pickles it; save it with numpy.savez$"):
        read(file(in_zip(array)))
    with pytest.raises(KernelError, match=r"net.pt: it holds 'weight' as NumPy pickles it; save it with numpy.savez$"):
        read(file(in_zip(table({"weight": array}))))


# Which tensors are the network's


@pytest.mark.parametrize(
    ("pickle", "names"),
    [
        (ONE, [""]),
        (items(ONE, ONE), ["0", "1"]),
        (b"](" + ONE + ONE + b"e", ["0", "1"]),
        (table({"conv": table({"weight": ONE, "bias": ONE})}), ["conv.weight", "conv.bias"]),
        (table({"epoch": number(3), "state_dict": table({"a.b": ONE}), "ema": table({"a.b": ONE})}), ["a.b"]),
        (table({"checkpoint": table({"model": table({"a": ONE})}), "optimizer": table({"b": ONE})}), ["a"]),
        (table({"mine": table({"a.weight": ONE})}), ["a.weight"]),
        (table({"mine": table({"weight": ONE})}), ["mine.weight"]),
        (table({"one": table({"a.b": ONE}), "two": table({"a.b": ONE})}), ["one.a.b", "two.a.b"]),
        (table({"a": ONE, "model": table({"b": ONE})}), ["a", "model.b"]),
        (table({"optimizer": table({"a": ONE}), "scaler.weight": ONE}), ["scaler.weight"]),
        (table({"model": table({"lr": number(1)}), "net": table({"a": ONE})}), ["a"]),
        (b"}(K\x01" + ONE + b"N" + ONE + text("a") + ONE + b"u", ["1", "a"]),
        (number(3), []),
        (table({}), []),
    ],
)
def test_the_network_is_found_in_what_a_file_holds(file, pickle, names):
    assert list(read(file(in_zip(pickle, _0=ONES)))) == names


def test_tables_that_hold_one_another_end(file, monkeypatch):
    deep = b"}" + b"".join(text("a") + b"}" for _ in range(40)) + text("a") + ONE + b"s" * 41
    with pytest.raises(KernelError, match="its tables lie more than 16 deep"):
        read(file(in_zip(deep, _0=ONES)))
    with pytest.raises(KernelError, match="its tables lie more than 16 deep"):
        read(file(in_zip(b"}q\0" + text("a") + b"h\0s")))
    many = (
        b"]q\0("
        + b"K\x01" * 100
        + b"e0"
        + b"".join(b"]q" + bytes([i + 1]) + b"(" + b"h" + bytes([i]) + b"h" + bytes([i]) + b"e0" for i in range(14))
    )
    path = file(in_zip(many + b"h\x0e"))
    monkeypatch.setattr(checkpoints, "MAX_STEPS", 100_000)
    with pytest.raises(
        KernelError, match="its tables hold more than 100000 values, counted as often as they are named"
    ):
        read(path)


def test_long_names_are_passed_over_unless_they_are_of_what_may_be_a_tensor(file):
    long = "a" * 1001
    path = file(in_zip(table({long: number(1), "w": ONE}), _0=ONES))
    assert list(read(path)) == ["w"]
    for each in (ONE, items(ONE), table({})):
        with pytest.raises(KernelError, match="or a name has over 1000 letters"):
            read(file(in_zip(table({"w": ONE, long: each}), _0=ONES)))


def test_a_key_of_many_digits_is_no_name(file):
    many = b"\x8a\xff" + b"\x7f" * 255  # 2040 bits
    assert list(read(file(in_zip(b"}(" + many + ONE + number(-7) + ONE + b"u", _0=ONES)))) == ["-7"]


def test_a_long_name_that_comes_very_often_takes_no_time(file):
    """Each entry's name is looked at: 8 MB of text, named 200,000 times by 600 kB of file."""
    path = file(in_zip(text("a" * (8 << 20)) + b"q\x000}(" + b"h\x00N" * 200_000 + b"u"))
    begin = time.process_time()
    assert read(path) == {}
    assert time.process_time() - begin < 10


def test_letters_of_names_count_as_what_is_looked_at(file, monkeypatch):
    monkeypatch.setattr(checkpoints, "MAX_STEPS", 1000)
    path = file(in_zip(text("a" * 960) + b"q\x000}(" + b"h\x00N" * 100 + b"u"))
    with pytest.raises(KernelError, match="its tables hold more than 1000 values"):
        read(path)


def test_the_first_tensor_of_a_long_table_is_found_without_its_rest(file):
    """A table of 100,000 entries that another holds 20,000 times: a copy each time would take minutes."""
    long = b"}q\x00(" + text("a") + b"q\x01" + ONE + b"h\x01N" * 100_000 + b"u0"
    path = file(in_zip(long + b"}(" + b"".join(text(f"t{n}") + b"h\x00" for n in range(20_000)) + b"u", _0=ONES))
    begin = time.process_time()
    with pytest.raises(KernelError, match="its tables hold more than 1000000 values"):
        read(path)
    assert time.process_time() - begin < 10
