"""Rewritten models kept from one run to the next: the body, a .tflite file, and all the rest beside it.

A file is made under another name and then moved: whoever reads sees a whole file or none, and of several
processes that start at once the last one's equal file stays. The first lines hold the hash of the rest, and
the rest that of the body and the name that both were made for: what was cut, changed or copied to another
network's name is noticed and made anew, as is what others can write. The body is mapped into memory, where
all workers share it.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from .. import sources
from ..arrays import Array
from ..errors import ModelError, ModelMemoryError
from ..frontends.tables import FrontEnd
from . import kept, networkfile, places, sealed
from .grafted import Grafted, Proof, warn_original
from .places import TOLERANCE
from .roles import NOT_TOLD, Wanted

SUFFIX = ".tflite"  # of the body beside a file of the cache
PLAIN = ("batch", "body_input", "scores", "embedding", "ends_in")  # of `Grafted`, as JSON has them
BY_ROLE = ("more", "ends")


def cached(
    model: Path,
    folder: Path | None,
    *,
    sha256: str = "",
    batch: int = 1,
    tolerance: float = TOLERANCE,
    wanted: Wanted = NOT_TOLD,
) -> Grafted | None:
    """Return what `graft.verified` gives, or what it gave before.

    Parameters
    ----------
    model : path
        A .tflite file.
    folder : path or None
        Where rewritten models are kept, and nobody else writes (`places.trusted`); made if it is missing.
        None keeps nothing.
    sha256 : str
        Of the network that is meant; "" takes what the file holds now.
    batch, tolerance
        As `graft.verified`.
    wanted : Wanted
        Which of its outputs are shown.

    Returns
    -------
    Grafted or None
        None: nothing that helps agrees with the original, which is then to be run (a RuntimeWarning says so).

    Raises
    ------
    ModelError
        The file cannot be read, is another by now, no network for sound, or one that the runtime refuses.
    """
    sha256 = sha256 or sources.sha256(model, ModelError)
    asked = _Asked(model, sha256, batch, tolerance, wanted)
    if folder is None:
        return _rewritten(asked, [])
    paths = places.of(sha256, folder, batch, tolerance, wanted)

    def known() -> Grafted | None:
        with contextlib.suppress(*kept.UNREADABLE):
            return _or_warn(read(paths[0]))
        return _or_warn(read(paths[1]))

    return kept.once(paths[0], known, lambda: _rewritten(asked, paths))


class _Asked(NamedTuple):
    """What `cached` is asked for."""

    model: Path
    sha256: str
    batch: int
    tolerance: float
    wanted: Wanted


def _rewritten(asked: _Asked, paths: Sequence[Path]) -> Grafted | None:
    """Rewrite a network now, and keep what came of it, unless that was for want of memory."""
    from . import graft  # takes its time, and is not needed again

    content = networkfile.content(asked.model, asked.sha256)
    try:
        data, shown, of_several = graft.shown_alone(content, asked.wanted)
        kept_in = paths[0].parent if paths else None
        grafted = graft.verified(
            data,
            batch=asked.batch,
            tolerance=asked.tolerance,
            shown=shown,
            kept=kept_in,
            name=str(asked.model),
        )
    except (ModelMemoryError, MemoryError) as error:
        warn_original(f"{str(error) or 'too little memory'}; tried again next time")
        return None
    if paths:
        write(paths[of_several], grafted)
    return grafted


def holds(sha256: str, folder: Path | None, *, batch: int, wanted: Wanted = NOT_TOLD) -> bool:
    """Return whether what `cached` gave is kept: without looking into it."""
    if folder is None:
        return False
    return any(path.exists() for path in places.of(sha256, folder, batch, TOLERANCE, wanted))


def pack(grafted: Grafted | None, name: str) -> bytes:
    """Return a rewritten model without its body (or that there is none) as bytes without pickles.

    Parameters
    ----------
    grafted : Grafted or None
    name : str
        Of the file that they are for: it tells the network, and all else that decides the result.

    Raises
    ------
    OSError
        The body, which is hashed, cannot be read.
    """
    head: dict[str, object] = {"name": name, "refused": grafted is None}
    arrays: dict[str, Array] = {}
    if grafted is not None:
        if grafted.front_end is not None:
            head["front_end"], arrays = grafted.front_end.tables()
        head |= {key: getattr(grafted, key) for key in PLAIN} | {"proof": asdict(grafted.proof)}
        head |= {key: dict(getattr(grafted, key)) for key in BY_ROLE}
        head["body"] = hashlib.sha256(_bytes(grafted.body)).hexdigest()
    return sealed.seal(head, arrays)


def read(path: Path) -> Grafted | None:
    """Return what a file of the cache holds; None where the model was refused.

    Raises
    ------
    OSError, ValueError, KeyError, TypeError or ModelError
        As `sealed.read`, or it is not what `pack` made.
    """
    head, arrays, body = sealed.read(path, SUFFIX)
    if head["refused"]:
        return None
    front_end = FrontEnd.from_tables(head["front_end"], arrays) if "front_end" in head else None
    plain = {key: head[key] for key in (*PLAIN, *BY_ROLE)}
    return Grafted(body=body, front_end=front_end, proof=Proof(**head["proof"]), **plain)


def write(path: Path, grafted: Grafted | None) -> None:
    """Put a rewritten model, or that there is none, into the cache; as `sealed.write`."""
    body = None if grafted is None else _bytes(grafted.body)
    sealed.write(path, SUFFIX, pack(grafted, path.name), body)


def _or_warn(grafted: Grafted | None) -> Grafted | None:
    if grafted is None:
        warn_original("rewriting it was refused before")
    return grafted


def _bytes(body: bytes | Path) -> bytes:
    return body if isinstance(body, bytes) else body.read_bytes()
