"""Picture files of every format, and what cutting them short and turning bits of them over makes of them."""

import io
import random

import numpy as np
from PIL import Image

from tests.command import ROOT

CUTS = 7
FLIPS = 10


def _sources():
    """A small real picture as a file of each format, by a name with its extension."""
    with Image.open(ROOT / "samples" / "chelsea.png") as sample:
        colour = sample.convert("RGB").crop((100, 80, 164, 128))
    grey = colour.convert("L")
    clear = colour.copy()
    clear.putalpha(grey)
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    two = {"save_all": True, "append_images": [colour.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]}
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Maker"
    made = {
        "colour.png": (colour, "PNG", {"dpi": (72, 72)}),
        "clear.png": (clear, "PNG", {}),
        "palette.png": (colour.quantize(16), "PNG", {}),
        "deep.png": (deep, "PNG", {}),
        "colour.jpg": (colour, "JPEG", {"exif": exif}),
        "progressive.jpg": (colour, "JPEG", {"progressive": True}),
        "two.mpo": (colour, "MPO", two),
        "plain.tif": (colour, "TIFF", {}),
        "lzw.tif": (colour, "TIFF", {"compression": "tiff_lzw"}),
        "deflate.tif": (deep, "TIFF", {"compression": "tiff_deflate"}),
        "jpeg.tif": (colour, "TIFF", {"compression": "jpeg"}),
        "lossy.webp": (colour, "WEBP", {"exif": exif}),
        "clear.webp": (clear, "WEBP", {"lossless": True}),
        "colour.bmp": (colour, "BMP", {}),
        "grey.bmp": (grey, "BMP", {}),
        "grey.gif": (grey, "GIF", {}),
        "two.gif": (colour, "GIF", two),
        "colour.ppm": (colour, "PPM", {}),
        "deep.pgm": (deep, "PPM", {}),
        "bits.pbm": (grey.convert("1"), "PPM", {}),
        "float.pfm": (grey.convert("F"), "PPM", {}),
        "colour.ico": (colour.resize((32, 32)), "ICO", {"sizes": [(32, 32)]}),
        "bitmap.ico": (colour.resize((32, 32)), "ICO", {"sizes": [(32, 32)], "bitmap_format": "bmp"}),
        "colour.tga": (colour, "TGA", {}),
        "packed.tga": (clear, "TGA", {"compression": "tga_rle"}),
        "colour.avif": (colour, "AVIF", {}),
        "colour.jp2": (colour, "JPEG2000", {}),
        "grey.j2k": (grey, "JPEG2000", {"irreversible": True}),
    }
    files = {}
    for name, (image, format, options) in made.items():
        if format not in Image.SAVE:
            Image.init()
        if format in Image.SAVE:  # this Pillow may lack one
            stream = io.BytesIO()
            image.save(stream, format, **options)
            files[name] = stream.getvalue()
    stream = io.BytesIO()
    np.save(stream, np.asarray(colour))
    files["colour.npy"] = stream.getvalue()
    rows = "\n".join(",".join(map(str, row)) for row in np.asarray(grey)[:20].tolist())
    return {**files, "grey.csv": rows.encode()}


SOURCES = _sources()


def broken(seed):
    """Broken files, by their names: cut short at a random place, or with one to eight bits turned over."""
    files = {}
    for name, data in SOURCES.items():
        draw = random.Random(f"{seed} {name}")
        stem, extension = name.rsplit(".", 1)
        for i in range(CUTS):
            files[f"{stem}-{extension}-cut{i}.{extension}"] = data[: draw.randrange(1, len(data))]
        for i in range(FLIPS):
            flipped = bytearray(data)
            # headers are a small part of a file, and most of what can be wrong with it
            end = min(len(data), 80) if i % 2 else len(data)
            for _ in range(draw.randint(1, 8)):
                flipped[draw.randrange(end)] ^= 1 << draw.randrange(8)
            files[f"{stem}-{extension}-flip{i}.{extension}"] = bytes(flipped)
    return files
