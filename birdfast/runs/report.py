"""A report: what another way of running a network does to the detections in recordings."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter

import numpy as np

from .. import audio
from ..arrays import Float32
from ..config import Options
from ..errors import AudioError, ConfigError
from ..models import Model
from ..pipeline.listener import Listener
from ..pipeline.onepass import whole
from ..sessions import named
from ..sessions.session import Session, is_rewritten
from ..words import counted

THRESHOLDS = (0.1, 0.25, 0.5, 0.75)


class Report:
    """How the detections of one way differ from another's.

    Attributes
    ----------
    ways : list of str
        The usual way and the other one, in words.
    n_windows, n_recordings : int
        Compared, and heard to their end.
    failures : dict of str to str
        Why others were not, by path; what lies before is compared.
    kept, come, gone : int64 [4]
        Detections of both ways, of the other one alone, and of the usual one alone, at each of `THRESHOLDS`.
    largest_difference : float
        Of a confidence; infinite where one of the two is no number.
    hearing_s : float64 [2]
        Seconds that each way took for its windows, from sound as it is cut to scores, on one core.
    """

    def __init__(self, ways: Sequence[str]) -> None:
        self.ways, self.failures = list(ways), dict[str, str]()
        self.n_windows = self.n_recordings = 0
        self.kept, self.come, self.gone = np.zeros((3, len(THRESHOLDS)), np.int64)
        self.largest_difference, self.hearing_s = 0.0, np.zeros(2)

    def add(self, usual: Float32, other: Float32) -> None:
        """Take in the confidences of the same windows: float32 [n, n_classes] of each way."""
        self.n_windows += len(usual)
        both_none = np.isnan(usual) & np.isnan(other)
        gaps = np.where(both_none, 0, np.abs(other - usual))
        worst = np.where(np.isnan(gaps), np.inf, gaps).max(initial=0)
        self.largest_difference = max(self.largest_difference, float(worst))
        for place, least in enumerate(THRESHOLDS):
            before, now = usual >= least, other >= least
            self.kept[place] += np.count_nonzero(before & now)
            self.come[place] += np.count_nonzero(now & ~before)
            self.gone[place] += np.count_nonzero(before & ~now)

    def lines(self) -> Iterator[str]:
        """Yield what is to be printed."""
        usual, other = self.ways
        heard = f"{counted(self.n_windows, 'window')} of {counted(self.n_recordings, 'recording')}"
        yield f"{other}, beside {usual}: {heard}"
        yield f"{'confidence':>10}{'kept':>10}{'come':>10}{'gone':>10}"
        for least, *numbers in zip(THRESHOLDS, self.kept, self.come, self.gone, strict=True):
            yield f"{least:>10g}" + "".join(f"{number:>10,}" for number in numbers)
        yield f"largest difference of a confidence: {self.largest_difference:.2g}"
        if self.n_windows:
            before, now = self.windows_a_second
            yield f"{_short(now)} windows a second, beside {_short(before)}: {now / before:.2f} times as many"

    @property
    def windows_a_second(self) -> tuple[float, float]:
        """How many windows the usual way and the other one hear in a second, on one core."""
        usual, other = (self.n_windows / float(seconds) for seconds in self.hearing_s)
        return usual, other


def compare(
    recordings: Sequence[str],
    model: Model,
    usual: Options,
    other: Options,
    tell: Callable[[str], None] = lambda said: None,
) -> Report:
    """Hear recordings in two ways, and compare what is heard; no more is kept than a batch or two.

    Parameters
    ----------
    recordings : sequence of str
        Audio files.
    model : Model
    usual, other : Options
        The two ways; how windows are cut has to be the same.
    tell : callable
        Is told of recordings that fail, or hold what is to be known.

    Raises
    ------
    ModelError, ConfigError
        The network cannot be run in one of the two ways, or the two are the same.
    """
    listeners = [Listener(model, usual, 0), Listener(model, other, 1)]
    report = Report([_in_words(one, options) for one, options in zip(listeners, (usual, other), strict=True)])
    if _are_alike(listeners, (usual, other)):
        raise ConfigError(f"{model.path}: nothing to compare: both ways are the same ({report.ways[1]})")
    with named(model.path):
        for listener in listeners:
            _warm(listener.backbone.session)
    for path in recordings:
        try:
            with named(model.path):
                _hear(path, listeners, usual, report, tell)
            report.n_recordings += 1
        except AudioError as error:
            report.failures[path] = str(error)
            tell(str(error))
    return report


def _are_alike(listeners: Sequence[Listener], ways: Sequence[Options]) -> bool:
    """Whether two ways run the very same: a network that is not rewritten, say, and the original."""
    sessions = [listener.backbone.session for listener in listeners]
    facts = {(one.runtime, is_rewritten(one), how.precision) for one, how in zip(sessions, ways, strict=True)}
    return len(facts) == 1


def _warm(session: Session) -> None:
    """Let a network open what it opens at its first window and batch: that is not its speed."""
    for n in sorted({1, session.batch}):
        session.run(np.zeros((n, session.window_samples), np.float32))


def _hear(
    path: str,
    listeners: Sequence[Listener],
    options: Options,
    report: Report,
    tell: Callable[[str], None],
) -> None:
    waiting: tuple[deque[Float32], ...] = (deque(), deque())
    noted = (lambda note: tell(f"{path}: {note}"),)
    with audio.Recording(path, options.channel, options.resampler, options.max_hours, *noted) as recording:
        for listener, batches in whole(recording, listeners):
            began_s = perf_counter()
            for scored in batches:
                report.hearing_s[listener.number] += perf_counter() - began_s
                waiting[listener.number].extend(listener.confidences(scored))
                began_s = perf_counter()
            if n := min(map(len, waiting)):  # the batches of the two may be of different lengths
                report.add(*(np.stack([rows.popleft() for _ in range(n)]) for rows in waiting))


def _in_words(listener: Listener, options: Options) -> str:
    how = "" if options.precision == "f32" else f" in {options.precision}"
    return f"{listener.backbone.session.runtime}{how}{'' if options.graft else ', the original graph'}"


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def options_of(
    runtime: str | None = None, precision: str | None = None, max_hours: float | None = None
) -> tuple[Options, Options]:
    """Return the two ways to compare, the usual one first.

    An engine, where a part of it is given, is compared with the usual one; else the rewritten network with
    the original. None is what `Options` has.
    """
    both = {} if max_hours is None else {"max_hours": max_hours}
    engine = {"runtime": runtime, "precision": precision}
    if chosen := {name: value for name, value in engine.items() if value is not None}:
        return Options.of(both), Options.of(both | chosen)
    return Options.of(both | {"graft": False}), Options.of(both)
