import struct
import zipfile

import numpy as np
import pytest

from cnnfilter.errors import KernelError
from cnnfilter.weights import tensors
from cnnfilter.weights.bank import load_kernel
from cnnfilter.weights.kinds import open_members
from cnnfilter.weights.state import load_state
from tests.command import ROOT
from tests.weights.torch_files import (
    CLASSES,
    ONES,
    call,
    in_zip,
    items,
    name,
    number,
    ordered,
    read,
    sequence,
    state_dict,
    storage,
    table,
    tensor,
    text,
    whole,
    written,
    zipped,
)

DATA = ROOT / "tests" / "data" / "pytorch"
PNET = ROOT / "samples" / "kernels" / "pnet.pt"
KINDS = ("zip", "sequence")
ARRAYS = {
    "conv.weight": np.arange(36, dtype=np.float32).reshape(2, 2, 3, 3),
    "conv.bias": np.array([1, 2], np.float32),
    "bn.running_var": np.array([3, 4], np.float64),
}


@pytest.fixture
def file(tmp_path):
    def write(data):
        path = tmp_path / "net.pt"
        path.write_bytes(data)
        return path

    return write


# Files that PyTorch wrote


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", ["net", "types", "views", "checkpoint"])
def test_what_pytorch_wrote_is_what_it_held(what, kind):
    recorded = np.load(DATA / "expected.npz")
    begin = "net" if what == "checkpoint" else what
    expected = {key.removeprefix(f"{begin}/"): recorded[key] for key in recorded if key.startswith(f"{begin}/")}
    found = read(DATA / f"{what}-{kind}.pt")
    assert set(found) == set(expected)
    for key, array in expected.items():
        assert found[key].dtype == array.dtype
        assert found[key].flags.writeable
        np.testing.assert_array_equal(found[key], array)


@pytest.mark.parametrize("kind", KINDS)
def test_the_state_dict_of_a_checkpoint_is_that_of_the_network(kind):
    state = load_state(DATA / f"checkpoint-{kind}.pt")
    other = load_state(DATA / f"net-{kind}.pt")
    assert state.names == other.names
    assert "bn1.num_batches_tracked" not in state.names
    for key in state.names:
        np.testing.assert_array_equal(state.array(key, state.shape(key)), other.array(key, other.shape(key)))


def test_weights_of_other_people_in_a_file_of_2019():
    state = load_state(PNET)
    assert [(key, state.shape(key)) for key in state.names[:3]] == [
        ("conv1.weight", (10, 3, 3, 3)),
        ("conv1.bias", (10,)),
        ("prelu1.weight", (10,)),
    ]
    assert sum(np.prod(state.shape(key)) for key in state.names) == 6632
    bank = load_kernel(PNET, array_name="conv1")
    assert bank.weight.shape == (10, 3, 3, 3)
    # recorded with PyTorch 2.14: torch.load(PNET)["conv1.weight"].double().sum() and the first number
    assert float(bank.weight.astype(np.float64).sum()) == pytest.approx(2.3487670375034213, rel=1e-12)
    assert float(bank.weight.flat[0]) == -0.08164715766906738


STRANGE = {
    "quantised": "is of type quantised qint8; weights must be real numbers; save it after dequantize()",
    "sparse": "is of type sparse; weights must be real numbers; save it after to_dense()",
    "compressed": "is of type sparse;",
    "nested": "is of type nested; weights must be real numbers; save the tensors that it holds",
    "meta": "is of type meta; weights must be real numbers; it has a shape and no numbers",
    "negated": "is of type negated view; weights must be real numbers; save it after resolve_neg()",
    "bool": "is of type bool; weights must be real numbers",
    "complex": "is of type complex64; weights must be real numbers",
    "float8": "is of type float8_e5m2; weights must be real numbers",
}


