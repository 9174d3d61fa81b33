"""Columns: what rows say beside times, names and confidence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from .cells import seconds
from .table import About, Result

# The fields that tell rows apart in runs that heard more than one of their kind.
MORE = ("channel", "model", "label_space")
# What columns hold numbers; all others hold text.
NUMBERS = {
    **dict.fromkeys(("lat", "lon", "overlap", "sensitivity", "min_conf"), "float64"),
    **dict.fromkeys(("latitude", "longitude", "temperature_c", "battery_v"), "float64"),
    "week": "int32",
}
# What BirdNET-Analyzer 2.x has where nothing is known of the place.
UNKNOWN = {"lat": -1.0, "lon": -1.0, "week": -1}
BAND_HZ = (0.0, 15_000.0)  # what BirdNET hears, and where its selections lie,
BAND_RATE_HZ = 48_000  # at its rate: a model for bats hears more
NAMES = {"lat": ("lat", "latitude"), "lon": ("lon", "longitude"), "week": ("week",)}


def more(about: About) -> tuple[str, ...]:
    """Return the fields that tell rows apart, where there is more than one of their kind."""
    has = {"channel": about.has_channels, "model": about.has_several, "label_space": about.has_spaces}
    return tuple(field for field in MORE if has[field])


def asked(about: About, *there: str, found: bool = False) -> tuple[str, ...]:
    """Return the columns that are asked for, or `found`, and are not there already."""
    names = (*about.columns, *(about.found if found else ()))
    return tuple(name for name in dict.fromkeys(names) if name not in there)


class Facts:
    """What `Result.facts` say in a table's columns: one file's, to which a row adds its time.

    Parameters
    ----------
    columns : sequence of str
    """

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns
        self._told: list[object] = [None] * len(columns)
        self.hang_on_time = False

    def begin(self, result: Result) -> None:
        """Take those of the next file."""
        self._told = [result.facts.get(name) for name in self.columns]
        self.hang_on_time = any(isinstance(value, datetime) for value in self._told)

    def at(self, start_s: float) -> list[object]:
        """Return the columns' values where a row starts: text, numbers, or None."""
        if not self.hang_on_time:
            return self._told
        return [moment(value, start_s) if isinstance(value, datetime) else value for value in self._told]


def moment(begun: datetime, start_s: float) -> str:
    """Return when a row starts, as ISO 8601 has it; with the offset from UTC where it is known."""
    return (begun + timedelta(seconds=start_s)).isoformat()


def texts(values: list[object]) -> Iterator[str]:
    """Yield values as text: of none nothing, of numbers the shortest that is the same."""
    for value in values:
        yield "" if value is None else repr(value) if isinstance(value, float) else str(value)


class Settings:
    """What tables of BirdNET-Analyzer 2.x say of place and settings in each row."""

    def __init__(self, about: About) -> None:
        options = _options(about)
        self._run = {
            "overlap": options.get("overlap_s") or (None if options.get("step_s") else 0.0),
            "sensitivity": options.get("sensitivity", 1.0),
            "min_conf": options.get("min_confidence"),
        }

    def of(self, result: Result) -> dict[str, object]:
        """Return lat, lon, week, overlap, sensitivity, min_conf and species_list of a file's rows."""
        told: dict[str, object] = {}
        for name, called in NAMES.items():
            known = [result.facts[one] for one in called if result.facts.get(one) is not None]
            told[name] = known[0] if known else UNKNOWN[name]
        told |= {name: result.facts.get(name, value) for name, value in self._run.items()}
        return told | {"species_list": result.facts.get("species_list", "")}


def bands_hz(about: About) -> dict[str, tuple[float, float]]:
    """Return from where to where each model hears in recordings: BirdNET's band, or the one that was chosen.

    None hears above half its rate, and those of higher rates than BirdNET's hear up to there; sound that is
    played faster or slower is heard elsewhere.
    """
    options = _options(about)
    low_hz, high_hz = (
        options.get(name) or edge for name, edge in zip(("fmin_hz", "fmax_hz"), BAND_HZ, strict=True)
    )
    is_whole = (low_hz, high_hz) == BAND_HZ
    speed = options.get("speed") or 1.0
    told = json.loads(about.metadata.get("model_rate_hz") or "0")
    rates = told if isinstance(told, list) else [told]
    bands = {}
    for model, rate_hz in zip(about.models, [*rates, *[0] * len(about.models)], strict=False):
        most_hz = float(rate_hz) / 2 or BAND_HZ[1]
        if rate_hz <= BAND_RATE_HZ or not is_whole:
            most_hz = min(high_hz, most_hz)
        bands[model.name] = (low_hz / speed, most_hz / speed)
    return bands


def _options(about: About) -> Mapping[str, Any]:
    return json.loads(about.metadata.get("options", "{}"))  # type: ignore[no-any-return]


def tenths(value: object) -> str:
    """Return a setting as 2.x writes it: 0.0, 1.25; nothing where it is not known."""
    return "" if value is None else seconds(float(str(value)))
