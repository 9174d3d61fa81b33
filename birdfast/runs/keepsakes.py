"""Keepsakes: clips of what is heard in sound as it comes, cut out of its last seconds."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from math import inf
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from ..arrays import Array, Float32
from ..audio.pcm import Pcm
from ..errors import ConfigError, OutputError
from ..live.ring import Ring
from ..outcomes import Detection
from ..tables.files import line
from . import clipnames, clips
from .clips import Cut
from .linefile import LineFile
from .output import output_folder

MOST = 10  # clips of a species
SLACK_S = 10.0  # from a window's end to when it is scored: the resampler holds back 2.4 s at 1 kHz
PIECE_S = 1.0  # of a block at a time: the ring holds what a clip wants, however long blocks are


class _Wanted(NamedTuple):
    """A detection whose clip is cut when the sound behind it is there; `first` to `last` count the ring's."""

    row: Detection
    first: int
    last: int


class Keepsakes:
    """Clips in a folder as `clips.write` leaves them, of detections as they are made; a context manager.

    Their table has each as soon as it is there: days may pass until the end, or a cut may come before.

    Parameters
    ----------
    folder : path
        A new or empty one.
    most : int
        At most so many of a species, and a model: the first ones.
    cut : Cut

    Raises
    ------
    ConfigError
        Something does not fit, or the folder has something in it.

    Attributes
    ----------
    why : str
        Why there are no more clips: the folder takes none. Listening goes on without.
    """

    why = ""

    def __init__(self, folder: Path, most: int = MOST, cut: Cut | None = None) -> None:
        self._cut, self._most = cut or Cut(), most
        self._cut.check()
        self.folder = output_folder(folder)
        if any(self.folder.iterdir()):
            raise ConfigError(f"{folder}: not empty; clips of what is heard live take a new folder")
        self._n_of, self._waiting = Counter[tuple[str, str]](), deque[_Wanted]()
        self._ring: Ring | None = None
        self._begins_s, self._names = 0.0, clipnames.Names(self._cut.format)
        self._table = LineFile(self.folder / clips.TABLE, append=False)
        self._table.write(line(clips.HEADER))

    @property
    def n_clips(self) -> int:
        """How many were written, or wait for their end."""
        return sum(self._n_of.values())

    def __enter__(self) -> Self:
        self._table.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._table.__exit__(kind, error, trace)

    def begin(self, pcm: Pcm, start_s: float, window_s: float) -> None:
        """Begin with sound that starts there, of which windows are so long."""
        room_s = max(window_s + 2 * self._cut.context_s, self._cut.length_s + window_s)
        self._ring, self._begins_s = Ring(pcm, room_s + PIECE_S + SLACK_S), start_s

    def push(self, samples: Array, rows: Sequence[Detection]) -> None:
        """Take sound, int16 or float32 [n, n_channels], and what was heard up to its end."""
        assert self._ring is not None
        self._want(rows)
        self._write(self._ring.n_taken)
        piece = round(PIECE_S * self._ring.rate_hz)
        for start in range(0, len(samples), piece):
            self._ring.push(samples[start : start + piece])
            self._write(self._ring.n_taken)

    def end(self, rows: Sequence[Detection]) -> None:
        """Take what was heard at the end, and cut what waits for sound that does not come."""
        self._want(rows)
        self._write(inf)

    def _want(self, rows: Sequence[Detection]) -> None:
        assert self._ring is not None
        for row in rows:
            whose = (row.model, clipnames.label(row))
            if self._n_of[whose] < self._most:
                self._n_of[whose] += 1
                times_s = self._cut.stretch(row)[:2]
                first, last = (round((at_s - self._begins_s) * self._ring.rate_hz) for at_s in times_s)
                self._waiting.append(_Wanted(row, first, last))

    def _write(self, up_to: float) -> None:
        """Write the clips whose sound is there."""
        assert self._ring is not None
        for _ in range(len(self._waiting)):
            wanted = self._waiting.popleft()
            if wanted.last > up_to:
                self._waiting.append(wanted)
                continue
            sound = self._ring.cut(wanted.first, wanted.last, wanted.row.channel)
            try:
                self._put(wanted.row, sound)
            except (OSError, OutputError) as full:
                self._stop(full)
                return

    def _put(self, row: Detection, sound: Float32) -> None:
        assert self._ring is not None
        if len(sound):
            name = self._names.of(row)
            lasts_s = clips.put(self.folder / name, (sound, self._ring.rate_hz))
            self._table.write(line(clips.told(row, name, self._cut.stretch(row), lasts_s)))

    def _stop(self, full: Exception) -> None:
        """Keep no more clips: rows matter more than they do."""
        told = full.strerror if isinstance(full, OSError) else str(full)
        self.why = self.why or f"{self.folder}: no more clips are kept ({told})"
        self._most = 0
        self._waiting.clear()
