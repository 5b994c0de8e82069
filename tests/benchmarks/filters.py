"""One kernel over one picture, within a process: OpenCV, Pillow, SciPy, and a second thread."""

from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
from PIL import Image, ImageFilter

from cnnfilter.kernels.kernel import get_kernel
from cnnfilter.running.filter import Filter
from tests.benchmarks import inputs
from tests.benchmarks.measure import agree, alternate, calls
from tests.benchmarks.peers import OPENCV, PILLOW, SCIPY, TWO_CORES, set_threads
from tests.benchmarks.rows import Case, Target

COLOURS = {"grey": 1, "rgb": 3}
ROUNDING = 1  # 8-bit results: halves may fall to either side
FIXED_POINT = 2  # OpenCV's 8-bit Gaussian has weights of 8 bits


@dataclass(frozen=True)
class _Work:
    """A kernel over a photograph on some threads."""

    kernel: object
    colour: str
    threads: int
    dtype: type = np.uint8

    def pixels(self, setting):
        height, width = inputs.size_of(setting.megapixels)
        return inputs.photograph(height, width, COLOURS[self.colour]).astype(self.dtype)

    def against(self, peer_of, tolerance):
        """What measures this beside `peer_of(kernel)(pixels)`; no tolerance, no comparison."""

        def measure(setting):
            pixels, kernel_filter, peer = self.pixels(setting), Filter(self.kernel), peer_of(self.kernel)
            set_threads(self.threads)

            def ours():
                return kernel_filter.run(pixels, threads=self.threads).pixels

            if tolerance is not None:
                agree(ours(), peer(pixels), tolerance)
            return alternate(calls(ours), calls(lambda: peer(pixels)), setting)

        return measure


def _filter2d(kernel):
    import cv2

    weights = kernel.weights
    return lambda pixels: cv2.filter2D(pixels, -1, weights, borderType=cv2.BORDER_REPLICATE)


def _blur(kernel):
    import cv2

    return lambda pixels: cv2.blur(pixels, kernel.size, borderType=cv2.BORDER_REPLICATE)


def _gaussian_blur(kernel, sigma):
    import cv2

    return lambda pixels: cv2.GaussianBlur(pixels, kernel.size, sigma, borderType=cv2.BORDER_REPLICATE)


def _sobel_magnitude(kernel):
    import cv2

    def run(pixels):
        across = cv2.Sobel(pixels, cv2.CV_32F, 1, 0, borderType=cv2.BORDER_REPLICATE)
        down = cv2.Sobel(pixels, cv2.CV_32F, 0, 1, borderType=cv2.BORDER_REPLICATE)
        return cv2.convertScaleAbs(cv2.magnitude(across, down))

    return run


def _correlate(kernel):
    from scipy import ndimage

    weights = kernel.weights
    return lambda pixels: ndimage.correlate(pixels, weights, mode="nearest")


def _pillow(image_filter):
    return lambda kernel: lambda pixels: np.asarray(Image.fromarray(pixels).filter(image_filter))


def _dense(sides, colours, kinds=("int", "float")):
    return tuple(
        Case(
            f"{colour}-{side}-{kind}-{threads}t",
            _Work(inputs.kernel(side, kind), colour, threads).against(_filter2d, ROUNDING),
        )
        for side, colour, kind, threads in product(sides, colours, kinds, (1, 2))
    )


def _named(name, peer_of, tolerance, *, colours=("grey", "rgb"), threads=(1, 2)):
    return tuple(
        Case(
            f"{name.replace(':', '-')}-{colour}-{count}t",
            _Work(get_kernel(name), colour, count).against(peer_of, tolerance),
        )
        for colour, count in product(colours, threads)
    )


def _floating(peer_of, threads):
    return tuple(
        Case(
            f"float32-{side}-{count}t",
            _Work(inputs.kernel(side, "float"), "grey", count, np.float32).against(peer_of, 0.05),
        )
        for side, count in product((3, 5), threads)
    )


