"""The task that a worker makes of the command line is the command's: outputs are the same, byte for byte."""

import contextlib
import re
import shlex
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnfilter import Pipeline
from cnnfilter.addresses import copies
from cnnfilter.addresses.address import located
from cnnfilter.addresses.putting import put
from cnnfilter.cli.batch import Batch
from cnnfilter.cli.group import COMMANDS, cnnfilter
from cnnfilter.cli.rebuilding import task_of
from cnnfilter.errors import KernelError
from tests.command import PHOTO, ROOT, run, save

BANK = "gray,conv:sobel-x+sobel-y+laplacian"
VECTOR = "gray,maxpool:10,flatten"
NETWORK = "normalize,conv:3@3x3:padding=1:random=1:as=c,relu,globalavgpool,flatten,dense:4:random=2,softmax"
SCORES = NETWORK.removesuffix(",softmax")

LINES = (
    "apply edge photo.png",
    "apply edge photo.png --stride 2x1 --padding 1+2x0+3 --border constant=9 --dilation 2 -v",
    "apply k.npz photo.png --kernel-name b --layout oihw --true-convolution --scale l1 --bias 3 --range abs",
    "apply '-1 0 1; -2 0 2; -1 0 1' photo.png --range normalize --alpha filter",
    "apply edge photo.png deep.png --enlarge 3 --beside --quiet",
    "apply edge small.png --enlarge 40 --numbers",
    "apply edge -r folder -o out/ --force",
    "apply edge --files-from list.txt --depth float",
    "apply edge --files-from list0.txt -0 --format tiff --save-option compression=lzw --json",
    "apply edge photo.png --in-place",
    "apply edge photo.png grey.jpg --skip-existing --quality 70 --format jpeg -j 2 --threads 1 --memory 1G",
    "apply edge grey.jpg deep.png --strip privacy --preserve-times --depth 8 --max-bytes 2G",
    "apply edge moving.gif --frame all",
    "apply edge moving.gif --frame 1",
    "apply edge photo.png small.png --max-pixels 100",
    "apply edge photo.png -n",
    "apply edge photo.png -o '{dir}/{name}-x.npy' --show",
    f"run {BANK} photo.png grey.jpg",
    f"run {BANK} photo.png --maps each --colormap viridis --scaling global",
    f"run {BANK} photo.png --topk 2 --columns 1 --cell 60 --no-labels",
    f"run {BANK} photo.png --labels three.txt",
    f"run {BANK} photo.png --range center --maps each --enlarge 2 --beside -v",
    f"run {VECTOR} photo.png grey.jpg --top 3",
    f"run {VECTOR} photo.png --json",
    "run conv:3@3x3:random=1,globalavgpool photo.png --top 2",
    f"run {NETWORK} photo.png --labels four.txt --top 2",
    f"run {NETWORK} photo.png -o values.csv",
    f"run {NETWORK} photo.png --node all -o nodes/",
    f"run {NETWORK} photo.png --node c",
    f"run {NETWORK} photo.png --field 3,4 --node c",
    f"run {BANK} small.png --enlarge 40 --numbers --maps each",
    "run @stages.txt photo.png --depth float",
    "run net.npz photo.png --top 2",
    "run conv:memory://rebuilding/k.npz:name=a,relu photo.png",
    "run gray,conv:2@3x3:weights=state.npz:name=c photo.png",
    "apply memory://rebuilding/k.npz photo.png --kernel-name a --layout oihw",
    "why net.npz photo.png --class three",
    "run gray,resize:32x32,normalize,digits.onnx photo.png --top 2",
    "run gray,resize:32x32,normalize,digits.onnx photo.png --node layer1",
    "why gray,resize:32x32,normalize,digits.onnx photo.png --method saliency",
    "run gray,conv:gabor.pth,relu photo.png",
    "run gray,conv:gabor.safetensors,relu photo.png",
    "run conv:10@3x3:as=conv1:weights=pnet.pt,relu photo.png",
    "run gray,resize:5x6,plane.keras photo.png",
    "run gray,resize:5x6,plane.h5 photo.png",
    "apply unsharp.csv photo.png",
    "apply vertical-edges.json photo.png",
    f"why {NETWORK} photo.png grey.jpg --json",
    f"why {NETWORK} photo.png --class three --labels four.txt --method occlusion --window 9 --method saliency",
    f"why {SCORES} photo.png --method integrated-gradients --baseline mean -o why.npy",
    f"why {SCORES} photo.png --method grad-cam --node c",
    "why normalize,conv:3@3x3:random=1,relu,conv:2@3x3:random=2 photo.png --effective-field --at 3,4 --node 3",
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Makes a folder of that name with the inputs, and works in it."""

    def make(name):
        (tmp_path / name / "folder" / "within").mkdir(parents=True)
        monkeypatch.chdir(tmp_path / name)
        for picture in ("photo.png", "folder/a.png", "folder/within/b.png"):
            save(picture)
        save("small.png", PHOTO[:6, :7])
        save("grey.jpg", PHOTO[..., 1].copy())
        save("deep.png", PHOTO[..., 0].astype(np.uint16) * 256)
        frames = [Image.fromarray(PHOTO[..., n]) for n in range(3)]
        frames[0].save("moving.gif", save_all=True, append_images=frames[1:])
        draw = np.random.default_rng(1)
        np.savez("k.npz", a=draw.normal(size=(1, 1, 3, 3)), b=draw.normal(size=(1, 1, 5, 5)))
        (tmp_path / name / "list.txt").write_text("photo.png\nfolder/a.png\n")
        (tmp_path / name / "list0.txt").write_text("photo.png\0folder/a.png\0")
        (tmp_path / name / "three.txt").write_text("one\ntwo\nthree\n")
        (tmp_path / name / "four.txt").write_text("one\ntwo\nthree\nfour\n")
        (tmp_path / name / "stages.txt").write_text("gray\nconv:k.npz:name=a\nrelu\n")
        Pipeline.parse(NETWORK).save("net.npz", size=PHOTO.shape)
        shutil.copy("four.txt", "net.labels.txt")
        np.savez("state.npz", **{"c.weight": draw.normal(size=(2, 1, 3, 3)), "c.bias": np.ones(2)})
        for sample in SAMPLES:
            shutil.copy(ROOT / "samples" / sample, ".")
        with zipfile.ZipFile(ROOT / "tests" / "data" / "keras" / "networks.zip") as networks:
            networks.extractall(members=["plane.h5", "plane.keras"])
        return tmp_path / name

    return make


LIBRARIES = {"memory://": "fsspec", ".onnx": "onnx", ".safetensors": "safetensors", "plane.": "h5py"}
SAMPLES = (
    *(
        f"kernels/{name}"
        for name in ("gabor.pth", "gabor.safetensors", "pnet.pt", "unsharp.csv", "vertical-edges.json")
    ),
    "digits/digits.onnx",
    "digits/digits.labels.txt",
)
SENT = (
    "k.npz", "three.txt", "four.txt", "stages.txt", "net.npz", "net.labels.txt", "state.npz",
    "plane.h5", "plane.keras", *(Path(name).name for name in SAMPLES),
)  # fmt: skip
"""Files that a worker has only as it was sent them."""


def told(result, folder):
    """What a run has told and written; seconds differ."""
    seconds = re.compile(r'\d+\.\d\d s|"seconds": [\d.]+')
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name not in SENT]
    files = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
    return result.exit_code, seconds.sub("", result.out), seconds.sub("", result.err), files


@contextlib.contextmanager
def elsewhere(worker, client):
    """Another folder, as a worker has, with the files that the client has read, under other names and nowhere else."""
    held = {}
    for number, (name, path) in enumerate(copies.read_files().items()):
        held[name] = worker / str(number) / path.name
        held[name].parent.mkdir(parents=True)
        held[name].write_bytes(path.read_bytes())
    for name in SENT:
        (client / name).unlink()
    copies.remove_all()
    copies.hold(held)
    with contextlib.chdir(worker.parent):
        yield
    copies.remove_all()


@pytest.mark.parametrize("line", LINES)
def test_outputs_are_those_of_the_command(folder, tmp_path, monkeypatch, line):
    arguments = shlex.split(line)
    where = folder("here")
    for part, library in LIBRARIES.items():
        if part in line:
            pytest.importorskip(library)
    if "memory://" in line:
        put(located("memory://rebuilding/k.npz"), Path("k.npz").read_bytes(), overwrite=True)
    expected = told(run(*arguments), where)
    assert expected[0] == ("max-pixels" in line), expected
    carry_out = Batch.carry_out
    made = []

    def rebuilt(batch, task, counts=None):
        with elsewhere(tmp_path / "worker", where):
            again, limits = task_of(arguments, batch.size)
        made.append(again)
        assert limits == batch.limits
        assert type(again) is type(task)
        return carry_out(batch, again, counts)

    monkeypatch.setattr(Batch, "carry_out", rebuilt)
    where = folder("there")
    assert told(run(*arguments), where) == expected
    assert len(made) == 1


def test_every_option_is_in_a_line():
    context = cnnfilter.make_context("cnnfilter", ["apply", "--help"], resilient_parsing=True)
    given = {name: {word.partition("=")[0] for line in LINES if line.startswith(name) for word in shlex.split(line)}
             for name in COMMANDS}  # fmt: skip
    everywhere = set.union(*given.values())
    for name in ("apply", "run", "why"):
        for option in cnnfilter.get_command(context, name).params:
            names = {each for each in option.opts if each.startswith("-")}
            own = everywhere if option.name in Batch.__dataclass_fields__ else given[name]
            assert not names or option.name == "cluster" or own & names, (name, option.opts)


def test_nobody_is_told_anything_again(folder, capsys, recwarn):
    folder("here")
    np.savez("two.npz", weight=np.ones((1, 1, 3, 3)), other=np.ones(7))
    task_of(["run", f"{NETWORK},flatten", "photo.png", "--node", "all", "-v"], None)
    assert capsys.readouterr() == ("", "")
    assert not recwarn


def test_what_is_missing_is_the_same_error(folder):
    folder("here")
    with pytest.raises(KernelError, match=r"none\.npz"):
        task_of(["apply", "none.npz", "photo.png"], None)
