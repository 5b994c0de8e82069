"""The activations. Each is one entry: a function in float32, and beside it all that the rest of the program asks of it.

From these derive the stages and their readers, the Python functions, `engine.reference`, the formulas of explanations,
the code in other languages, the help, and the parameters of tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:

    class _NumPy:
        """Brings NumPy when something of it is first asked for: planning does without."""

        def __getattr__(self, name: str) -> Any:
            import numpy

            value = getattr(numpy, name)
            setattr(self, name, value)
            return value

    np = _NumPy()

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Function(NamedTuple):
    """What is known of an activation.

    Parameters
    ----------
    compute : callable
        From a float32 array and the parameters to the values, float32. It gives no warnings, and no infinity for what
        float32 holds.
    parameters : mapping
        Names and defaults, those of `compute`.
    formula : str
        Of `x` and the parameters.
    worked : callable
        From x to the formula to put numbers into: `{x}` and `{slope}`, or `{(x)}` where a minus takes parentheses. Its
        entry says it only where it has branches; of the others the formula itself is written so.
    definition : callable
        From a float64 array and all parameters to the values, by the formula.
    torch, keras : str
        Its layer, with the parameters to put in.
    numpy : str
        Its expression of `x`.
    numpy_helpers : mapping
        Functions that this calls, name and code.
    aliases : tuple of str
        Its other names as a stage.
    """

    compute: Callable[..., Array]
    parameters: Mapping[str, float]
    formula: str
    worked: Callable[[float], str]
    definition: Callable[..., Array]
    torch: str
    keras: str
    numpy: str
    numpy_helpers: Mapping[str, str] = {}
    aliases: tuple[str, ...] = ()


ACTIVATIONS: dict[str, Function] = {}
"""The activations by name, in the order of the help."""


def entry(formula: str, worked: Callable[[float], str] | None = None, **known: Any) -> Callable[[Decorated], Decorated]:
    """Make a function an activation, with what else is known of it: see `Function`.

    Its docstring says of the parameters only what is its own; `engine.activations` adds what holds for all.
    """
    plain = re.sub(r"\{\(?(\w+)\)?\}", r"\1", formula)
    worked = worked or (lambda x: formula)

    def register(compute: Decorated) -> Decorated:
        code = compute.__code__
        names, defaults = code.co_varnames[1 : code.co_argcount], compute.__defaults__ or ()
        parameters = dict(zip(names, defaults, strict=True))
        ACTIVATIONS[compute.__name__] = Function(compute, parameters, formula=plain, worked=worked, **known)
        return compute

    return register


SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772
"""Klambauer et al., Self-Normalizing Neural Networks, 2017, equation 14."""

ELU_CODE = {
    "elu": '''
def elu(x, alpha=1.0):
    """x above 0, alpha*(e^x - 1) below."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))
