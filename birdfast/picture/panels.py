"""Panels: the channels of a recording, one below the other, on one time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .. import canvas
from ..outcomes import Detection
from ..tables import escaped
from . import marks, strips
from .spectrum import RANGE_DB, Spectrum
from .strips import Scores, Tokens

WIDTH_IN, HEIGHT_IN = 12, 3.4  # of a picture, and of a spectrogram in it
UNREAD = "cannot be read from here on "


class Panel(NamedTuple):
    """What is drawn of a channel, up to a second."""

    name: str
    channel: int
    spectrum: Spectrum
    end_s: float
    detections: list[Detection]


class Panels(NamedTuple):
    """Panels, one below the other, and what they have in common."""

    panels: Sequence[Panel]
    rate_hz: int
    start_s: float
    fmax_hz: float
    scores: Sequence[Scores]
    tokens: Tokens | None
    has_failed: bool

    def drawn(self) -> Any:
        """Return a figure."""
        heights = [_heights(panel, self.scores, self.tokens) for panel in self.panels]
        every = [height for of_panel in heights for height in of_panel.values()]
        figure = canvas.figure(WIDTH_IN, sum(every) + 0.7 * len(self.panels))
        axes = iter(figure.subplots(len(every), squeeze=False, height_ratios=every)[:, 0])
        colours = marks.colours([row for panel in self.panels for row in panel.detections])
        marked = list[tuple[Any, Panel]]()
        for panel, of_panel in zip(self.panels, heights, strict=True):
            rows = {kind: next(axes) for kind in of_panel}
            next(iter(rows.values())).set_title(escaped(panel.name), parse_math=False)  # two $ are no formula
            if "marks" in rows:
                marks.draw(rows["marks"], panel.detections, colours)
                marked.append((rows["marks"], panel))
            self._spectrogram(rows["spectrogram"], panel)
            for number, scores in enumerate(self.scores):
                row = rows[f"scores {number}"]
                image = strips.draw_scores(row, scores, panel.channel, self.start_s, panel.end_s)
                figure.colorbar(image, ax=row, label="confidence")
            if self.tokens is not None:
                strips.draw_tokens(rows["tokens"], self.tokens, panel.channel, self.start_s, panel.end_s)
            for row in rows.values():
                row.set(xlim=(self.start_s, panel.end_s))
                row.tick_params(labelbottom=row is rows[[*rows][-1]])
            rows[[*rows][-1]].set(xlabel="time (s)")
        figure.draw_without_rendering()  # so that it is known how wide the marks are
        for row, panel in marked:
            marks.number(row, panel.detections, colours)
        return figure

    def _spectrogram(self, axes: Any, panel: Panel) -> None:
        decibels = panel.spectrum.decibels()
        column_s = panel.spectrum.column_samples / self.rate_hz
        extent = (self.start_s, self.start_s + len(decibels) * column_s, 0, self.rate_hz / 2000)
        image = axes.imshow(
            decibels.T, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=-RANGE_DB, vmax=0
        )
        axes.figure.colorbar(image, ax=axes, label="dB below the loudest")
        axes.set_facecolor("black")  # as the last frame may end a little before the sound
        axes.set(ylim=(0, min(self.fmax_hz, self.rate_hz / 2) / 1000), ylabel="frequency (kHz)")
        if self.has_failed:
            axes.axvline(panel.end_s, color="tab:red", linewidth=3)
            axes.annotate(UNREAD, (panel.end_s, 0), ha="right", va="bottom", color="white")


def _heights(panel: Panel, scores: Sequence[Scores], tokens: Tokens | None) -> dict[str, float]:
    """Return the rows of a panel, with their heights in inches."""
    rows = {"spectrogram": HEIGHT_IN}
    if panel.detections:
        rows = {"marks": marks.LINE_IN * (len(marks.lines(panel.detections)) + 0.5)} | rows
    for number, some in enumerate(scores):
        rows[f"scores {number}"] = max(1.0, strips.SCORES_IN * (len(some.names) + 0.5))
    if tokens is not None:
        rows["tokens"] = strips.TOKENS_IN
    return rows
