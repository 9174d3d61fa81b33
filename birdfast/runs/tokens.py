"""Tokens: recordings as sequences of a trained model's tokens, in tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from .. import audio, keyedvectors, tables
from ..arrays import Float32, Int32
from ..errors import AudioError
from ..outcomes import Failure
from ..sessions.stsg import StsgSession
from ..tables import About, Result
from .output import AGAIN, output_folder, telling

KINDS: dict[str, type[tables.TokensParquet] | type[tables.TokensNpy]] = {
    "parquet": tables.TokensParquet,
    "npy": tables.TokensNpy,
}


def write(
    paths: Sequence[str], model: Path, folder: Path, kind: str = "parquet", vectors: Path | None = None
) -> int:
    """Write recordings as tokens, and return how many could not be read: they are in failures.csv.

    What was repaired in others, and what is lost of them, is in notes.csv, if there is anything.

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

    Raises
    ------
    ModelError
        The model cannot be used.
    ConfigError, OutputError
        The folder cannot be written, or takes no more.
    """
    session = StsgSession(model)
    output_folder(folder)
    if vectors is not None:  # first: whether it can be written is soon known
        with telling(vectors, AGAIN):
            keyedvectors.write(vectors, session.embeddings)
    n_failed = 0
    with telling(folder, AGAIN):
        with (
            KINDS[kind](folder, session.tokenizer.front_end.frame_s) as table,
            tables.FailuresTable(folder, About({}, ())) as failures,
            tables.NotesTable(folder, About({}, ())) as notes,
        ):
            for path in paths:
                remarks: list[str] = []
                try:
                    table.write(path, _tokens(session, path, remarks))
                except AudioError as error:
                    failures.write(Failure(path, "audio", type(error).__name__, str(error)))
                    n_failed += 1
                notes.begin(Result(path, (), notes=remarks))
        if not notes.is_wanted:
            notes.path.unlink()
    return n_failed


def _tokens(session: StsgSession, path: str, remarks: list[str]) -> Int32:
    """Return a recording's tokens, int32 [n]; `remarks` get what is to be noted of it."""

    def blocks() -> Iterator[Float32]:
        with audio.Recording(path) as recording:
            try:
                yield from recording.blocks(session.tokenizer.front_end.rate_hz)
            finally:
                remarks.extend([*recording.notes, *recording.remarks()])

    parts = [session.codebook.assign(frames) for frames in session.tokenizer.stream(blocks())]
    return np.concatenate([np.zeros(0, np.int32), *parts])
