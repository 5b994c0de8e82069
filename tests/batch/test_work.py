import errno
import io
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnfilter.batch.work import Streams
from cnnfilter.errors import OutputError, PictureError, ShapeError
from cnnfilter.imaging.limits import Limits
from cnnfilter.imaging.picture import Picture
from cnnfilter.imaging.reading import read
from cnnfilter.kernels.kernel import get_kernel
from cnnfilter.messages import options_named
from cnnfilter.results import saving as results
from cnnfilter.results.pictures import FilterTask, PictureResult
from cnnfilter.results.saving import Saving
from cnnfilter.running.filter import Filter
from cnnfilter.weights.bank import FilterBank
from tests.plans import carried_out, planned

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def save(name, array=GREY, **options):
    Image.fromarray(array).save(name, **options)


def same(picture):
    return PictureResult(picture)


def darker(picture):
    return PictureResult(replace(picture, pixels=picture.pixels // 2, notes=("darker",)), 0.25)


def filtered(given, kernel_filter, **options):
    return FilterTask(kernel_filter, **options).transform(given, threads=1)


def events(inputs, transform=same, **options):
    names = {name: options.pop(name) for name in ("output", "format", "force") if name in options}
    plan = planned(inputs, **names)
    return list(carried_out(plan, transform, **options))


def picture_bytes(name="a.png"):
    save(name)
    return Path(name).read_bytes()


def test_a_picture_is_read_changed_and_written():
    save("a.png")
    (event,) = events(["a.png"], darker)
    assert event.error is None
    assert (str(event.job), str(event.targets[0]), event.size, event.format) == (
        "a.png",
        "a-edge.png",
        (4, 3),
        "PNG",
    )
    assert event.clipped == 0.25
    assert event.notes == ("darker",)
    assert event.seconds > 0
    np.testing.assert_array_equal(read(Path("a-edge.png")).pixels, GREY // 2)


def test_one_input_that_fails_stops_no_other():
    save("a.png")
    Path("b.png").write_text("no picture")
    save("c.png")
    good, missing, bad, last = events(["a.png", "missing.png", "b.png", "c.png"], output="out/")
    assert (good.error, last.error) == (None, None)
    assert missing.error == "no such file"
    assert bad.error.startswith("not a picture")
    assert (bad.targets, bad.size) == ((), None)
    assert sorted(path.name for path in Path("out").iterdir()) == ["a-edge.png", "c-edge.png"]


def test_the_output_folder_is_made_before_any_work():
    save("a.png")
    plan = planned(["a.png"], output="out/")
    Path("out").write_text("in the way")
    with pytest.raises(OutputError, match="cannot make the folder"):
        next(carried_out(plan, same))


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (ShapeError("window 9x9 does not fit"), "window 9x9 does not fit"),
        (MemoryError(), "not enough memory for this picture"),
        (ValueError("array is too big; `arr.size`"), "not enough memory for this picture"),
        (ValueError("Maximum allowed dimension exceeded"), "not enough memory for this picture"),
        (ValueError("oh"), "internal error, please report it: ValueError: oh"),
        (ZeroDivisionError("oh"), "internal error, please report it: ZeroDivisionError: oh"),
    ],
)
def test_whatever_goes_wrong_fails_its_own_input_only(failure, error):
    def fail_once(picture, calls=[]):  # noqa: B006  (counts on purpose)
        calls.append(1)
        if len(calls) == 1:
            raise failure
        return PictureResult(picture)

    save("a.png")
    save("b.png")
    first, second = events(["a.png", "b.png"], fail_once)
    assert first.error == error
    assert first.cause is (failure if error.startswith("internal") else None)
    assert second.error is None


def test_an_interrupt_is_no_failure_of_one_input():
    def interrupt(picture):
        raise KeyboardInterrupt

    save("a.png")
    with pytest.raises(KeyboardInterrupt):
        events(["a.png"], interrupt)


def test_options_reach_the_decoder_and_the_encoder():
    save("a.png")
    (event,) = events(["a.png"], limits=Limits(max_pixels=11))
    assert event.error.startswith("4x3 is 12 pixels, more than the limit of 11")
    (event,) = events(["a.png"], limits=Limits(frame=1))
    assert event.error == "there is no frame 1: the file has 1, counted from 0"
    (event,) = events(["a.png"], saving=Saving(options={"compress_level": "11"}))
    assert event.error == "save option compress_level of PNG takes a whole number from 0 to 9, not '11'"
    assert not Path("a-edge.png").exists()


def test_the_input_is_let_go_before_the_result_is_encoded(monkeypatch):
    inputs, alive = [], []

    def transform(picture):
        inputs.append(weakref.ref(picture))
        return darker(picture)

    def encode(*arguments, **options):
        alive.append(inputs[0]() is not None)
        return b""

    save("a.png")
    monkeypatch.setattr(results, "encode", encode)
    (event,) = events(["a.png"], transform)
    assert (event.error, alive) == (None, [False])


def test_metadata_is_kept_unless_stripped():
    save("a.png", dpi=(72, 72))
    events(["a.png"])
    events(["a.png"], output="b.png", saving=Saving(strip="all"))
    assert read(Path("a-edge.png")).metadata.dpi is not None
    assert read(Path("b.png")).metadata.dpi is None


def test_notes_of_the_decoder_are_passed_on_also_when_the_filter_fails():
    frames = [Image.fromarray(GREY), Image.fromarray(GREY + 100)]
    frames[0].save("a.gif", save_all=True, append_images=frames[1:])
    with options_named():
        (event,) = events(["a.gif"])
    assert event.notes == ("first of 2 frames; --frame picks another, counted from 0, or all",)

    def fail(picture):
        raise ShapeError

    with options_named():
        (event,) = events(["a.gif"], fail, output="b.png")
    assert event.notes == ("first of 2 frames; --frame picks another, counted from 0, or all",)


def test_the_format_is_that_of_the_input_whatever_its_name():
    save("a.jpg")
    Path("a.jpg").rename("b.png")
    (event,) = events(["b.png"])
    assert (event.format, str(event.targets[0])) == ("JPEG", "b-edge.jpg")


def test_a_result_that_the_format_cannot_hold_becomes_png():
    save("a.gif")
    colour = np.dstack([GREY] * 3)
    (event,) = events(["a.gif"], lambda picture: PictureResult(replace(picture, pixels=colour)))
    assert (event.format, str(event.targets[0])) == ("PNG", "a-edge.png")
    assert [path.name for path in Path().glob("*-edge*")] == ["a-edge.png"]


@pytest.mark.parametrize("force", [False, True])
def test_a_changed_name_takes_no_other_output_and_no_input(force):
    colour = np.dstack([GREY] * 3)
    save("a.gif")
    save("a.png")
    first, second = events(
        ["a.png", "a.gif"], lambda picture: PictureResult(replace(picture, pixels=colour)), force=force
    )
    assert first.error is None
    assert second.error == (
        "'a-edge.png' would be the output of both 'a.png' and 'a.gif'; "
        "filter this one in a run of its own, with another -o"
    )

    save("b.gif")
    save("b-edge.png")
    before = Path("b-edge.png").read_bytes()
    first, second = events(
        ["b.gif", "b-edge.png"], lambda picture: PictureResult(replace(picture, pixels=colour)), force=force
    )
    assert first.error.startswith("the output 'b-edge.png' is the input 'b-edge.png'")
    assert Path("b-edge.png").read_bytes() == before
    assert second.error is None


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("junk", [b"%PDF-1.4", b"", b"\x89PNG\r\n\x1a\nbroken"])
def test_an_input_that_fails_keeps_no_name_from_others(junk, order):
    save("a.gif")
    Path("a.png").write_bytes(junk)
    colour = np.dstack([GREY] * 3)
    inputs = ["a.png", "a.gif"][::order]
    done = events(inputs, lambda picture: PictureResult(replace(picture, pixels=colour)))
    bad, good = done[::order]
    assert bad.error is not None
    if order == 1 or not junk.startswith(b"\x89"):  # nobody knows yet that it will fail
        assert (good.error, str(good.targets[0])) == (None, "a-edge.png")
    else:
        assert good.error.startswith("'a-edge.png' would be the output of both")


def test_an_input_named_twice_is_done_once_with_a_note():
    save("a.png")
    (event,) = events(["a.png", "./a.png"], darker)
    assert event.error is None
    assert event.notes == ("named 2 times, done once", "darker")


def test_the_size_of_a_result_is_limited_before_it_is_computed(monkeypatch):
    wide = Filter(get_kernel("box"), padding=((0, 0), (1_000_000, 1_000_000)))
    monkeypatch.setattr(Filter, "run", None)
    message = (
        "the result would be 2000002x1, which counts as 2,000,002 pixels, more than the limit of 2,000,000; it takes "
        "at least 6 MB of memory, and --max-pixels 2000002 accepts it"
    )
    with pytest.raises(PictureError, match=f"^{message}$"):
        filtered(Picture(np.zeros((3, 4, 3), np.uint8)), wide, max_pixels=2_000_000)


def test_a_format_that_is_asked_for_is_written():
    save("a.png")
    (event,) = events(["a.png"], format="BMP")
    assert (event.format, str(event.targets[0])) == ("BMP", "a-edge.bmp")
    assert Path("a-edge.bmp").read_bytes()[:2] == b"BM"


def test_a_name_that_is_given_chooses_the_format():
    save("a.png")
    (event,) = events(["a.png"], output="b.tif")
    assert (event.format, str(event.targets[0])) == ("TIFF", "b.tif")
    assert Path("b.tif").read_bytes()[:2] == b"II"


def test_a_device_gets_the_format_of_the_input():
    save("a.jpg")
    (event,) = events(["a.jpg"], output="/dev/null")
    assert (event.error, event.format, str(event.targets[0])) == (None, "JPEG", "/dev/null")


def test_a_file_that_appears_after_the_plan_is_not_lost():
    save("a.png")
    plan = planned(["a.png"])
    Path("a-edge.png").write_bytes(b"other")
    (event,) = carried_out(plan, same)
    assert event.error == "'a-edge.png' exists already; --force overwrites it"
    assert Path("a-edge.png").read_bytes() == b"other"


def test_standard_input_goes_to_standard_output_as_png():
    out = io.BytesIO()
    save("a.jpg")
    streams = Streams(io.BytesIO(Path("a.jpg").read_bytes()), out)
    (event,) = events(["-"], streams=streams)
    assert (event.error, event.targets, event.format) == (None, (), "PNG")
    assert out.getvalue().startswith(b"\x89PNG")


def test_closed_streams_are_errors():
    (event,) = events(["-"])
    assert event.error == "standard input is closed"
    (event,) = events(["-"], streams=Streams(io.BytesIO(picture_bytes())))
    assert event.error == "standard output is closed"


class Failing(io.BytesIO):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, data):
        raise self.error


