"""Rewritten models kept from one run to the next: the body, a .tflite file, and all the rest beside it.

A file is made under another name and then moved: whoever reads sees a whole file or none, and of several
processes that start at once the last one's equal file stays. The first lines hold the hash of the
rest, and the rest that of the body, so what was cut or changed is noticed and made anew. The body is mapped
into memory, where all workers share it.
"""

import contextlib
import functools
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .. import __version__
from ..atomicfile import AtomicFile
from ..errors import ConfigError, ModelError
from .frontend import Array, FrontEnd
from .grafted import Grafted, Report

MAGIC = b"birdfast graft 2\n"
TOLERANCE = 1e-3  # of logits
UNREADABLE = (OSError, ValueError, KeyError, TypeError)
DIGEST = 64


def name(digest: str, batch: int, embedding: bool, tolerance: float, scores: str) -> str:
    """A file name that changes with anything that changes the result."""
    kind = f"{__version__}-{batch}{'e' if embedding else ''}-{tolerance:g}"
    named = hashlib.sha256(scores.encode()).hexdigest()[:8]
    return f"{digest}-{kind}-{named}.graft"


def cached(
    model: Path,
    folder: Path,
    *,
    batch: int = 1,
    embedding: bool = True,
    tolerance: float = TOLERANCE,
    output: str = "",
    n_classes: int = 0,
) -> Grafted | None:
    """`graft.verified`, or what it gave before.

    Parameters
    ----------
    model
        A .tflite file.
    folder
        Where rewritten models are kept; made if it is missing (see `models.cache_folder`).
    batch, embedding, tolerance
        As `graft.verified`.
    output, n_classes
        Which output holds the scores, where there are several; see `tflite.scores_output`.

    Returns
    -------
    Grafted or None
        None: nothing that helps agrees with the original, which is then to be run (a RuntimeWarning says so).

    Raises
    ------
    ModelError
        The file cannot be read, is no network for sound, or one that the runtime refuses.
    """
    places = _places(model, folder, batch, embedding, tolerance, output, n_classes)
    for path in places:
        with contextlib.suppress(*UNREADABLE):
            return _or_warn(read(path))
    with alone(places[0]):
        for path in places:  # perhaps another process made it while this one waited
            with contextlib.suppress(*UNREADABLE):
                return _or_warn(read(path))
        from . import graft  # takes its time, and is not needed again

        data, of_several = graft.scores_alone(graft.content(model), output, n_classes)
        grafted = graft.verified(data, batch=batch, embedding=embedding, tolerance=tolerance)
        write(places[of_several], grafted)
    return grafted


def holds(model: Path, folder: Path, *, batch: int, output: str = "", n_classes: int = 0) -> bool:
    """Whether `cached` was asked the same before: without looking into what it gave."""
    return any(path.exists() for path in _places(model, folder, batch, True, TOLERANCE, output, n_classes))


def pack(grafted: Grafted | None) -> bytes:
    """A rewritten model without its body (or that there is none) as bytes without pickles."""
    head: dict[str, object] = {"refused": grafted is None}
    arrays: dict[str, Array] = {}
    if grafted is not None:
        if grafted.front_end is not None:
            head["front_end"], arrays = grafted.front_end.tables()
        plain = ("batch", "body_input", "scores", "embedding")
        head |= {key: getattr(grafted, key) for key in plain} | {"report": asdict(grafted.report)}
        head["body"] = hashlib.sha256(_bytes(grafted.body)).hexdigest()
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, head=np.frombuffer(json.dumps(head).encode(), np.uint8), **arrays)
    packed = stream.getvalue()
    return MAGIC + hashlib.sha256(packed).hexdigest().encode() + b"\n" + packed


def unpack(data: bytes, body: Path) -> Grafted | None:
    """The inverse of `pack`, with the body in its file.

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
    plain = {key: head[key] for key in ("batch", "body_input", "scores", "embedding")}
    return Grafted(body=body, front_end=front_end, report=Report(**head["report"]), **plain)


def read(path: Path) -> Grafted | None:
    """What a cache file holds; ValueError or OSError if it is damaged or missing."""
    return unpack(path.read_bytes(), _body(path))


def write(path: Path, grafted: Grafted | None) -> None:
    """Put a rewritten model into the cache; a full disk only costs the speed of the next start."""
    with contextlib.suppress(OSError, ConfigError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if grafted is not None:
            _replace(_body(path), _bytes(grafted.body))
        _replace(path, pack(grafted))


def _places(
    model: Path, folder: Path, batch: int, embedding: bool, tolerance: float, output: str, n_classes: int
) -> list[Path]:
    """Return where a network may be kept: one with one output, one with several."""
    kinds = ("", f"{output} {n_classes}")
    return [folder / name(_digest(model), batch, embedding, tolerance, kind) for kind in kinds]


def _or_warn(grafted: Grafted | None) -> Grafted | None:
    if grafted is None:
        from .graft import warn_original

        warn_original("rewriting it was refused before")
    return grafted


@functools.cache
def _digest(model: Path) -> str:
    """The SHA-256 of a file, read once a process."""
    try:
        with model.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror})") from error


def _bytes(body: bytes | Path) -> bytes:
    return body if isinstance(body, bytes) else body.read_bytes()


def _body(path: Path) -> Path:
    return path.with_name(f"{path.name}.tflite")


def _replace(path: Path, data: bytes) -> None:
    with AtomicFile(path, mode="wb") as file:
        file.stream.write(data)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
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
