"""Tokens: recordings as sequences of a trained model's tokens, in tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import audio, keyedvectors, tables
from ..arrays import Int32
from ..atomicfile import check_apart, check_replaceable
from ..errors import AudioError
from ..outcomes import Failure
from ..pipeline.transcript import failure_of
from ..sessions.stsg import StsgSession
from ..tables import About, Result
from .output import AGAIN, output_folder, telling

KINDS: dict[str, type[tables.TokensParquet] | type[tables.TokensNpy]] = {
    "parquet": tables.TokensParquet,
    "npy": tables.TokensNpy,
}


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
) -> Written:
    """Write recordings as tokens.

    Those that cannot be read to their end are in failures.csv; what is before that place is written. What is
    to be known of others is in notes.csv, if anything is.

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

    Raises
    ------
    ModelError
        The model cannot be used.
    ConfigError
        The folder cannot be written, or a folder has the name of a table.
    OutputError
        It takes no more.
    """
    session = StsgSession(model)
    output_folder(folder)
    for name in (*KINDS[kind].names(len(paths)), tables.FailuresTable.name, tables.NotesTable.name):
        check_replaceable(folder / name)
    if vectors is not None:  # first: whether it can be written is soon known
        check_apart(vectors, model, *map(Path, paths))
        with telling(vectors, AGAIN):
            keyedvectors.write(vectors, session.embeddings)
    n_written = n_failed = 0
    with telling(folder, AGAIN):
        with (
            KINDS[kind](folder, session.tokenizer.front_end.frame_s) as table,
            tables.FailuresTable(folder, About({}, ())) as failures,
            tables.NotesTable(folder, About({}, ())) as notes,
        ):
            for path in paths:
                heard = _heard(session, path, channel)
                if heard.failure is not None:
                    failures.write(heard.failure)
                    n_failed += 1
                if heard.failure is None or len(heard.tokens):
                    table.write(path, heard.tokens)
                    n_written += 1
                notes.begin(Result(path, (), notes=heard.notes))
        if not notes.is_wanted:
            notes.path.unlink()
    return Written(n_written, n_failed)


class _Heard(NamedTuple):
    """A recording's tokens, int32 [n], up to its failure; what is to be noted of it."""

    tokens: Int32
    failure: Failure | None
    notes: list[str]


def _heard(session: StsgSession, path: str, channel: str) -> _Heard:
    parts, failure, notes = [np.zeros(0, np.int32)], None, list[str]()
    try:
        with audio.Recording(path, channel) as recording:
            try:
                parts += _tokens(session, recording)
            except AudioError as error:
                rate_hz, duration_s = recording.rate_hz, recording.duration_s or None
                failure = failure_of(path, error)._replace(rate_hz=rate_hz, duration_s=duration_s)
            notes = recording.notes
    except AudioError as error:
        failure = failure_of(path, error)
    return _Heard(np.concatenate(parts), failure, notes)


def _tokens(session: StsgSession, recording: audio.Recording) -> Iterator[Int32]:
    blocks = recording.blocks(session.tokenizer.front_end.rate_hz)
    for frames in session.tokenizer.stream(blocks):
        yield session.codebook.assign(frames)
