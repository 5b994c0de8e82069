import io

import numpy as np
import pytest

from cnnfilter import npy


@pytest.mark.parametrize("dtype", ["uint8", "uint16", ">u2", "float32", "float64"])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4)])
def test_parts_are_what_numpy_writes_and_the_header_tells_of_them(shape, dtype):
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    header, numbers = npy.parts(array)
    buffer = io.BytesIO()
    np.save(buffer, array)
    assert header + numbers == buffer.getvalue()
    buffer.seek(0)
    told = npy.read_header(buffer)
    assert told == ((1, 0), shape, False, np.dtype(dtype), len(header))
    assert told.promised == len(numbers) == array.nbytes
