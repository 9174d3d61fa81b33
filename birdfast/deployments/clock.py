"""The clock: zones, weeks of the year, and moments that a row can add its seconds to."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache

from ..config import check

OFFSET = re.compile(r"(?:UTC)?(?:([+-])([0-9]{1,2})(?::?([0-5][0-9]))?)?")
FITTING = 'a time zone, as "Europe/Berlin", "UTC" or "+02:00"'
WHOLE_YEAR = -1  # in the place of a week
WEEKS = 48  # BirdNET's year: four weeks a month


def offset(text: str) -> tzinfo:
    """Return a zone that is told as "Z", "UTC", "+0200", "-07:00" or "UTC+2"; ValueError for all else."""
    found = OFFSET.fullmatch("UTC" if text == "Z" else text)
    if found is None or not text:
        raise ValueError(f"{text!r} is no offset from UTC")
    sign, hours, minutes = found.groups()
    east = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    if not east:
        return UTC
    return timezone(-east if sign == "-" else east)  # ValueError: a day or more


def zone(name: str, text: object) -> tzinfo:
    """Return a time zone by its name or its offset.

    Parameters
    ----------
    name : str
        What it is of, for messages.
    text : str
        "Europe/Berlin", or as `offset` has it.

    Raises
    ------
    ConfigError
        There is none of that name.
    """
    check(isinstance(text, str), name, text, FITTING)
    found = _zone(str(text))
    check(found is not None, name, text, FITTING)
    return found or UTC


@cache
def _zone(text: str) -> tzinfo | None:
    import zoneinfo  # few runs have a zone by its name

    try:
        return offset(text)
    except ValueError:
        pass
    try:
        return zoneinfo.ZoneInfo(text)
    except (KeyError, ValueError, OSError):  # not there, no name of one, or a folder of them
        return None


def moment(start: datetime, own: tzinfo | None = None) -> datetime:
    """Return when a recording begins, for rows to add their seconds to.

    Parameters
    ----------
    start : datetime
        By the recorder's clock, with its zone or without.
    own : tzinfo or None
        The zone that is wanted: that of a clock that tells none, and into which all others are put.

    Returns
    -------
    datetime
        With one offset from UTC, which no change of clocks moves on the way; without a zone where nothing
        tells one.
    """
    if start.tzinfo is None and own is None:
        return start
    there = start.replace(tzinfo=own) if start.tzinfo is None else start.astimezone(own or start.tzinfo)
    return there.replace(tzinfo=timezone(there.utcoffset() or timedelta(0)))


def week(date: datetime) -> int:
    """Return the week of a date as BirdNET's geo model counts them: 1 to 48, equal parts of its year."""
    first = date.replace(month=1, day=1)
    n_days = (first.replace(year=first.year + 1) - first).days if first.year < 9999 else 365
    return -(-date.timetuple().tm_yday * WEEKS // n_days)
