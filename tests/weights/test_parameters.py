import hashlib
import subprocess
import sys

import numpy as np
import pytest

from cnnfilter.errors import ArgumentError, KernelError
from cnnfilter.weights.parameters import BATCHNORM, MAX_SEED, PRELU, Arrays, Named, RandomParameters, fan_in
from cnnfilter.weights.state import load_state

WEIGHT = np.arange(12, dtype=np.float64).reshape(3, 4)


def test_names_of_parameters_bring_no_numpy():
    code = "import sys, cnnfilter.weights.parameters; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Arrays


def test_arrays_are_float32_of_the_shape_that_is_asked_for():
    learned = Arrays({"weight": np.asfortranarray(WEIGHT)})
    weight = learned.array("weight", (3, 4))
    assert weight.dtype == np.float32
    assert weight.flags.c_contiguous
    np.testing.assert_array_equal(weight, WEIGHT)
    assert learned.array("weight", (3, 4)) is weight
    assert learned.array("bias", (3,)) is None
    assert learned.shape("weight") == (3, 4)
    assert learned.shape("bias") is None
    assert learned.keys() == {}


@pytest.mark.parametrize(
    ("arrays", "role", "message"),
    [
        ({"weight": WEIGHT}, "running_mean", "^there is no running_mean$"),
        ({"weight": WEIGHT.T}, "weight", "^its weight is 4x3, but it must be 3x4$"),
        ({"bias": WEIGHT}, "bias", None),
        ({"weight": WEIGHT + np.nan}, "weight", r"^nan at \[0, 0\]: its weight must be finite$"),
        ({"weight": WEIGHT > 0}, "weight", "^its weight must be real numbers, not bool$"),
    ],
)
def test_arrays_that_do_not_fit_are_explained(arrays, role, message):
    learned = Arrays(arrays)
    if message is None:
        np.testing.assert_array_equal(learned.array(role, (3, 4)), WEIGHT)
        return
    with pytest.raises(KernelError, match=message):
        learned.array(role, (3, 4))


# A state dict


@pytest.fixture
def state(tmp_path):
    def write(arrays):
        np.savez(tmp_path / "net.npz", **arrays)
        return load_state(tmp_path / "net.npz")

    return write


def test_a_prefix_names_the_arrays_of_a_stage(state):
    found = state({"a.weight": WEIGHT, "a.bias": WEIGHT[0], "b.weight": WEIGHT[1], "c.weight": WEIGHT})
    learned = Named(found, "a")
    np.testing.assert_array_equal(learned.array("weight", (3, 4)), WEIGHT)
    np.testing.assert_array_equal(learned.array("bias", (4,)), WEIGHT[0])
    assert learned.shape("weight") == (3, 4)
    assert Named(found, "b").shape("bias") is None
    assert learned.keys() == {"weights": str(found.path), "name": "a"}
    assert learned == Named(found, "a")
    assert hash(learned) == hash(Named(found, "a"))
    assert learned != Named(found, "b")


def test_without_a_prefix_the_names_are_the_roles(state):
    learned = Named(state({"weight": WEIGHT}), "")
    learned.load(["weight"])
    np.testing.assert_array_equal(learned.array("weight", (3, 4)), WEIGHT)


def test_what_is_not_there_is_told_with_the_nearest(state):
    learned = Named(state({"layer1.0.conv1.weight": WEIGHT}), "layer1.0.conv")
    message = r"net.npz: there is no array 'layer1.0.conv.weight'; did you mean layer1.0.conv1.weight\?$"
    for look in (
        lambda: learned.array("weight", (3, 4)),
        lambda: learned.check("weight", (3, 4)),
        lambda: learned.load(["weight"]),
    ):
        with pytest.raises(KernelError, match=message):
            look()
    with pytest.raises(KernelError, match=r"no array 'layer1.0.conv1.bias'.*; bias=no is for what has none$"):
        Named(learned.state, "layer1.0.conv1").array("bias", (3,))
    normed = Named(state({"bn.weight": WEIGHT[0]}), "bn")
    with pytest.raises(KernelError, match=r"'bn.bias'.*; a batchnorm has one, of zeros where nothing was learned$"):
        normed.check("bias", (4,))


