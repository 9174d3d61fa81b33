"""Draw a recording's spectrogram with its detections, as a PNG.

DETECTIONS is the detections.csv that `birdfast infer` wrote; only the recording's own rows are
drawn. Needs matplotlib: pip install 'birdfast[report]'.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import voice
from . import exits

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


def run(chosen: argparse.Namespace) -> int:
    """Draw the picture."""
    from .. import picture, tables
    from ..words import counted

    recording = Path(chosen.recording)
    rows = tables.read_csv(Path(chosen.detections))
    own = [row for row in rows if Path(row.file).resolve() == recording.resolve()]
    output = Path(chosen.output) if chosen.output else Path(f"{recording.name}.png")
    picture.draw(recording, own, output, chosen.start, chosen.length, chosen.fmax)
    voice.report(f"written: {output} ({counted(len(own), 'detection')} in {recording.name})")
    if rows and not own:
        others = f"its {counted(len(rows), 'row')} are of other files, such as {rows[0].file}"
        voice.say(f"birdfast: {chosen.detections} does not name {recording}: {others}")
    return exits.FINE
