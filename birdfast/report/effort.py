"""Effort: when and where was listened, without which numbers of detections say little."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from ..tables import Result

EPOCH = datetime(1970, 1, 1)
HOUR_S, DAY_S = 3600, 86_400


class Effort:
    """Seconds of sound by hour of the day, and by site and day, of files whose time is known.

    Attributes
    ----------
    by_hour : list of float [24]
    by_site_and_day : dict of (str, int) to float
        Days are counted from 1970-01-01 by the clock of the place.
    unknown_s : float
        Of files of which nobody knows when they were made.
    """

    def __init__(self) -> None:
        self.by_hour = [0.0] * 24
        self.by_site_and_day = defaultdict[tuple[str, int], float](float)
        self.unknown_s = 0.0

    def add(self, found: Result) -> None:
        """Add a file."""
        begins_ms = begins(found)
        if begins_ms is None:
            self.unknown_s += found.audio_s
            return
        site, at_s = str(found.facts.get("site", "")), begins_ms / 1000
        end_s = at_s + found.audio_s
        while at_s < end_s:
            hour = int(at_s // HOUR_S)
            next_s = min(end_s, (hour + 1) * HOUR_S)
            self.by_hour[hour % 24] += next_s - at_s
            self.by_site_and_day[site, int(at_s // DAY_S)] += next_s - at_s
            at_s = next_s


def begins(found: Result) -> int | None:
    """Return when a file begins, in ms by the clock of its place, counted as if that were UTC."""
    time = found.facts.get("time")
    if not isinstance(time, datetime):
        return None
    return round((time.replace(tzinfo=None) - EPOCH).total_seconds() * 1000)
