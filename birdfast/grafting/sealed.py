"""Facts and arrays as bytes without pickles, under their own hash: what is cut or changed is noticed.

A file of the cache holds them; the body that they are of, a model, is a file beside it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import sources
from ..arrays import Array, write_npz
from ..errors import ConfigError, ModelError
from . import kept, places

MAGIC = b"birdfast graft 8\n"
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


def read(path: Path, suffix: str) -> tuple[dict[str, Any], dict[str, Array], Path]:
    """Return what a file of the cache holds, and where the body is that its facts tell, if they tell one.

    Raises
    ------
    OSError, ValueError, KeyError or ModelError
        There is none, it is damaged or another's, or others could have written it.
    """
    body = _body(path, suffix)
    if reason := places.distrust(path) or places.distrust(body):
        raise ValueError(reason)
    head, arrays = opened(path.read_bytes(), path.name)
    if "body" in head and sources.sha256(body, ModelError) != head["body"]:
        raise ValueError("another body")
    return head, arrays, body


def write(path: Path, suffix: str, packed: bytes, body: bytes | None) -> None:
    """Keep what `seal` made, and its body if it has one; a full disk only costs the next start's time."""
    with contextlib.suppress(OSError, ConfigError):
        kept.make(path.parent)
        if body is not None:
            kept.replace(_body(path, suffix), body)
        kept.replace(path, packed)


def _body(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name}{suffix}")
