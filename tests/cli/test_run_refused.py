"""What `cnnfilter run` refuses before any work, and what fails for one input only."""

import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnfilter.batch import survey
from tests import command as shell
from tests.cli.test_run import BANK, GREY, VECTOR, done
from tests.command import run, save

refused = partial(shell.refused, command="run")
failed = partial(shell.failed, command="run")


@pytest.fixture(autouse=True)
def _photo(tmp_path, monkeypatch):
    """Work in a folder that holds a colour photo and a grey one."""
    monkeypatch.chdir(tmp_path)
    save("photo.png")
    save("grey.png", GREY)


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ("conv:edge,relo", "stage 2 'relo' (column 11): unknown stage; did you mean relu?"),
        ("conv:edge:strid=2", "stage 1 'conv:edge:strid=2' (column 11): unknown key 'strid'; did you mean stride?"),
        ("conv:none.npy", "stage 1 (conv): none.npy: no such file"),
        ("@none.txt", "pipeline file none.txt: no such file"),
        ("conv:32@3x3",
         "stage 1 (conv): conv:32@3x3 has sizes but no weights; name a kernel or a weight file to run it"),
    ],
)  # fmt: skip
def test_a_chain_that_cannot_run_is_refused(stages, message):
    assert refused(stages, "photo.png").startswith(message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "gray,maxpool:31", "photo.png"], "stage 2 (maxpool): window 31x31 does not fit in 30x45 (height x "
         "width); use more padding or a smaller kernel"),
        (["run", "conv:bank.npy", "photo.png"], "stage 1 (conv): bank holds filters over 2 channels, but 3 arrive"),
        (["run", "conv:bank.npy,flatten", "photo.png"], "stage 1 (conv): bank holds filters over 2 channels, but 3 "),
        (["run", "maxpool:40", "photo.png", "--maps", "each"], "stage 1 (maxpool): window 40x40 does not fit"),
        (["apply", "box:size=47", "photo.png", "--padding", "0"], "window 47x47 does not fit in 30x45"),
        (["apply", "bank.npy", "photo.png"], ""),
        (["explain", "maxpool:40", "photo.png", "--at", "0,0"], "stage 1 (maxpool): window 40x40 does not fit"),
    ],
)  # fmt: skip
def test_what_a_picture_is_too_small_for_is_its_own_failure_everywhere(arguments, message):
    np.save("bank.npy", np.ones((4, 2, 3, 3), np.float32))
    result = run(*arguments)
    assert result.exit_code == 1
    (line,) = result.messages
    assert line.startswith(f"cnnfilter: error: photo.png: {message}")


def test_a_chain_fails_the_inputs_that_it_does_not_fit():
    save("small.png", GREY[:5, :5])
    result = run("run", "maxpool:40", "photo.png", "small.png")
    assert result.exit_code == 1
    assert [line.split(" does")[0] for line in result.messages] == [
        "cnnfilter: error: photo.png: stage 1 (maxpool): window 40x40",
        "cnnfilter: error: small.png: stage 1 (maxpool): window 40x40",
        "0 written, 2 failed",
    ]
    result = run("run", "maxpool:20", "small.png", "photo.png")
    assert result.exit_code == 1
    assert result.messages == [
        "cnnfilter: error: small.png: stage 1 (maxpool): window 20x20 does not fit in 5x5; use more padding or a "
        "smaller kernel",
        "wrote photo-chain.png  2x1",
        "1 written, 1 failed",
    ]


def test_headers_are_read_up_to_the_first_input_that_fits(monkeypatch):
    looked = []
    read_size = survey.read_size
    monkeypatch.setattr(survey, "read_size", lambda name: looked.append(name) or read_size(name))
    save("small.png", GREY[:5, :5])
    save("last.png")
    run("run", "maxpool:20", "small.png", "photo.png", "last.png")
    assert looked == ["small.png", "photo.png"]
    looked.clear()
    run("run", "maxpool:20", "small.png", "photo.png", "last.png", "--maps", "each")
    assert looked == ["small.png", "photo.png", "last.png"]


def test_an_input_of_unknown_size_is_left_to_fail_by_itself():
    assert failed("relu", "none.png") == "none.png: no such file"
    assert failed("relu", "a" * 300 + ".png", "-o", "x.png").endswith("cannot be read: File name too long")
    assert failed("relu", "/dev/null", "-o", "x.png") == "/dev/null: empty file"
    line = failed("maxpool:40", "-", stdin=Path("photo.png").read_bytes())
    assert line.startswith("standard input: stage 1 (maxpool): window 40x40 does not fit in 30x45")
    frames = [Image.fromarray(GREY), Image.fromarray(GREY[:9])]
    frames[0].save("pages.tif", save_all=True, append_images=frames[1:])
    assert done("maxpool:9", "pages.tif", "--frame", "1").messages == ["wrote pages-chain.tif  5x1"]
    line = failed("maxpool:10", "pages.tif", "--frame", "1", "-f", "-o", "x.png")
    assert line.endswith("in 9x45 (height x width); use more padding or a smaller kernel")


