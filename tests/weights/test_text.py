"""Weights in files of text: what they may look like, and that a hostile one costs little."""

import tracemalloc

import pytest

from cnnfilter.errors import KernelError
from cnnfilter.kernels.kernel import Kernel
from cnnfilter.weights import text as weight_text
from cnnfilter.weights.bank import load_kernel


@pytest.fixture
def file(tmp_path):
    def write(name, data):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


# .json


def test_json_by_name(file):
    text = '\ufeff{"about": "x", "none": null, "conv1.weight": [[[[1, 2], [3, 4]]]], "conv1.bias": [5]}'
    bank = load_kernel(file("k.json", text), layout="oihw")
    assert bank.weight.tolist() == [[[[1, 2], [3, 4]]]]
    assert bank.bias.tolist() == [5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[1, 2], [3]]", "k.json: its lists differ in length or in depth"),
        ("[[1, 2], 3]", "its lists differ in length or in depth"),
        ("[[1, [2]], [3, 4]]", r"it holds \[2.0\] where a number must stand"),
        ('[[1, "2"]]', "it holds '2' where a number must stand"),
        ("[[1, true]]", "it holds True where a number must stand"),
        ("[[true]]", "its array is of type bool"),
        ("[[null]]", "its array is of type NoneType"),
        ("[[], []]", "its array has shape 2x0 and so holds no numbers"),
        ("[]", "its array has shape 0 and so holds no numbers"),
        ('{"weight": [[1]], "bias": [3, 4]}', "array 'bias' is 2, but there are 1 filters or outputs"),
        ('{"conv1": {"weight": [[1]], "b": null}, "fc": {"w": [[1]]}}', r"'conv1.weight' \(1x1\), 'fc.w' \(1x1\)$"),
        ('{"a.b": [[1]], "a": {"b": [[1]]}}', "it holds two arrays of the name 'a.b'"),
        ('{"w": [[1]], "a": 1, "w": [[2]]}', "it holds two values of the name 'w'"),
        ('{"note": "no arrays"}', "it holds no arrays"),
        ("3", "it must hold a nested list, or an object of nested lists by name"),
        ("[[NaN]]", r"nan at \[0, 0\]: weights must be finite"),
        (f"[[1, {'9' * 5000}]]", r"inf at \[0, 1\]: weights must be finite"),
        ("[[1e39]]", "too large for float32"),
        ("[[1, 2]", "it is not JSON, or damaged or cut off: line 1, column 8 cannot be read$"),
        ("[" * 100_000, "damaged or cut off, or not a .json file"),
        (b"\xff\xfe[", "it is no text in UTF-8 or UTF-16"),
    ],
)
def test_a_bad_json_is_explained(file, text, message):
    with pytest.raises(KernelError, match=message):
        load_kernel(file("k.json", text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{" + ",".join(f'"{i}":1' for i in range(50_000)) + "}", "it holds too many names for weights"),
        ("[" + "0," * 2_000_000 + "0]", "it holds more than 2000000 numbers and lists, too many to read as text"),
        ("[" * 2_000_001, "it holds more than 2000000 numbers and lists"),
        ("[" + "{}," * 1_500_000 + "{}]", "it holds more than 2000000 numbers and lists"),
        (f'{{"{"x" * 2000}": [[1]]}}', r"its name 'x{57}\.\.\.' is longer than 1000 characters"),
        ('{"a": ' * 900 + "1" + "}" * 900, r"its name 'a\.a.*' is longer than 1000 characters"),
        ("[" * 900 + "1" + "]" * 900, r"its array is 900-D \(1x1x1x1x1x1x1x1x\.\.\.\)"),
    ],
)
def test_json_that_would_take_much_memory_is_refused_before_it_is_read(file, text, message):
    path = file("k.json", text)
    tracemalloc.start()
    with pytest.raises(KernelError, match=message):
        load_kernel(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * len(text) + (1 << 20)


# .csv and .txt


@pytest.mark.parametrize("name", ["k.csv", "k.txt", "K.CSV"])
@pytest.mark.parametrize(
    "text",
    [
        "1,2,3\n4,5,6\n",
        "1 2 3\r\n4 5 6",
        "\ufeff1\t2\t3\n4\t5\t6\n\n",
        "# a comment\n\n1, 2, 3 # one\n# another\n4, 5, 6\n",
        "1 2 3; 4 5 6",
        "1 2 3;\n4 5 6;\n",
        "1;2;3\n4;5;6\n",
        "3x2:1,2,3 4,5,6\n",
        "1,2,3 4,5,6",
        "2/2 2 3\n4 5 6.0",
    ],
)
def test_forms_of_a_table(file, name, text):
    assert load_kernel(file(name, text)) == Kernel(name[0], (((1, 2, 3), (4, 5, 6)),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1;2;3\n", "k.csv: '1;2;3' may be one row or 3; write a line for each row, numbers split at blanks"),
        ("1 2\n\n3 4\n", "empty lines part it into 2 tables; a file of weights holds one"),
        ("a,b\n1,2\n", r"k.csv: 'a' is not a number \(row 1, column 1\)"),
        ("1,2\n3\n", "row 2 has 1 numbers, row 1 has 2"),
        ("1,,2\n", "row 1, column 2: the cell is empty"),
        ("1,nan\n", r"'nan' is not finite \(row 1, column 2\)"),
        ("# nothing\n", "there are no numbers in it"),
        ("\n\n", "there are no numbers in it"),
        (b"\xff", "it is no text in UTF-8 or UTF-16"),
    ],
)
def test_a_bad_table_is_explained(file, text, message):
    with pytest.raises(KernelError, match=message):
        load_kernel(file("k.csv", text))


@pytest.mark.parametrize("name", ["k.csv", "k.json"])
def test_a_text_that_is_too_long(file, monkeypatch, name):
    monkeypatch.setattr(weight_text, "MAX_TEXT", 10)
    with pytest.raises(KernelError, match="it has 12 bytes, at most 10 are read as text; save it as .npy or .npz"):
        load_kernel(file(name, "1,2,3,4,5,66"))
