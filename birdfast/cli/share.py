"""The share of a run: told, or as the job array says that this is a task of."""

from __future__ import annotations

import argparse
import os

from ..config import SHARED_BY as WAYS


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

    That nobody asked for a share is said as a warning: the other files are not heard here.

    Raises
    ------
    ConfigError
        The environment does not tell it, or it is not sure that a share is meant; or shares of another
        division lie in the folder.
    """
    from ..runs import jobarrays

    found = jobarrays.settled(chosen.shard, chosen.shard_by, os.environ, chosen.output, chosen.inputs)
    chosen.shard, chosen.output = found.shard, found.output
    chosen.share_said = chosen.share_warned = None
    if found.is_guessed:
        chosen.share_warned = f"{found.said}; --shard none hears all files"
    elif found.said:
        chosen.share_said = found.said
