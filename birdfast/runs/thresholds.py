"""Thresholds of single classes: those of a file, those that models bring along, and what is said of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from .. import modelfolder, sources
from ..arrays import Float32
from ..config import MIN_CONFIDENCE, Options
from ..errors import ConfigError
from ..journal import HELD, QUESTION, Record
from ..judging import names
from ..judging.floors import Told
from ..judging.names import Species
from ..models import Model
from ..sources import table
from ..tables import escaped
from ..tables.files import as_it_was
from .asked import question_of
from .which import LISTS, Which

CLASS, THRESHOLD = "class", "threshold"  # the columns of a file of them


def read(
    path: sources.Place, named: Sequence[tuple[str, str]], otherwise: float | Float32 = MIN_CONFIDENCE
) -> Float32:
    """Read each class's threshold: a CSV of class and threshold, as `birdfast evaluate` writes it.

    Parameters
    ----------
    path : path
    named : sequence of (str, str)
        The classes' scientific and common names; one of a file may be either, or both as Sci_Common.
    otherwise : float or float32 [n_classes]
        Of classes that it does not name, or without a number.

    Returns
    -------
    float32 [n_classes]

    Raises
    ------
    ConfigError
        It cannot be read, lacks a column, names a class twice or one that there is not, or has a threshold
        that is not from 0 to 1.
    """
    found, unknown = _found(path, named, otherwise)
    if unknown:
        line, name = unknown[0]
        raise ConfigError(f"{path}: line {line}: {escaped(name)!r} is none of the {len(named):,} classes")
    return found


def by_class(path: sources.Place, models: Sequence[Sequence[tuple[str, str]]]) -> list[dict[int, float]]:
    """Read the thresholds of a file for each of several models, by the numbers of the classes that it names.

    Parameters
    ----------
    path : path
    models : sequence of sequence of (str, str)
        The classes of each, as of `read`.

    Raises
    ------
    ConfigError
        See `read`; a class is none of any model.
    """
    found, strange = list[dict[int, float]](), set[tuple[int, str]]()
    for number, named in enumerate(models):
        least, unknown = _found(path, named, np.nan)
        found.append({int(place): float(least[place]) for place in np.flatnonzero(~np.isnan(least))})
        strange = {*unknown} if number == 0 else strange & {*unknown}
    if strange:
        line, name = min(strange)
        raise ConfigError(f"{path}: line {line}: {escaped(name)!r} is a class of no model here")
    return found


def asked_of(folder: Path, told: Told | None) -> Told | None:
    """Return from where on a run's model detects each class, by what was asked: its thresholds and lists.

    Which species are expected at a place hangs on the file and is left out; `more` says so.

    Raises
    ------
    ConfigError
        As `read`, but classes of other models may be in a file; or one was changed since.
    """
    if told is None:
        return None
    with Record(folder) as record:
        facts = record.facts()
    question = question_of(facts.asked)
    files, held = question.own_files(), facts.asked.get(QUESTION, {}).get(HELD, {})
    for name in ("thresholds", *LISTS):
        if name in files and sources.sha256(files[name], ConfigError) != held.get(name):
            raise ConfigError(
                f"{files[name]}: holds others than when the run was asked; --threshold takes what is meant"
            )
    least, more = np.array(told.least, np.float32), ""
    if "thresholds" in files:
        named = [(one.scientific, one.common) for one in told.species]
        asked, _ = _found(files["thresholds"], named, least)
        least = np.where(np.isinf(least), least, asked)
    lists = {name: files[name] for name in LISTS if name in files}
    if masks := Which(question, facts.about, lists).masks(None, None, None):
        least[~np.concatenate(masks[told.number])] = np.inf
        more = ", of the species that were asked for"
    if (top_k := facts.asked.get("top_k")) is not None:
        more += f"; here also of those that were not among a window's best {top_k:,}"
    if question.has_place:
        more += "; here also of species that were not expected at a file's place"
    return told._replace(least=least.tolist(), more=more)


def settled(options: Options, models: Sequence[Model]) -> Options:
    """Return a run's options: where no model has thresholds of its own, with the usual least confidence.

    So a run that asks for that one, and one that asks for none, are the same.
    """
    if options.min_confidence is not None or any(model.thresholds for model in models):
        return options
    return dataclasses.replace(options, min_confidence=MIN_CONFIDENCE)


def told(options: Options, models: Sequence[Model]) -> list[str]:
    """Return what is said of models whose own thresholds decide.

    Raises
    ------
    ModelError
        A model's manifest cannot be read any more.
    """
    if options.min_confidence is not None:
        return []
    lines = dict[str, list[str]]()
    for model in models:
        if model.thresholds:
            lines.setdefault(_chosen(model), []).append(escaped(model.name))
    more = "--min-conf (min_confidence) takes one of your own"
    return [f"thresholds of {', '.join(names)}: a class's own{why}; {more}" for why, names in lines.items()]


def _chosen(model: Model) -> str:
    """Return in words how a model's thresholds were chosen, if they are those of its manifest."""
    if model.kind not in modelfolder.KINDS:
        return ""
    facts = modelfolder.facts(model.path.parent, model.kind)
    precision = facts.get("calibration", {}).get("precision")
    if precision is None or modelfolder.thresholds(facts) != model.thresholds:
        return ""
    why = f", for a precision of {precision:g} on held-out windows"
    if model.background >= 0:
        return why
    return f"{why} of clips (it knows no background, so among all that sounds fewer will be right)"


def _found(
    path: sources.Place, named: Sequence[tuple[str, str]], otherwise: float | Float32
) -> tuple[Float32, list[tuple[int, str]]]:
    """Return thresholds by class, and the classes of a file that are none of them, with their lines."""
    classes = [Species(*names_) for names_ in named]
    told = [*_rows(path)]
    places = names.classes(classes, [names.species(name) for _, name, _ in told])
    found = np.array(np.broadcast_to(np.float32(otherwise), len(classes)))
    unknown, seen = list[tuple[int, str]](), set[int]()
    for (line, name, threshold), place in zip(told, places, strict=True):
        if place is None:
            unknown.append((line, name))
        elif place in seen:
            raise ConfigError(f"{path}: line {line}: {escaped(name)!r} is there twice")
        else:
            seen.add(place)
            found[place] = found[place] if threshold is None else threshold
    return found, unknown


def _rows(path: sources.Place) -> Iterator[tuple[int, str, float | None]]:
    for line, row in table(path, (CLASS, THRESHOLD), ConfigError):
        name, text = as_it_was(row[CLASS]).strip(), row[THRESHOLD].strip()
        try:
            threshold = sources.decimal(text) if text else None
        except ValueError:
            threshold = float("nan")
        if not name or not (threshold is None or 0 <= threshold <= 1):
            raise ConfigError(f"{path}: line {line}: {name!r}, {text!r}: wanted are a class, and 0 to 1")
        yield line, name, threshold