def _second_thread(side, colour):
    work = _Work(inputs.kernel(side, "float"), colour, 2)

    def measure(setting):
        pixels, kernel_filter = work.pixels(setting), Filter(work.kernel)
        sides = [calls(lambda count=count: kernel_filter.run(pixels, threads=count)) for count in (2, 1)]
        return alternate(*sides, setting)

    return Case(f"{colour}-{side}", measure)


def _joined(parts):
    return tuple(case for part in parts for case in part)


DENSE = _dense((3, 5, 7, 9, 11), ("grey", "rgb"))
SIGMAS = (1, 3, 10)
BOXES = (3, 7, 31)

TARGETS = (
    Target(
        "filter2d-3",
        "8-bit grey, k = 3, one and two threads",
        "OpenCV filter2D",
        2.0,
        tuple(case for case in DENSE if case.name.startswith("grey-3-")),
        (OPENCV,),
    ),
    Target(
        "filter2d",
        "8-bit grey and RGB, k = 3, 5, 7, 9, 11, one and two threads, each",
        "OpenCV filter2D",
        1.1,
        DENSE,
        (OPENCV,),
    ),
    Target(
        "filter2d-mean",
        "the same, geometric mean",
        "OpenCV filter2D",
        1.5,
        DENSE,
        (OPENCV,),
        mean=True,
    ),
    Target(
        "filter2d-large",
        "the same, k = 15, 21, 31, 63, each",
        "OpenCV filter2D",
        1.2,
        _dense((15, 21, 31, 63), ("grey", "rgb"), kinds=("float",)),
        (OPENCV,),
    ),
    Target(
        "sparse",
        "Sobel, Laplacian, sharpen, identity (zero weights skipped)",
        "OpenCV filter2D",
        2.0,
        _joined(
            _named(name, _filter2d, ROUNDING, colours=("grey",))
            for name in ("sobel-x", "laplacian", "sharpen", "identity")
        ),
        (OPENCV,),
    ),
    Target(
        "box",
        "box k = 3, 7, 31",
        "OpenCV blur",
        0.8,
        _joined(_named(f"box:size={side}", _blur, ROUNDING) for side in BOXES),
        (OPENCV,),
    ),
    Target(
        "box-pillow",
        "box k = 3, 7, 31",
        "Pillow BoxBlur",
        5.0,
        _joined(
            _named(f"box:size={side}", _pillow(ImageFilter.BoxBlur(side // 2)), None, threads=(1,)) for side in BOXES
        ),
        (PILLOW,),
    ),
    Target(
        "gaussian",
        "Gaussian sigma 1, 3, 10",
        "OpenCV GaussianBlur",
        0.8,
        _joined(
            _named(f"gaussian:sigma={sigma}", partial(_gaussian_blur, sigma=sigma), FIXED_POINT) for sigma in SIGMAS
        ),
        (OPENCV,),
    ),
    Target(
        "gaussian-pillow",
        "Gaussian sigma 1, 3, 10",
        "Pillow GaussianBlur",
        5.0,
        _joined(
            _named(f"gaussian:sigma={sigma}", _pillow(ImageFilter.GaussianBlur(sigma)), None, threads=(1,))
            for sigma in SIGMAS
        ),
        (PILLOW,),
    ),
    Target(
        "sobel-magnitude",
        "Sobel magnitude, one pass",
        "OpenCV Sobel x, Sobel y, magnitude, convert",
        1.5,
        _named("sobel", _sobel_magnitude, ROUNDING, colours=("grey",)),
        (OPENCV,),
    ),
    Target(
        "float-scipy",
        "float32 grey, k = 3, 5",
        "SciPy correlate",
        5.0,
        _floating(_correlate, (1,)),
        (SCIPY,),
    ),
    Target(
        "float-opencv",
        "float32 grey, k = 3, 5",
        "OpenCV filter2D",
        1.0,
        _floating(_filter2d, (1, 2)),
        (OPENCV,),
    ),
    Target(
        "second-thread",
        "second thread, k >= 5",
        "one thread",
        1.8,
        tuple(_second_thread(side, colour) for side in (5, 7, 9, 11, 15, 31) for colour in COLOURS),
        (TWO_CORES,),
    ),
)
