"""How long a network's windows can be."""

from __future__ import annotations

from pathlib import Path

from ..errors import ModelError
from ..windows import LENGTHS_S


def check_window(place: Path, window_samples: int, rate_hz: int) -> None:
    """Refuse windows, where their length is known, that are no windows of sound.

    Raises
    ------
    ModelError
        The message names `place`, which tells them.
    """
    least_s, most_s = LENGTHS_S
    if rate_hz and window_samples and not least_s <= window_samples / rate_hz <= most_s:
        raise ModelError(
            f"{place}: windows of {window_samples:,} samples at {rate_hz:,} Hz are"
            f" {window_samples / rate_hz:g} s; {least_s} to {most_s} s fit"
        )
