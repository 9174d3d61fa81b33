"""Marks: what was heard and when, a line a species above the spectrogram, with its name beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import canvas
from ..outcomes import Detection
from ..tables.whose import by_name
from .names import plain

MOST_LINES = 16
LINE_IN = 0.22  # inches
FONT = 7
ROOM = 1.15  # of a number's width, so that it does not touch the next one


def lines(detections: Sequence[Detection]) -> dict[str, list[Detection]]:
    """Return detections by the line that they are on, the surest species first; the last has all others."""
    found = by_name(detections)
    order = sorted(found, key=lambda name: -max(row.confidence for row in found[name]))
    if len(order) <= MOST_LINES:
        return {name: found[name] for name in order}
    first, others = order[: MOST_LINES - 1], order[MOST_LINES - 1 :]
    return {name: found[name] for name in first} | {
        f"{len(others):,} others": [row for name in others for row in found[name]]
    }


def colours(detections: Sequence[Detection]) -> dict[str, Any]:
    """Return a colour for each species, the same in all panels and for all models."""
    names = dict.fromkeys(row.common_name for rows in lines(detections).values() for row in rows)
    return {name: canvas.colour(number, len(names)) for number, name in enumerate(names)}


def draw(axes: Any, detections: Sequence[Detection], of: Mapping[str, Any]) -> None:
    """Draw the marks of a panel.

    Parameters
    ----------
    axes : of matplotlib
        Its x is the time in seconds.
    detections : sequence of Detection
    of : dict of str to colour
        See `colours`.
    """
    drawn = lines(detections)
    for y, rows in enumerate(drawn.values()):
        for row in sorted(rows, key=lambda row: row.start_s):
            axes.broken_barh(
                [(row.start_s, row.end_s - row.start_s)],
                (y - 0.4, 0.8),
                facecolors=[of[row.common_name]],
                edgecolors="white",
                linewidth=0.5,
            )
    axes.set_yticks(range(len(drawn)), map(plain, drawn), fontsize=FONT + 1, parse_math=False)
    axes.set(ylim=(len(drawn) - 0.5, -0.5))
    axes.tick_params(labelbottom=False, bottom=False, left=False)
    for side in ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(False)


def number(axes: Any, detections: Sequence[Detection], of: Mapping[str, Any]) -> None:
    """Write confidences into marks that have room for them, once it is known how wide these are."""
    first_s, last_s = axes.get_xlim()
    points_a_second = axes.bbox.width * 72 / axes.figure.dpi / (last_s - first_s)
    needed_s = ROOM * 4 * 0.6 * FONT / points_a_second  # "0.50", of digits that are 0.6 as wide as high
    for y, rows in enumerate(lines(detections).values()):
        ordered = sorted(rows, key=lambda row: row.start_s)
        starts = [row.start_s for row in ordered[1:]] + [last_s]
        for row, next_s in zip(ordered, starts, strict=True):
            begin_s, end_s = max(first_s, row.start_s), min(last_s, row.end_s, next_s)
            if end_s - begin_s >= needed_s:
                axes.text(
                    (begin_s + end_s) / 2,
                    y,
                    f"{row.confidence:.2f}",
                    fontsize=FONT,
                    color=canvas.ink(of[row.common_name]),
                    ha="center",
                    va="center_baseline",
                )
