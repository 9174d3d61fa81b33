"""Patience: how long workers may be silent, and how long somebody has listened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import inputs
from ..config import number

if TYPE_CHECKING:  # a limit is checked by many who start nobody
    from .process import Worker
    from .work import Work

LEAST_TIMEOUT_S = 2.0  # a worker that lives speaks each second
START_TIMEOUT_S = 300.0  # until a worker is ready: one may prepare the network, while the others wait
FILE_TIMEOUT_S, FILE_TIMEOUT_S_PER_MB = 300.0, 10.0  # far beyond what the slowest disk and core need


def check_timeout(file_timeout_s: float | None) -> None:
    """Refuse a limit at a file that a worker which lives would not keep, or that is none.

    Raises
    ------
    ConfigError
        It is below `LEAST_TIMEOUT_S`, or not finite. None is the usual limit.
    """
    if file_timeout_s is not None:
        number(
            "file_timeout_s", file_timeout_s, LEAST_TIMEOUT_S, fitting=f"{LEAST_TIMEOUT_S:g} seconds or more"
        )


def listened_s(waited_s: float, longest_s: float) -> float:
    """Return how much of a wait for workers was spent in listening, in seconds.

    Who waits for far longer than was asked for was stopped (Ctrl-Z), or the machine slept: nothing could be
    heard, and the workers may have slept, too.

    Parameters
    ----------
    waited_s : float
        How long it took.
    longest_s : float
        How long it was to take at most.
    """
    return min(waited_s, longest_s) if waited_s < 2 * longest_s else 0.0


def limit_s(worker: Worker, work: Work, file_timeout_s: float | None) -> float:
    """Return how long a worker may be silent, in seconds: for its whole start, or at a stretch.

    The way to a stretch far into a file may lead through all before, without a word. The file is
    looked at late: it may lie where every look hangs.
    """
    if not worker.ready:
        return max(START_TIMEOUT_S, file_timeout_s or 0)
    if file_timeout_s is not None:
        return file_timeout_s
    if worker.silent_s <= FILE_TIMEOUT_S:
        return FILE_TIMEOUT_S
    job = work.job(worker.tasks[0])
    size_bytes = inputs.size_bytes(job.place or job.path) or 0
    return FILE_TIMEOUT_S + FILE_TIMEOUT_S_PER_MB * size_bytes / 1e6