def test_a_picture_beyond_the_limit_fails():
    assert failed("relu", "photo.png", "--max-pixels", "1000").startswith("photo.png: 45x30 is 1,350 pixels")


def test_labels_are_checked():
    Path("two.txt").write_text("a\nb\n")
    message = "there are 2 labels for 12 results; give one label a line, one for each"
    assert refused(VECTOR, "photo.png", "--labels", "two.txt") == message
    assert refused(BANK, "photo.png", "--labels", "two.txt") == message.replace("12", "3")
    line = failed("flatten", "-", "--labels", "two.txt", stdin=Path("grey.png").read_bytes())
    assert line == "standard input: " + message.replace("12", "1350")
    Path("empty.txt").write_text("\n \n")
    Path("binary.txt").write_bytes(b"\xff\xfe\x00")
    os.mkfifo("pipe")
    Path("large.txt").write_bytes(b"\n" * ((1 << 22) + 1))
    for name, reason in {
        "empty.txt": "it holds none",
        "binary.txt": "no text in UTF-8 or UTF-16",
        "none.txt": "no such file",
        ".": "is a folder",
        "pipe": "is a pipe or a device, not a file",
        "large.txt": "larger than a file of labels may be (4194304 bytes)",
    }.items():
        assert refused(VECTOR, "photo.png", "--labels", name) == f"labels '{name}': {reason}"
    assert refused(VECTOR, "photo.png", "--labels", "a\0b").startswith("labels 'a\\x00b': ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([BANK, "--maps", "each", "--topk", "2"],
         "--topk is for a contact sheet, and --maps each makes none; leave one of them out"),
        (["gray", "--range", "abs", "--colormap", "auto"],
         "--range is for plain pictures, and --colormap for maps in colours; leave one of them out"),
        (["gray", "--range", "abs", "--scaling", "map"],
         "--range is for plain pictures, and --scaling for maps in colours; leave one of them out"),
        ([VECTOR, "--topk", "2"], "--topk is for maps, and this chain ends in a vector; leave it out"),
        ([VECTOR, "--maps", "each"], "--maps each is for maps, and this chain ends in a vector; leave it out"),
        ([BANK, "--top", "2"],
         "--top is for a vector that is told, and this chain ends in maps; --topk shows only the strongest maps"),
        ([VECTOR, "--top", "2", "-o", "v.npy"],
         "--top is for a vector that is told, and a file holds only the numbers; leave out -o and --format"),
        ([VECTOR, "-o", "v.png"],
         "'v.png': a vector is written as .npy, .npz or .csv, not as PNG; without -o it is told"),
        ([VECTOR, "--format", "tiff"], "a vector is written as .npy, .npz or .csv, not as TIFF; without -o it is told"),
        ([BANK, "--topk", "2", "-o", "maps.npz"],
         "'maps.npz': NPZ keeps the numbers themselves, and --topk is for pictures; leave one of them out"),
        ([BANK, "-o", "maps.txt"],
         "the name 'maps.txt' tells no format; end it in .png or another picture's extension, or add --format"),
        ([BANK, "--format", "npy", "--save-option", "quality=1"], "NPY has no save option 'quality' (has none)"),
        ([BANK, "--save-option", "quality=1"],
         "photo.png: PNG has no save option 'quality' (has: compress_level, compress_type, optimize)"),
        ([VECTOR, "--save-option", "x=1"], "no format has a save option 'x'"),
    ],
)  # fmt: skip
def test_options_that_do_not_go_together_are_refused(arguments, message):
    assert refused(*arguments, "photo.png") == message


def test_an_ambiguous_file_is_told_in_the_words_of_stages():
    np.save("bank.npy", np.ones((3, 3, 3, 3), np.float32))
    line = refused("conv:bank.npy", "photo.png")
    assert line.startswith("stage 1 (conv): bank.npy: shape 3x3x3x3 may be")
    assert line.endswith("say which with layout=oihw or layout=hwio")
    np.savez("net.npz", a=np.ones((2, 9)), b=np.ones((3, 9)))
    assert "(name=NAME)" in refused("flatten,dense:net.npz", "photo.png")
