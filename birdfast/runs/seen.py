"""Seen: what is known of one recording of a run, to be drawn: its detections, its scores, its tokens."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import audio, tables
from ..arrays import Float32, Int32
from ..config import MAX_HOURS, checks
from ..errors import AudioError, ConfigError
from ..journal import NAME, Entry, Record
from ..outcomes import Detection
from ..picture import Scores, Tokens
from ..picture.plane import flat
from ..tables import DETECTIONS, whose
from ..words import counted
from . import whereabouts
from .answers import Answers
from .results import result
from .tokens import opened

MOST_CLASSES = 100


class Seen(NamedTuple):
    """What results say of a recording.

    Attributes
    ----------
    rows : list of Detection
    scores : list of Scores
        Of each model, if they were asked for.
    words : str
        What is to be known: where the recording was when it was heard, or why there is no row of it.
    """

    rows: list[Detection]
    scores: list[Scores]
    words: str


def seen(
    recording: Path, results: Path, n_classes: int = 0, start_s: float = 0.0, end_s: float = np.inf
) -> Seen:
    """Return what results say of a recording, which may have moved since: see `whose.named`.

    Parameters
    ----------
    recording : path
    results : path
        A run's folder, one with merged tables, or a detections.csv.
    n_classes : int
        How many classes' scores are wanted: the highest in the part from `start_s` to `end_s`.

    Raises
    ------
    ConfigError
        There are no such results, or scores are wanted and there is no journal that has them.
    """
    checks.whole("scores", n_classes, 0, MOST_CLASSES)
    if (results / NAME).is_file():
        with Record(results) as record:
            return _in_journal(recording, Answers(record), n_classes, (start_s, end_s))
    if n_classes:
        raise ConfigError(f"{results}: no journal of a run ({NAME}) in it, which has the scores")
    table = results / DETECTIONS["csv"].name if results.is_dir() else results
    rows = tables.read_csv(table)
    own = whose.own(recording, rows)
    words = _moved(table, recording, own.moved_from)
    if not rows:
        words = f"{table} has no detection; none is drawn"
    elif not own.rows:
        others = f"its {counted(len(rows), 'row')} are of other files, such as {rows[0].file}"
        words = _not_named(table, recording, own.alike, others)
    return Seen(own.rows, [], words)


def surest(results: Path) -> Detection:
    """Return the detection of the highest confidence, the first of them; parameters as `seen`.

    Raises
    ------
    ConfigError
        There are no such results, or no detection in them.
    """
    found = max(whereabouts.detections(results), key=lambda one: one.confidence, default=None)
    if found is None:
        raise ConfigError(f"{results}: no detection in it; a RECORDING is wanted, too")
    return found


def _in_journal(recording: Path, answers: Answers, n_classes: int, span: tuple[float, float]) -> Seen:
    folder = answers.record.path.parent
    sizes, first = dict[str, int | None](), ""
    for _, entry in answers.record.entries():
        first = first or os.fsdecode(entry.path)
        sizes[os.fsdecode(entry.path)] = entry.size
    found = whose.named(recording, sizes, {path: size for path, size in sizes.items() if size is not None})
    own = [entry for _, entry in answers.record.entries() if os.fsdecode(entry.path) in found.files]
    rows = [row for entry in own for part in result(answers, entry, so_far=True).parts for row in part]
    scores = [
        _scores(answers, entry, model, n_classes, span)
        for entry in own[:1]
        for model in range(len(answers.models))
        if n_classes and model not in entry.waiting
    ]
    words = _moved(folder, recording, found.moved_from)
    if not own:
        others = f"it has {counted(len(sizes), 'file')}, such as {first}"
        words = _not_named(folder, recording, found.alike, others)
    elif not rows:
        words = words or f"{folder} has no detection of {recording}, as it was asked; none is drawn"
    return Seen(rows, scores, words)


def _scores(answers: Answers, entry: Entry, model: int, n_classes: int, span: tuple[float, float]) -> Scores:
    """Return the scores of the classes that are highest in a part; in two passes, as all may be kept."""
    about = answers.models[model]
    names = [name for space in about.label_spaces for name in space.common]
    best = np.full(len(names), -1, np.float32)
    for some, confidence, mask in answers.kept(entry, model):
        windows = some.windows[some.window]
        inside = (windows["end_s"] > span[0]) & (windows["start_s"] < span[1])
        if mask is not None:
            inside &= mask[some.label]
        np.maximum.at(best, some.label[inside], confidence[inside])
    chosen = np.argsort(-best, kind="stable")[: min(n_classes, np.count_nonzero(best >= 0))]
    place = np.full(len(names), -1)
    place[chosen] = np.arange(len(chosen))
    windows_of, values_of = list[np.ndarray](), list[Float32]()
    for some, confidence, _ in answers.kept(entry, model):
        values = np.full((len(some.windows), len(chosen)), np.nan, np.float32)
        wanted = place[some.label] >= 0
        values[some.window[wanted], place[some.label[wanted]]] = confidence[wanted]
        windows_of.append(some.windows)
        values_of.append(values)
    if not windows_of:
        nowhen = np.zeros(0)
        return Scores([], nowhen, nowhen, np.zeros(0, np.int32), np.zeros((0, 0), np.float32))
    windows = np.concatenate(windows_of)
    more = f" ({about.name})" if len(answers.models) > 1 else ""
    channel = windows["channel"].astype(np.int32)
    shown = [f"{names[number]}{more}" for number in chosen]
    return Scores(shown, windows["start_s"], windows["end_s"], channel, np.concatenate(values_of))


def tokens_of(
    recording: Path, model: Path, max_hours: float = MAX_HOURS
) -> Callable[[Sequence[int], float, float], Tokens]:
    """Return what gives the tokens of a part of a recording, by a model that `birdfast train` wrote.

    Raises
    ------
    ModelError
        The model cannot be used, or has no tokens.
    """
    session = opened(model)
    plane = flat(session.embeddings)[:, 0]
    shades = np.argsort(np.argsort(plane)) / max(1, len(plane) - 1)

    def heard(channels: Sequence[int], start_s: float, end_s: float) -> Tokens:
        first, last = (round(second * session.rate_hz) for second in (start_s, end_s))
        found = dict[int, Int32]()
        for channel in channels:
            with audio.Recording(recording, channel or "mix", max_hours=max_hours) as opened_recording:
                parts, blocks = [np.zeros(0, np.int32)], opened_recording.blocks(session.rate_hz, first, last)
                with suppress(AudioError):  # what was read before is drawn; the picture says where it ends
                    parts.extend(session.tokens(blocks))
            found[channel] = np.concatenate(parts)
        return Tokens(model.name, start_s, session.token_s, found, shades)

    return heard


def _moved(results: Path, recording: Path, moved_from: str) -> str:
    return f"{results} does not name {recording}: drawn is what it says of {moved_from}" if moved_from else ""


def _not_named(results: Path, recording: Path, alike: Sequence[str], others: str) -> str:
    if alike:
        others = (
            f"its rows are of other files, of which {len(alike):,} have this name: {', '.join(alike[:3])}"
        )
    return f"{results} does not name {recording}: {others}; none is drawn"
