import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from cnnfilter.errors import PictureError
from cnnfilter.imaging import decoding, headers
from cnnfilter.imaging.picture import Picture
from cnnfilter.imaging.reading import read
from tests.picture_files import chunk, noise, png, saved

WIDTH, HEIGHT = 7, 5


def read_bytes(data, **arguments):
    return read(io.BytesIO(data), **arguments)


def drawn(mode):
    """A picture of each mode that is not a plain ramp."""
    if mode in ("I;16", "I;16B", "I"):
        dtype = {"I;16": "<u2", "I;16B": ">u2", "I": "i4"}[mode]
        array = noise(HEIGHT, WIDTH, dtype="uint16").astype(dtype)
        return Image.frombytes(mode, (WIDTH, HEIGHT), array.tobytes())
    if mode == "F":
        return Image.fromarray(noise(HEIGHT, WIDTH, dtype="float32"))
    if mode == "LAB":
        return Image.frombytes("LAB", (WIDTH, HEIGHT), noise(HEIGHT, WIDTH, 3).tobytes())
    bands = noise(HEIGHT, WIDTH, 4)
    if mode in ("RGBa", "La"):
        return Image.fromarray(bands).convert({"La": "LA"}.get(mode, "RGBA")).convert(mode)
    return Image.fromarray(bands[..., :3]).convert(mode)


def transparent_palette():
    image = Image.fromarray(noise(HEIGHT, WIDTH) % 6).convert("P")
    image.putpalette(noise(6, 3).tobytes())
    return image


@pytest.mark.parametrize(
    ("mode", "format"),
    [
        ("1", "PNG"), ("L", "PNG"), ("P", "PNG"), ("RGB", "PNG"),
        ("1", "TIFF"), ("P", "TIFF"), ("CMYK", "TIFF"), ("LAB", "TIFF"),
        ("P", "GIF"), ("P", "BMP"), ("1", "BMP"), ("P", "TGA"), ("1", "PPM"), ("RGB", "BMP"),
        ("L", "JPEG"), ("CMYK", "JPEG"), ("YCbCr", "JPEG"),
    ],
)  # fmt: skip
def test_modes_without_alpha_become_grey_or_rgb(mode, format, tmp_path):
    path = tmp_path / ("a." + format.lower())
    drawn(mode).save(path, format)
    picture = read(path)
    with Image.open(path) as image:
        expected = np.asarray(image.convert("L" if mode in ("1", "L") else "RGB"))
    assert picture.format == {"PPM": "PBM"}.get(format, format)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.flags.c_contiguous
    assert picture.alpha is None
    np.testing.assert_array_equal(picture.pixels, expected)


@pytest.mark.parametrize("mode", ["HSV", "RGBX", "CMYK", "YCbCr", "LAB", "P", "1", "L", "RGBA", "RGBa", "LA", "La"])
def test_any_mode_is_converted_as_pillow_converts_it(mode):
    image = drawn(mode)
    pixels, alpha = decoding.to_arrays(image)
    grey = mode in ("1", "L", "LA", "La")
    expected = np.asarray(image.convert("LA" if grey else "RGBA"))
    np.testing.assert_array_equal(pixels, expected[..., 0] if grey else expected[..., :3])
    assert (alpha is None) == (mode[-1] not in "Aa")
    if alpha is not None:
        np.testing.assert_array_equal(alpha, expected[..., -1])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_bands_of_rows_join_without_a_seam_also_when_turned(orientation, monkeypatch):
    monkeypatch.setattr(decoding, "BAND", 2 * WIDTH + 1)
    for mode in ("RGB", "P", "RGBA", "I", "I;16B", "F"):
        image = drawn(mode)
        turned = image.convert("RGB") if mode == "P" else image
        turned.getexif()[0x0112] = orientation
        whole = np.asarray(ImageOps.exif_transpose(turned))
        pixels, alpha = decoding.to_arrays(image, orientation=orientation)
        np.testing.assert_array_equal(pixels, whole[..., :3] if mode == "RGBA" else whole)
        assert alpha is None or np.array_equal(alpha, whole[..., 3])


