"""Picture files that Pillow does not write, and shorthands for those that it does."""

import functools
import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms


def saved(image, format, **parameters):
    buffer = io.BytesIO()
    image.save(buffer, format, **parameters)
    return buffer.getvalue()


def noise(*shape, dtype="uint8", seed=0):
    generator = np.random.default_rng(seed)
    if dtype == "float32":
        return generator.normal(0, 100, shape).astype(np.float32)
    return generator.integers(0, np.iinfo(dtype).max + 1, shape, dtype=dtype)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(samples, colour_type, *chunks, bits=16):
    """A PNG of samples `(H, W * channels)`, as they are packed; `chunks` stand before the pixels."""
    samples = np.asarray(samples)
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour_type]
    width = samples.shape[1] // channels
    rows = b"".join(b"\0" + row.astype(">u2" if bits == 16 else "u1").tobytes() for row in samples)
    if bits < 8:
        packed = np.unpackbits(samples.astype("u1")[..., None], axis=-1)[..., -bits:].reshape(len(samples), -1)
        rows = b"".join(b"\0" + np.packbits(row).tobytes() for row in packed)
    header = struct.pack(">IIBBBBB", width, len(samples), bits, colour_type, 0, 0, 0)
    body = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


@functools.cache  # it holds the second in which it was made
def icc(space=b"RGB "):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:16] + space + profile[20:]


def exif(orientation=None, maker="Maker"):
    block = Image.Exif()
    block[0x010F] = maker
    if orientation is not None:
        block[0x0112] = orientation
    block.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    return block.tobytes()


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
UPRIGHT_XMP = XMP.replace(b'"6"', b'"1"')
