"""Say how far a run is, from the journal in its output folder; also while it is at work.

Of a folder of shares, as job arrays make them, each share has its line, and what is missing is told as an
array takes it; a folder that `birdfast merge` wrote says of how many shares, and how far these are now. Of a
run of several models it is said of each; a file is as far as the last of them. With --json `missing` is null
where no share is begun: nobody says then how many there are.

The exit code says it, too: 0 all files fine, 2 some failed, 3 none worked, 1 some are still to do, or the run
has not planned yet which; 64 the folder is of no run, or of a merge whose shares are not all there any more.
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
    from ..runs import jobarrays, output
    from ..words import counted, hours

    folder = Path(chosen.output)
    if (parts := jobarrays.folders([folder])) != [folder]:
        return _of_shares(parts, in_json=chosen.json)
    if runs := output.merged_from(folder):
        return _of_merged(folder, runs, in_json=chosen.json)
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


def _of_merged(folder: Path, runs: list[str], *, in_json: bool) -> int:
    """Say of how many shares tables were merged, and how far these are, if they are still there."""
    import json

    from ..journal import MERGED
    from ..words import counted

    parts = [Path(run) for run in runs]
    if not in_json:
        voice.answer(f"merged, of {counted(len(runs), 'share')}: see {folder / MERGED}")
    if all(map(_is_here, parts)):
        return _of_shares(parts, in_json=in_json, merged=runs)
    if in_json:
        voice.answer(json.dumps({"merged": runs}))
    else:
        voice.answer("their folders are not all here any more: how many files worked is not known")
    return exits.USAGE


def _is_here(part: Path) -> bool:
    """Whether a share's folder is still there, begun or not."""
    from ..errors import ConfigError, NotBegunError
    from ..journal import path_of

    try:
        path_of(part)
    except NotBegunError:
        return True
    except ConfigError:
        return False
    return True


def _of_shares(parts: list[Path], *, in_json: bool, merged: list[str] | None = None) -> int:
    """Print a line a share, or all in JSON, and what is to be started again."""
    import json

    from ..errors import NotBegunError
    from ..journal import Record, total
    from ..journal.whereis import SHARE
    from ..runs import census, shards
    from ..tables import escaped
    from ..words import counted

    every, told = list[census.Share](), list[dict[str, object]]()
    is_named = len({part.name for part in parts}) == len(parts)  # a/results and b/results are not
    answer = (lambda line: None) if in_json else voice.answer
    for part in parts:
        name = escaped(part.name if is_named else str(part))
        number = int(named[1]) if (named := SHARE.fullmatch(part.name)) else None
        try:
            with Record(part) as record:
                every.append(share := census.of(record))
        except NotBegunError:
            answer(f"{name}: not begun")
            told.append({"folder": str(part), "share": number, "begun": False, "planned": False})
            continue
        standing = share.standing
        numbers = {} if standing is None else {"files": standing.files, **standing._asdict()}
        known = {"begun": True, "planned": standing is not None, **numbers}
        told.append({"folder": str(part), "share": share.shard.number, **known})
        if standing is None:
            answer(f"{name}: not planned yet")
        else:
            answer(
                f"{name}: {standing.done:,} of {counted(standing.files, 'file')} done,"
                f" {standing.failed:,} failed, {standing.waiting:,} to do"
            )
    lacks = census.lacking(every) if every else "none is begun"
    if in_json:
        missing = shards.missing([share.shard for share in every]) if every else None
        of = every[0].shard.of if every else None
        voice.answer(
            json.dumps(
                {
                    **({"merged": merged} if merged else {}),
                    "of": of,
                    "shares": told,
                    "missing": missing,
                    "lacks": lacks,
                }
            )
        )
    if not every:
        return exits.UNFINISHED
    if lacks:
        answer(lacks)
        return exits.UNFINISHED
    answer("all shares are there" if merged else "all shares are there; birdfast merge joins them")
    return exits.of_run(total(share.standing for share in every if share.standing is not None))
