"""Records what Captum tells of what networks looked at, for `tests/learning/test_attribution.py`.

`python -m tests.data.attribution.record`, with Captum, PyTorch and cnnfilter, writes `cases.npz`: Captum 0.9.0 and
PyTorch 2.14.1 in float64 wrote what is there. The networks are those that `cnnfilter shape --emit torch` prints,
without what the score is taken before; the integral is a mean at 4096 midpoints.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from captum.attr import IntegratedGradients, LayerAttribution, LayerGradCam, Occlusion, Saliency
from torch import nn

from cnnfilter import Pipeline
from cnnfilter.export import emit
from cnnfilter.export.saved import learned_arrays

HEAD = "globalavgpool,flatten,dense:6:random=3,softmax:as=end"
CASES = {
    "relu": (
        "normalize,conv:4@3x3:padding=1:random=1,relu,maxpool:2,conv:5@3x3:random=2,batchnorm:random=4,relu:as=maps,"
        + HEAD
    ),
    "tanh": (
        "normalize,conv:4@3x3:padding=1:random=1,tanh,avgpool:2,conv:5@3x3:random=2,tanh:as=maps," + HEAD
    ),
    "sum": (
        "normalize,conv:4@3x3:padding=1:random=1,relu,maxpool:2,relu:as=x,conv:4@3x3:padding=1:random=2,"
        "batchnorm:random=5,add:x,relu:as=maps," + HEAD
    ),
    "branches": (
        "normalize,conv:3@1x1:random=1,relu:as=x,conv:4@1x1:random=2,relu:as=y,from:x,conv:4@3x3:padding=1:random=3,"
        "concat:y+last,relu:as=maps,maxpool:2,flatten,dense:6:random=4,softmax:as=end"
    ),
    "gate": (
        "normalize,conv:6@3x3:padding=1:random=1:as=maps,globalavgpool,conv:6@1x1:random=3,sigmoid,multiply:maps,relu,"
        "flatten,dense:5:random=2,sigmoid:as=end"
    ),
}  # fmt: skip
PHOTO = np.random.default_rng(9).integers(0, 256, (13, 12, 3), dtype=np.uint8)
WINDOW, STRIDE = 4, 2
"""Of the squares that occlusion covers."""


def module(text: str, shape: tuple[int, int, int]) -> nn.Module:
    """A network in PyTorch, in float64."""
    rows = Pipeline.parse(text).plan(shape)
    with TemporaryDirectory() as folder:
        file = f"{folder}/numbers.npz"
        np.savez(file, **learned_arrays(rows))
        names = {"__name__": "emitted"}
        exec(emit(rows, "torch", file), names)
    network = names["network"].double().eval()
    network.end = nn.Identity()
    return network


def main() -> None:
    saved = {"photo": PHOTO, "window": WINDOW}
    x = torch.tensor(PHOTO[:12].transpose(2, 0, 1)[None].astype(np.float64))
    for name, text in CASES.items():
        net = module(text, (12, 12, 3))
        scores = net(x)[0].detach().numpy()
        cams = [
            LayerGradCam(net, net.maps).attribute(x, target=target, relu_attributions=True)
            for target in range(len(scores))
        ]
        target = int(np.argmax([float(each.max()) for each in cams]))  # of some classes, all of it is 0
        integral = IntegratedGradients(net).attribute(
            x, target=target, n_steps=4096, method="riemann_middle", internal_batch_size=64
        )
        covering = {"sliding_window_shapes": (3, WINDOW, WINDOW), "strides": (3, STRIDE, STRIDE)}
        colour = x.mean(dim=(2, 3), keepdim=True).expand_as(x)
        found = {
            "text": text,
            "target": target,
            "scores": scores,
            "empty": net(torch.zeros_like(x))[0].detach().numpy(),
            "saliency": Saliency(net).attribute(x.clone().requires_grad_(), target=target)[0].amax(dim=0).numpy(),
            "integrated": integral[0].sum(dim=0).numpy(),
            "cam": cams[target][0, 0].detach().numpy(),
            "drawn": LayerAttribution.interpolate(cams[target], (12, 12), "bilinear")[0, 0].detach().numpy(),
            "occlusion": Occlusion(net).attribute(x, target=target, baselines=colour, **covering)[0, 0].numpy(),
        }
        saved |= {f"{name} {each}": value for each, value in found.items()}
    np.savez_compressed(Path(__file__).with_name("cases.npz"), **saved)


if __name__ == "__main__":
    main()
