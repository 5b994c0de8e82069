"""Well-known networks as stage text. Dropout and local normalization, which change no size, are left out."""

from __future__ import annotations

from typing import NamedTuple

from cnnfilter.network.stages.text import Shape


class Preset(NamedTuple):
    """One network: its usual input, its stages, and where they stand."""

    size: Shape
    text: str
    source: str


def _vgg(*blocks: tuple[int, int]) -> str:
    """Blocks of (how many, filters) convolutions, each block with a pool after it."""
    stages = []
    for count, filters in blocks:
        stages += [f"conv:{filters}@3x3:padding=1", "relu"] * count + ["maxpool:2"]
    return ",".join(stages)


PRESETS: dict[str, Preset] = {
    "mnist-cnn": Preset(
        (28, 28, 1),
        "conv:32@3x3,relu,conv:64@3x3,relu,maxpool:2,flatten,dense:128,relu,dense:10,softmax",
        "the course; Keras's and PyTorch's MNIST example",
    ),
    "lenet-5": Preset(
        (32, 32, 1),
        "conv:6@5x5,tanh,avgpool:2,conv:16@5x5,tanh,avgpool:2,conv:120@5x5,tanh,flatten,dense:84,tanh,dense:10,softmax",
        "LeCun et al. 1998, as commonly rebuilt: plain average pools, all maps connected, softmax",
    ),
    "alexnet": Preset(
        (224, 224, 3),
        "conv:64@11x11:stride=4:padding=2,relu,maxpool:3:stride=2,"
        "conv:192@5x5:padding=2,relu,maxpool:3:stride=2,"
        "conv:384@3x3:padding=1,relu,conv:256@3x3:padding=1,relu,conv:256@3x3:padding=1,relu,"
        "maxpool:3:stride=2,flatten,dense:4096,relu,dense:4096,relu,dense:1000",
        "Krizhevsky 2014, as torchvision.models.alexnet",
    ),
    "vgg-16": Preset(
        (224, 224, 3),
        _vgg((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
        + ",flatten,dense:4096,relu,dense:4096,relu,dense:1000,softmax",
        "Simonyan & Zisserman 2014, configuration D",
    ),
    "tiny-vgg": Preset(
        (64, 64, 3),
        "conv:10@3x3,relu,conv:10@3x3,relu,maxpool:2,conv:10@3x3,relu,conv:10@3x3,relu,maxpool:2,"
        "flatten,dense:10,softmax",
        "Wang et al. 2020, CNN Explainer",
    ),
}
"""The networks by name."""
