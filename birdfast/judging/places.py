"""Places: the site and the hour of windows, by the names of their recordings."""

from __future__ import annotations

from datetime import timedelta

from .. import deployments


def of(name: str, start_s: float, pattern: str | None = None) -> dict[str, str]:
    """Return `site` and `hour` of a window, as far as its recording's name tells them.

    Parameters
    ----------
    name : str
        The recording's.
    start_s : float
        Where the window begins.
    pattern : str, optional
        How names are made: see `deployments.of`.
    """
    told = deployments.of(name, pattern)
    found = {"site": told.site} if told.site else {}
    if told.start is not None:
        found["hour"] = f"{told.start + timedelta(seconds=start_s):%H}"
    return found