def test_a_stage_reads_its_own_arrays_before_they_are_asked_for(state):
    found = state(
        {"a.weight": WEIGHT, "a.b.weight": WEIGHT + np.nan, "a.t": WEIGHT + np.nan, "ab.weight": WEIGHT + np.nan}
    )
    Named(found, "a").load(["weight"])
    Named(found, "a").check("weight", (3, 4))
    with pytest.raises(KernelError, match=r"net.npz: nan at \[0, 0\]: array 'ab.weight' must be finite$"):
        Named(found, "ab").load(["weight", "bias"])
    Arrays({}).load(["weight"])
    RandomParameters(1).load(["weight"])
    RandomParameters(1).check("weight", (3, 4))


# Random ones


def test_random_numbers_are_those_of_the_docstring():
    learned = RandomParameters(7)
    for place, (role, shape, fan) in enumerate([("weight", (8, 3, 5, 5), None), ("bias", (8,), 75)]):
        generator = np.random.PCG64(np.random.SeedSequence([7, place]))
        bound = 75**-0.5
        expected = [
            np.float32(bound * (2 * (int(generator.random_raw()) // 2**40) / 2**24 - 1)) for _ in range(np.prod(shape))
        ]
        np.testing.assert_array_equal(learned.array(role, shape, fan), np.reshape(expected, shape))
    assert fan_in((8, 3, 5, 5)) == 75


def test_random_numbers_are_the_same_on_every_machine(monkeypatch):
    weight = RandomParameters(1).array("weight", (40, 3, 3, 3))
    assert hashlib.sha256(weight.astype("<f4").tobytes()).hexdigest()[:16] == "15cfa51f1bec0462"
    monkeypatch.setattr("cnnfilter.weights.parameters._BLOCK", 7)
    np.testing.assert_array_equal(RandomParameters(1).array("weight", (40, 3, 3, 3)), weight)


def test_random_numbers_are_uniform_within_the_bound_of_pytorch():
    weight = RandomParameters(3).array("weight", (100, 16, 5, 5))
    bound = 1 / 20
    assert np.abs(weight).max() <= bound
    counts, _ = np.histogram(weight, 20, (-bound, bound))
    assert abs(counts / counts.mean() - 1).max() < 0.1
    assert weight.dtype == np.float32


def test_random_parameters_are_equal_by_their_seed():
    assert RandomParameters(1) == RandomParameters(1)
    assert RandomParameters(1) != RandomParameters(2)
    assert not np.array_equal(RandomParameters(1).array("weight", (2, 2)), RandomParameters(2).array("weight", (2, 2)))
    assert RandomParameters(1).keys() == {"random": "1"}
    assert RandomParameters(1).shape("weight") is None
    learned = RandomParameters(1)
    assert learned.array("weight", (2, 2)) is learned.array("weight", (2, 2))


def test_constants_are_what_pytorch_begins_with():
    learned = RandomParameters(1, BATCHNORM)
    found = {role: learned.array(role, (3,)).tolist() for role in ("weight", "bias", "running_mean", "running_var")}
    assert found == {"weight": [1] * 3, "bias": [0] * 3, "running_mean": [0] * 3, "running_var": [1] * 3}
    assert RandomParameters(1, PRELU).array("weight", (2,)).tolist() == [0.25, 0.25]
    with pytest.raises(TypeError, match="the bias of 3 is drawn by the fan of its weight, which is not told"):
        RandomParameters(1).array("bias", (3,))


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1])
def test_a_seed_out_of_its_limits_is_refused(seed):
    with pytest.raises(ArgumentError, match=f"random must be a whole number from 0 to 4294967295, not {seed}"):
        RandomParameters(seed)
