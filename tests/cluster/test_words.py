"""What a client and its workers tell each other comes back as it was, and what does not is refused."""

import json
import math
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnfilter.cluster import words
from cnnfilter.cluster.words import packed, unpacked, with_files, without_files
from cnnfilter.errors import ClusterError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=10,
)  # fmt: skip


@given(value=PLAIN)
def test_plain_data_comes_back(value):
    assert unpacked(packed(value)) == value


def test_names_that_are_no_text_and_values_that_are_no_numbers_come_back():
    name, value, largest = unpacked(packed(["a\udcff\n", math.nan, 1.7976931348623157e308]))
    assert (name, math.isnan(value), largest) == ("a\udcff\n", True, 1.7976931348623157e308)


def test_files_come_back_with_what_they_go_with(tmp_path):
    contents = {"weights.npz": b"\0" * 1000, "s3://b/labels.txt": b"", "last": b"x"}
    files = {}
    for number, (name, content) in enumerate(contents.items()):
        files[name] = tmp_path / str(number)
        files[name].write_bytes(content)
    value, found = without_files(with_files({"a": [1]}, files))
    assert value == {"a": [1]}
    assert {name: bytes(content) for name, content in found.items()} == contents


@pytest.mark.parametrize(
    "data", [b"", b"?", zlib.compress(b"{"), packed([1])[:-1], zlib.compress(b"[" * 100_000), zlib.compress(b"\xff")]
)
def test_what_is_no_message_is_an_error(data):
    with pytest.raises(ClusterError, match="^a message of the cluster cannot be read$"):
        unpacked(data)


def test_a_message_has_a_largest_size(monkeypatch):
    monkeypatch.setattr(words, "LARGEST", 1000)
    assert len(unpacked(zlib.compress(json.dumps("x" * 998).encode()))) == 998
    with pytest.raises(ClusterError):
        unpacked(zlib.compress(b'"' + b"x" * 10_000_000 + b'"'))
