"""Imports are a promise: which room may use which, and what a command loads."""

import ast
import functools
import graphlib
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.command import ROOT

PACKAGE = ROOT / "cnnfilter"

ROOMS = (
    "cli",
    "training",
    "picture",
    "cluster",
    "batch",
    "results",
    "pipeline",
    "page",
    "drawing",
    "typeset",
    "learning",
    "explanation",
    "running",
    "engine",
    "export",
    "models",
    "network",
    "weights",
    "kernels",
    "imaging",
    "writing",
    "runtime",
    "sizes",
    "npy",
    "text",
    "addresses",
    "messages",
    "errors",
)
"""The rooms from the top floor down: each imports only what stands below it."""
BELOW = {room: set(ROOMS[floor + 1 :]) for floor, room in enumerate(ROOMS)}
BELOW |= {"__main__": {"cli"}, "__init__": {*ROOMS} - {"cli"}}
"""What each room may import besides itself."""

FILES = sorted(PACKAGE.rglob("*.py"))


USED_PLUGINS = {"PIL.PpmImagePlugin", "PIL.MpoImagePlugin", "PIL.TiffImagePlugin"}  # to pack pixels; by that of JPEG
NETWORKS = {"fsspec", "s3fs", "aiohttp", "sshfs", "dask", "distributed", "asyncio"}
"""What only an address or a cluster needs."""
UNUSED = {
    "rich", "numba", "json", "shlex", "mimetypes", "multiprocessing", "concurrent.futures",
    "numpy.typing", "numpy.fft", "numpy.ma", "numpy.random", "numpy.polynomial", "numpy.testing",
    "cnnfilter.engine.reference", "cnnfilter.runtime.jit", "cnnfilter.runtime.compiler", "cnnfilter.engine.activations",
    "cnnfilter.pipeline", "cnnfilter.network.activations", "cnnfilter.network.stages", "cnnfilter.imaging.sheet",
    "cnnfilter.imaging.raw", "cnnfilter.imaging.size", "cnnfilter.results.chain", "cnnfilter.batch.survey",
}  # fmt: skip
"""What `apply` on a picture, with a kernel that has a name and loops that are stored, does without."""


def room_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def named(tree):
    """The full names that a module's text imports, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@functools.cache
def imported(path):
    """The full names that the module of a file imports."""
    return list(named(ast.parse(path.read_text(encoding="utf-8"))))


def test_every_room_has_its_place():
    assert {room_of(path) for path in FILES} == set(BELOW)


def test_a_room_imports_only_what_stands_below_it():
    for path in FILES:
        names = [name.split(".") for name in imported(path)]
        rooms = {name[1] for name in names if name[0] == "cnnfilter" and len(name) > 1}
        assert rooms - BELOW[room_of(path)] - {room_of(path)} == set(), path


def test_no_files_import_each_other_not_even_lazily():
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}
    graph = {}
    for module, path in modules.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                node.body = []
        names = {name if name in modules else name.rpartition(".")[0] for name in named(tree)}
        graph[module] = names & modules.keys() - {module, "cnnfilter"}
    graphlib.TopologicalSorter(graph).prepare()  # an error of its own names the circle


def test_networks_have_no_compiler_and_no_pictures():
    for path in FILES:
        if room_of(path) in ("kernels", "weights", "network", "models", "export", "sizes"):
            tops = {name.split(".")[0] for name in imported(path)}
            assert not tops & {"numba", "llvmlite", "PIL", "click", "rich"}, path


def test_a_figure_is_planned_and_written_as_text_without_pixels():
    for name in ("shapes", "letters", "svg", "blocks", "laying", "solids", "diagram"):
        names = imported(PACKAGE / "drawing" / f"{name}.py")
        assert not {each.split(".")[0] for each in names} & {"numpy", "PIL"}, name


def test_no_language_of_programs_knows_another():
    languages = sorted((PACKAGE / "export").glob("as_*.py"))
    assert len(languages) == 3
    for path in languages:
        names = imported(path)
        assert not [name for name in names if name.startswith("cnnfilter.export.as_")], path


def test_only_the_command_line_knows_click_and_rich():
    for path in FILES:
        if room_of(path) != "cli":
            tops = {name.split(".")[0] for name in imported(path)}
            assert not tops & {"click", "rich"}, path


def modules(*arguments, **environment):
    """The modules that a fresh Python imports."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}  # it imports much
    result = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        capture_output=True, text=True, cwd=ROOT, env={**own, **environment},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


