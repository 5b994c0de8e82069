import io
import pickle
import pickletools
from collections import OrderedDict

import pytest

from cnnfilter.errors import KernelError
from cnnfilter.weights import pickles
from cnnfilter.weights.pickles import Global, Machine, Opaque, Table
from tests.weights.torch_files import call, items, name, number, table, text


def run(data, meanings=None, persistent=None):
    return Machine(meanings or {}, persistent).run(io.BytesIO(data))


def plain(value):
    """Tables as dictionaries."""
    if isinstance(value, Table):
        return {plain(key): plain(each) for key, each in zip(value[::2], value[1::2], strict=True)}
    return type(value)(map(plain, value)) if isinstance(value, list | tuple) else value


VALUES = {
    "numbers": [0, 1, -1, 255, 256, 65536, -70000, 2**31, 2**80, -(2**80), 1.5, -2.25, True, False, None],
    "texts": ["", "conv1.weight", "grün \U0001f600", "a" * 300, b"", b"bytes", b"b" * 300],
    "nested": {"a": {"b": [1, (2,), (3, 4), (5, 6, 7), (8, 9, 10, 11), ()]}, "c": [], "d": {}},
    "shared": [["x"]] * 3,
    "tuple": (1, "two", [3.0]),
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_are_what_was_pickled(value, protocol):
    meanings = {"_codecs.encode": str.encode}  # how bytes were pickled before there was an opcode
    meanings |= {"builtins.bytes": bytes, "__builtin__.bytes": bytes}
    assert plain(run(pickle.dumps(value, protocol), meanings)) == value


def test_values_of_python_2_are_read():
    assert run(b"(lp0\nI01\naI00\naL12L\naS'a'\naU\x01ba.") == [True, False, 12, "a", "b"]
    assert run(b"(I1\nI2\nd.") == Table([1, 2])


def test_sets_are_lists():
    assert sorted(run(pickle.dumps({1, 2}, 4))) == [1, 2]
    assert sorted(run(pickle.dumps(frozenset({1, 2}), 4))) == [1, 2]


def test_a_list_that_holds_itself_is_one():
    value = []
    value.append(value)
    found = run(pickle.dumps(value))
    assert found[0] is found


def test_the_other_opcodes_do_what_they_do():
    assert run(b"K\x01K\x020.") == 1
    assert run(b"K\x01(K\x02K\x031.") == 1
    assert run(b"K\x01(0.") == 1
    assert run(b"K\x012\x86.") == (1, 1)
    assert run(b"](K\x01K\x02e.") == [1, 2]


@pytest.mark.parametrize(
    "data",
    [
        call("os", "system", text("true")) + b".",
        name("os", "system") + items(text("true")) + b"\x81.",
        name("os", "system") + items(text("true")) + b"}\x92.",
        b"(" + text("true") + b"ios\nsystem\n.",
        b"(" + name("os", "system") + text("true") + b"o.",
        text("os") + text("system") + b"\x93" + items(text("true")) + b"R.",
    ],
)
def test_what_would_be_called_stays_a_name(data):
    found = run(data)
    assert isinstance(found, Opaque)
    assert found.origin == Global("os", "system")
    assert str(found.origin) == "os.system"


def test_attributes_and_items_of_what_is_not_known_are_passed_over():
    state = table({"__setstate__": name("os", "system")})
    found = run(call("os", "system") + state + b"b" + text("key") + text("value") + b"s" + text("item") + b"a.")
    assert found.origin.name == "system"


def test_calls_mean_what_they_are_said_to():
    assert run(call("a", "b", number(1), number(2)) + b".", {"a.b": lambda *values: sum(values)}) == 3
    assert isinstance(run(call("a", "c", number(1)) + b".", {"a.b": sum}), Opaque)


def test_persistent_objects_are_asked_for_by_their_key():
    assert run(text("key") + b"Q.", persistent=str.upper) == "KEY"
    assert run(b"Pkey\n.", persistent=str.upper) == "KEY"
    assert run(b"Pkey\n.").origin == "key"


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"\x82\x01.", KernelError, "its pickle has the opcode EXT1, which no weights need"),
        (b"\x83\x01\x00.", KernelError, "EXT2"),
        (b"\x84\x01\x00\x00\x00.", KernelError, "EXT4"),
        (b"\x97.", KernelError, "NEXT_BUFFER"),
        (b"K\x01p-1\n.", KernelError, "its pickle numbers an object -1"),
        (b"K\x01p99999999999\n.", KernelError, "its pickle numbers an object 99999999999"),
        (b"", ValueError, None),
        (b"K\x01", ValueError, None),
        (b"K\x01K\x02.", ValueError, None),
        (b".", ValueError, None),
        (b"h\x00.", KeyError, None),
        (b"0.", IndexError, None),
        (b"\x87.", IndexError, None),
        (b"t.", IndexError, None),
        (b"]K\x01K\x02s.", TypeError, None),
        (b"}K\x01a.", TypeError, None),
        (b"K\x01K\x02\x93.", TypeError, None),
        (b"\xff.", ValueError, None),
    ],
)
def test_a_damaged_pickle_is_an_error(data, error, message):
    with pytest.raises(error, match=message):
        run(data)


def test_a_pickle_ends_where_it_says():
    stream = io.BytesIO(b"K\x01.K\x02.rest")
    machine = Machine({})
    assert [machine.run(stream), machine.run(stream), stream.read()] == [1, 2, b"rest"]


def test_a_pickle_of_too_many_opcodes_is_refused(monkeypatch):
    monkeypatch.setattr(pickles, "MAX_OPCODES", 1000)
    assert len(run(b"](" + b"N" * 990 + b"e.")) == 990
    with pytest.raises(KernelError, match="its pickle has more than 1000 opcodes, too many for weights"):
        run(b"](" + b"N" * 1000 + b"e.")


def test_values_deep_in_one_another_are_built_and_given_up():
    assert run(b")" + b"\x85" * 20_000 + b".")
    assert run(b"]" * 20_000 + b"a" * 19_999 + b".")


def test_every_opcode_of_python_is_known_or_refused():
    names = {opcode.name for opcode in pickletools.opcodes}
    refused = {"EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER"}
    assert pickles._LITERALS | set(pickles._STEPS) == names - refused


def test_ordered_dictionaries_are_calls_that_something_is_put_into():
    found = run(pickle.dumps(OrderedDict(a=1), 2), {"collections.OrderedDict": lambda: Table()})
    assert plain(found) == {"a": 1}
