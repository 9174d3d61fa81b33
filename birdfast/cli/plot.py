"""Draw a recording's spectrogram with what was heard in it, as a PNG.

RESULTS is the output folder of `birdfast infer`, or its detections.csv; only the recording's own detections
are drawn, in the channels that they are of: a panel each, with a line a species above it, and of several
models a line for each. A recording that has moved since is found by its file's name, and of several of that
name by its size. Of a recording that ends too early what is there is drawn, the exit code is then 2. Where
nothing was heard in it, or another recording is meant, the picture is drawn without, and that is said; the
exit code is 0. A picture that was there is replaced, but what is no PNG is not, nor, without -o, a picture
by one that shows no detection. Of RESULTS alone the recording of the surest detection is drawn, around that.
Needs matplotlib: pip install 'birdfast[report]'
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import voice
from . import channel, exits, values

HELP = "draw a recording's spectrogram with its detections"
EPILOG = """\
examples:
  birdfast plot results/
  birdfast plot day/dawn.wav results/ --start 120 --length 30
  birdfast plot day/dawn.wav results/ --whole -o dawn.png
  birdfast plot day/dawn.wav results/ --scores 5 --tokens model/
"""
MARGIN_S = 3.0  # before the surest detection
N_CLASSES = 8  # of --scores without a number


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("recording", metavar="RECORDING", help="an audio file; or RESULTS alone")
    parser.add_argument(
        "detections", nargs="?", metavar="RESULTS", help="the output folder of `birdfast infer`"
    )
    parser.add_argument("-o", "--output", metavar="PNG", help="the picture (default: <recording>.png)")
    parser.add_argument(
        "--start",
        type=float,
        metavar="S",
        help="first second to show (default: 0; without RECORDING that before the surest detection)",
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
    parser.add_argument("--whole", action="store_true", help="show all from --start on")
    parser.add_argument(
        "--scores",
        nargs="?",
        type=values.positive,
        const=N_CLASSES,
        default=0,
        metavar="N",
        help="below, the scores of all windows of the N classes that have the highest ones there, of those"
        f" that the run kept (without N: {N_CLASSES})",
    )
    parser.add_argument(
        "--tokens",
        type=values.folder,
        metavar="MODEL",
        help="below, the tokens of a model of `birdfast train`",
    )
    channel.argument(parser, each="a panel each", default=None)
    values.max_hours(parser, "ends there")


def run(chosen: argparse.Namespace) -> int:
    """Draw the picture."""
    from .. import canvas, picture
    from ..atomicfile import check_apart
    from ..errors import ConfigError
    from ..runs import seen, whereabouts
    from ..runs.output import AGAIN, telling
    from ..words import counted

    recording, results = Path(chosen.recording), Path(chosen.detections or chosen.recording)
    start_s = chosen.start or 0.0
    if chosen.detections is None:
        surest = seen.surest(results)
        recording = Path(whereabouts.Whereabouts().of(surest.file))
        if chosen.start is None and not chosen.whole:
            start_s = max(0.0, surest.start_s - MARGIN_S)
    output = Path(chosen.output) if chosen.output else Path(f"{recording.name}.png")
    length_s = None if chosen.whole else chosen.length
    end_s = float("inf") if length_s is None else start_s + length_s
    found = seen.seen(recording, results, chosen.scores, start_s, end_s)
    check_apart(output, recording, results)
    if not found.rows and not chosen.output and output.exists():
        why = f"{results} has no detection of {recording}"
        raise ConfigError(f"{output}: is there already, and {why}; -o {output} replaces it all the same")
    canvas.check(output)
    tokens = None if chosen.tokens is None else seen.tokens_of(recording, chosen.tokens, chosen.max_hours)
    part = (start_s, length_s, chosen.fmax, chosen.channel, _say)
    how = {"max_hours": chosen.max_hours, "scores": found.scores, "tokens": tokens}
    with telling(output, AGAIN):
        drawn = picture.draw(recording, found.rows, output, *part, **how)
    of = "" if drawn.n_detections == len(found.rows) else f"{drawn.n_detections:,} of "
    voice.report(f"written: {output} ({of}{counted(len(found.rows), 'detection')} in {recording.name})")
    if found.words:
        _say(found.words)
    return exits.FINE if drawn.is_whole else exits.SOME_FAILED


def _say(text: str) -> None:
    voice.say(f"birdfast: {text}")
