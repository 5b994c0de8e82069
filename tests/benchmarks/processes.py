"""Whole processes: `cnnfilter apply edge` from its start to its end, its first use, and its memory."""

import compileall
import functools
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import cnnfilter
from tests.benchmarks import inputs
from tests.benchmarks.measure import Measured, agree, alternate, process, run_process
from tests.benchmarks.peers import CONVERT_PROGRAM, IMAGEMAGICK, VIPS, VIPS_PROGRAM, program
from tests.benchmarks.rows import Case, Target

EDGE_ROWS = ("-1 -1 -1", "-1 8 -1", "-1 -1 -1")
IMAGEMAGICK_EDGE = ["-morphology", "Convolve", "3x3:" + ",".join(EDGE_ROWS).replace(" ", ",")]
ROUNDING = 1

FASTEST_PNG = ["-define", "png:compression-level=1", "-define", "png:compression-strategy=3",
               "-define", "png:compression-filter=0"]  # fmt: skip
"""ImageMagick's, of those that compress: run-length coding of rows as they are, which cnnfilter uses for edges too."""

FIRST_USE_LIMIT = 3.0
NEW_KERNEL_LIMIT = 2.0
"""Seconds of the processors, on top of those of a later run."""
NEW_KERNELS = (
    "1 2 3; 4 5 6; 7 8 9",
    "1 -2 3 -4 5 -6 7",
    "; ".join(" ".join(str((7 * row + 3 * column) % 10 + 1) for column in range(13)) for row in range(14)),
    "; ".join(" ".join(str((5 * row + row * column) % 9 + 1) for column in range(23)) for row in range(23)),
    "box:size=17",
    "gaussian:sigma=4",
    "sobel",
    "kirsch",
)


@functools.cache
def command():
    """How cnnfilter is started: by the script that a person starts, where there is one.

    Its bytecode is there, as pip leaves it; a checkout may have none, and compile all of it at each start.
    """
    compileall.compile_dir(Path(cnnfilter.__file__).parent, quiet=2)
    script = Path(sys.executable).with_name("cnnfilter")
    return [str(script)] if script.exists() else [sys.executable, "-m", "cnnfilter"]


def _apply(source, output, kernel="edge"):
    return [*command(), "apply", kernel, source, "--output", output, "--force", "--quiet"]


@dataclass(frozen=True)
class _Picture:
    """A photograph in a file: 512 square, or of the setting's size."""

    suffix: str
    square: bool = False

    def save(self, setting):
        height, width = (512, 512) if self.square else inputs.size_of(setting.megapixels)
        path = setting.folder / f"photograph-{height}x{width}{self.suffix}"
        return inputs.save(path, inputs.photograph(height, width, 3))


def mask(folder):
    """Write the kernel as vips reads it."""
    path = folder / "edge.mat"
    path.write_text("3 3 1 0\n" + "\n".join(EDGE_ROWS) + "\n")
    return path


def vips(source, output, folder):
    # `--precision integer` is faster and on this kernel wrong: its vector path gives a black picture.
    options = "[Q=90]" if output.suffix == ".jpg" else ""
    return [program(*VIPS_PROGRAM)[0], "conv", source, f"{output}{options}", mask(folder)]


def _imagemagick(source, output, folder):
    options = ["-quality", "90"] if output.suffix == ".jpg" else []
    return [program(*CONVERT_PROGRAM)[0], source, *IMAGEMAGICK_EDGE, *options, output]


def _imagemagick_fastest(source, output, folder):
    return [program(*CONVERT_PROGRAM)[0], source, *IMAGEMAGICK_EDGE, *FASTEST_PNG, output]


