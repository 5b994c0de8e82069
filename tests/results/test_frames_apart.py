"""All frames of an animation and all pages of a TIFF, in a file each; and which are asked for."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnfilter import apply
from cnnfilter.imaging.encoding import encode_frames
from cnnfilter.imaging.picture import Picture, Stored, Timing
from cnnfilter.results.frames import FrameResults
from tests.command import done, files, load, refused, run, save
from tests.moving import GREY, animation, moving, opened
from tests.plans import Doing


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_each_frame_goes_to_a_file_where_the_name_has_its_number():
    frames = [Image.fromarray(np.full((4, 5), 20 * i, np.uint8)) for i in range(11)]
    frames[0].save("a.gif", save_all=True, append_images=frames[1:])
    result = done("apply", "identity", "a.gif", "--frame", "all", "-o", "out/{frame}/{name}.{ext}")
    assert result.messages == ["wrote out/00/a.gif to out/10/a.gif  5x4"]
    for index in range(11):
        with Image.open(f"out/{index:02}/a.gif") as image:
            assert (np.asarray(image.convert("L")) == 20 * index).all()
    done("apply", "identity", "a.gif", "--frame", "3", "-o", "{name}-{frame}.png")
    done("apply", "identity", "a.gif", "-o", "{name}-{frame}.png")
    assert [(load(f"a-{index}.png") == 20 * index).all() for index in (0, 3)] == [True, True]


def test_the_pictures_of_an_mpo_are_frames_where_all_are_asked_for():
    image = Image.fromarray(moving()[0])
    image.save("a.mpo", save_all=True, append_images=[image.rotate(180)])
    assert (
        done("apply", "box", "a.mpo", "--frame", "all", "-o", "{frame}.png").messages[0].startswith("wrote 0.png to 1")
    )
    assert done("apply", "box", "a.mpo").messages[0] == "warning: a.mpo: its 1 other picture is left out"


def test_frames_whose_format_is_another_take_its_name():
    Path("a.gif").write_bytes(animation("GIF"))
    assert (
        done("apply", "box", "a.gif", "--frame", "all", "-o", "{name}{frame}.{ext}", "-n").out
        == "a.gif -> a{frame}.png\n"
    )
    done("apply", "box", "a.gif", "--frame", "all", "-o", "{name}{frame}.{ext}")
    assert files() == ["a.gif", "a0.png", "a1.png", "a2.png", "a3.png"]
    np.testing.assert_array_equal(load("a2.png"), apply(moving()[2], "box"))


def test_names_of_frames_are_looked_at_before_any_work():
    Path("a.gif").write_bytes(animation("GIF"))
    save("b.png")
    Path("a-3.jpg").write_text("mine")
    line = "'a-3.jpg' exists already; --force overwrites it"
    assert refused("box", "a.gif", "b.png", "--frame", "all", "-o", "{name}-{frame}.jpg") == line
    Path("x.gif").write_bytes(animation("GIF"))
    message = refused("box", "a.gif", "x.gif", "--frame", "all", "-o", "{frame}.jpg")
    assert message.startswith("'0.jpg' would be the output of 'a.gif' and 'x.gif'")
    result = done("apply", "box", "b.png", "--frame", "all", "-o", "{name}-{frame}.jpg", "--skip-existing")
    assert result.messages == ["wrote b-0.jpg  45x30"]


def test_frames_of_standard_input_are_named_when_they_are_known():
    data = animation("GIF")
    done("apply", "identity", "-", "--frame", "all", "-o", "{name}-{frame}.png", stdin=data)
    assert files() == [f"stdin-{index}.png" for index in range(4)]


def test_values_of_frames_are_written_apart():
    Path("a.gif").write_bytes(animation("GIF"))
    done("run", "gray,conv:sobel-x+sobel-y", "a.gif", "--frame", "all", "-o", "{frame}.npy")
    assert [np.load(f"{index}.npy").shape for index in range(4)] == [(2, 18, 28)] * 4
    done("run", "gray,avgpool:10,flatten", "a.gif", "--frame", "all", "-o", "v{frame}.npy")
    assert np.load("v3.npy").shape == (6,)


def test_a_result_of_frames_is_no_vector():
    results = FrameResults(Picture(GREY), iter(()), Doing(), None, apart=True)
    assert (results.vector, results.rows, results.notes) == (None, (), ())


@pytest.mark.parametrize("stages", [("gray,avgpool:10,flatten",), ("conv:box", "--maps", "each")])
def test_where_one_frame_is_asked_for_is_told(stages):
    Path("a.gif").write_bytes(animation("GIF"))
    line = "--frame all writes one result of each frame; with --maps each, and for a vector that is told, name one"
    assert refused(stages[0], "a.gif", "--frame", "all", *stages[1:], command="run") == line


@pytest.mark.parametrize("text", ["-1", "none", "1.5", "²"])
def test_a_frame_is_a_number_or_all(text):
    save("a.png")
    assert f"a frame is a whole number from 0, or all, not '{text}'" in refused("box", "a.png", "--frame", text)


def test_a_frame_that_is_damaged_costs_those_after_it():
    data = animation("GIF")
    Path("a.gif").write_bytes(data[: len(data) - 30])
    result = run("apply", "box", "a.gif", "--frame", "all", "-o", "{frame}.png")
    assert result.exit_code == 1
    assert "a.gif: cannot decode GIF" in result.messages[-1]


def test_timing_lost_on_the_way_is_the_usual():
    frames = [Picture(frame, stored=Stored(timing=Timing(0, 1))) for frame in moving()]
    data = encode_frames(frames, "WEBP", notes=[])
    assert opened(data)[1:] == ([100] * 4, 1)