def test_a_full_standard_output_fails_the_picture():
    full = Failing(OSError(errno.ENOSPC, "No space left on device"))
    (event,) = events(["-"], streams=Streams(io.BytesIO(picture_bytes()), full))
    assert event.error == "cannot write standard output: No space left on device"


def test_a_closed_pipe_ends_the_work():
    with pytest.raises(BrokenPipeError):
        events(["-"], streams=Streams(io.BytesIO(picture_bytes()), Failing(BrokenPipeError())))


def picture(channels=3, alpha=200):
    """Random colours, half transparent on the left."""
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, channels), dtype=np.uint8)
    transparency = np.full((6, 8), 255, np.uint8)
    transparency[:, :4] = alpha
    return Picture(np.squeeze(pixels), transparency)


BOX = Filter(get_kernel("box"))


@pytest.mark.parametrize("channels", [1, 3])
def test_alpha_kept_is_carried_through(channels):
    given = picture(channels)
    result = filtered(given, BOX)
    expected = BOX.run(given.pixels, given.alpha)
    np.testing.assert_array_equal(result.picture.pixels, expected.pixels)
    np.testing.assert_array_equal(result.picture.alpha, given.alpha)
    assert result.clipped is None


@pytest.mark.parametrize("channels", [1, 3])
def test_alpha_dropped_is_ignored(channels):
    given = picture(channels)
    result = filtered(given, BOX, alpha="drop").picture
    np.testing.assert_array_equal(result.pixels, BOX.run(given.pixels).pixels)
    assert result.alpha is None


