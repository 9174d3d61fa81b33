"""Say how far a run is, from the journal in its output folder; also while it is at work.

The exit code says it, too: 0 all files fine, 2 some failed, 3 none worked, 1 some are still to do, or the run
has not planned yet which.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import voice
from . import exits

HELP = "how far a run is"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("output", metavar="OUT", help="the output folder of `birdfast infer`")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def run(chosen: argparse.Namespace) -> int:
    """Print the numbers."""
    import json

    from ..journal import Record
    from ..words import counted, hours

    with Record(Path(chosen.output)) as record:
        is_planned, standing = record.is_planned(), record.standing()
    if chosen.json:
        voice.answer(json.dumps({"planned": is_planned, **standing._asdict()}))
    elif not is_planned:
        voice.answer("not planned yet: which files are to do is not known; the same command of infer goes on")
    else:
        share = (standing.done + standing.failed) / max(1, standing.files)
        voice.answer(
            f"{share:.0%} of {counted(standing.files, 'file')}:"
            f" {standing.done:,} done, {standing.failed:,} failed, {standing.waiting:,} to do;"
            f" {hours(standing.audio_s)} of sound, {counted(standing.detections, 'detection')}"
        )
    return exits.UNFINISHED if standing.waiting or not is_planned else exits.of_run(standing)
