"""`--strip` with and without a word behind it, and what is told of what a format does not keep."""

import numpy as np
import pytest
from PIL import Image

from cnnfilter.imaging.reading import read
from tests.command import run
from tests.picture_files import exif, icc, saved

MATRIX = "-1 0 1; -2 0 2; -1 0 1"


@pytest.fixture(autouse=True)
def photo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = Image.fromarray(np.zeros((4, 6, 3), np.uint8))
    data = saved(image, "JPEG", exif=exif(), icc_profile=icc(), dpi=(300, 300), comment="a comment")
    (tmp_path / "photo.jpg").write_bytes(data)


def kept(*arguments):
    """What of EXIF, profile and resolution is in the output."""
    result = run(*arguments)
    assert (result.exit_code, result.messages[-1]) == (0, "wrote out.jpg  6x4"), result.err
    found = read("out.jpg").metadata
    return found.exif is not None, found.icc is not None, found.dpi == (300, 300)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["apply", "box", "photo.jpg"], (True, True, True)),
        (["apply", "box", "--strip", "photo.jpg"], (False, False, False)),
        (["apply", "box", "photo.jpg", "--strip"], (False, False, False)),
        (["apply", "--strip", "box", "photo.jpg"], (False, False, False)),
        (["apply", "--strip", "all", "box", "photo.jpg"], (False, False, False)),
        (["apply", "box", "photo.jpg", "--strip=all"], (False, False, False)),
        (["apply", "box", "--strip", "privacy", "photo.jpg"], (False, True, True)),
        (["apply", "box", "photo.jpg", "--strip", "privacy"], (False, True, True)),
        (["apply", "--strip=privacy", "box", "photo.jpg"], (False, True, True)),
        (["apply", "--strip", MATRIX, "photo.jpg"], (False, False, False)),
        (["apply", "--strip", "privacy", MATRIX, "photo.jpg"], (False, True, True)),
        (["run", "conv:box:padding=same", "--strip", "photo.jpg"], (False, False, False)),
        (["run", "conv:box:padding=same", "--strip", "privacy", "photo.jpg"], (False, True, True)),
    ],
)
def test_strip_takes_the_word_behind_it_if_it_is_one_of_its_own(words, expected):
    assert kept(*words, "-o", "out.jpg") == expected


def test_a_file_may_be_called_like_a_word_of_strip():
    Image.new("L", (6, 4)).save("privacy.png")
    Image.open("privacy.png").save("privacy", "PNG")
    assert run("apply", "box", "--strip", "./privacy", "-o", "a.png").messages == ["wrote a.png  6x4"]
    assert run("apply", "box", "--strip", "-o", "b.png", "--", "privacy").messages == ["wrote b.png  6x4"]
    result = run("apply", "box", "photo.jpg", "-o", "--strip")
    assert "the name '--strip' tells no format" in result.err
    result = run("apply", "box", "photo.jpg", "--strip=some")
    assert result.exit_code == 2
    assert "'some' is not one of 'all', 'privacy'" in result.err


def test_what_a_format_does_not_keep_is_told_once():
    result = run("apply", "box", "photo.jpg", "-o", "out.bmp")
    assert result.messages == ["warning: photo.jpg: not kept in BMP: EXIF, ICC profile, comment", "wrote out.bmp  6x4"]
    result = run("run", "gray,conv:box:padding=same", "photo.jpg", "-o", "grey.png")
    assert result.messages[0] == "warning: photo.jpg: not kept in PNG: ICC profile, which is not for grey"
    result = run(
        "run",
        "conv:box:padding=same",
        "photo.jpg",
        "--maps",
        "each",
        "--range",
        "clip",
        "-o",
        "maps/",
        "--format",
        "bmp",
    )
    assert [line for line in result.messages if "not kept" in line] == [
        "warning: photo.jpg: not kept in BMP: EXIF, ICC profile, comment"
    ]
    assert run("apply", "box", "photo.jpg", "-o", "out2.bmp", "--strip").messages == ["wrote out2.bmp  6x4"]
