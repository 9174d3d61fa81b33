"""An evaluation on one page: the classes, precision and recall, reliability, confusion."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import canvas
from ..metrics import error_of
from ..tables import escaped
from . import report
from .evaluation import Evaluation

SHOWN = 30  # classes in a panel
EDGE = 0.02  # around what reaches 1
BELOW = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.09), "fontsize": 8, "frameon": False}


def draw(found: Evaluation, to: Path) -> None:
    """Write the page as a PNG.

    Raises
    ------
    ConfigError
        matplotlib is missing, or the file cannot be written.
    """
    figure = canvas.figure(15, 13)
    panels = figure.subplots(2, 2).ravel()
    for axes, panel in zip(panels, (_classes, _curves, _reliability, _confusion), strict=True):
        panel(axes, found)
    canvas.write(figure, to)


def _classes(axes, found: Evaluation) -> None:  # type: ignore[no-untyped-def]
    """Draw ROC-AUC and average precision by class, the worst ones if there are many."""
    rows = [row for row in found.told["classes"] if row["average_precision"] == row["average_precision"]]
    rows = sorted(rows, key=lambda row: -row["average_precision"])[-SHOWN:]
    places = np.arange(len(rows))
    for shift, key, name in ((0.2, "roc_auc", "ROC-AUC"), (-0.2, "average_precision", "average precision")):
        values = np.nan_to_num([row[key] for row in rows])
        between = np.array([row.get(f"{key}_interval", [row[key]] * 2) for row in rows], float).reshape(-1, 2)
        errors = np.nan_to_num(np.abs(between.T - values))
        axes.barh(places + shift, values, 0.4, label=name, xerr=errors, error_kw={"lw": 0.7})
    axes.set_yticks(places, [_short(row["class"]) for row in rows], fontsize=7, parse_math=False)
    shown = "classes" if len(rows) == len(found.told["classes"]) else f"the {len(rows)} worst classes"
    axes.set(xlim=(0, 1 + EDGE), title=f"{shown}, with 95 % of draws" if found.told["intervals"] else shown)
    axes.legend(**BELOW, ncols=2)


def _curves(axes, found: Evaluation) -> None:  # type: ignore[no-untyped-def]
    """Draw precision by recall of the classes that occur most."""
    often = sorted(found.told["classes"], key=lambda row: -row["n"])[:10]
    for row in often:
        curve = found.curves[row["class"]]
        axes.step(curve.recall, curve.precision, where="pre", lw=1.2, label=_short(row["class"]))
    axes.set(xlim=(0, 1 + EDGE), ylim=(0, 1 + EDGE), xlabel="recall", ylabel="precision")
    axes.set_title("precision and recall")
    if often:
        for text in axes.legend(**BELOW, ncols=3).get_texts():
            text.set_parse_math(False)


def _reliability(axes, found: Evaluation) -> None:  # type: ignore[no-untyped-def]
    """Draw how often is so what has a confidence."""
    axes.plot((0, 1), (0, 1), color="0.6", lw=1)
    told = found.told.get("calibration", {}).get("reliability")
    if told is None:
        axes.set(title="scores are no confidences: no reliability")
        return
    n_all, sums, right = (np.array(told[key]) for key in ("n", "sum", "n_correct"))
    there = n_all > 0
    confidence, correct = sums[there] / n_all[there], right[there] / n_all[there]
    axes.plot(confidence, correct, "o-", ms=4)
    for x, y, n in zip(confidence, correct, n_all[there], strict=True):
        where = {"xytext": (0, -4 if y > 0.5 else 4), "va": "top" if y > 0.5 else "bottom", "ha": "center"}
        axes.annotate(f"{n:,}", (x, y), fontsize=7, textcoords="offset points", **where)
    ends = (-2 * EDGE, 1 + 2 * EDGE)
    axes.set(xlim=ends, ylim=ends, xlabel="confidence", ylabel="share that is so, and of how many")
    axes.set_title(f"reliability; calibration error {error_of([told]):.3f}")


def _confusion(axes, found: Evaluation) -> None:  # type: ignore[no-untyped-def]
    """Draw what is taken for what, the rows as shares."""
    n = found.confusion.n.astype(float)
    shares = n / np.maximum(1, n.sum(axis=1, keepdims=True))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    for names, ticks in ((found.confusion.rows, axes.set_yticks), (found.confusion.columns, axes.set_xticks)):
        step = max(1, len(names) // SHOWN)
        how = {"rotation": 90} if ticks == axes.set_xticks else {}
        places = range(0, len(names), step)
        ticks(places, [_short(names[place]) for place in places], fontsize=7, parse_math=False, **how)
    axes.set(xlabel="said", ylabel="true")
    axes.set_title(f"confusion; found: {report.threshold(found.told)}", fontsize=10)


def _short(name: str) -> str:
    name = escaped(name)
    return name if len(name) <= 28 else f"{name[:27]}…"
