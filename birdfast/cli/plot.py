"""Draw a recording's spectrogram with its detections, as a PNG.

DETECTIONS is the detections.csv that `birdfast infer` wrote, or its folder; only the recording's own rows are
drawn, in the channels that they are of: a panel each. A recording that has moved since is found by its file's
name, if the table has one such file. Of a recording that ends too early what is there is drawn, the exit code
is then 2. Where no row is of the recording, as where nothing was heard in it, the picture is drawn without,
and that is said; the exit code is 0. A picture that was there is replaced, but what is no PNG is not, nor,
without -o, a picture by one that shows no detection. Needs matplotlib; from the folder of birdfast:
pip install '.[report]'
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..outcomes import Detection

from .. import voice
from . import channel, exits, values

HELP = "draw a recording's spectrogram with its detections"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("recording", metavar="RECORDING", help="an audio file")
    parser.add_argument("detections", metavar="DETECTIONS", help="detections.csv, or the folder with it")
    parser.add_argument("-o", "--output", metavar="PNG", help="the picture (default: <recording>.png)")
    parser.add_argument(
        "--start", type=float, default=0.0, metavar="S", help="first second to show (default: %(default)s)"
    )
    parser.add_argument(
        "--length", type=float, default=60.0, metavar="S", help="seconds to show (default: %(default)s)"
    )
    parser.add_argument(
        "--fmax",
        type=float,
        default=12_000,
        metavar="HZ",
        help="highest frequency shown (default: %(default)s)",
    )
    channel.argument(parser, each="a panel each", default=None)
    values.max_hours(parser, "ends there")


def run(chosen: argparse.Namespace) -> int:
    """Draw the picture."""
    from .. import picture, tables
    from ..atomicfile import check_apart
    from ..errors import ConfigError
    from ..runs.output import AGAIN, telling
    from ..tables import whose
    from ..words import counted

    recording = Path(chosen.recording)
    table = Path(chosen.detections)
    if table.is_dir():
        table /= tables.DETECTIONS["csv"].name
    rows = tables.read_csv(table)
    own = whose.own(recording, rows)
    output = Path(chosen.output) if chosen.output else Path(f"{recording.name}.png")
    check_apart(output, recording, table)
    if not own.rows and not chosen.output and output.exists():
        why = f"{table} has no detection of {recording}"
        raise ConfigError(f"{output}: is there already, and {why}; -o {output} replaces it all the same")
    part = (chosen.start, chosen.length, chosen.fmax)
    how = {"max_hours": chosen.max_hours}
    with telling(output, AGAIN):
        drawn = picture.draw(recording, own.rows, output, *part, chosen.channel, _say, **how)
    of = "" if drawn.n_detections == len(own.rows) else f"{drawn.n_detections:,} of "
    voice.report(f"written: {output} ({of}{counted(len(own.rows), 'detection')} in {recording.name})")
    if own.moved_from:
        _say(f"{table} does not name {recording}: drawn is what it says of {own.moved_from}")
    if rows and not own.rows:
        _say(f"{table} does not name {recording}: {_others(rows, own.alike)}; none is drawn")
    return exits.FINE if drawn.is_whole else exits.SOME_FAILED


def _others(rows: Sequence[Detection], alike: Sequence[str]) -> str:
    """Say whose the rows of a table are."""
    from ..words import counted

    if alike:
        return f"its rows are of other files, of which {len(alike):,} have this name: {', '.join(alike[:3])}"
    return f"its {counted(len(rows), 'row')} are of other files, such as {rows[0].file}"


def _say(text: str) -> None:
    voice.say(f"birdfast: {text}")
