"""Names: where and when a recording was made, as its name tells.

A name is told by a template, as `{site}_{date:%Y%m%d}_{time:%H%M%S}`: fields in braces, and all else as it
stands. Recorders' own names are templates, too, a line each in `FAMILIES`.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import PurePath
from typing import NamedTuple

from ..config import check, path
from ..errors import ConfigError
from . import clock

FIELD = re.compile(r"\{([^{}]*)\}")
# What the parts of a date and a time are written with, as `strftime` has them.
PARTS = {
    "%Y": "(?P<year>[0-9]{4})",
    "%m": "(?P<month>[0-9]{2})",
    "%d": "(?P<day>[0-9]{2})",
    "%H": "(?P<hour>[0-9]{2})",
    "%M": "(?P<minute>[0-9]{2})",
    "%S": "(?P<second>[0-9]{2})",
}
NEEDED, CLOCK = ("%Y", "%m", "%d", "%H"), ("minute", "second")
USUAL = {"date": "%Y%m%d", "time": "%H%M%S", "start": "%Y%m%d_%H%M%S"}
TEXTS = {"site": "(?P<site>[^/]+?)", "recorder": "(?P<recorder>[^/]+?)", "any": "[^/]+"}
OTHERS = {
    "number": "[0-9]+",
    "serial": "(?P<site>[0-9A-F]{16})",
    "unix": "(?P<unix>[0-9A-F]{8})",
    "zone": "(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})",
}
MOST_TEXTS = 3  # a name of 255 letters is tried in so many ways to the power of their number
FITTING = (
    "text with {site}, {recorder}, {any}, {number}, {zone}, {date:%Y%m%d}, {time:%H%M%S},"
    " {start:%Y%m%d_%H%M%S}"
)
# Serial numbers that recorders put where a site's name may stand: AudioMoth's, and those of Song Meters.
SERIAL = re.compile("[0-9A-F]{16}|(?:S3A|S4A|S4U|SMA|SMM|SMU|2MA|2MM|2MU|SM3)[0-9]{5,6}")
# AudioMoth's first firmware named files by the seconds since 1970: from 2016 on, as there was none before; so
# what is a date in digits is none of them.
FIRST_UNIX = int(datetime(2016, 1, 1, tzinfo=UTC).timestamp())

DATED = "{date:%Y%m%d}_{time:%H%M%S}"
DASHED, CLOCKED = "{date:%Y-%m-%d}", "{time:%H:%M:%S}"
# Recorders by the names of their files; the first that fits tells.
FAMILIES: tuple[tuple[str, str], ...] = (
    ("", f"BC{{any}}_{{site}}_{DATED}"),  # BirdCLEF+ 2026: BC2026_Test_0001_S05_20250101_060000
    ("", f"BC{{any}}_{{site}}_{DATED}_{{number}}"),  # and a row of its submission
    ("AudioMoth", DATED),
    ("AudioMoth", f"{DATED}T"),  # triggered
    ("AudioMoth", f"{{serial}}_{DATED}"),
    ("AudioMoth", f"{{serial}}_{DATED}T"),
    ("AudioMoth", "{unix}"),
    ("Frontier Labs", "{date}T{time}{zone}"),
    ("Frontier Labs", "{date}T{time}{zone}_{any}"),  # its schedule, and where it stood
    ("Frontier Labs", "S{date}T{time}.{number}{zone}_E{any}"),
    ("Swift", f"{{site}}_{DATED}_{{zone}}"),
    ("BirdNET-Pi", f"{DASHED}-birdnet-{CLOCKED}"),
    ("BirdNET-Pi", f"{DASHED}-birdnet-{{site}}-{CLOCKED}"),
    ("BirdNET-Pi", f"{{any}}-{{number}}-{DASHED}-birdnet-{CLOCKED}"),  # a clip that it cut out
    ("BirdNET-Pi", f"{{any}}-{{number}}-{DASHED}-birdnet-{{site}}-{CLOCKED}"),
    ("BirdNET-Go", "{any}_{number}p_{date}T{time}{zone}"),
    ("Song Meter", f"{{site}}_{{number}}+{{number}}_{DATED}"),  # of a Song Meter 3: its channels
    ("Song Meter", "{site}_{number}+{number}_{date}${time}"),  # with its clock set by satellites
    ("Song Meter", "{site}_{date}${time}"),
    ("Song Meter", f"{{site}}_{DATED}"),
    ("Song Meter", f"{{site}}_{DATED}_{{number}}"),  # milliseconds, or a piece that Kaleidoscope cut
    ("OwlSense", "{site}_{date:%Y-%m-%d}_T{time:%H-%M-%S}"),
    ("", f"{DATED}_{{any}}"),
    ("", "{date}-{time}"),
    ("", "{date}-{time}{zone}"),
    ("", "{date}T{time}"),
    ("", "{site}_{date}T{time}{zone}"),
    ("", f"{DASHED} {{time:%H-%M-%S}}"),
    ("", f"{DASHED}_{{time:%H-%M-%S}}"),
    ("", f"{DASHED}T{CLOCKED}"),
    ("", f"{{site}}_{DASHED}_{{time:%H-%M-%S}}"),
)


class Deployment(NamedTuple):
    """Where and when a recording was made; "" and None: nothing tells.

    Attributes
    ----------
    site : str
        A place's name, or the serial number of the recorder that stood there.
    recorder : str
        The kind of recorder.
    start : datetime or None
        When it begins, by the recorder's clock: with its zone where the name tells it; None also for what is
        no date.
    """

    site: str = ""
    recorder: str = ""
    start: datetime | None = None

    @property
    def serial(self) -> str:
        """The recorder's serial number, where that stands in the place of a site; or ""."""
        return self.site if SERIAL.fullmatch(self.site) else ""


