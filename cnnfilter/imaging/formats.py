"""The picture formats: which are opened, how they are recognised, and what each can hold.

One table, `FORMATS`; a new format is one entry. A file is recognised by its first bytes, never by its name,
so that a text or a script called `.png` reaches no decoder. TGA alone has no signature and goes by its name.
Formats that start other programs or only pretend to be pictures are named and refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from cnnfilter.errors import ArgumentError, PictureError
from cnnfilter.messages import alternatives, either, nearest, quoted

if TYPE_CHECKING:
    from cnnfilter.addresses.address import Address

DEFAULT_MAX_PIXELS = 89_478_485
"""Pillow's warning limit: a quarter of a gigabyte in 24-bit pixels."""

HEAD = 64
"""How many bytes from the beginning of a file `recognise` looks at."""


class Pixels(Protocol):
    """Anything with pixels and perhaps alpha: a `Picture`, or the result of a filter."""

    @property
    def pixels(self) -> Any:
        """Array `(H, W)` or `(H, W, C)`."""

    @property
    def alpha(self) -> Any:
        """Array `(H, W)`, or None."""


class Format(NamedTuple):
    """One picture format, and what a file of it can hold when written through Pillow.

    Parameters
    ----------
    name : str
        Pillow's name; or that of one of several formats that Pillow has one name for.
    plugin : str
        Pillow's module that reads and writes it.
    extensions : tuple of str
        As in file names, the usual one first.
    grey, colour : tuple of str
        The dtypes of grey and of RGB pixels it holds exactly, but for a lossy format's own compression.
    alpha : bool
        Whether 8-bit pixels may have alpha.
    side : int
        The largest width and height.
    metadata : tuple of str
        Which fields of `metadata.Metadata` it keeps.
    family : str
        Pillow's name where it is another.
    magic : tuple of bytes
        What its files begin with; `recognise` looks more closely at those of formats without any.
    """

    name: str
    plugin: str
    extensions: tuple[str, ...]
    grey: tuple[str, ...] = ("uint8",)
    colour: tuple[str, ...] = ("uint8",)
    alpha: bool = False
    side: int = 2**31 - 1
    metadata: tuple[str, ...] = ()
    family: str = ""
    magic: tuple[bytes, ...] = ()

    @property
    def pillow(self) -> str:
        """The name by which Pillow knows it."""
        return self.family or self.name