@pytest.mark.parametrize("kind", KINDS)
def test_strange_tensors_are_named(kind):
    with open_members(DATA / f"strange-{kind}.pt") as members:
        found = {each.name: each for each in members}
        assert set(found) == {*STRANGE, "parameter", "tagged", "attributed"}
        for key, message in STRANGE.items():
            with pytest.raises(KernelError) as caught:
                found[key].check()
            assert str(caught.value).startswith(f"array '{key}' {message}")
        for key in ("parameter", "tagged", "attributed"):
            found[key].check()
            assert found[key].read().tolist() == [[1, 1], [1, 1]]


# What a file holds


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_made_by_hand_is_read(tmp_path, kind):
    found = read(written(tmp_path / "net.pth", ARRAYS, kind))
    assert list(found) == list(ARRAYS)
    for key, array in ARRAYS.items():
        np.testing.assert_array_equal(found[key], array)
        assert found[key].dtype == array.dtype


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", CLASSES)
def test_storages_of_every_class_are_read(tmp_path, kind, dtype):
    path = written(tmp_path / "net.pt", {"a": np.array([1, 0], dtype), "b": np.array([2.5], np.float32)}, kind)
    with open_members(path) as (first, second):
        assert first.read().tolist() == [1, 0] if dtype != "b1" else not first.numeric
        assert second.read().tolist() == [2.5]


def test_a_file_of_a_machine_of_the_other_kind_is_read(file):
    pickle, stored = state_dict({"a": np.array([1.5, -2, 3], ">f4")})
    assert read(file(zipped(pickle, stored, order=b"big")))["a"].tolist() == [1.5, -2, 3]
    assert read(file(zipped(*state_dict({"a": np.array([1.5], "<f4")}), order=None)))["a"].tolist() == [1.5]
    with pytest.raises(KernelError, match="damaged or cut off"):
        read(file(zipped(pickle, stored, order=b"middle")))


def test_a_file_may_be_compressed_and_have_another_prefix(file):
    data = zipped(*state_dict(ARRAYS), prefix="resnet18 (1)", method=zipfile.ZIP_DEFLATED)
    np.testing.assert_array_equal(read(file(data))["conv.weight"], ARRAYS["conv.weight"])


def test_what_several_tensors_share_is_read_once(file, monkeypatch):
    kept = storage("0", 4)
    path = file(in_zip(table({f"a{i}": tensor(kept, (2,), offset=i) for i in range(3)}), _0=np.arange(4, dtype="f4")))
    opened = []
    original = zipfile.ZipFile.open
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *given: opened.append(given) or original(*given))
    assert [each.tolist() for each in read(path).values()] == [[0, 1], [1, 2], [2, 3]]
    assert len(opened) == 3  # the order of bytes, the pickle and the storage


def test_a_part_of_a_storage_is_read_as_pytorch_wrote_until_2017(file):
    part = items(text("part"), number(2), number(3))
    pickle = ordered({"a": tensor(storage("0", 6, "FloatStorage", part), (3,))})
    assert read(file(sequence(pickle, {"0": np.arange(6, dtype="f4").tobytes()})))["a"].tolist() == [2, 3, 4]


def test_the_first_way_to_write_a_tensor_and_an_ordered_dictionary(file):
    first = call("torch._utils", "_rebuild_tensor", storage("0", 4, module="torch.cuda"), number(0), *whole((2, 2)))
    pairs = b"](](" + text("a") + first + b"ee"
    assert read(file(in_zip(call("collections", "OrderedDict", pairs), _0=ONES)))["a"].shape == (2, 2)
    sized = call("torch", "Size", items(number(2)))
    assert list(read(file(in_zip(table({"size": sized, "a": tensor(storage("0", 4), (4,))}), _0=ONES)))) == ["a"]
    default = call("collections", "defaultdict", name("builtins", "list"))
    assert list(read(file(in_zip(table({"a": tensor(storage("0", 4), (4,))}, default), _0=ONES)))) == ["a"]


def test_types_are_of_the_size_that_is_told():
    for dtype, code in tensors.TYPES.items():
        assert tensors.item_size(dtype) == np.dtype(code).itemsize
    assert struct.calcsize("<q") == 8