def of(name: str | os.PathLike[str], pattern: str | None = None) -> Deployment:
    """Return what a recording's name tells of where and when it was made.

    Parameters
    ----------
    name : path
        Of the recording, or of a row of a submission.
    pattern : str or None
        A template that its name has to fit, from the first letter to the one before the suffix; with "/" in
        it, so many folders count, too: "{site}/{date:%Y%m%d}_{time:%H%M%S}". None: the names of recorders.

    Returns
    -------
    Deployment
        An empty one where the name does not fit.

    Raises
    ------
    ConfigError
        No path, or a template that `compiled` refuses.
    """
    place = PurePath(path("name", name))
    if pattern is not None:
        return _told(place, pattern) or Deployment()
    stem = place.stem
    for recorder, template in _families():
        if (fitting := template.fullmatch(stem)) and (found := _read(fitting)):
            return found._replace(recorder=found.recorder or recorder)
    return Deployment()


def compiled(pattern: str) -> re.Pattern[str]:
    """Return a template as a regular expression; nothing of it is one before.

    Raises
    ------
    ConfigError
        A field that there is not, or that is there twice; a date without its hour; or no field at all.
    """
    check(isinstance(pattern, str), "name pattern", pattern, FITTING)
    return _compiled(pattern)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    pieces = FIELD.split(pattern)
    fields = pieces[1::2]
    made = [_field(pattern, piece) if n % 2 else _literal(pattern, piece) for n, piece in enumerate(pieces)]
    n_texts = sum(field in TEXTS for field in fields)
    check(bool(fields), "name pattern", pattern, FITTING)
    check(n_texts <= MOST_TEXTS, "name pattern", pattern, f"{MOST_TEXTS} of {', '.join(TEXTS)} at most")
    try:
        found = re.compile("".join(made))
    except re.error as error:  # a group's name that is there twice
        raise ConfigError(f"name pattern: {pattern!r} does not fit; it takes each field once") from error
    dated = {PARTS[part].partition("<")[2].partition(">")[0] for part in NEEDED} & {*found.groupindex}
    check(len(dated) in (0, len(NEEDED)), "name pattern", pattern, "a date with its hour, or none")
    return found


def _told(place: PurePath, pattern: str) -> Deployment | None:
    """Return what a name tells if it fits a template."""
    template, n_folders = compiled(pattern), pattern.count("/")
    told = "/".join([*place.parts[-1 - n_folders : -1], place.stem] if n_folders else [place.stem])
    found = template.fullmatch(told)
    return None if found is None else _read(found)


@cache
def _families() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((recorder, compiled(template)) for recorder, template in FAMILIES)


def _read(found: re.Match[str]) -> Deployment | None:
    """Return what the parts of a name tell; None where they are no name after all."""
    parts = found.groupdict()
    if "unix" in parts:
        seconds = int(parts["unix"], 16)
        if seconds < FIRST_UNIX:
            return None
        return Deployment(start=datetime.fromtimestamp(seconds, UTC))
    return Deployment(parts.get("site", ""), parts.get("recorder", ""), _start(parts))


def _start(parts: dict[str, str]) -> datetime | None:
    if "year" not in parts:
        return None
    date = (int(parts[name]) for name in ("year", "month", "day", "hour"))
    try:
        start = datetime(*date, *(int(parts.get(name, "0")) for name in CLOCK))  # type: ignore[arg-type]
        return start.replace(tzinfo=clock.offset(parts["zone"])) if "zone" in parts else start
    except ValueError:  # the 31st of June, a day and more from Greenwich
        return None


def _field(pattern: str, field: str) -> str:
    name, _, form = field.partition(":")
    known = {**TEXTS, **OTHERS}
    if name in known and not form:
        return known[name]
    check(name in USUAL, "name pattern", pattern, FITTING)
    pieces = re.split("(%.?)", form or USUAL[name])
    fits = all(piece in PARTS for piece in pieces[1::2])
    check(fits, "name pattern", pattern, f"of dates and times {', '.join(PARTS)}")
    return "".join(PARTS[piece] if n % 2 else re.escape(piece) for n, piece in enumerate(pieces))


def _literal(pattern: str, piece: str) -> str:
    check("{" not in piece and "}" not in piece, "name pattern", pattern, FITTING)
    return re.escape(piece)
