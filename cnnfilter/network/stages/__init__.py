"""What a chain is made of: frozen stages that know their output's size, and what they cost, without a pixel.

Sizes are tuples of whole numbers: `(H, W, C)` for maps, `(n,)` for a vector. A stage's text, `str(stage)`, is
read back by `cnnfilter.network.grammar`.
"""

from cnnfilter.network.stages.base import Sliding, Stage
from cnnfilter.network.stages.convolution import Conv
from cnnfilter.network.stages.dense import Dense, Flatten
from cnnfilter.network.stages.pointwise import (
    Absolute,
    Activation,
    Gray,
    Magnitude,
    Normalize,
    Softmax,
)
from cnnfilter.network.stages.pooling import GlobalAveragePool, Pool
from cnnfilter.network.stages.text import Shape
from cnnfilter.network.stages.weight_file import WeightFile

__all__ = [
    "Absolute",
    "Activation",
    "Conv",
    "Dense",
    "Flatten",
    "GlobalAveragePool",
    "Gray",
    "Magnitude",
    "Normalize",
    "Pool",
    "Shape",
    "Sliding",
    "Softmax",
    "Stage",
    "WeightFile",
]
