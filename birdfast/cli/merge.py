"""Join the results of all shards of a run into one set of tables.

The folders are those of `birdfast infer --shard 1/n` to `n/n`, or one in which a job array has made
them; all have to be there, finished, and of the same models and options: what is missing is told, as an
array takes it. A merge that was killed begins anew, and writes the same; of more than 64 shards what it had
gathered is kept. The tables are the same as one run over all files writes; scores and
embeddings can be had if the runs kept them, and a submission if they kept scores (--rtype scores).
birdfast-merged.txt says that they are merge's, so that the same command may replace them; a file of a
table's name where neither it nor a journal lies is refused, and so is the folder of another run.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import voice
from . import exits, submission, values

HELP = "join the shards of a run into one table"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "parts",
        nargs="+",
        metavar="OUT",
        help="the output folder of each shard, or one with those of a job array",
    )
    parser.add_argument(
        "-o", "--output", required=True, type=values.folder, metavar="DIR", help="where the tables go"
    )
    values.rtype(parser)
    shape = parser.add_mutually_exclusive_group()
    values.per_file(shape)
    shape.add_argument(
        "--partitioned",
        action="store_true",
        help="with --rtype parquet: no table for all but one data set, detections/shard=0003-of-0050/"
        "part-0.parquet, a partition a share, as pyarrow.dataset, DuckDB and Spark take it",
    )
    values.csv_safe(parser)
    submission.arguments(parser)
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="write tables of what is there, though shards or some of their files are still to be heard; the"
        " exit code is 1 then",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace files of the tables' names, whoever wrote them"
    )


def run(chosen: argparse.Namespace) -> int:
    """Check that nothing is missing, and write the tables."""
    from ..runs.merging import merge

    parts = [Path(part) for part in chosen.parts]
    kinds = values.kinds(chosen.rtype)
    how = {"csv_safe": chosen.csv_safe, "force": chosen.force, "per_file": chosen.per_file}
    how |= {"allow_missing": chosen.allow_missing, "partitioned": chosen.partitioned}
    asked = submission.of(chosen, kinds)
    written, standing = merge(parts, chosen.output, kinds, **how, submission=asked, tell=voice.say)
    voice.report(*(f"written: {path}" for path in written))
    return exits.UNFINISHED if standing.waiting else exits.of_run(standing)