@pytest.mark.parametrize("transparency", [2, bytes([0, 255, 128, 7, 255, 9])])
def test_transparent_palettes_become_rgb_and_alpha(transparency):
    image = transparent_palette()
    picture = read_bytes(saved(image, "PNG", transparency=transparency))
    palette = noise(6, 3)
    index = np.asarray(image)
    np.testing.assert_array_equal(picture.pixels, palette[index])
    alphas = np.full(6, 255) if isinstance(transparency, int) else np.frombuffer(transparency, "u1").copy()
    if isinstance(transparency, int):
        alphas[transparency] = 0
    np.testing.assert_array_equal(picture.alpha, alphas[index])


def test_transparent_gif_has_alpha():
    picture = read_bytes(saved(transparent_palette(), "GIF", transparency=3))
    np.testing.assert_array_equal(picture.alpha == 0, noise(HEIGHT, WIDTH) % 6 == 3)


def test_grey_palettes_become_grey():
    grey = noise(HEIGHT, WIDTH)
    picture = read_bytes(saved(Image.fromarray(grey), "GIF"))
    np.testing.assert_array_equal(picture.pixels, grey)


@pytest.mark.parametrize(("bits", "scale"), [(1, 255), (2, 85), (4, 17), (8, 1)])
def test_the_transparent_shade_of_a_grey_png_is_found_at_every_depth(bits, scale):
    samples = noise(8, 8) >> (8 - bits)
    shade = int(samples[3, 3])
    picture = read_bytes(png(samples, 0, chunk(b"tRNS", struct.pack(">H", shade)), bits=bits))
    np.testing.assert_array_equal(picture.pixels, samples * scale)
    np.testing.assert_array_equal(picture.alpha, np.where(samples == shade, 0, 255))


def test_the_transparent_colour_of_an_rgb_png_is_found_also_when_reduced():
    samples = noise(4, 4, 3).reshape(4, 12)
    picture = read_bytes(png(samples, 2, chunk(b"tRNS", struct.pack(">3H", *samples[1, 3:6])), bits=8))
    assert picture.alpha[1, 1] == 0
    assert np.count_nonzero(picture.alpha == 0) == 1
    deep = samples.astype(np.uint16) * 256 + 7
    picture = read_bytes(png(deep, 2, chunk(b"tRNS", struct.pack(">3H", *deep[1, 3:6]))), depth=8)
    np.testing.assert_array_equal(picture.pixels.reshape(4, 12), samples)
    assert picture.alpha[1, 1] == 0
    assert np.count_nonzero(picture.alpha == 0) == 1


def test_a_transparent_shade_of_16_bits_becomes_alpha_of_16_bits():
    samples = noise(4, 4, dtype="uint16")
    data = png(samples, 0, chunk(b"tRNS", struct.pack(">H", samples[2, 1])))
    picture = read_bytes(data)
    np.testing.assert_array_equal(picture.pixels, samples)
    assert picture.alpha.dtype == np.uint16
    np.testing.assert_array_equal(picture.alpha, np.where(samples == samples[2, 1], 0, 65535))
    assert read_bytes(data, depth=8).alpha.max() == 255


@pytest.mark.parametrize(
    ("mode", "format"),
    [
        ("I;16", "PNG"), ("I;16", "TIFF"), ("I;16B", "TIFF"), ("I;16", "PPM"), ("I", "PPM"),
        ("I;16", "JPEG2000"),
    ],
)  # fmt: skip
def test_16_bit_grey_stays_16_bit_and_is_reduced_on_request(mode, format):
    samples = noise(HEIGHT, WIDTH, dtype="uint16")
    data = saved(drawn(mode), format)
    picture = read_bytes(data)
    assert picture.pixels.dtype == np.dtype("uint16")
    np.testing.assert_array_equal(picture.pixels, samples)
    reduced = read_bytes(data, depth=8).pixels
    assert reduced.dtype == np.uint8
    np.testing.assert_array_equal(reduced, np.rint(samples / 257))


