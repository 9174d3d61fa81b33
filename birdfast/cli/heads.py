"""What `train --on` takes, and the training of a head that comes of it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import voice
from ..errors import ConfigError
from . import export

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
    parser.add_argument(
        "--export",
        choices=("tflite", "onnx"),
        help="with --on: write the head and its network as one file, too, MODEL/whole.tflite or .onnx, for"
        " programs that know of no heads; see `birdfast export --help`",
    )


def check(chosen: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    if chosen.on is None:
        for name in ("head", "export"):
            if getattr(chosen, name):
                raise ConfigError(f"--{name} is of a head on a network: it goes with --on")
        return
    for name in OF_TOKENS:
        if getattr(chosen, name):
            raise ConfigError(f"--{name} is of tokens: a head on a network (--on) has none")
    if chosen.stage not in (None, "head"):
        raise ConfigError(
            f"--stage {chosen.stage} is of tokens: a head on a network (--on) has the stage head"
        )


def training(chosen: argparse.Namespace, clips: Sequence[Clip]) -> HeadTraining:
    """Return the training of a head; refuse now what could not be exported after it."""
    from ..train import background, headrecipe, keep
    from ..train.embeddings import EmbeddingStore
    from ..train.heads import HeadTraining
    from ..train.network import Network

    recipe = headrecipe.load(chosen.head or KINDS[0], chosen.recipe, len(chosen.on))
    clips, classes = background.classes(clips, recipe)
    say = keep.silent if chosen.quiet else voice.say
    network = Network(chosen.on)
    if chosen.export:
        from ..runs import exporting

        exporting.check_network(network.model, _whole(chosen))
    if chosen.cv or chosen.hold_out:
        for one in network.networks:
            if one.kind == "stsg":
                say(
                    f"birdfast: {one.path.parent}: of tokens; if it has learnt from these clips, what is held"
                    " out is not new to it, and the test says too much"
                )
    return HeadTraining(
        recipe,
        clips,
        classes,
        exclusive=all(len(clip.labels) == 1 for clip in clips),
        store=EmbeddingStore(network, say=say),
        seed=chosen.seed,
        n_workers=chosen.workers,
        say=say,
        bar=not chosen.quiet,
    )


def exported(chosen: argparse.Namespace) -> list[str]:
    """Write the head and its network as one file, if that is wanted; return in words what was written."""
    if not chosen.export:
        return []
    from ..runs import exporting

    made = exporting.export(Path(chosen.output).resolve(), _whole(chosen), force=True)
    return export.said(made)


def _whole(chosen: argparse.Namespace) -> Path:
    from ..train import keep

    return Path(chosen.output) / f"{keep.WHOLE}.{chosen.export}"
