"""A network rewritten for speed, at two batches: four windows at once, or one."""

from __future__ import annotations

import warnings
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..grafting import cache
from ..grafting.grafted import BATCHES
from .session import Arrays, Session
from .tflite import TfliteSession


class BatchedSession:
    """Runs full batches in one graph and what is left over window by window; see `sessions.Session`.

    A batch of four reads the weights from memory once instead of four times, which makes BirdNET a
    tenth faster; but a graph takes exactly its batch, and a short recording has a window or two. The
    graph for one window is made at the start, too, and opened when it is first needed, or where the
    network takes no batch.
    """

    def __init__(self, path: Path, folder: Path, *, output: str = "", n_classes: int = 0) -> None:
        self._original = partial(TfliteSession, path, output=output, n_classes=n_classes)
        self._rewritten = partial(cache.cached, path, folder, output=output, n_classes=n_classes)
        single, several = BATCHES
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of the batch: there is the single window
            batched = self._rewritten(batch=several)
        if batched is not None and not cache.holds(
            path, folder, batch=single, output=output, n_classes=n_classes
        ):
            self._rewritten(batch=single)
        self._full = None if batched is None else batched.session()
        first = self._full or self._single
        self.window_samples, self.n_classes = first.window_samples, first.n_classes
        self.embedding_size = first.embedding_size
        self.batch = single if self._full is None else several

    def run(self, windows: NDArray[np.float32]) -> Arrays:
        """Score float32 [n <= batch, window_samples]."""
        if self._full is not None and len(windows) == self.batch:
            return self._full.run(windows)
        parts = [self._single.run(window) for window in windows[:, None]]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    @cached_property
    def _single(self) -> Session:
        rewritten = self._rewritten(batch=BATCHES[0])
        return self._original() if rewritten is None else rewritten.session()
