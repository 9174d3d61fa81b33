"""Write a page to look and listen: what a run heard, when and where, with sound and pictures, to be reviewed.

RESULTS is the output folder of `birdfast infer`. The page is one file, needs no network, and opens in any
browser: the run in numbers, species by hour, day and site, and a table of all detections to search, sort and
filter. The best clips of each species are in it, as many as --clips-mb has room for, with a picture of each;
or in a folder beside it (--clips-folder). With --serve nothing is written: the page is served to this machine
alone, and the sound of every detection is read from the recordings as it is asked for. Of a run that kept
its embeddings (infer --rtype embeddings) the page finds what sounds like a detection: the file like the best
of each species, among what it shows; a served page like any, among all windows.

Detections are said to be right or wrong by single keys. The answers stay in the browser, and are exported as
a CSV that `birdfast evaluate --truth` and `birdfast train` read.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .. import voice
from ..commandline import proposed
from ..report import sizes
from . import exits, values

if TYPE_CHECKING:
    from ..report.gathered import Gathered

HELP = "write a page of a run: look, listen, review"
NAME = "report.html"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "run_folder", type=values.folder, metavar="RESULTS", help="the output folder of `birdfast infer`"
    )
    parser.add_argument(
        "-o", "--output", type=values.file, metavar="HTML", help=f"the page (default: RESULTS/{NAME})"
    )
    parser.add_argument(
        "--most",
        type=values.positive,
        default=sizes.MOST,
        metavar="N",
        help="how many detections it shows, the most confident (default: %(default)s)",
    )
    sound = parser.add_argument_group("sound")
    sound.add_argument(
        "--clips-mb",
        type=values.real,
        default=sizes.CLIPS_MB,
        metavar="MB",
        help="how much of the page may be clips; 0 leaves them out (default: %(default)g)",
    )
    sound.add_argument(
        "--best",
        type=values.whole,
        default=sizes.BEST,
        metavar="N",
        help="clips of each species, the most confident (default: %(default)s)",
    )
    sound.add_argument(
        "--context",
        type=values.real,
        default=sizes.CONTEXT_S,
        metavar="S",
        help="what is heard before and behind a detection (default: %(default)g)",
    )
    sound.add_argument(
        "--clips-folder",
        action="store_true",
        help="put the clips into a folder beside the page, however large they are",
    )
    sound.add_argument(
        "--serve",
        type=values.whole,
        nargs="?",
        const=0,
        metavar="PORT",
        help="write nothing; serve the page to this machine alone, with all sound, until Ctrl-C",
    )
    parser.add_argument("--force", action="store_true", help="replace a file of that name, whosever")


def run(chosen: argparse.Namespace) -> int:
    """Write or serve the page."""
    from ..errors import ConfigError

    if chosen.serve is not None:
        if chosen.output or chosen.clips_folder:
            raise ConfigError("--serve writes nothing: it cannot go with --output or --clips-folder")
        return _serve(chosen)
    return _write(chosen)


def _write(chosen: argparse.Namespace) -> int:
    from ..report import Sound, gather, making
    from ..runs.output import AGAIN, telling
    from ..words import counted, some

    output: Path = chosen.output or chosen.run_folder / NAME
    making.check(output, force=chosen.force)
    gathered = gather(chosen.run_folder, chosen.most, bar=True)
    sound = Sound(gathered, chosen.context)
    with telling(output, AGAIN):
        found = making.write(
            gathered, output, sound, clips_mb=chosen.clips_mb, best=chosen.best, beside=chosen.clips_folder
        )
    _tell(gathered)
    for what, whose in (("no clip", found.unheard), ("doubtful", found.doubtful)):
        for line in some(whose.values(), "recording"):
            voice.say(f"birdfast: {what}: {line}")
    shown = counted(len(gathered.rows), "detection")
    voice.report(
        f"written: {output} ({shown}, {counted(found.n_clips, 'clip')}); open it in a browser",
        f"with the sound of all: {proposed('report', chosen.run_folder, '--serve')}",
    )
    return exits.FINE


def _serve(chosen: argparse.Namespace) -> int:
    from ..report import Server, Sound, gather

    gathered = gather(chosen.run_folder, chosen.most, bar=True)
    with Server(gathered, Sound(gathered, chosen.context), chosen.serve) as server:
        _tell(gathered)
        voice.answer(f"{server.address}")
        voice.say("open this address in a browser of this machine; Ctrl-C ends it")
        server.serve_forever()
    return exits.FINE


def _tell(gathered: Gathered) -> None:
    """Say what the page lacks."""
    from ..words import counted

    shown, every = len(gathered.rows), gathered.n_detections
    if shown < every:
        voice.say(f"birdfast: shown are the {shown:,} most confident of {every:,} detections; --most N")
    if gathered.standing.waiting:
        files = counted(gathered.standing.waiting, "file")
        voice.say(f"birdfast: {files} still to do: the page tells of what is done")
