"""Facts and arrays as bytes without pickles, under their own hash: what is cut or changed is noticed."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrays import Array, write_npz

MAGIC = b"birdfast graft 7\n"
DIGEST = 64


def seal(head: Mapping[str, object], arrays: Mapping[str, Array]) -> bytes:
    """Return facts, of JSON's kinds, and arrays as bytes; facts tell the `name` of the file they are for."""
    stream = io.BytesIO()
    write_npz(stream, {"head": np.frombuffer(json.dumps(head).encode(), np.uint8), **arrays})
    packed = stream.getvalue()
    return MAGIC + hashlib.sha256(packed).hexdigest().encode() + b"\n" + packed


def opened(data: bytes, name: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the facts and arrays that `seal` was given.

    Raises
    ------
    ValueError or KeyError
        The bytes are not what it made, or of another name.
    """
    start = len(MAGIC) + DIGEST + 1
    packed = data[start:]
    if data[: start - 1] != MAGIC + hashlib.sha256(packed).hexdigest().encode():
        raise ValueError("damaged")
    with np.load(io.BytesIO(packed), allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    head = json.loads(arrays.pop("head").tobytes())
    if head["name"] != name:
        raise ValueError("another network's")
    return head, arrays
