"""Folders of pictures, where a batch has workers (`-j`): throughput beside shell loops, and memory."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from tests.benchmarks import inputs
from tests.benchmarks.measure import Measured, alternate, run_process
from tests.benchmarks.peers import CORES, IMAGEMAGICK, MOGRIFY_PROGRAM, PILLOW, VIPS, WORKERS, program
from tests.benchmarks.processes import IMAGEMAGICK_EDGE, command, vips
from tests.benchmarks.rows import Case, Target

PEERS_SHARE = 200
"""Pictures after which a peer's loop, which starts a process for each, is not followed any further: what counts is
seconds a picture."""

SHELL = "/bin/sh"


SHIFTS = 16
"""Pixels down and across by which the pictures of a folder are shifted, one against the other."""


def folder(setting, count, height, width):
    """Fill a folder with photographs that are not all the same, as far as the setting goes."""
    folder = setting.folder / f"{count}-of-{height}x{width}"
    photograph = inputs.photograph(height + SHIFTS - 1, width + SHIFTS - 1, 3)
    for number in range(min(count, setting.most_files)):
        top, left = number % SHIFTS, number // SHIFTS % SHIFTS
        inputs.save(folder / f"{number:05}.jpg", photograph[top : top + height, left : left + width])
    return folder


def new(outputs):
    """A new folder in one for outputs.

    Those of earlier runs, 3 GB in all, stay until a row is measured: ext4 looks at the numbers of files that were
    removed in the last minute one by one before it takes another, which was up to a tenth of what 2,000 small pictures
    took.
    """
    return Path(tempfile.mkdtemp(dir=outputs))


def _ours(source, outputs):
    """Seconds a picture, and the peak of memory."""
    result = run_process([*command(), "apply", "edge", source, "--output", new(outputs), "-j", str(CORES), "--quiet"])
    return result["seconds"] / len(list(source.iterdir())), result["peak"]


def _first(source):
    return sorted(source.iterdir())[:PEERS_SHARE]


def _vips_loop(source, outputs, setting):
    output = new(outputs)
    program_path, conv, _, _, mask = map(str, vips(source, output, setting.folder))
    script = 'for file in "$@"; do "$vips" conv "$file" "$output/${file##*/}[Q=90]" "$mask" || exit; done'
    files = _first(source)
    environment = {"vips": program_path, "output": str(output), "mask": mask}
    return run_process([SHELL, "-c", script, conv, *files], environment)["seconds"] / len(files)


def _mogrify(source, outputs, setting):
    files = _first(source)
    path = program(*MOGRIFY_PROGRAM)[0]
    arguments = [path, "-path", new(outputs), *IMAGEMAGICK_EDGE, "-quality", "90", *files]
    return run_process(arguments)["seconds"] / len(files)


def _pillow(source, outputs, setting):
    """Only decode the same pictures and encode as many results, in this process, on as many threads.

    A result is one of ours: edges take longer to encode than photographs.
    """
    path = setting.folder / "result.jpg"
    if not path.exists():
        run_process([*command(), "apply", "edge", _first(source)[0], "--output", path, "--quiet"])
    output = new(outputs)
    with Image.open(path) as result:
        result.load()

    def copy(path):
        with Image.open(path) as image:
            image.load()
        result.save(output / path.name, **inputs.JPEG)

    files = sorted(source.iterdir())
    begin = time.perf_counter()
    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(copy, files))
    return (time.perf_counter() - begin) / len(files)


def _against(peer, count, size=None):
    def measure(setting):
        source = folder(setting, count, *(size or inputs.size_of(setting.megapixels)))
        with tempfile.TemporaryDirectory(dir=setting.folder) as outputs:
            _ours(source, outputs)
            return alternate(lambda: _ours(source, outputs)[0], lambda: peer(source, outputs, setting), setting)

    return (Case(f"{count}-pictures", measure),)


def _memory(setting):
    """Compare the peak over ten times as many pictures with the peak over the first."""
    many, few = (folder(setting, count, 16, 16) for count in (10_000, 1_000))
    with tempfile.TemporaryDirectory(dir=setting.folder) as outputs:
        return Measured(*(_ours(source, outputs)[1] for source in (many, few)))


LARGE = "folder of 32 12-megapixel JPEGs, all cores, seconds a picture"

TARGETS = (
    Target("folder-vips", LARGE, "shell loop of vips conv", 4.0, _against(_vips_loop, 32), (WORKERS, VIPS)),
    Target("folder-mogrify", LARGE, "mogrify", 8.0, _against(_mogrify, 32), (WORKERS, IMAGEMAGICK)),
    Target("folder-pillow", LARGE, "Pillow, decode and encode", 1 / 1.3, _against(_pillow, 32), (WORKERS, PILLOW)),
    Target(
        "folder-small-vips",
        "2,000 pictures of 512 squared, seconds a picture",
        "shell loop of vips conv",
        15.0,
        _against(_vips_loop, 2_000, (512, 512)),
        (WORKERS, VIPS),
    ),
    Target(
        "folder-memory",
        "10,000 tiny pictures: memory flat from the 1,000th on",
        "1,000 pictures",
        0.95,
        (Case("peak", _memory),),
        (WORKERS,),
        unit="B",
    ),
)
