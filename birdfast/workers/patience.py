"""Patience: how long workers may be silent, and how long somebody has listened."""

from __future__ import annotations

from ..config import check

LEAST_TIMEOUT_S = 2.0  # a worker that lives speaks each second


def check_timeout(file_timeout_s: float | None) -> None:
    """Refuse a limit at a file that a worker which lives would not keep, or that is none.

    Raises
    ------
    ConfigError
        It is below `LEAST_TIMEOUT_S`, or not finite. None is the usual limit.
    """
    fits = file_timeout_s is None or LEAST_TIMEOUT_S <= file_timeout_s < float("inf")
    check(fits, "file_timeout_s", file_timeout_s, f"{LEAST_TIMEOUT_S:g} seconds or more")


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
