"""The layers that Keras lacks, as its programs write them when they call them."""

from __future__ import annotations

from cnnfilter.export.resampling import WEIGHTS

HELPERS = {
    **WEIGHTS,
    "Resample": '''
class Resample(layers.Layer):
    """Make each row and each column a weighted mean of those of the maps."""

    def __init__(self, down, along):
        super().__init__()
        self.down, self.along = down.astype("float32"), along.astype("float32")

    def call(self, x):
        return ops.einsum("ih,nhwc,jw->nijc", self.down, x, self.along)
''',
    "Pad": '''
class Pad(layers.Layer):
    """Surround the maps with a number, or with their own rows and columns as numpy.pad repeats them."""

    def __init__(self, pads, mode="constant", value=0.0):
        super().__init__()
        self.pads, self.mode, self.value = pads, mode, value

    def call(self, x):
        if self.mode == "constant":
            return ops.pad(x, ((0, 0), *self.pads, (0, 0)), constant_values=self.value)
        for axis, pads in zip((1, 2), self.pads):
            x = ops.take(x, np.pad(np.arange(x.shape[axis]), pads, self.mode), axis=axis)
        return x
''',
    "AveragePool": '''
class AveragePool(layers.Layer):
    """The mean of each window; `beyond` is what ceil_mode adds past the padding, which never counts."""

    def __init__(self, window, stride, pads, beyond, count_padding):
        super().__init__()
        self.mean = layers.AveragePooling2D(window, strides=stride)
        self.pad, self.beyond = layers.ZeroPadding2D(pads), layers.ZeroPadding2D(beyond)
        self.pads, self.size, self.counted = pads, np.prod(window), float(count_padding)

    def call(self, x):
        counted = ops.pad(ops.ones_like(x), ((0, 0), *self.pads, (0, 0)), constant_values=self.counted)
        total = self.mean(self.beyond(self.pad(x))) * self.size
        return total / ops.maximum(ops.round(self.mean(self.beyond(counted)) * self.size), 1)
''',
    "LocalResponse": '''
class LocalResponse(layers.Layer):
    """x / (bias + alpha/size * sum of squares)^beta, over so many maps around each."""

    def __init__(self, size, alpha, beta, bias):
        super().__init__()
        self.size, self.alpha, self.beta, self.bias = size, alpha, beta, bias

    def call(self, x):
        around = ((0, 0), (0, 0), (0, 0), ((self.size - 1) // 2, self.size // 2))
        squares, count = ops.pad(ops.square(x), around), x.shape[-1]
        total = sum(squares[..., i : i + count] for i in range(self.size))
        return x / (self.bias + self.alpha / self.size * total) ** self.beta
''',
    "Combine": '''
class Combine(layers.Layer):
    """Make one map of so many neighbouring ones, by the rule of each part, channel by channel."""

    def __init__(self, parts, shift=0.0):
        super().__init__()
        self.parts, self.shift = parts, shift

    def call(self, x):
        maps, first = [], 0
        while first < x.shape[-1]:
            for number, rule in self.parts:
                answers = x[..., first : first + number]
                squares = ops.sqrt(ops.sum(ops.square(answers), axis=-1))
                maps.append(squares if rule == "magnitude" else ops.max(answers, axis=-1))
                first += number
        return ops.stack(maps, axis=-1) + self.shift
''',
}
"""The layers that Keras lacks."""
