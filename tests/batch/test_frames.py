"""All frames of an animation and all pages of a TIFF, in a file each or together in one."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import AppendingTiffWriter

from cnnfilter import apply
from cnnfilter.errors import PictureError
from cnnfilter.imaging import tiff_tags
from cnnfilter.imaging.encoding import encode_frames
from cnnfilter.imaging.limits import ALL_FRAMES, HELD
from cnnfilter.imaging.picture import Picture, Timing
from cnnfilter.imaging.reading import read_frames
from cnnfilter.imaging.size import read_frame_count
from tests.command import PHOTO, done, failed, files, save
from tests.moving import FORMATS, GREY, TIMES, animation, moving, opened, same, whole
from tests.picture_files import exif, icc, saved


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


# Reading


@pytest.mark.parametrize("kind", ["solid", "clear", "grey"])
@pytest.mark.parametrize("format", FORMATS)
def test_frames_are_read_as_viewers_show_them(format, kind):
    pictures = list(read_frames(io.BytesIO(animation(format, kind))))
    assert [picture.frames for picture in pictures] == [4] * 4
    for picture, frame in zip(pictures, moving(kind), strict=True):
        if kind == "clear":
            np.testing.assert_array_equal(picture.alpha, frame[..., 3])
            np.testing.assert_array_equal(picture.pixels[frame[..., 3] > 0], frame[frame[..., 3] > 0][:, :3])
        elif kind == "solid" or format != "WEBP":  # which has no greys
            np.testing.assert_array_equal(picture.pixels, frame)
        assert picture.notes == ()
    if format == "TIFF":
        assert {picture.stored.timing for picture in pictures} == {None}
    else:
        plays = 3 if format == "GIF" else 2  # a GIF counts repetitions
        assert [picture.stored.timing for picture in pictures] == [Timing(time, plays) for time in TIMES]


@pytest.mark.parametrize("disposal", [0, 1, 2])
def test_frames_are_composed_as_another_library_does(disposal):
    Path("a.gif").write_bytes(animation("GIF", disposal=disposal))
    _, animated = cv2.imreadanimation("a.gif")
    for picture, frame in zip(read_frames("a.gif"), animated.frames, strict=True):
        np.testing.assert_array_equal(picture.pixels, frame[..., 2::-1])


@pytest.mark.parametrize(("loop", "plays"), [(0, 0), (None, 1), (5, 6)])
def test_how_often_a_gif_is_played(loop, plays):
    options = {} if loop is None else {"loop": loop}
    first, *others = map(Image.fromarray, moving())
    data = saved(first, "GIF", save_all=True, append_images=others, **options)
    assert next(read_frames(io.BytesIO(data))).stored.timing.plays == plays
    written = encode_frames(read_frames(io.BytesIO(data)), "GIF", notes=[])
    assert opened(written)[2] == loop


def test_what_is_shown_where_nothing_moves_is_no_frame():
    first, *others = map(Image.fromarray, moving())
    data = saved(first, "PNG", save_all=True, append_images=others, default_image=True, duration=TIMES[1:])
    Path("a.png").write_bytes(data)
    pictures = list(read_frames("a.png"))
    assert len(pictures) == pictures[0].frames == read_frame_count("a.png") == 3
    np.testing.assert_array_equal(pictures[0].pixels, moving()[1])


def test_a_single_picture_is_its_only_frame():
    for data in (saved(Image.fromarray(PHOTO), "PNG"), saved(Image.fromarray(PHOTO), "TIFF")):
        (picture,) = read_frames(io.BytesIO(data))
        assert (picture.frames, picture.stored.timing) == (1, None)
    np.save("a.npy", GREY)
    (picture,) = read_frames("a.npy")
    assert picture.frames == 1


def asking():
    """What is asked for, and a function that is asked."""
    asked = []
    return asked, lambda *each: asked.append(each)


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("format", ["GIF", "TIFF"])
def test_memory_is_asked_for_once_and_for_all_that_is_held(format, together):
    asked, admit = asking()
    data = animation(format)
    assert len(list(read_frames(io.BytesIO(data), ALL_FRAMES._replace(together=together, admit=admit)))) == 4
    ((height, width, channels, need),) = asked
    assert (height, width, channels) == (20, 30, 3)
    held = HELD * 4 * 600 * together
    assert 7 * 600 <= need - held <= 25 * 600


def test_the_largest_page_tells_the_memory():
    asked, admit = asking()
    pages = [Image.new("L", size) for size in ((10, 10), (40, 50), (20, 5))]
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    shapes = [picture.pixels.shape for picture in read_frames(io.BytesIO(data), ALL_FRAMES._replace(admit=admit))]
    assert shapes == [(10, 10), (50, 40), (5, 20)]
    assert [each[:3] for each in asked] == [(50, 40, 1)]
    with pytest.raises(PictureError, match="40x50 is 2,000 pixels, more than the limit of 1,999"):
        next(read_frames(io.BytesIO(data), ALL_FRAMES._replace(max_pixels=1999)))


def test_how_many_frames_there_are_is_known_before_they_are_decoded(tmp_path):
    for format, ending in FORMATS.items():
        Path("a" + ending).write_bytes(animation(format))
        assert read_frame_count("a" + ending) == 4
    np.save("a.npy", GREY)
    Path("text.png").write_text("no picture")
    wide = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\x3f\0\xff\x3f\0"
    Path("wide.webp").write_bytes(wide)
    counts = [read_frame_count(name) for name in ("a.npy", "text.png", "none.png", str(tmp_path), "wide.webp")]
    assert counts == [1, None, None, None, None]


# Together in one file


@pytest.mark.parametrize("kind", ["solid", "clear", "grey"])
@pytest.mark.parametrize("ending", FORMATS.values())
@pytest.mark.parametrize("format", FORMATS)
def test_frames_go_into_any_format_of_several_with_their_timing(format, ending, kind):
    Path("a" + FORMATS[format]).write_bytes(animation(format, kind))
    lossless = ["--save-option", "lossless=yes"] if ending == ".webp" else []
    result = done("apply", "identity", "a" + FORMATS[format], "--frame", "all", "-o", "b" + ending, *lossless)
    assert result.messages[-1] == f"wrote b{ending}  30x20, 4 frames"
    frames, times, loop = opened(Path("b" + ending).read_bytes())
    assert same(frames, whole(moving(kind)))
    if ending == ".tif":
        note = f"warning: a{FORMATS[format]}: a TIFF has no timing: that of the frames is left out"
        assert (note in result.messages) is (format != "TIFF")
    elif format == "TIFF":
        assert (times, loop) == ([100] * 4, 0)
    else:
        plays = 3 if format == "GIF" else 2
        assert (times, loop) == (TIMES, plays - 1 if ending == ".gif" else plays)


def test_an_avif_may_move_too():
    Path("a.gif").write_bytes(animation("GIF", "grey"))
    done("apply", "identity", "a.gif", "--frame", "all", "-o", "b.avif", "--quality", "95")
    frames, times, _ = opened(Path("b.avif").read_bytes())
    assert times == TIMES
    assert abs(np.array(frames)[..., 0].astype(int) - moving("grey")).max() < 8


def test_the_format_of_frames_is_that_of_the_input_where_it_holds_them():
    for format, kind, ending in (("GIF", "grey", ".gif"), ("GIF", "solid", ".png"), ("WEBP", "solid", ".webp")):
        Path("a" + FORMATS[format]).write_bytes(animation(format, kind))
        done("apply", "identity", "a" + FORMATS[format], "--frame", "all", "-f")
        frames, _, _ = opened(Path("a-identity" + ending).read_bytes())
        assert same(frames, whole(moving(kind)))  # a lossless WebP stays one


def test_each_frame_is_filtered_for_itself():
    Path("a.png").write_bytes(animation("PNG"))
    done("apply", "gaussian:sigma=2", "a.png", "--frame", "all", "-o", "b.png")
    frames, _, _ = opened(Path("b.png").read_bytes())
    assert same(frames, whole([apply(frame, "gaussian:sigma=2") for frame in moving()]))


def test_colours_that_a_gif_cannot_hold_are_told():
    Path("a.png").write_bytes(animation("PNG"))
    noise = Image.fromarray(PHOTO)
    noise.save("b.png", save_all=True, append_images=[Image.fromarray(255 - PHOTO)])
    assert len(done("apply", "identity", "a.png", "--frame", "all", "-o", "a.gif").messages) == 1
    result = done("apply", "identity", "b.png", "--frame", "all", "-o", "b.gif")
    assert result.messages[0] == "warning: b.png: a GIF has 256 colours a frame: the nearest are taken"
    frames, _, _ = opened(Path("b.gif").read_bytes())
    assert 0 < abs(frames[1][..., :3].astype(int) - (255 - PHOTO)).mean() < 16


def test_half_transparent_frames_are_no_gif():
    half = [Image.fromarray(np.dstack([PHOTO, np.full_like(GREY, 10 * i)])) for i in (1, 2)]
    half[0].save("a.png", save_all=True, append_images=half[1:])
    line = "a.png: GIF cannot hold what is half transparent: write PNG, or drop it with --alpha drop"
    assert failed("box", "a.png", "--frame", "all", "-o", "a.gif") == line


def described(index):
    block = Image.Exif()
    block[270] = f"page {index}"
    if not index:
        block.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    return block


def test_pages_keep_what_each_has():
    pages = [Image.fromarray(array) for array in (PHOTO, GREY, GREY.astype(np.uint16) * 257, GREY > 99)]
    buffer = io.BytesIO()
    with AppendingTiffWriter(buffer) as file:
        for index, page in enumerate(pages):
            more = {"icc_profile": icc()} if index == 0 else {"compression": "tiff_lzw"}
            file.write(saved(page, "TIFF", exif=described(index).tobytes(), dpi=(100 + index, 300), **more))
            file.newFrame()
    Path("a.tif").write_bytes(buffer.getvalue())
    result = done("apply", "identity", "a.tif", "--frame", "all")
    assert result.messages == ["wrote a-identity.tif  45x30, 4 frames"]
    with Image.open("a-identity.tif") as image:
        for index, (mode, expected) in enumerate(
            [("RGB", PHOTO), ("L", GREY), ("I;16", GREY.astype(np.uint16) * 257), ("1", GREY > 99)]
        ):
            image.seek(index)
            assert (image.mode, image.tag_v2[259]) == (mode, 5 if index else 1)
            assert image.tag_v2[270] == f"page {index}"
            assert image.info["dpi"] == (100 + index, 300)
            assert (image.tag_v2.get(34675) == icc()) is (index == 0)
            np.testing.assert_array_equal(np.asarray(image), expected)
            maker = image.getexif().get_ifd(0x8769).get(0x9003)
            assert (maker is not None) is (index == 0)
    done("apply", "identity", "a.tif", "--frame", "all", "--strip", "all", "-f")
    with Image.open("a-identity.tif") as image:
        image.seek(1)
        assert 270 not in image.tag_v2


@pytest.mark.parametrize("big", [False, True])
def test_pages_keep_directories_below_them(big):
    pages = list(read_frames(io.BytesIO(saved(Image.fromarray(PHOTO), "TIFF", exif=exif(), big_tiff=big))))
    notes = []
    with Image.open(io.BytesIO(encode_frames(pages * 3, "TIFF", notes=notes))) as image:
        assert (notes, image.n_frames) == ([], 3)
        for index in range(3):
            image.seek(index)
            assert image.tag_v2[271] == "Maker"
            assert image.getexif().get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"
            np.testing.assert_array_equal(np.asarray(image), PHOTO)


def test_a_tiff_ends_where_its_places_do(monkeypatch):
    def lay_out(tags, at, layout):
        return layout.offset.pack(at + (1 << 32))

    monkeypatch.setattr(tiff_tags, "laid_out", lay_out)
    with pytest.raises(PictureError, match="^a TIFF holds 4 GB; write a larger one with options="):
        encode_frames([Picture(GREY)] * 2, "TIFF", notes=[])
    encode_frames([Picture(GREY)] * 2, "TIFF", options={"big_tiff": "yes"}, notes=[])


def test_pages_become_an_animation_only_if_they_are_of_one_size_and_8_bits():
    sizes = [Image.new("L", size) for size in ((10, 10), (10, 11))]
    sizes[0].save("sizes.tif", save_all=True, append_images=sizes[1:])
    line = "pages of several sizes make no animation: write .tif, or each to a file with {frame} in -o"
    assert failed("box", "sizes.tif", "--frame", "all", "-o", "a.webp") == f"sizes.tif: {line}"
    deep = [Image.fromarray(GREY.astype(np.uint16))] * 2
    deep[0].save("deep.tif", save_all=True, append_images=deep[1:])
    line = "an animation cannot hold 16-bit grey: write .tif, or each to a file with {frame} in -o"
    assert failed("box", "deep.tif", "--frame", "all", "-o", "a.png") == f"deep.tif: {line}"
    mixed = [Picture(GREY), Picture(PHOTO), Picture(PHOTO, GREY)]
    for several, mode in ((mixed, "RGBA"), (mixed[:2], "RGB"), (mixed[:1] * 2, "L")):
        with Image.open(io.BytesIO(encode_frames(several, "PNG", notes=[]))) as image:
            assert image.mode == mode


def test_a_format_of_one_picture_takes_one_frame():
    save("one.png")
    done("apply", "box", "one.png", "--frame", "all", "-o", "one.jpg")
    Path("a.gif").write_bytes(animation("GIF"))
    line = failed("box", "a.gif", "--frame", "all", "-o", "a.jpg")
    assert line == (
        "a.gif: JPEG holds one picture, and there are 4: put {frame} into the name, such as -o "
        "'{name}-{frame}.{ext}', or write .tif, .gif, .webp, .png or .avif"
    )
    line = failed("gray,conv:sobel-x+sobel-y", "a.gif", "--frame", "all", "-o", "a.tif", command="run")
    assert line == "a.gif: maps that make no picture cannot be frames: put {frame} into the name of the output"


def test_frames_of_a_chain_are_pictures_or_sheets():
    Path("a.gif").write_bytes(animation("GIF"))
    done("run", "conv:box:padding=same:border=replicate", "a.gif", "--frame", "all", "-o", "b.png")
    frames, times, _ = opened(Path("b.png").read_bytes())
    assert same(frames, whole([apply(frame, "box") for frame in moving()]))
    assert times == TIMES
    result = done("run", "gray,conv:sobel-x+sobel-y", "a.gif", "--frame", "all")
    assert result.messages[-1].endswith(", 2 maps, 4 frames")
    _, times, _ = opened(Path("a-chain.png").read_bytes())
    assert times == TIMES


def test_frames_of_floats_are_pages():
    Path("a.gif").write_bytes(animation("GIF", "grey"))
    for command in (("apply", "laplacian"), ("run", "conv:laplacian:padding=same:border=replicate")):
        done(*command, "a.gif", "--frame", "all", "--depth", "float", "-o", "b.tif", "-f")
        _, pages = cv2.imreadmulti("b.tif", flags=cv2.IMREAD_UNCHANGED)
        for page, frame in zip(pages, moving("grey"), strict=True):
            np.testing.assert_array_equal(page, cv2.Laplacian(frame, cv2.CV_32F, borderType=cv2.BORDER_REPLICATE))


def test_an_animation_may_be_replaced_by_one_of_all_its_frames():
    Path("a.webp").write_bytes(animation("WEBP"))
    line = "a.webp: in place, 3 of its 4 frames would be lost; write it elsewhere"
    assert failed("box", "a.webp", "--in-place") == line
    done("apply", "box", "a.webp", "--in-place", "--frame", "all")
    frames, times, _ = opened(Path("a.webp").read_bytes())
    assert same(frames, whole([apply(frame, "box") for frame in moving()]))
    assert times == TIMES


def test_frames_come_from_standard_input_and_go_to_standard_output():
    data = animation("GIF")
    result = done("apply", "identity", "-", "--frame", "all", "-o", "-", "--format", "webp", stdin=data)
    assert opened(result.data)[1] == TIMES


def test_clipped_values_of_all_frames_are_counted():
    Path("a.gif").write_bytes(animation("GIF", "grey"))
    message = done("apply", "1", "a.gif", "--frame", "all", "-v", "--bias", "60").messages[-1]
    assert message.endswith(" of values clipped")
    share = np.mean([(frame + 60.0 > 255).mean() for frame in moving("grey")])
    assert f", {share:.1%} of" in message


def test_memory_for_all_frames_in_one_file_is_limited():
    frames = [Image.new("L", (200, 200), i) for i in range(30)]
    frames[0].save("a.gif", save_all=True, append_images=frames[1:])
    line = failed("box", "a.gif", "--frame", "all", "--memory", "5M")
    assert line.startswith("a.gif: all frames in one file: it takes about ")
    assert line.endswith(" more than the limit of 5 MB; see --memory, or write each to a file with {frame} in -o")
    done("apply", "box", "a.gif", "--frame", "all", "--memory", "5M", "-o", "{frame}.png")
    assert len(files()) == 31
