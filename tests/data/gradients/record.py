"""Records gradients that PyTorch computes, for `tests/learning/test_pytorch.py`; run with PyTorch and cnnfilter there.

`python -m tests.data.gradients.record` writes `cases.npz`: 2.14.1 on one thread, in float64, wrote what is there.
"""

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from cnnfilter.learning.network import Trainable
from cnnfilter.network.grammar import parse


def conv(pads=(0, 0, 0, 0), mode="constant", value=0.0, **options):
    """A convolution of what is padded left, right, above and below."""

    def run(x, p):
        return F.conv2d(
            F.pad(x, pads, mode, *[value] * (mode == "constant")), p["s.weight"], p.get("s.bias"), **options
        )

    return run


def transposed(**options):
    return lambda x, p: F.conv_transpose2d(x, p["s.weight"], p.get("s.bias"), **options)


def batch_norm(training):
    def run(x, p):
        mean, variance = p["s.running_mean"].clone(), p["s.running_var"].clone()
        result = F.batch_norm(x, mean, variance, p["s.weight"], p["s.bias"], training=training)
        run.measured = {"s.running_mean": mean, "s.running_var": variance}
        return result

    run.training = training
    return run


MAPS, VECTOR = (6, 5, 4), (6,)
CASES = {
    "conv:3@3x2:random=1": conv(),
    "conv:4@3x3:stride=2:padding=1:groups=2:bias=no:random=1": conv(stride=2, padding=1, groups=2),
    "conv:2@2x3:stride=3x2:padding=2x1:dilation=2x1:random=1": conv(stride=(3, 2), padding=(2, 1), dilation=(2, 1)),
    "conv:3@3x3:padding=1+2x0+3:border=constant=2:random=1": conv((0, 3, 1, 2), value=2.0),
    "conv:3@3x3:padding=2:border=reflect:stride=2:random=1": conv((2, 2, 2, 2), "reflect", stride=2),
    "conv:3@5x4:padding=3x2:border=replicate:random=1": conv((2, 2, 3, 3), "replicate"),
    "conv:3@3x3:padding=2x1:border=circular:stride=1x2:random=1": conv((1, 1, 2, 2), "circular", stride=(1, 2)),
    "conv:9@1x1:stride=3:random=1": conv(stride=3),
    "depthwise:2@3x3:padding=1:stride=2:random=1": conv(padding=1, stride=2, groups=4),
    "convtranspose:3@3x2:stride=2:random=1": transposed(stride=2),
    "convtranspose:4@3:stride=2x3:padding=1x0:output_padding=1x2:groups=2:random=1": transposed(
        stride=(2, 3), padding=(1, 0), output_padding=(1, 2), groups=2
    ),
    "convtranspose:2@3x2:dilation=2:padding=1:bias=no:random=1": transposed(dilation=2, padding=1),
    "maxpool:2": lambda x, p: F.max_pool2d(x, 2),
    "maxpool:3:stride=2:padding=1:ceil_mode=yes": lambda x, p: F.max_pool2d(x, 3, 2, 1, ceil_mode=True),
    "maxpool:2x3:stride=1:dilation=2:padding=1x1": lambda x, p: F.max_pool2d(x, (2, 3), 1, 1, 2),
    "avgpool:3:stride=2:padding=1": lambda x, p: F.avg_pool2d(x, 3, 2, 1),
    "avgpool:3:stride=2:padding=1:ceil_mode=yes:count_include_pad=no": lambda x, p: F.avg_pool2d(
        x, 3, 2, 1, ceil_mode=True, count_include_pad=False
    ),
    "avgpool:2x4:stride=3x2:padding=0x2:ceil_mode=yes": lambda x, p: F.avg_pool2d(
        x, (2, 4), (3, 2), (0, 2), ceil_mode=True
    ),
    "globalavgpool": lambda x, p: x.mean((2, 3), keepdim=True),
    "globalmaxpool": lambda x, p: F.adaptive_max_pool2d(x, 1),
    "batchnorm:random=1": batch_norm(False),
    "batchnorm:epsilon=1e-5:random=1": batch_norm(True),
    "prelu:random=1": lambda x, p: F.prelu(x, p["s.weight"]),
    "prelu:shared=yes:random=1": lambda x, p: F.prelu(x, p["s.weight"]),
    "lrn:size=3:alpha=0.5": lambda x, p: F.local_response_norm(x, 3, 0.5),
    "shuffle:2": lambda x, p: F.channel_shuffle(x, 2),
    "upsample:2x3:mode=bilinear": lambda x, p: F.interpolate(x, scale_factor=(2, 3), mode="bilinear"),
    "upsample:size=9x4": lambda x, p: F.interpolate(x, size=(9, 4)),
    "softmax": lambda x, p: F.softmax(x, 1),
    "flatten": lambda x, p: x.flatten(1),
    "abs": lambda x, p: x.abs(),
    "relu": lambda x, p: F.relu(x),
    "relu6": lambda x, p: F.relu6(x),
    "clip:min=-1": lambda x, p: x.clamp(min=-1),
    "clip:max=1": lambda x, p: x.clamp(max=1),
    "clip:min=-1:max=0.5": lambda x, p: x.clamp(-1, 0.5),
    "leaky_relu:0.1": lambda x, p: F.leaky_relu(x, 0.1),
    "elu:0.7": lambda x, p: F.elu(x, 0.7),
    "selu": lambda x, p: F.selu(x),
    "sigmoid": lambda x, p: F.sigmoid(x),
    "tanh": lambda x, p: F.tanh(x),
    "softplus": lambda x, p: F.softplus(x),
    "swish": lambda x, p: F.silu(x),
    "hardsigmoid": lambda x, p: F.hardsigmoid(x),
    "hardswish": lambda x, p: F.hardswish(x),
    "gelu": lambda x, p: F.gelu(x),
    "gelu:tanh": lambda x, p: F.gelu(x, approximate="tanh"),
}
VECTORS = {
    "dense:5:random=1": lambda x, p: F.linear(x, p["s.weight"], p["s.bias"]),
    "dense:3:bias=no:random=1": lambda x, p: F.linear(x, p["s.weight"]),
    "batchnorm:epsilon=1e-5:random=1": batch_norm(True),
}


