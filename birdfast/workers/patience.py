"""Patience: how long workers may be silent."""

from __future__ import annotations

from ..config import number

LEAST_TIMEOUT_S = 2.0  # a worker that lives speaks each second


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
