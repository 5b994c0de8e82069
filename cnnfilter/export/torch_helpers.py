"""The layers that PyTorch lacks, as its programs write them when they call them."""

from __future__ import annotations

from cnnfilter.export.resampling import WEIGHTS

HELPERS = {
    **WEIGHTS,
    "Resample": '''
class Resample(nn.Module):
    """Make each row and each column a weighted mean of those of the maps."""

    def __init__(self, down, along):
        super().__init__()
        self.register_buffer("down", torch.tensor(down, dtype=torch.float32), persistent=False)
        self.register_buffer("along", torch.tensor(along.T, dtype=torch.float32), persistent=False)

    def forward(self, x):
        return self.down @ x @ self.along
''',
    "Apply": '''
class Apply(nn.Module):
    """Any function as a layer."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)
''',
    "Pad": '''
class Pad(nn.Module):
    """Pad with the picture's own rows and columns, as numpy.pad repeats them."""

    def __init__(self, pads, mode):
        super().__init__()
        self.pads, self.mode = pads, mode

    def forward(self, x):
        for axis, pads in zip((2, 3), self.pads):
            places = np.pad(np.arange(x.shape[axis]), pads, self.mode)
            x = x.index_select(axis, torch.from_numpy(places).to(x.device))
        return x
''',
    "AveragePool": '''
class AveragePool(nn.Module):
    """The mean of each window; `beyond` is what ceil_mode adds past the padding, which never counts."""

    def __init__(self, window, stride, pads, beyond, count_padding):
        super().__init__()
        self.total = nn.AvgPool2d(window, stride, divisor_override=1)
        self.pad, self.beyond = nn.ZeroPad2d(pads), nn.ZeroPad2d(beyond)
        self.count = nn.ConstantPad2d(pads, float(count_padding))

    def forward(self, x):
        counted = self.total(self.beyond(self.count(torch.ones_like(x))))
        return self.total(self.beyond(self.pad(x))) / counted.clamp(min=1)
''',
    "Combine": '''
class Combine(nn.Module):
    """Make one map of so many neighbouring ones, by the rule of each part, channel by channel."""

    def __init__(self, parts, shift=0.0):
        super().__init__()
        self.parts, self.shift = parts, shift

    def forward(self, x):
        maps, first = [], 0
        while first < x.shape[1]:
            for number, rule in self.parts:
                answers = x[:, first : first + number]
                maps.append(answers.square().sum(1).sqrt() if rule == "magnitude" else answers.amax(1))
                first += number
        return torch.stack(maps, 1) + self.shift
''',
}
"""The layers that PyTorch lacks."""