_MOST = ("exif", "icc", "xmp", "dpi", "iptc")
_FORMATS = (
    Format("PNG", "PngImagePlugin", (".png", ".apng"), ("uint8", "uint16"), alpha=True,
           metadata=(*_MOST, "comments", "texts", "colour"), magic=(b"\x89PNG\r\n\x1a\n",)),
    # 65500 is libjpeg's own limit, below the format's 65535
    Format("JPEG", "JpegImagePlugin", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), side=65500,
           metadata=(*_MOST, "comments"), magic=(b"\xff\xd8\xff",)),
    Format("TIFF", "TiffImagePlugin", (".tif", ".tiff"), ("uint8", "uint16", "float32"), alpha=True,
           # those with a plus are BigTIFFs
           metadata=(*_MOST, "aspect"), magic=(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    Format("WEBP", "WebPImagePlugin", (".webp",), alpha=True, side=16383, metadata=("exif", "icc", "xmp")),
    Format("BMP", "BmpImagePlugin", (".bmp", ".dib"), metadata=("dpi",)),
    # at most 256 colours: greys fit exactly, a colour picture does not
    Format("GIF", "GifImagePlugin", (".gif",), colour=(), side=65535, metadata=("comments",),
           magic=(b"GIF87a", b"GIF89a")),
    Format("PGM", "PpmImagePlugin", (".pgm",), ("uint8", "uint16"), colour=(), family="PPM"),
    # greys as well, as three equal channels
    Format("PPM", "PpmImagePlugin", (".ppm",), family="PPM"),
    # black and white alone: read, but no filter's result
    Format("PBM", "PpmImagePlugin", (".pbm",), grey=(), colour=(), family="PPM"),
    Format("PFM", "PpmImagePlugin", (".pfm",), ("float32",), colour=(), family="PPM"),
    Format("PNM", "PpmImagePlugin", (".pnm",), ("uint8", "uint16"), family="PPM"),  # any of the first three
    Format("ICO", "IcoImagePlugin", (".ico",), alpha=True, side=256, magic=(b"\0\0\1\0",)),
    Format("TGA", "TgaImagePlugin", (".tga", ".icb", ".vda", ".vst"), alpha=True, side=65535),
    Format("AVIF", "AvifImagePlugin", (".avif", ".avifs"), alpha=True, side=65535,
           metadata=("exif", "icc", "xmp")),
    Format("JPEG2000", "Jpeg2KImagePlugin", (".jp2", ".j2k", ".jpc", ".jpf", ".jpx", ".j2c"),
           ("uint8", "uint16"), alpha=True, metadata=("comments",),
           magic=(b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n")),
)  # fmt: skip
FORMATS = {form.name: form for form in _FORMATS}
"""The picture formats by name. `NPY`, a bare array, is beside them: it holds everything."""

NPY = "NPY"
NPZ = "NPZ"
"""Several bare arrays: the values of a chain are written so, and no picture is."""
TABLE = "CSV"
"""A table of numbers: see `imaging.table`."""
ARRAYS = (NPY, NPZ, TABLE)
"""What keeps numbers of any kind and shape as they are."""
_EXTENSIONS = {extension: form.name for form in _FORMATS for extension in form.extensions}
_EXTENSIONS |= {f".{name.lower()}": name for name in ARRAYS}
_ALIASES = {"MPO": "JPEG", "JP2": "JPEG2000"}
_NAMES = ", ".join([*FORMATS, NPY, TABLE])

_NETPBM = {b"1": "PBM", b"2": "PGM", b"3": "PPM", b"4": "PBM", b"5": "PGM", b"6": "PPM", b"f": "PFM"}
# Refused by name, so that a person learns more than "not a picture".
_REFUSED: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%!PS", "EPS"),
    (0, b"\xc5\xd0\xd3\xc6", "EPS"),
    (0, b"%PDF", "PDF"),
    (0, b"8BPS", "PSD"),
    (0, b"\xd7\xcd\xc6\x9a", "WMF"),
    (0, b"\x01\x00\x09\x00", "WMF"),
    (40, b" EMF", "EMF"),
    (0, b"SIMPLE  =", "FITS"),
    (0, b"<svg", "SVG"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (0, b"\x76\x2f\x31\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"P7\n", "PAM"),
    (0, b"PF\n", "PFM in colour"),
    (0, b"qoif", "QOI"),
    (0, b"DDS ", "DDS"),
    (0, b"gimp xcf", "XCF (GIMP)"),
    (0, b"icns", "ICNS"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
)
# Of DNG, NEF, ARW and others, which are TIFFs, their directories tell.
_RAW: tuple[tuple[int, bytes, str], ...] = (
    (8, b"CR\x02", "CR2"),
    (4, b"ftypcrx ", "CR3"),
    (0, b"IIRO", "ORF"),
    (0, b"IIRS", "ORF"),
    (0, b"MMOR", "ORF"),
    (0, b"IIU\x00", "RW2"),
    (0, b"FUJIFILMCCD-RAW", "RAF"),
    (0, b"FOVb", "X3F"),
    (0, b"\x00MRM", "MRW"),
)
_LACK = r"(?i)\b(unsupported|not (supported|implemented|available)|cannot handle|unknown (compression|pixel mode))\b"
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)
_AVIF_BRANDS = (b"avif", b"avis")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")


def format_for_path(path: str | PurePath | Address) -> str | None:
    """The format that a file name's extension stands for, or None.

    Examples
    --------
    >>> format_for_path("photo.JPG"), format_for_path("https://host/photo.jpg?size=1.5")
    ('JPEG', 'JPEG')
    """
    if isinstance(path, str) and "://" in path:
        from cnnfilter.addresses.address import Address, is_address  # which most names do without

        path = Address(path) if is_address(path) else PurePath(path)
    elif isinstance(path, str):
        path = PurePath(path)
    return _EXTENSIONS.get(path.suffix.lower())


def format_named(text: str) -> str:
    """The format that a person names: `png`, `jpg`, `.tiff`, `JPEG2000`.

    Raises
    ------
    ArgumentError
        If there is no such format.
    """
    word = text.strip().upper().removeprefix(".")
    name = _ALIASES.get(word) or _EXTENSIONS.get("." + word.lower()) or word
    if name not in FORMATS and name not in ARRAYS:
        tail = nearest(word, [name.lower() for name in (*FORMATS, *ARRAYS)])
        msg = f"unknown picture format {quoted(text)}{tail} (known: {_NAMES})"
        raise ArgumentError(msg)
    return name


def extension_for(format: str) -> str:
    """The usual extension of a format, without its dot.

    Examples
    --------
    >>> extension_for("JPEG")
    'jpg'
    """
    return format.lower() if format in ARRAYS else FORMATS[format].extensions[0].removeprefix(".")


def recognise(head: bytes, path: str | PurePath | Address | None = None) -> str:
    """The format of a file from its first `HEAD` bytes.

    Parameters
    ----------
    head : bytes
        The beginning of the file.
    path : str, path or Address, optional
        Its name: only a TGA and a table of numbers, which have no signature, are known by it.

    Raises
    ------
    PictureError
        If the file is empty, no picture, or of a format that is refused.
    """
    if not head:
        msg = "empty file"
        raise PictureError(msg)
    _refuse(head)
    for form in _FORMATS:
        if head.startswith(form.magic):
            return form.name
    if head.startswith(b"\x93NUMPY"):
        return NPY
    # Two letters are a thin signature, and a text may begin with them: ask for what follows as well.
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if head[:1] == b"P" and head[1:2] in _NETPBM and head[2:3] in b" \t\r\n\v\f#":
        return _NETPBM[head[1:2]]
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        return "AVIF"
    if path is not None and format_for_path(path) == "TGA":
        return "TGA"
    if path is not None and format_for_path(path) == TABLE:
        return TABLE
    kind = "it is text" if _is_text(head) else f"it begins with {head[:4].hex(' ')}"
    msg = f"not a picture that cnnfilter knows: {kind} (known formats: {_NAMES})"
    raise PictureError(msg)


def _refuse(head: bytes) -> None:
    for offset, magic, name in _REFUSED:
        if head.startswith(magic, offset):
            msg = f"{name} is not opened; convert it to PNG first"
            raise PictureError(msg)
    for offset, magic, name in _RAW:
        if head.startswith(magic, offset):
            raise raw_photo(name)
    if head[4:8] != b"ftyp":
        return
    # the box's own brand, then (after a version number) those it is compatible with
    end = min(len(head), int.from_bytes(head[:4], "big"))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end, 4))]
    if any(brand in _AVIF_BRANDS for brand in brands):
        return
    if any(brand in _HEIC_BRANDS for brand in brands):
        msg = "HEIC is not opened; convert it first, for example: heif-convert in.heic out.jpg"
    else:
        msg = f"not a picture: a video or another file of brand {head[8:12].decode('latin-1')!r}"
    raise PictureError(msg)


def raw_photo(name: str = "DNG, NEF and the like") -> PictureError:
    """The error about a raw photo of which Pillow would see a preview at best."""
    what = f"a raw photo ({name}), what a camera's sensor saw, is not opened"
    return PictureError(f"{what}; develop it first, for example: darktable-cli in.nef out.tif")


def _is_text(head: bytes) -> bool:
    # the last character may have been cut in two: up to three bytes do not count
    text = head.decode("utf-8", "ignore")
    return len(text.encode()) >= len(head) - 3 and all(c.isprintable() or c.isspace() for c in text)


def why_not(format: str, picture: Pixels) -> str | None:
    """Why a format cannot hold a picture, and what to do; None if it can.

    Parameters
    ----------
    format : str
        A name out of `FORMATS`, or one of `ARRAYS`.
    picture : Pixels
        The picture, or a filter's result.

    Returns
    -------
    str or None
        One line, such as "JPEG cannot hold alpha: write PNG, or drop it with --alpha drop".
    """
    if format in (NPY, TABLE):
        return None
    if format == NPZ:
        return "NPZ holds the values of a chain, and no picture: write .npy"
    form = FORMATS[format]
    dtype = str(picture.pixels.dtype)
    height, width, channels = _shape(picture.pixels.shape)
    if max(height, width) > form.side:
        return f"{format} holds at most {form.side} pixels a side, not {width}x{height}: write PNG"
    if channels not in (1, 3):
        return f"{format} holds 1 or 3 channels, not {channels}: write .npy"
    if dtype not in (form.grey if channels == 1 else form.colour):
        return _no_dtype(format, dtype, channels)
    if picture.alpha is None or (form.alpha and dtype == "uint8"):
        return None
    if dtype != "uint8":
        remedy = either("reduce it with --depth 8, or --alpha drop", "write .npy")
        return f"{format} cannot hold {_depth(dtype)} with alpha: {remedy}"
    drop = either("drop it with --alpha drop", "drop it: Picture(picture.pixels)")
    return f"{format} cannot hold alpha: write PNG, or {drop}"


def _shape(shape: Sequence[int]) -> tuple[int, int, int]:
    return shape[0], shape[1], shape[2] if len(shape) == 3 else 1


def described(picture: Pixels) -> str:
    """Depth and colour of a picture in words: `8-bit grey`."""
    return _kind(str(picture.pixels.dtype), _shape(picture.pixels.shape)[2])


def _kind(dtype: str, channels: int) -> str:
    return f"{_depth(dtype)} {'grey' if channels == 1 else 'colour'}"


def _depth(dtype: str) -> str:
    return {"uint8": "8-bit", "uint16": "16-bit", "float32": "float"}[dtype]


def _no_dtype(format: str, dtype: str, channels: int) -> str:
    what = _kind(dtype, channels)
    able = [form for form in _FORMATS if dtype in (form.grey if channels == 1 else form.colour)]
    kin = [form.name for form in able if form.family and form.family == FORMATS[format].family]
    if kin:
        return f"{format} cannot hold {what}: write {kin[0]}"
    if dtype == "float32" and not holds_floats(format):
        names = alternatives([*(form.extensions[0] for form in able), ".npy"])
        eight = either("8 bits of it with --range normalize", "uint8 of its pixels")
        return f"{format} cannot hold {what}: write {names}, or make {eight}"
    if any(form.name == "PNG" for form in able):
        reduce = f", or reduce it with {either('--depth 8', 'depth=8')}" if dtype == "uint16" else ""
        return f"{format} cannot hold {what}: write PNG{reduce}"
    return f"{format} cannot hold {what}: write {alternatives([*(form.extensions[0] for form in able), '.npy'])}"


def holds_floats(format: str) -> bool:
    """Whether a format holds floats as they are, of one channel at least.

    Examples
    --------
    >>> [format for format in (*FORMATS, *ARRAYS) if holds_floats(format)]
    ['TIFF', 'PFM', 'NPY', 'NPZ', 'CSV']
    """
    return format in ARRAYS or "float32" in FORMATS[format].grey


def holds(format: str, picture: Pixels) -> bool:
    """Whether a format can hold a picture's size, channels, depth and alpha."""
    return why_not(format, picture) is None


def output_format(input_format: str, picture: Pixels) -> str:
    """The format to write: that of the input where it can hold the result, else its next of kin, else PNG.

    PNG is also returned where it cannot hold the result either; `why_not` then has the reason.

    Examples
    --------
    >>> output_format("PBM", Picture(np.zeros((2, 2), np.uint8)))
    'PGM'
    """
    family = FORMATS[input_format].family if input_format in FORMATS else ""
    kin = [form.name for form in _FORMATS if family and form.family == family]
    return next((name for name in (input_format, *kin) if holds(name, picture)), "PNG")


def damage_of(error: BaseException) -> str:
    """Why a file could not be decoded: too little memory, what the decoder lacks, or damage.

    What a decoder says of damage (`unpack_from requires a buffer of ...`) is about its own insides.
    """
    reason = reason_of(error)
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.strerror):
        return reason
    return reason if re.search(_LACK, reason) else "the file is damaged or cut off"


def reason_of(error: BaseException) -> str:
    """Another library's exception as one short line that names no file."""
    if isinstance(error, MemoryError):
        return "not enough memory"
    if isinstance(error, KeyError):
        return f"{error} is missing"
    text = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    return " ".join(text.split())[:200] or type(error).__name__
