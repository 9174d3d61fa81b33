"""A network rewritten for speed, at two batches: four windows at once, or one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Lock

import numpy as np

from .. import sources
from ..arrays import Float32
from ..errors import ModelError
from ..grafting import cache, places, proven
from ..grafting.grafted import Grafted, GraftedSession
from ..grafting.places import BATCHES
from ..grafting.roles import Wanted
from ..models import Model
from ..runtimes import litert
from .session import Arrays, Session, check_windows
from .tflite import TfliteSession
from .wanted import wanted


class BatchedSession:
    """Runs full batches in one graph and what is left over window by window; see `session.Session`.

    A batch of four reads the weights from memory once instead of four times, which makes BirdNET a
    tenth faster; but a graph takes exactly its batch, and a short recording has a window or two. The
    graph for one window is made at the start, too, and opened when it is first needed, or where the
    network takes no batch. Whatever is opened later is of the file as it was at the start.
    """

    def __init__(self, model: Model, folder: Path, shown: Wanted | None = None) -> None:
        path, shown = model.path, wanted(model) if shown is None else shown
        kept = places.trusted(folder)
        with proven.believed(kept):
            sha256 = sources.sha256(path, ModelError)
        holds = partial(cache.holds, sha256, kept, wanted=shown)
        single, several = BATCHES

        def rewritten(batch: int) -> Grafted | None:
            with proven.believed(kept):
                return cache.cached(path, kept, sha256=sha256, batch=batch, wanted=shown)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of the batch: there is the single window
            batched = rewritten(batch=several)
        if batched is not None and holds(batch=several) and not holds(batch=single):
            rewritten(batch=single)

        def opened() -> Session:
            alone = rewritten(batch=single)
            if alone is None:
                return TfliteSession(model, shown, sha256=sha256, kept=kept)
            return alone.session() if batched is None else alone.session(litert.unsaid)

        self._start(None if batched is None else batched.session(), _Later(opened))

    def _start(self, full: Session | None, later: _Later) -> None:
        self._full, self._later = full, later
        self._single: Session | None = None if full is not None else later.session()
        first = self._full or self._single
        assert first is not None
        self._first = first
        self.window_samples, self.outputs = first.window_samples, first.outputs
        self.ends_in, self.ends, self.spatial_shape = first.ends_in, first.ends, first.spatial_shape
        self.batch = 1 if self._full is None else self._full.batch

    @property
    def runtime(self) -> str:
        """Name and version of the library that runs it."""
        return self._first.runtime

    @property
    def is_rewritten(self) -> bool:
        """Whether it was, at one of the two batches."""
        return isinstance(self._first, GraftedSession)

    def through(self, made: Callable[[Session], Session]) -> BatchedSession:
        """Return the same with other sessions of its networks in the places of its own, all opened now.

        So what is wrong with one of them is said at the start.
        """
        other = BatchedSession.__new__(BatchedSession)
        other._start(self._full and made(self._full), _Later(lambda: made(self._later.opened())))
        other._single = other._single or other._later.session()
        return other

    def run(self, windows: Float32) -> Arrays:
        """Score float32 [n, window_samples], n from 1 to `batch`."""
        check_windows(windows, self)
        if self._full is not None and len(windows) == self.batch:
            return self._full.run(windows)
        if self._single is None:
            self._single = self._later.session()
        parts = [self._single.run(window) for window in windows[:, None]]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def twin(self) -> BatchedSession:
        """Return a second session of the same network."""
        made = BatchedSession.__new__(BatchedSession)
        made._start(self._full and self._full.twin(), self._later)
        return made


class _Later:
    """Sessions for single windows: the first is opened when someone needs it, the others are its twins."""

    def __init__(self, opened: Callable[[], Session]) -> None:
        self.opened, self._lock = opened, Lock()
        self._first: Session | None = None

    def session(self) -> Session:
        with self._lock:
            if self._first is None:
                self._first = self.opened()
                return self._first
        return self._first.twin()
