"""Published networks, of random weights, beside torchvision's and the same files in ONNX Runtime."""

import functools
import subprocess
import sys
from pathlib import Path

import numpy as np

import cnnfilter
from cnnfilter.pipeline import Pipeline
from tests.benchmarks import inputs
from tests.benchmarks.measure import Different, Measured, agree, alternate, calls, process, run_process
from tests.benchmarks.peers import ONNX, ONNXRUNTIME, TORCH, TORCHVISION, set_threads
from tests.benchmarks.processes import command
from tests.benchmarks.rows import Case, Target

TOLERANCE = 1e-4
"""Of the largest value."""

SIZE = 224
TORCHVISION_NAMES = {
    "resnet-18": "resnet18",
    "resnet-50": "resnet50",
    "vgg-16": "vgg16",
    "mobilenet-v2": "mobilenet_v2",
    "squeezenet-1.1": "squeezenet1_1",
}
CLASSIFY = Path(__file__).with_name("classify.py")
WEIGHTS = {"resnet-50": 4 * 25_557_032}
"""Bytes of the parameters."""


@functools.cache
def _module(name):
    """A network of torchvision's, its weights drawn as that does."""
    import torch
    import torchvision

    torch.manual_seed(0)
    return getattr(torchvision.models, TORCHVISION_NAMES[name])().eval()


def state_dict(name, folder):
    """A file of the weights, saved once."""
    import torch

    path = folder / f"{name}.pth"
    if not path.exists():
        torch.save(_module(name).state_dict(), path)
    return path


def onnx_file(name, folder):
    """The network as an ONNX file, exported once, in a process of its own: it prints, and warns."""
    path = folder / f"{name}.onnx"
    if not path.exists():
        told = subprocess.run(
            [sys.executable, CLASSIFY, "export", TORCHVISION_NAMES[name], state_dict(name, folder), path],
            capture_output=True,
            text=True,
            check=False,
        )
        if told.returncode != 0:
            msg = f"export failed: {told.stderr.strip().splitlines()[-1]}"
            raise Different(msg)
    return path


def given():
    """A photograph as networks take it, (3, 224, 224) float32."""
    pixels = inputs.photograph(SIZE, SIZE, 3).transpose(2, 0, 1)
    return np.ascontiguousarray(pixels, dtype=np.float32) / 255 - np.float32(0.5)


def _with_torch(name, maps, threads, folder):
    import torch

    tensor, module = torch.from_numpy(maps)[None], _module(name)

    def run():
        with torch.inference_mode():
            return module(tensor)[0].numpy()

    return run


def _with_onnxruntime(name, maps, threads, folder):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(onnx_file(name, folder)), options)
    feed = {session.get_inputs()[0].name: maps[None]}
    return lambda: session.run(None, feed)[0][0]


def _case(name, peer, threads):
    def measure(setting):
        maps = given()
        theirs = peer(name, maps, threads, setting.folder)
        pipeline = Pipeline.parse(f"{name}:weights={state_dict(name, setting.folder)}")
        set_threads(threads)
        expected = theirs()
        agree(pipeline.run(maps, threads=threads), expected, TOLERANCE * float(np.abs(expected).max()))
        return alternate(calls(lambda: pipeline.run(maps, threads=threads)), calls(theirs), setting)

    return Case(f"{name}-{threads}t", measure)


def _cases(peer, *names):
    return tuple(_case(name, peer, threads) for name in names for threads in (1, 2))


BANKS = {"64-to-64": (64, 64, 3, 1, 112), "3-to-64": (64, 3, 7, 2, 224)}
"""Filters, channels, side, stride and the source's side."""


def _functions(name, threads):
    def measure(setting):
        import torch
        from torch.nn import functional

        outputs, channels, side, stride, size = BANKS[name]
        rng = np.random.default_rng(0)
        x = rng.normal(size=(channels, size, size)).astype(np.float32)
        weight = rng.normal(0, 0.1, (outputs, channels, side, side)).astype(np.float32)
        bias, padding = rng.normal(size=outputs).astype(np.float32), side // 2
        tensors = [torch.from_numpy(each) for each in (x[None], weight, bias)]

        def ours():
            return cnnfilter.relu(cnnfilter.conv2d(x, weight, bias, stride=stride, padding=padding, threads=threads))

        def theirs():
            with torch.inference_mode():
                return functional.relu(functional.conv2d(*tensors, stride=stride, padding=padding))

        set_threads(threads)
        expected = theirs()[0].numpy()
        agree(ours(), expected, TOLERANCE * float(np.abs(expected).max()))
        return alternate(calls(ours), calls(theirs), setting)

    return Case(f"{name}-{threads}t", measure)


