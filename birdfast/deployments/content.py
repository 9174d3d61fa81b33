"""Content: what a recording's own file says of where, when and by what it was made.

GUANO's lines (guano-md.org), what older Song Meters write, AudioMoth's sentence in a WAV's comment, and the
dates of Broadcast Wave (EBU Tech 3285), in this order where several tell the same; but a time with its zone
goes before one without.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from . import clock

MOST = 80  # letters of a name: what is longer is no name
NUMBER = r"-?[0-9]{1,6}(?:\.[0-9]{1,9})?"
# "Recorded at 05:30:00 12/06/2024 (UTC+2) by AudioMoth 24F3190361DA5B1E at medium gain while battery was 4.1V
# and temperature was 14.0C."; firmwares differ in the rest, and in "battery state was < 3.6V".
RECORDED = re.compile(
    r"Recorded at ([0-9:]{8})(?:\.[0-9]+)? ([0-9/]{10}) \((UTC(?:[+-][0-9]{1,2}(?::?[0-5][0-9])?)?)\)"
)
BY = re.compile(r"AudioMoth ([0-9A-F]{16})")
BATTERY = re.compile(rf"battery (?:state )?was (?:less than |greater than |[<>] ?)?({NUMBER})V")
TEMPERATURE = re.compile(rf"temperature was ({NUMBER})C")
POSITION = re.compile(rf"\s*({NUMBER})[\s,]+({NUMBER})")
AUDIOMOTH = "AudioMoth"
# What GUANO's keys are called, in the standard or behind a maker's "WA|" or "OAD|".
SERIALS, SITES = ("serial", "serial number", "device id"), ("site", "site name", "prefix")
TEMPERATURES = ("temperature ext", "temperature int", "temperature")
BATTERIES = ("battery voltage", "battery", "voltage")


class Content(NamedTuple):
    """What a file says; "" and None: nothing.

    Attributes
    ----------
    start : datetime or None
        With its zone where that is told.
    site, recorder, serial : str
    temperature_c, battery_v : float or None
    latitude, longitude : float or None
        Both or none.
    """

    start: datetime | None = None
    site: str = ""
    recorder: str = ""
    serial: str = ""
    temperature_c: float | None = None
    battery_v: float | None = None
    latitude: float | None = None
    longitude: float | None = None

    def to_json(self) -> str:
        """Return what is told as text; "" if nothing is."""
        told: dict[str, Any] = {
            name: value for name, value in self._asdict().items() if value not in ("", None)
        }
        if self.start is not None:
            told["start"] = self.start.isoformat()
        return json.dumps(told) if told else ""

    @classmethod
    def of_json(cls, text: str) -> Content:
        """Return what `to_json` wrote; ValueError, TypeError or KeyError for anything else."""
        told = json.loads(text) if text else {}
        return cls(**{name: READ[name](value) for name, value in told.items()})


READ: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(Content._fields, float),
    **dict.fromkeys(("site", "recorder", "serial"), str),
    "start": datetime.fromisoformat,
}


def of(texts: Mapping[str, str]) -> Content:
    """Return what the texts in a file tell.

    Parameters
    ----------
    texts : dict of str to str
        By the kind: "guano", "wamd" in the same form, "comment", "artist", "date" and "originator" of a
        Broadcast Wave.
    """
    keyed = (_guano(texts.get(kind, "")) for kind in ("guano", "wamd"))
    every = [*keyed, _audiomoth(texts), _broadcast(texts)]
    starts = [one["start"] for one in every if one.get("start")]
    zoned = [start for start in starts if start.tzinfo is not None]
    found: dict[str, Any] = {}
    for one in reversed(every):
        found |= one
    if starts:
        found["start"] = (zoned or starts)[0]
    return Content(**found)


def _guano(text: str) -> dict[str, Any]:
    """Read "Key: value" lines."""
    told: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and value.strip():
            told.setdefault(key.rpartition("|")[2].strip().lower(), value.strip())
    found: dict[str, Any] = {
        "start": _date(told.get("timestamp", "")),
        "recorder": _name(told.get("model") or told.get("make", "")),
        "serial": _name(_first(told, SERIALS)),
        "site": _name(_first(told, SITES)),
        "temperature_c": _number(_first(told, TEMPERATURES)),
        "battery_v": _number(_first(told, BATTERIES)),
    }
    place = POSITION.fullmatch(told.get("loc position", "").rstrip())
    if place is not None and abs(float(place[1])) <= 90 and abs(float(place[2])) <= 180:
        found |= {"latitude": float(place[1]), "longitude": float(place[2])}
    return dict(_told(found))


def _audiomoth(texts: Mapping[str, str]) -> dict[str, Any]:
    comment = texts.get("comment", "")
    recorded, by = RECORDED.search(comment), BY.search(comment) or BY.search(texts.get("artist", ""))
    if recorded is None and by is None:
        return {}
    start = None
    if recorded is not None:
        try:
            start = datetime.strptime(f"{recorded[2]} {recorded[1]}", "%d/%m/%Y %H:%M:%S").replace(
                tzinfo=clock.offset(recorded[3])
            )
        except ValueError:  # the 31st of June
            start = None
    found = {"start": start, "recorder": AUDIOMOTH, "serial": by[1] if by else ""}
    for name, pattern in (("battery_v", BATTERY), ("temperature_c", TEMPERATURE)):
        told = pattern.search(comment)
        found[name] = float(told[1]) if told else None
    return dict(_told(found))


def _broadcast(texts: Mapping[str, str]) -> dict[str, Any]:
    """Read "2024-06-12 05:30:00", whose parts may be parted by "-", "_", ":", " " and "."."""
    parts = re.findall("[0-9]+", texts.get("date", ""))
    try:
        start = datetime(*map(int, parts)) if len(parts) == 6 else None  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        start = None
    return dict(_told({"start": start, "recorder": _name(texts.get("originator", ""))}))


def _told(found: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in found.items() if value not in ("", None))


def _first(told: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((told[name] for name in names if name in told), "")


def _date(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _name(text: str) -> str:
    text = "".join(letter for letter in text if letter.isprintable()).strip()
    return text if len(text) <= MOST else ""


def _number(text: str) -> float | None:
    found = re.match(NUMBER, text)
    number = float(found[0]) if found else math.nan
    return number if math.isfinite(number) else None
