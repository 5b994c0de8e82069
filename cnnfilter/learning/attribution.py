"""How much each part of a photo counts for one of a network's scores: four methods, and the effective receptive field.

Grad-CAM: Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, 2017.
Saliency: Simonyan et al., Deep Inside Convolutional Networks, 2014. Integrated gradients: Sundararajan et al.,
Axiomatic Attribution for Deep Networks, 2017. Occlusion: Zeiler & Fergus, Visualizing and Understanding Convolutional
Networks, 2014. Effective field: Luo et al., Understanding the Effective Receptive Field in Deep CNNs, 2016.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from cnnfilter.engine.arrays import as_maps, as_samples, layout_of
from cnnfilter.engine.bands import available_threads
from cnnfilter.engine.groups import Array
from cnnfilter.errors import ArgumentError, CnnfilterWarning
from cnnfilter.imaging.mapping import FULL_SCALE
from cnnfilter.learning.looking import Looking
from cnnfilter.messages import quoted
from cnnfilter.network.graph import Network
from cnnfilter.text.values import one_of, whole_number

NEAR = 0.01
"""How far the integrated gradients may sum to something else than the difference of the scores, as a part of it."""
FEWEST, MOST = 32, 256
"""Steps of the way from the baseline that are taken at least, and at most."""

WINDOWS = 7
"""How many windows that cover parts lie side by side along the shorter side, besides those between them."""

BASELINES = ("black", "white", "mean")
"""What the integrated gradients begin with: a photo of one colour."""


class Asked(NamedTuple):
    """What is asked of the methods.

    Parameters
    ----------
    node : int, optional
        Whose maps Grad-CAM takes, counted from 0; see `Looking.layer`.
    window : int, optional
        The side of what occlusion covers, in samples of what the network sees; by default follows from `WINDOWS`.
    baseline : str
        One of `BASELINES`.
    """

    node: int | None = None
    window: int | None = None
    baseline: str = "black"


@dataclass(frozen=True, eq=False)
class Heat:
    """How much each pixel of a photo counts for a score, by one method.

    Attributes
    ----------
    method : str
    values : ndarray of float32, (H, W)
        In units of the score; of saliency, for each level of a sample. What the network does not see is 0.
    facts : mapping
        What was done, for people and programs.
    """

    method: str
    values: Array
    facts: Mapping[str, Any]

    @property
    def shortfall(self) -> str | None:
        """What is said where integrated gradients do not sum to the difference of the scores."""
        if (difference := self.facts.get("difference")) is None:
            return None
        total, steps, baseline = (self.facts[name] for name in ("sum", "steps", "baseline"))
        if abs(total - difference) <= NEAR * abs(difference):
            return None
        return (
            f"{self.method} sum to {total:.4g} and not to {difference:.4g}, by which the score differs from that of "
            f"the baseline ({baseline}): {steps} steps are too few to come within {NEAR:.0%}"
        )


def grad_cam(looking: Looking, asked: Asked) -> Heat:
    """Grad-CAM: ``relu(sum_k w_k*A_k)``, with the maps A of a node, and w the mean of the gradients of each.

    Each value of the coarse map is drawn in the middle of its receptive field.
    """
    number, maps, gradients = looking.layer(asked.node)
    weights = gradients.mean(axis=(1, 2), dtype=np.float64)
    coarse = np.maximum(np.tensordot(weights, maps.astype(np.float64), 1), 0)
    facts = {"node": number + 1, "name": looking.rows[number].name, "maps": coarse.shape}
    return Heat("grad-cam", looking.placed(coarse, number), facts)


def saliency(looking: Looking, asked: Asked) -> Heat:
    """The magnitude of the gradient of the score with respect to each pixel; of its colours, the largest."""
    gradient = looking.on_photo(looking.gone(looking.seen[None]).dx[0])
    return Heat("saliency", np.abs(gradient).max(axis=0), {})


def integrated_gradients(looking: Looking, asked: Asked) -> Heat:
    """Integrated gradients: of each pixel its difference from the baseline times the mean gradient on the way there.

    They sum to the difference of the two scores: steps are halved, by the trapezoidal rule, until they do within
    `NEAR`, at most `MOST` of them.
    """
    photo = looking.maps.astype(np.float32)
    start = _baseline(photo, asked.baseline, looking.scale)
    begin = looking.prepared(start)
    way = looking.seen - begin

    def gradients(places: Sequence[float]) -> tuple[Array, Array]:
        total, found = np.zeros(way.shape), []
        for first in range(0, len(places), looking.batch):
            part = np.asarray(places[first : first + looking.batch], np.float32)
            gone = looking.gone(begin + part[:, None, None, None] * way)
            total += gone.dx.sum(axis=0, dtype=np.float64)
            found.append(gone.scores)
        return total / len(places), np.concatenate(found)

    mean, ends = gradients([0.0, 1.0])
    difference, steps = float(ends[1] - ends[0]), 1
    while steps < MOST:
        mean = (mean + gradients([(step + 0.5) / steps for step in range(steps)])[0]) / 2
        steps *= 2
        if steps >= FEWEST and abs(float((way * mean).sum()) - difference) <= NEAR * abs(difference):
            break
    values = ((photo - start) * looking.on_photo(mean.astype(np.float32))).sum(axis=0)
    facts = {
        "baseline": asked.baseline, "steps": steps, "difference": difference,
        "sum": float(values.sum(dtype=np.float64)),
    }  # fmt: skip
    return Heat("integrated-gradients", values, facts)


def occlusion(looking: Looking, asked: Asked) -> Heat:
    """How far the score falls where a square is covered by the mean colour; of squares over one place, the mean."""
    seen = looking.seen
    height, width = seen.shape[1:]
    side = min(asked.window or max(1, round(min(height, width) / WINDOWS)), height, width)
    step = (side + 1) // 2
    places = [(top, left) for top in _begins(height, side, step) for left in _begins(width, side, step)]
    colour = seen.mean(axis=(1, 2), keepdims=True, dtype=np.float64).astype(np.float32)

    def covered() -> Iterator[Array]:
        for top, left in places:
            picture = seen.copy()
            picture[:, top : top + side, left : left + side] = colour
            yield picture

    sums, counts = np.zeros((height, width)), np.zeros((height, width))
    for (top, left), score in zip(places, looking.scores_of(covered()), strict=True):
        square = np.s_[top : top + side, left : left + side]
        sums[square] += looking.score - score
        counts[square] += 1
    facts = {"window": side, "step": step, "pictures": len(places)}
    return Heat("occlusion", looking.placed(sums / counts), facts)


METHODS: dict[str, Callable[[Looking, Asked], Heat]] = {
    "grad-cam": grad_cam,
    "saliency": saliency,
    "integrated-gradients": integrated_gradients,
    "occlusion": occlusion,
}


def _begins(size: int, side: int, step: int) -> list[int]:
    """Where windows begin that cover an axis to its end."""
    return [*range(0, size - side, step), size - side]


def _baseline(photo: Array, name: str, white: float) -> Array:
    colours = {"black": 0.0, "white": white, "mean": photo.mean(axis=(1, 2), keepdims=True, dtype=np.float64)}
    return np.broadcast_to(np.asarray(colours[name], np.float32), photo.shape).copy()


class Net(Protocol):
    """What looks at a picture: a `Pipeline`."""

    @property
    def network(self) -> Network:
        """Its graph."""

    def check_runnable(self) -> None:
        """Raise an `ArgumentError` if a stage has sizes but no weights."""


def heat_map(
    pipeline: Net,
    picture: Any,
    method: str = "grad-cam",
    target: int | str | None = None,
    *,
    node: str | int | None = None,
    window: int | None = None,
    baseline: str = "black",
    layout: str | None = None,
    threads: int | None = None,
) -> Array:
    """How much each pixel of a picture counts for a network's score of a class.

    Parameters
    ----------
    pipeline : Pipeline
        The score is what comes before a `softmax` or `sigmoid` at its end; of one that gives maps, the mean of one.
    picture : Picture, or array_like, (H, W), (C, H, W) or (H, W, C)
        As `Pipeline.run` takes it.
    method : {"grad-cam", "saliency", "integrated-gradients", "occlusion"}
        Grad-CAM weighs the maps of a node by how the score changes with each; saliency is the gradient's magnitude;
        integrated gradients sum to the difference from the baseline's score, to 1% unless 256 steps were too few;
        occlusion covers square after square.
    target : int or str, optional
        The class, counted from 0, or by the name that comes with the network's file; by default that of the largest
        score.
    node : str or int, optional
        Whose maps Grad-CAM takes, by name or number; by default the last convolution's, with what its result goes
        through place by place.
    window : int, optional
        The side of what occlusion covers, in samples of what `resize` and `crop` leave of the picture; by default a
        seventh of the shorter side.
    baseline : {"black", "white", "mean"}
        The colour that integrated gradients begin with.
    layout : {"chw", "hwc"}, optional
        As `Pipeline.run` takes it.
    threads : int, optional
        How many to use; all cores by default. The result is the same for every number.

    Returns
    -------
    ndarray of float32, (H, W)
        On the picture as it was given, before `resize` and `crop`; what the network does not see is 0.

    Raises
    ------
    ArgumentError
        If a stage has no weights, there is no such method, class or node, or an argument is outside its limits.
    ShapeError, KernelError, MissingExtraError
        If a stage does not fit what arrives, or its weights cannot be read.

    Warns
    -----
    CnnfilterWarning
        If integrated gradients do not sum to the difference.

    Examples
    --------
    >>> from cnnfilter import Pipeline
    >>> network = Pipeline.parse("conv:1 1; 1 1,relu,globalavgpool,flatten")
    >>> heat_map(network, np.eye(4, dtype=np.uint8)).shape
    (4, 4)
    """
    known = METHODS[one_of(method, "method", METHODS)]
    one_of(baseline, "baseline", BASELINES)
    if window is not None:
        window = whole_number(window, "window", 1)
    if target is not None and not isinstance(target, str):
        target = whole_number(target, "target", 0)
    if threads is not None:
        available_threads(threads)
    if not hasattr(pipeline, "check_runnable"):
        msg = f"pipeline must be a Pipeline, not {quoted(pipeline)}"
        raise ArgumentError(msg)
    pipeline.check_runnable()
    number = None if node is None else pipeline.network.find(node)
    given = as_samples(picture, "picture")
    batch = as_maps(given, "picture", layout_of(picture, layout))
    if len(batch) != 1:
        msg = f"one picture is taken at a time here: picture is a batch of {len(batch)}"
        raise ArgumentError(msg)
    scale = FULL_SCALE[given.dtype.type.__name__]
    looking = Looking(pipeline.network, batch[0], target, scale=scale, threads=threads)
    heat = known(looking, Asked(number, window, baseline))
    if heat.shortfall is not None:
        warnings.warn(heat.shortfall, CnnfilterWarning, stacklevel=2)
    return heat.values.astype(np.float32, copy=False)