'''
}


@entry(
    formula="max(0, {x})",
    definition=lambda x: np.maximum(0.0, x),
    torch="nn.ReLU()",
    keras="layers.ReLU()",
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
    torch="nn.ReLU6()",
    keras='layers.Activation("relu6")',
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


@entry(
    formula="x if x >= 0, else slope * x",
    worked=lambda x: "{x}" if x >= 0 else "{(slope)} * {(x)}",
    definition=lambda x, slope: np.where(x >= 0, x, slope * x),
    torch="nn.LeakyReLU({slope})",
    keras="layers.LeakyReLU(negative_slope={slope})",
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
        return np.where(x >= 0, x, slope * x)


@entry(
    formula="x if x > 0, else alpha * (e^x - 1)",
    worked=lambda x: "{x}" if x > 0 else "{(alpha)} * (e^{(x)} - 1)",
    definition=lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    torch="nn.ELU({alpha})",
    keras="layers.ELU(alpha={alpha})",
    numpy="elu(x, {alpha})",
    numpy_helpers=ELU_CODE,
)
def elu(x: Any, alpha: float = 1.0) -> Array:
    """`x` where `x > 0`, else `alpha * (e^x - 1)` (Clevert et al., 2015).

    Parameters
    ----------
    alpha : float
        What large negative values go to, with the sign turned.

    Examples
    --------
    >>> cnnfilter.elu([0, 3]).tolist()
    [0.0, 3.0]
    """
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, np.float32(0))))


@entry(
    formula=f"{SELU_SCALE:.4f} * (x if x > 0, else {SELU_ALPHA:.5f} * (e^x - 1))",
    worked=lambda x: f"{SELU_SCALE:.4f} * " + ("{x}" if x > 0 else f"{SELU_ALPHA:.5f} * (e^{{(x)}} - 1)"),
    definition=lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0))),
    torch="nn.SELU()",
    keras='layers.Activation("selu")',
    numpy=f"{SELU_SCALE} * elu(x, {SELU_ALPHA})",
    numpy_helpers=ELU_CODE,
)
def selu(x: Any) -> Array:
    """`scale * (x if x > 0 else alpha * (e^x - 1))` (Klambauer et al., 2017).

    Notes
    -----
    ``scale``, about 1.05, and ``alpha``, about 1.67, are those of equation 14 of Self-Normalizing Neural Networks.

    Examples
    --------
    >>> round(float(cnnfilter.selu([1.0])[0]), 4)
    1.0507
    """
    with np.errstate(over="ignore"):
        return SELU_SCALE * elu(x, SELU_ALPHA)


@entry(
    formula="1 / (1 + e^-{(x)})",
    # e^-|x| never overflows; for negative x, e^x / (1 + e^x) is the same number
    definition=lambda x: np.where(x >= 0, 1.0, np.exp(-np.abs(x))) / (1.0 + np.exp(-np.abs(x))),
    torch="nn.Sigmoid()",
    keras='layers.Activation("sigmoid")',
    numpy="0.5 * (1 + np.tanh(x / 2))",
)
def sigmoid(x: Any) -> Array:
    """`1 / (1 + e^-x)`.

    Examples
    --------
    >>> cnnfilter.sigmoid([0.0]).tolist()
    [0.5]
    """
    power = np.exp(-np.abs(x))
    return np.where(x >= 0, np.float32(1), power) / (np.float32(1) + power)


@entry(
    formula="tanh({x})",
    definition=lambda x: np.tanh(x),
    torch="nn.Tanh()",
    keras='layers.Activation("tanh")',
    numpy="np.tanh(x)",
)
def tanh(x: Any) -> Array:
    """The hyperbolic tangent.

    Examples
    --------
    >>> cnnfilter.tanh([0.0]).tolist()
    [0.0]
    """
    return np.tanh(x)


@entry(
    formula="ln(1 + e^{(x)})",
    # with e^x taken out of the logarithm for positive x
    definition=lambda x: np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))),
    torch="nn.Softplus()",
    keras='layers.Activation("softplus")',
    numpy="np.logaddexp(0, x)",
)
def softplus(x: Any) -> Array:
    """`ln(1 + e^x)`.

    Examples
    --------
    >>> cnnfilter.softplus([100.0]).tolist()
    [100.0]
    """
    return np.maximum(x, np.float32(0)) + np.log1p(np.exp(-np.abs(x)))


@entry(
    formula="{x} / (1 + e^-{(x)})",
    definition=lambda x: x * ACTIVATIONS["sigmoid"].definition(x),
    torch="nn.SiLU()",
    keras='layers.Activation("silu")',
    numpy="x * 0.5 * (1 + np.tanh(x / 2))",
    aliases=("silu",),
)
def swish(x: Any) -> Array:
    """`x * sigmoid(x)`, also called SiLU (Ramachandran et al., 2017).

    Examples
    --------
    >>> cnnfilter.swish([0.0]).tolist()
    [0.0]
    """
    with np.errstate(invalid="ignore"):  # -inf * 0
        return x * sigmoid(x)


@entry(
    formula="{x} * min(max(0, {x}/6 + 1/2), 1)",
    definition=lambda x: x * np.clip(x / 6 + 1 / 2, 0, 1),
    torch="nn.Hardswish()",
    keras='layers.Activation("hard_silu")',
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


@entry(
    formula="e^-({(epsilon)} * |{x} - {(center)}|)^2",
    definition=lambda x, center, epsilon: np.exp(-((epsilon * np.abs(x - center)) ** 2)),
    torch="Apply(lambda x: torch.exp(-(({epsilon} * (x - {center})) ** 2)))",
    keras="layers.Lambda(lambda x: ops.exp(-(({epsilon} * (x - {center})) ** 2)))",
    numpy="np.exp(-(({epsilon} * (x - {center})) ** 2))",
)
def rbf(x: Any, center: float = 0.0, epsilon: float = 1.0) -> Array:
    """The Gaussian radial basis function `e^-(epsilon * |x - center|)^2`.

    Parameters
    ----------
    center : float
        Where the result is 1.
    epsilon : float
        How fast it falls beside that.

    Examples
    --------
    >>> cnnfilter.rbf([3.0], center=3).tolist()
    [1.0]
    """
    with np.errstate(over="ignore", invalid="ignore"):  # the square of a large distance is infinite, its power 0
        distance = epsilon * (x - center)
        return np.exp(-distance * distance)
