"""Cut the best detections of each species out of the recordings, to listen to or to learn from.

RESULTS is the output folder of `birdfast infer`, or its detections.csv. DIR gets a folder for each species,
and in it the clips: confidence, recording and second are their names, so that they sort. clips.csv lists them
(file, label, start_s and end_s of the detection in the clip, and more), as `birdfast train` reads it: clips
of one recording are of one group. Why a clip could not be cut is in failures.csv. A DIR with clips of before
gets the new ones in their place.

A recording that is not where it was is looked for in the folders of --audio: by its name, then its size, then
its folders. Each is opened once. Clips have their recording's rate, 16 bits, and the detection's channel.

`birdfast segments AUDIO -r RESULTS -o DIR` says the same with the words of BirdNET-Analyzer: at most 100
clips of a species, of 3 s at least, from a confidence of 0.25 on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import voice
from . import exits, flags, values
from .segments import FLAGS, SEGMENTS

HELP = "cut the best detections of each species out of the recordings"
ALIASES = (SEGMENTS,)
EPILOG = """\
examples:
  birdfast clips results/ -o clips/ -n 20 --context 1 --format flac
  birdfast clips results/ -o sample/ -n 50 --mode balanced --seed 1   to review from unsure to sure
  birdfast segments day/ -r results/ -o clips/ --max_segments 20      as scripts for BirdNET-Analyzer have it
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("results", nargs="?", metavar="RESULTS", help="the output folder of `birdfast infer`")
    parser.add_argument("-r", "--results", dest="theirs", metavar="RESULTS", help=argparse.SUPPRESS)
    parser.add_argument("-o", "--output", type=values.folder, metavar="DIR", help="where the clips go")
    parser.add_argument(
        "-n",
        "--most",
        type=values.positive,
        metavar="N",
        help="at most N clips a species, and a model (default: 10)",
    )
    parser.add_argument(
        "--mode",
        choices=("confidence", "random", "balanced"),
        default="confidence",
        help="which of them: those of the highest confidence, any by chance, or by chance as many as can be"
        " of each bin of confidence (default: %(default)s)",
    )
    parser.add_argument(
        "--bins", type=values.positive, default=10, metavar="B", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--seed",
        type=values.whole,
        default=0,
        metavar="S",
        help="of what chance takes (default: %(default)s)",
    )
    parser.add_argument("--min-conf", type=values.real, metavar="C", help="least confidence (default: all)")
    parser.add_argument(
        "--max-conf", type=values.real, default=1.0, metavar="C", help="highest confidence (default: all)"
    )
    parser.add_argument(
        "--context",
        type=values.real,
        default=0.0,
        metavar="S",
        help="seconds before and behind a detection (default: %(default)g)",
    )
    parser.add_argument(
        "--length", type=values.real, metavar="S", help="least seconds of a clip (default: the detection's)"
    )
    parser.add_argument(
        "--format", choices=("wav", "flac", "ogg"), default="wav", help="of the clips (default: %(default)s)"
    )
    parser.add_argument(
        "--audio", nargs="+", default=[], metavar="AUDIO", help="where recordings are that are elsewhere now"
    )
    flags.accept(parser, FLAGS)


def run(chosen: argparse.Namespace) -> int:
    """Write the clips."""
    from ..errors import ConfigError
    from ..runs import clips, whereabouts
    from ..runs.choosing import Choice
    from ..words import counted, some
    from . import segments

    results, audio = chosen.results, list(chosen.audio)
    if chosen.theirs is not None:
        results, audio = chosen.theirs, [*audio, *filter(None, [chosen.results])]
    if results is None or chosen.output is None:
        raise ConfigError("RESULTS and -o DIR are wanted")
    usual = segments.USUAL if chosen.command == SEGMENTS else segments.OURS
    least = usual.min_confidence if chosen.min_conf is None else chosen.min_conf
    choice = Choice(chosen.most or usual.most, chosen.mode, least, chosen.max_conf, chosen.bins, chosen.seed)
    cut = clips.Cut(chosen.context, usual.length_s if chosen.length is None else chosen.length, chosen.format)
    voice.say(*flags.remarks(chosen))
    found = clips.write(
        whereabouts.detections(Path(results)),
        chosen.output,
        choice,
        cut,
        where=lambda rows: whereabouts.Whereabouts(
            audio, whereabouts.heard(Path(results), {row.file for row in rows})
        ),
        bar=True,
        tell=voice.say,
    )
    of = f"{counted(found.n_clips, 'clip')} of {counted(found.n_recordings, 'recording')}"
    for line in some(found.doubtful, "recording"):
        voice.say(f"birdfast: doubtful: {line}")
    voice.report(f"written: {found.table} ({of})")
    if found.failures:
        first = found.failures[0].message
        voice.say(
            f"{counted(len(found.failures), 'failure')}, as {first}; see failures.csv there", style="bad"
        )
    return exits.of(len(found.failures), found.n_clips)
