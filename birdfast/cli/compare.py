"""Compare what two runs or tools detected: windows and species in both or in one, and confidences.

A and B are results folders of `birdfast infer`, or tables of birdfast, BirdNET-Analyzer or birdnet (CSV,
Parquet), Raven's selection tables, Audacity's labels or Kaleidoscope's CSV, or folders of such. Files are
matched by their names, whatever folder they lie in; species by scientific or common name, or both as
Sci_Common; windows by where they start. Counted is what reaches the higher threshold of the two, as the
other knows no more: a run's folder tells it, of a table the lowest confidence in it is taken. What is left
out so may be lost in the other: then they are not the same, unless --min-conf says from where on.

The exit code is 0 if both are the same, and 1 if they differ. With -o: comparison.json, comparison.csv (by
species and by file) and differences.csv (what only one has, and what differs).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import voice
from . import exits, values

HELP = "compare the detections of two runs or tools"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    for name in ("A", "B"):
        parser.add_argument(name.lower(), type=values.file, metavar=name, help="a results folder, or a table")
    parser.add_argument("-o", "--output", type=values.folder, metavar="DIR", help="where tables are written")
    parser.add_argument("--model", metavar="NAME", help="which one is compared, in tables of several models")
    parser.add_argument(
        "--min-conf",
        type=_confidence,
        metavar="X",
        help="from which confidence on (default: the higher threshold of the two)",
    )
    parser.add_argument(
        "--tolerance",
        type=_confidence,
        default=0.001,
        metavar="X",
        help="by how much confidences may differ and be the same (default: %(default)s)",
    )
    values.csv_safe(parser)
    parser.add_argument(
        "--force", action="store_true", help="replace files of these names, whoever wrote them"
    )


def run(chosen: argparse.Namespace) -> int:
    """Compare, write, and print."""
    from ..judging import comparison, detections, differences, floors, report
    from ..runs.output import AGAIN, output_folder, telling

    if chosen.output:
        files = (differences.JSON, differences.CSV, differences.ROWS)
        report.check(output_folder(chosen.output), *files, force=chosen.force)
    one, other = (detections.read(path, chosen.model) for path in (chosen.a, chosen.b))
    pairs = comparison.paired(one, other)
    thresholds = [floors.of(path, chosen.model) for path in (chosen.a, chosen.b)]
    told = comparison.compare(pairs, chosen.min_conf, chosen.tolerance, thresholds)
    written: list[Path] = []
    if chosen.output:
        kept = comparison.differing(comparison.counted(pairs, told["compared_from"]), chosen.tolerance)
        what = {"a": str(chosen.a), "b": str(chosen.b)}
        with telling(chosen.output, AGAIN):
            written = differences.write(chosen.output, told, kept, what, csv_safe=chosen.csv_safe)
    voice.answer(*differences.lines(told))
    voice.report(*(f"written: {path}" for path in written))
    return exits.FINE if told["is_same"] else exits.UNFINISHED


def _confidence(text: str) -> float:
    number = values.real(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} does not fit; it takes 0 to 1")
    return number
