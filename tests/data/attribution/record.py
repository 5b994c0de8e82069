"""Records Grad-CAM and integrated gradients that PyTorch computes, for `tests/learning/test_attribution.py`.

`python -m tests.data.attribution.record`, with PyTorch and cnnfilter, writes `cases.npz`: 2.14.1 in float64 wrote what
is there. The maps and their gradients are taken by hooks; integrated gradients are means at 4096 midpoints.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from cnnfilter.learning.network import Trainable
from cnnfilter.network.grammar import parse

HEAD = "globalavgpool,flatten,dense:6:random=3:as=d,softmax"
TEXTS = {
    "relu": "normalize,conv:4@3x3:padding=1:random=1:as=a,relu,maxpool:2,conv:5@3x3:random=2:as=b,"
    f"batchnorm:random=4:as=n,relu,{HEAD}",
    "tanh": f"normalize,conv:4@3x3:padding=1:random=1:as=a,tanh,avgpool:2,conv:5@3x3:random=2:as=b,tanh,{HEAD}",
}
TARGET, STEPS = 2, 4096


def module(name, parameters):
    """The network in PyTorch, without its softmax, and the layer whose maps Grad-CAM takes."""
    numbers = {role: torch.tensor(value, dtype=torch.float64) for role, value in parameters.items()}
    first, second, dense = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 5, 3), nn.Linear(5, 6)
    norm = [nn.BatchNorm2d(5)] if name == "relu" else []
    for layer, prefix in [(first, "a"), (second, "b"), (dense, "d"), *[(each, "n") for each in norm]]:
        layer.double().load_state_dict(
            {k[2:]: v for k, v in numbers.items() if k.startswith(prefix + ".")}, strict=False
        )
    active, pool = (nn.ReLU, nn.MaxPool2d(2)) if name == "relu" else (nn.Tanh, nn.AvgPool2d(2))
    last = active()
    layers = [first, active(), pool, second, *norm, last, nn.AdaptiveAvgPool2d(1), nn.Flatten(), dense]
    return nn.Sequential(*layers).eval(), last


def main():
    photo = np.random.default_rng(9).integers(0, 256, (13, 12, 3), dtype=np.uint8)
    saved = {"photo": photo, "target": TARGET}
    x = torch.tensor(photo.transpose(2, 0, 1)[None] / 255.0)
    for name, text in TEXTS.items():
        net, last = module(name, Trainable(parse(text), photo.shape, scale=255).parameters)
        kept = {}
        hook = last.register_forward_hook(lambda _, __, out, kept=kept: (out.retain_grad(), kept.update(maps=out))[0])
        result = net(x.clone().requires_grad_())
        result[0, TARGET].backward()
        hook.remove()
        weights = kept["maps"].grad.mean(dim=(2, 3), keepdim=True)
        cam = torch.relu((weights * kept["maps"]).sum(dim=1))[0]
        shares = torch.arange(STEPS, dtype=torch.float64).add(0.5).div(STEPS).reshape(-1, 1, 1, 1)
        way = (shares * x).requires_grad_()
        net(way)[:, TARGET].sum().backward()
        saved |= {
            f"{name} text": text, f"{name} scores": result[0].detach().numpy(), f"{name} cam": cam.detach().numpy(),
            f"{name} integrated": (x[0] * way.grad.mean(dim=0)).sum(dim=0).numpy(),
            f"{name} empty": net(torch.zeros_like(x))[0].detach().numpy(),
        }  # fmt: skip
    np.savez_compressed(Path(__file__).with_name("cases.npz"), **saved)


if __name__ == "__main__":
    main()
