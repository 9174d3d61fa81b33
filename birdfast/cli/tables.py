"""Write tables of what a run heard, with another question to it: nothing is heard again.

RESULTS is the output folder of `birdfast infer`. Its journal keeps of every window the scores from a
confidence of 0.001 on, and the best 20 (--keep-scores), so that another least confidence, sensitivity, list
of species, place, language or kind of table needs neither the sound nor the network: the tables are those
that a new run would write, byte for byte. A question that what was kept cannot answer is refused, with what
would help.

What is not asked anew stays as it was asked last. The word none takes it back: --slist none, and so for
--exclude, --thresholds, --min-conf, --top-n, --lat and --lon, --week (then each file's own), --place-model,
--deployments, --name-pattern, --tz, -l and --additional-columns (a file of that name is ./none); else say
the default, as --merge-consecutive 1, --sensitivity 1 or --no-strict.

Without -o the tables of the folder are written anew, and `birdfast status` and others know of that question;
with it they go to another folder, and birdfast-merged.txt there says whose they are. Of a run that is not at
its end they tell of what is done. In a folder of shares, as job arrays make them, each share is asked the
same, in its own folder, and `birdfast merge` joins the answers.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import voice
from ..commandline import proposed
from ..errors import ConfigError
from . import asking, exits, flags, kinds, submission, values

HELP = "ask a run again: another threshold, list, place or kind of table"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "run_folder", nargs="?", metavar="RESULTS", help="the output folder of `birdfast infer`"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=values.folder,
        metavar="DIR",
        help="where the tables go (default: RESULTS itself)",
    )
    asking.arguments(parser)
    table = parser.add_argument_group("tables")
    kinds.arguments(table)
    values.per_file(table)
    values.csv_safe(table)
    submission.arguments(parser)
    parser.add_argument(
        "--force", action="store_true", help="replace files of the tables' names in DIR, whoever wrote them"
    )
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    flags.accept(parser)


def run(chosen: argparse.Namespace) -> int:
    """Write the tables."""
    from ..journal import NAME
    from ..journal.whereis import shares
    from ..runs.how import How
    from ..runs.retelling import retell, retell_shares

    folders = [Path(name) for name in (chosen.run_folder, *chosen.more) if name is not None]
    if len(folders) != 1:
        raise ConfigError("RESULTS, one folder of `birdfast infer`, is wanted")
    wanted = values.kinds(chosen.rtype or kinds.USUAL)
    how = How(
        kinds=wanted,
        csv_safe=chosen.csv_safe,
        per_file=chosen.per_file,
        force=chosen.force,
        submission=submission.of(chosen, wanted),
    )
    say = _silent if chosen.quiet else voice.say
    say(*flags.remarks(chosen))
    asked = (asking.picking(chosen), asking.rest(chosen))
    (folder,) = folders
    if not (folder / NAME).is_file() and (parts := shares(folder)):
        joins = proposed("merge", folder, "-o", chosen.output or folder / "whole")
        if chosen.output is not None:
            raise ConfigError(f"{folder}: its shares are asked where they are: without -o, and then {joins}")
        standing = retell_shares(parts, how, *asked, say)
        say("they are in place of those that were there, of each share; this joins them:", f"    {joins}")
        return exits.UNFINISHED if standing.waiting else exits.of_run(standing)
    written, standing = retell(folder, chosen.output, how, *asked, say)
    say(f"written: {', '.join(map(str, written))}")
    if chosen.output is None:
        say("they are in place of those that were there; -o DIR would leave those")
    return exits.UNFINISHED if standing.waiting else exits.of_run(standing)


def _silent(*_: str) -> None:
    """Say nothing."""
