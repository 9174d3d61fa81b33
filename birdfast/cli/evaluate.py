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
says that nothing is heard. Figures are of windows, all at once: those of `birdfast train --cv` are of whole
clips, the mean of its folds, so that the two differ where clips have several windows or folds differ.

With -o: evaluation.json, evaluation.csv (class by class), confusion.csv, thresholds.csv (what --precision
suggests, for --threshold here and --thresholds of infer), and with --plots evaluation.png.
Needs scikit-learn: pip install 'birdfast[train]'
"""

from __future__ import annotations

import argparse
from pathlib import Path

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
        type=_threshold,
        metavar="X|CSV",
        help="from where on a class counts as found: a number, or a CSV of class and threshold (default: as"
        " the run had it, by --min-conf or a model's own thresholds; else 0.5, or all that was detected)",
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
    from ..judging import report
    from ..runs.evaluating import evaluate

    found = evaluate(
        chosen.results,
        chosen.truth,
        output=chosen.output,
        plots=chosen.plots,
        model=chosen.model,
        classes=chosen.classes,
        truth_rows=chosen.truth_rows,
        overlap_s=chosen.overlap,
        share=chosen.share,
        missing=chosen.missing,
        unlisted=chosen.unlisted,
        threshold=chosen.threshold,
        precision=chosen.precision,
        n_draws=chosen.draws,
        seed=chosen.seed,
        name_pattern=chosen.name_pattern,
        csv_safe=chosen.csv_safe,
        force=chosen.force,
    )
    voice.answer(*report.lines(found.told, chosen.results))
    voice.report(*(f"written: {path}" for path in found.tables))
    return exits.FINE


def _share(text: str) -> float:
    number = _seconds(text)
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"{text} does not fit; it takes more than 0 and at most 1")
    return number


def _threshold(text: str) -> float | Path:
    """Read a number; all else is the name of a file."""
    try:
        float(text)
    except ValueError:
        return values.file(text)
    return _number(text)


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
