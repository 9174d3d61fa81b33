"""Rewritten models kept from one run to the next: the body, a .tflite file, and all the rest beside it.

A file is made under another name and then moved: whoever reads sees a whole file or none, and of several
processes that start at once the last one's equal file stays. The first lines hold the hash of the
rest, and the rest that of the body, so what was cut or changed is noticed and made anew. The body is mapped
into memory, where all workers share it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..arrays import Array
from ..atomicfile import AtomicFile
from ..errors import ConfigError
from ..frontends.tables import FrontEnd
from . import places
from .grafted import Grafted, Proof, warn_original
from .places import TOLERANCE

MAGIC = b"birdfast graft 4\n"
UNREADABLE = (OSError, ValueError, KeyError, TypeError)
DIGEST = 64
PLAIN = ("batch", "body_input", "scores", "embedding", "ends_in")  # of `Grafted`, as JSON has them


def cached(
    model: Path,
    folder: Path,
    *,
    batch: int = 1,
    tolerance: float = TOLERANCE,
    output: str = "",
    n_classes: int = 0,
) -> Grafted | None:
    """Return what `graft.verified` gives, or what it gave before.

    Parameters
    ----------
    model : path
        A .tflite file.
    folder : path
        Where rewritten models are kept; made if it is missing (see `models.cache_folder`).
    batch, tolerance
        As `graft.verified`.
    output, n_classes : str, int
        Which output holds the scores, where there are several; see `signature.scores_output`.

    Returns
    -------
    Grafted or None
        None: nothing that helps agrees with the original, which is then to be run (a RuntimeWarning says so).

    Raises
    ------
    ModelError
        The file cannot be read, is no network for sound, or one that the runtime refuses.
    """
    paths = places.of(model, folder, batch, tolerance, output, n_classes)
    for path in paths:
        with contextlib.suppress(*UNREADABLE):
            return _or_warn(read(path))
    with _alone(paths[0]):
        for path in paths:  # perhaps another process made it while this one waited
            with contextlib.suppress(*UNREADABLE):
                return _or_warn(read(path))
        from . import graft, original  # take their time, and are not needed again

        data, of_several = graft.scores_alone(original.content(model), output, n_classes)
        grafted = graft.verified(data, batch=batch, tolerance=tolerance)
        write(paths[of_several], grafted)
    return grafted


def holds(model: Path, folder: Path, *, batch: int, output: str = "", n_classes: int = 0) -> bool:
    """Return whether `cached` was asked the same before: without looking into what it gave.

    Raises
    ------
    ModelError
        The file cannot be read.
    """
    return any(path.exists() for path in places.of(model, folder, batch, TOLERANCE, output, n_classes))


def pack(grafted: Grafted | None) -> bytes:
    """Return a rewritten model without its body (or that there is none) as bytes without pickles.

    Raises
    ------
    OSError
        The body, which is hashed, cannot be read.
    """
    head: dict[str, object] = {"refused": grafted is None}
    arrays: dict[str, Array] = {}
    if grafted is not None:
        if grafted.front_end is not None:
            head["front_end"], arrays = grafted.front_end.tables()
        head |= {key: getattr(grafted, key) for key in PLAIN} | {"proof": asdict(grafted.proof)}
        head["body"] = hashlib.sha256(_bytes(grafted.body)).hexdigest()
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, head=np.frombuffer(json.dumps(head).encode(), np.uint8), **arrays)
    packed = stream.getvalue()
    return MAGIC + hashlib.sha256(packed).hexdigest().encode() + b"\n" + packed


def unpack(data: bytes, body: Path) -> Grafted | None:
    """Return what was packed.

    Parameters
    ----------
    data : bytes
        From `pack`.
    body : path
        The file of the body; it is hashed, and stays where it is.

    Raises
    ------
    ValueError
        The bytes are not what `pack` made, or the body is another.
    OSError
        The body cannot be read.
    """
    start = len(MAGIC) + DIGEST + 1
    packed = data[start:]
    if data[: start - 1] != MAGIC + hashlib.sha256(packed).hexdigest().encode():
        raise ValueError("damaged")
    with np.load(io.BytesIO(packed), allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    head = json.loads(arrays.pop("head").tobytes())
    if head["refused"]:
        return None
    with body.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != head["body"]:
            raise ValueError("another body")
    front_end = FrontEnd.from_tables(head["front_end"], arrays) if "front_end" in head else None
    plain = {key: head[key] for key in PLAIN}
    return Grafted(body=body, front_end=front_end, proof=Proof(**head["proof"]), **plain)


def read(path: Path) -> Grafted | None:
    """Return what a file of the cache holds; errors as `unpack`."""
    return unpack(path.read_bytes(), _body(path))


def write(path: Path, grafted: Grafted | None) -> None:
    """Put a rewritten model, or that there is none, into the cache.

    A full disk only costs the speed of the next start: nothing is raised.
    """
    with contextlib.suppress(OSError, ConfigError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if grafted is not None:
            _replace(_body(path), _bytes(grafted.body))
        _replace(path, pack(grafted))


def _or_warn(grafted: Grafted | None) -> Grafted | None:
    if grafted is None:
        warn_original("rewriting it was refused before")
    return grafted


def _bytes(body: bytes | Path) -> bytes:
    return body if isinstance(body, bytes) else body.read_bytes()


def _body(path: Path) -> Path:
    return path.with_name(f"{path.name}.tflite")


def _replace(path: Path, data: bytes) -> None:
    with AtomicFile(path, mode="wb") as file:
        file.stream.write(data)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other process makes the same file; where locks are not to be had, go ahead."""
    try:
        import fcntl

        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_suffix(".lock").open("wb")
    except (ImportError, OSError):
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
