"""Rewritten ONNX networks kept from one run to the next, as `cache` keeps those of TFLite."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import asdict
from functools import partial
from pathlib import Path

from ..arrays import Array
from ..errors import ModelMemoryError
from ..frontends.tables import FrontEnd
from ..runtimes import onnx
from . import kept, onnxgraft, places, sealed
from .grafted import Proof, warn_original
from .onnxgraft import Asked, OnnxGrafted
from .places import TOLERANCE

SUFFIX = ".onnx"  # of the body beside a file of the cache


def cached(
    data: bytes,
    asked: Asked,
    sha256: str,
    folder: Path | None,
    tolerance: float = TOLERANCE,
    data_sha256: str = "",
) -> OnnxGrafted:
    """Return what `onnxgraft.verified` gives, or what it gave before.

    Parameters
    ----------
    data, asked, tolerance
        As `onnxgraft.verified`.
    sha256 : str
        Of the network's file.
    folder : path or None
        Where rewritten networks are kept, and nobody else writes (`places.trusted`); None keeps nothing.
    data_sha256 : str
        Of the data, where that is known.
    """
    if folder is None:
        return _made(data, asked, tolerance)
    path = folder / _file_name(data_sha256 or hashlib.sha256(data).hexdigest(), asked, sha256, tolerance)
    return kept.once(path, partial(read, path), partial(_made, data, asked, tolerance, path))


def _made(data: bytes, asked: Asked, tolerance: float, path: Path | None = None) -> OnnxGrafted:
    """Rewrite a network now, and keep it, unless there is too little memory, which says nothing about it."""
    try:
        made = onnxgraft.verified(data, asked, tolerance)
    except ModelMemoryError as error:
        warn_original(f"{error}; tried again next time")
        return onnxgraft.AS_IT_IS
    if path is not None:
        write(path, made)
        with contextlib.suppress(*kept.UNREADABLE):
            return read(path)  # which holds the body as a file
    return made


def read(path: Path) -> OnnxGrafted:
    """Return what a file of the cache holds.

    Raises
    ------
    OSError, ValueError, KeyError, TypeError or ModelError
        As `sealed.read`.
    """
    head, arrays, body = sealed.read(path, SUFFIX)
    if "front_end" not in head:
        return OnnxGrafted(refused=str(head["refused"]), is_kept=True)
    front_end = FrontEnd.from_tables(head["front_end"], arrays)
    return OnnxGrafted(body, str(head["source"]), front_end, "", Proof(**head["proof"]), is_kept=True)


def write(path: Path, made: OnnxGrafted) -> None:
    """Keep a rewritten network, or that there is none; as `sealed.write`."""
    head: dict[str, object] = {"name": path.name, "refused": made.refused}
    arrays: dict[str, Array] = {}
    body = None
    if made.front_end is not None:
        head["front_end"], arrays = made.front_end.tables()
        body = made.content()
        told = {"source": made.source, "proof": asdict(made.proof)}
        head |= {**told, "body": hashlib.sha256(body).hexdigest()}
    sealed.write(path, SUFFIX, sealed.seal(head, arrays), body)


def _file_name(model: str, asked: Asked, sha256: str, tolerance: float) -> str:
    """Return a file name that changes with anything that changes the result."""
    told = repr((model, onnx.version(), asked, tolerance))
    return f"{places.beginning(sha256, places.ONNX)}{hashlib.sha256(told.encode()).hexdigest()[:32]}.graft"
