"""Question: what is asked of what a run heard, as values that are checked once."""

from __future__ import annotations

import dataclasses
import os

from ..config import number, path, whole

Path = str | os.PathLike[str]
MOST_MERGED = 1_000_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Question:
    """Which of the species that were heard stand in the tables, and how; the least confidence is an option.

    None of it changes what is kept of the sound, so that another question costs no hearing.

    Parameters
    ----------
    species : path or None
        A list of species, or a folder with a species_list.txt: no others are told of.
    exclude : path or None
        A list of species that nothing is told of.
    latitude, longitude : float or None
        Where the recordings were made, in degrees: species that are not expected there are not told of.
    week : int in 1..48 or None
        Of the year, four a month; None: that of each file's own date, or of the whole year.
    place_threshold : float in [0.0001, 0.99]
        How expected a species has to be.
    deployments : path or None
        A CSV of sites: where, and in which time zone, they are.
    name_pattern : str or None
        A template of file names (`deployments.of`).
    time_zone : str or None
        Of the recorders' clocks, as "Europe/Berlin" or "+02:00".
    language : path, str or None
        A language whose names stand in the tables, or a file of labels.
    merge_consecutive : int >= 1
        As many detections of a species in windows one after the other become one.
    columns : tuple of str
        More columns of the tables.

    Raises
    ------
    ConfigError
        A value that does not fit.
    """

    species: Path | None = None
    exclude: Path | None = None
    latitude: float | None = None
    longitude: float | None = None
    week: int | None = None
    place_threshold: float = 0.03
    deployments: Path | None = None
    name_pattern: str | None = None
    time_zone: str | None = None
    language: Path | None = None
    merge_consecutive: int = 1
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("species", "exclude", "deployments", "language"):
            if getattr(self, name) is not None:
                path(name, getattr(self, name))
        if self.latitude is not None:
            number("latitude", self.latitude, -90, 90)
        if self.longitude is not None:
            number("longitude", self.longitude, -180, 180)
        if self.week is not None:
            whole("week", self.week, 1, 48)
        number("place_threshold", self.place_threshold, 0.0001, 0.99)
        whole("merge_consecutive", self.merge_consecutive, 1, MOST_MERGED)

    def facts(self) -> dict[str, object]:
        """Return what is asked where it is not the usual, as plain values."""
        usual = {field.name: field.default for field in dataclasses.fields(self)}
        return {name: value for name, value in dataclasses.asdict(self).items() if value != usual[name]}