def _top(peer):
    def measure(setting):
        network = onnx_file("resnet-18", setting.folder)
        photo = inputs.save(setting.folder / "photo.jpg", inputs.photograph(480, 640, 3))
        chain = f"resize:256,crop:224,normalize:imagenet,{network}"
        ours = process([*command(), "run", chain, photo, "--top", "5"])
        return alternate(ours, process([sys.executable, CLASSIFY, peer, network, photo]), setting)

    return Case("resnet-18", measure)


def _peaks(setting):
    """Peaks of memory above the weights, of processes that run the same file once."""
    network = onnx_file("resnet-50", setting.folder)
    photo = inputs.save(setting.folder / "photo.jpg", inputs.photograph(480, 640, 3))
    chain = f"resize:256,crop:224,normalize:imagenet,{network}"
    sides = [*command(), "run", chain, photo, "--top", "5"], [sys.executable, CLASSIFY, "onnxruntime", network, photo]
    peaks = (max(run_process(side)["peak"] for _ in range(setting.runs)) for side in sides)
    return Measured(*(peak - WEIGHTS["resnet-50"] for peak in peaks))


ONE_PICTURE = "one picture of 224 squared"
AS_FILE = (TORCH, TORCHVISION, ONNX, ONNXRUNTIME)

TARGETS = (
    Target(
        "large-torch",
        f"ResNet-18, ResNet-50, VGG-16, {ONE_PICTURE}",
        "PyTorch",
        1.2,
        _cases(_with_torch, "resnet-18", "resnet-50", "vgg-16"),
        (TORCH, TORCHVISION),
    ),
    Target(
        "large-onnxruntime",
        f"ResNet-18, VGG-16, {ONE_PICTURE}",
        "ONNX Runtime",
        1.0,
        _cases(_with_onnxruntime, "resnet-18", "vgg-16"),
        AS_FILE,
    ),
    Target(
        "resnet-50-onnxruntime",
        f"ResNet-50, {ONE_PICTURE}",
        "ONNX Runtime",
        0.8,
        _cases(_with_onnxruntime, "resnet-50"),
        AS_FILE,
    ),
    Target(
        "small-torch",
        f"MobileNet-v2, SqueezeNet-1.1, {ONE_PICTURE}",
        "PyTorch",
        2.0,
        _cases(_with_torch, "mobilenet-v2", "squeezenet-1.1"),
        (TORCH, TORCHVISION),
    ),
    Target(
        "small-onnxruntime",
        f"MobileNet-v2, SqueezeNet-1.1, {ONE_PICTURE}",
        "ONNX Runtime",
        0.6,
        _cases(_with_onnxruntime, "mobilenet-v2", "squeezenet-1.1"),
        AS_FILE,
    ),
    Target(
        "functions",
        "relu(conv2d(x, w, b)) of banks, one after the other",
        "PyTorch's functions",
        1.2,
        tuple(_functions(name, threads) for name in BANKS for threads in (1, 2)),
        (TORCH,),
    ),
    Target(
        "top-onnxruntime",
        "run an .onnx of ResNet-18 to its top 5, whole process, warm cache",
        "Python with ONNX Runtime",
        0.8,
        (_top("onnxruntime"),),
        AS_FILE,
    ),
    Target(
        "top-torch",
        "the same",
        "Python with torch and torchvision",
        5.0,
        (_top("torch"),),
        AS_FILE,
    ),
    Target(
        "top-memory",
        "peak memory above the weights, run an .onnx of ResNet-50",
        "Python with ONNX Runtime",
        1.0,
        (Case("resnet-50", _peaks),),
        AS_FILE,
        unit="B",
    ),
)
