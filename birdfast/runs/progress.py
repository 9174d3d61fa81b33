"""What a run tells the person who waits for it: how far it is, and how it went."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from .. import bars
from ..outcomes import Outcome

LINE_EVERY_S = 10.0


class Report:
    """Follows a run, outcome by outcome; a context manager around it.

    Parameters
    ----------
    paths : sequence of str
        The files of the run, in order.
    began : float
        `time.monotonic` at the run's start.
    n_workers : int
        How many cores are at work.
    bar : bool or None
        A progress bar (True), lines (False), or whichever fits the terminal (None).
    quiet : bool
        Say nothing on the way.
    """

    def __init__(
        self,
        paths: Sequence[str],
        began: float,
        n_workers: int = 1,
        *,
        bar: bool | None = None,
        quiet: bool = False,
    ) -> None:
        self._paths, self._began, self._quiet = paths, began, quiet
        self._n_workers = n_workers
        self._bytes = [_size(path) for path in paths]
        self._bar = bars.of_bytes(sum(self._bytes)) if self._wants_bar(bar) else None
        self._last_line = began
        self._file, self._stretch, self._n_stretches = -1, 0, 1
        self._failed = False
        self._done_bytes = 0.0
        self.audio_s = self.reading_s = self.network_s = 0.0
        self.n_detections = self.n_files = self.n_failures = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def add(self, file: int, outcome: Outcome) -> None:
        """Count an outcome."""
        self.audio_s += outcome.audio_s
        self.reading_s += outcome.reading_s
        self.network_s += outcome.network_s
        self.n_detections += len(outcome.detections)
        if file != self._file:  # outcomes come file by file; the first tells how many stretches there are
            self._file, self._stretch, self._n_stretches = file, 0, outcome.n_stretches
            self._failed = False
        self._stretch += 1
        self.n_files += self._stretch == self._n_stretches
        self.n_failures += outcome.failure is not None and not self._failed
        self._failed = self._failed or outcome.failure is not None
        self._advance(self._bytes[file] / self._n_stretches)

    @property
    def wall_s(self) -> float:
        """Seconds since the run's start."""
        return monotonic() - self._began

    def summary(self) -> str:
        """Return the run in words, with its speed and where the cores' time went."""
        core_s = self.wall_s * self._n_workers
        return (
            f"{counted(self.n_files, 'file')}, {_hours(self.audio_s)} of sound in {_duration(self.wall_s)}:"
            f" {self.audio_s / self.wall_s:,.0f} times real time;"
            f" {counted(self.n_detections, 'detection')}, {counted(self.n_failures, 'failure')}\n"
            f"the cores' time: {100 * self.reading_s / core_s:.1f} % reading sound,"
            f" {100 * self.network_s / core_s:.1f} % in the network"
        )

    def _advance(self, n_bytes: float) -> None:
        self._done_bytes += n_bytes
        speed = f"{self.audio_s / self.wall_s:,.0f} audio-s/s"
        if self._bar is not None:
            self._bar.set_postfix_str(f"{self.n_files}/{len(self._paths)} files, {speed}", refresh=False)
            self._bar.update(n_bytes)
        elif not self._quiet and monotonic() - self._last_line >= LINE_EVERY_S:
            self._last_line = monotonic()
            done = self._done_bytes / max(1, sum(self._bytes))
            left = _duration(self.wall_s * (1 - done) / max(done, 1e-9))
            line = f"{done:.0%}: {self.n_files:,} of {len(self._paths):,} files, {speed}, {left} left"
            print(line, file=sys.stderr, flush=True)

    def _wants_bar(self, bar: bool | None) -> bool:
        return not self._quiet and (sys.stderr.isatty() if bar is None else bar)


def counted(number: int, noun: str) -> str:
    """Return "1 file", "2,000 files"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _size(path: str) -> int:
    with suppress(OSError, ValueError):
        return Path(path).stat().st_size
    return 0


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} h" if seconds >= 3600 else _duration(seconds)


def _duration(seconds: float) -> str:
    """Write seconds as people say them: 4.2 s, 3 min 07 s, 5 h 12 min."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
