"""The activations that bend at a point: lines, or a parabola, in parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cnnfilter.network.activations.table import entry

if TYPE_CHECKING:
    import numpy as np

    from cnnfilter.network.activations.table import Array
else:
    from cnnfilter.network.activations.table import np

HARD = (1 / 6, 1 / 2)
"""The slope of the usual `hardsigmoid`, and its value at 0."""


@entry(
    formula="max(0, {x})",
    definition=lambda x: np.maximum(0.0, x),
    derivative=lambda x, y: x > 0,
    torch="nn.ReLU()",
    keras="layers.ReLU()",
    script="Math.max(0, x)",
    script_slope="Number(x > 0)",
    numpy="np.maximum(x, 0)",
)
def relu(x: Any) -> Array:
    """`max(0, x)`; NaN stays NaN.

    Examples
    --------
    >>> cnnfilter.relu([-1.5, 0, 2]).tolist()
    [0.0, 0.0, 2.0]
    """
    return np.maximum(x, np.float32(0))


@entry(
    formula="min(max(0, {x}), 6)",
    definition=lambda x: np.minimum(np.maximum(x, 0), 6),
    derivative=lambda x, y: (x > 0) & (x < 6),
    torch="nn.ReLU6()",
    keras='layers.Activation("relu6")',
    script="Math.min(Math.max(0, x), 6)",
    script_slope="Number(x > 0 && x < 6)",
    numpy="np.clip(x, 0, 6)",
)
def relu6(x: Any) -> Array:
    """`min(max(0, x), 6)` (Howard et al., MobileNets, 2017).

    Examples
    --------
    >>> cnnfilter.relu6([-1, 2, 7]).tolist()
    [0.0, 2.0, 6.0]
    """
    return np.minimum(np.maximum(x, np.float32(0)), np.float32(6))


def _bounded(x: str, lower: str, upper: str, min: float | None, max: float | None) -> str:
    """The code of what keeps `x` within the bounds that there are."""
    code = x if min is None else lower.format(x)
    return code if max is None else upper.format(code)


def _clip_layer(lower: str, upper: str, layer: str, nothing: str) -> Callable[..., str]:
    """What writes a clip as a layer: `nothing` where there is no bound."""

    def write(min: float | None, max: float | None) -> str:
        code = _bounded("x", lower, upper, min, max)
        return nothing if code == "x" else layer.format(code)

    return write


@entry(
    formula="min(max({x}, min), max)",
    worked=lambda x, **bounds: _bounded("{x}", "max({}, {{min}})", "min({}, {{max}})", **bounds),
    definition=lambda x, min, max: _clipped(x, min, max),
    derivative=lambda x, y, min, max: _within(x, min, max),
    torch=_clip_layer("{}.clamp(min={{min}})", "{}.clamp(max={{max}})", "Apply(lambda x: {})", "nn.Identity()"),
    keras=_clip_layer(
        "ops.maximum({}, {{min}})", "ops.minimum({}, {{max}})", "layers.Lambda(lambda x: {})", "layers.Identity()"
    ),
    script="Math.min(Math.max(x, min ?? -Infinity), max ?? Infinity)",
    script_worked='(max === null ? "_" : "min(_, {max})").replace("_", min === null ? "{x}" : "max({x}, {min})")',
    script_slope="Number(x > (min ?? -Infinity) && x < (max ?? Infinity))",
    numpy=lambda **bounds: _bounded("x", "np.maximum({}, {{min}})", "np.minimum({}, {{max}})", **bounds),
)
def clip(x: Any, min: float | None = None, max: float | None = None) -> Array:
    """`min(max(x, min), max)`; a bound that is left out is none.

    Parameters
    ----------
    min, max : float, optional
        What lies below, and above, becomes these. Where `min` is above `max` all becomes `max`, as in ONNX.

    Examples
    --------
    >>> cnnfilter.clip([-1, 2, 7], min=0, max=6).tolist()
    [0.0, 2.0, 6.0]
    """
    return _clipped(x, min, max)


def _clipped(x: Any, low: float | None, high: float | None) -> Array:
    raised = x if low is None else np.maximum(x, x.dtype.type(low))
    return raised if high is None else np.minimum(raised, x.dtype.type(high))


def _within(x: Any, low: float | None, high: float | None) -> Array:
    """Whether values lie within the bounds that there are, and not on one."""
    above: Array = x == x if low is None else x > low
    return above if high is None else above & (x < high)


@entry(
    formula="x if x >= 0, else slope * x",
    worked=lambda x, slope: "{x}" if x >= 0 else "{(slope)} * {(x)}",
    definition=lambda x, slope: np.where(x >= 0, x, slope * x),
    derivative=lambda x, y, slope: np.where(x > 0, x.dtype.type(1), x.dtype.type(slope)),
    torch="nn.LeakyReLU({slope})",
    keras="layers.LeakyReLU(negative_slope={slope})",
    script="x >= 0 ? x : slope * x",
    script_worked='x >= 0 ? "{x}" : "{(slope)} * {(x)}"',
    script_slope="x > 0 ? 1 : slope",
    numpy="np.where(x >= 0, x, {slope} * x)",
)
def leaky_relu(x: Any, slope: float = 0.01) -> Array:
    """`x` where `x >= 0`, else `slope * x`.

    Parameters
    ----------
    slope : float
        Of the line below 0.

    Notes
    -----
    The default slope is PyTorch's; much course material uses 0.1.

    Examples
    --------
    >>> cnnfilter.leaky_relu([-2, 3], slope=0.5).tolist()
    [-1.0, 3.0]
    """
    with np.errstate(over="ignore", invalid="ignore"):  # -inf * 0
        return np.maximum(x, np.float32(0)) + slope * np.minimum(x, np.float32(0))  # a choice takes four times as long


@entry(
    formula="min(max(0, {(alpha)} * {(x)} + {(beta)}), 1)",
    definition=lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1),
    derivative=lambda x, y, alpha, beta: ((y > 0) & (y < 1)) * x.dtype.type(alpha),
    torch=lambda alpha, beta: (
        "nn.Hardsigmoid()" if (alpha, beta) == HARD else "Apply(lambda x: ({alpha} * x + {beta}).clamp(0, 1))"
    ),
    keras=lambda alpha, beta: (
        'layers.Activation("hard_sigmoid")'
        if (alpha, beta) == HARD
        else "layers.Lambda(lambda x: ops.clip({alpha} * x + {beta}, 0, 1))"
    ),
    script="Math.min(Math.max(0, alpha * x + beta), 1)",
    script_slope="y > 0 && y < 1 ? alpha : 0",
    numpy="np.clip({alpha} * x + {beta}, 0, 1)",
)
def hardsigmoid(x: Any, alpha: float = 1 / 6, beta: float = 1 / 2) -> Array:
    """`min(max(0, alpha * x + beta), 1)`.

    Parameters
    ----------
    alpha, beta : float
        The slope, and the value at 0.

    Notes
    -----
    The defaults are PyTorch's and Keras's; ONNX's alpha is 0.2 where a file does not say it.

    Examples
    --------
    >>> cnnfilter.hardsigmoid([-3, 0, 3]).tolist()
    [0.0, 0.5, 1.0]
    """
    # in float64, for the two terms may all but cancel
    return np.clip(np.multiply(x, alpha, dtype=np.float64) + beta, 0, 1).astype(np.float32)


@entry(
    formula="{x} * min(max(0, {x}/6 + 1/2), 1)",
    definition=lambda x: x * np.clip(x / 6 + 1 / 2, 0, 1),
    derivative=lambda x, y: np.where(x < 3, np.where(x > -3, x / 3 + x.dtype.type(0.5), 0), 1),
    torch="nn.Hardswish()",
    keras='layers.Activation("hard_silu")',
    script="x * Math.min(Math.max(0, x / 6 + 1 / 2), 1)",
    script_slope="x < 3 ? (x > -3 ? x / 3 + 1 / 2 : 0) : 1",
    numpy="x * np.clip(x / 6 + 0.5, 0, 1)",
)
def hardswish(x: Any) -> Array:
    """`x * min(max(0, x/6 + 1/2), 1)` (Howard et al., Searching for MobileNetV3, 2019).

    Examples
    --------
    >>> cnnfilter.hardswish([-3, 3, 0]).tolist()
    [-0.0, 3.0, 0.0]
    """
    with np.errstate(invalid="ignore"):  # -inf * 0
        return x * (np.clip(x + np.float32(3), 0, 6) / np.float32(6))  # x + 3 is exact where the factor is small
