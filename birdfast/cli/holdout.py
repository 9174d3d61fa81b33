"""What `train` is to be tested on, and what it writes of that."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError
from ..words import extra_hint

if TYPE_CHECKING:
    from ..train.folds import Trial
    from ..train.learning import Learning

WRITE = (None, "head")  # the choices of --stage that end with a model


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is held out, and what is written of it."""
    judge = parser.add_mutually_exclusive_group()
    judge.add_argument(
        "--cv", action="store_true", help="test on each of a CSV's folds first (class folders: --hold-out)"
    )
    judge.add_argument(
        "--hold-out",
        metavar="WHAT",
        help="first train without one fold of the CSV, or a share of each class's files such as 20%%, and"
        " test on it",
    )
    parser.add_argument(
        "--keep-folds", action="store_true", help="with --cv or --hold-out: keep the models that were tested"
    )
    parser.add_argument(
        "--scores",
        choices=("csv", "parquet"),
        help="what the scores of windows held out are written as; parquet, as infer --rtype scores writes it,"
        " is better for many (default: csv)",
    )
    parser.add_argument(
        "--plots", action="store_true", help="with --cv or --hold-out: draw confusion.png (needs matplotlib)"
    )


def check(chosen: argparse.Namespace) -> None:
    """Refuse options that do not go together, or for which something is missing."""
    if (chosen.cv or chosen.hold_out) and chosen.stage not in WRITE:
        raise ConfigError(f"--stage {chosen.stage} writes no model that --cv or --hold-out could judge")
    for name in ("keep_folds", "scores", "plots"):
        if getattr(chosen, name) and not (chosen.cv or chosen.hold_out):
            option = name.replace("_", "-")
            raise ConfigError(f"--{option} is of what is held out: it goes with --cv or --hold-out")
    if chosen.plots and find_spec("matplotlib") is None:
        raise ConfigError(f"--plots needs matplotlib: {extra_hint('report')}")


def trials(chosen: argparse.Namespace, training: Learning) -> list[Trial]:
    """Return what is trained to be tested, before the model is."""
    from ..train import folds

    if not (chosen.cv or chosen.hold_out):
        return []
    parted = folds.parted(training.clips, chosen.hold_out, training.seed, training.say)
    return folds.trials(training, *parted)


def evaluate(chosen: argparse.Namespace, training: Learning, trials: list[Trial], output: Path) -> None:
    """Train without each fold, test on it, and write what came out."""
    from .. import picture
    from ..train import crossvalidation, evaluation

    how = {"scores": chosen.scores or "csv", "keep_folds": chosen.keep_folds, "csv_safe": chosen.csv_safe}
    found = crossvalidation.cross_validate(training, trials, output, **how)
    if chosen.plots:
        picture.draw_confusion(found.confusion, training.classes, output / evaluation.PICTURE)
