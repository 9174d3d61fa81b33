"""Question: what is asked of what a run heard, as values that are checked once."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path as Place
from typing import Any, ClassVar

from .. import sources
from ..config import Checked, check, choice, flag, number, path, several, whole
from ..deployments import clock, compiled, sites
from ..errors import ConfigError
from ..journal import HELD
from ..sources.remembered import Remembered
from . import remembering

Path = str | os.PathLike[str]
MOST_MERGED = 1_000_000
REMEMBERED = ("species", "exclude", "thresholds", "deployments", "language")  # files of the asker's own
MOST_REMEMBERED = 1 << 20  # bytes of these together that a journal keeps
FILES = ("species", "exclude", "thresholds", "deployments", "language", "place_model")
# More columns that tables may have, and what stands in them: what is known of the recording, where and how it
# was heard, in BirdNET-Analyzer's words where it has one.
COLUMNS = {
    "time": "when the row begins",
    "site": "where the recorder stood",
    "recorder": "its kind",
    "serial": "its serial number",
    "temperature_c": "degrees Celsius when the recording began",
    "battery_v": "volts, likewise",
    "lat": "latitude in degrees",
    "lon": "longitude",
    "week": "of the year, 1 to 48, or -1 for all of it",
    "overlap": "seconds that windows share",
    "sensitivity": "as it was chosen",
    "min_conf": "the least confidence, where it is one for all classes",
    "species_list": "the list of species, where there is one",
    "model": "who heard it",
}
OF_RECORDING = ("time", "site", "recorder", "serial", "temperature_c", "battery_v")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Question(Checked):
    """Which of the species that were heard stand in the tables, and how; the least confidence is an option.

    None of it changes what is kept of the sound, so that another question costs no hearing. Paths are
    those of the working folder when it is made: whoever asks the same later may be elsewhere.

    Parameters
    ----------
    species : path or None
        A list of species, or a folder with a species_list.txt: no others are told of.
    exclude : path or None
        A list of species that nothing is told of.
    strict : bool
        Refuse lists that name what no model knows.
    thresholds : path or None
        A CSV of class and threshold (`runs.thresholds`): the least confidence of the classes that it names.
    latitude, longitude : float or None
        Where the recordings were made, in degrees: species that are not expected there are not told of.
    week : int in 1..48, -1 or None
        Of the year, four a month; -1: the whole year; None: that of each file's own date, where it tells one.
    place_threshold : float in [0, 0.99]
        How expected a species has to be; 0: all are told of, wherever the recordings were made.
    place_model : path or None
        BirdNET's geo model; None: see `species.expected.find`.
    deployments : path or None
        A CSV of sites: where, and in which time zone, they are (`deployments.sites`). Where it tells, it goes
        before latitude and longitude.
    name_pattern : str or None
        A template of file names (`deployments.of`).
    time_zone : str or None
        Of the recorders' clocks, as "Europe/Berlin" or "+02:00"; times that tell their own are put into it.
    language : path, str or None
        A language whose names stand in the tables, or a file of labels (`species.languages.find`).
    merge_consecutive : int >= 1
        As many detections of a species in windows one after the other become one.
    columns : tuple of str
        More columns of the tables: see `COLUMNS`.

    Raises
    ------
    ConfigError
        A value that does not fit.
    """

    _remembered: ClassVar[Mapping[str, Remembered]] = {}  # of one that a journal has: its files as they were

    species: Path | None = None
    exclude: Path | None = None
    strict: bool = False
    thresholds: Path | None = None
    latitude: float | None = None
    longitude: float | None = None
    week: int | None = None
    place_threshold: float = 0.03
    place_model: Path | None = None
    deployments: Path | None = None
    name_pattern: str | None = None
    time_zone: str | None = None
    language: Path | None = None
    merge_consecutive: int = 1
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in FILES:
            self._own(name, _absolute)
        self._own("strict", flag)
        self._own("latitude", number, -90, 90)
        self._own("longitude", number, -180, 180)
        if (self.latitude is None) != (self.longitude is None):
            raise ConfigError("latitude and longitude: one without the other is no place")
        self._own("week", whole, clock.WHOLE_YEAR, clock.WEEKS)
        check(self.week != 0, "week", 0, f"1 to {clock.WEEKS}, or {clock.WHOLE_YEAR} for the whole year")
        self._own("place_threshold", number, 0, 0.99)
        if self.name_pattern is not None:
            compiled(self.name_pattern)
        if self.time_zone is not None:
            clock.zone("time_zone", self.time_zone)
        self._own("merge_consecutive", whole, 1, MOST_MERGED)
        columns = several("columns", self.columns, "a list of names")
        for name in columns:
            choice("columns", name, tuple(COLUMNS))
        object.__setattr__(self, "columns", tuple(dict.fromkeys(columns)))

    @property
    def has_place(self) -> bool:
        """Whether it says where recordings were made, so that species may be left out for it."""
        if self.place_threshold == 0 or (self.latitude is None and self.deployments is None):
            return False
        return self.latitude is not None or sites.Sites(self._sites()).has_places

    @property
    def is_narrow(self) -> bool:
        """Whether not all classes are asked for alike."""
        named = (self.species, self.exclude, self.thresholds)
        return any(one is not None for one in named) or self.has_place

    def fields(self) -> dict[str, Any]:
        """Return what is asked where it is not the usual."""
        usual = {field.name: field.default for field in dataclasses.fields(self)}
        return {name: getattr(self, name) for name in usual if getattr(self, name) != usual[name]}

    def files(self) -> dict[str, sources.Place]:
        """Return the files that it takes, by the name of what they are for, where they are now.

        Those that are remembered are as they were.

        Raises
        ------
        ConfigError
            One of those that are looked for is nowhere.
        """
        found = self.own_files()
        if self.has_place:
            from ..species import expected  # few ask for a place, and it needs what runs networks

            place_model = None if self.place_model is None else Place(self.place_model)
            geo = expected.find(place_model)
            found |= {"place_model": str(geo.network), "place_labels": str(geo.labels)}
        return found

    def own_files(self) -> dict[str, sources.Place]:
        """Return `files` without those that tell which species are expected at a place."""
        found = dict[str, sources.Place]()
        for name in REMEMBERED:
            told = getattr(self, name)
            file = None if told is None else self._remembered.get(name) or remembering.where(name, str(told))
            if file is not None:
                found[name] = file
        return found

    def remembering(self, known: Mapping[str, Remembered] | None = None) -> Question:
        """Return the same question, whose small files are from now on as they are, or as they are `known`.

        Raises
        ------
        ConfigError
            A file is missing, or cannot be read.
        """
        found = dataclasses.replace(self)
        if known is None:
            known, n_left = dict[str, Remembered](), MOST_REMEMBERED
            for name, file in self.own_files().items():
                one = (
                    remembering.as_it_is(file, n_left)
                    if name != "language" or os.sep in str(self.language)
                    else None
                )
                if one is not None:
                    known[name], n_left = one, n_left - len(one.data)
        object.__setattr__(found, "_remembered", known)
        return found

    def _sites(self) -> sources.Place:
        return self._remembered.get("deployments") or str(self.deployments)

    @property
    def remembered(self) -> Mapping[str, Remembered]:
        """What is remembered of its files, by their names."""
        return self._remembered

    def facts(self) -> dict[str, Any]:
        """Return what is asked where it is not the usual, as plain values, with the digests of its files.

        Two questions with the same facts have the same answer; `of` makes a question of them.

        Raises
        ------
        ConfigError
            A file is missing, or cannot be read.
        """
        told = self.fields()
        facts = {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}
        held = {name: sources.sha256(one, ConfigError) for name, one in self.files().items()}
        return facts | ({HELD: held} if held else {})

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Question:
        """Return the question that has such facts, whatever its files hold by now.

        Raises
        ------
        ConfigError
            They are none.
        """
        try:
            return cls(**{name: value for name, value in facts.items() if name != HELD})
        except TypeError as error:
            raise ConfigError(f"no question: {error}") from error


def _absolute(name: str, value: object) -> str:
    """Return a path from the root; a language's name is none."""
    told = path(name, value)
    is_name = name == "language" and os.sep not in told and not os.path.exists(told)  # noqa: PTH110
    return told if is_name else str(Place(told).absolute())
