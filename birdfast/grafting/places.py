"""Where rewritten models are kept: names of files, which change with anything that changes the result.

Who only asks whether a network was rewritten before needs no more than this.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from .._version import __version__
from .roles import Wanted

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
TOLERANCE = 1e-3  # of logits
OWN = 2  # a folder and the one above have to be ours, or the administrator's
BATCHES = (1, 4)  # windows that a rewritten network takes at once
ONNX = "onnx"  # such a network takes any number
AT_ONCE: Mapping[str, Sequence[int | str]] = {"tflite": BATCHES, "onnx": (ONNX,)}  # by kind


def is_prepared(sha256: str, folder: Path, batches: Sequence[int | str] = BATCHES) -> bool:
    """Return whether a network was rewritten before, at all batches: then opening it takes no time.

    Parameters
    ----------
    sha256 : str
        Of its file.
    folder : path
        As `cache.cached`.
    batches : sequence of int or str
        Windows at once; `ONNX` of an ONNX network.
    """
    kept = (any(folder.glob(f"{beginning(sha256, batch)}*.graft")) for batch in batches)
    return not distrust(folder) and all(kept)


def bodies(sha256: str, folder: Path) -> list[Path]:
    """Return the files that a network was rewritten into and that are opened first: those of full batches.

    Where it takes no batch, those of single windows; an ONNX network has one for any number.
    """
    kinds: list[tuple[int | str, str]] = [*((batch, "tflite") for batch in BATCHES[::-1]), (ONNX, "onnx")]
    every = (sorted(folder.glob(f"{beginning(sha256, batch)}*.graft.{kind}")) for batch, kind in kinds)
    return next(filter(None, every), [])


def of(sha256: str, folder: Path, batch: int, tolerance: float, wanted: Wanted) -> list[Path]:
    """Return where a network may be kept: one with one output, one with several."""
    shown = "" if wanted == Wanted(*wanted[:2]) else json.dumps(wanted[2:])
    kinds = (f"{wanted.output}{shown}", f"{wanted.output} {wanted.n_classes}{shown}")
    return [folder / _file_name(sha256, batch, tolerance, kind) for kind in kinds]


def distrust(place: Path) -> str:
    """Return why a folder or file is not believed: who may write it decides what our processes run.

    Returns
    -------
    str
        "" where it is ours or the administrator's and nobody else may write it, or not there yet, nor any of
        the folders above it: who may write those may put another in its place.
    """
    for above, one in enumerate((place, *place.absolute().parents)):
        try:
            status = one.stat()
        except OSError:
            continue
        if above < OWN and status.st_uid not in (os.geteuid(), 0):
            return f"{one} belongs to another user"
        shared = status.st_mode & stat.S_ISVTX and above  # as /tmp: others cannot move what is ours there
        if status.st_mode & OTHERS_WRITE and not shared:
            return f"others may write {one} (chmod go-w closes it)"
    return ""


def trusted(folder: Path) -> Path | None:
    """Return a folder of rewritten networks if it can be believed; a RuntimeWarning says why not."""
    if reason := distrust(folder):
        warnings.warn(f"the cache of rewritten networks is not used: {reason}", RuntimeWarning, stacklevel=2)
        return None
    return folder


def _file_name(sha256: str, batch: int, tolerance: float, scores: str) -> str:
    """Return a file name that changes with anything that changes the result."""
    named = hashlib.sha256(scores.encode()).hexdigest()[:8]
    return f"{beginning(sha256, batch)}{tolerance:g}-{named}.graft"


def beginning(sha256: str, batch: int | str) -> str:
    """Return what names of files begin with that are kept of a network."""
    return f"{sha256}-{__version__}-{batch}e-"  # e: it shows its embedding, where it has one
