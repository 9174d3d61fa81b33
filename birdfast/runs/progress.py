"""Progress: what a run tells the person who waits for it, and how it went."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any

from .. import bars, inputs, voice
from ..outcomes import Outcome
from ..tables import About, AboutModel
from ..words import counted, hours, lasting
from . import tally
from .follower import Follower

LINE_EVERY_S = 10.0
FIRST_SHARES = 0.02  # of all bytes: before that nothing is said of how long shares take


def of_each(models: Sequence[str], n_detections: Sequence[int]) -> tuple[str, ...]:
    """Return a line that says how much each of several models heard; none of one."""
    told = (f"{name} {n:,}" for name, n in zip(models, n_detections, strict=True))
    return (f"detections of each: {', '.join(told)}",) if len(models) > 1 else ()


class Progress(Follower):
    """Shows a run on the terminal, outcome by outcome.

    Parameters
    ----------
    began_s : float
        `time.monotonic` at the run's start.
    bar : bool or None
        A progress bar (True), lines (False), or whichever fits the terminal (None).
    quiet : bool
        Tell what is wrong, and nothing else.
    models : sequence of str
        The names of those that listen: of several it tells what each heard.
    by_shares : bool
        Many files come at a time, as of a cluster: the first one's time is that of all who come with it.
    """

    def __init__(
        self,
        began_s: float,
        *,
        bar: bool | None = None,
        quiet: bool = False,
        models: Sequence[str] = (),
        by_shares: bool = False,
    ) -> None:
        self._by_shares = by_shares
        self._models, self._heard = models, Counter[int]()
        self._known: Sequence[AboutModel] = ()
        self._species = set[tuple[str, str]]()
        self._began_s, self._wants_bar, self._quiet = began_s, bar, quiet
        self._bar: Any = None
        self._last_line_s = began_s
        self._paths: Sequence[str] = ()
        self._n_workers, self._done_bytes = 1, 0.0
        self._first_s, self._first_bytes = began_s, 0.0
        self._failed = False
        self._all_bytes, self._at = 0, ("", 0)  # a file and its size
        self.audio_s = self.reading_s = self.network_s = 0.0
        self.n_detections = self.n_files = self.n_failures = 0

    def know(self, about: About) -> None:
        """Learn what classes are called."""
        self._known = about.models

    def begin(self, paths: Sequence[str], n_done: int, n_workers: int) -> None:
        """Make ready for files, of which the sizes say how far it is."""
        self._paths, self._n_workers = paths, n_workers
        self._all_bytes = sum(inputs.size_bytes(path) or 0 for path in paths)
        if self._by_shares:
            self._first_s = monotonic()
        if n_done:
            self.say(f"{counted(n_done, 'file')} done before")
        if (
            paths
            and not self._quiet
            and (sys.stderr.isatty() if self._wants_bar is None else self._wants_bar)
        ):
            self._bar = bars.of_bytes(self._all_bytes, f"0/{len(paths):,} files")

    def end(self) -> None:
        """Leave the terminal as it was; before all is done, say what is."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        if self.n_files < len(self._paths):
            self.say(f"{self.n_files:,} of {counted(len(self._paths), 'file')} done, which stay so")

    def say(self, text: str, style: str = "") -> None:
        """Print a word for whoever waits; `style` as `voice.say` has it."""
        if not self._quiet:
            self._print(text, style)

    def warn(self, text: str) -> None:
        """Print what is wrong."""
        self._print(f"birdfast: {text}", "bad")

    def add(self, path: str, outcome: Outcome) -> None:
        """Count an outcome; they come file by file."""
        self.audio_s += outcome.audio_s
        self.reading_s += outcome.reading_s
        self.network_s += outcome.network_s
        self.n_detections += outcome.n_detections
        self._heard.update({heard.model: len(heard.detections) for heard in outcome.heard})
        self._species.update(self._names(outcome))
        self._failed = self._failed or bool(outcome.failures)
        if path != self._at[0]:
            self._at = path, inputs.size_bytes(path) or 0
        n_bytes = self._at[1] / outcome.n_stretches
        if outcome.is_last:
            self.n_files += 1
            self.n_failures += self._failed
            self._failed = False
        self._advance(n_bytes)

    @property
    def wall_s(self) -> float:
        """Seconds since the run's start."""
        return monotonic() - self._began_s

    def summary(self) -> tuple[str, ...]:
        """Return the run in words, with its speed and where the cores' time went: a line each."""
        if not self.n_files:
            return ("this run was finished before: nothing was left to do",)
        core_s = self.wall_s * self._n_workers
        return (
            f"{counted(self.n_files, 'file')}, {hours(self.audio_s)} of sound in {lasting(self.wall_s)}:"
            f" {self.audio_s / self.wall_s:,.0f} times real time;"
            f" {counted(self.n_detections, 'detection')}, {counted(self.n_failures, 'failure')}",
            f"the cores' time: {100 * self.reading_s / core_s:.1f} % reading sound,"
            f" {100 * self.network_s / core_s:.1f} % in the network, the rest starting and waiting",
            *of_each(self._models, [self._heard[number] for number in range(len(self._models))]),
        )

    def _names(self, outcome: Outcome) -> Iterator[tuple[str, str]]:
        """Yield the scientific and common names of what was heard."""
        for heard in outcome.heard if self._known else ():
            spaces = self._known[heard.model].label_spaces
            for space, number in {*heard.detections[["label_space", "class_index"]].tolist()}:
                yield spaces[space].scientific[number], spaces[space].common[number]

    def _print(self, text: str, style: str) -> None:
        if self._bar is not None:
            self._bar.clear()  # it comes again below what is said
        voice.say(text, style=style)
        if self._bar is not None:
            self._bar.refresh()

    def _left_s(self) -> float:
        """Return how long the rest takes at the speed since the first sound was heard.

        What came before it happens once: workers wake up, a network is rewritten.
        """
        since_s, heard_bytes = monotonic() - self._first_s, self._done_bytes - self._first_bytes
        if not heard_bytes:
            since_s, heard_bytes = self.wall_s, self._done_bytes
        return since_s * (self._all_bytes - self._done_bytes) / heard_bytes

    @property
    def _share(self) -> float:
        """How much is done, by bytes; while only files without any are through, by their number."""
        if self._done_bytes:
            return self._done_bytes / max(1, self._all_bytes)
        return self.n_files / len(self._paths)

    def _advance(self, n_bytes: float) -> None:
        self._done_bytes += n_bytes
        if not self._first_bytes and not self._by_shares:
            self._first_s, self._first_bytes = monotonic(), self._done_bytes
        speed = f"{self.audio_s / self.wall_s:,.0f} x real time"
        species = tally.in_short(self._species)
        if self._bar is not None:
            files = f"{self.n_files:,}/{len(self._paths):,} files"
            self._bar.set_postfix_str(f"{files}, {species}, {speed}", refresh=False)
            self._bar.update(n_bytes)
        elif not self._quiet and monotonic() - self._last_line_s >= LINE_EVERY_S:
            self._last_line_s = monotonic()
            done = self._share
            # What missing and empty files take says nothing of sound.
            is_known = self._done_bytes > 0 and (not self._by_shares or done >= FIRST_SHARES)
            left = f", {lasting(self._left_s())} left" if is_known else ""
            files = f"{self.n_files:,} of {len(self._paths):,} files"
            voice.say(f"{done:.0%}: {files}, {species}, {speed}{left}")
