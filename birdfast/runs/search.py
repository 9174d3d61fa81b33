"""Search: the windows of a run that sound most like a query, by all of their embeddings."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np

from .. import audio, config, models
from ..arrays import Float32, Float64, Int64
from ..audio import cutting
from ..config import Options, checks
from ..errors import AudioError, ConfigError, ModelError
from ..journal import Record
from ..journal.facts import OPTIONS
from ..models import Model
from ..pipeline import Pipeline
from ..tables import escaped
from ..tables.files import CsvFile
from .answers import Answers
from .facts import of_model
from .nearness import cosines, unit
from .results import Results, Windows

By = Literal["cosine", "euclidean"]
MOST = 1_000_000
LONGEST_S = 1e9  # longer than any recording
HEADER = ("file", "start_s", "end_s", "channel", "model", "by", "nearness", "query_start_s")


class Found(NamedTuple):
    """A window that is near to a query.

    Attributes
    ----------
    file : str
    start_s, end_s : float
    channel : int
        1 is the recording's first; 0 all channels together.
    nearness : float
        The cosine of the angle between the two embeddings, 1 at most; or their distance, 0 at least.
    query_start_s : float
        Where in the query the window begins that it is nearest to.
    """

    file: str
    start_s: float
    end_s: float
    channel: int
    nearness: float
    query_start_s: float


class Query(NamedTuple):
    """Embeddings of a query's windows: float32 [q, width], and their starts in seconds [q]."""

    values: Float32
    start_s: Float64


def of_run(results: Path, model: str | None = None) -> Model:
    """Return the model of a run, as it was then.

    Parameters
    ----------
    results : path
        The output folder of a run that kept embeddings.
    model : str or None
        A name, a file or a folder, as `models.find` has it; None is the run's only one, by its name.

    Raises
    ------
    ConfigError
        There is no such run, or it kept no embeddings; or the model is none of its.
    ModelError
        It cannot be found.
    """
    with Record(results) as record:
        answers = Answers(record)
        answers.check_kinds(["embeddings"])
        names, known = [one.name for one in answers.models], answers.facts
    name = names[models.place_of(names, None)] if model is None else model
    try:
        found = models.find(name)
    except ModelError as error:
        if model is not None:
            raise
        raise ModelError(f"{error}; the run's model is wanted: --model takes its file or folder") from error
    if found.name not in names:
        raise ConfigError(f"{found.path}: is called {found.name}, and the run has {', '.join(names)}")
    number = names.index(found.name)
    options = options_of(results)
    whose = f"model {number + 1}'s" if len(names) > 1 else "model's"
    now = of_model(found, found.digests(), options.runtime)
    if others := [key for key, value in now.items() if known.decides.get(f"{whose} {key}") != value]:
        raise ConfigError(f"{found.path}: is not the run's model, by its {', '.join(others)}")
    return found


def options_of(results: Path) -> Options:
    """Return the options that a run heard its recordings with."""
    with Record(results) as record:
        told = json.loads(record.facts().about.metadata[OPTIONS])
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    return Options.of(plain)


def query(
    sound: Path, model: Model, options: Options, start_s: float = 0.0, length_s: float | None = None
) -> Query:
    """Return the embeddings of a query, heard as a run's recordings are.

    Parameters
    ----------
    sound : path
    model : Model
    options : Options
        Those of the run; its channels are mixed where each was heard by itself.
    start_s, length_s : float
        Which part of it; a length of None goes to its end.

    Raises
    ------
    AudioError
        It cannot be read, or has no sound there.
    """
    one_channel = "mix" if options.channel == "each" else options.channel
    pipeline = Pipeline(model, dataclasses.replace(options, channel=one_channel))
    if start_s == 0 and length_s is None:
        scored = pipeline.score(sound)
    else:
        with audio.Recording(sound, one_channel) as recording:
            lasts_s = recording.duration_s or LONGEST_S
            end_s = lasts_s if length_s is None else start_s + length_s
            stretch = cutting.Stretch(start_s, end_s, recording.channels[0])
            ((_, samples),) = cutting.cut(recording, [stretch])
            if isinstance(samples, AudioError):
                raise samples
            scored = pipeline.score(samples, recording.rate_hz)
    listener = pipeline.listener()
    batches = [(listener.embedding(one), np.asarray(one.start_s, np.float64)) for one in scored]
    if not batches:
        raise AudioError(f"{sound}: no window of sound in it")
    values, starts = zip(*batches, strict=True)
    return Query(np.concatenate(values), np.concatenate(starts) + start_s)


