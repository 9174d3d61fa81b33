"""Write recordings as sequences of tokens, by the codebook of a trained model.

  tokens.parquet      a row a recording: file, frame_s (seconds from token to token), tokens
  NNNNNN.npy          with --rtype npy: int32, one file a recording; tokens.csv tells whose they are

  failures.csv        the recordings that could not be read to their end; of those, what is before is written
  notes.csv           what is to be known of the others, if anything is

A frame without a token (a NaN in it) is -1. Of a model that hears in several streams of tokens, as those of
most presets do, tokens and vectors are those of the first, and the command says so. --vectors writes the
tokens' embeddings as word2vec's file, which gensim's KeyedVectors.load_word2vec_format reads; centroids.npy
in the model's folder is what faiss' users read with NumPy.

--picture draws the model's tokens, with or without recordings: for each class the pieces of spectrogram that
speak for it most clearly, as the model scores a window of that token alone beside windows of the others, and
all tokens' embeddings on a plane. Where pieces of a class are noise, or of one colour, it was learnt from
its background. Needs matplotlib.

What this command wrote into the folder before is replaced, be it of the other kind; of recordings that are
not given any more nothing stays.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import voice
from . import channel, exits, values

HELP = "write recordings as sequences of a trained model's tokens"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("inputs", nargs="*", metavar="INPUT", help="audio files, folders, or .txt lists")
    parser.add_argument("--model", required=True, metavar="MODEL", help="a folder that birdfast trained")
    parser.add_argument("-o", "--output", type=values.folder, metavar="DIR", help="where the tokens go")
    parser.add_argument(
        "--rtype", choices=("parquet", "npy"), default="parquet", help="(default: %(default)s)"
    )
    channel.argument(parser)
    values.csv_safe(parser)
    values.max_hours(parser, "has failed there, and what lies before is kept")
    parser.add_argument("--vectors", metavar="FILE", help="write the embeddings here, too (.bin: binary)")
    parser.add_argument("--picture", type=values.file, metavar="PNG", help="draw the model's tokens here")
    parser.add_argument(
        "--picture-by",
        choices=("pca", "tsne"),
        default="pca",
        help="how embeddings come onto the plane: principal components, or t-SNE, which takes longer and"
        " keeps neighbours (default: %(default)s)",
    )


def run(chosen: argparse.Namespace) -> int:
    """Write the tokens and return the exit code."""
    _check(chosen)
    if chosen.picture:
        _draw(chosen)
    return _write(chosen) if chosen.inputs else exits.FINE


def _check(chosen: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    from ..errors import ConfigError

    if chosen.inputs and not chosen.output:
        raise ConfigError("the tokens of recordings need a place to go: -o DIR")
    if not chosen.inputs and (chosen.output or chosen.vectors or not chosen.picture):
        raise ConfigError("no INPUT: without recordings there is --picture alone")


def _draw(chosen: argparse.Namespace) -> None:
    from ..runs import tokenpicture
    from ..runs.output import AGAIN, telling

    with telling(chosen.picture, AGAIN):
        tokenpicture.draw(Path(chosen.model), chosen.picture, chosen.picture_by)
    voice.say(f"written: {chosen.picture}")


def _write(chosen: argparse.Namespace) -> int:
    from .. import inputs
    from ..runs import tokens

    paths = inputs.find(chosen.inputs, voice.say)
    vectors = chosen.vectors and Path(chosen.vectors)
    model, output = Path(chosen.model), chosen.output
    how = {name: getattr(chosen, name) for name in ("channel", "max_hours", "csv_safe")}
    n_written, n_failed = tokens.write(paths, model, output, chosen.rtype, vectors, **how, tell=voice.say)
    voice.say(f"{n_written} of {len(paths)} recordings written to {chosen.output}")
    return exits.of(n_failed, n_written)
