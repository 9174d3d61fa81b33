"""Frames of a recording: where they lie, what padding they read, and the same frames out of a stream."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from birdfast.errors import AudioError, ConfigError

PadMode = Literal["constant", "reflect", "edge"]
Float32 = npt.NDArray[np.float32]
Row = TypeVar("Row", bound=np.generic)


def check_audio(audio: npt.NDArray[Any]) -> Float32:
    """The audio as kernels read it, or an AudioError that says what is wrong.

    Parameters
    ----------
    audio : float32 [samples], of any stride

    Returns
    -------
    float32 [samples], contiguous: the same array where it already is
    """
    if not isinstance(audio, np.ndarray):
        raise AudioError(f"audio is a {type(audio).__name__}: must be a NumPy array of float32")
    if audio.ndim != 1:
        raise AudioError(f"audio has the shape {audio.shape}: must be [samples], one channel at a time")
    if audio.dtype != np.float32:
        hint = "divide by full scale and convert" if audio.dtype.kind in "iu" else "convert"
        raise AudioError(f"audio is of {audio.dtype}: must be float32, {hint} with .astype(np.float32)")
    return np.ascontiguousarray(audio)


@dataclass(frozen=True)
class Framing:
    """Which samples each frame reads.

    Frame f has a span of `span_samples`, from ``f * hop_samples - pad_samples``, and exists if its span ends
    within the padded recording. Of the span it reads `window_samples`, from `lead_samples` on.

    Raises
    ------
    ConfigError
        for lengths that cannot be and an unknown `pad_mode`
    """

    window_samples: int
    hop_samples: int
    span_samples: int
    lead_samples: int = 0
    pad_samples: int = 0
    pad_mode: PadMode = "constant"

    def __post_init__(self) -> None:
        if self.hop_samples < 1:
            raise ConfigError(f"hop_samples={self.hop_samples}: must be at least 1")
        if not 1 <= self.window_samples <= self.span_samples:
            raise ConfigError(
                f"window_samples={self.window_samples}: must be 1 to n_fft={self.span_samples}"
            )
        if self.pad_mode not in ("constant", "reflect", "edge"):
            raise ConfigError(f'pad_mode={self.pad_mode!r}: must be "constant", "reflect" or "edge"')

    @property
    def shift_samples(self) -> int:
        """Where the first frame's window starts: below 0, it starts in the padding."""
        return self.lead_samples - self.pad_samples

    def count(self, samples: int) -> int:
        """Number of frames in a recording of this length; none in an empty one."""
        room = samples + 2 * self.pad_samples - self.span_samples
        return 0 if samples == 0 or room < 0 else room // self.hop_samples + 1

    def unpadded(self, samples: int) -> tuple[int, int]:
        """The first frame that reads no padding, and the frame after the last such one."""
        total = self.count(samples)
        first = min(total, max(0, -(self.shift_samples // self.hop_samples)))
        room = samples - self.window_samples - self.shift_samples
        return first, max(first, min(total, room // self.hop_samples + 1))

    def padded(self, held: Float32, at: int, samples: int, first: int, last: int) -> Float32:
        """What the frames `first` to `last` - 1 read, padding included, as one contiguous piece.

        Parameters
        ----------
        held : float32, the recording from sample `at` to its end (or as far as the frames read)
        at : first sample that is held
        samples : length of the recording
        """
        start = first * self.hop_samples + self.shift_samples
        stop = (last - 1) * self.hop_samples + self.shift_samples + self.window_samples
        position = np.arange(start, stop)
        if self.pad_mode == "reflect":
            position = _reflected(position, samples)
        piece = held[np.clip(position, 0, samples - 1) - at]
        if self.pad_mode == "constant":
            piece[(position < 0) | (position >= samples)] = 0
        return piece

    def settled(self, samples: int) -> int:
        """Number of leading frames that no later sample can change, once `samples` are known."""
        unknown = self.pad_mode == "reflect" and samples <= -self.shift_samples
        return 0 if unknown else self.unpadded(samples)[1]


class Stream(Generic[Row]):
    """Rows of a recording that arrives in blocks: bit for bit those of the whole, whatever the blocks.

    Made by the ``stream()`` of a spectrogram. Holds no more than about a frame, a hop and the padding.
    """

    def __init__(
        self, framing: Framing, rows: Callable[[Float32, int, int, int, int], npt.NDArray[Row]]
    ) -> None:
        self._framing = framing
        self._rows = rows
        self._restart()

    def _restart(self) -> None:
        self._held: Float32 = np.empty(0, np.float32)
        self._at = self._samples = self._done = 0

    def push(self, block: Float32) -> npt.NDArray[Row]:
        """Take in the next samples; give the rows of the frames they complete.

        Parameters
        ----------
        block : float32 [samples], any number of them, also none

        Returns
        -------
        [frames, ...], often no frames at all

        Raises
        ------
        AudioError
            for another dtype or shape
        """
        self._held = np.concatenate((self._held, check_audio(block)))
        self._samples = self._at + self._held.size
        rows = self._advance(max(self._done, self._framing.settled(self._samples)))
        self._forget()
        return rows

    def finish(self) -> npt.NDArray[Row]:
        """The rows of the frames at the end, which read padding; the stream then starts afresh."""
        rows = self._advance(self._framing.count(self._samples))
        self._restart()
        return rows

    def _advance(self, last: int) -> npt.NDArray[Row]:
        rows = self._rows(self._held, self._at, self._samples, self._done, last)
        self._done = last
        return rows

    def _forget(self) -> None:
        framing = self._framing
        needed = self._done * framing.hop_samples + framing.shift_samples
        if framing.pad_samples:
            needed = min(needed, self._samples - framing.pad_samples - 1)
        drop = min(max(0, needed - self._at), self._held.size)
        self._held = self._held[drop:].copy() if drop else self._held
        self._at += drop


def _reflected(position: npt.NDArray[np.int64], samples: int) -> npt.NDArray[np.int64]:
    if samples == 1:
        return np.zeros_like(position)
    folded = position % (2 * (samples - 1))
    return np.minimum(folded, 2 * (samples - 1) - folded)
