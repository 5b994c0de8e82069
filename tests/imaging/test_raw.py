import io

import numpy as np
import pytest
from PIL import Image

from cnnfilter.errors import ArgumentError
from cnnfilter.imaging.raw import encode_values

MAPS = np.random.default_rng(3).normal(size=(3, 4, 5)).astype(np.float32)


def whole(data):
    return data if isinstance(data, bytes) else b"".join(data)


@pytest.mark.parametrize("values", [MAPS, MAPS[0], MAPS[0, 0]], ids=["maps", "map", "vector"])
def test_arrays_come_back_from_numpy(values):
    stored = np.load(io.BytesIO(whole(encode_values(values, "NPY", name="maps"))), allow_pickle=False)
    assert stored.dtype == np.float32
    np.testing.assert_array_equal(stored, values)
    with np.load(io.BytesIO(whole(encode_values(values, "NPZ", name="maps")))) as archive:
        assert list(archive) == ["maps"]
        np.testing.assert_array_equal(archive["maps"], values)


@pytest.mark.parametrize("format", ["NPY", "NPZ"])
def test_the_numbers_are_not_copied(format):
    parts = encode_values(MAPS, format, name="maps")
    (numbers,) = (np.frombuffer(part, np.float32) for part in parts if isinstance(part, memoryview))
    assert np.shares_memory(numbers, MAPS)


@pytest.mark.parametrize("values", [MAPS, MAPS[0]], ids=["maps", "map"])
@pytest.mark.parametrize("options", [{}, {"compression": "deflate"}])
def test_a_tiff_has_a_page_for_each_map(values, options):
    with Image.open(io.BytesIO(encode_values(values, "TIFF", name="maps", options=options))) as tiff:
        assert (tiff.n_frames, tiff.mode) == (len(values) if values.ndim == 3 else 1, "F")
        for index, plane in enumerate(values.reshape(-1, 4, 5)):
            tiff.seek(index)
            np.testing.assert_array_equal(np.asarray(tiff), plane)


def test_save_options_are_checked():
    with pytest.raises(ArgumentError, match="^TIFF has no save option 'nonsense'"):
        encode_values(MAPS, "TIFF", name="maps", options={"nonsense": "1"})
