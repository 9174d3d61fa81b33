"""A network rewritten for speed, at two batches: four windows at once, or one."""

from __future__ import annotations

from collections.abc import Callable
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
    Each graph is opened when it is first needed.
    """

    def __init__(self, path: Path, folder: Path, *, output: str = "", n_classes: int = 0) -> None:
        self._open: Callable[[int], Session] = lambda batch: _session(path, folder, batch, output, n_classes)
        self._single = self._open(1)
        self._full: Session | None = None
        self.window_samples, self.n_classes = self._single.window_samples, self._single.n_classes
        # Where no rewrite agreed with the original, that runs window by window.
        self.batch = 1 if isinstance(self._single, TfliteSession) else BATCHES[1]

    def run(self, windows: NDArray[np.float32]) -> Arrays:
        """Score float32 [n <= batch, window_samples]."""
        if len(windows) < self.batch or self.batch == 1:
            parts = [self._single.run(window) for window in windows[:, None]]
            return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        if self._full is None:
            self._full = self._open(self.batch)
        return self._full.run(windows)


def _session(path: Path, folder: Path, batch: int, output: str, n_classes: int) -> Session:
    rewritten = cache.cached(path, folder, batch=batch, output=output, n_classes=n_classes)
    if rewritten is None:
        return TfliteSession(path, output=output, n_classes=n_classes)
    return rewritten.session()
