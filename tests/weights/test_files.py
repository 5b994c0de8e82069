import io
import json
import os
import random
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from cnnfilter.cli.apply import command
from cnnfilter.errors import KernelError
from cnnfilter.kernels.kernel import get_kernel
from cnnfilter.weights import archives
from cnnfilter.weights import files as weight_files
from cnnfilter.weights.bank import load_bank, load_kernel
from cnnfilter.weights.kinds import READERS
from tests.command import ROOT

SAMPLES = ROOT / "samples" / "kernels"
README = (ROOT / "README.md").read_text(encoding="utf-8")
SAMPLE_FILES = sorted(path for path in SAMPLES.iterdir() if path.suffix in READERS)


@pytest.fixture
def file(tmp_path):
    def write(name, data):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


def npy(array, **options):
    """An array as the bytes of a .npy file."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), **options)
    return stream.getvalue()


def npy_header(text, data=b"", version=(1, 0)):
    """A .npy file with a header of one's own."""
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text.encode() + data


def zipped(members, method=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def tensors(header, data=b""):
    """A .safetensors file with a header of one's own."""
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


# The samples


def test_there_is_a_sample_of_every_format_and_the_readme_names_it():
    assert {path.suffix for path in SAMPLE_FILES} == set(READERS)
    text = (SAMPLES / "README.md").read_text()
    assert all(f"`{path.name}`" in text for path in SAMPLE_FILES)
    assert "CC0" in text


def test_what_tells_of_weight_files_names_each_format():
    for text in (README, load_bank.__doc__, command.help):
        assert not [suffix for suffix in READERS if suffix not in text]


def test_samples_hold_what_their_readme_says():
    np.testing.assert_array_equal(load_kernel(SAMPLES / "unsharp.csv").weights, get_kernel("unsharp").weights)
    np.testing.assert_array_equal(load_kernel(SAMPLES / "emboss.txt").weights, get_kernel("emboss").weights)
    expected = get_kernel("gaussian:sigma=1.5:size=7").weights
    np.testing.assert_allclose(load_kernel(SAMPLES / "gaussian.npy").weights, expected, rtol=1e-6)
    edges = load_kernel(SAMPLES / "vertical-edges.json")
    assert edges.weight.tolist() == [[[[1, 0, -1]] * 3]]
    assert edges.bias.tolist() == [128]
    for name, radius in (("small", 2), ("large", 4)):
        y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
        disk = x**2 + y**2 <= radius**2
        kernel = load_kernel(SAMPLES / "disk.npz", array_name=name)
        assert kernel.name == "disk"
        np.testing.assert_allclose(kernel.weights, disk / disk.sum(), rtol=1e-6)


@pytest.mark.parametrize("name", ["gabor.npz", "gabor.safetensors", "gabor.pth"])
def test_the_sample_bank_is_the_formula_of_its_readme(name):
    code = (SAMPLES / "README.md").read_text().split("```python\n")[1].split("```")[0]
    weight = np.empty((8, 1, 5, 5))
    exec(code, {"numpy": np, "weight": weight})
    bank = load_kernel(SAMPLES / name)
    np.testing.assert_allclose(bank.weight, weight, atol=1e-7)
    np.testing.assert_allclose(bank.bias, np.arange(8) / 1000, rtol=1e-6)


# Damage: only a clear error may come out, quickly, without warnings and without much memory


@pytest.mark.parametrize("sample", SAMPLE_FILES, ids=lambda path: path.name)
@pytest.mark.parametrize("damage", ["cut", "flip"])
@pytest.mark.filterwarnings("ignore::cnnfilter.errors.CnnfilterWarning")
def test_a_damaged_file_loads_or_is_one_clear_line(tmp_path, sample, damage):
    chance = random.Random(f"{sample.name} {damage}")
    data = sample.read_bytes()
    path = tmp_path / sample.name
    refused = 0
    tracemalloc.start()
    for _ in range(300):
        if damage == "cut":
            path.write_bytes(data[: chance.randrange(len(data))])
        else:
            changed = bytearray(data)
            # Half of the bits fall into the first bytes, where the headers are.
            for _ in range(chance.choice([1, 1, 8])):
                changed[chance.randrange(chance.choice([min(128, len(data)), len(data)]))] ^= 1 << chance.randrange(8)
            path.write_bytes(changed)
        message = ""
        try:
            load_kernel(path)
        except KernelError as error:
            message = str(error)
        if message:
            refused += 1
            assert message.startswith(f"{path}: ")
            assert "\n" not in message
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused > 30
    assert peak < 32 << 20


# .npy


def test_npy_of_version_two(file):
    assert load_kernel(file("k.npy", npy([[1, 2]], version=(2, 0)))).filters == (((1, 2),),)


def test_npy_of_python_2(file):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1L, 2L), }\n"
    assert load_kernel(file("k.npy", npy_header(header, struct.pack("<2f", 1, 2)))).size == (1, 2)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "k.npy: the file is empty"),
        (b"not an array", "damaged or cut off, or not a .npy file"),
        (npy([[1]])[:20], "damaged or cut off, or not a .npy file"),
        (npy([[1.0, 2]])[:-1], "its header tells of 16 bytes of numbers, but 15 follow"),
        (npy([[1.0, 2]]) + b"x", "its header tells of 16 bytes of numbers, but 17 follow"),
        (npy([[1]], version=(3, 0)), "NPY format 3.0 is not one for plain numbers"),
        (npy([[True]]), "its array is of type bool; weights must be real numbers"),
        (npy([[1j]]), "its array is of type complex128"),
        (npy([["a"]]), "its array is of type <U1"),
        (
            npy(np.array([[None]], object), allow_pickle=True),
            "its array is one of Python objects, which are not opened",
        ),
        (npy(np.array({"w": [[1]]}, object), allow_pickle=True), "write its arrays with numpy.savez"),
        (npy(np.array("weights")), "its array is of type <U7; weights must be real numbers"),
        (npy(np.zeros((2, 2), "f4,f4")), "its array is of type .*f0"),
        (npy(np.zeros((2, 0))), "its array has shape 2x0 and so holds no numbers"),
        (npy(5), "its array is a single number; it must be 2-D, 3-D or 4-D"),
        (npy([5]), r"its array is 1-D \(1\)"),
        (npy([[1, np.nan]]), r"k.npy: nan at \[0, 1\]: weights must be finite"),
        (npy([[1], [-np.inf]]), r"-inf at \[1, 0\]: weights must be finite"),
        (npy([[-1e39]]), r"-1e\+39 at \[0, 0\] is too large for float32"),
        (
            npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999, 99999)}"),
            "its array has shape 99999x99999, more than 134217728 numbers",
        ),
        (
            npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 3)}"),
            "its array has shape -1x3 and so holds no numbers",
        ),
        (npy_header("[" * 5000 + "]" * 5000), "damaged or cut off, or not a .npy file"),
        (npy_header(" " * 20_000, version=(2, 0)), "damaged or cut off, or not a .npy file"),
        (b"\x93NUMPY\2\0\xff\xff\xff\xff{", "damaged or cut off, or not a .npy file"),
    ],
)
def test_a_bad_npy_is_explained(file, data, message):
    with pytest.raises(KernelError, match=message):
        load_kernel(file("k.npy", data))