def _load(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _against(name, picture, peer):
    def measure(setting):
        source = picture.save(setting)
        ours, theirs = (setting.folder / f"{who}{picture.suffix}" for who in ("ours", "theirs"))
        sides = process(_apply(source, ours)), process(peer(source, theirs, setting.folder))
        if picture.suffix == ".png":  # JPEG decoders differ, and this kernel multiplies that by 8
            agree(_load(ours), _load(theirs), ROUNDING)
        return alternate(*sides, setting)

    return (Case(name, measure),)


def _caching_in(folder):
    return {"CNNFILTER_CACHE_DIR": str(folder), "NUMBA_CACHE_DIR": str(folder)}


def on_top(arguments, setting, used=None):
    """Processor seconds that a command takes more the first time than the second; `used` is the cache before that."""
    extra = []
    for _ in range(setting.runs):
        with tempfile.TemporaryDirectory() as folder:
            if used is not None:
                shutil.copytree(used, folder, dirs_exist_ok=True)
            first, again = (run_process(arguments, _caching_in(folder))["processors"] for _ in range(2))
        extra.append(first - again)
    return max(statistics.median(extra), 1e-3)


def _first_use(setting):
    source, output = _Picture(".png", square=True).save(setting), setting.folder / "first.png"
    return Measured(on_top(_apply(source, output), setting), FIRST_USE_LIMIT)


def _used_cache(setting, source, output):
    """The cache of a machine on which only `edge` was ever used; it is made once."""
    folder = setting.folder / "cache"
    if not folder.exists():
        run_process(_apply(source, output), _caching_in(folder))
    return folder


def _new_kernel(kernel):
    """What measures a kernel of another size or kind, right after the very first use of `edge`."""

    def measure(setting):
        source, output = _Picture(".png", square=True).save(setting), setting.folder / "new.png"
        used = _used_cache(setting, source, output)
        return Measured(on_top(_apply(source, output, kernel), setting, used), NEW_KERNEL_LIMIT)

    return measure


def _memory(suffix):
    def measure(setting):
        source = _Picture(suffix).save(setting)
        samples = 3 * np.prod(inputs.size_of(setting.megapixels))
        peak = max(
            run_process(_apply(source, setting.folder / f"memory{suffix}"))["peak"] for _ in range(setting.runs + 1)
        )
        return Measured(peak, 3 * samples + 120e6)

    return measure


SMALL, PNG, JPEG = _Picture(".png", square=True), _Picture(".png"), _Picture(".jpg")
SMALL_WORK = "apply edge, 512-square RGB PNG, whole process, warm cache"
JPEG_WORK = "the same on a 12-megapixel JPEG"
CONVERT = "ImageMagick convert"

TARGETS = (
    Target("apply-small-vips", SMALL_WORK, "vips conv", 0.65, _against("png-512", SMALL, vips), (VIPS,)),
    Target(
        "apply-small-imagemagick", SMALL_WORK, CONVERT, 0.8, _against("png-512", SMALL, _imagemagick), (IMAGEMAGICK,)
    ),
    Target("apply-jpeg-vips", JPEG_WORK, "vips conv", 0.8, _against("jpeg", JPEG, vips), (VIPS,)),
    Target("apply-jpeg-imagemagick", JPEG_WORK, CONVERT, 2.0, _against("jpeg", JPEG, _imagemagick), (IMAGEMAGICK,)),
    Target(
        "apply-png-imagemagick",
        "the same on a 12-megapixel PNG, both at their fastest compression",
        CONVERT,
        1.5,
        _against("png", PNG, _imagemagick_fastest),
        (IMAGEMAGICK,),
    ),
    Target(
        "first-use",
        "first ever use on a machine (cold cache), processor seconds on top",
        "limit",
        1.0,
        (Case("edge", _first_use),),
    ),
    Target(
        "new-kernel",
        "after that a kernel of a kind never used before, processor seconds on top",
        "limit",
        1.0,
        tuple(
            Case(f"{number}-{kernel}" if len(kernel) < 20 else f"{number}-large", _new_kernel(kernel))
            for number, kernel in enumerate(NEW_KERNELS, 1)
        ),
    ),
    Target(
        "memory",
        "resident memory of apply, 12-megapixel RGB: 3 bytes a sample + 120 MB",
        "limit",
        1.0,
        tuple(Case(suffix.strip("."), _memory(suffix)) for suffix in (".png", ".jpg")),
        unit="B",
    ),
)
