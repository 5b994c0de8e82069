"""What a person writes to classify a photograph with other libraries: a process of its own, and the export for it."""

import sys


def onnxruntime(network, photo):
    """Print the five largest scores by ONNX Runtime."""
    import numpy as np
    import onnxruntime as runtime
    from PIL import Image

    with Image.open(photo) as image:
        scale = 256 / min(image.size)
        image = image.convert("RGB").resize([round(side * scale) for side in image.size], Image.Resampling.BILINEAR)
    left, top = ((side - 224) // 2 for side in image.size)
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), dtype=np.float32) / 255
    maps = ((pixels - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])).transpose(2, 0, 1)
    session = runtime.InferenceSession(network)
    (scores,) = session.run(None, {session.get_inputs()[0].name: maps[None]})
    for place in np.argsort(-scores[0])[:5]:
        sys.stdout.write(f"{place} {scores[0, place]}\n")


def torch(network, photo):
    """Print the five largest scores by PyTorch, of the state dict beside the network."""
    from pathlib import Path

    import torch as library
    import torchvision
    from PIL import Image
    from torchvision import transforms

    model = torchvision.models.resnet18()
    model.load_state_dict(library.load(Path(network).with_suffix(".pth")))
    prepare = transforms.Compose(
        [
            transforms.Resize(256),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    with Image.open(photo) as image, library.inference_mode():
        scores = model.eval()(prepare(image.convert("RGB"))[None])[0]
    for score, place in zip(*scores.topk(5), strict=True):
        sys.stdout.write(f"{place} {score}\n")


def export(model, weights, output):
    """Write one of torchvision's networks as an ONNX file."""
    import torch as library
    import torchvision

    network = getattr(torchvision.models, model)().eval()
    network.load_state_dict(library.load(weights))
    library.onnx.export(network, library.zeros(1, 3, 224, 224), output, dynamo=False, opset_version=17)


if __name__ == "__main__":
    {"onnxruntime": onnxruntime, "torch": torch, "export": export}[sys.argv[1]](*sys.argv[2:])
