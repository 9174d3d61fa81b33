"""What `train --on` takes, and the training of a head that comes of it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import voice
from ..errors import ConfigError

if TYPE_CHECKING:
    from ..train.heads import HeadTraining
    from ..train.recordings import Clip

KINDS = ("linear", "mlp", "ridge")
OF_TOKENS = ("preset", "unlabelled", "centroids", "vectors")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the network, and the kind of head."""
    parser.add_argument(
        "--on",
        action="append",
        metavar="NETWORK",
        help="train a head on a network's embedding instead of tokens: a name in `birdfast models`, such as"
        " birdnet-2.4, a .tflite or .onnx file, or the folder of a model, one of tokens, too; given"
        " repeatedly, what they make of a window is joined",
    )
    parser.add_argument(
        "--head",
        choices=KINDS,
        help="with --on: logistic regression, a layer of 512 neurons before it, or least squares, which is"
        " the fastest (default: linear)",
    )


def check(chosen: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    if chosen.on is None:
        if chosen.head:
            raise ConfigError("--head is of a head on a network: it goes with --on")
        return
    for name in OF_TOKENS:
        if getattr(chosen, name):
            raise ConfigError(f"--{name} is of tokens: a head on a network (--on) has none")
    if chosen.stage not in (None, "head"):
        raise ConfigError(
            f"--stage {chosen.stage} is of tokens: a head on a network (--on) has the stage head"
        )


def training(chosen: argparse.Namespace, clips: Sequence[Clip]) -> HeadTraining:
    """Return the training of a head."""
    from ..train import background, headrecipe, keep
    from ..train.embeddings import EmbeddingStore
    from ..train.heads import HeadTraining
    from ..train.network import Network

    recipe = headrecipe.load(chosen.head or KINDS[0], chosen.recipe)
    clips, classes = background.classes(clips, recipe)
    say = keep.silent if chosen.quiet else voice.say
    return HeadTraining(
        recipe,
        clips,
        classes,
        exclusive=all(len(clip.labels) == 1 for clip in clips),
        store=EmbeddingStore(Network(chosen.on), say=say),
        seed=chosen.seed,
        n_workers=chosen.workers,
        say=say,
        bar=not chosen.quiet,
    )
