"""Chains of stages beside the same layers of PyTorch."""

import numpy as np

from cnnfilter.network.presets import PRESETS
from cnnfilter.network.stages import Activation, Conv, Dense, Flatten, Pool, Softmax
from cnnfilter.pipeline import Pipeline
from tests.benchmarks import inputs
from tests.benchmarks.measure import agree, alternate, calls
from tests.benchmarks.peers import TORCH, set_threads
from tests.benchmarks.rows import Case, Target

TOLERANCE = 1e-3
"""Of the largest value."""


def with_weights(text, shape, folder):
    """A chain whose sizes are made random weights, saved in `folder`, and these by stage number."""
    generator = np.random.default_rng(0)
    weights, stages = {}, []
    for number, row in enumerate(Pipeline.parse(text).plan(shape), 1):
        stage, described = row.stage, str(row.stage)
        file = f"weights.npz:name=stage{number}"
        if isinstance(stage, Conv) and stage.sizes is not None:
            count, window = stage.sizes
            size, sizes = (count, row.input[2], *window), f"{count}@{window[0]}x{window[1]}"
            file += ":layout=oihw"
        elif isinstance(stage, Dense):
            size, sizes = (stage.units, row.input[0]), str(stage.units)
        else:
            stages.append(described)
            continue
        spread = (2 / np.prod(size[1:])) ** 0.5  # He et al. 2015: values neither grow nor vanish on their way
        weights[f"stage{number}.weight"] = generator.normal(0, spread, size).astype(np.float32)
        weights[f"stage{number}.bias"] = generator.normal(0, 0.1, size[0]).astype(np.float32)
        stages.append(described.replace(sizes, file, 1))
    if weights:
        np.savez(folder / "weights.npz", **weights)
    chain = Pipeline.parse(",".join(stages), base=folder)
    chain.load_weights()
    return chain, weights


def torch_layers(chain, weights, shape):
    """The layers of PyTorch for a chain and its weights."""
    import torch
    from torch import nn

    def with_values(layer, weight, bias):
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weight))
            if bias is not None:
                layer.bias.copy_(torch.from_numpy(bias))
        return layer

    layers = []
    for number, row in enumerate(chain.plan(shape), 1):
        stage = row.stage
        weight, bias = weights.get(f"stage{number}.weight"), weights.get(f"stage{number}.bias")
        if isinstance(stage, Conv):
            if weight is None:  # a named kernel
                weight = stage.kernels[0].weights[None, None]
            (top, _), (left, _) = stage.sliding(row.input).pads
            options = {"stride": stage.stride, "padding": (top, left), "bias": bias is not None}
            layer = nn.Conv2d(row.input[2], len(weight), weight.shape[2:], **options)
            layers.append(with_values(layer, weight, bias))
        elif isinstance(stage, Dense):
            layers.append(with_values(nn.Linear(row.input[0], row.output[0]), weight, bias))
        elif isinstance(stage, Pool):
            layers.append({"max": nn.MaxPool2d, "avg": nn.AvgPool2d}[stage.kind](stage.window))
        elif isinstance(stage, Activation):
            layers.append({"relu": nn.ReLU, "tanh": nn.Tanh}[stage.function]())
        else:
            layers.append({Flatten: nn.Flatten, Softmax: lambda: nn.Softmax(1)}[type(stage)]())
    return nn.Sequential(*layers).eval()


def _case(name, text, shape, threads):
    """Compare a chain over a photograph: of `shape` (H, W, C) as floats, or of the setting's size as 8-bit grey."""

    def measure(setting):
        import torch

        if shape is None:
            given = inputs.photograph(*inputs.size_of(setting.megapixels))
            maps = given[None].astype(np.float32)
        else:
            pixels = inputs.photograph(*shape[:2], 1 if shape[2] == 1 else 3)
            maps = np.ascontiguousarray(pixels.reshape(*shape[:2], -1).transpose(2, 0, 1), dtype=np.float32)
            repeats = -(-shape[2] // len(maps))
            given = maps = np.concatenate([np.roll(maps, n, axis=2) for n in range(repeats)])[: shape[2]] / 255
        size = (*maps.shape[1:], len(maps))
        chain, weights = with_weights(text, size, setting.folder)
        layers = torch_layers(chain, weights, size)
        tensor = torch.from_numpy(maps)[None]
        set_threads(threads)
        with torch.inference_mode():
            expected = layers(tensor)[0].numpy()
            agree(chain.run(given, threads=threads), expected, TOLERANCE * float(np.abs(expected).max()))
            return alternate(
                calls(lambda: chain.run(given, threads=threads)),
                calls(lambda: layers(tensor)),
                setting,
            )

    return Case(f"{name}-{threads}t", measure)


def _cases(name, text, shape):
    return tuple(_case(name, text, shape, threads) for threads in (1, 2))


TARGETS = (
    Target(
        "fused",
        "conv, ReLU, 2x2 max on grey",
        "PyTorch",
        100.0,
        _cases("edge-relu-max", "conv:edge,relu,maxpool:2", None),
        (TORCH,),
    ),
    Target(
        "bank-3-64",
        "bank 3 to 64, 3x3, 224 squared, with ReLU",
        "PyTorch",
        5.0,
        _cases("3-to-64", "conv:64@3x3:padding=1,relu", (224, 224, 3)),
        (TORCH,),
    ),
    Target(
        "bank-64-64",
        "bank 64 to 64, 3x3, 112 squared, with ReLU",
        "PyTorch",
        1.5,
        _cases("64-to-64", "conv:64@3x3:padding=1,relu", (112, 112, 64)),
        (TORCH,),
    ),
    Target(
        "bank-7x7",
        "bank 3 to 64, 7x7, stride 2, 224 squared",
        "PyTorch",
        1.2,
        _cases("3-to-64", "conv:64@7x7:stride=2:padding=3", (224, 224, 3)),
        (TORCH,),
    ),
    Target(
        "networks",
        "LeNet-5, tiny-vgg and the course's CNN, one picture",
        "PyTorch",
        1.0,
        tuple(
            case
            for name in ("lenet-5", "tiny-vgg", "mnist-cnn")
            for case in _cases(name, PRESETS[name].text, PRESETS[name].size)
        ),
        (TORCH,),
    ),
)