def test_floats_and_32_bit_integers_of_a_tiff():
    picture = read_bytes(saved(drawn("F"), "TIFF"))
    assert picture.pixels.dtype == np.float32
    np.testing.assert_array_equal(picture.pixels, noise(HEIGHT, WIDTH, dtype="float32"))
    picture = read_bytes(saved(drawn("I"), "TIFF"))
    np.testing.assert_array_equal(picture.pixels, noise(HEIGHT, WIDTH, dtype="uint16"))
    for value in (-1, 65536):
        image = Image.new("I", (2, 2), value)
        with pytest.raises(PictureError, match=f"32-bit values from {value} to {value}: only 0 to 65535"):
            read_bytes(saved(image, "TIFF"))
    with pytest.raises(PictureError, match="float pixels have no full scale .* leave out depth=8"):
        read_bytes(saved(drawn("F"), "TIFF"), depth=8)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_a_16_bit_tiff_whose_white_is_0_is_turned_round(compression):
    data = saved(drawn("I;16"), "TIFF", tiffinfo={262: 0}, compression=compression)
    samples = noise(HEIGHT, WIDTH, dtype="uint16")
    np.testing.assert_array_equal(read_bytes(data).pixels, 65535 - samples)
    np.testing.assert_array_equal(read_bytes(data, depth=8).pixels, np.rint((65535 - samples) / 257))


def deep_colour(kind):
    colour = noise(64, 64, 3, dtype="uint16")
    if kind == "plain PPM":
        return b"P3 4 1 65535\n" + b" ".join(b"%d" % value for value in range(12))
    if kind == "LA PNG":
        return png(noise(4, 8, dtype="uint16"), 4)
    if kind == "RGBA PNG":
        return png(noise(4, 16, dtype="uint16"), 6)
    extension, *options = {
        "PNG": (".png",),
        "TIFF": (".tiff", cv2.IMWRITE_TIFF_COMPRESSION, 1),
        "LZW TIFF": (".tiff", cv2.IMWRITE_TIFF_COMPRESSION, 5),
        "PPM": (".ppm",),
        "JP2": (".jp2",),
    }[kind]
    return cv2.imencode(extension, colour, options)[1].tobytes()


@pytest.mark.parametrize("kind", ["PNG", "RGBA PNG", "LA PNG", "TIFF", "LZW TIFF", "PPM", "plain PPM", "JP2"])
def test_16_bit_colour_is_an_error_unless_reducing_it_is_accepted(kind):
    data = deep_colour(kind)
    with pytest.raises(PictureError, match=r"^16-bit (colour|grey with alpha) can only be read reduced .*depth=8"):
        read_bytes(data)
    picture = read_bytes(data, depth=8)
    assert picture.pixels.dtype == np.uint8
    if kind == "LA PNG":
        np.testing.assert_array_equal(picture.pixels, noise(4, 8, dtype="uint16")[:, 0::2] >> 8)
        np.testing.assert_array_equal(picture.alpha, noise(4, 8, dtype="uint16")[:, 1::2] >> 8)
    elif "PNG" not in kind:
        assert picture.pixels.shape[2] == 3


