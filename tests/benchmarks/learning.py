"""Learning: epochs beside PyTorch, pictures beside ConvNetJS, a kernel beside NumPy, and how soon training begins."""

import contextlib
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import cnnfilter
from cnnfilter.learning.beginning import begin
from cnnfilter.learning.data.arrays import given
from cnnfilter.learning.losses import loss
from cnnfilter.learning.network import Trainable
from cnnfilter.learning.random import ORDER, generator
from cnnfilter.learning.settings import MAX_EPOCHS, Settings
from cnnfilter.learning.training import LOSS, Figures
from cnnfilter.network.grammar import parse
from cnnfilter.pipeline import Pipeline
from tests.benchmarks import inputs
from tests.benchmarks.measure import Different, Measured, agree, alternate, calls, process, run_process
from tests.benchmarks.networks import torch_layers
from tests.benchmarks.peers import CONVNETJS, CORES, NODE_ENVIRONMENT, NODE_PROGRAM, TORCH, program, set_threads
from tests.benchmarks.processes import command, on_top
from tests.benchmarks.rows import Case, Target

NETWORKS = {
    "lenet-5": "conv:6@5x5:padding=2,tanh,avgpool:2,conv:16@5x5,tanh,avgpool:2,flatten,"
    "dense:120,tanh,dense:84,tanh,dense:10,softmax",
    "convnetjs": "conv:8@5x5:padding=2,relu,maxpool:2,conv:16@5x5:padding=2,relu,maxpool:3,flatten,dense:10,softmax",
    "mnist-cnn": "mnist-cnn",
}
"""What is trained on 28x28. The preset of LeNet-5 is for 32x32, and has a convolution, with which PyTorch is slower,
for the first dense layer."""

SIDE, CLASSES, BATCH, RATE = 28, 10, 64, 0.01
BLAS_THREADS = 1
"""As the command sets it: more of them spin on what its own threads need."""

TOLERANCE = 1e-5
"""Of losses, some 2.3, and of gradients, up to 0.02."""

KERNEL, KERNEL_SIDE = "gaussian:sigma=3:size=15", 15
KERNEL_TOLERANCE = 1e-6
FIRST_USE_LIMIT = 5.0
"""Seconds of the processors, on top of those of a later run."""

LEAST_SQUARES, CONVNETJS_SCRIPT = (Path(__file__).with_name(name) for name in ("least_squares.py", "convnetjs.js"))


def _pictures(count):
    """So many pieces of a photograph, and how bright each is as one of as many classes as there are digits."""
    pixels = inputs.pieces(count, SIDE)
    return pixels, pixels.mean(axis=(1, 2)).argsort().argsort() * CLASSES // count


def _learner(text, count):
    """What `cnnfilter train` trains, on all cores, without anything held back."""
    settings = Settings(epochs=MAX_EPOCHS, batch=BATCH, rate=RATE, optimizer="sgd", fraction=0.0)
    begun = begin(
        parse(text), given(*_pictures(count)), settings, memory=10**9, threads=CORES, progress=lambda done, total: None
    )
    return begun.learner


def _epochs(learning):
    """What trains for an epoch, and gives the mean loss so far after each of its batches."""
    each = learning.epochs()

    def run():
        losses = np.array([step.loss for step in itertools.takewhile(lambda told: not isinstance(told, Figures), each)])
        if learning.problem is not None:
            raise Different(learning.problem)
        return losses

    return run