def record():
    """Every case with PyTorch's results, by their place in the list."""
    torch.set_num_threads(1)
    random = np.random.default_rng(11)
    found, texts = {}, []
    for number, (text, run, shape) in enumerate(
        [*((t, f, MAPS) for t, f in CASES.items()), *((t, f, VECTOR) for t, f in VECTORS.items())]
    ):
        net = Trainable(parse(f"{text}:as=s"), shape)
        size = (2, shape[2], *shape[:2]) if len(shape) == 3 else (3, *shape)
        x = random.normal(scale=2, size=size).astype(np.float32)
        x.flat[::7] = np.rint(x.flat[::7])  # where some activations bend, and equal ones in windows
        numbers = {
            name: random.uniform(0.2, 1.2, each.shape).astype(np.float32) for name, each in net.parameters.items()
        }
        given = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        learned = {
            name: torch.tensor(value, dtype=torch.float64, requires_grad="running" not in name)
            for name, value in numbers.items()
        }
        result = run(given, learned)
        delta = random.normal(size=tuple(result.shape)).astype(np.float32)
        result.backward(torch.tensor(delta, dtype=torch.float64))
        arrays = {"x": x, "delta": delta, "result": result.detach(), "dx": given.grad, **numbers}
        arrays |= {f"gradient {name}": value.grad for name, value in learned.items() if value.requires_grad}
        if getattr(run, "training", False):
            arrays |= {f"measured {name}": value for name, value in run.measured.items()}
        found |= {f"{number} {name}": np.asarray(value, np.float32) for name, value in arrays.items()}
        texts.append(text)
    np.savez_compressed(Path(__file__).with_name("cases.npz"), texts=np.array(texts), **found)


if __name__ == "__main__":
    record()
