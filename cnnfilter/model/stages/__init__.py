"""What a chain is made of: frozen stages that know their output's size, and what they cost, without a pixel.

Sizes are tuples of whole numbers: `(H, W, C)` for maps, `(n,)` for a vector. A stage's text, `str(stage)`, is
read back by `cnnfilter.model.grammar`.
"""

from cnnfilter.model.stages.base import Sliding, Stage
from cnnfilter.model.stages.convolution import Conv
from cnnfilter.model.stages.dense import Dense, Flatten
from cnnfilter.model.stages.pointwise import (
    Absolute,
    Activation,
    Gray,
    Magnitude,
    Normalize,
    Softmax,
)
from cnnfilter.model.stages.pooling import GlobalAveragePool, Pool
from cnnfilter.model.stages.text import Shape
from cnnfilter.model.stages.weight_file import WeightFile

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
