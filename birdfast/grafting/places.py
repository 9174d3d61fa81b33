"""Where rewritten models are kept: names of files, which change with anything that changes the result.

Who only asks whether a network was rewritten before needs no more than this.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from .._version import __version__
from ..errors import ModelError

TOLERANCE = 1e-3  # of logits
BATCHES = (1, 4)  # windows that a rewritten network takes at once


def is_prepared(sha256: str, folder: Path) -> bool:
    """Return whether a network was rewritten before, at all batches: then opening it takes no time.

    Parameters
    ----------
    sha256 : str
        Of its file.
    folder : path
        As `cache.cached`.
    """
    return all(any(folder.glob(f"{_beginning(sha256, batch)}*.graft")) for batch in BATCHES)


def of(model: Path, folder: Path, batch: int, tolerance: float, output: str, n_classes: int) -> list[Path]:
    """Return where a network may be kept: one with one output, one with several."""
    kinds = (output, f"{output} {n_classes}")
    return [folder / _file_name(_digest(model), batch, tolerance, kind) for kind in kinds]


def _file_name(sha256: str, batch: int, tolerance: float, scores: str) -> str:
    """Return a file name that changes with anything that changes the result."""
    named = hashlib.sha256(scores.encode()).hexdigest()[:8]
    return f"{_beginning(sha256, batch)}{tolerance:g}-{named}.graft"


def _beginning(sha256: str, batch: int) -> str:
    return f"{sha256}-{__version__}-{batch}e-"  # e: it shows its embedding, where it has one


@functools.cache
def _digest(model: Path) -> str:
    """Return the SHA-256 of a file, read once a process."""
    try:
        with model.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror})") from error
