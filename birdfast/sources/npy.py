"""Arrays in NumPy's files, as others may have written them."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib import format as npy

from ..arrays import Array

if TYPE_CHECKING:
    from . import Fault, Place

ALIGNED = 16  # bytes, as the content of a file lies in memory


def array(path: Place, data: bytes, fault: Fault) -> Array:
    """Return the array in the content of a .npy file: no pickle, and no memory before its header is true.

    It is not to be written to: a large one, in the usual order, lies in the content itself.

    Raises
    ------
    fault
        There is none in it.
    """
    headers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    stream = io.BytesIO(data)
    try:
        shape, columns_first, dtype = headers[npy.read_magic(stream)](stream)
        start = stream.tell()
        n_bytes, n_left = math.prod(shape) * dtype.itemsize, len(data) - start
        if n_bytes != n_left and not dtype.hasobject:
            raise ValueError(f"{n_bytes:,} bytes by its header, {n_left:,} are there")
        if n_left and not (columns_first or dtype.hasobject or start % ALIGNED):
            return np.frombuffer(data, dtype, offset=start).reshape(shape)
        stream.seek(0)
        found: Array = npy.read_array(stream, allow_pickle=False)
    except Exception as error:  # NumPy's parser of headers raises what Python's happens to meet
        raise fault(f"{path}: no array can be read from it ({error})") from error
    found.flags.writeable = False
    return found
