"""Rewritten models kept from one run to the next, one file each.

A file is made under another name and then moved: whoever reads sees a whole file or none, and of several
processes that start at once the last one's equal file stays. Its first lines hold the hash of the rest, so
a file that was cut or changed is noticed and made anew.
"""

import contextlib
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .. import __version__
from .frontend import Array, FrontEnd
from .graft import Grafted, Report

MAGIC = b"birdfast graft 1\n"
DIGEST = 64


def name(model: bytes, batch: int, embedding: bool, tolerance: float) -> str:
    """A file name that changes with anything that changes the result."""
    digest = hashlib.sha256(model).hexdigest()
    kind = f"{__version__}-{batch}{'e' if embedding else ''}-{tolerance:g}"
    return f"{digest}-{kind}.graft"


def pack(grafted: Grafted | None) -> bytes:
    """A rewritten model (or that there is none) as bytes without pickles."""
    head: dict[str, object] = {"refused": grafted is None}
    arrays: dict[str, Array] = {}
    if grafted is not None:
        if grafted.front_end is not None:
            head["front_end"], arrays = grafted.front_end.tables()
        plain = ("batch", "body_input", "scores", "embedding")
        head |= {key: getattr(grafted, key) for key in plain} | {"report": asdict(grafted.report)}
        arrays["body"] = np.frombuffer(grafted.body, np.uint8)
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, head=np.frombuffer(json.dumps(head).encode(), np.uint8), **arrays)
    content = stream.getvalue()
    return MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def unpack(data: bytes) -> Grafted | None:
    """The inverse of `pack`.

    Raises
    ------
    ValueError
        The bytes are not what `pack` made.
    """
    start = len(MAGIC) + DIGEST + 1
    content = data[start:]
    if data[: start - 1] != MAGIC + hashlib.sha256(content).hexdigest().encode():
        raise ValueError("damaged")
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    head = json.loads(arrays.pop("head").tobytes())
    if head["refused"]:
        return None
    body = arrays.pop("body").tobytes()
    front_end = FrontEnd.from_tables(head["front_end"], arrays) if "front_end" in head else None
    plain = {key: head[key] for key in ("batch", "body_input", "scores", "embedding")}
    return Grafted(body=body, front_end=front_end, report=Report(**head["report"]), **plain)


def read(path: Path) -> Grafted | None:
    """What a cache file holds; ValueError or OSError if it is damaged or missing."""
    return unpack(path.read_bytes())


def write(path: Path, grafted: Grafted | None) -> None:
    """Put a rewritten model into the cache; a full disk only costs the speed of the next start."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(pack(grafted))
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


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
