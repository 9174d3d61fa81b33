"""An ear: one channel of one stretch of a recording, cut into windows and scored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import thread_time
from typing import NamedTuple

import numpy as np

from ..arrays import Float32, Float64
from ..errors import ModelError
from ..outcomes import MIX
from ..sessions.session import Arrays, Session, check_outputs, is_logits
from ..windows import Cutter, Grid

AMISS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)  # in a session
Amiss = Callable[[float], object]


class Scored(NamedTuple):
    """A batch of windows: when they start, and the network's outputs.

    Attributes
    ----------
    start_s : float64 [n]
        Seconds from the recording's start.
    outputs : dict
        "logits": float32 [n, n_classes]; "logits:NAME" of each further label space; and "embedding":
        float32 [n, d], and "spatial_embedding", flat, where the network has them to show.
    channel : int
        1 is the recording's first; 0 all channels together.
    window_s : float
        How much of the recording each window is.
    n_mute : int
        How many windows are digital silence of which the network says no number: their logits are NaN.
    """

    start_s: Float64
    outputs: Arrays
    channel: int = MIX
    n_mute: int = 0
    window_s: float = 0.0


class Cut(NamedTuple):
    """Windows as they were cut, the first's number, and how many samples of each are sound.

    Attributes
    ----------
    first : int
    windows : float32 [n, window_samples]
        A view that is overwritten in the next turn.
    sound_samples : list of int
        [n]; behind them are zeros.
    """

    first: int
    windows: Float32
    sound_samples: list[int]


class Ear:
    """A listener at a channel of one stretch of a recording, in one thread: sound to windows with scores.

    Parameters
    ----------
    grid : Grid
        Which says when a window starts.
    cutting : Grid
        On which it is cut: the same, or at the recording's own rate.
    session : Session
    prepared : callable
        Makes of windows as they were cut, and how much of each is sound, what the network takes.
    first : int
        The number of the stretch's first window.
    n_windows : int or None
        How many they are; None is to an end that is not known.
    channel : int
    clock_hz : float or None
        How many samples at the grid's rate a second of the recording makes; None: as many as that.
    batch : int or None
        Windows at a time; None: as many as the session takes. One alone is scored as soon as it is there.

    Attributes
    ----------
    rate_hz : int
        The rate at which it is cut.
    span : (int, int or None)
        The samples of its windows, counted at that rate; None is the end.
    skip : int
        How many samples come before the first window's.
    preparing_s : float
        Seconds of CPU time from windows as they were cut to what the network takes.
    network_s : float
        Seconds of CPU time in the network and its front end.
    amiss : callable of float
        Told when a window begins whose scores are not finite, though there is sound in it: it raises
        ModelError, unless whoever listens sets another; then the window says nothing.
    """

    def __init__(
        self,
        grid: Grid,
        cutting: Grid,
        session: Session,
        prepared: Callable[[Float32, Sequence[int]], Float32],
        first: int,
        n_windows: int | None,
        channel: int = MIX,
        clock_hz: float | None = None,
        batch: int | None = None,
    ) -> None:
        self._clock_hz = clock_hz or grid.rate_hz
        self._grid, self._session, self._prepared = grid, session, prepared
        self._next, self.channel, self.rate_hz = first, channel, cutting.rate_hz
        self.amiss: Amiss = _refuse
        self.span: tuple[int, int | None] = (0, None)
        if n_windows is not None:
            self.span = cutting.span(first, first + n_windows)
        self._cutter = Cutter(cutting, n_windows, batch or session.batch)
        self.skip, self.preparing_s, self.network_s = 0, 0.0, 0.0

    def hear(self, block: Float32) -> Iterator[Scored]:
        """Take mono samples [n] at the rate of the cutting grid, and yield the batches that are full now.

        Raises
        ------
        ModelError
            The network fails, or gives something else than it says; or a score is not finite, though there is
            sound, and the message says when the first such window starts.
        """
        return map(self.score, self.cut(block))

    def end(self, *, whole: bool = False) -> Iterator[Scored]:
        """Yield what is left; `whole`: without windows that lack an end; raises as `hear`."""
        return map(self.score, self.cut_end(whole=whole))

    def cut(self, block: Float32) -> Iterator[Cut]:
        """Take samples as `hear` does, and yield the batches that are full now, for another to score."""
        passed = block[self.skip :]
        self.skip -= len(block) - len(passed)
        return self._cut(self._cutter.push(passed))

    def cut_end(self, *, whole: bool = False) -> Iterator[Cut]:
        """Yield what is left, as `end` does, for another to score."""
        return self._cut(self._cutter.end(whole=whole))

    def _cut(self, batches: Iterator[Float32]) -> Iterator[Cut]:
        for batch in batches:
            yield Cut(self._next, batch, self._cutter.sound_samples())
            self._next += len(batch)

    def score(self, some: Cut) -> Scored:
        """Score windows; raises as `hear`."""
        grid, began_s = self._grid, thread_time()
        windows = self._prepared(some.windows, some.sound_samples)
        prepared_s = thread_time()
        outputs = self._run(windows)
        self.preparing_s += prepared_s - began_s
        self.network_s += thread_time() - prepared_s
        number = np.arange(some.first, some.first + len(windows))
        start_s = number * grid.step_samples / self._clock_hz
        window_s = grid.window_samples / self._clock_hz
        return checked(Scored(start_s, outputs, self.channel, window_s=window_s), windows, self.amiss)

    def warm(self) -> None:
        """Score a window of silence: what a session opens when it is first needed is open then."""
        self._run(np.zeros((1, self._grid.window_samples), np.float32))

    def _run(self, windows: Float32) -> Arrays:
        """Score windows; whatever the network does wrong is said as such."""
        try:
            outputs = self._session.run(windows)
        except AMISS as error:
            raise ModelError(f"the network cannot be run ({type(error).__name__}: {error})") from error
        check_outputs(outputs, len(windows), self._session)
        return outputs


def _refuse(start_s: float) -> None:
    raise ModelError(f"the network's scores are not finite in the window at {start_s:g} s")


def checked(scored: Scored, windows: Float32, amiss: Amiss = _refuse) -> Scored:
    """Refuse scores that say nothing, before anybody makes detections or rows of them.

    Some networks divide by the level of a window: of digital silence they give NaN, and nothing is heard.
    """
    logits = {role: values for role, values in scored.outputs.items() if is_logits(role)}
    finite = [np.isfinite(values).all(axis=1) for values in logits.values()]
    mute = np.logical_not(np.all(finite, axis=0))
    if not mute.any():
        return scored
    wrong = np.logical_and(mute, windows.any(axis=1))
    for start_s in scored.start_s[wrong]:
        amiss(float(start_s))
    silenced = {role: np.where(mute[:, None], np.float32(np.nan), rows) for role, rows in logits.items()}
    return scored._replace(outputs={**scored.outputs, **silenced}, n_mute=int(mute.sum() - wrong.sum()))
