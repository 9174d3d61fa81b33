"""Pace: how fast a recording is heard, which brings what is too high for a model to where it hears."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import AudioError

MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 768_000


class Pace(NamedTuple):
    """A recording's rate, and the rate at which its samples are heard: the same, where nothing was chosen.

    Windows are counted in what is heard; their times are told as the recording has them.
    """

    rate_hz: int
    heard_hz: int

    def clock_hz(self, rate_hz: int) -> float:
        """Return how many samples at a rate come of a second of the recording, when it is heard."""
        return rate_hz * self.rate_hz / self.heard_hz


def paced(rate_hz: int, speed: float, name: object) -> Pace:
    """Return the pace of a recording that is heard so many times as fast.

    Parameters
    ----------
    rate_hz : int
    speed : float
        2 is twice as fast, an octave higher. What is heard has a rate of whole Hz, the nearest there is.
    name : str or path
        The recording's, for messages.

    Raises
    ------
    AudioError
        One of the rates is outside 1 to 768 kHz.
    """
    heard_hz = round(rate_hz * speed)
    told = f"{rate_hz} Hz" if heard_hz == rate_hz else f"{rate_hz} Hz at speed {speed:g}, {heard_hz} Hz,"
    if not all(MIN_RATE_HZ <= one <= MAX_RATE_HZ for one in (rate_hz, heard_hz)):
        raise AudioError(f"{name}: sample rate {told} is outside {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz")
    return Pace(rate_hz, heard_hz)
