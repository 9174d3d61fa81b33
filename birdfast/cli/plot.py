"""Draw a recording's spectrogram with its detections, as a PNG.

DETECTIONS is the detections.csv that `birdfast infer` wrote; only the recording's own rows are
drawn, in the channels that they are of: a panel each. Of a recording that ends too early what is there is
drawn, the exit code is then 2. Needs matplotlib: pip install 'birdfast[report]'.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import voice
from . import channel, exits

HELP = "draw a recording's spectrogram with its detections"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("recording", metavar="RECORDING", help="an audio file")
    parser.add_argument("detections", metavar="DETECTIONS", help="detections.csv")
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


def run(chosen: argparse.Namespace) -> int:
    """Draw the picture."""
    from .. import picture, tables
    from ..atomicfile import check_apart
    from ..words import counted

    recording = Path(chosen.recording)
    rows = tables.read_csv(Path(chosen.detections))
    own = [row for row in rows if Path(row.file).resolve() == recording.resolve()]
    output = Path(chosen.output) if chosen.output else Path(f"{recording.name}.png")
    check_apart(output, recording, Path(chosen.detections))
    part = (chosen.start, chosen.length, chosen.fmax)
    whole = picture.draw(recording, own, output, *part, chosen.channel, _say)
    voice.report(f"written: {output} ({counted(len(own), 'detection')} in {recording.name})")
    if rows and not own:
        others = f"its {counted(len(rows), 'row')} are of other files, such as {rows[0].file}"
        voice.say(f"birdfast: {chosen.detections} does not name {recording}: {others}")
    return exits.FINE if whole else exits.SOME_FAILED


def _say(text: str) -> None:
    voice.say(f"birdfast: {text}")
