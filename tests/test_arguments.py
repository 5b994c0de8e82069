"""Every public function, each of its parameters, and values that are none: the error is ours, and names it."""

import inspect

import numpy as np
import pytest

import cnnfilter
from cnnfilter import Picture, Pipeline, get_kernel
from cnnfilter.errors import CnnfilterError, RoomError
from cnnfilter.messages import LONGEST_NAME
from cnnfilter.network.activations import ACTIVATIONS
from tests.command import ROOT

IMAGE = np.arange(64, dtype=np.uint8).reshape(8, 8)
VECTOR = np.ones(4, dtype=np.float32)
CHAIN = Pipeline.parse("conv:box,relu")


class Stubborn:
    """Raises whatever it is asked for."""

    def __array__(self, *_, **__):
        raise RuntimeError

    __index__ = __float__ = __bool__ = __len__ = __repr__ = __array__


@pytest.fixture(autouse=True)
def little_memory(monkeypatch):
    """There are 4 GB: a system may promise more than it has."""
    empty = np.empty

    def limited(shape, dtype=float, *rest, **options):
        if np.prod(shape, dtype=float) * np.dtype(dtype).itemsize > 2**32:
            raise MemoryError
        return empty(shape, dtype, *rest, **options)

    monkeypatch.setattr(np, "empty", limited)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder to write into."""
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    monkeypatch.chdir(tmp_path)


FUNCTIONS = {
    **{name: {"x": VECTOR} for name in ACTIVATIONS},
    "softmax": {"x": VECTOR},
    "conv2d": {"x": IMAGE, "weight": np.ones((3, 3))},
    "max_pool2d": {"x": IMAGE, "window": 2},
    "avg_pool2d": {"x": IMAGE, "window": 2},
    "sum_pool2d": {"x": IMAGE, "window": 2},
    "linear": {"x": VECTOR, "weight": np.ones((2, 4))},
    "output_size": {"n": 8, "window": 3},
    "get_kernel": {"text": "box"},
    "apply": {"image": IMAGE, "kernel": np.ones((3, 3))},
    "learn_kernel": {"before": IMAGE, "after": IMAGE, "size": 1},
    "train": {
        "stages": "normalize,flatten,dense:2,softmax",
        "data": (np.zeros((20, 4, 4), dtype=np.uint8), [0, 1] * 10),
        "epochs": 1,
    },
    "heat_map": {"pipeline": Pipeline.parse("conv:2@3x3:random=1,relu"), "picture": IMAGE},
    "load_bank": {"path": "samples/kernels/disk.npz", "name": "small"},
    "read": {"path": "samples/camera.png"},
    "sheet": {"maps": IMAGE},
    "Picture": {"pixels": IMAGE},
    "Picture.write": {"path": "out.png", "overwrite": True},
    "Pipeline": {"stages": CHAIN.network},
    "Pipeline.parse": {"text": "conv:box"},
    "Pipeline.plan": {"shape": (8, 8, 1)},
    "Pipeline.run": {"maps_or_image": IMAGE},
    "Pipeline.__call__": {"maps_or_image": IMAGE},
    "Pipeline.gradients": {"maps_or_image": IMAGE, "target": 1},
    "Pipeline.explain": {"image": IMAGE, "at": (0, 0)},
    "Pipeline.page": {"image": IMAGE},
}
"""Public functions with arguments that are right, and methods that take some."""

BOUND = {
    "Picture.write": Picture(IMAGE).write,
    "Pipeline.plan": CHAIN.plan,
    "Pipeline.run": CHAIN.run,
    "Pipeline.__call__": CHAIN,
    "Pipeline.gradients": Pipeline.parse("conv:box:padding=1,flatten").gradients,
    "Pipeline.explain": CHAIN.explain,
    "Pipeline.page": CHAIN.page,
    "Pipeline.parse": Pipeline.parse,
}

VALUES = {
    "None": None,
    "True": True,
    "-1": -1,
    "10**5": 10**5,
    "10**30": 10**30,
    "10**5000": 10**5000,
    "1.5": 1.5,
    "nan": float("nan"),
    "inf": float("inf"),
    "1e39": 1e39,
    "complex": 1 + 2j,
    "blank": "",
    "no": "no",
    "digits": "9" * 5000,
    "address": "s4://me:hunter2@host/a.npz?hunter2",
    "escape": "\x1b[31m\n",
    "half a character": "\udce9",
    "bytes": b"\1\2",
    "()": (),
    "(1, 2, 3)": (1, 2, 3),
    "(nan, 1)": (float("nan"), 1),
    "ragged": [[1, 2], [3]],
    "ragged pairs": ((1, 2), (3,)),
    "deep": [[[[[1]]]]],
    "set": {1, 2},
    "dict": {1: 2},
    "function": len,
    "type": int,
    "object": object(),
    "stubborn": Stubborn(),
    "bool array": np.array([True, False]),
    "nan array": np.array([np.nan, 1]),
    "3x3": np.ones((3, 3)),
    "objects": np.array([1, "a", None], dtype=object),
    "texts": np.array(["1", "2"]),
    "complex array": np.array([[1 + 1j, 2]]),
    "empty": np.zeros((3, 0), dtype=np.uint8),
    "dates": np.array(["2020-01-01"], dtype="datetime64[D]"),
    "records": np.zeros(3, dtype=[("a", int)]),
    "beyond float32": np.array([[1e39, 2], [1, 1]]),
    "masked": np.ma.masked_array(np.ones((4, 4)), mask=np.eye(4)),
    "64 axes": np.ones((1,) * 64),
}

NUMBERS = " ".join(["bias", *(name for known in ACTIVATIONS.values() for name in known.parameters)])

TAKEN = {
    **dict.fromkeys(
        ["None"],
        "stride bias threads base layout frame depth titles topk columns cell alpha format options strip min max node "
        "size labels channels validation memory target window source",
    ),
    **dict.fromkeys(["True"], "x ceil_mode count_include_pad flip labels numbers overwrite static"),
    **dict.fromkeys(["-1"], f"x axis {NUMBERS}"),
    **dict.fromkeys(
        ["10**5"],
        f"x stride threads n padding dilation frame max_pixels max_bytes topk columns cell size batch lr window "
        f"weight_decay seed {NUMBERS}",
    ),
    **dict.fromkeys(["10**30"], f"threads n size window lr weight_decay max_bytes {NUMBERS.removeprefix('bias ')}"),
    **dict.fromkeys(["10**5000"], "threads n size window max_bytes"),
    **dict.fromkeys(["1.5"], f"x lr weight_decay {NUMBERS}"),
    **dict.fromkeys(["nan", "inf", "1e39"], "x"),
    **dict.fromkeys(["(1, 2, 3)", "(nan, 1)", "deep", "nan array", "64 axes", "bool array"], "x"),
    **dict.fromkeys(["beyond float32"], "x maps maps_or_image"),
    **dict.fromkeys(["3x3"], "x weight kernel maps_or_image image maps"),
    **dict.fromkeys(["blank", "no", "digits", "escape", "half a character"], "base name"),
    "address": "name",
    **dict.fromkeys(["blank"], "base name augment"),
    **dict.fromkeys(["()"], "stages labels freeze"),
    **dict.fromkeys(["bytes", "set"], "at"),
    **dict.fromkeys(["texts"], "window stride padding dilation labels size"),
}
"""Where a value is an argument like any other; where it is none, that is where a parameter of this name is refused."""

SPOKEN = {
    "text": ("text", "kernel", "stage", "matrix"),
    "kernel": ("kernel", "matrix"),
    "weight": ("weight", "kernel", "matrix"),
    "path": ("path", "weight file", "no such file", "File name too long"),
    "stages": ("stage",),
    "data": ("data", "no such file", "File name too long"),
    "validation": ("validation", "no such file", "File name too long"),
    "source": ("source", "no such file", "File name too long"),
    "picture": ("picture", "window", "place"),
    "target": ("target", "class"),
    "titles": ("title",),
    "name": ("name", "array"),
    "image": ("image", "window"),
    "options": ("option",),
    "dilation": ("dilat",),
    "shape": ("shape", "maps", "window"),
    "maps_or_image": ("maps_or_image", "maps", "window"),
    "n": ("n must ",),
}
"""What messages call a parameter; the others by their names."""


def functions():
    for name, right in FUNCTIONS.items():
        function = BOUND.get(name) or getattr(cnnfilter, name)
        for parameter in inspect.signature(function).parameters:
            if name == "Picture" and parameter not in ("pixels", "alpha"):
                continue  # what `read` found in a file
            if parameter == "progress":
                continue  # a function of the program's own, which may raise what it likes
            yield pytest.param(function, right, parameter, id=f"{name}-{parameter}")


def test_all_public_functions_are_here():
    errors = {name for name in cnnfilter.__all__ if name.endswith(("Error", "Warning"))}
    made = {"Training"}  # by `train`
    assert set(cnnfilter.__all__) - errors - made == {name for name in FUNCTIONS if "." not in name}


@pytest.mark.parametrize(("function", "right", "parameter"), list(functions()))
def test_a_wrong_argument_is_named(function, right, parameter):
    longest = LONGEST_NAME + 100 if parameter in ("path", "data", "validation", "source") else 500
    for name, value in VALUES.items():
        try:
            function(**{**right, parameter: value})
        except CnnfilterError as error:
            message = str(error)
            assert any(word in message for word in SPOKEN.get(parameter, (parameter,))), (name, message)
            assert message.isprintable(), name
            assert "hunter2" not in message, name
            assert len(message) < longest, name
        else:
            assert parameter in TAKEN.get(name, "").split(), f"{name} is taken for {parameter}"


def test_a_generator_is_no_pair():
    for parameter in ("stride", "padding"):
        with pytest.raises(CnnfilterError, match=f"^{parameter} must be a whole number, not <generator"):
            cnnfilter.conv2d(IMAGE, np.ones((3, 3)), **{parameter: (n for n in (1, 2))})


@pytest.mark.parametrize("one", [2, np.uint8(2), np.array(2), np.array([2]), np.array([2, 2]), [2, 2], "2x2"], ids=repr)
def test_numbers_of_any_kind_are_sizes(one):
    for function in (cnnfilter.max_pool2d, cnnfilter.avg_pool2d, cnnfilter.sum_pool2d):
        expected = function(IMAGE, 2, stride=2, padding=2)
        np.testing.assert_array_equal(function(IMAGE, one, stride=one, padding=one), expected)
    expected = cnnfilter.conv2d(IMAGE, np.ones((3, 3)), stride=2, padding=2, dilation=2)
    result = cnnfilter.conv2d(IMAGE, np.ones((3, 3)), stride=one, padding=one, dilation=one)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (cnnfilter.conv2d, (IMAGE, np.ones((3, 3)))),
        (cnnfilter.max_pool2d, (IMAGE, 2)),
        (cnnfilter.apply, (IMAGE, get_kernel("box"))),
    ],
)
def test_a_result_larger_than_memory(function, arguments):
    with pytest.raises(RoomError, match=r"^there is no memory for a result of .* GB\); use less padding"):
        function(*arguments, padding=10**5)
    with pytest.raises(RoomError, match="use less padding"):
        Pipeline.parse("conv:box:padding=1000000").run(IMAGE)
