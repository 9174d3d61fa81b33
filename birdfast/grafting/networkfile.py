"""A network's file: what it holds, and whether that is what is meant."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .. import digests
from ..errors import ModelError


def digest(path: Path) -> str:
    """Return the SHA-256 of a network's file as it is now.

    Raises
    ------
    ModelError
        It cannot be read.
    """
    try:
        return digests.of_file(path)
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror})") from error


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
    try:
        data = Path(model).read_bytes()
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror})") from error
    if sha256 and hashlib.sha256(data).hexdigest() != sha256:
        raise ModelError("was replaced or changed since it was opened")
    return data
