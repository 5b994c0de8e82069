import io
import tarfile
import zipfile

import pytest

from cnnfilter.errors import KernelError
from cnnfilter.weights import pickles, pytorch
from cnnfilter.weights.state import load_state
from tests.weights.torch_files import (
    MAGIC,
    ONE,
    ONES,
    VERSION,
    call,
    in_zip,
    items,
    name,
    number,
    read,
    sequence,
    storage,
    table,
    tensor,
    text,
    zipped,
)


@pytest.fixture
def file(tmp_path):
    def write(data):
        path = tmp_path / "net.pt"
        path.write_bytes(data)
        return path

    return write


def test_a_tensor_stays_within_its_storage(file):
    kept = storage("0", 4)
    for shape, strides, offset in [((2, 2), (2, 2), 1), ((5,), (1,), 0), ((1,), (1,), 4), ((2,), (2**61, 1)[:1], 0)]:
        path = file(in_zip(table({"a": tensor(kept, shape, strides, offset)}), _0=ONES))
        with pytest.raises(KernelError, match=r"net.pt: its tensor of .* reaches beyond the 4 numbers stored for it$"):
            read(path)


def test_a_tensor_does_not_repeat_its_storage_without_end(file):
    kept = storage("0", 4)
    path = file(in_zip(table({"a": tensor(kept, (1000, 1000), (0, 0))}), _0=ONES))
    assert read(path)["a"].shape == (1000, 1000)
    path = file(in_zip(table({"a": tensor(kept, (10_000, 10_000), (0, 0))}), _0=ONES))
    message = "its tensor of 10000x10000 repeats what is stored for it, and all that do may have 1048576 numbers more"
    with pytest.raises(KernelError, match=message):
        read(path)


def test_tensors_that_repeat_their_storages_share_one_budget(file):
    kept = storage("0", 4)
    many = {f"a{number}": tensor(kept, (1 << 19,), (0,)) for number in range(3)}
    path = file(in_zip(table({**many, "b": ONE}), _0=ONES))
    with pytest.raises(KernelError, match="its tensor of 524288 repeats what is stored for it"):
        read(path)
    assert load_state(path).array("a2", (1 << 19,)).all()
    assert len(load_state(path).array("b", (4,))) == 4


@pytest.mark.parametrize(
    "entry",
    [
        tensor(storage("0", 4), (2, 2), (1,)),
        tensor(storage("0", 4), (-1,), (1,)),
        tensor(storage("0", 4), (4,), (-1,)),
        tensor(storage("0", 4), (4,), (1,), -1),
        tensor(storage("0", -4), (4,)),
        tensor(storage("0", 4), (1,) * 100),
        tensor(number(0), (4,)),
        tensor(items(text("other"), b"N", b"N", b"N", b"N") + b"Q", (4,)),
        tensor(items(text("storage"), text("torch"), text("0"), text("cpu"), number(4)) + b"Q", (4,)),
        tensor(items(text("storage"), name("torch", "FloatStorage"), number(0), text("cpu"), number(4)) + b"Q", (4,)),
        call("torch._utils", "_rebuild_tensor_v2", storage("0", 4)),
        call("torch._utils", "_rebuild_tensor_v2", storage("0", 4), number(0), number(4), number(4)),
        call("torch._utils", "_rebuild_tensor_v2", storage("0", 4), number(0), items(b"\x88"), items(number(1))),
    ],
)
def test_a_tensor_that_is_none_is_a_damaged_file(file, entry):
    with pytest.raises(KernelError, match="net.pt: damaged or cut off, or not a .pt file$"):
        read(file(in_zip(table({"a": entry}), _0=ONES)))


def test_what_is_called_in_other_ways_stays_unread(file):
    unknown = call("torch._tensor", "_rebuild_from_type_v2", name("os", "system"), b"N", items(text("true")), b"N")
    assert list(read(file(in_zip(table({"a": ONE, "b": unknown}), _0=ONES)))) == ["a"]


def flagged(data):
    """A zip file whose members are all said to be encrypted."""
    found = bytearray(data)
    for begin, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        for place in range(len(found)):
            if found.startswith(begin, place):
                found[place + flags] |= 1
    return bytes(found)


