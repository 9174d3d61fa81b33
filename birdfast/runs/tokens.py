"""Tokens: recordings as sequences of a trained model's tokens, in tables."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import atomicfile, audio, keyedvectors, modelfolder, models, tables
from ..arrays import Int32
from ..atomicfile import check_apart, check_replaceable
from ..config import MAX_HOURS, hours
from ..errors import AudioError, ConfigError, ModelError
from ..outcomes import Failure
from ..pipeline.transcript import failure_of
from ..sessions.stsg import StsgSession
from ..tables import About, FailuresTable, NotesTable, Result, TokensNpy, TokensParquet
from .output import AGAIN, alone, check_no_run, output_folder, telling

WHOSE_TOKENS = "tokens are of models that `birdfast train` wrote: --model takes the folder of one"


class Written(NamedTuple):
    """How many recordings have a row of tokens, and how many of all failed, be it after some tokens."""

    n_written: int
    n_failed: int


def write(
    paths: Sequence[str],
    model: Path,
    folder: Path,
    kind: str = "parquet",
    vectors: Path | None = None,
    *,
    channel: str = "mix",
    max_hours: float = MAX_HOURS,
    csv_safe: bool = False,
    tell: Callable[[str], object] = lambda said: None,
) -> Written:
    """Write recordings as tokens: of a model of several streams those of the first.

    Those that cannot be read to their end are in failures.csv; what is before that place is written. What is
    to be known of others is in notes.csv, if anything is. A table of the other kind that is there already is
    written, too, and sequences of recordings that are no longer given go: all in a folder say the same.

    Parameters
    ----------
    paths : sequence of str
    model : path
        The folder of a trained model.
    folder : path
        Where the tables go; made if it is missing.
    kind : "parquet" or "npy"
    vectors : path or None
        Where the tokens' embeddings go, in word2vec's format.
    channel : "mix" or a number from 1
    max_hours : float, 1 second to 100000 hours
        How much of a recording is heard; a longer one has failed there.
    csv_safe : bool
        Put an apostrophe before text in CSVs that a spreadsheet would run.
    tell : callable of str
        Hears that there are other streams, whose tokens are not written.

    Raises
    ------
    ModelError
        The model cannot be used, or has no tokens.
    ConfigError, OutputError
        The folder cannot be written, takes no more, holds what would be lost, or another is at work in it.
    """
    hours("max_hours", max_hours)
    session = opened(model)
    if (n := len(session.streams)) > 1:
        tell(f"{model}: has {n} streams of tokens; written is the first, a token every {session.token_s:g} s")
    folder = output_folder(folder)
    with telling(folder, AGAIN), alone(folder):
        check_no_run(folder)
        _tidy(folder)
        kinds = tables.tokens.kinds(folder, kind)
        tables.tokens.check(folder, kinds, len(paths))
        for name in _names(kinds):
            check_replaceable(folder / name)
        if vectors is not None:  # first: whether it can be written is soon known
            check_apart(vectors, *_files_in(model), *map(Path, paths))
            _check_free(vectors, folder)
            with telling(vectors, AGAIN):
                keyedvectors.write(vectors, session.embeddings)
        with _tables(folder, kinds, session.token_s, csv_safe) as written:
            found = _written((_heard(session, path, channel, max_hours) for path in paths), written)
        if not written.notes.is_wanted:
            written.notes.path.unlink()
    return found


def opened(model: Path) -> StsgSession:
    """Open a model that has tokens.

    Raises
    ------
    ModelError
        It cannot be opened, or has none; the message says what it is.
    """
    if not modelfolder.is_one(model):
        known = models.catalogue().get(str(model))
        has_network = os.path.isdir(model) and any(model.glob("*.tflite"))  # noqa: PTH112 -- as models.find
        if known is not None or has_network or model.suffix == ".tflite":
            title = f"{known.title}, a network" if known is not None else "a TFLite network"
            raise ModelError(f"{model}: {title} without tokens; {WHOSE_TOKENS}")
        if not os.path.isdir(model):  # noqa: PTH112
            raise ModelError(f"{model}: no such folder; {WHOSE_TOKENS}")
    return StsgSession(model)


def _names(kinds: Iterable[str]) -> list[str]:
    """Return the names of all tables that a run writes which writes tokens in these kinds."""
    return [*(tables.tokens.KINDS[kind].name for kind in kinds), FailuresTable.name, NotesTable.name]


def _files_in(model: Path) -> list[Path]:
    """Return a model's folder and what lies in it."""
    return [model, *model.iterdir()]