@pytest.mark.parametrize("channels", [1, 3])
def test_alpha_filtered_is_one_more_channel(channels):
    given = picture(channels)
    result = filtered(given, BOX, alpha="filter").picture
    np.testing.assert_array_equal(result.pixels, BOX.run(given.pixels).pixels)
    np.testing.assert_array_equal(result.alpha, BOX.run(given.alpha).pixels)
    assert result.pixels.shape == given.pixels.shape
    assert result.pixels.flags.c_contiguous
    assert result.alpha.flags.c_contiguous


def test_alpha_filtered_of_an_opaque_picture_is_nothing():
    given = replace(picture(), alpha=None)
    result = filtered(given, BOX, alpha="filter").picture
    assert result.alpha is None
    np.testing.assert_array_equal(result.pixels, BOX.run(given.pixels).pixels)


def test_alpha_filtered_may_be_summed_with_the_colours_to_one_map():
    weight = np.ones((1, 4, 1, 1), np.float32) / 4
    result = filtered(picture(), Filter(FilterBank("mean", weight)), alpha="filter").picture
    assert result.pixels.shape == (6, 8)
    assert result.alpha is None


def test_metadata_and_format_stay_and_clipping_is_counted():
    given = replace(picture(), alpha=None, format="TIFF", notes=("a note",))
    result = filtered(given, Filter(get_kernel("edge")), count_clipped=True)
    assert (result.format, result.notes) == ("TIFF", ("a note",))
    assert 0 < result.clipped < 1
