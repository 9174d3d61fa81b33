"""What is given to be judged: a results folder, a table of scores or one of detections."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import tables
from ..errors import ConfigError
from ..journal import NAME, Entry, Record
from ..sources import sheets
from . import detections, parquet, wide
from .said import Heard, Scores

HELD_OUT = "held_out.csv"  # of `train --cv`
SUBMISSION = "submission.csv"  # of `infer --rtype submission`


class Grid(NamedTuple):
    """Where windows lie on recordings that may have none with a detection.

    Attributes
    ----------
    window_s, step_s : float
    lasting_s : dict of str to float
        How much of each file was heard; 0 of one that failed before anything was.
    is_told : bool
        A run's journal tells it; else it is guessed from the detections.
    broken : frozenset of str
        Files that were not heard to their end.
    """

    window_s: float
    step_s: float
    lasting_s: dict[str, float]
    is_told: bool
    broken: frozenset[str] = frozenset()


def read(path: Path, model: str | None = None, labels: Iterable[str] = ()) -> Scores | Heard:
    """Read what is to be judged; all scores where a results folder has them.

    Parameters
    ----------
    path : path
    model : str, optional
        Which one is judged, of several.
    labels : iterable of str
        What is true anywhere: see `wide.read`.

    Raises
    ------
    ConfigError
        It cannot be read, or is no such table.
    """
    if not path.exists():
        raise ConfigError(f"{path}: no such file or folder")
    if not path.is_dir():
        return detections.read(path, model) if _has_detections(path) else wide.read(path, labels)
    found = sorted(path.glob("scores*.parquet"))
    named = [one for one in found if model is not None and one.name == f"scores-{model}.parquet"]
    if len(found) > 1 and not named:
        raise ConfigError(f"{path}: scores of several models; --model takes one: {', '.join(_models(found))}")
    if not found and (path / SUBMISSION).is_file():
        named = [path / SUBMISSION]
    chosen = [*named, *found]
    if not chosen and (path / HELD_OUT).is_file():
        raise ConfigError(f"{path}: a trained model's folder; what it said is in {path / HELD_OUT}")
    if not chosen:
        return detections.read(path, model)
    found_s = _heard_of_whole(path) if chosen[0].name == SUBMISSION else {}
    return wide.read(chosen[0], labels)._replace(broken=_broken(path), heard_s=found_s)


def grid(path: Path, heard: Heard, model: str | None = None) -> Grid:
    """Return where the windows of detections lie: as the run's journal tells, or as it seems."""
    if path.is_dir() and (path / NAME).is_file() and (told := _of_run(path, model)):
        return told
    lengths, n = np.unique(np.round(heard.windows.end_s - heard.windows.start_s, 3), return_counts=True)
    window_s = float(lengths[n.argmax()]) if len(n) else 0.0
    gaps = [
        np.diff(np.unique(heard.windows.start_s[heard.windows.file == one]))
        for one in range(len(heard.windows.files))
    ]
    steps = np.concatenate([np.zeros(0), *gaps])
    steps = steps[steps > 1e-3]
    step_s = min(window_s, float(steps.min())) if len(steps) else window_s
    return Grid(window_s, step_s, {}, False)


def run_of(path: Path, model: str | None = None) -> tuple[Path, str | None]:
    """Return the folder of the run whose scores or detections are judged, and which of its models.

    The folder may be of no run. A submission is none's: its rows may be blended, ranked and processed.
    """
    if path.is_dir():
        is_submission = (path / SUBMISSION).is_file() and not any(path.glob("scores*.parquet"))
        return (path / SUBMISSION if is_submission else path), model
    own = re.fullmatch(r"scores(?:-(.+))?\.parquet", path.name)
    is_table = own is not None or path.name in {table.name for table in tables.DETECTIONS.values()}
    return (path.parent if is_table else path), (own and own[1]) or model


def _of_run(folder: Path, model: str | None) -> Grid | None:
    with Record(folder) as record:
        facts = record.facts()
        names = [one.name for one in facts.about.models]
        number = _place_of(folder, names, model)
        whose = f"model {number + 1}'s" if len(names) > 1 else "model's"
        try:
            told = {
                key: json.loads(facts.decides[f"{whose} {key}"])
                for key in ("rate_hz", "window_samples", "step_samples")
            }
            options = json.loads(facts.about.metadata["options"])
            window_s = told["window_samples"] / told["rate_hz"]
            step_s = (told["step_samples"] or told["window_samples"]) / told["rate_hz"]
            if options["overlap_s"] is not None:
                step_s = window_s - options["overlap_s"]
            step_s = (options["step_s"] or step_s) / max(1, len(options.get("shifts_s", ())))
        except (
            KeyError,
            TypeError,
            ValueError,
            ZeroDivisionError,
        ):  # a backbone knows it, and it is not asked
            return None
        lasting_s = {_name(entry.path): _heard_s(entry, number) for _, entry in record.entries()}
        return Grid(window_s, step_s, lasting_s, True, _broken(folder))


def _broken(folder: Path) -> frozenset[str]:
    """Return the files of a run that failed, be it behind what was heard; none where there is no journal."""
    if not (folder / NAME).is_file():
        return frozenset()
    with Record(folder) as record:
        return frozenset(_name(entry.path) for _, entry in record.entries() if entry.failures())


def _heard_of_whole(folder: Path) -> dict[str, float]:
    """Return how much was heard of the files that were heard to their end, by what their rows are called."""
    if not (folder / NAME).is_file():
        return {}
    with Record(folder) as record:
        return {
            tables.escaped(Path(_name(entry.path)).stem): entry.audio_s
            for _, entry in record.entries()
            if not entry.failures() and not entry.waiting
        }


def _place_of(folder: Path, names: list[str], model: str | None) -> int:
    """Return which of a run's models is judged."""
    if model is None and len(names) > 1:
        raise ConfigError(f"{folder}: of several models; --model takes one: {', '.join(names)}")
    if model is not None and model not in names:
        raise ConfigError(f"{folder}: has no model {model!r}; --model takes {', '.join(names)}")
    return 0 if model is None else names.index(model)


def _heard_s(entry: Entry, model: int) -> float:
    """Return how much of a file a model heard: nothing where it failed itself, or did not come to it."""
    failed = any(hearing.failure for hearing in entry.hearings if hearing.model == model)
    return 0.0 if failed or model in entry.waiting else entry.audio_s


def _name(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _has_detections(path: Path) -> bool:
    if path.suffix.lower() == ".parquet":
        names = parquet.header(path)
        return detections.is_one(names) and not parquet.is_dense(names)
    with sheets.sheet(path, ConfigError) as sheet:
        return not sheet.header or detections.is_one(sheet.header)


def _models(found: list[Path]) -> list[str]:
    return [tables.escaped(one.stem.removeprefix("scores-")) for one in found]
