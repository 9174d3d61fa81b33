"""Evaluating: results beside truth become figures, and tables of them."""

from __future__ import annotations

import os
from pathlib import Path

from .. import canvas, modelfolder
from ..annotations import class_map
from ..annotations import read as read_truth
from ..config import LARGEST, above_zero, check, choice, flag, number, path, whole
from ..errors import ConfigError
from ..judging import alignment, deciding, floors, given, pictures, report
from ..judging.deciding import Decision
from ..judging.evaluation import PRECISION, Choices, Evaluation
from ..judging.evaluation import evaluate as judged
from ..judging.places import of as place_of
from ..judging.said import Heard
from ..judging.spans import HEARD_S, HEARD_SHARE, Rule
from ..metrics import ranking
from ..metrics.bootstrap import N_DRAWS
from . import thresholds
from .output import AGAIN, output_folder, telling

Name = str | os.PathLike[str]
ROWS, MISSING, UNLISTED = ("windows", "calls"), ("zero", "left-out"), ("left-out", "background")
MOST_DRAWS = 1_000_000
MOST_S = 1e9


def evaluate(
    results: Name,
    truth: Name,
    *,
    output: Name | None = None,
    plots: bool = False,
    model: str | None = None,
    classes: Name | None = None,
    truth_rows: str | None = None,
    overlap_s: float = HEARD_S,
    share: float = HEARD_SHARE,
    missing: str = MISSING[0],
    unlisted: str = UNLISTED[0],
    threshold: float | Name | None = None,
    precision: float = PRECISION,
    n_draws: int = N_DRAWS,
    seed: int = 0,
    name_pattern: str | None = None,
    csv_safe: bool = False,
    force: bool = False,
) -> Evaluation:
    """Judge scores or detections by what is true: `python -m birdfast evaluate`, with the same figures.

    Parameters
    ----------
    results : path
        A folder of `run`, or a table of scores or detections, be it another tool's.
    truth : path
        A table, or a folder of Raven's.
    output : path or None
        A folder for evaluation.json, evaluation.csv, confusion.csv and thresholds.csv.
    plots : bool
        Write evaluation.png, too.
    model : str or None
        Which one is judged, of results of several.
    classes : path or None
        A CSV of other names for labels and classes, many to one.
    truth_rows : "windows", "calls" or None
        Whether rows of the truth are windows of which all is told; None: as its columns are.
    overlap_s, share : float
        A window has a label when so many seconds of a call lie in it, or this share of a shorter one.
    missing : "zero" or "left-out"
        What windows of the truth are that the results lack: they score 0, or do not count.
    unlisted : "left-out" or "background"
        What files are that the truth does not name: they do not count, or nothing is in them.
    threshold : float, path or None
        From where on a class counts as found; a path: of a CSV of class and threshold. None: as the run had
        it, or else 0.5 of scores, and all detections.
    precision : float
        For which thresholds are suggested.
    n_draws, seed : int
        Of the bootstrap over recordings; 0 draws: no intervals.
    name_pattern : str or None
        How files are named, for figures by site and hour (`deployments.of`).
    csv_safe, force : bool
        Put an apostrophe before names in CSVs that a spreadsheet would run; replace files of these names.

    Returns
    -------
    Evaluation
        `told` has all figures, `tables` the files that were written.

    Raises
    ------
    ConfigError
        A value does not fit, a table cannot be read, the two have no file in common, or scikit-learn is
        missing.
    OutputError
        The folder takes no more.

    Examples
    --------
    ::

        found = birdfast.evaluate("results", "truth.csv")
        print(found.told["overall"]["macro_roc_auc"], found.told["intervals"]["macro_roc_auc"])
    """
    ranking.available()
    results, truth = Path(path("results", results)), Path(path("truth", truth))
    rule = Rule(above_zero("overlap_s", overlap_s, MOST_S), above_zero("share", share, 1))
    choice("missing", missing, MISSING)
    choice("unlisted", unlisted, UNLISTED)
    choice("truth_rows", truth_rows, (*ROWS, None))
    least, precision = _least(threshold), above_zero("precision", precision, 1)
    draws = whole("n_draws", n_draws, 0, MOST_DRAWS), whole("seed", seed)
    for name, value in (("model", model), ("name_pattern", name_pattern)):
        check(value is None or isinstance(value, str), name, value, "text")
    for name, one in (("plots", plots), ("csv_safe", csv_safe), ("force", force)):
        flag(name, one)
    folder = None if output is None else _folder(output, plots=plots, force=force)
    if plots and folder is None:
        raise ConfigError("plots need a folder: -o DIR (output)")
    mapped = {} if classes is None else class_map(Path(path("classes", classes)))
    how = alignment.Options(rule, mapped, missing == MISSING[0], unlisted == UNLISTED[1])
    aligned = _aligned(results, truth, model, None if truth_rows is None else truth_rows == ROWS[0], how)
    decision = _decision(least, aligned, results, model, how)
    wanted = (decision.least, precision, *draws)
    found = judged(
        aligned, Choices(*wanted, lambda name, start_s: place_of(name, start_s, name_pattern), decision.words)
    )
    if folder is None:
        return found
    what = {"results": str(results), "truth": str(truth)}
    with telling(folder, AGAIN):
        written = report.write(folder, found, what, csv_safe=csv_safe)
        if plots:
            written.append(folder / report.PNG)
            pictures.draw(found, written[-1])
    return found._replace(tables=tuple(written))


def _folder(output: Name, *, plots: bool, force: bool) -> Path:
    """Return where tables go, once nothing of another's is there."""
    folder = output_folder(output)
    if (folder / modelfolder.MANIFEST).exists():
        raise ConfigError(
            f"{folder}: holds a model, whose own evaluation has these names; take another folder"
        )
    if plots:
        canvas.available()
    report.check(folder, *report.FILES, *([report.PNG] if plots else []), force=force)
    return folder


def _least(threshold: float | Name | None) -> float | Path | None:
    if threshold is None or isinstance(threshold, str | os.PathLike):
        return None if threshold is None else Path(path("threshold", threshold))
    return number("threshold", threshold, -LARGEST, LARGEST)


def _aligned(
    results: Path, truth: Path, model: str | None, are_windows: bool | None, how: alignment.Options
) -> alignment.Aligned:
    told = read_truth(truth, are_windows)
    labels = {*told.labels, *told.mapped(how.classes).labels}
    said = given.read(results, model, labels)
    grid = given.grid(results, said, model) if isinstance(said, Heard) else None
    return alignment.align(said, told, grid, how)


def _decision(
    least: float | Path | None,
    aligned: alignment.Aligned,
    results: Path,
    model: str | None,
    how: alignment.Options,
) -> Decision:
    """Return from where on classes count as found, and who says so."""
    if isinstance(least, Path):
        return Decision(thresholds.read(least, aligned.species), f"each class's threshold of {least}")
    if least is not None:
        return Decision(least, f"{least:.4g} and more")
    folder, whose = given.run_of(results, model)
    told = thresholds.asked_of(folder, floors.told(folder, whose))
    of_run = deciding.of_run(told, aligned, how.classes)
    if of_run.words:
        return of_run
    usual = f"{deciding.USUAL:g} and more, as nothing tells another"
    return Decision(None, "all that was detected" if aligned.is_partial else usual)
