"""Random networks with branches, as texts, that fit their input whatever is drawn."""

import itertools
import random

NAMES = [
    "layer1.0",
    "layer1.0.conv1",
    "class",
    "7x",
    "a\\,b",
    "c\\:d",
    "e\\+f",
    'g"h',
    "type",
    "Übung",
    "/conv/out",
    "_",
]
"""Names that are awkward for one or the other; the rest are numbered."""

ALIKE = [
    "relu", "leaky_relu:0.1", "tanh", "abs", "maxpool:3:stride=1:padding=1", "avgpool:3x1:stride=1:padding=1x0",
    "conv:edge:padding=1", "conv:sobel-x:padding=1:border=reflect", "depthwise:3x3:padding=1:random=3",
    "conv:gaussian:size=5:padding=same:border=replicate", "conv:1 2; 3 4:padding=same-lower",
    "upsample:2:mode=bilinear,conv:1 2; 3 4:stride=2", "upsample:2,avgpool:2x3:stride=2:padding=0x1",
    "pad:1:border=reflect,conv:1 2 1; 3 -4 5; 1 1 2", "batchnorm:random=1", "prelu:random=1",
]  # fmt: skip
"""Stages that keep the size of maps."""

HALVING = [
    "conv:{}@3x3:stride=2:padding=1:random=5", "conv:{}@1x1:stride=2:bias=no:random=6",
    "maxpool:3:stride=2:padding=1,conv:{}@1x1:random=7", "conv:{}@2x1:padding=0+1x0:stride=2:random=8",
]  # fmt: skip
"""Stages that make so many maps of half the height and width, rounded up."""


class Drawing:
    """A random network as it grows, piece by piece."""

    def __init__(self, draw, channels):
        self.draw = draw
        self.given = self.channels = channels
        self.pieces = []
        self.numbers = itertools.count(1)
        self.names = draw.sample(NAMES, draw.randint(0, 4))

    def add(self, *pieces):
        self.pieces += pieces

    def name(self):
        return self.names.pop() if self.names else f"n{next(self.numbers)}"

    def named(self):
        """Name the last stage, or a new one, and tell the name."""
        name = self.name()
        if not self.pieces or ":as=" in self.pieces[-1] or self.pieces[-1].startswith("from:"):
            self.add("relu")
        self.pieces[-1] += f":as={name}"
        return name

    def alike(self):
        for _ in range(self.draw.randint(1, 3)):
            self.add(self.draw.choice(ALIKE))

    def halved(self, count):
        self.add(*self.draw.choice(HALVING).format(count).split(","))

    def blocks(self, depth):
        for _ in range(self.draw.randint(1, 2)):
            self.draw.choice([self.residual, self.projected, self.gated, self.joined, self.of_input])(depth)

    def inner(self, depth):
        if depth and self.draw.random() < 0.5:
            self.residual(depth - 1)
        else:
            self.alike()

    def residual(self, depth):
        skip = self.named()
        self.inner(depth)
        if self.draw.random() < 0.3:  # three of them
            again = self.named()
            self.alike()
            self.add(f"add:{skip}+last+{again}")
        else:
            self.add(f"{self.draw.choice(['add', 'multiply'])}:{skip}", "tanh")

    def projected(self, depth):
        self.channels = self.draw.randint(1, 4)
        begin = self.named()
        self.halved(self.channels)
        side = self.named()
        self.add(f"from:{begin}")
        self.inner(depth)
        self.halved(self.channels)
        self.add(f"add:{side}")

    def gated(self, depth):
        begin = self.named()
        self.add(self.draw.choice(["globalavgpool", "globalmaxpool"]))
        if self.draw.random() < 0.7:
            self.add(f"conv:{self.channels}@1x1:random=4", "sigmoid")
        self.add(f"multiply:{begin}" if self.draw.random() < 0.5 else f"add:last+{begin}")

    def joined(self, depth):
        begin, sides, total = self.named(), [], 0
        for _ in range(self.draw.randint(1, 2)):
            count = self.draw.randint(1, 3)
            self.add(f"conv:{count}@1x1:random=9")
            sides.append(self.named())
            total += count
            self.add(f"from:{begin}")
        self.inner(depth)
        order = [*sides, "last"]
        self.draw.shuffle(order)
        self.add(f"concat:{'+'.join(order)}")
        self.channels += total

    def of_input(self, depth):
        """Put what is made of the network's input beside the last result, if that has its size."""
        if any("stride=2" in piece for piece in self.pieces):
            return
        side = self.named()
        self.add("from:in")
        self.alike()
        self.add(f"concat:{side}")
        self.channels += self.given


def graph(draw):
    """The text of a network, and the size of its input."""
    size = draw.randint(3, 12), draw.randint(3, 12), draw.choice([1, 2, 3])
    drawing = Drawing(draw, size[2])
    if draw.random() < 0.5:
        drawing.alike()
    drawing.blocks(2)
    if draw.random() < 0.3:
        drawing.add("flatten")
        begin = drawing.named()
        drawing.add("dense:3:random=1")
        side = drawing.named()
        drawing.add(f"from:{begin}", "dense:3:bias=no:random=2", draw.choice(["add:{}", "concat:{}"]).format(side))
    return ",".join(drawing.pieces), size


def graphs(seed, count):
    """So many of them."""
    draw = random.Random(seed)
    return [graph(draw) for _ in range(count)]