def _torch_epochs(learning):
    """The same by PyTorch: it begins with the same numbers, and takes the same batches."""
    import torch
    from torch.nn import functional

    network, part, settings = learning.net.network, learning.parts.training, learning.settings
    stages = {name: f"stage{number + 1}" for number, name in network.names().items()}
    weights = {}
    for name, value in learning.net.parameters.items():
        node, _, role = name.rpartition(".")
        weights[f"{stages[node]}.{role}"] = value
    layers = torch_layers(Pipeline(network), weights, part.prepared.shape).train()
    optimiser = torch.optim.SGD(layers.parameters(), lr=settings.rate)
    pictures, classes = torch.from_numpy(part.prepared.maps(part.numbers)), torch.from_numpy(part.classes)
    count = itertools.count()

    def run():
        order = torch.from_numpy(generator(settings.seed, ORDER, next(count)).permutation(part.numbers))
        losses, total, right, done = [], 0.0, 0, 0
        for numbers in order.split(settings.batch):
            optimiser.zero_grad()
            scores, wanted = layers(pictures[numbers]), classes[numbers]
            value = functional.cross_entropy(scores, wanted)
            value.backward()
            optimiser.step()
            done += len(numbers)
            total += value.item() * len(numbers)
            right += int((scores.argmax(1) == wanted).sum())
            losses.append(total / done)
        return np.array(losses)

    return run


def _epoch(name):
    def measure(setting):
        learning = _learner(NETWORKS[name], setting.pictures)
        theirs, ours = _torch_epochs(learning), _epochs(learning)
        set_threads(CORES, blas=BLAS_THREADS)
        agree(ours(), theirs(), TOLERANCE)
        return alternate(calls(ours), calls(theirs), setting)

    return (Case(f"{CORES}t", measure),)


def _as_convnetjs(numbers):
    """Weights and biases of our stages, by turns, in the order of ConvNetJS: each filter, then the biases."""
    numbers, maps = list(numbers.values()), (1, 8, 16)  # of what each stage reads
    ordered = []
    for weight, bias, channels in zip(numbers[::2], numbers[1::2], maps, strict=True):
        filters = weight.reshape(len(weight), channels, -1).swapaxes(1, 2)
        ordered += [*filters.reshape(len(weight), -1), bias]
    return ordered


