"""Lists, chains, labels, tables and weights that Windows wrote: with byte order marks, in UTF-8 and in UTF-16."""

from pathlib import Path

import numpy as np
import pytest

from tests.command import run, save

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def encoded(text, encoding):
    """The text as an editor of Windows saves it; Python writes no mark where it is told the order of bytes."""
    return (("\ufeff" if encoding == "utf-16-be" else "") + text.replace("\n", "\r\n")).encode(encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_text_of_windows_is_read_everywhere(encoding):
    save("a.png")
    save("grün.png")
    Path("list.txt").write_bytes(encoded("a.png\ngrün.png\n", encoding))
    result = run("apply", "edge", "--files-from", "list.txt", "-o", "out/")
    assert result.exit_code == 0, result.err
    assert result.messages[-1] == "2 written"
    result = run("apply", "edge", "--files-from", "-", "-o", "out2/", stdin=Path("list.txt").read_bytes())
    assert result.messages[-1] == "2 written"

    Path("chain.txt").write_bytes(encoded("conv:edge\nrelu\n", encoding))
    assert run("shape", "9", "@chain.txt").out.splitlines()[2].startswith("relu ")

    Path("picture.csv").write_bytes(encoded("1,2,3\n4,5,6\n", encoding))
    assert run("explain", "picture.csv", "--matrix").out == "picture 2x3x1\n  1 2 3\n  4 5 6\n"

    Path("kernel.csv").write_bytes(encoded("0,1\n2,3\n", encoding))
    assert "matrix    0 1\n          2 3\n" in run("kernels", "kernel.csv").out
    Path("kernel.json").write_bytes(encoded("[[0, 1], [2, 3]]", encoding))
    assert run("kernels", "kernel.json").out.splitlines()[1:] == run("kernels", "kernel.csv").out.splitlines()[1:]

    Path("labels.txt").write_bytes(encoded("ähnlich\nb\n", encoding))
    save("small.png", np.zeros((1, 2), np.uint8))
    assert run("run", "flatten", "small.png", "--labels", "labels.txt").out.splitlines()[1].split() == [
        "0",
        "0",
        "ähnlich",
    ]


def test_half_a_character_of_utf_16_is_told_of():
    for name in ("list.txt", "chain.txt", "labels.txt", "picture.csv", "kernel.csv"):
        Path(name).write_bytes(b"\xff\xfea\x00b")
    for arguments in (
        ["apply", "edge", "--files-from", "list.txt", "-o", "out/"],
        ["shape", "9", "@chain.txt"],
        ["run", "flatten", "a.png", "--labels", "labels.txt"],
        ["explain", "picture.csv", "--matrix"],
        ["kernels", "kernel.csv"],
    ):
        result = run(*arguments)
        assert result.exit_code in (1, 2)
        (line,) = result.messages
        assert "UTF-16" in line
