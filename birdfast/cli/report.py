"""`birdfast optimize --report`: what another way of running a network does to detections, as a table."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from .. import voice
from ..errors import ConfigError
from . import exits, values


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what to compare, and on what."""
    group = parser.add_argument_group("with --report")
    group.add_argument(
        "--report",
        nargs="+",
        metavar="INPUT",
        help="audio files, folders, or .txt lists of paths, on which detections are compared",
    )
    group.add_argument(
        "--labels",
        type=values.file,
        metavar="FILE",
        help="the network's labels (default: its own, of a file <stem>_Labels.txt beside it)",
    )
    values.engine(group)


def check(args: argparse.Namespace) -> None:
    """Refuse what says nothing without recordings to compare on."""
    names = ("labels", "runtime", "precision")
    if given := [f"--{name}" for name in names if getattr(args, name) is not None]:
        raise ConfigError(f"{', '.join(given)} can only go with --report")


def run(args: argparse.Namespace, others: Iterable[str]) -> int:
    """Compare, print, and return the exit code; `others` are options that were given and do not fit."""
    from .. import inputs, models
    from ..runs import report

    if unfit := sorted(others):
        raise ConfigError(f"{', '.join(unfit)} cannot go with --report")
    usual, other = report.options_of(args.runtime, args.precision, args.max_hours)
    paths = inputs.find(args.report, voice.say)
    found = report.compare(paths, models.find(args.model, args.labels), usual, other, voice.say)
    voice.report(*found.lines())
    return exits.of(len(found.failures), found.n_recordings)
