"""Short-time transforms: count frames, fill rows in one pass of a compiled kernel, stream."""

from typing import Any, Generic

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..arrays import Float32
from ..config.checks import output
from . import plans
from .frames import Framing, PadMode, Row, Stream, check_audio, window_values


class ShortTime(Generic[Row]):
    """What all short-time transforms do: count frames, fill rows, stream. Made by its subclasses.

    Attributes
    ----------
    framing : Framing
        Where the frames lie.
    n_values : int
        Length of a row.
    """

    _dtype: type[Row]

    def __init__(self, framing: Framing, plan: _kernels.ShortTimePlan, n_values: int | None = None) -> None:
        self.framing = framing
        self.n_values = plan.n_values if n_values is None else n_values
        self._plan = plan

    @property
    def plan(self) -> _kernels.ShortTimePlan:
        """What the compiled core reads."""
        return self._plan

    @property
    def cpu(self) -> str:
        """The table of kernels this runs on."""
        return self._plan.cpu

    def frames(self, samples: int) -> int:
        """Return the number of rows that so many samples give."""
        return self.framing.count(samples)

    def __call__(self, audio: Float32, out: npt.NDArray[Row] | None = None) -> npt.NDArray[Row]:
        """Return the rows of a whole recording.

        Parameters
        ----------
        audio : float32 [samples]
        out : [frames, n_values] or None
            Where to write them, of any strides; None makes a new array.

        Returns
        -------
        [frames, n_values]
            `out`, if given. No rows for no samples.

        Raises
        ------
        AudioError
            Audio of another dtype or shape.
        ConfigError
            An `out` that does not fit, or that shares memory with the audio.
        """
        audio = check_audio(audio)
        return self._rows(audio, self.framing.start(0), self.frames(audio.size), out)

    def stream(self) -> Stream[Row]:
        """Return a new stream: the same rows, bit for bit, from blocks of audio as they come."""
        return Stream(self.framing, self._rows)

    def _rows(
        self, audio: Float32, start: int, count: int, out: npt.NDArray[Row] | None = None
    ) -> npt.NDArray[Row]:
        if out is None:
            out = np.empty((count, self.n_values), self._dtype)
        else:
            output((count, self.n_values), self._dtype, out, audio)
        if count:
            self._fill(audio, start, out)
        return out

    def _fill(self, audio: Float32, start: int, out: npt.NDArray[Any]) -> None:
        self._plan.run(audio, out, start=start, pad=self.framing.pad)


class Stft(ShortTime[np.complex64]):
    """Short-time Fourier transform: complex64 [frames, n_fft // 2 + 1].

    Parameters
    ----------
    n_fft : int
        Length of the transform, samples: a product of 2, 3 and 5.
    hop_samples : int
        From frame to frame.
    window : str or float [window_samples]
        See `window_values`.
    window_samples : int or None
        Length of the window, in the middle of n_fft samples; None is n_fft.
    center : bool
        Pad n_fft // 2 samples at both ends, so that frame f is centred at sample f * hop_samples.
    pad_mode : "constant", "reflect" or "edge"
        Padding with zeros, mirrored, or with the end's value.
    cpu : str or None
        The table of kernels to run on; None is the best one.

    Raises
    ------
    ConfigError
        Lengths that cannot be.
    """

    _dtype = np.complex64

    def __init__(
        self,
        n_fft: int,
        hop_samples: int,
        *,
        window: str | npt.ArrayLike = "hann",
        window_samples: int | None = None,
        center: bool = False,
        pad_mode: PadMode = "constant",
        cpu: str | None = None,
    ) -> None:
        framing = Framing.of_librosa(n_fft, hop_samples, window_samples, center, pad_mode)
        after = n_fft - framing.window_samples - framing.lead_samples
        values = window_values(window, framing.window_samples)
        transform = plans.frame_transform(n_fft, np.pad(values, (framing.lead_samples, after)), "complex")
        whole = Framing(n_fft, hop_samples, n_fft, 0, framing.pad_samples, pad_mode)
        super().__init__(whole, _kernels.FramePlan(transform, hop_samples, cpu=cpu), n_fft // 2 + 1)

    def _fill(self, audio: Float32, start: int, out: npt.NDArray[Any]) -> None:
        if out.strides[1] == out.itemsize:  # re, im side by side is what the kernel writes
            super()._fill(audio, start, out.view(np.float32))
        else:
            rows = np.empty(out.shape, np.complex64)
            super()._fill(audio, start, rows.view(np.float32))
            out[...] = rows