def test_a_link_in_a_zip_file_is_its_text(file):
    """Nothing is unpacked, so that nothing is followed."""
    stream = io.BytesIO(zipped(ONE, {}))
    link = zipfile.ZipInfo("archive/data/0")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(link, b"/etc/os-release\n")
    assert read(file(stream.getvalue()))[""].tobytes() == b"/etc/os-release\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\3\4", "the end of the zip file is missing; it is cut off, or not a .pt file"),
        (zipped(ONE, {})[:-3], "the end of the zip file is missing"),
        (zipped(ONE, {}), "its part '/data/0' is missing"),
        (zipped(ONE, {"0": ONES.tobytes()}, method=zipfile.ZIP_LZMA), "compressed by a method that .pt does not use"),
        (
            zipped(ONE, {"0": bytes(20_000_000)}, method=zipfile.ZIP_DEFLATED),
            "'archive/data/0' grows from .* zip bombs",
        ),
        (flagged(in_zip(ONE, _0=ONES)), "'archive/byteorder' is encrypted"),
        (in_zip(tensor(storage("../../../../etc/hostname", 4), (4,))), "'/data/../../../../etc/hostname' is missing"),
        (zipped(ONE, {"../../data/0": ONES.tobytes()}), "its part '/data/0' is missing"),
        (in_zip(ONE, _0=ONES).replace(ONES.tobytes(), 2 * ONES.tobytes()), "damaged or cut off"),
        (
            in_zip(ONE, _0=ONES).replace(ONES.tobytes(), (2 * ONES).tobytes()),
            "the checksum of its part '/data/0' is wrong: it is damaged, or was saved without checksums",
        ),
        (
            zipped(ONE, {}, prefix="a/b"),
            "it is a zip file, but not as PyTorch writes: one data.pkl, and each name once",
        ),
        (zipped(ONE, {}, **{"data.pkm": b""}).replace(b"data.pkm", b"data.pkl"), "each name once"),
        (zipped(b"K\x01K\x02", {}), "damaged or cut off"),
        (zipped(b"\x82\x01", {}), "its pickle has the opcode EXT1, which no weights need"),
        (zipped(ONE, {}, order=b"little" * 9), "its part '/byteorder' has 54 bytes, at most 16 are read"),
        (b"K\x01.", "it was not written by torch.save"),
        (b"not a file of PyTorch", "damaged or cut off"),
        (MAGIC + b"K\x01.", "it was not written by torch.save"),
        (b"]" + MAGIC[:-1][2:] + b"a.", "it was not written by torch.save"),
        (MAGIC + VERSION, "damaged or cut off"),
        (sequence(ONE, {"0": ONES.tobytes()})[:-1], "it is cut off: its numbers end at byte"),
        (sequence(ONE, {"0": ONES.tobytes()})[:-24], "it is cut off: its numbers end at byte"),
        (sequence(ONE, {"0": ONES.tobytes()})[:-24] + b"\xff" * 8 + ONES.tobytes(), "end at byte 7378697629483820"),
        (sequence(ONE, {"0": ONES.tobytes()})[:-24] + bytes(8), "reaches beyond the 0 numbers stored for it"),
        (sequence(ONE, {}), "damaged or cut off"),
        (sequence(ONE, {"1": ONES.tobytes()}), "damaged or cut off"),
        (MAGIC + VERSION + b"N." + ONE + b".](N.", "damaged or cut off"),
        (MAGIC + VERSION + b"N." + ONE + b".](Ne.", "damaged or cut off"),
        (
            sequence(tensor(storage("0", 1, "OddStorage", b"N"), (1,)), {"0": b""}),
            "damaged or cut off",
        ),
        (
            in_zip(tensor(call("torch.storage", "_load_from_bytes", text("")), (4,))),
            "its array is of type unknown; weights must be real numbers",
        ),
        (in_zip(b"}(" + text("a") + ONE + text("a") + ONE + b"u", _0=ONES), "it holds two tensors of the name 'a'"),
        (in_zip(table({"a" * 1001: items(ONE)}), _0=ONES), "deep, or a name has over 1000 letters"),
    ],
)
def test_a_file_that_cannot_be_used_is_explained(file, data, message):
    with pytest.raises(KernelError, match=message) as caught:
        read(file(data))
    assert "\n" not in str(caught.value)


