"""The named kernels. A new kernel is one entry of `KERNELS`; all that lists kernels derives from it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from cnnfilter.kernels.formulas import (
    Matrices,
    box,
    compass,
    difference_of_gaussians,
    gaussian,
    laplacian_of_gaussian,
    motion,
    unsharp,
)
from cnnfilter.kernels.matrix import MAX_SIDE, Matrix

# Derivatives follow OpenCV: cross-correlated, they are positive where the picture brightens to the right (x)
# or downwards (y).
SOBEL_X: Matrix = ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1))  # Sobel & Feldman 1968; cv2.getDerivKernels(1, 0, 3)
SOBEL_Y: Matrix = ((-1, -2, -1), (0, 0, 0), (1, 2, 1))
PREWITT_X: Matrix = ((-1, 0, 1), (-1, 0, 1), (-1, 0, 1))  # Prewitt 1970; scipy.ndimage.prewitt
PREWITT_Y: Matrix = ((-1, -1, -1), (0, 0, 0), (1, 1, 1))
SCHARR_X: Matrix = (
    (-3, 0, 3),
    (-10, 0, 10),
    (-3, 0, 3),
)  # Scharr 2000; cv2.getDerivKernels(1, 0, cv2.FILTER_SCHARR)
SCHARR_Y: Matrix = ((-3, -10, -3), (0, 0, 0), (3, 10, 3))
ROBERTS_X: Matrix = ((-1, 0), (0, 1))  # Roberts 1963; Gonzalez & Woods, eqs. 10.2-18 and 10.2-19
ROBERTS_Y: Matrix = ((0, -1), (1, 0))
KIRSCH_EAST: Matrix = ((-3, -3, 5), (-3, 0, 5), (-3, -3, 5))  # Kirsch 1971
ROBINSON_EAST: Matrix = SOBEL_X  # Robinson 1977

COURSE = "the course; Gonzalez & Woods, Digital Image Processing, section 3.6"
SOBEL = "Sobel & Feldman 1968; cv2.Sobel"
PREWITT = "Prewitt 1970; scipy.ndimage.prewitt"
SCHARR = "Scharr 2000; cv2.Scharr"
ROBERTS = "Roberts 1963; Gonzalez & Woods, section 10.2"
LINES = "Gonzalez & Woods, Digital Image Processing, section 10.2 (angles counterclockwise from the x axis)"


class Parameter(NamedTuple):
    """One parameter of a kernel: `default` None means that it may be left out; `integer` that it is whole.

    A name must not be one of the `conv` stage's own keys, beside which it stands in a chain.
    """

    name: str
    description: str
    minimum: float
    maximum: float
    default: float | None = None
    integer: bool = False


class Entry(NamedTuple):
    """One named kernel or bank: `weights` are its filters, or what makes them from the parameters."""

    name: str
    description: str
    family: str
    source: str
    weights: Matrices | Callable[..., Matrices]
    parameters: tuple[Parameter, ...] = ()

    def make(self, values: dict[str, float]) -> Matrices:
        """The filters for the parameters that are given; the others take their defaults."""
        if isinstance(self.weights, Matrices):
            return self.weights
        return self.weights(**{each.name: values.get(each.name, each.default) for each in self.parameters})


def _sigma(default: float | None, description: str) -> Parameter:
    return Parameter("sigma", description, 0.01, 1000, default)


def _size(default: int | None, description: str) -> Parameter:
    return Parameter("size", description, 1, MAX_SIDE, default, integer=True)


def _one(matrix: Matrix, scale: Fraction | float = 1) -> Matrices:
    return Matrices((matrix,), scale)


_ENTRIES = (
    Entry("identity", "the picture as it is", "basic", COURSE, _one(((0, 0, 0), (0, 1, 0), (0, 0, 0)))),
    Entry("box", "mean of a square window", "blur", COURSE, box, (_size(3, "side in pixels"),)),
    Entry(
        "gaussian",
        "weighted mean, the near pixels more",
        "blur",
        "binomial rows: Burt & Adelson 1983; with sigma: exp(-r^2 / (2 sigma^2)), sampled, sum 1",
        gaussian,
        (
            _size(None, "side in pixels; 3 if sigma is not given either"),
            _sigma(None, "standard deviation in pixels; the side is then 2*ceil(3*sigma) + 1 unless given"),
        ),
    ),
    Entry(
        "motion",
        "mean along a line, as a moving camera blurs",
        "blur",
        "weights max(0, 1 - distance to the line), sum 1; MATLAB fspecial('motion')",
        motion,
        (
            Parameter("length", "pixels along the line", 1, MAX_SIDE, 9, integer=True),
            Parameter("angle", "degrees counterclockwise from the x axis", -360, 360, 0),
        ),
    ),
    Entry(
        "sharpen",
        "the picture plus its edges",
        "sharpen",
        COURSE,
        _one(((0, -1, 0), (-1, 5, -1), (0, -1, 0))),
    ),
    Entry(
        "unsharp",
        "the picture plus what a blur takes away",
        "sharpen",
        "(1 + amount) * identity - amount * Gaussian; default: the 5x5 binomial matrix over 256",
        unsharp,
        (
            Parameter("amount", "strength", 0, 100, 1),
            _sigma(None, "standard deviation of the blur in pixels; the 5x5 binomial if not given"),
        ),
    ),
    Entry(
        "emboss",
        "a relief lit from the upper left",
        "relief",
        "the emboss matrix of drawing programs, sum 1",
        _one(((-2, -1, 0), (-1, 1, 1), (0, 1, 2))),
    ),
    Entry("edge", "edges in all directions", "edges", COURSE, _one(((-1, -1, -1), (-1, 8, -1), (-1, -1, -1)))),
    Entry("laplacian", "second derivative", "edges", COURSE, _one(((0, 1, 0), (1, -4, 1), (0, 1, 0)))),
    Entry("edge-diagonal", "edges on diagonals", "edges", COURSE, _one(((1, 0, -1), (0, 0, 0), (-1, 0, 1)))),
    Entry(
        "log",
        "Laplacian of a Gaussian: blobs and zero crossings",
        "edges",
        "Marr & Hildreth 1980; (r^2 - 2 sigma^2) / sigma^4 * Gaussian, zero-sum, as MATLAB fspecial('log')",
        laplacian_of_gaussian,
        (_sigma(1.4, "standard deviation in pixels; the side is 2*ceil(4*sigma) + 1"),),
    ),
    Entry(
        "dog",
        "difference of two Gaussians: a band of detail",
        "edges",
        "Marr & Hildreth 1980; Gaussian(sigma) - Gaussian(sigma2), each sampled with sum 1",
        difference_of_gaussians,
        (
            _sigma(1, "standard deviation of the narrow one in pixels"),
            Parameter("ratio", "the wide one's sigma over the narrow one's; 1.6 unless sigma2 is given", 1.01, 100),
            Parameter("sigma2", "standard deviation of the wide one in pixels, instead of ratio", 0.01, 1000),
        ),
    ),
    Entry("sobel-x", "brightening to the right", "gradient", SOBEL, _one(SOBEL_X)),
    Entry("sobel-y", "brightening downwards", "gradient", SOBEL, _one(SOBEL_Y)),
    Entry("sobel", "gradient magnitude", "gradient", SOBEL, Matrices((SOBEL_X, SOBEL_Y), 1, "magnitude")),
    Entry("prewitt-x", "brightening to the right", "gradient", PREWITT, _one(PREWITT_X)),
    Entry("prewitt-y", "brightening downwards", "gradient", PREWITT, _one(PREWITT_Y)),
    Entry("prewitt", "gradient magnitude", "gradient", PREWITT, Matrices((PREWITT_X, PREWITT_Y), 1, "magnitude")),
    Entry("scharr-x", "brightening to the right", "gradient", SCHARR, _one(SCHARR_X)),
    Entry("scharr-y", "brightening downwards", "gradient", SCHARR, _one(SCHARR_Y)),
    Entry("scharr", "gradient magnitude", "gradient", SCHARR, Matrices((SCHARR_X, SCHARR_Y), 1, "magnitude")),
    Entry("roberts-x", "brightening to the lower right", "gradient", ROBERTS, _one(ROBERTS_X)),
    Entry("roberts-y", "brightening to the lower left", "gradient", ROBERTS, _one(ROBERTS_Y)),
    Entry("roberts", "gradient magnitude", "gradient", ROBERTS, Matrices((ROBERTS_X, ROBERTS_Y), 1, "magnitude")),
    Entry(
        "kirsch",
        "strongest of eight compass directions",
        "compass",
        "Kirsch 1971; from east counterclockwise",
        Matrices(compass(KIRSCH_EAST), 1, "maximum"),
    ),
    Entry(
        "robinson",
        "strongest of eight compass directions",
        "compass",
        "Robinson 1977; from east counterclockwise",
        Matrices(compass(ROBINSON_EAST), 1, "maximum"),
    ),
    Entry("line-h", "bright horizontal lines", "lines", LINES, _one(((-1, -1, -1), (2, 2, 2), (-1, -1, -1)))),
    Entry("line-v", "bright vertical lines", "lines", LINES, _one(((-1, 2, -1), (-1, 2, -1), (-1, 2, -1)))),
    Entry("line-45", "bright rising lines (/)", "lines", LINES, _one(((-1, -1, 2), (-1, 2, -1), (2, -1, -1)))),
    Entry("line-135", "bright falling lines (\\)", "lines", LINES, _one(((2, -1, -1), (-1, 2, -1), (-1, -1, 2)))),
)

KERNELS: dict[str, Entry] = {entry.name: entry for entry in _ENTRIES}
"""The catalogue by name, in the order in which it is listed: family by family."""
