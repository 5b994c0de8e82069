"""Colour maps: from values to colours, for maps of numbers that are no picture.

`viridis`, `magma` and `inferno` run from dark to light, evenly for the eye. `blue-white-red` is for signed
values: 0 is its middle, and equal magnitudes are equally dark. Importing this loads no NumPy, so that a
command can offer `COLORMAPS` without its cost.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnfilter.errors import ArgumentError
from cnnfilter.messages import quoted

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_ANCHORS = {
    "viridis": (
        "44015446085c471063481769481d6f482475472a7a46307e453781433d844142873f48893d4e8a"
        "3a538b38598c355e8d33638d31688e2e6d8e2c718e2a768e297b8e27808e25848e23898e218e8d"
        "20928c1f978b1e9c891fa18821a58524aa8328ae802eb37c35b7793dbc7446c06f50c46a5ac864"
        "65cb5e70cf577cd25089d54895d840a2da37b0dd2fbddf26cae11fd8e219e5e419f1e51dfde725"
    ),
    "magma": (
        "00000402020b0504160907200e0b2b140e361a104221114e29115a311165390f6e420f754a1079"
        "52137c5a167e6219806a1c81721f81792282812581892881912b81992d80a1307eaa337db2357b"
        "ba3878c23b75ca3e72d2426fd9466be04c67e75263ec5860f1605df4695cf7725cf97b5dfb8560"
        "fc8e64fd9869fea16efeaa74feb47bfebd82fec68afecf92fed89afde2a3fdebacfcf4b6fcfdbf"
    ),
    "inferno": (
        "00000402020c0504170a072210092d160b391e0c45260c512f0a5b380962400a67490b6a510e6c"
        "59106e61136e69166e71196e781c6d801f6c88226a902568982766a02a63a82e5fb0315bb73557"
        "bf3952c63d4dcc4248d34743d94d3ddf5337e45a31e9612bed6925f1711ff47918f78212f98b0b"
        "fa9407fb9d07fca60cfcb014fbba1ffac42af8cd37f6d746f4e156f2ea69f2f27df5f992fcffa4"
    ),
    "gray": "000000ffffff",
}
"""Colours as hexadecimal red, green, blue at even distances; between them lie straight lines.

The first three are every fifth of the 256 colours of Matplotlib's maps of these names, by Nathaniel J. Smith,
Stefan van der Walt and (viridis) Eric Firing, https://github.com/BIDS/colormap, released under CC0 1.0; what
lies between differs from theirs by at most one level.
"""

DIVERGING = "blue-white-red"
"""The colour map of signed values."""

COLORMAPS = ("auto", *_ANCHORS, DIVERGING)
"""`auto` is `blue-white-red` where a value is negative, and `viridis` where none is."""

NOT_FINITE = (255, 0, 255)
"""Magenta, which is in none of the maps, stands for NaN and infinity."""


class Scale(NamedTuple):
    """A colour map, and the values at its two ends."""

    colormap: str
    low: float
    high: float


def scale_for(colormap: str, low: float, high: float) -> Scale:
    """The scale for values from `low` to `high`.

    `blue-white-red` is centred on 0. If all values are one, the others reach from it to 0.

    Raises
    ------
    ArgumentError
        If the colour map is unknown.

    Examples
    --------
    >>> scale_for("auto", -2, 5)
    Scale(colormap='blue-white-red', low=-5, high=5)
    >>> scale_for("auto", 1, 5)
    Scale(colormap='viridis', low=1, high=5)
    """
    if colormap not in COLORMAPS:
        msg = f"unknown colormap {quoted(colormap)} (known: {', '.join(COLORMAPS)})"
        raise ArgumentError(msg)
    if colormap == "auto":
        colormap = DIVERGING if low < 0 else "viridis"
    if colormap == DIVERGING:
        largest = max(abs(low), abs(high))
        return Scale(colormap, -largest, largest)
    if low == high:
        return Scale(colormap, min(low, 0), max(high, 0))
    return Scale(colormap, low, high)


@functools.cache
def table(colormap: str) -> npt.NDArray[np.uint8]:
    """The colours of a map, `(n, 3)` uint8; n is odd where 0 has a colour of its own."""
    import numpy as np

    if colormap == DIVERGING:
        return _diverging()
    anchors = np.frombuffer(bytes.fromhex(_ANCHORS[colormap]), np.uint8).reshape(-1, 3)
    places, known = np.linspace(0, 1, 256), np.linspace(0, 1, len(anchors))
    exact = np.stack([np.interp(places, known, anchors[:, i]) for i in range(3)], axis=1)
    return np.rint(exact).astype(np.uint8)


def _diverging() -> npt.NDArray[np.uint8]:
    """Blue, white and red of Björn Ottosson's Oklab (https://bottosson.github.io/posts/oklab/, public domain).

    With `t` the magnitude from 0 to 1, lightness falls evenly, 0.97 - 0.6 t, the same on both sides, and chroma
    follows what sRGB can show of these two hues: t (0.34 + 0.11 t - 0.32 t^2).
    """
    import numpy as np

    signed = np.linspace(-1, 1, 255)
    magnitude = np.abs(signed)
    lightness = 0.97 - 0.6 * magnitude
    chroma = magnitude * (0.34 + 0.11 * magnitude - 0.32 * magnitude**2)
    hue = np.radians(np.where(signed < 0, 258.0, 30.0))
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)])
    cones = np.array([
        [1, 0.3963377774, 0.2158037573],
        [1, -0.1055613458, -0.0638541728],
        [1, -0.0894841775, -1.2914855480],
    ]) @ lab  # fmt: skip
    linear = np.array([
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]) @ cones**3  # fmt: skip
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.abs(linear) ** (1 / 2.4) - 0.055)
    colours: npt.NDArray[np.float64] = 255 * np.clip(encoded, 0, 1)
    return np.rint(colours).astype(np.uint8).T


def levels(values: npt.NDArray[Any], scale: Scale) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool]]:
    """Each value's place in the scale's table, uint8, and a mask of those that are not finite.

    Values outside the scale get the colour of its nearer end. Call it with blocks: the arithmetic is float64,
    since in float32 the width of a scale could be infinite.
    """
    import numpy as np

    last = len(table(scale.colormap)) - 1
    lost = ~np.isfinite(values)
    values = np.where(lost, 0, values).astype(np.float64)
    if scale.high > scale.low:
        values = (values - scale.low) / (scale.high - scale.low) * last
    else:  # all values are 0
        values = np.full(values.shape, last / 2 if scale.colormap == DIVERGING else 0.0)
    return np.rint(np.clip(values, 0, last)).astype(np.uint8), lost


def colours(values: npt.NDArray[Any], scale: Scale) -> npt.NDArray[np.uint8]:
    """The colour of each value, uint8, with an axis of red, green, blue at the end.

    Examples
    --------
    >>> import numpy as np
    >>> colours(np.array([0.0, 255.0, np.nan]), Scale("gray", 0, 255)).tolist()
    [[0, 0, 0], [255, 255, 255], [255, 0, 255]]
    """
    places, lost = levels(values, scale)
    painted = table(scale.colormap)[places]
    painted[lost] = NOT_FINITE
    return painted
