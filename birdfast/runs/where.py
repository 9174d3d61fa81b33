"""Where: what is known of each recording's place and time, and which species its tables tell of for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from .. import deployments
from ..deployments import Content, Deployment, clock, sites
from ..errors import ConfigError
from ..sources import Place
from ..tables import About, AboutModel, escaped
from ..words import counted
from .question import OF_RECORDING, Question
from .which import Masks, Which

YEARS = range(1900, 2200)  # so that zones and seconds can be added to a date
NO_PLACE = "week: chooses no species, as no place is asked for (--lat and --lon, or --deployments)"
MOST_KEPT = 4  # files of which it is known what is known of them


class Known(NamedTuple):
    """What is known of a recording.

    Attributes
    ----------
    facts : dict of str to object
        By the names of columns (`question.COLUMNS`), as `tables.Result` has them: what is not known is left
        out.
    masks : tuple of tuple of bool [n_classes], or None
        The classes that its tables may tell of, by model and label space; None: all.
    """

    facts: Mapping[str, object]
    masks: Masks | None


class Where:
    """The places, times and species of a run's recordings, as a question has them.

    Parameters
    ----------
    question : Question
    about : About
        What the tables say of the run, as its journal has it, of which that is asked.
    decides : dict of str to str
        What decides the run's results (`runs.facts.fingerprint`), for the overlap of its windows.

    Attributes
    ----------
    about : About
        The same for this question: with its columns, in its language, and telling of it.
    words : list of str
        What is to be said of lists, of languages and of the model of places; after `survey` also of files.

    Raises
    ------
    ConfigError
        A file of the question cannot be read, or does not fit, as `Which` says.
    """

    def __init__(self, question: Question, about: About, decides: Mapping[str, str]) -> None:
        files = question.files()
        self.question, self._which = question, Which(question, about, files)
        self.words = self._which.words
        has_week = question.week not in (None, clock.WHOLE_YEAR)
        if has_week and "week" not in question.columns and not self._which.has_places:
            self.words.append(NO_PLACE)
        self._own = None if question.time_zone is None else clock.zone("time_zone", question.time_zone)
        self._sites = sites.Sites(files["deployments"]) if "deployments" in files else None
        self._of_run = _of_run(question, about, decides)
        self.about = self._asked(about, files)
        self.of = lru_cache(MOST_KEPT)(self._of)  # each model's rows of a file ask anew

    @property
    def has_masks(self) -> bool:
        """Whether classes may be left out of tables."""
        return self._which.has_masks

    def _of(self, path: str, told: str | None = None) -> Known:
        """Return what is known of a recording, and which of its classes are told of.

        Parameters
        ----------
        path : str
        told : str or None
            What its file says (`pipeline.recorded.told`), as the journal has it; None: it is read now, if the
            file is still there.
        """
        facts = self.facts(path, told)
        latitude, longitude, week = (facts.get(name) for name in ("lat", "lon", "week"))
        return Known(facts, self._which.masks(latitude, longitude, week))  # type: ignore[arg-type]

    def facts(self, path: str, told: str | None = None) -> dict[str, object]:
        """Return what is known of a recording, as `of` does.

        The time is the file's where that tells its zone, else the name's, else the file's. The place is that
        of the table of deployments, else the one that was said for all, else the recorder's own.
        """
        if told is None:
            from ..pipeline import recorded

            told = recorded.told(path)
        content, name = _content(path, told), deployments.of(path, self.question.name_pattern)
        start = _start(name, content)
        called = [one for one in (name.site, content.site, content.serial) if one]
        site = None if self._sites is None else self._sites.of(path, called, start)
        begun = None if start is None else clock.moment(start, (site and site.zone) or self._own)
        latitude, longitude = self._place(site, content)
        facts = {
            "time": begun,
            "site": _site(site, name, content),
            "recorder": content.recorder or name.recorder,
            "serial": content.serial or name.serial,
            "temperature_c": content.temperature_c,
            "battery_v": content.battery_v,
            "lat": latitude,
            "lon": longitude,
            "week": self.question.week or (None if begun is None else clock.week(begun)),
            **self._of_run,
        }
        return {
            column: escaped(value) if isinstance(value, str) else value
            for column, value in facts.items()
            if value not in (None, "")
        }

    def survey(self, recordings: Iterable[tuple[str, str | None]]) -> None:
        """Look at all of a run's recordings once, before its tables are begun.

        `about.found` are then the columns of recordings of which anything is known, beside those that are
        asked for; and `words` say how many files have no place or date, where these choose species, and how
        many no time zone, where others have one and a column has the times.

        Parameters
        ----------
        recordings : iterable of (str, str or None)
            As `facts` takes them.
        """
        wanted = [name for name in OF_RECORDING if name not in self.question.columns]
        there, n_nowhere, n_undated, n_zoned, n_naive = set[str](), 0, 0, 0, 0
        has_times = "time" in self.question.columns
        for path, told in recordings:
            facts = self.facts(path, told)
            there |= facts.keys()
            n_nowhere += "lat" not in facts
            n_undated += "lat" in facts and "week" not in facts
            if isinstance(time := facts.get("time"), datetime):
                n_naive, n_zoned = n_naive + (time.tzinfo is None), n_zoned + (time.tzinfo is not None)
            if not self._which.has_places and not has_times and there.issuperset(wanted):
                break
        if has_times and n_naive and n_zoned:
            said = f"{n_naive:,} of {n_naive + n_zoned:,} files with a time tell no time zone, the others do"
            self.words.append(f"{said}; --tz ZONE, that of the recorders' clocks, puts all times into it")
        self.about = self.about._replace(found=tuple(name for name in wanted if name in there))
        if self._which.has_places:
            for n_files, what, which in (
                (n_nowhere, "place", "everywhere"),
                (n_undated, "date", "the whole year"),
            ):
                if n_files:
                    said = f"{counted(n_files, 'file')} of no known {what}: species of {which} are told of"
                    self.words.append(said)

    def _place(self, site: sites.Site | None, content: Content) -> tuple[float | None, float | None]:
        if site is not None and site.latitude is not None:
            return site.latitude, site.longitude
        if self.question.latitude is not None:
            return self.question.latitude, self.question.longitude
        return content.latitude, content.longitude

    def _asked(self, about: About, files: Mapping[str, Place]) -> About:
        """Return what the tables say of the run, and of what is asked of it."""
        metadata, models = dict(about.metadata), about.models
        if "place_model" in files:
            from ..species import expected

            metadata["place_model"] = expected.TITLE
            metadata["place_model_licence"] = expected.LICENCE
        if "language" in files:
            models = self._translated(models, files["language"])
        return about._replace(metadata=metadata, models=models, columns=self.question.columns)

    def _translated(self, models: tuple[AboutModel, ...], path: Place) -> tuple[AboutModel, ...]:
        from ..species import languages

        language = languages.read(str(self.question.language), path)
        made = []
        for model in models:
            spaces, n_kept = zip(*map(language.of, model.label_spaces), strict=True)
            if sum(n_kept):
                n_classes = sum(len(space.scientific) for space in spaces)
                has_none = f"{sum(n_kept):,} of {n_classes:,} classes keep their names"
                where = "" if str(path) == language.name else f" ({path})"
                self.words.append(f"{language.name}: {has_none}{where}")
            made.append(model._replace(label_spaces=spaces))
        return tuple(made)


def _content(path: str, told: str) -> Content:
    try:
        return Content.of_json(told)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{escaped(path)}: what is kept of its file is none of it ({error})") from error


def _start(name: Deployment, content: Content) -> datetime | None:
    """Return when a recording begins; None also for a date that no recorder has seen."""
    has_zone = content.start is not None and content.start.tzinfo is not None
    start = content.start if has_zone or name.start is None else name.start
    return start if start is not None and start.year in YEARS else None


def _site(site: sites.Site | None, name: Deployment, content: Content) -> str:
    """Return a site's name: the table's, the file name's, the file's; a serial number where there is none."""
    own = "" if name.serial else name.site
    folder = Path(site.folder).name if site is not None else ""
    return (site.site if site is not None else "") or own or content.site or folder or name.site


def _of_run(question: Question, about: About, decides: Mapping[str, str]) -> dict[str, object]:
    """Return what is the same for all recordings of a run."""
    options = json.loads(about.metadata.get("options", "{}"))
    return {
        "overlap": _overlap_s(len(about.models), options, decides),
        "sensitivity": options.get("sensitivity", 1.0),
        "min_conf": options.get("min_confidence"),
        "species_list": "" if question.species is None else str(question.species),
        "model": ", ".join(model.name for model in about.models),
    }


def _overlap_s(n_models: int, options: Mapping[str, Any], decides: Mapping[str, str]) -> float | None:
    """Return how many seconds windows share; None where models differ in it, or nothing tells."""
    if options.get("overlap_s") is not None:
        return float(options["overlap_s"])
    found = set()
    for number in range(1, n_models + 1):
        whose = f"model {number}'s" if n_models > 1 else "model's"
        names = ("rate_hz", "window_samples", "step_samples")
        rate_hz, window, step = (float(decides.get(f"{whose} {name}", "0")) for name in names)
        if not rate_hz or not window:
            return None
        step_s = options.get("step_s") or (step or window) / rate_hz
        found.add(max(0.0, window / rate_hz - step_s))
    return found.pop() if len(found) == 1 else None
