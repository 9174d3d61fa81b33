"""Write recordings as sequences of tokens, by the codebook of a trained model.

  tokens.parquet      a row a recording: file, frame_s (seconds from token to token), tokens
  NNNNNN.npy          with --rtype npy: int32, one file a recording; tokens.csv tells whose they are

A frame without a token (a NaN in it) is -1. --vectors writes the tokens' embeddings as word2vec's file,
which gensim's KeyedVectors.load_word2vec_format reads; centroids.npy in the model's folder is what faiss'
users read with NumPy.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .output import output_folder, telling

if TYPE_CHECKING:
    from ..sessions.stsg import StsgSession

HELP = "write recordings as sequences of a trained model's tokens"
AGAIN = "the same command begins anew"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="audio files, folders, or .txt lists")
    parser.add_argument("--model", required=True, metavar="MODEL", help="a folder that birdfast trained")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="where the tokens go")
    parser.add_argument(
        "--rtype", choices=("parquet", "npy"), default="parquet", help="(default: %(default)s)"
    )
    parser.add_argument("--vectors", metavar="FILE", help="write the embeddings here, too (.bin: binary)")


def run(chosen: argparse.Namespace) -> int:
    """Write the tokens and return the exit code."""
    from .. import inputs, keyedvectors, tables
    from ..errors import AudioError
    from ..outcomes import Failure
    from ..sessions.stsg import StsgSession

    session = StsgSession(Path(chosen.model))
    paths = inputs.find(chosen.inputs)
    output = output_folder(chosen.output)
    if chosen.vectors:  # first: whether it can be written is soon known
        with telling(Path(chosen.vectors), AGAIN):
            keyedvectors.write(chosen.vectors, session.embeddings)
    n_failed = 0
    kind = tables.TokensParquet if chosen.rtype == "parquet" else tables.TokensNpy
    with (
        telling(output, AGAIN),
        kind(output, session.tokenizer.front_end.frame_s) as table,
        tables.FailuresTable(output / "failures.csv") as failures,
    ):
        for path in paths:
            try:
                table.write(path, _tokens(session, path))
            except AudioError as error:
                failures.write(Failure(path, "audio", type(error).__name__, str(error)))
                n_failed += 1
    print(f"{len(paths) - n_failed} of {len(paths)} recordings written to {output}", file=sys.stderr)
    return 0 if not n_failed else 2 if n_failed < len(paths) else 3


def _tokens(session: StsgSession, path: str) -> Any:
    import numpy as np

    from .. import audio

    def blocks() -> Iterator[Any]:
        with audio.Recording(path) as recording:
            yield from recording.blocks(session.tokenizer.front_end.rate_hz)

    parts = [session.codebook.assign(frames) for frames in session.tokenizer.stream(blocks())]
    return np.concatenate([np.zeros(0, np.int32), *parts])
