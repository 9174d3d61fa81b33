"""The options of a submission: what becomes of the scores that a run kept."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from . import values

if TYPE_CHECKING:
    from ..runs import Submission

KIND, NOTHING = "submission", "none"
OPTIONS = {  # and what a `Submission` calls them
    "sample": "sample",
    "classes": "classes",
    "submission_by": "by",
    "submission_length": "length_s",
    "blend": "blend",
    "blend_by": "blend_by",
    "post": "post",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how scores become rows for a competition."""
    group = parser.add_argument_group("with --rtype submission")
    group.add_argument(
        "--sample",
        type=values.file,
        metavar="CSV",
        help="a sample submission, whose columns the table gets in their order; classes that no model knows,"
        " rows of what could not be heard and rows of no file have the mean of a column in it (1/n where it"
        " has no rows; but see --blend-by rank)",
    )
    group.add_argument(
        "--classes",
        type=values.file,
        metavar="CSV",
        help="what models call its columns, as evaluate takes it: label and class (the column); or"
        " primary_label (the column) and class, scientific_name or common_name, as taxonomy.csv has them; of"
        " several names of one column the highest counts (default: by its own name)",
    )
    group.add_argument(
        "--submission-by",
        choices=("mean", "max"),
        help="a row of 5 s has the mean of the windows that share sound with it, each weighted by the seconds"
        " that they share, or the highest (default: mean)",
    )
    group.add_argument(
        "--submission-length",
        type=float,
        metavar="S",
        help="seconds that each file has rows for, be it shorter or broken; a longer one has more"
        " (default: 60)",
    )
    group.add_argument(
        "--blend",
        metavar="NAME:WEIGHT,...",
        help="weights of several models, by their names; one that is not named does not count (default: all"
        " count the same)",
    )
    group.add_argument(
        "--blend-by",
        choices=("mean", "rank", "logit"),
        help="what is averaged: scores, each class's percentile among all rows of the run (of which rows that"
        " could not be heard have 0.5), or logits (default: mean)",
    )
    group.add_argument(
        "--post",
        nargs="+",
        metavar="STEP",
        help="what is done to the rows of a file, in this order: smooth[:W] (W of each neighbour, 0.15),"
        " smooth5 (0.1 0.2 0.4 0.2 0.1), top2 (times the mean of the class's two highest), power[:P] (times"
        f" its highest to the power of P, 0.4), or {NOTHING}; give it before another option (default: what"
        " `post` in a model's manifest says, before models are blended)",
    )


def of(chosen: argparse.Namespace, kinds: Sequence[str]) -> Submission | None:
    """Return what is wanted of a submission.

    Raises
    ------
    ConfigError
        A submission without its sample, or options of one where none is wanted.
    """
    given = [name for name in OPTIONS if getattr(chosen, name) is not None]
    if KIND not in kinds:
        if given:
            raise ConfigError(f"--{given[0].replace('_', '-')} goes with --rtype {KIND} alone")
        return None
    if chosen.sample is None:
        raise ConfigError(f"--rtype {KIND} needs --sample, a sample submission whose columns it gets")
    from ..runs import Submission

    told: dict[str, Any] = {OPTIONS[name]: getattr(chosen, name) for name in given}
    if chosen.post is not None:
        told["post"] = [word for word in chosen.post if word != NOTHING]
    return Submission(**told | {"blend": _weights(chosen.blend)})


def _weights(text: str | None) -> dict[str, float]:
    """Read what --blend takes."""
    found: dict[str, float] = {}
    for told in text.split(",") if text else ():
        name, _, weight = told.strip().rpartition(":")
        try:
            value = float(weight)
        except ValueError:
            name = ""
        if not name or name in found:
            raise ConfigError(
                f"blend: {text!r} does not fit; it takes each model's NAME:WEIGHT once, by commas"
            )
        found[name] = value
    return found
