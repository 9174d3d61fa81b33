"""A network rewritten for speed, at two batches: four windows at once, or one."""

from __future__ import annotations

import warnings
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import Arrays, Session, cache
from .tflite import TfliteSession

BATCHES = (1, 4)


class BatchedSession:
    """Runs full batches in one graph and what is left over window by window; see `sessions.Session`.

    A batch of four reads the weights from memory once instead of four times, which makes BirdNET a
    tenth faster; but a graph takes exactly its batch, and a short recording has a window or two.
    The graph for full batches is opened when it is first needed, if the network can take a batch.
    """

    def __init__(self, path: Path, folder: Path, *, output: str = "", n_classes: int = 0) -> None:
        self._rewritten = partial(cache.cached, path, folder, output=output, n_classes=n_classes)
        rewritten = self._rewritten(batch=1)
        self._single: Session = (
            TfliteSession(path, output=output, n_classes=n_classes)
            if rewritten is None
            else rewritten.session()
        )
        self.window_samples, self.n_classes = self._single.window_samples, self._single.n_classes
        self.batch = 1 if rewritten is None else BATCHES[1]

    def run(self, windows: NDArray[np.float32]) -> Arrays:
        """Score float32 [n <= batch, window_samples]."""
        if len(windows) == self.batch > 1 and self._full is not None:
            return self._full.run(windows)
        parts = [self._single.run(window) for window in windows[:, None]]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    @cached_property
    def _full(self) -> Session | None:
        """The graph for full batches, None where the network takes one window at a time."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the single window's graph is there instead
            rewritten = self._rewritten(batch=self.batch)
        return None if rewritten is None else rewritten.session()
