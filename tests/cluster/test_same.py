"""What a cluster writes and tells is what the same command does here, byte for byte, whoever works on it."""

import os
import re
import shlex
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.clusters import cluster
from tests.command import PHOTO, ROOT, run_process

SECONDS = re.compile(r'\d+(\.\d+)? m?s\b|"seconds": [\d.e-]+')
BANK = "gray,conv:sobel-x+sobel-y+laplacian"
NETWORK = "normalize,conv:3@3x3:padding=1:random=1:as=c,relu,globalavgpool,flatten,dense:4:random=2,softmax"

WITNESS = """
import os, sys

def see(event, arguments):
    if event == "open" and isinstance(arguments[0], str | bytes) and b"/run/in/" in os.fsencode(arguments[0]):
        with open("{}", "a") as opened:
            opened.write(os.fsdecode(arguments[0]) + "\\n")

sys.addaudithook(see)
"""

LINES = (
    "apply edge in -r -o out",
    "apply edge in -r -o out --json -v",
    "apply k.npz in -r -o out --kernel-name b --layout oihw --skip-existing",
    "apply edge in/a.jpg in/p.png in/b.gif in/none.jpg -o 'out/{name}.jpg' --force",
    "apply edge in/moving.gif in/a.jpg --frame all -o 'out/{name}-{frame}.png'",
    f"run {BANK} in -r --maps each -o out --colormap viridis --scaling global",
    f"run {NETWORK} in -r --top 2 --labels four.txt",
    f"run {NETWORK} in -r --json",
    f"run {NETWORK} in/a.jpg in/deep.png --node all -o out/",
    "run gray,maxpool:10,flatten in -r -o out/ --format npy",
    f"why {NETWORK} in -r -o out --json",
)
EACH_TIME = {0, 1, 2, 3, 5, 7, 10}
"""Those that workers of a scheduler are tried on each time; processes of this machine, which take a second to start,
on the first."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of pictures that are not alike: kinds, depths, frames, a broken one."""
    folder = tmp_path_factory.mktemp("same") / "made"
    (folder / "in" / "within").mkdir(parents=True)
    for number, name in enumerate(("a.jpg", "p.png", "c.jpg", "d.png", "within/a.jpg", "within/e.webp")):
        Image.fromarray(np.roll(PHOTO, number, 1)).save(folder / "in" / name)
    Image.fromarray(PHOTO[..., 0].astype(np.uint16) * 256).save(folder / "in/deep.png")
    Image.fromarray(PHOTO).convert("P").save(folder / "in/b.gif")  # its edges need more colours, and become b.png
    Image.fromarray(PHOTO[::-1]).save(folder / "in/f.bmp")
    frames = [Image.fromarray(PHOTO[..., n]) for n in range(3)]
    frames[0].save(folder / "in/moving.gif", save_all=True, append_images=frames[1:])
    (folder / "in/broken.jpg").write_bytes((folder / "in/a.jpg").read_bytes()[:300])
    Image.fromarray(PHOTO[:6, :7]).save(folder / "in/small.tif")
    draw = np.random.default_rng(1)
    np.savez(folder / "k.npz", a=draw.normal(size=(1, 1, 3, 3)), b=draw.normal(size=(1, 1, 5, 5)))
    (folder / "four.txt").write_text("one\ntwo\nthree\nfour\n")
    (folder / "out").mkdir()
    (folder / "out/c-k.jpg").write_bytes(b"is there")
    return folder


@pytest.fixture(scope="module")
def tell(made):
    """Runs a line in a new folder with the pictures; what it has told and written."""

    def run(line, where, *options):
        folder = made.parent / where
        shutil.copytree(made, folder)
        result = run_process(*shlex.split(line), *options, cwd=folder)
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        shutil.rmtree(folder)
        return result.exit_code, SECONDS.sub("", result.out), SECONDS.sub("", result.err).splitlines(), files

    return run


@pytest.fixture(scope="module")
def here(tell):
    """What each line does without a cluster."""
    done = {}

    def run(line):
        if line not in done:
            done[line] = tell(line, "run")
        return done[line]

    return run


@pytest.fixture(scope="module")
def witness(tmp_path_factory):
    """A file that workers write into when they open a picture, by the `sitecustomize` of its folder."""
    folder = tmp_path_factory.mktemp("witness")
    (folder / "opened").touch()
    (folder / "sitecustomize.py").write_text(WITNESS.format(folder / "opened"))
    return folder / "opened"


@pytest.fixture(scope="module")
def address(witness):
    """That of a scheduler with two workers."""
    with cluster(2, environment={"PYTHONPATH": f"{witness.parent}{os.pathsep}{ROOT}"}) as made:
        yield made.address


def compare(expected, told):
    for mine, theirs in zip(told, expected, strict=True):
        assert mine == theirs


@pytest.mark.parametrize(
    "line", [pytest.param(line, marks=() if n in EACH_TIME else pytest.mark.slow) for n, line in enumerate(LINES)]
)
def test_workers_of_a_scheduler(line, tell, here, address, witness):
    expected = here(line)
    assert expected[0] in (0, 1), expected
    before = witness.read_text()
    compare(expected, tell(line, "run", "--cluster", address))
    assert "in/a.jpg" in witness.read_text().removeprefix(before), "nobody there has opened it"


@pytest.mark.parametrize(
    ("line", "count"),
    [
        pytest.param(line, count, marks=() if (number, count) == (0, 2) else pytest.mark.slow)
        for number, line in enumerate(LINES)
        for count in (1, 2)
    ],
)
def test_processes_of_this_machine(line, count, tell, here):
    compare(here(line), tell(line, "run", "--cluster", f"local:{count}"))
