"""Sites: a table of deployments, which tells of a site or a folder where it is and which time its clock has.

A CSV with a column site or folder, or both, and some of lat, lon, start, end and tz.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import datetime, time, tzinfo
from functools import lru_cache
from pathlib import PurePath
from typing import NamedTuple, NoReturn

from .. import sources
from ..errors import ConfigError
from . import clock

# What the columns may be called; the first is how we call them.
COLUMNS = {
    "site": ("site", "location", "station", "deployment"),
    "folder": ("folder", "directory", "path"),
    "lat": ("lat", "latitude"),
    "lon": ("lon", "long", "lng", "longitude"),
    "start": ("start", "begin", "start_date"),
    "end": ("end", "stop", "end_date"),
    "tz": ("tz", "time_zone", "timezone"),
}
MOST_PLACES = 4096  # whose rows are remembered: a run goes through one folder after the other
BOUNDS = {"lat": 90, "lon": 180}


class Site(NamedTuple):
    """A row: whose recordings it tells of, and what.

    Attributes
    ----------
    site, folder : str
        As the table has them; "": any.
    latitude, longitude : float or None
    start, end : datetime or None
        Between which, by the recorder's clock, both included; None: since ever, for good.
    zone : tzinfo or None
    line : int
        Of the table.
    """

    site: str
    folder: str
    latitude: float | None
    longitude: float | None
    start: datetime | None
    end: datetime | None
    zone: tzinfo | None
    line: int

    def is_of(self, folder: str, names: Sequence[str]) -> bool:
        """Whether a recording by its folder, and by all that its site is called, is of this row's place."""
        folders = [sources.alike(part) for part in PurePath(folder).parts]
        own = [sources.alike(part) for part in PurePath(self.folder).parts]
        begins = range(len(folders) - len(own) + 1)
        is_below = not own or any(folders[begin : begin + len(own)] == own for begin in begins)
        called = {*map(sources.alike, names), *folders}
        return is_below and (not self.site or sources.alike(self.site) in called)

    def is_at(self, start: datetime | None) -> bool:
        """Whether a recording that begins then, by its own clock, is of this row's time."""
        if start is None:
            return True
        then = start.replace(tzinfo=None)
        return (self.start or datetime.min) <= then <= (self.end or datetime.max)


class Sites:
    """A table of deployments; it is read when it is made.

    Raises
    ------
    ConfigError
        It cannot be read, has neither column that says whose rows are, or a value that does not fit; or two
        rows tell of one site at one time.
    """

    def __init__(self, path: sources.Place) -> None:
        self.path = path
        self.rows = [*map(self._row, *zip(*_rows(path), strict=True))]
        self._there = lru_cache(MOST_PLACES)(self._of_place)
        places: dict[tuple[str, tuple[str, ...]], list[Site]] = {}
        for row in self.rows:
            others = places.setdefault(_whose(row), [])
            if same := [other.line for other in others if _overlap(row, other)]:
                self._refuse(row.line, f"tells of the same place and time as line {same[0]}")
            others.append(row)

    @property
    def has_places(self) -> bool:
        """Whether any row says where it is."""
        return any(row.latitude is not None for row in self.rows)

    def of(self, path: str, names: Sequence[str], start: datetime | None) -> Site | None:
        """Return the row of a recording; None where none is, or no date tells which of several.

        Parameters
        ----------
        path : str
            The recording's.
        names : sequence of str
            What its site may be called: as its name tells, the recorder's serial number.
        start : datetime or None
            When it begins by the recorder's clock.
        """
        folder = PurePath(path).parent.as_posix()
        there = [row for row in self._there(folder, tuple(names)) if row.is_at(start)]
        called = {*map(sources.alike, names)}
        sureness = {row: _sureness(row, called) for row in there}
        found = [row for row in there if sureness[row] == max(sureness.values())]
        return found[0] if len(found) == 1 else None

    def _of_place(self, folder: str, names: tuple[str, ...]) -> list[Site]:
        return [row for row in self.rows if row.is_of(folder, names)]

    def _row(self, line: int, cells: Mapping[str, str]) -> Site:
        if not (cells["site"] or cells["folder"]):
            self._refuse(line, "neither a site nor a folder")
        if bool(cells["lat"]) != bool(cells["lon"]):
            self._refuse(line, "lat and lon: one without the other")
        start, end = self._date(line, cells, "start", time.min), self._date(line, cells, "end", time.max)
        if start is not None and end is not None and end < start:
            self._refuse(line, f"ends ({cells['end']}) before it starts ({cells['start']})")
        own = clock.zone(f"{self.path}: line {line}: tz", cells["tz"]) if cells["tz"] else None
        lat, lon = (self._degrees(line, cells, name) for name in BOUNDS)
        return Site(cells["site"], cells["folder"], lat, lon, start, end, own, line)

    def _degrees(self, line: int, cells: Mapping[str, str], name: str) -> float | None:
        if not cells[name]:
            return None
        try:
            found = sources.decimal(cells[name])
        except ValueError:
            found = float("nan")
        if not abs(found) <= BOUNDS[name]:
            self._refuse(line, f"{name}: {cells[name]!r} is not in -{BOUNDS[name]} to {BOUNDS[name]} degrees")
        return found

    def _date(self, line: int, cells: Mapping[str, str], name: str, at: time) -> datetime | None:
        """Read a date, which means its whole day, or a date with a time."""
        told = cells[name]
        if not told:
            return None
        try:
            found = datetime.fromisoformat(told)
        except ValueError:
            self._refuse(line, f"{name}: {told!r} is no date, as 2024-06-12 or 2024-06-12T05:30")
        is_day = len(told) <= len("2024-06-12")
        return datetime.combine(found.date(), at) if is_day else found.replace(tzinfo=None)

    def _refuse(self, line: int, why: str) -> NoReturn:
        raise ConfigError(f"{self.path}: line {line}: {why}")


def _rows(path: sources.Place) -> list[tuple[int, dict[str, str]]]:
    """Return the lines' numbers and their cells by our names for the columns."""
    found = []
    for line, row in sources.table(path, (), ConfigError):
        there = {
            sources.alike(name).replace(" ", "_"): (cell or "").strip() for name, cell in row.items() if name
        }
        names = {name: next((one for one in called if one in there), "") for name, called in COLUMNS.items()}
        if not names["site"] and not names["folder"]:
            raise ConfigError(f"{path}: lacks a column site or folder; it has {', '.join(row)}")
        found.append((line, {name: there.get(one, "") for name, one in names.items()}))
    if not found:
        raise ConfigError(f"{path}: no deployments in it")
    return found


def _whose(row: Site) -> tuple[str, tuple[str, ...]]:
    return sources.alike(row.site), tuple(sources.alike(part) for part in PurePath(row.folder).parts)


def _overlap(row: Site, other: Site) -> bool:
    begins = max(row.start or datetime.min, other.start or datetime.min)
    return begins <= min(row.end or datetime.max, other.end or datetime.max)


def _sureness(row: Site, called: Container[str]) -> tuple[bool, bool, int]:
    """Return what puts one row before another: its own name, a site, the longer folder."""
    return sources.alike(row.site) in called, bool(row.site), len(PurePath(row.folder).parts)
