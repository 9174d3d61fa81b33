"""Networks that are joined: what each makes of one window of sound, side by side, as one embedding."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from .. import windows
from ..arrays import Float32
from ..audio.resampling import resample
from ..errors import ModelError
from ..models import Model
from .session import EMBEDDING, Arrays, Plain, Session, check_windows


class JoinedSession(Plain):
    """Several networks on one window of sound; see `session.Session`. They have no scores.

    Each hears the window at its own rate. One whose windows are shorter hears as many of them as cover it,
    evenly from its start to its end, and what counts is the mean of their embeddings; those of digital
    silence are left out, as behind the end of a recording, unless all are silent.

    Parameters
    ----------
    model : Model
        Of the kind "joined".
    sessions : sequence of Session
        Of its parts, in their order.

    Attributes
    ----------
    sizes : tuple of int
        How many values the embedding has of each.

    Raises
    ------
    ModelError
        A part shows no embedding, or takes other windows than it tells.
    """

    def __init__(self, model: Model, sessions: Sequence[Session]) -> None:
        self._model = model
        self._parts = [_Part(model, *both) for both in zip(model.parts, sessions, strict=True)]
        self.window_samples = model.window_samples
        self.batch = max(session.batch for session in sessions)
        self.sizes = tuple(part.n_values for part in self._parts)
        self.outputs: Mapping[str, int] = {EMBEDDING: sum(self.sizes)}

    @property
    def runtime(self) -> str:
        """What runs them, each once."""
        return ", ".join(dict.fromkeys(part.session.runtime for part in self._parts))

    def run(self, windows: Float32) -> Arrays:
        """Embed float32 [n, window_samples], n from 1 to `batch`."""
        check_windows(windows, self)
        return {EMBEDDING: np.concatenate([part.embedded(windows) for part in self._parts], axis=1)}

    def twin(self) -> JoinedSession:
        """Return a second session of the same networks."""
        return JoinedSession(self._model, [part.session.twin() for part in self._parts])


class _Part:
    """One of them: its session, and where its windows begin in a longer one."""

    def __init__(self, whole: Model, model: Model, session: Session) -> None:
        model = model.for_input(session.window_samples)  # or they are others than it told
        self.session, self._model, self._from_hz = session, model, whole.rate_hz
        self.n_values = session.outputs.get(EMBEDDING, 0)
        if not self.n_values:
            raise ModelError(f"{model.path}: has no embedding to show, of which a head could learn")
        own, share = model.window_samples, whole.rate_hz / model.rate_hz
        needed = round(whole.window_samples / share)
        self._starts = np.linspace(0, max(0, needed - own), -(-needed // own)).round().astype(np.int64)
        self._spans = [(int(start * share), math.ceil((start + own) * share)) for start in self._starts]

    def embedded(self, sounds: Float32) -> Float32:
        """Return what it makes of windows at the joined rate: float32 [n, n_values]."""
        heard = np.stack([sounds[:, first:last].any(axis=1) for first, last in self._spans], axis=1)
        heard |= np.logical_not(heard.any(axis=1, keepdims=True))
        rows = windows.normalize(self._cut(sounds)[heard], self._model.normalization)
        batches = range(0, len(rows), self.session.batch)
        every = [self.session.run(rows[low : low + self.session.batch])[EMBEDDING] for low in batches]
        n_heard = heard.sum(axis=1)
        sums = np.add.reduceat(np.concatenate(every), np.cumsum(n_heard) - n_heard, dtype=np.float64)
        found: Float32 = (sums / n_heard[:, np.newaxis]).astype(np.float32)
        return found

    def _cut(self, sounds: Float32) -> Float32:
        """Return its own windows at its own rate: float32 [n, n_windows, samples]."""
        own, last = self._model.window_samples, self._starts[-1]
        whole = np.zeros((len(sounds), last + own), np.float32)
        for row, sound in zip(whole, sounds, strict=True):
            resampled = resample(sound, self._from_hz, self._model.rate_hz)[: len(row)]
            row[: len(resampled)] = resampled
        return np.lib.stride_tricks.sliding_window_view(whole, own, axis=1)[:, self._starts]
