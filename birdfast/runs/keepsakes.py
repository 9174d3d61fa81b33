"""Keepsakes: clips of what is heard in sound as it comes, cut out of its last seconds."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from ..arrays import Array
from ..audio.pcm import Pcm
from ..errors import ConfigError
from ..live.ring import Ring
from ..outcomes import Detection
from ..tables.files import CsvFile
from . import clipnames, clips
from .clips import Cut
from .output import output_folder

MOST = 10  # clips of a species
SLACK_S = 10.0  # from a window's end to when it is scored: blocks, and those of the resampler


class _Wanted(NamedTuple):
    """A detection whose clip is cut when the sound behind it is there; its times are those of the ring."""

    row: Detection
    start_s: float
    end_s: float


class Keepsakes:
    """Clips in a folder as `clips.write` leaves them, of detections as they are made; a context manager.

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
    """

    def __init__(self, folder: Path, most: int = MOST, cut: Cut | None = None) -> None:
        self._cut, self._most = cut or Cut(), most
        self._cut.check()
        self.folder = output_folder(folder)
        if any(self.folder.iterdir()):
            raise ConfigError(f"{folder}: not empty; clips of what is heard live take a new folder")
        self._n_of, self._waiting = Counter[tuple[str, str]](), deque[_Wanted]()
        self._ring: Ring | None = None
        self._begins_s, self._names = 0.0, set[str]()
        self._table = CsvFile(self.folder / clips.TABLE, clips.HEADER)

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
        room_s = max(window_s + 2 * self._cut.context_s, self._cut.length_s + window_s) + SLACK_S
        self._ring, self._begins_s = Ring(pcm, room_s), start_s

    def push(self, samples: Array, rows: Sequence[Detection]) -> None:
        """Take sound, int16 or float32 [n, n_channels], and what was heard up to its end."""
        assert self._ring is not None
        self._ring.push(samples)
        self._want(rows)
        self._write(self._ring.seconds)

    def end(self, rows: Sequence[Detection]) -> None:
        """Take what was heard at the end, and cut what waits for sound that does not come."""
        self._want(rows)
        self._write(float("inf"))

    def _want(self, rows: Sequence[Detection]) -> None:
        for row in rows:
            whose = (row.model, clipnames.label(row))
            if self._n_of[whose] < self._most:
                self._n_of[whose] += 1
                start_s, end_s, _ = self._cut.stretch(row)
                self._waiting.append(_Wanted(row, start_s - self._begins_s, end_s - self._begins_s))

    def _write(self, up_to_s: float) -> None:
        """Write the clips whose sound is there."""
        assert self._ring is not None
        for _ in range(len(self._waiting)):
            wanted = self._waiting.popleft()
            if wanted.end_s > up_to_s:
                self._waiting.append(wanted)
                continue
            sound = self._ring.cut(wanted.start_s, wanted.end_s, wanted.row.channel)
            if len(sound):
                (name,) = clipnames.names([wanted.row], self._cut.format)
                lasts_s = clips.put(self.folder / name, (sound, self._ring.rate_hz))
                self._table.write_row(clips.told(wanted.row, name, self._cut.stretch(wanted.row), lasts_s))