def loaded(*arguments):
    """The top-level names that a fresh Python imports."""
    return {name.split(".")[0] for name in modules(*arguments)}


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["-c", "import cnnfilter"], {"numpy", "numba", "llvmlite", "PIL", "click", "rich"}),
        (["-m", "cnnfilter", "--help"], {"numpy", "numba", "llvmlite", "PIL", "rich"}),
        (["-m", "cnnfilter", "apply", "--help"], {"numpy", "numba", "llvmlite", "PIL", "rich"}),
        (["-m", "cnnfilter", "run", "--help"], {"numpy", "numba", "llvmlite", "PIL", "rich"}),
        (["-m", "cnnfilter", "--version"], {"numpy", "numba", "llvmlite", "PIL", "rich"}),
        (["-m", "cnnfilter", "kernels"], {"numpy", "numba", "llvmlite", "PIL"}),
        (["-m", "cnnfilter", "loss", "softmax", "1,2"], {"numpy", "numba", "llvmlite", "PIL", "rich"}),
        (["-m", "cnnfilter", "networks"], {"numpy", "numba", "llvmlite", "PIL", "rich"}),
        (["-m", "cnnfilter", "kernels", "--json"], {"numpy", "numba", "llvmlite", "PIL", "rich"}),
        (["-m", "cnnfilter", "kernels", "sobel"], {"numba", "llvmlite", "PIL", "rich"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_nothing_is_loaded_that_is_not_used(arguments, unwanted):
    names = loaded(*arguments)
    assert "cnnfilter" in names
    assert names & (unwanted | NETWORKS) == set()


@pytest.mark.parametrize("arguments", ["--help", "shape vgg-16", "shape 28 -k 3", "kernels sobel", "loss softmax 1,2"])
def test_nothing_of_addresses_is_loaded_where_none_is_named(arguments):
    found = modules("-m", "cnnfilter", *arguments.split())
    assert not [name for name in found if name.startswith("cnnfilter.addresses")]


def test_a_wrong_kernel_is_refused_before_the_compiler_is_loaded():
    code = "import sys; from cnnfilter.cli.main import main; sys.exit(main(['apply', 'no', 'samples']) - 2)"
    assert loaded("-c", code) & {"numba", "llvmlite", "PIL", "rich"} == set()


@pytest.mark.parametrize(
    ("sample", "plugin"), [("coffee.jpg", "PIL.JpegImagePlugin"), ("camera.png", "PIL.PngImagePlugin")]
)
def test_a_picture_is_filtered_with_the_few_modules_that_this_takes(tmp_path, sample, plugin):
    command = ["-m", "cnnfilter", "apply", "edge", f"samples/{sample}", "--output", str(tmp_path / sample), "--force"]
    names = [modules(*command, CNNFILTER_CACHE_DIR=str(tmp_path / "store")) for _ in range(2)][-1]
    assert {name for name in names if name.startswith("PIL.") and name.endswith("Plugin")} <= USED_PLUGINS | {plugin}
    assert names & (UNUSED | NETWORKS) == set()


def test_a_network_is_trained_on_arrays_with_the_few_modules_that_this_takes(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (20, 6, 6), np.uint8)
    np.savez(tmp_path / "data.npz", x=pictures, y=np.arange(20) % 2)
    stages = ["conv:2@3x3,relu,maxpool:2,flatten,dense:2", str(tmp_path / "data.npz")]
    command = ["-m", "cnnfilter", "train", *stages, "-o", str(tmp_path / "net.npz"), "--epochs", "1", "--force"]
    names = [modules(*command) for _ in range(2)][-1]
    assert "cnnfilter.learning.training" in names
    assert names & {"PIL", "numba", "rich", "numpy.ma", "cnnfilter.weights.state"} == set()
