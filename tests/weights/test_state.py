import gc
import os
import pickle
import weakref

import numpy as np
import pytest
from safetensors.numpy import save_file

from cnnfilter.errors import KernelError
from cnnfilter.weights import state as states
from cnnfilter.weights.state import load_state

ARRAYS = {
    "conv1.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "bn1.num_batches_tracked": np.array(5),
    "bn1.weight": np.ones(2, np.float16),
}


@pytest.fixture
def file(tmp_path):
    np.savez(tmp_path / "net.npz", **ARRAYS)
    return tmp_path / "net.npz"


def test_a_state_dict_has_its_arrays_by_name(file):
    state = load_state(file)
    assert state.names == ("conv1.weight", "bn1.weight")
    assert state.shape("conv1.weight") == (2, 3, 2, 2)
    assert state.shape("conv2.weight") is None
    weight = state.array("conv1.weight", (2, 3, 2, 2))
    assert weight.dtype == np.float32
    assert weight.flags.writeable
    np.testing.assert_array_equal(weight, ARRAYS["conv1.weight"])
    assert state.array("conv1.weight", (2, 3, 2, 2)) is weight
    assert state.array("bn1.weight", (2,)).dtype == np.float32


def test_other_formats_with_names_are_state_dicts_too(tmp_path):
    save_file(ARRAYS, tmp_path / "net.safetensors")
    np.testing.assert_array_equal(
        load_state(str(tmp_path / "net.safetensors")).array("conv1.weight", (2, 3, 2, 2)), ARRAYS["conv1.weight"]
    )


def test_a_file_is_opened_once_as_long_as_it_is_held(file, monkeypatch):
    opened = []
    original = states.open_members
    monkeypatch.setattr(states, "open_members", lambda path: opened.append(path) or original(path))
    state = load_state(file)
    assert load_state(str(file)) is state
    assert len(opened) == 1
    np.savez(file, **ARRAYS, more=np.ones(3))
    assert "more" in load_state(file).names
    assert len(opened) == 2


def test_a_file_is_closed_when_nobody_holds_it(file):
    state = load_state(file)
    held, close = weakref.ref(state), state.close
    del state
    gc.collect()
    assert held() is None
    assert not close.alive


def test_a_forked_child_opens_the_file_for_itself(file, monkeypatch):
    opened = []
    original = states.open_members
    monkeypatch.setattr(states, "open_members", lambda path: opened.append(path) or original(path))
    state = load_state(file)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    np.testing.assert_array_equal(state.array("conv1.weight", (2, 3, 2, 2)), ARRAYS["conv1.weight"])
    assert len(opened) == 2


def test_a_state_dict_travels_to_a_process_as_its_path(file):
    state = load_state(file)
    assert pickle.loads(pickle.dumps(state)) is state


def test_the_prefix_of_pytorchs_wrapper_goes(tmp_path):
    path = tmp_path / "net.npz"
    np.savez(path, **{f"module.{name}": array for name, array in ARRAYS.items()})
    assert load_state(path).names == ("conv1.weight", "bn1.weight")
    np.savez(path, **{"module.weight": np.ones(1), "weight": np.ones(2)})
    assert load_state(path).names == ("module.weight", "weight")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"w": [1.0, 2.0]}, "net.npz: array 'w' is 2, but it must be 3$"),
        ({"w": [1.0, np.nan, 2.0]}, r"net.npz: nan at \[1\]: array 'w' must be finite$"),
        ({"w": [1.0, 1e39, 2.0]}, r"net.npz: 1e\+39 at \[1\] is too large for float32"),
        ({"w": ["a", "b", "c"]}, "net.npz: array 'w' is of type <U1; weights must be real numbers$"),
    ],
)
def test_an_array_that_does_not_fit_is_explained(tmp_path, arrays, message):
    np.savez(tmp_path / "net.npz", **arrays)
    state = load_state(tmp_path / "net.npz")
    with pytest.raises(KernelError, match=message):
        state.array("w", (3,))


def test_a_file_that_is_no_state_dict_is_explained(tmp_path):
    with pytest.raises(KernelError, match=r"gone.npz: no such file$"):
        load_state(tmp_path / "gone.npz")
    np.save(tmp_path / "one.npy", np.ones((2, 2)))
    with pytest.raises(KernelError, match=r"one.npy: it holds one array without a name; the arrays of a network are"):
        load_state(tmp_path / "one.npy")
    np.savez(tmp_path / "twice.npz", weight=[1.0], weighs=[2.0])
    (tmp_path / "twice.npz").write_bytes((tmp_path / "twice.npz").read_bytes().replace(b"weighs", b"weight"))
    with pytest.raises(KernelError, match=r"twice.npz: it holds two arrays of the name 'weight'$"):
        load_state(tmp_path / "twice.npz")
    np.savez(tmp_path / "none.npz")
    with pytest.raises(KernelError, match=r"none.npz: it holds no arrays$"):
        load_state(tmp_path / "none.npz")
