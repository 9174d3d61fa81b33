"""A listener: one model with its options, and what it hears in the sound that passes."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from .. import labels, models, windows
from ..arrays import Float32, Rows
from ..audio import Pace, bandpass, perwindow
from ..config import Options, choice
from ..errors import ConfigError, ModelError
from ..outcomes import MIX, Detection, row
from ..scores import Rules, keeping
from ..scores.keeping import Keeping, Kept
from ..sessions.session import EMBEDDING, SPATIAL_EMBEDDING, Session
from ..sources import numbered
from . import plausibility
from .ear import Ear, Scored
from .labelspaces import LabelSpaces
from .lending import Backbones

Role = Literal["embedding", "spatial_embedding"]


class Listener:
    """A model and the options of a run, loaded once; several threads may listen with it.

    Parameters
    ----------
    model : models.Model
    options : Options
    number : int
        The model's place among those of the run.
    backbones : Backbones or None
        Of those that listen together; None: it listens alone.

    Raises
    ------
    ModelError
        The network or its labels cannot be used.
    ConfigError
        The options do not fit the network.

    Attributes
    ----------
    backbone : Backbone
        What lends it sessions.
    label_spaces : tuple of Labels
        What its classes are called; `DETECTION` says which of them an index is of.
    sizes : dict of str to int
        How many values a dense row has, for each kind: "scores" (confidences), "logits" (both of all label
        spaces, side by side) and "embeddings" (0: there is none to show).
    widths : dict of str to int
        Those of the dense rows that the options keep.
    """

    def __init__(
        self, model: models.Model, options: Options, number: int = 0, backbones: Backbones | None = None
    ) -> None:
        if not model.found:
            raise ModelError(model.how_to_get())
        self.options, self.number = options, number
        self.label_spaces = model.class_names()
        for path, names in zip((model.labels_path, *model.more_labels), self.label_spaces, strict=True):
            _tell_apart(path, names)
        cache = models.cache_folder() if options.graft else None
        sizes = [len(names) for names in self.label_spaces]
        self.backbone, session = (backbones or Backbones(options.engine)).join(number, model, sizes, cache)
        self.model = model.for_input(session.window_samples, session.ends_in)
        models.check_window(self.model.path, self.model.window_samples, self.model.rate_hz)
        plausibility.check(model, self.model, session)
        self._spaces = LabelSpaces(self.model, model, self.label_spaces, session, options)
        self.embedding_size = session.outputs.get(EMBEDDING, 0)
        self._shapes = {EMBEDDING: (self.embedding_size,), SPATIAL_EMBEDDING: session.spatial_shape}
        self.sizes = dict.fromkeys(("scores", "logits"), self._spaces.n_classes)
        self.sizes["embeddings"] = self.embedding_size
        self.widths: dict[str, int] = {kind: self.sizes[kind] for kind in options.rows}
        if not all(self.widths.values()):
            raise self._without(EMBEDDING)
        self.grid = _grid(self.model, options)
        self._band = bandpass.band(self.grid.rate_hz, options.fmin_hz, options.fmax_hz)
        if options.resampler == "birdnet":
            perwindow.check()

    def grid_at(self, rate_hz: int) -> windows.Grid:
        """Return the grid on which sound that is heard at a rate is cut: at the model's rate, or at that."""
        if self.options.resampler != "birdnet" or rate_hz == self.grid.rate_hz:
            return self.grid
        window_s, step_s = (n / self.grid.rate_hz for n in (self.grid.window_samples, self.grid.step_samples))
        n_window, n_step = (perwindow.window_samples(length_s, rate_hz) for length_s in (window_s, step_s))
        return windows.Grid(rate_hz, n_window, n_step, self.grid.tail)

    @property
    def keepings(self) -> Sequence[Keeping]:
        """What is kept of the scores of each label space."""
        return self._spaces.keepings

    @property
    def takes_sound(self) -> bool:
        """Whether its network gets windows at its rate as they were cut."""
        kind = self.options.normalization or self.model.normalization
        return self._band is None and kind == "none"

    @contextmanager
    def ears(
        self, cutting: windows.Grid, first: int, n_windows: int | None, channels: Sequence[int] = (MIX,)
    ) -> Iterator[list[Ear]]:
        """Lend a session to whoever calls, for each channel of one stretch of a recording: see `Ear`."""
        with self.backbone.lent() as sessions:
            yield self.ears_with(sessions[self.number], cutting, first, n_windows, channels)

    def ears_with(
        self,
        session: Session,
        cutting: windows.Grid,
        first: int,
        n_windows: int | None,
        channels: Sequence[int] = (MIX,),
        pace: Pace | None = None,
        batch: int | None = None,
    ) -> list[Ear]:
        """Return the same with a session that was lent already: see `lending.lent`, and `Ear` for `batch`."""
        prepared = partial(self._prepared, cutting)
        clock_hz = None if pace is None else pace.clock_hz(self.grid.rate_hz)
        how = (self.grid, cutting, session, prepared, first, n_windows)
        return [Ear(*how, channel, clock_hz, batch) for channel in channels]

    def _prepared(self, cutting: windows.Grid, batch: Float32, sound_samples: Sequence[int]) -> Float32:
        """Return windows at the model's rate, and at the level that the network is used to."""
        if cutting.rate_hz != self.grid.rate_hz:
            made = np.zeros((len(batch), self.grid.window_samples), np.float32)
            for row, window, n_samples in zip(made, batch, sound_samples, strict=True):
                resampled = perwindow.resample(window[:n_samples], cutting.rate_hz, self.grid.rate_hz)
                row[: len(resampled)] = resampled[: len(row)]
            batch = made
        if self._band is not None:
            batch = self._band(batch)
        return windows.normalize(batch, self.options.normalization or self.model.normalization)

    def kept(self, scored: Scored) -> Kept:
        """Return what of a batch's scores is kept."""
        scores = self._spaces.scores(scored.outputs)
        return keeping.kept(scored.start_s, scored.window_s, scored.channel, scores, self.keepings)

    @property
    def rules(self) -> Rules:
        """What makes scores detections, by the options and the model."""
        return self._spaces.rules

    def pick(self, kept: Kept) -> Rows:
        """Turn what is kept of a batch into detections: [m] of `DETECTION`."""
        return keeping.detections(kept, self.rules)

    def remark(self, scored: Scored) -> str:
        """Return what is to be known of a batch, "" if there is nothing."""
        if not scored.n_mute:
            return ""
        return f"{self.model.name}: its scores of digital silence are no numbers: nothing is heard there"

    def named(self, path: str, detections: Rows) -> Iterator[Detection]:
        """Give detections, [n] of `DETECTION`, their names and their file."""
        return labels.named(self.label_spaces, detections, path, self.model.name)

    def dense(self, scored: Scored, kinds: Iterable[str]) -> dict[str, Rows]:
        """Return a batch's dense rows by kind: [n] of `outcomes.row`."""
        found: dict[str, Rows] = {}
        for kind in kinds:
            rows = found[kind] = np.empty(len(scored.start_s), row(self.sizes[kind]))
            rows["start_s"] = scored.start_s
            rows["end_s"] = scored.start_s + scored.window_s
            rows["channel"] = scored.channel
            rows["values"] = self._values(scored, kind)
        return found

    def _values(self, scored: Scored, kind: str) -> Float32:
        if kind == "logits":
            return self._spaces.logits(scored.outputs)
        return self.embedding(scored) if kind == "embeddings" else self.confidences(scored)

    def confidences(self, scored: Scored) -> Float32:
        """Return a batch's confidences of all classes, 0 to 1: float32 [n, n_classes].

        Those of several label spaces are side by side, in the order of `label_spaces`.
        """
        return self._spaces.confidences(scored.outputs)

    def embedding(self, scored: Scored, role: Role = EMBEDDING) -> Float32:
        """Return a batch's embeddings: float32 [n, *embedding_shape(role)]; errors as there."""
        shape = self.embedding_shape(role)
        return scored.outputs[role].reshape(-1, *shape)

    def embedding_shape(self, role: Role = EMBEDDING) -> tuple[int, ...]:
        """Return the axes of a window's embedding: (d,); or of its spatial one, as (16, 4, 1536).

        Raises
        ------
        ModelError
            The network has none to show.
        ConfigError
            There is no such role.
        """
        choice("role", role, get_args(Role))
        if not math.prod(self._shapes[role] or (0,)):
            raise self._without(role)
        return self._shapes[role]

    def _without(self, role: Role) -> ModelError:
        which = "embedding" if role == EMBEDDING else "spatial embedding"
        return ModelError(f"{self.model.title} has no {which} to show; leave {which}s out")


def check_one_channel(options: Options) -> None:
    """Refuse channels that are each heard by themselves, where rows do not say whose they are.

    Raises
    ------
    ConfigError
        The option is channel="each".
    """
    if options.channel == "each":
        raise ConfigError(
            'channel: "each" does not fit rows that name no channel; take detect, the score of a Pipeline,'
            " or one channel"
        )


def _tell_apart(path: Path, names: labels.Labels) -> None:
    """Say, as a RuntimeWarning, that no row of a table tells which of several classes it is of."""
    if several := labels.twice(names):
        warnings.warn(
            f"{path}: several classes are called {numbered.some(several)}", RuntimeWarning, stacklevel=3
        )


def _grid(model: models.Model, options: Options) -> windows.Grid:
    step_samples = model.step_samples or model.window_samples
    if options.overlap_s is not None:
        step_samples = model.window_samples - round(options.overlap_s * model.rate_hz)
    elif options.step_s is not None:
        step_samples = round(options.step_s * model.rate_hz)
    grid = windows.Grid(model.rate_hz, model.window_samples, step_samples, options.tail)
    return windows.parted(grid, options.shifts_s)
