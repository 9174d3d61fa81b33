"""Say how far a run is, from the journal in its output folder; also while it is at work.

Of a folder of shares, as job arrays make them, each share has its line, and what is missing is told as an
array takes it. Of a run of several models it is said of each; a file is as far as the last of them.

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

    from ..journal import Record, Standing
    from ..runs import jobarrays
    from ..words import counted, hours

    folder = Path(chosen.output)
    if not chosen.json and (parts := jobarrays.folders([folder])) != [folder]:
        return _of_shares(parts)
    with Record(Path(chosen.output)) as record:
        is_planned, standing, several = record.is_planned(), record.standing(), dict[str, Standing]()
        if (about := record.facts().about).has_several:
            names = [model.name for model in about.models]
            several = dict(zip(names, record.standings(), strict=True))
    if chosen.json:
        told = {name: each._asdict() for name, each in several.items()}
        more = {"models": told} if told else {}
        voice.answer(json.dumps({"planned": is_planned, **standing._asdict(), **more}))
    elif not is_planned:
        voice.answer("not planned yet: which files are to do is not known; the same command of infer goes on")
    else:
        share = (standing.done + standing.failed) / max(1, standing.files)
        voice.answer(
            f"{share:.0%} of {counted(standing.files, 'file')}:"
            f" {standing.done:,} done, {standing.failed:,} failed, {standing.waiting:,} to do;"
            f" {hours(standing.audio_s)} of sound, {counted(standing.detections, 'detection')}",
            *(
                f"    {name}: {each.done:,} done, {each.failed:,} failed, {each.waiting:,} to do;"
                f" {counted(each.detections, 'detection')}"
                for name, each in several.items()
            ),
        )
    return exits.UNFINISHED if standing.waiting or not is_planned else exits.of_run(standing)


def _of_shares(parts: list[Path]) -> int:
    """Print a line a share, and what is to be started again."""
    from ..errors import NotBegunError
    from ..journal import Record, total
    from ..runs import census
    from ..tables import escaped
    from ..words import counted

    every = list[census.Share]()
    for part in parts:
        try:
            with Record(part) as record:
                every.append(share := census.of(record))
        except NotBegunError:
            voice.answer(f"{escaped(part.name)}: not begun")
            continue
        if (standing := share.standing) is None:
            voice.answer(f"{escaped(part.name)}: not planned yet")
        else:
            voice.answer(
                f"{escaped(part.name)}: {standing.done:,} of {counted(standing.files, 'file')} done,"
                f" {standing.failed:,} failed, {standing.waiting:,} to do"
            )
    if not every:
        return exits.UNFINISHED
    if lacks := census.lacking(every):
        voice.answer(lacks)
        return exits.UNFINISHED
    voice.answer("all shares are there; birdfast merge joins them")
    return exits.of_run(total(share.standing for share in every if share.standing is not None))
