"""The reader: a thread that takes sound from a source, and a bounded queue from which it is heard."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from threading import Condition, Event, Thread
from time import monotonic
from typing import NamedTuple

from ..arrays import Array
from ..audio.pcm import Pcm
from ..errors import AudioError
from .source import Source

ROOM_S = 30.0  # of sound that waits to be heard
WAITS_S = (0.5, 30.0)  # between tries to open a source that has gone: the first, and the longest


class Began(NamedTuple):
    """Sound begins: how its samples come, and seconds from the first beginning to this one."""

    pcm: Pcm
    start_s: float


class Lost(NamedTuple):
    """So many samples per channel were not heard, as too much waited."""

    n_samples: int


class Gone(NamedTuple):
    """The source has gone, why, and in how many seconds it is looked for again; None: not any more."""

    why: str
    again_s: float | None


Came = Began | Lost | Gone | Array


class Reader:
    """What comes from a source, in order; iterating ends when it is over.

    Parameters
    ----------
    source : Source
    drops : bool
        Lose what comes while `ROOM_S` of sound wait, and tell of it (`Lost`); or else let the source wait.
    again : bool
        Open the source again when it has gone, with pauses that grow while it does not come.

    Attributes
    ----------
    lost_s : float
        Seconds of sound that were lost.
    """

    def __init__(self, source: Source, *, drops: bool, again: bool) -> None:
        self._source, self._drops, self._again = source, drops, again
        self._waiting, self._changed = deque[Came](), Condition()
        self._n_held, self._n_gap, self.lost_s = 0, 0, 0.0  # samples: what is waited for is zero, exactly
        self._is_over, self._stopped = False, Event()
        self._pcm = Pcm(1)
        self._began: float | None = None
        self._heard_s = 0.0  # from the first beginning to the end of what was read
        Thread(target=self._work, name="birdfast-reader", daemon=True).start()

    def __iter__(self) -> Iterator[Came]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_over)
                if not self._waiting:
                    return
                came = self._waiting.popleft()
                if not isinstance(came, tuple):
                    self._n_held -= len(came)
                self._changed.notify_all()
            yield came

    def stop(self) -> None:
        """Take no more; what waits is still there. A signal's handler may call it."""
        self._stopped.set()
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _work(self) -> None:
        pause_s = WAITS_S[0]
        try:
            while not self._stopped.is_set():
                n_s, why = self._heard_s, ""
                try:
                    self._read()
                except AudioError as error:
                    why = str(error)
                finally:
                    self._source.close()
                if not self._again:
                    if why:
                        self._put(Gone(why, None))
                    return
                pause_s = WAITS_S[0] if self._heard_s > n_s else min(2 * pause_s, WAITS_S[1])
                self._put(Gone(why or f"{self._source.name} has ended", pause_s))
                self._stopped.wait(pause_s)
        finally:
            self.stop()

    def _read(self) -> None:
        pcm = self._source.open()
        now = monotonic()
        self._began = now if self._began is None else self._began
        start_s = max(self._heard_s, now - self._began if self._heard_s else 0.0)
        with self._changed:
            self._changed.wait_for(lambda: not self._n_held or self._is_over)  # so that one rate counts
            self._pcm, self._n_gap, self._n_held = pcm, 0, 0
        self._put(Began(pcm, start_s))
        self._heard_s, n_read = start_s, 0
        while not self._stopped.is_set() and (block := self._source.read()) is not None:
            n_read += len(block)
            self._heard_s = start_s + n_read / pcm.rate_hz
            self._offer(block)

    def _offer(self, block: Array) -> None:
        """Let a block wait to be heard, wait for room, or lose it."""
        with self._changed:
            room = ROOM_S * self._pcm.rate_hz
            if not self._drops:
                self._changed.wait_for(lambda: self._n_held < room or self._is_over)
            elif self._n_held >= room:
                self._n_gap += len(block)
                self.lost_s += len(block) / self._pcm.rate_hz
                return
            if self._is_over:
                return
            if self._n_gap:
                self._waiting.append(Lost(self._n_gap))
                self._n_gap = 0
            self._n_held += len(block)
            self._waiting.append(block)
            self._changed.notify_all()

    def _put(self, came: Came) -> None:
        with self._changed:
            self._waiting.append(came)
            self._changed.notify_all()