def test_a_tar_file_of_the_first_versions_is_named(file):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("pickle"))
    with pytest.raises(
        KernelError, match=r"it is a tar file, as PyTorch wrote before version 0.1.10; load and save it"
    ):
        read(file(stream.getvalue()))


def test_a_file_of_too_many_arrays_is_refused(file, monkeypatch):
    path = file(in_zip(items(ONE, ONE), _0=ONES))
    monkeypatch.setattr(pytorch, "MAX_MEMBERS", 1)
    with pytest.raises(KernelError, match="it holds 2 arrays, at most 1 are read"):
        read(path)


def test_a_long_pickle_is_not_read(file, monkeypatch):
    path = file(in_zip(ONE, _0=ONES))
    monkeypatch.setattr(pytorch, "MAX_PICKLE", 100)
    with pytest.raises(KernelError, match="its part '/data.pkl' has .* bytes, at most 100 are read"):
        read(path)
    with pytest.raises(KernelError, match="damaged or cut off"):
        read(file(sequence(ONE, {"0": ONES.tobytes()})))


def repeated(argument, called, times):
    """A list of calls that all have one argument, which is long."""
    return name(*called) + b"q\x000" + argument + b"\x85q\x010](" + b"h\x00h\x01R" * times + b"e"


LIST = b"](" + b"K\x01" * 5000 + b"e"
PAIRS = b"K\x01K\x02\x86q\x020](" + b"h\x02" * 5000 + b"e"
TEXT = text("a" * 100_000)


@pytest.mark.parametrize(
    ("argument", "called", "message"),
    [
        (b"B" + (100_000).to_bytes(4, "little") + bytes(100_000), ("torch", "Size"), "opcodes, too many for weights"),
        (LIST, ("torch", "Size"), "damaged or cut off"),
        (TEXT, ("torch", "Size"), "opcodes, too many for weights"),
        (PAIRS, ("collections", "OrderedDict"), "opcodes, too many for weights"),
        (PAIRS, ("collections", "defaultdict"), "opcodes, too many for weights"),
        (LIST, ("torch._utils", "_rebuild_sparse_tensor"), "opcodes, too many for weights"),
    ],
)
def test_calls_that_copy_a_long_argument_again_and_again_are_given_up(file, monkeypatch, argument, called, message):
    monkeypatch.setattr(pickles, "MAX_OPCODES", 50_000)
    with pytest.raises(KernelError, match=message):
        read(file(in_zip(repeated(argument, called, 1000))))


def test_persistent_objects_of_a_long_key_are_given_up(file, monkeypatch):
    monkeypatch.setattr(pickles, "MAX_OPCODES", 50_000)
    key = items(text("storage"), name("torch", "FloatStorage"), text("0"), text("cpu"), number(4), *[b"N"] * 5000)
    with pytest.raises(KernelError, match="opcodes, too many for weights"):
        read(file(in_zip(key + b"q\x000](" + b"h\x00Q" * 1000 + b"e")))


def test_tensors_of_other_classes_are_made_as_tensors_only(file):
    """And their tables of what is told of a view are short."""
    of_class = ("torch._tensor", "_rebuild_from_type_v2")
    ordered = call(*of_class, name("collections", "OrderedDict"), b"N", items(PAIRS), b"N")
    assert read(file(in_zip(table({"a": ordered, "b": ONE}), _0=ONES))).keys() == {"b"}
    bits = b"}(" + (text("neg") + b"\x88") * 10 + b"u"
    with pytest.raises(KernelError, match="damaged or cut off"):
        read(file(in_zip(tensor(storage("0", 4), (4,), None, 0, bits), _0=ONES)))


def test_names_without_end_that_a_pickle_imports_are_refused(file):
    for long in (name("torch", "F" * 400), b"(iF\n" + b"F" * 400 + b"\n", text("torch") + text("F" * 400) + b"\x93"):
        with pytest.raises(KernelError, match="its pickle imports a name of more than 300 letters"):
            read(file(in_zip(long)))
