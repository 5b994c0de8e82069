"""Pages of TIFFs that Pillow mistakes or refuses: right pixels, or a line that says what the file holds."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from cnnfilter.errors import PictureError
from cnnfilter.imaging.reading import read
from cnnfilter.imaging.size import read_size
from cnnfilter.imaging.tiff import read_tiff
from tests.picture_files import exif, icc, noise, saved, tiff

HEIGHT, WIDTH = 21, 37
TILE = 16
PILLOW = {1: "raw", 5: "tiff_lzw", 8: "tiff_adobe_deflate", 32773: "packbits", 34925: "lzma", 50000: "zstd"}
KINDS = {"u": 1, "i": 2, "f": 3}


def squeezed(rows, compression):
    """Rows of bytes as a strip of a TIFF."""
    data = saved(Image.fromarray(rows), "TIFF", compression=PILLOW[compression], strip_size=1 << 30)
    page = read_tiff(io.BytesIO(data)).page(0)
    (begin,), (length,) = page.numbers(273), page.numbers(279)
    return data[begin : begin + length]


def cut(samples, tiled, rows=8):
    """Samples (H, W, S) of a plane as strips, or as tiles that are filled up."""
    if not tiled:
        return [samples[top : top + rows] for top in range(0, len(samples), rows)]
    down, across = (-(-size // TILE) for size in samples.shape[:2])
    padded = np.pad(samples, ((0, down * TILE - len(samples)), (0, across * TILE - samples.shape[1]), (0, 0)))
    return [
        padded[TILE * y : TILE * (y + 1), TILE * x : TILE * (x + 1)] for y in range(down) for x in range(across)
    ]  # fmt: skip


def differences(block, predictor, order):
    """A block of samples in the bytes of a file, after a predictor."""
    if predictor == 2:
        whole = block.view(f"u{block.itemsize}")
        block = np.concatenate([whole[:, :1], whole[:, 1:] - whole[:, :-1]], axis=1).view(block.dtype)
    if predictor == 3:
        raw = block.astype(block.dtype.newbyteorder(">")).view(np.uint8).reshape(len(block), -1, block.itemsize)
        raw = raw.transpose(0, 2, 1).reshape(len(block), -1, block.shape[2])
        return np.concatenate([raw[:, :1], raw[:, 1:] - raw[:, :-1]], axis=1).reshape(len(block), -1)
    return block.astype(block.dtype.newbyteorder(order)).reshape(len(block), -1).view(np.uint8)


def page(samples, photometric, *, order="<", compression=1, planar=False, tiled=False, predictor=1, extra=(), **more):
    """A page of samples (H, W, S); more tags by their names, `t270=b"..."`."""
    height, width, count = samples.shape
    planes = [samples[..., i : i + 1] for i in range(count)] if planar else [samples]
    blocks = [block for plane in planes for block in cut(plane, tiled)]
    tags = {
        256: width, 257: height, 258: (3, [8 * samples.itemsize] * count), 259: (3, compression), 262: (3, photometric),
        277: (3, count), 284: (3, 2 if planar else 1), 339: (3, [KINDS[samples.dtype.kind]] * count),
        **({322: TILE, 323: TILE} if tiled else {278: 8}),
        "data": [squeezed(np.ascontiguousarray(differences(block, predictor, order)), compression) for block in blocks],
    }  # fmt: skip
    tags |= {317: (3, predictor)} if predictor > 1 else {}
    tags |= {338: (3, list(extra))} if extra else {}
    return tags | {int(tag[1:]): value for tag, value in more.items()}


def read_page(*arguments, order="<", big=False, depth=None, **more):
    return read(io.BytesIO(tiff(page(*arguments, order=order, **more), order=order, big=big)), depth=depth)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64", "float16"])
@pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), ("<", True)])
@pytest.mark.parametrize(("compression", "tiled"), [(1, False), (5, True), (8, False), (32773, True)])
def test_planes_are_put_together_and_floats_are_read_in_any_order(dtype, order, big, compression, tiled):
    samples = noise(HEIGHT, WIDTH, 3, dtype="float32" if "float" in dtype else dtype).astype(dtype)
    for planar in (True, False):
        picture = read_page(
            samples, 2, order=order, big=big, compression=compression, tiled=tiled, planar=planar,
            depth=8 if dtype == "uint16" else None,
        )  # fmt: skip
        expected = np.rint(samples / 257) if dtype == "uint16" else samples.astype(np.float32)
        assert picture.pixels.dtype == (np.float32 if "float" in dtype else np.uint8)
        np.testing.assert_array_equal(picture.pixels, expected)
        grey = read_page(samples[..., :1], 1, order=order, big=big, compression=compression, tiled=tiled).pixels
        assert grey.dtype == {"uint8": np.uint8, "uint16": np.uint16}.get(dtype, np.float32)
        np.testing.assert_array_equal(grey, samples[..., 0].astype(np.float32))


@pytest.mark.parametrize(
    ("dtype", "predictor"), [("uint16", 2), ("uint8", 2), ("float32", 3), ("float64", 3), ("float32", 2)]
)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("planar", [False, True])
def test_predictors_are_undone(dtype, predictor, order, planar):
    samples = noise(HEIGHT, WIDTH, 3, dtype="float32" if "float" in dtype else dtype).astype(dtype)
    for compression in (5, 8, 34925, 50000):
        picture = read_page(
            samples, 2, order=order, compression=compression, planar=planar, predictor=predictor,
            depth=8 if dtype == "uint16" else None,
        )  # fmt: skip
        expected = np.rint(samples / 257) if dtype == "uint16" else samples.astype(np.float32)
        np.testing.assert_array_equal(picture.pixels, expected)


def test_16_bit_colour_in_planes_needs_a_word():
    samples = noise(HEIGHT, WIDTH, 4, dtype="uint16")
    for photometric, count in ((2, 3), (2, 4), (5, 4)):
        with pytest.raises(PictureError, match="^16-bit colour can only be read reduced to 8 bits; depth=8 accepts"):
            read_page(samples[..., :count], photometric, planar=True)


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_inks_become_colours(dtype, planar):
    samples = noise(HEIGHT, WIDTH, 4, dtype=dtype)
    picture = read_page(samples, 5, planar=planar, depth=8 if dtype == "uint16" else None)
    eight = samples if dtype == "uint8" else np.rint(samples / 257).astype(np.uint8)
    np.testing.assert_array_equal(picture.pixels, np.asarray(Image.fromarray(eight, "CMYK").convert("RGB")))


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_colours_multiplied_with_alpha_are_divided_by_it(dtype, planar):
    full = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    samples = np.zeros((2, 2, 4), dtype)
    samples[0, 0] = np.array([10, 20, 0, 40]) / 40 * (full if dtype == "float32" else 40)
    samples[0, 1] = np.array([100, 200, 50, 200]) / 200 * (full if dtype == "float32" else 200)
    samples[1, 0] = full
    picture = read_page(samples, 2, planar=planar, extra=[1], depth=8 if dtype == "uint16" else None)
    white = 1 if dtype == "float32" else 255
    expected = np.array([[[0.25, 0.5, 0], [0.5, 1, 0.25]], [[1, 1, 1], [0, 0, 0]]]) * white
    np.testing.assert_allclose(picture.pixels, expected, atol=0 if dtype == "float32" else 1)
    alpha = samples[..., 3] if dtype != "uint16" else np.rint(samples[..., 3] / 257)
    np.testing.assert_array_equal(picture.alpha, alpha)


@pytest.mark.parametrize("planar", [False, True])
def test_grey_with_alpha_keeps_16_bits(planar):
    samples = noise(HEIGHT, WIDTH, 2, dtype="uint16")
    picture = read_page(samples, 1, planar=planar, extra=[2])
    np.testing.assert_array_equal(picture.pixels, samples[..., 0])
    np.testing.assert_array_equal(picture.alpha, samples[..., 1])
    picture = read_page(samples, 1, planar=planar, extra=[2], depth=8)
    np.testing.assert_array_equal(picture.alpha, np.rint(samples[..., 1] / 257))
    white_is_0 = read_page(samples, 0, planar=planar, extra=[2])
    np.testing.assert_array_equal(white_is_0.pixels, 65535 - samples[..., 0])
    np.testing.assert_array_equal(white_is_0.alpha, samples[..., 1])


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 14, 15])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_number_of_bits_is_brought_to_full_scale(bits, channels):
    samples = noise(HEIGHT, WIDTH, channels, dtype="uint16") >> (16 - bits)
    bytes_ = np.unpackbits(samples.astype(">u2")[..., None].view(np.uint8), axis=-1)[..., -bits:]
    rows = np.packbits(bytes_.reshape(HEIGHT, -1), axis=1)
    data = tiff({256: WIDTH, 257: HEIGHT, 258: (3, bits), 262: 1 if channels == 1 else 2, 277: channels, 278: HEIGHT,
                 "data": [rows.tobytes()]})  # fmt: skip
    picture = read(io.BytesIO(data), depth=8 if channels == 3 and bits > 8 else None)
    full = samples / ((1 << bits) - 1)
    expected = np.rint(full * 255) if bits <= 8 else np.rint(full * 65535)
    expected = np.rint(expected / 257) if picture.pixels.dtype == np.uint8 and bits > 8 else expected
    assert picture.pixels.dtype == (np.uint8 if bits <= 8 or channels == 3 else np.uint16)
    np.testing.assert_array_equal(picture.pixels, expected[..., 0] if channels == 1 else expected)


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "u4", "i8", "u8"])
def test_numbers_are_kept_if_they_are_pixels_and_told_as_they_are_if_not(dtype):
    samples = noise(HEIGHT, WIDTH, 1).astype(dtype) & 127
    picture = read_page(samples, 1)
    assert picture.pixels.dtype == (np.uint8 if dtype == "i1" else np.uint16)
    np.testing.assert_array_equal(picture.pixels, samples[..., 0])
    info = np.iinfo(dtype)
    samples[3, 4] = info.min if info.min else info.max
    low, high = int(samples.min()), int(samples.max())
    message = f"^{info.bits}-bit values from {low} to {high}: only 0 to 65535 can be read; save the picture as float$"
    with pytest.raises(PictureError, match=message):
        read_page(samples, 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", ["uint16", "uint8"])
def test_what_is_read_by_planes_is_turned_upright(orientation, dtype, tmp_path):
    samples = noise(HEIGHT, WIDTH, 2, dtype=dtype)
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(page(samples, 1, planar=True, extra=[2], t274=(3, orientation))))
    picture = read(path)
    for found, stored in zip((picture.pixels, picture.alpha), samples.transpose(2, 0, 1), strict=True):
        image = Image.fromarray(np.ascontiguousarray(stored))
        image.getexif()[274] = orientation
        np.testing.assert_array_equal(found, np.asarray(ImageOps.exif_transpose(image)))
    assert read_size(path) == (*picture.pixels.shape, 1)


def test_what_stands_beside_the_pixels_is_kept(tmp_path):
    samples = noise(HEIGHT, WIDTH, 3, dtype="float32")
    profile = icc()
    more = {"t282": (5, [300, 1]), "t283": (5, [150, 1]), "t271": b"Maker\0", "t34675": (7, profile)}
    for big in (False, True):
        picture = read_page(samples, 2, big=big, order=">", planar=True, **more)
        assert picture.metadata.dpi == (300, 150)
        assert picture.metadata.icc == profile
        assert b"Maker" in picture.metadata.exif
    (tmp_path / "a.tif").write_bytes(tiff(page(samples, 2, planar=True)))
    assert read_size(tmp_path / "a.tif") == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("planar", [False, True])
def test_other_colours_become_rgb(planar):
    samples = noise(HEIGHT, WIDTH, 3)
    samples[0, :2] = [[200, 128, 128], [77, 128, 128]]
    ycbcr = read_page(samples, 6, planar=planar, t530=(3, [1, 1])).pixels
    np.testing.assert_array_equal(ycbcr, np.asarray(Image.fromarray(samples, "YCbCr").convert("RGB")))
    np.testing.assert_array_equal(ycbcr[0, :2], [[200] * 3, [77] * 3])
    samples[0, :2] = [[255, 0, 0], [137, 0, 0]]  # a and b have signs: these are greys
    lab = read_page(samples, 8, planar=planar).pixels
    np.testing.assert_allclose(lab[0, :2], [[255] * 3, [127] * 3], atol=2)
    np.testing.assert_array_equal(lab, read_page(samples, 8).pixels)


@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize(("compression", "format"), [(34712, "JPEG2000"), (33005, "JPEG2000"), (50001, "WEBP")])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_tiles_that_are_pictures_are_read(compression, format, channels, tiled):
    if (channels, format) == (1, "WEBP"):
        pytest.skip("WebP has no greys")
    samples = noise(HEIGHT, WIDTH, channels)
    parts = [np.squeeze(part) for part in cut(samples, tiled)]
    lossless = {"WEBP": {"lossless": True, "exact": True}, "JPEG2000": {"no_jp2": True}}[format]
    tags = page(samples, 1 if channels == 1 else 2, tiled=tiled, extra=[2] if channels == 4 else [])
    tags |= {259: compression, "data": [saved(Image.fromarray(part), format, **lossless) for part in parts]}
    picture = read(io.BytesIO(tiff(tags)))
    np.testing.assert_array_equal(picture.pixels, samples[..., 0] if channels == 1 else samples[..., :3])
    if channels == 4:
        np.testing.assert_array_equal(picture.alpha, samples[..., 3])


def test_a_tile_of_16_bits_is_read_and_one_of_another_size_is_damage():
    samples = noise(HEIGHT, WIDTH, 1, dtype="uint16")
    tags = page(samples, 1)
    tags |= {259: 34712, 278: HEIGHT, "data": [saved(Image.fromarray(samples[..., 0]), "JPEG2000")]}
    np.testing.assert_array_equal(read(io.BytesIO(tiff(tags))).pixels, samples[..., 0])
    with pytest.raises(PictureError, match="^cannot decode TIFF: the file is damaged or cut off$"):
        read(io.BytesIO(tiff({**tags, 256: WIDTH - 1})))


RAW = {256: 64, 257: 48, 258: (3, 14), 262: (3, 32803), 277: 1, "data": [b"sensor"]}


@pytest.mark.parametrize("place", ["page", "below", "linear", "dng"])
def test_a_raw_photo_is_refused_as_one(place, tmp_path):
    preview = page(noise(4, 6, 3), 2)
    data = {
        "page": lambda: tiff(RAW),
        "below": lambda: tiff({**preview, "below": [page(noise(4, 6, 3), 2), RAW]}),
        "linear": lambda: tiff({**preview, "below": [{**RAW, 262: (3, 34892)}]}),
        "dng": lambda: tiff({**preview, 50706: (1, [1, 4, 0, 0])}),
    }[place]()
    (tmp_path / "a.dng").write_bytes(data)
    for reading in (read, read_size):
        with pytest.raises(
            PictureError, match=r"^a raw photo \(DNG, NEF and .* not opened; develop it first, .*darktable-cli"
        ):
            reading(tmp_path / "a.dng")


@pytest.mark.parametrize(
    ("changes", "held"),
    [
        ({259: 34887}, "8-bit RGB compressed as LERC"),
        ({259: 50002}, "8-bit RGB compressed as JPEG XL"),
        ({259: 1234}, "8-bit RGB compressed as number 1234"),
        ({339: (3, 5), 258: (3, 64)}, "64-bit complex RGB"),
        ({339: (3, [3] * 3), 258: (3, [8] * 3)}, "8-bit float RGB"),
        ({258: (3, [5, 6, 5])}, "5/6-bit RGB"),
        ({258: (3, [*range(1, 999)])}, "1/2/3/4/...-bit RGB"),
        ({258: (3, 0)}, "0-bit RGB"),
        ({262: (3, 32845)}, "8-bit logarithmic"),
        ({262: (3, 77)}, "8-bit unknown (77)"),
        ({262: (3, 3), 258: (3, 16), 277: 1}, "16-bit palette"),
        ({262: (3, 8), 258: (3, [16] * 3)}, "16-bit L*a*b*"),
        ({262: (3, 5), 277: 4, 258: (3, 32)}, "32-bit CMYK in 4 samples"),
        ({258: (3, 12), 317: 2}, "12-bit RGB"),
        ({262: (3, 2), 277: 2}, "8-bit RGB in 2 samples"),
        ({339: (3, 2), 258: (3, 16), 277: 4, 338: (3, 2)}, "16-bit signed RGB in 4 samples"),
        ({259: 7, 258: (3, 12)}, "12-bit RGB compressed as JPEG"),
    ],
)
def test_what_nobody_reads_is_told_as_what_it_is(changes, held):
    data = tiff({**page(noise(HEIGHT, WIDTH, 3), 2), **changes})
    with pytest.raises(PictureError) as caught:
        read(io.BytesIO(data))
    advice = "save it as 8- or 16-bit grey or RGB, with LZW or no compression"
    assert str(caught.value) == f"a TIFF of {held} is not read; {advice}"


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_page_without_a_photometric_interpretation_is_not_guessed(dtype):
    tags = page(noise(HEIGHT, WIDTH, 1, dtype=dtype), 1)
    del tags[262]
    with pytest.raises(PictureError, match=rf"^a TIFF of {dtype[4:]}-bit unknown is not read; "):
        read(io.BytesIO(tiff(tags)))


def test_samples_beside_colours_and_alpha_are_left_out_with_a_note():
    samples = noise(HEIGHT, WIDTH, 5)
    one = read_page(samples[..., :4], 2, extra=[0])
    assert one.notes == ("the last sample of each pixel, no colour and no alpha, left out",)
    assert one.alpha is None
    for planar in (False, True):
        two = read_page(samples, 2, extra=[0, 0], planar=planar)
        assert two.notes == ("the last 2 samples of each pixel, no colour and no alpha, left out",)
        np.testing.assert_array_equal(two.pixels, samples[..., :3])
    grey = read_page(samples, 1, extra=[0] * 4)
    assert grey.notes == ("the last 4 samples of each pixel, no colour and no alpha, left out",)
    np.testing.assert_array_equal(grey.pixels, samples[..., 0])
    assert read_page(samples[..., :4], 2, extra=[2], planar=True).notes == ()
    unsaid = read_page(samples[..., :4], 2, planar=True)
    np.testing.assert_array_equal(unsaid.alpha, samples[..., 3])


@pytest.mark.parametrize("source", ["file", "memory"])
def test_any_page_of_any_kind_is_picked(source, tmp_path):
    kinds = [(noise(HEIGHT, WIDTH, 3), 2, {}), (noise(9, 8, 3), 2, {"compression": 5}),
             (noise(5, 4, 1, dtype="uint16"), 1, {"compression": 8}), (noise(4, 5, 3), 2, {"planar": True}),
             (noise(3, 2, 1), 1, {})]  # fmt: skip
    data = tiff(*(page(samples, photometric, **more) for samples, photometric, more in kinds))
    (tmp_path / "a.tif").write_bytes(data)
    for number, (samples, _, _) in enumerate(kinds):
        picture = read(tmp_path / "a.tif" if source == "file" else io.BytesIO(data), frame=number)
        assert picture.frames == len(kinds)
        np.testing.assert_array_equal(picture.pixels, np.squeeze(samples))


@pytest.mark.parametrize(
    "damage",
    [
        lambda tags: {**tags, 273: (4, 0), 279: (4, 9), "data": []},
        lambda tags: {**tags, "data": [b"", *tags["data"][1:]]},
        lambda tags: {**tags, "data": [part[:9] for part in tags["data"]]},
        lambda tags: {**tags, 256: 0},
        lambda tags: {**tags, 279: (4, [1 << 30] * 9)},
    ],
)
def test_damage_is_told(damage):
    for compression in (1, 5):
        tags = page(noise(HEIGHT, WIDTH, 3), 2, planar=True, compression=compression)
        with pytest.raises(PictureError, match="^cannot decode TIFF: the file is damaged or cut off$"):
            read(io.BytesIO(tiff(damage(tags))))


@pytest.mark.parametrize("tag", [273, 279, 330])
def test_what_stands_beyond_any_file_is_damage_and_no_error_of_the_system(tag, tmp_path):
    tags = page(noise(HEIGHT, WIDTH, 3, dtype="float32"), 2) | {330: (18, [1 << 62] * 2)}
    data = bytearray(tiff(tags, big=True))
    at = data.index(struct.pack("<H", tag), 24)
    struct.pack_into("<Q", data, at + 12, (1 << 63) + 5)
    (tmp_path / "a.tif").write_bytes(data)
    if tag == 330:
        assert read(tmp_path / "a.tif").pixels.shape == (HEIGHT, WIDTH, 3)  # smaller copies are not needed
        return
    with pytest.raises(PictureError, match="^cannot decode TIFF: the file is damaged or cut off$"):
        read(tmp_path / "a.tif")


def test_a_large_tile_is_refused_before_it_takes_memory():
    """However few of its pixels are seen."""
    tags = {256: 16, 257: 16, 258: (3, 8), 259: 8, 262: 1, 277: 1, 322: 46336, 323: 46336, "data": [b"x"]}
    with pytest.raises(PictureError, match=r"^46336x46336 is 2,147,024,896 pixels, more than the limit"):
        read(io.BytesIO(tiff(tags)))
    needs = []
    tags |= {322: 4096, 323: 4096}
    with pytest.raises(PictureError, match="damaged"):
        read(io.BytesIO(tiff(tags)), admit=lambda height, width, channels, memory: needs.append(memory))
    assert needs[0] >= 4096 * 4096


def test_bits_in_the_other_order_are_turned_round():
    samples = noise(HEIGHT, WIDTH, 1, dtype="uint16")
    tags = page(samples, 1, t266=2)
    swap = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1], axis=1)[:, 0]
    tags["data"] = [swap[np.frombuffer(part, np.uint8)].tobytes() for part in tags["data"]]
    np.testing.assert_array_equal(read(io.BytesIO(tiff(tags))).pixels, samples[..., 0])


def test_a_tiff_in_tiff_order_of_exif_is_plain():
    """Nothing that Pillow writes needs more than Pillow."""
    data = saved(Image.fromarray(noise(HEIGHT, WIDTH, 3)), "TIFF", exif=exif(6))
    assert read(io.BytesIO(data)).pixels.shape == (WIDTH, HEIGHT, 3)
    assert struct.unpack_from("<H", data, 2) == (42,)


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt", "packbits", "tiff_lzw", "zstd"])
def test_black_and_white_is_read_in_every_compression(compression):
    image = Image.fromarray(noise(HEIGHT, WIDTH)).convert("1")
    data = saved(image, "TIFF", compression=compression)
    np.testing.assert_array_equal(read(io.BytesIO(data)).pixels, np.asarray(image.convert("L")))
