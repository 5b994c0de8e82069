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


FEW = np.repeat(np.repeat(np.arange(6, dtype=np.uint8).reshape(2, 3), 10, 0), 10, 1)
COLOURS = np.array([[255, 0, 0], [0, 0, 255], [255, 255, 0], [0, 0, 0], [9, 8, 7], [255, 255, 255]], np.uint8)


def of_few(**keywords):
    """A palette picture of six colours."""
    image = Image.fromarray(FEW, "P")
    image.putpalette(COLOURS.tobytes())
    image.info.update(keywords)
    return image


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


TIFF_KINDS = {
    1: "B",
    2: "B",
    3: "H",
    4: "I",
    5: "I",
    6: "b",
    7: "B",
    8: "h",
    9: "i",
    11: "f",
    12: "d",
    13: "I",
    16: "Q",
}


def tiff(*pages, order="<", big=False):
    """A TIFF of pages, each a dict of values by tag: a number or several, bytes, or (type, values).

    A page's `"data"` are its strips or tiles, and `"below"` the pages in directories of their own below it; a tag
    whose value is a list of pages leads to such directories, too.
    """
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    head += struct.pack(order + "HHQ", 8, 0, 16) if big else struct.pack(order + "I", 8)
    file = bytearray(head)
    _write_pages(file, pages, order, big)
    return bytes(file)


def _write_pages(file, pages, order, big):
    """Append directories, each followed by the next one's place; return where each is."""
    wide, begins = "Q" if big else "I", []
    for place, page in enumerate(pages, 1):
        tags = {tag: value for tag, value in page.items() if tag not in ("data", "below")}
        below = {tag: value for tag, value in tags.items() if isinstance(value, list) and isinstance(value[0], dict)}
        data = page.get("data", [])
        if data:
            tags.setdefault(324 if 322 in tags else 273, (16 if big else 4, [0] * len(data)))
            tags.setdefault(325 if 322 in tags else 279, [len(each) for each in data])
        if "below" in page:
            below[330] = page["below"]
        tags |= {tag: (18 if big else 13, [0] * len(value)) for tag, value in below.items()}
        begins.append(len(file))
        at = len(file) + (8 if big else 2) + (20 if big else 12) * len(tags) + struct.calcsize(wide)
        entries, values, places = b"", b"", {}
        for tag, value in sorted(tags.items()):
            kind, value = value if isinstance(value, tuple) else (2 if isinstance(value, bytes) else 4, value)
            numbers = value if isinstance(value, (bytes, list)) else [value]
            form = {**TIFF_KINDS, 18: "Q"}[kind]
            raw = struct.pack(f"{order}{len(numbers)}{form}", *numbers)
            count = len(numbers) // 2 if kind == 5 else len(numbers)
            entries += struct.pack(order + "HH" + wide, tag, kind, count)
            places[tag] = len(file) + (8 if big else 2) + len(entries), form
            if len(raw) > struct.calcsize(wide):
                places[tag] = at + len(values), form
                values, raw = values + raw, struct.pack(order + wide, at + len(values))
            entries += raw.ljust(struct.calcsize(wide), b"\0")
        file += struct.pack(order + ("Q" if big else "H"), len(tags)) + entries
        link = len(file)
        file += bytes(struct.calcsize(wide)) + values
        _fill(file, places[324 if 322 in tags else 273] if data else None, _append(file, data), order)
        for tag, value in below.items():
            _fill(file, places[tag], _write_pages(file, value, order, big), order)
        if place < len(pages):
            struct.pack_into(order + wide, file, link, len(file))
    return begins


def _append(file, parts):
    begins = []
    for part in parts:
        begins.append(len(file))
        file += part
    return begins


def _fill(file, place, numbers, order):
    if place is not None:
        struct.pack_into(f"{order}{len(numbers)}{place[1]}", file, place[0], *numbers)


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


def cmyk_icc():
    """A profile of CMYK by which only black counts: L* from 100 without any to 0, and no hue."""
    tables = bytes(range(256))
    corners = b"".join(bytes([0 if corner & 1 else 255, 128, 128]) for corner in range(16))
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + 4 * tables + corners + 3 * tables
    head = struct.pack(">I4sI4s4s4s", 144 + len(lut), bytes(4), 0x02400000, b"prtr", b"CMYK", b"Lab ") + bytes(12)
    head += b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I4sII", 1, b"A2B0", 144, len(lut)) + lut