def _check_free(vectors: Path, folder: Path) -> None:
    """Refuse vectors under the name of a table or a sequence of the output, be it one that is to come."""
    taken = {*_names(tables.tokens.KINDS), tables.tokens.NAMING}
    for path in (vectors, vectors.resolve()):
        is_taken = path.name in taken or tables.tokens.NUMBERED.fullmatch(path.name)
        if is_taken and path.parent.resolve() == folder.resolve():
            raise ConfigError(f"{vectors}: is a name of the tables in {folder}; take another for the vectors")


def _tidy(folder: Path) -> None:
    """Remove what was begun by one that was killed."""
    names = (*_names(tables.tokens.KINDS), tables.tokens.NAMING)
    atomicfile.tidy(folder, "|".join(map(re.escape, names)))
    tables.tokens.tidy(folder)


class _Tables(NamedTuple):
    tokens: list[TokensParquet | TokensNpy]
    failures: FailuresTable
    notes: NotesTable


@contextmanager
def _tables(folder: Path, kinds: Sequence[str], frame_s: float, csv_safe: bool) -> Iterator[_Tables]:
    """Open all tables; none gets its name before all are whole and the earlier ones are gone."""
    about = About({}, ())
    with ExitStack() as stack:
        made: list[TokensParquet | TokensNpy] = []
        for kind in kinds:
            made.append(tables.tokens.KINDS[kind](folder, frame_s, csv_safe=csv_safe))
            stack.enter_context(made[-1])
        found = _Tables(
            made,
            stack.enter_context(FailuresTable(folder, about, csv_safe=csv_safe)),
            stack.enter_context(NotesTable(folder, about, csv_safe=csv_safe)),
        )
        yield found
        tables.tokens.make_way([*found.tokens, found.failures, found.notes])


def _written(all_heard: Iterable[_Heard], written: _Tables) -> Written:
    """Write what is heard, recording by recording, and count."""
    n_written = n_failed = 0
    for heard in all_heard:
        if heard.failure is not None:
            written.failures.write(heard.failure)
            n_failed += 1
        if heard.failure is None or len(heard.tokens):
            for table in written.tokens:
                table.write(heard.path, heard.tokens)
            n_written += 1
        written.notes.begin(Result(heard.path, (), notes=heard.notes))
    return Written(n_written, n_failed)


class _Heard(NamedTuple):
    """A recording's tokens, int32 [n], up to its failure; what is to be noted of it."""

    path: str
    tokens: Int32
    failure: Failure | None
    notes: list[str]


def _heard(session: StsgSession, path: str, channel: str, max_hours: float) -> _Heard:
    parts, failure, notes = [np.zeros(0, np.int32)], None, list[str]()
    try:
        with audio.Recording(path, channel, max_hours=max_hours) as recording:
            try:
                parts += _tokens(session, recording)
            except AudioError as error:
                rate_hz, duration_s = recording.rate_hz, recording.duration_s or None
                failure = failure_of(path, error)._replace(rate_hz=rate_hz, duration_s=duration_s)
            notes = recording.notes
    except AudioError as error:
        failure = failure_of(path, error)
    return _Heard(path, np.concatenate(parts), failure, notes)


def _tokens(session: StsgSession, recording: audio.Recording) -> Iterator[Int32]:
    return session.tokens(recording.blocks(session.rate_hz))
