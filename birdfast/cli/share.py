"""The share of a run: told, or as the job array says that this is a task of."""

from __future__ import annotations

import argparse
import os

WAYS = ("hash", "bytes")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which of the files are heard."""
    share = parser.add_argument_group("a share of the files, which `birdfast merge` joins")
    share.add_argument(
        "--shard",
        metavar="I/N",
        help="the share I of N; auto/N: I is the index of a job array's task (Slurm, PBS, LSF, SGE), counted"
        " from 1, and the results go to a folder of their own below -o; none: all files (default: in a"
        " task of an array the share that the array says, in a folder of its own, else none)",
    )
    share.add_argument(
        "--shard-by",
        choices=WAYS,
        default=WAYS[0],
        help="hash: by the files' names alone, so that one that is still growing may be among them; bytes:"
        " shares of the same size (default: %(default)s)",
    )


def settle(chosen: argparse.Namespace) -> None:
    """Put the share in the place of the words for it, its folder in that of all, and what is said of it.

    Raises
    ------
    ConfigError
        The environment does not tell it; or shares of another division lie in the folder.
    """
    chosen.share_said = None
    from ..runs import jobarrays

    chosen.shard, of = jobarrays.chosen(chosen.shard, chosen.shard_by, os.environ)
    if chosen.shard is not None and of:
        chosen.output = jobarrays.folder(chosen.output, chosen.shard)
        chosen.share_said = f"share {chosen.shard.number} of {chosen.shard.of}, of {of}; in {chosen.output}"