@contextlib.contextmanager
def _convnetjs(folder, maps, classes, parameters):
    """What lets ConvNetJS, in Node, go through pictures once, and gives loss, gradients and seconds a picture."""
    path = folder / "convnetjs.json"
    told = {"pictures": maps.reshape(len(maps), -1), "classes": classes, "parameters": _as_convnetjs(parameters)}
    path.write_text(json.dumps(told, default=lambda value: value.tolist()))
    arguments, environment = [program(*NODE_PROGRAM)[0], CONVNETJS_SCRIPT, path], {**os.environ, **NODE_ENVIRONMENT}
    with subprocess.Popen(arguments, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node:

        def run():
            node.stdin.write("\n")
            node.stdin.flush()
            if not (line := node.stdout.readline()):
                msg = "Node ended"
                raise Different(msg)
            return json.loads(line)

        yield run


def _gradients(threads):
    def measure(setting):
        learning = _learner(NETWORKS["convnetjs"], BATCH)
        net, part = Trainable(learning.net.network, (SIDE, SIDE, 1), threads=threads), learning.parts.training
        maps, classes = part.prepared.maps(part.numbers), part.classes
        set_threads(threads, blas=BLAS_THREADS)

        def ours():
            value, delta = loss(LOSS, net.forward(maps, training=True), classes)
            return value, net.backward(delta)[0]

        with _convnetjs(setting.folder, maps, classes, net.parameters) as theirs:
            (value, found), told = ours(), theirs()
            agree(np.array(value), np.array(told["loss"]), TOLERANCE)
            for one, other in zip(_as_convnetjs(found), told["gradients"], strict=True):
                agree(one, np.array(other), TOLERANCE)
            whole = calls(ours)
            return alternate(lambda: whole() / BATCH, lambda: theirs()["seconds"], setting)

    return Case(f"{threads}t", measure)


def _kernel_commands(held, setting):
    """How a kernel is learned from a photograph and what a kernel made of it, here and with NumPy; and the results."""
    photograph = inputs.photograph(*inputs.size_of(setting.megapixels))
    before = inputs.save(setting.folder / "before.png", photograph)
    after = inputs.save(setting.folder / "after.png", cnnfilter.apply(photograph, KERNEL))
    results = [setting.folder / f"kernel-{who}.json" for who in ("ours", "theirs")]
    ours = [*command(), "learn", before, after, "--size", KERNEL_SIDE, "--output", results[0], "--force"]
    return ours, [sys.executable, LEAST_SQUARES, before, after, KERNEL_SIDE, results[1], held], results


def _agree_on_kernel(results):
    ours, theirs = (json.loads(path.read_text()) for path in results)
    for name in ("weight", "bias"):
        agree(np.array(ours[name]), np.array(theirs[name]), KERNEL_TOLERANCE)


def _learn(setting):
    *commands, results = _kernel_commands("some", setting)
    sides = [process(each) for each in commands]
    _agree_on_kernel(results)
    return alternate(*sides, setting)


def _learn_memory(setting):
    ours, theirs, results = _kernel_commands("at-once", setting)
    peak = max(run_process(ours)["peak"] for _ in range(setting.runs))
    measured = Measured(peak, run_process(theirs)["peak"])
    _agree_on_kernel(results)
    return measured


def _train(name, setting):
    """The command that trains for one batch."""
    data = setting.folder / "pictures.npz"
    if not data.exists():
        pictures, classes = _pictures(BATCH)
        np.savez(data, x_train=pictures, y_train=classes)
    options = ["--epochs", "1", "--batch", BATCH, "--validation", "0", "--optimizer", "sgd", "--force", "--quiet"]
    return [*command(), "train", NETWORKS[name], data, "-o", setting.folder / f"{name}.npz", *options]


def _start(name):
    def measure(setting):
        torch = [sys.executable, "-c", "import torch"]
        return alternate(process(_train(name, setting)), process(torch), setting)

    return Case(name, measure)


def _first_use(name):
    return Case(name, lambda setting: Measured(on_top(_train(name, setting), setting), FIRST_USE_LIMIT))


def _first_learn(setting):
    return Measured(on_top(_kernel_commands("some", setting)[0], setting), FIRST_USE_LIMIT)


EPOCH = "28x28, batch 64, SGD, all cores"
LEARN = "learn --size 15 from a grey pair of 12 megapixels, whole process"

TARGETS = (
    Target("epoch-lenet-5", f"an epoch of LeNet-5, {EPOCH}", "PyTorch", 2.0, _epoch("lenet-5"), (TORCH,)),
    Target(
        "epoch-convnetjs", f"an epoch of ConvNetJS's network, {EPOCH}", "PyTorch", 2.0, _epoch("convnetjs"), (TORCH,)
    ),
    Target("epoch-mnist-cnn", f"an epoch of mnist-cnn, {EPOCH}", "PyTorch", 1.2, _epoch("mnist-cnn"), (TORCH,)),
    Target(
        "gradients",
        "ConvNetJS's network forward and backward, seconds a picture",
        "ConvNetJS in Node",
        20.0,
        tuple(_gradients(threads) for threads in (1, 2)),
        (CONVNETJS,),
    ),
    Target("learn", LEARN, "NumPy's lstsq, windows of 32 rows", 5.0, (Case("gaussian", _learn),)),
    Target(
        "learn-memory",
        "the same, peak memory",
        "NumPy's lstsq, all windows at once",
        5.0,
        (Case("gaussian", _learn_memory),),
        unit="B",
    ),
    Target(
        "train-start",
        "train, whole process of one batch, warm cache",
        "Python importing torch",
        3.0,
        tuple(map(_start, NETWORKS)),
        (TORCH,),
    ),
    Target(
        "train-first-use",
        "first use of train and learn (cold cache), processor seconds on top",
        "limit",
        1.0,
        (*map(_first_use, NETWORKS), Case("learn", _first_learn)),
    ),
)
