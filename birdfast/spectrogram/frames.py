"""Frames of a recording: their window, where they lie, and the same frames out of a stream."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, Self, TypeVar

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..arrays import Float32
from ..config import LARGEST, check, flag, whole
from ..config.checks import floats
from ..errors import AudioError, ConfigError

PadMode = Literal["constant", "reflect", "edge"]
Pad = Literal["none", "zero", "reflect", "edge"]
Row = TypeVar("Row", bound=np.generic)
_MAX_HOP = 2**24 - 1
_MAX_WINDOW = 2**20  # samples: more than any transform takes
PADS: dict[PadMode, Pad] = {"constant": "zero", "reflect": "reflect", "edge": "edge"}  # NumPy's and ours


def window_values(window: str | npt.ArrayLike, samples: int) -> npt.NDArray[np.float64]:
    """Return a window of that many samples: periodic, as scipy.signal.get_window and librosa make it.

    Parameters
    ----------
    window : "hann", "hamming", "blackman", "boxcar", or float [samples]
        A name, or the values themselves.
    samples : int

    Returns
    -------
    float64 [samples]

    Raises
    ------
    ConfigError
        Another name, another number of values, or a number of samples that cannot be.
    """
    samples = whole("samples", samples, 1, _MAX_WINDOW)
    if isinstance(window, str):
        if window not in _kernels.WINDOWS:
            raise ConfigError(f"window={window!r}: must be one of {', '.join(_kernels.WINDOWS)}, or an array")
        made = np.empty(samples)
        _kernels.window_values(window, made)
        return made
    floats("the window's values", window)
    values = np.asarray(window, np.float64)
    if values.shape != (samples,):
        raise ConfigError(f"window has the shape {list(values.shape)}: must be [{samples}], its samples")
    return values


def check_audio(audio: npt.NDArray[Any]) -> Float32:
    """Return the audio as kernels read it.

    Parameters
    ----------
    audio : float32 [samples]
        Of any stride.

    Returns
    -------
    float32 [samples], contiguous
        The same array where it already is.

    Raises
    ------
    AudioError
        Another dtype or shape, or no array.
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

    Parameters
    ----------
    window_samples, hop_samples, span_samples, lead_samples, pad_samples : int
    pad_mode : "constant", "reflect" or "edge"

    Raises
    ------
    ConfigError
        Lengths that cannot be, or an unknown `pad_mode`.
    """

    window_samples: int
    hop_samples: int
    span_samples: int
    lead_samples: int = 0
    pad_samples: int = 0
    pad_mode: PadMode = "constant"

    def __post_init__(self) -> None:
        for name in ("window_samples", "hop_samples", "span_samples", "lead_samples", "pad_samples"):
            object.__setattr__(self, name, whole(name, getattr(self, name), -LARGEST))
        if not 1 <= self.hop_samples <= _MAX_HOP:
            raise ConfigError(f"hop_samples={self.hop_samples}: must be 1 to {_MAX_HOP}")
        if not 1 <= self.window_samples <= self.span_samples:
            raise ConfigError(f"window_samples={self.window_samples}: must be 1 to n_fft={self.span_samples}")
        if not (isinstance(self.pad_mode, str) and self.pad_mode in PADS):
            raise ConfigError(f"pad_mode={self.pad_mode!r}: must be one of {', '.join(PADS)}")

    @classmethod
    def of_librosa(
        cls, n_fft: int, hop_samples: int, window_samples: int | None, center: bool, pad_mode: PadMode
    ) -> Self:
        """Return frames as librosa counts them: n_fft samples each, a shorter window in their middle.

        With `center`, n_fft // 2 samples of padding make frame f centred at sample ``f * hop_samples``.
        """
        n_fft = whole("n_fft", n_fft, -LARGEST)
        length = n_fft if window_samples is None else whole("window_samples", window_samples, -LARGEST)
        flag("center", center)
        return cls(length, hop_samples, n_fft, (n_fft - length) // 2, n_fft // 2 if center else 0, pad_mode)

    @property
    def pad(self) -> Pad:
        """What a kernel is to do outside the recording."""
        return PADS[self.pad_mode] if self.pad_samples else "none"

    def count(self, samples: int) -> int:
        """Return the number of frames in a recording of this length; none in an empty one."""
        samples = whole("samples", samples)
        room = samples + 2 * self.pad_samples - self.span_samples
        return 0 if samples == 0 or room < 0 else room // self.hop_samples + 1

    def start(self, frame: int) -> int:
        """Return the sample at which a frame's window starts: below 0, it starts in the padding."""
        frame = whole("frame", frame)
        return frame * self.hop_samples + self.lead_samples - self.pad_samples

    def settled(self, samples: int) -> int:
        """Return the number of leading frames that no later sample can change, once `samples` are known."""
        samples = whole("samples", samples)
        if self.pad_mode == "reflect" and samples <= -self.start(0):
            return 0
        room = samples - self.window_samples - self.start(0)
        return min(self.count(samples), max(0, room // self.hop_samples + 1))


class Stream(Generic[Row]):
    """Rows of a recording that arrives in blocks: bit for bit those of the whole, whatever the blocks.

    Made by the `stream()` of a spectrogram; a tokenizer streams patches of one in the same way. Holds no
    more than about a frame, a hop and the padding. Kernels work on groups of frames: blocks of a second cost
    no more than the whole recording, blocks of a single frame about twenty times as much (120 s at 32 kHz,
    hop 512: 5 ms and 107 ms).

    Parameters
    ----------
    framing : Framing
    rows : callable (samples, start, count)
        Makes rows of so many frames, the first of which starts at a place of the samples that are held.

    Raises
    ------
    ConfigError
        Something else than frames and a callable.
    """

    def __init__(self, framing: Framing, rows: Callable[[Float32, int, int], npt.NDArray[Row]]) -> None:
        check(isinstance(framing, Framing), "framing", framing, "a Framing")
        check(callable(rows), "rows", rows, "a callable (samples, start, count)")
        self._framing = framing
        self._rows = rows
        self._restart()

    def _restart(self) -> None:
        self._held: Float32 = np.empty(0, np.float32)
        self._at = self._samples = self._done = 0

    def push(self, block: Float32) -> npt.NDArray[Row]:
        """Take in the next samples; return the rows of the frames they complete.

        Parameters
        ----------
        block : float32 [samples]
            Any number of them, also none.

        Returns
        -------
        [frames, ...]
            Often no frames at all.

        Raises
        ------
        AudioError
            Another dtype or shape.
        """
        self._held = np.concatenate((self._held, check_audio(block)))
        self._samples = self._at + self._held.size
        rows = self._advance(max(self._done, self._framing.settled(self._samples)))
        self._forget()
        return rows

    def finish(self) -> npt.NDArray[Row]:
        """Return the rows of the frames at the end, which read padding; the stream then starts afresh."""
        rows = self._advance(self._framing.count(self._samples))
        self._restart()
        return rows

    def _advance(self, last: int) -> npt.NDArray[Row]:
        start = self._framing.start(self._done) - self._at
        rows = self._rows(self._held, start, last - self._done)
        self._done = last
        return rows

    def _forget(self) -> None:
        needed = self._framing.start(self._done)
        if self._framing.pad_samples:  # what the end will mirror
            needed = min(needed, self._samples - self._framing.pad_samples - 1)
        drop = min(max(0, needed - self._at), self._held.size)
        self._held = self._held[drop:].copy() if drop else self._held
        self._at += drop