# .npz


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_only_the_array_that_is_needed_is_read(file, method):
    members = {"a.npy": npy([[1, 2]]), "b.npy": npy([["text"]]), "c.npy": npy([[1.0]])[:-1], "notes.txt": "x"}
    path = file("k.npz", zipped(members, method))
    assert load_kernel(path, array_name="a").filters == (((1, 2),),)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK", "the end of the zip file is missing"),
        (zipped({"a.npy": npy([[1]])})[:-5], "the end of the zip file is missing"),
        (zipped({"a.npy": npy([[1.0]])[:-1]}), "its header tells of 8 bytes of numbers, but 7 follow"),
        (
            zipped({"a.npy": npy([[1.0]])}, zipfile.ZIP_LZMA),
            "'a.npy' is compressed by a method that .npz does not",
        ),
        (zipped({"a.npy": b"text"}), "damaged or cut off, or not a .npz file"),
        (
            zipped({"a.npy": npy([[1.0]])}, zipfile.ZIP_STORED).replace(b"\xf0\x3f", b"\xf0\x3e"),
            "damaged or cut off, or not a .npz file$",
        ),
        (zipped({"a.npy": npy(np.zeros((999, 9999), "u2"))}), "'a.npy' grows from .* bytes, as zip bombs do"),
    ],
)
def test_a_bad_npz_is_explained(file, data, message):
    with pytest.raises(KernelError, match=message):
        load_kernel(file("k.npz", data))


def test_a_zip_whose_members_are_longer_than_they_say(file):
    # The directory is told the length of the first array, and both follow one another in the data.
    honest = npy([[1.0]])
    data = zipped({"a.npy": honest + b"more"}, zipfile.ZIP_STORED)
    assert data.count(struct.pack("<L", len(honest) + 4)) == 4
    with pytest.raises(KernelError, match="its header tells of 8 bytes of numbers, but 12 follow"):
        load_kernel(file("k.npz", data))