def search(
    results: Path, wanted: Query, model: str | None = None, n: int = 10, by: By = "cosine"
) -> list[Found]:
    """Return the windows of a run that are nearest to any window of a query, the nearest first.

    All embeddings are looked at, a part after the other, and no more than a part is held. Of windows that are
    equally near those come first that are first in the run.

    Parameters
    ----------
    results : path
    wanted : Query
    model : str or None
        The name of the run's model; needed where there are several.
    n : int
    by : "cosine" or "euclidean"

    Raises
    ------
    ConfigError
        The run kept no embeddings, or they are of another width, or something does not fit.
    """
    checks.whole("n", n, 1, MOST)
    config.choice("by", by, get_args(By))
    return nearest(Results(results).embeddings(model), wanted, n, by)


def nearest(every: Iterable[Windows], wanted: Query, n: int, by: By = "cosine") -> list[Found]:
    """Return what `search` does, of windows as they come."""
    queries = unit(wanted.values) if by == "cosine" else wanted.values.astype(np.float64)
    best, order = list[tuple[float, int, Found]](), 0
    for windows in every:
        if windows.values.shape[1] != queries.shape[1]:
            width = f"{windows.values.shape[1]:,} values, and the query's {queries.shape[1]:,}"
            raise ConfigError(f"{windows.file}: its embeddings have {width}; they are another model's")
        nearness, which = _nearness(windows.values, queries, by)
        rank = nearness if by == "cosine" else -nearness
        worst = best[-1][0] if len(best) == n else -np.inf
        for row in _first(rank, n, worst):
            found = _found(windows, int(row), float(nearness[row]), float(wanted.start_s[which[row]]))
            best.append((float(rank[row]), order + int(row), found))
        best = sorted(best, key=lambda entry: (-entry[0], entry[1]))[:n]
        order += len(rank)
    return [found for _, _, found in best]


def write(path: Path, found: Sequence[Found], model: str, by: By) -> None:
    """Write what was found as a CSV."""
    with CsvFile(path, HEADER) as table:
        for one in found:
            times = (f"{one.start_s:.10g}", f"{one.end_s:.10g}", one.channel)
            table.write_row(
                (one.file, *times, escaped(model), by, f"{one.nearness:.6g}", f"{one.query_start_s:.10g}")
            )


def _nearness(values: Float32, queries: Float64, by: By) -> tuple[Float64, Int64]:
    """Return how near each row is to the nearest query, and which that is."""
    if by == "cosine":
        every = cosines(queries, values).T
        which = every.argmax(axis=1)
    else:
        exact = values.astype(np.float64)
        every = np.stack([np.linalg.norm(exact - one, axis=1) for one in queries], axis=1)
        which = every.argmin(axis=1)
    return every[np.arange(len(values)), which], which


def _first(rank: Float64, n: int, worst: float) -> Int64:
    """Return the rows of at most the `n` highest ranks that are above the worst; the first ones on ties."""
    rows = np.flatnonzero(rank > worst)
    return rows[np.argsort(-rank[rows], kind="stable")[:n]]


def _found(windows: Windows, row: int, nearness: float, query_start_s: float) -> Found:
    start_s, end_s = float(windows.start_s[row]), float(windows.end_s[row])
    return Found(windows.file, start_s, end_s, int(windows.channel[row]), nearness, query_start_s)
