"""Bands of clips: their spectrogram, read once for all folds and stages.

Whatever learns from a clip takes its bands from here: whitening, codebook, skip-gram, head, mixes, variants.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from .. import windows
from ..arrays import Float32
from ..errors import AudioError
from ..stsg.tokenizer import TokenFrontEnd
from . import contents
from .recordings import Clip, Tell
from .sheets import Cabinet, Kept, Sheet

MEMORY_BYTES = 1 << 30


@dataclass(frozen=True, eq=False)
class Bands:
    """The spectrogram of a clip.

    Parameters
    ----------
    values : float32 [n, n_bands]
        All of its frames, behind them those of the padding of its last window; where windows begin between
        two hops, the windows' own frames.
    n_frames : int
        How many lie wholly in the sound.
    spans : tuple of (first, last)
        Where the frames of each window are; the last one is padded with silence.
    """

    values: Float32
    n_frames: int
    spans: tuple[tuple[int, int], ...]

    @property
    def whole(self) -> Float32:
        """The recording's: float32 [n_frames, n_bands]."""
        return self.values[: self.n_frames]

    def windows(self) -> Iterator[Float32]:
        """Yield each window's: float32 [n_frames_of_window, n_bands]."""
        for first, last in self.spans:
            yield self.values[first:last]


@dataclass(frozen=True, eq=False)
class _Read:
    """What a clip was found to be: its bands (None: there is no room), remarks, or why it has none."""

    kept: Kept | None
    n_frames: int
    spans: tuple[tuple[int, int], ...]
    remarks: tuple[str, ...]
    fault: AudioError | None = None


class BandStore:
    """Bands of clips, by their files as they are; threads share it, and wait where one reads what they want.

    Parameters
    ----------
    front_end : TokenFrontEnd
    window_s : float
    folder : path or None
        Where files are made when the memory is used up; None is the system's place for such. `keep_in`
        chooses it later.
    memory_bytes : int
        What the bands in memory take at the most.

    Attributes
    ----------
    window_s : float
    n_of_window : int
        Frames of a window.
    """

    def __init__(
        self,
        front_end: TokenFrontEnd,
        window_s: float,
        folder: Path | None = None,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self._front_end = front_end
        self._spectrogram, self._rate_hz = front_end.spectrogram(), front_end.rate_hz
        self.window_s, self._hop = window_s, front_end.hop_samples
        n_window = round(window_s * front_end.rate_hz)
        self._grid = windows.Grid(front_end.rate_hz, n_window, n_window, "min-1s")
        self.n_of_window = len(self._spectrogram(np.zeros(n_window, np.float32)))
        self._read: dict[tuple[Any, ...], _Read] = {}
        self._reading: dict[tuple[Any, ...], Lock] = {}
        self._cabinet = Cabinet(memory_bytes, folder)

    def is_of(self, front_end: TokenFrontEnd, window_s: float) -> bool:
        """Whether it has the bands of such windows."""
        return (self._front_end, self.window_s) == (front_end, window_s)

    def keep_in(self, folder: Path) -> None:
        """Choose where files are made from now on."""
        self._cabinet.folder = folder

    def of(self, clip: Clip, tell: Tell) -> Bands:
        """Return the bands of a clip; `tell` as `Clip.opened`, also of one that was read before.

        Raises
        ------
        AudioError
            See `Clip.blocks`.
        """
        place = (clip.file, contents.state(clip.file), clip.start_s, clip.end_s, clip.channel, clip.max_hours)
        bands = None
        with self._reading.setdefault(place, Lock()):
            read = self._read.get(place)
            if read is None:
                bands, remarks, fault = self._heard(clip)
                kept = None if bands is None else self._cabinet.keep(bands.values)
                spans, n_frames = ((), 0) if bands is None else (bands.spans, bands.n_frames)
                read = self._read[place] = _Read(kept, n_frames, spans, remarks, fault)
        if read.kept is not None:  # a long one's own file is no longer needed
            bands = Bands(read.kept.values(), read.n_frames, read.spans)
        for remark in read.remarks:
            tell(remark)
        if read.fault is not None:
            raise read.fault.with_traceback(None)
        return bands if bands is not None else self._bands(clip, lambda _: None)

    def _heard(self, clip: Clip) -> tuple[Bands | None, tuple[str, ...], AudioError | None]:
        remarks = dict[str, None]()
        try:
            return self._bands(clip, remarks.setdefault), tuple(remarks), None
        except AudioError as error:
            return None, tuple(remarks), error

    def _bands(self, clip: Clip, tell: Tell) -> Bands:
        blocks = clip.blocks(self._rate_hz, tell)
        if self._grid.step_samples % self._hop:
            return self._between_hops(blocks)
        stream, sheet, n_samples = self._spectrogram.stream(), Sheet(self._cabinet.folder), 0
        for block in blocks:
            n_samples += len(block)
            sheet.add(stream.push(block))
        n_frames, n_windows = sheet.n_rows, self._grid.count(n_samples)
        missing = self._grid.span(0, n_windows)[1] - n_samples
        if n_windows and missing > 0:
            sheet.add(stream.push(np.zeros(missing, np.float32)))
        step = self._grid.step_samples // self._hop
        spans = tuple((i * step, i * step + self.n_of_window) for i in range(n_windows))
        return Bands(sheet.values(), n_frames, spans)

    def _between_hops(self, blocks: Iterator[Float32]) -> Bands:
        """Return bands whose windows do not begin where a frame of the recording does."""
        stream, cutter = self._spectrogram.stream(), windows.Cutter(self._grid, None, 1)
        whole, own = Sheet(self._cabinet.folder), Sheet(self._cabinet.folder)
        for block in blocks:
            whole.add(stream.push(block))
            for (window,) in cutter.push(block):
                own.add(self._spectrogram(window))
        for (window,) in cutter.end():
            own.add(self._spectrogram(window))
        n_frames, n = whole.n_rows, self.n_of_window
        spans = tuple((first, first + n) for first in range(n_frames, n_frames + own.n_rows, n))
        if own.n_rows:
            whole.add(own.values())
        return Bands(whole.values(), n_frames, spans)