def test_a_zip_whose_directory_leads_before_its_beginning(file):
    data = zipped({"a.npy": npy([[1]])})
    with pytest.raises(KernelError, match="k.npz: damaged or cut off, or not a .npz file$"):
        load_kernel(file("k.npz", data[:-6] + struct.pack("<L", 2**31) + data[-2:]))


def test_a_zip_of_too_many_members(file, monkeypatch):
    many = file("k.npz", zipped({f"{i}.npy": npy([[1]]) for i in range(4)}))
    monkeypatch.setattr(weight_files, "MAX_MEMBERS", 3)
    with pytest.raises(KernelError, match="it holds 4 arrays, at most 3 are read"):
        load_kernel(many)
    monkeypatch.setattr(archives, "MAX_ZIP_DIRECTORY", 100)
    with pytest.raises(KernelError, match="it has too many members for weights"):
        load_kernel(many)


def test_a_zip_of_the_large_kind(file):
    data = zipped({"a.npy": npy([[1]])})
    large = b"PK\6\6" + bytes(36) + struct.pack("<2Q", 2**40, 0)  # of which Python would read as much as it says
    data = data[:-22] + large + b"PK\6\7" + bytes(16) + data[-22:]
    with pytest.raises(KernelError, match="it has too many members for weights"):
        load_kernel(file("k.npz", data))


# .safetensors


@pytest.mark.parametrize("kind", weight_files.SAFETENSORS_TYPES)
def test_safetensors_of_every_type(file, kind):
    values = np.array([[1, 2], [3, 64]])
    if kind == "BF16":
        data = (values.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    else:
        data = values.astype(weight_files.SAFETENSORS_TYPES[kind]).tobytes()
    header = {
        "__metadata__": {"format": "pt"},
        "w": {"dtype": kind, "shape": [2, 2], "data_offsets": [0, len(data)]},
    }
    np.testing.assert_array_equal(load_kernel(file("k.safetensors", tensors(header, data))).weights, values)


ONE = {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\1\2", "its header of 513 bytes is cut off or too long"),
        (struct.pack("<Q", 2**63) + b"{}", "its header of 9223372036854775808 bytes is cut off or too long"),
        (tensors({"w": ONE}, bytes(3)), "damaged or cut off, or not a .safetensors file"),
        (tensors({"w": ONE | {"shape": [9, 9]}}, bytes(4)), "damaged or cut off, or not a .safetensors file"),
        (tensors({"w": ONE, "v": ONE}, bytes(4)), "damaged or cut off, or not a .safetensors file"),
        (tensors({"w": ONE | {"dtype": "X"}}, bytes(4)), "damaged or cut off, or not a .safetensors file"),
        (tensors([], bytes(4)), "damaged or cut off, or not a .safetensors file"),
        (
            tensors({"w": {"dtype": "BOOL", "shape": [1, 1], "data_offsets": [0, 1]}}, b"\1"),
            "array 'w' is of type BOOL; weights must be real numbers",
        ),
        (tensors({"w": ONE}, b"\0\0\x80\x7f"), r"k.safetensors: inf at \[0, 0\]: weights must be finite"),
        (tensors({}), "it holds no arrays"),
    ],
)
def test_a_bad_safetensors_is_explained(file, data, message):
    with pytest.raises(KernelError, match=message):
        load_kernel(file("k.safetensors", data))


def test_safetensors_of_too_many_arrays(file, monkeypatch):
    second = ONE | {"data_offsets": [4, 8]}
    path = file("k.safetensors", tensors({"v": ONE, "w": second}, bytes(8)))
    monkeypatch.setattr(weight_files, "MAX_MEMBERS", 1)
    with pytest.raises(KernelError, match="it holds 2 arrays, at most 1 are read"):
        load_kernel(path)


# The file system


def test_what_is_not_a_file(tmp_path):
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(KernelError, match="folder.npy: is a folder, not a kernel"):
        load_kernel(tmp_path / "folder.npy")
    with pytest.raises(KernelError, match="missing.csv: no such file$"):
        load_kernel(tmp_path / "missing.csv")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes in folders")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.npy")
    with pytest.raises(KernelError, match="pipe.npy: is not a regular file"):
        load_kernel(tmp_path / "pipe.npy")


def test_a_name_with_a_new_line_stays_on_one_line(tmp_path):
    with pytest.raises(KernelError, match=r"a\\nb.npy': no such file") as caught:
        load_kernel(tmp_path / "a\nb.npy")
    assert "\n" not in str(caught.value)
