"""A network's file: what it holds, and whether that is what is meant."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .. import sources
from ..errors import ModelError


def content(model: bytes | str | Path, sha256: str = "") -> bytes:
    """Return the bytes of a network.

    Parameters
    ----------
    model : bytes, str or path
        The content of a .tflite file, or its path.
    sha256 : str
        Of what is meant; "" takes whatever the file holds.

    Raises
    ------
    ModelError
        The file cannot be read, or holds something else.
    """
    if isinstance(model, bytes):
        return model
    data = sources.read(model, ModelError)
    if sha256 and hashlib.sha256(data).hexdigest() != sha256:
        raise ModelError("was replaced or changed since it was opened")
    return data
