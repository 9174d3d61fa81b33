"""Judge scores by what is true: ROC-AUC, average precision, F1, thresholds, calibration, confusion.

RESULTS is a folder of `birdfast infer` (of its scores, if they were kept by --rtype scores; else of its
detections, and what was not detected scores 0), a table of scores (file, start, end, a column for each class;
or row_id and classes, as a submission), or a table of detections of birdfast or another tool.

TRUTH is a CSV (file, start, end, label; several labels joined by ";", none for background), Raven's selection
tables or a folder of them, BirdCLEF's train_soundscapes_labels (row_id, or file, start, end, primary_label),
or OpenSoundscape's tables. If its rows are windows, as those of `birdfast train --cv` are, those are
judged: each has the scores of the window that it is, or else the highest of the windows that share half of
it, or of themselves. Otherwise the windows of RESULTS are: one has a label when
half a second of a call lies in it, or half of a shorter call. A column called background is no class: it
says that nothing is heard.

With -o: evaluation.json, evaluation.csv (class by class), confusion.csv, and with --plots evaluation.png.
Needs scikit-learn; from the folder of birdfast: pip install '.[train]'
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ..judging.alignment import Aligned
    from ..judging.evaluation import Evaluation

from .. import voice
from . import exits, values

HELP = "judge scores or detections by what is true"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "results", type=values.file, metavar="RESULTS", help="what is judged: a folder or a table"
    )
    parser.add_argument("--truth", type=values.file, required=True, metavar="TRUTH", help="what is true")
    parser.add_argument("-o", "--output", type=values.folder, metavar="DIR", help="where figures are written")
    parser.add_argument(
        "--plots", action="store_true", help="write a page of pictures, too (needs matplotlib)"
    )
    parser.add_argument("--model", metavar="NAME", help="which one is judged, of results of several models")
    parser.add_argument(
        "--classes",
        type=values.file,
        metavar="MAP.csv",
        help="other names for labels and classes, many to one: label and class, or primary_label and class,"
        " scientific_name or common_name, as BirdCLEF's taxonomy.csv and infer --classes have them",
    )
    parser.add_argument(
        "--truth-rows",
        choices=("windows", "calls"),
        help="whether rows of TRUTH are windows of which all is told, or calls (default: as its columns are)",
    )
    group = parser.add_argument_group("which windows have a label, and which count")
    group.add_argument(
        "--overlap", type=_seconds, default=0.5, metavar="S", help="seconds of a call (default: %(default)s)"
    )
    group.add_argument(
        "--share",
        type=_share,
        default=0.5,
        metavar="X",
        help="or this share of a shorter one (default: %(default)s)",
    )
    group.add_argument(
        "--missing",
        choices=("zero", "left-out"),
        default="zero",
        help="windows of TRUTH that RESULTS lacks: they score 0, or do not count (default: %(default)s)",
    )
    group.add_argument(
        "--unlisted",
        choices=("left-out", "background"),
        default="left-out",
        help="files that TRUTH does not name do not count, or nothing is in them (default: %(default)s)",
    )
    figures = parser.add_argument_group("figures")
    figures.add_argument(
        "--threshold",
        type=_number,
        metavar="X",
        help="from where on a class counts as found (default: 0.5, or all that was detected)",
    )
    figures.add_argument(
        "--precision",
        type=_share,
        default=0.9,
        metavar="X",
        help="for which a threshold is suggested (default: %(default)s)",
    )
    figures.add_argument(
        "--draws",
        type=_whole,
        default=1000,
        metavar="N",
        help="of the bootstrap over recordings, 0 for none (default: %(default)s)",
    )
    figures.add_argument("--seed", type=_whole, default=0, metavar="N", help="(default: %(default)s)")
    figures.add_argument(
        "--name-pattern",
        metavar="P",
        help="how files are named, for figures by site and hour: {site}_{date:%%Y%%m%%d}_{time:%%H%%M%%S}, or"
        " other text with such fields (default: as recorders name them)",
    )
    values.csv_safe(parser)
    parser.add_argument(
        "--force", action="store_true", help="replace files of these names, whoever wrote them"
    )


def run(chosen: argparse.Namespace) -> int:
    """Judge, write, and print."""
    from .. import canvas
    from ..errors import ConfigError
    from ..judging import report
    from ..judging.evaluation import Choices, evaluate
    from ..judging.places import of
    from ..runs.output import AGAIN, output_folder, telling

    if chosen.plots and not chosen.output:
        raise ConfigError("--plots needs a folder: -o DIR")
    names = [report.JSON, report.CSV, report.CONFUSION, *([report.PNG] if chosen.plots else [])]
    if chosen.plots:
        canvas.available()
    if chosen.output:
        report.check(output_folder(chosen.output), *names, force=chosen.force)
    how = (chosen.threshold, chosen.precision, chosen.draws, chosen.seed)
    found = evaluate(
        _aligned(chosen), Choices(*how, lambda name, start_s: of(name, start_s, chosen.name_pattern))
    )
    written: list[Path] = []
    if chosen.output:
        with telling(chosen.output, AGAIN):
            written = _written(chosen, found)
    voice.answer(*report.lines(found.told, chosen.results))
    voice.report(*(f"written: {path}" for path in written))
    return exits.FINE


def _aligned(chosen: argparse.Namespace) -> Aligned:
    from .. import annotations
    from ..judging import alignment, given
    from ..judging.said import Heard
    from ..judging.spans import Rule

    are_windows = None if chosen.truth_rows is None else chosen.truth_rows == "windows"
    truth = annotations.read(chosen.truth, are_windows)
    classes = annotations.class_map(chosen.classes) if chosen.classes else {}
    labels = {*truth.labels, *truth.mapped(classes).labels}
    said = given.read(chosen.results, chosen.model, labels)
    grid = given.grid(chosen.results, said, chosen.model) if isinstance(said, Heard) else None
    rule = Rule(chosen.overlap, chosen.share)
    options = alignment.Options(rule, classes, chosen.missing == "zero", chosen.unlisted == "background")
    return alignment.align(said, truth, grid, options)


def _written(chosen: argparse.Namespace, found: Evaluation) -> list[Path]:
    from ..judging import pictures, report

    what = {"results": str(chosen.results), "truth": str(chosen.truth)}
    written = report.write(chosen.output, found, what, csv_safe=chosen.csv_safe)
    if chosen.plots:
        written.append(chosen.output / report.PNG)
        pictures.draw(found, written[-1])
    return written


def _share(text: str) -> float:
    number = _seconds(text)
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"{text} does not fit; it takes more than 0 and at most 1")
    return number


def _number(text: str) -> float:
    number = values.real(text)
    if not abs(number) < 1e9:
        raise argparse.ArgumentTypeError(f"{text} does not fit; it takes a finite number")
    return number


def _seconds(text: str) -> float:
    number = _number(text)
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError(f"{text} does not fit; it takes more than 0")
    return number


def _whole(text: str) -> int:
    number = values.whole(text)
    if not 0 <= number <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{number} does not fit; it takes 0 to 1,000,000")
    return number