def test_the_depth_of_jpeg2000_and_avif_is_read_from_their_own_headers():
    jp2 = cv2.imencode(".jp2", noise(64, 64, 3))[1].tobytes()
    assert headers.jpeg2000_header(io.BytesIO(jp2)) == (8, 3, 1, 64 * 64)
    stream = jp2[jp2.index(b"\xff\x4f\xff\x51") :]
    assert headers.jpeg2000_header(io.BytesIO(stream)).depth == 8
    long_box = b"\0\0\0\1free" + (24).to_bytes(8, "big") + bytes(8)
    long_stream = b"\0\0\0\1jp2c" + (16 + len(stream)).to_bytes(8, "big") + stream
    assert headers.jpeg2000_header(io.BytesIO(long_box + long_stream)).depth == 8
    with pytest.raises(ValueError, match="no codestream"):
        headers.jpeg2000_header(io.BytesIO(bytes(4) + b"free"))
    with pytest.raises(ValueError, match="no codestream"):
        headers.jpeg2000_header(io.BytesIO(b"\0\0\0\x08free" * 5000))
    for flags, bits in ((0, 8), (0x40, 10), (0x60, 12)):
        assert headers.avif_depth(b"....av1C\x81\x04" + bytes([flags, 0])) == bits
    assert headers.avif_depth(b"nothing") == 8


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_all_orientations_are_applied_to_pixels_and_alpha_and_reset(orientation, format):
    image = Image.fromarray(noise(HEIGHT, WIDTH, 3 if format == "JPEG" else 4))
    block = Image.Exif()
    block[0x0112], block[0x010F] = orientation, "Maker"
    lossless = {"WEBP": {"lossless": True, "exact": True}}.get(format, {})
    data = saved(image, format, exif=block, **lossless)
    picture = read_bytes(data)
    with Image.open(io.BytesIO(data)) as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened))
    assert picture.pixels.shape[:2] == ((HEIGHT, WIDTH) if orientation < 5 else (WIDTH, HEIGHT))
    np.testing.assert_array_equal(picture.pixels, expected[..., :3])
    if format != "JPEG":
        np.testing.assert_array_equal(picture.alpha, expected[..., 3])
    kept = Image.Exif()
    kept.load(picture.metadata.exif)
    assert kept.get(0x0112, 1) == 1
    assert kept[0x010F] == "Maker"


def animation(format, count=3):
    frames = [Image.fromarray(np.full((4, 6, 3), 40 * i, np.uint8)) for i in range(count)]
    return saved(frames[0], format, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize("format", ["GIF", "PNG", "TIFF", "WEBP", "AVIF"])
def test_the_first_of_several_frames_comes_with_a_note_unless_one_is_chosen(format):
    data = animation(format)
    first = read_bytes(data)
    assert first.notes == ("first of 3 frames; frame=N picks another, counted from 0",)
    assert read_bytes(data, frame=0).notes == ()
    last = read_bytes(data, frame=2)
    assert last.notes == ()
    assert abs(int(first.pixels.max()) - 0) <= 2
    assert abs(int(last.pixels.max()) - 80) <= 2
    with pytest.raises(PictureError, match="there is no frame 3: the file has 3, counted from 0"):
        read_bytes(data, frame=3)


def test_an_mpo_is_a_jpeg_whose_other_pictures_are_left_out():
    data = animation("MPO", 2)
    picture = read_bytes(data)
    assert (picture.format, picture.notes) == ("JPEG", ("its 1 other picture is left out",))
    assert read_bytes(data, frame=1).pixels.max() == 40


def test_a_single_picture_has_frame_0_only():
    data = saved(drawn("RGB"), "PNG")
    assert read_bytes(data, frame=0).pixels.shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(PictureError, match="there is no frame 1: the file has 1"):
        read_bytes(data, frame=1)


def test_a_picture_has_sensible_defaults():
    picture = Picture(noise(2, 2))
    assert (picture.alpha, picture.format, picture.notes, picture.metadata.exif) == (None, "PNG", (), None)


def test_a_tiff_without_a_resolution_has_none():
    image = Image.fromarray(noise(HEIGHT, WIDTH))
    assert Image.open(io.BytesIO(saved(image, "TIFF"))).info["dpi"] == (1, 1)
    assert read_bytes(saved(image, "TIFF")).metadata.dpi is None
    assert read_bytes(saved(image, "TIFF", dpi=(300, 150))).metadata.dpi == (300, 150)
    assert read_bytes(saved(image, "TIFF", dpi=(1, 1))).metadata.dpi == (1, 1)


def test_a_transparent_colour_that_is_compared_in_8_bits_is_noted():
    deep = noise(4, 12, dtype="uint16")
    deep[0, :3], deep[0, 3:6] = (256, 512, 768), (257, 513, 769)
    data = png(deep, 2, chunk(b"tRNS", struct.pack(">3H", 256, 512, 768)))
    picture = read_bytes(data, depth=8)
    assert picture.alpha[0, :2].tolist() == [0, 0]
    note = "its transparent colour is compared in 8 bits: colours that differ less are transparent too"
    assert picture.notes == (note,)
    assert read_bytes(png(deep, 2), depth=8).notes == ()
