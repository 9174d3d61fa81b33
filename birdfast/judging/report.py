"""Reports: an evaluation's tables, and what is said of it on a terminal."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import sources
from ..commandline import proposed
from ..errors import ConfigError
from ..tables import DETECTIONS, escaped
from ..tables.files import CsvFile, write_json
from ..words import counted
from .evaluation import Evaluation

JSON, CSV, CONFUSION, PNG = "evaluation.json", "evaluation.csv", "confusion.csv", "evaluation.png"
THRESHOLDS = "thresholds.csv"
FILES = (JSON, CSV, CONFUSION, THRESHOLDS)
SIGN = "judged"  # the first key of our JSON, by which a folder's files are known as ours
COLUMNS = (
    *("class", "n", "roc_auc", "roc_auc_low", "roc_auc_high"),
    *("average_precision", "average_precision_low", "average_precision_high", "padded_average_precision"),
    *("judged_from", "precision", "recall", "f1"),
    *("best_f1_threshold", "best_f1", "sure_threshold", "sure_precision", "sure_recall"),
)
SHOWN_CLASSES = 20
MARGIN_S = 2.0  # shown before and behind a window
SHOWN_WINDOWS = 3  # of each kind
WORST = {
    "false": "said, and false",
    "missed": "true, and least sure",
    "never true": "said, and of a class that is never true",
}
NAMES = {
    "macro_roc_auc": "ROC-AUC, macro",
    "micro_roc_auc": "ROC-AUC, micro",
    "macro_average_precision": "average precision, macro",
    "micro_average_precision": "average precision, micro",
    "padded_cmap_of_occurring": "cmAP, padded by 5",
    "padded_cmap": "cmAP, of all classes",
    "top_1": "top 1",
    "top_3": "top 3",
    "top_5": "top 5",
    "macro_f1": "F1, macro",
    "micro_f1": "F1, micro",
    "precision": "precision",
    "recall": "recall",
}


def check(folder: Path, *names: str, force: bool = False) -> None:
    """Refuse a folder whose files of our names are not known to be ours, before anything is computed.

    Raises
    ------
    ConfigError
        There is such a file, and `force` is not given.
    """
    there = [folder / name for name in names if (folder / name).exists()]
    if there and not force and not _is_ours(folder / names[0]):
        raise ConfigError(
            f"{there[0]}: not what this writes; move it away, choose another folder, or --force"
        )


def write(folder: Path, found: Evaluation, what: Mapping[str, str], *, csv_safe: bool = False) -> list[Path]:
    """Write `FILES`, and return their names.

    Thresholds are those of the wanted precision, as `infer --thresholds` takes them; a class that does not
    come to it has none.

    Parameters
    ----------
    folder : path
    found : Evaluation
    what : dict of str to str
        What was judged, and by what.
    csv_safe : bool
        Put an apostrophe before names in the CSVs that a spreadsheet would run.
    """
    write_signed(folder / JSON, what, found.told)
    with CsvFile(folder / CSV, COLUMNS, csv_safe=csv_safe) as table:
        for row in found.told["classes"]:
            table.write_row(_cells(row))
    with CsvFile(folder / CONFUSION, ("true", *found.confusion.columns), csv_safe=csv_safe) as table:
        for name, numbers in zip(found.confusion.rows, found.confusion.n.tolist(), strict=True):
            table.write_row((name, *numbers))
    columns = ("class", "threshold", "precision", "recall")
    with CsvFile(folder / THRESHOLDS, columns, csv_safe=csv_safe) as table:
        for row in found.told["classes"]:
            sure = row["for_precision"] or {}
            table.write_row((row["class"], *(sure.get(column, "") for column in columns[1:])))
    return [folder / name for name in FILES]


def write_signed(path: Path, what: Mapping[str, str], told: Mapping[str, Any]) -> None:
    """Write figures, with a sign that they are ours."""
    write_json(path, {SIGN: dict(what), **told})


def lines(told: Mapping[str, Any], results: Path) -> Iterator[str]:
    """Yield what is to be read at a glance.

    Parameters
    ----------
    told : dict
        `Evaluation.told`.
    results : path
        What was judged, for `birdfast plot`.
    """
    yield from _what(told)
    if told["intervals"]:
        yield f"{'':<40}95 % of draws"
    elif told["n_draws"]:
        yield "no intervals: they are of draws of files, and there is one"
    for key, value in told["overall"].items():
        low_high = told["intervals"].get(key)
        between = "" if low_high is None else f"  {_figure(low_high[0])} to {_figure(low_high[1])}"
        yield f"{NAMES[key]:<30}{_figure(value):>8}{between}"
    if told_of := told.get("calibration"):
        yield f"{'calibration error':<30}{_figure(told_of['error']):>8}"
        yield f"{'calibration error, top class':<30}{_figure(told_of['error_of_top_class']):>8}"
    yield ""
    yield from _classes(told)
    for kind in ("site", "hour"):
        for row in told.get(f"by_{kind}", ()):
            figures = f"{_figure(row['macro_roc_auc'])} ROC-AUC, {_figure(row['macro_average_precision'])} AP"
            yield f"{kind} {escaped(row[kind])}: {figures}; {counted(row['n_windows'], 'window')}"
    yield from _worst(told["worst"], results)


def _what(told: Mapping[str, Any]) -> Iterator[str]:
    """Say what was judged, and what was not."""
    labelled = f"{told['n_windows_with_label']:,} of them with a label"
    yield (
        f"{counted(told['n_windows'], 'window')} of {counted(told['n_files'], 'file')}, {labelled};"
        f" {told['n_classes_that_occur']:,} of {told['n_classes']:,} classes occur"
    )
    if told["scores"].startswith("detections"):
        yield f"judged are {told['scores']}; windows are {told['windows']}"
    if n := told["missing"]["n_windows"]:
        files = told["missing"]["files"]
        yield f"missing: {counted(n, 'window')} of {counted(len(files), 'file')}, such as {escaped(files[0])}"
    if n := told["n_rows_without_numbers"]:
        yield f"{counted(n, 'row')} with a score that is no number: as if missing"
    if unlisted := told["unlisted_files"]:
        some = f"{counted(len(unlisted), 'file')} that the truth does not name"
        yield f"left out: {some}, such as {escaped(unlisted[0])}"
    if unknown := told["unknown_labels"]:
        some = ", ".join(map(escaped, list(unknown)[:5]))
        yield f"labels that are none of the classes: {len(unknown):,} ({some}); --classes may give them one"
    if n := told["n_calls_in_no_window"]:
        yield f"{counted(n, 'call')} of the truth in no window"


def _classes(told: Mapping[str, Any]) -> Iterator[str]:
    """Yield a table of the classes, those that are told apart worst first."""
    yield f"{'class':<28}{'n':>6}{'ROC-AUC':>9}{'AP':>8}{'F1':>8}{'best F1':>9}{'from':>8}{'sure from':>11}"
    rows = sorted(told["classes"], key=lambda row: (_or_last(row["roc_auc"]), row["class"]))
    for row in rows[:SHOWN_CLASSES]:
        best, sure = row["best_f1"] or {}, row["for_precision"] or {}
        yield (
            f"{escaped(row['class'])[:27]:<28}{row['n']:>6,}{_figure(row['roc_auc']):>9}"
            f"{_figure(row['average_precision']):>8}{_figure(row['f1']):>8}{_figure(best.get('f1')):>9}"
            f"{_figure(best.get('threshold')):>8}{_figure(sure.get('threshold')):>11}"
        )
    if len(rows) > SHOWN_CLASSES:
        yield f"and {len(rows) - SHOWN_CLASSES:,} more"
    sure = f"sure from: where {told['precision_wanted']:.0%} are right"
    yield f"found, for precision, recall and F1: {threshold(told)}; {sure}"


def threshold(told: Mapping[str, Any]) -> str:
    """Return in words what counts as found."""
    number = "" if told["threshold"] is None else f"{told['threshold']:.4g} and more"
    return str(told["threshold_of"]) or number


def _worst(rows: Sequence[Mapping[str, Any]], results: Path) -> Iterator[str]:
    for why, words in WORST.items():
        some = [row for row in rows if row["why"] == why][:SHOWN_WINDOWS]
        if some:
            yield f"{words}:"
        for row in some:
            yield f"  {escaped(row['class'])} {row['score']:.3f}: {plot(row, results)}"


def plot(row: Mapping[str, Any], results: Path) -> str:
    """Return the command that draws a window with two seconds around it; without a recording or a table of
    detections to draw from, the window alone.

    Parameters
    ----------
    row : dict
        Of `Evaluation.told["worst"]`.
    results : path
        What was judged.
    """
    start_s, end_s = row["start_s"], row["end_s"]
    folder = results if results.is_dir() else results.parent
    if not (
        Path(row["file"]).suffix and (folder / DETECTIONS["csv"].name).is_file() and math.isfinite(end_s)
    ):
        return f"{escaped(row['file'])} {start_s:g} to {end_s:g} s"
    first_s = max(0.0, start_s - MARGIN_S)
    part = ("--start", f"{first_s:g}", "--length", f"{end_s + MARGIN_S - first_s:g}")
    return proposed("plot", escaped(row["file"]), escaped(str(folder)), *part)


def _is_ours(path: Path) -> bool:
    try:
        return list(json.loads(sources.text(path, ConfigError)))[:1] == [SIGN]
    except (ConfigError, ValueError, TypeError, RecursionError):
        return False


def _cells(row: Mapping[str, Any]) -> Iterator[object]:
    best, sure = row["best_f1"] or {}, row["for_precision"] or {}
    nothing = (math.nan, math.nan)
    cells = (
        *(row["class"], row["n"], row["roc_auc"], *row.get("roc_auc_interval", nothing)),
        *(row["average_precision"], *row.get("average_precision_interval", nothing)),
        *(row["padded_average_precision"], row["threshold"], row["precision"], row["recall"], row["f1"]),
        *(best.get("threshold"), best.get("f1")),
        *(sure.get("threshold"), sure.get("precision"), sure.get("recall")),
    )
    for cell in cells:
        yield "" if cell is None or cell != cell else cell


def _figure(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.4f}"


def _or_last(value: float) -> float:
    return math.inf if value != value else value
