"""Short-time spectra, log-mel spectrograms and MFCCs: tables made once, then one pass of a compiled kernel.

Definitions and names are librosa's, with units in the names:

=============================  ===========================================
librosa                        here
=============================  ===========================================
sr, fmin, fmax                 rate_hz, fmin_hz, fmax_hz
hop_length, win_length         hop_samples, window_samples
htk=True, htk=False            mel_scale="htk", mel_scale="slaney"
norm                           mel_norm
power_to_db, amplitude_to_db   log="db", with power=2, with power=1
ref=numpy.max                  ref="max"
[bins, frames]                 [frames, bins]: a row is a frame
=============================  ===========================================

An object holds nothing but tables: threads may share it. Calls give the GIL away and the same bits on every
CPU. A NaN or an infinity in the audio makes the frames that read it NaN, and no other.
"""

import math
from dataclasses import dataclass
from typing import Any, Generic, Literal, Self, TypedDict, Unpack

import numpy as np
import numpy.typing as npt

from birdfast import _kernels, fft, mel
from birdfast.errors import ConfigError
from birdfast.frames import Float32, Framing, PadMode, Row, Stream, check_audio

Part = Literal["power", "magnitude", "real"]
Definition = Literal["librosa", "opensoundscape"]
LogKind = Literal["natural", "db"]

# Terms of periodic cosine windows (F. J. Harris, Proceedings of the IEEE 66, 1978)
_WINDOWS = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46), "blackman": (0.42, 0.5, 0.08), "boxcar": (1.0,)}


def window_values(window: str | npt.ArrayLike, samples: int) -> npt.NDArray[np.float64]:
    """A window of that many samples: periodic, as scipy.signal.get_window and librosa make it.

    Parameters
    ----------
    window : "hann", "hamming", "blackman", "boxcar", or the values themselves
    samples : length

    Returns
    -------
    float64 [samples]
    """
    if isinstance(window, str):
        if window not in _WINDOWS:
            raise ConfigError(f"window={window!r}: must be one of {', '.join(_WINDOWS)}, or an array")
        angle = 2 * np.pi / samples * np.arange(samples)
        return np.sum([(-1) ** k * a * np.cos(k * angle) for k, a in enumerate(_WINDOWS[window])], axis=0)
    values = np.asarray(window, np.float64)
    if values.shape != (samples,):
        raise ConfigError(f"window has the shape {values.shape}: must be [{samples}], its window_samples")
    return values


@dataclass(frozen=True)
class Log:
    """Natural logarithm of ``max(value + offset, floor)``."""

    offset: float = 0.0
    floor: float = 0.0


@dataclass(frozen=True)
class Power:
    """``value ** exponent``, or ``(value * value) ** exponent`` when `square` (for values of either sign)."""

    exponent: float
    square: bool = False


class ShortTime(Generic[Row]):
    """What all short-time transforms do: count frames, fill rows, stream. Made by its subclasses.

    Attributes
    ----------
    framing : where the frames lie
    n_values : length of a row
    """

    _dtype: type[Row]

    def __init__(self, framing: Framing, plan: _kernels.FramePlan, n_values: int) -> None:
        self.framing = framing
        self.n_values = n_values
        self._plan = plan

    @property
    def cpu(self) -> str:
        """The table of kernels this runs on."""
        return self._plan.cpu

    def frames(self, samples: int) -> int:
        """Number of rows that so many samples give."""
        return self.framing.count(samples)

    def __call__(self, audio: Float32, out: npt.NDArray[Row] | None = None) -> npt.NDArray[Row]:
        """The rows of a whole recording.

        Parameters
        ----------
        audio : float32 [samples]
        out : [frames, n_values] to write to, of any strides; None makes a new array

        Returns
        -------
        [frames, n_values]: `out`, if given. No rows for no samples.

        Raises
        ------
        AudioError
            for audio of another dtype or shape
        ConfigError
            for an `out` that does not fit
        """
        audio = check_audio(audio)
        return self._rows(audio, self.framing.start(0), self.frames(audio.size), out)

    def stream(self) -> Stream[Row]:
        """A new stream: the same rows, bit for bit, from blocks of audio as they come."""
        return Stream(self.framing, self._rows)

    def _rows(
        self, audio: Float32, start: int, count: int, out: npt.NDArray[Row] | None = None
    ) -> npt.NDArray[Row]:
        if out is None:
            out = np.empty((count, self.n_values), self._dtype)
        elif out.shape != (count, self.n_values) or out.dtype != self._dtype or not out.flags.writeable:
            raise ConfigError(
                f"out is {out.dtype} {list(out.shape)}{'' if out.flags.writeable else ', read-only'}: "
                f"must be {np.dtype(self._dtype)} {[count, self.n_values]}"
            )
        if count:
            self._fill(audio, start, out)
        return out

    def _fill(self, audio: Float32, start: int, out: npt.NDArray[Any]) -> None:
        self._plan.run(audio, out, start=start, pad=self.framing.pad)


class Stft(ShortTime[np.complex64]):
    """Short-time Fourier transform: complex64 [frames, n_fft // 2 + 1].

    Parameters
    ----------
    n_fft : length of the transform, samples: a product of 2, 3 and 5
    hop_samples : from frame to frame
    window : see :func:`window_values`
    window_samples : length of the window, in the middle of n_fft samples; None is n_fft
    center : pad n_fft // 2 samples at both ends, so that frame f is centred at sample f * hop_samples
    pad_mode : padding with zeros ("constant"), mirrored ("reflect"), or with the end's value ("edge")
    cpu : the table of kernels to run on; None is the best one

    Raises
    ------
    ConfigError
        for lengths that cannot be
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
        framing = _librosa_framing(n_fft, hop_samples, window_samples, center, pad_mode)
        after = n_fft - framing.window_samples - framing.lead_samples
        values = window_values(window, framing.window_samples)
        transform = fft.frame_transform(n_fft, np.pad(values, (framing.lead_samples, after)), "complex")
        whole = Framing(n_fft, hop_samples, n_fft, 0, framing.pad_samples, pad_mode)
        super().__init__(whole, _kernels.FramePlan(transform, hop_samples, cpu=cpu), n_fft // 2 + 1)

    def _fill(self, audio: Float32, start: int, out: npt.NDArray[Any]) -> None:
        if out.strides[1] == out.itemsize:  # re, im side by side is what the kernel writes
            super()._fill(audio, start, out.view(np.float32))
        else:
            rows = np.empty(out.shape, np.complex64)
            super()._fill(audio, start, rows.view(np.float32))
            out[...] = rows


class MelSpectrogram(ShortTime[np.float32]):
    """Weighted sums of a short-time spectrum, from tables: float32 [frames, n_values].

    A frame's spectrum becomes its real part, magnitude or power; bands are weighted sums of that, plus
    `bias`; then comes `post`, then ``* scale + shift``, then the product with `matrix`. :class:`LogMel` and
    :class:`Mfcc` make such tables; the front end of a network brings its own.

    Parameters
    ----------
    window : [window_samples], what each frame is multiplied with; zeros follow up to `n_fft`
    n_fft : length of the transform, samples: a product of 2, 3 and 5
    hop_samples : from frame to frame
    mel : [n_mels, n_fft // 2 + 1], weights of the bins in each band; the narrower the bands, the faster
    part : "real", "magnitude" or "power" of the spectrum
    bias : [n_mels], added to the sums
    post : None, :class:`Log` or :class:`Power`
    scale, shift : of the values that `post` gives
    matrix : [n_values, n_mels], multiplied with each row at last (a DCT, a PCA); None leaves the bands
    framing : for other frames than those at multiples of `hop_samples` that lie within the recording
    subtract_mean : take each frame's mean from it before the window (scipy: ``detrend="constant"``); only
        without padding
    cpu : the table of kernels to run on; None is the best one

    Raises
    ------
    ConfigError
        for tables that do not fit each other
    """

    _dtype = np.float32

    def __init__(
        self,
        window: npt.ArrayLike,
        n_fft: int,
        hop_samples: int,
        mel: npt.ArrayLike,
        *,
        part: Part = "power",
        bias: npt.ArrayLike | None = None,
        post: Log | Power | None = None,
        scale: float = 1.0,
        shift: float = 0.0,
        matrix: npt.ArrayLike | None = None,
        framing: Framing | None = None,
        subtract_mean: bool = False,
        cpu: str | None = None,
    ) -> None:
        window = _table("window", window, (None,))
        framing = framing or Framing(window.size, hop_samples, window.size)
        if subtract_mean and framing.pad_samples:
            raise ConfigError("subtract_mean=True: frames without padding only (center=False)")
        weights = _table("mel", mel, (None, n_fft // 2 + 1))
        bands = fft.Bands.pack(weights)
        plan = _kernels.FramePlan(
            fft.frame_transform(n_fft, window, part, bands.last_bin),
            window.size if subtract_mean else hop_samples,
            bands=bands,
            bias=None if bias is None else _table("bias", bias, (len(weights),)),
            matrix=None if matrix is None else _table("matrix", matrix, (None, len(weights))),
            scale=scale,
            shift=shift,
            cpu=cpu,
            **_post_options(post),
        )
        super().__init__(framing, plan, plan.n_values)
        self._subtract_mean = subtract_mean

    def _fill(self, audio: Float32, start: int, out: npt.NDArray[Any]) -> None:
        if not self._subtract_mean:
            super()._fill(audio, start, out)
            return
        for first in range(0, len(out), _BLOCK_FRAMES):
            rows = out[first : first + _BLOCK_FRAMES]
            block = _without_mean(audio, self.framing, start + first * self.framing.hop_samples, len(rows))
            self._plan.run(block.reshape(-1), rows)


class MelOptions(TypedDict, total=False):
    """What :class:`LogMel` and :class:`Mfcc` have in common; LogMel says what each is."""

    window: str | npt.ArrayLike
    window_samples: int | None
    fmin_hz: float
    fmax_hz: float | None
    power: Literal[1, 2]
    mel_scale: mel.MelScale
    mel_norm: mel.MelNorm | None
    log: LogKind | None
    offset: float
    amin: float | None
    ref: float | Literal["max"]
    top_db: float | None
    center: bool
    pad_mode: PadMode
    definition: Definition
    cpu: str | None


class LogMel(MelSpectrogram):
    """Log-mel spectrogram, as librosa defines it: float32 [frames, n_mels].

    Parameters
    ----------
    rate_hz : sampling rate
    n_fft, hop_samples, window, window_samples, center, pad_mode, cpu : as in :class:`Stft`
    n_mels, fmin_hz, fmax_hz, mel_scale, mel_norm : the bands, see :func:`birdfast.mel.filters`
    power : 2 sums the power of the bins (librosa's default), 1 their magnitude
    log : of a band's value v: "natural" is ``log(max(v + offset, amin))``, "db" is decibels,
        ``10 log10(max(v + offset, amin) / ref)``, with power=1 ``20 log10``; None leaves v as it is
    offset : added before the logarithm (networks are often trained on ``log(v + 1e-6)``)
    amin : smallest value the logarithm sees; None is 1e-10, with power=1 1e-5
    ref : of log="db": the value of 0 dB, or "max", the largest value of the recording
    top_db : of log="db": raise everything to at least the recording's largest value less this
    matrix : [n_values, n_mels], multiplied with each row at last (:class:`Mfcc`: a DCT)
    definition : "librosa", or "opensoundscape", which follows OpenSoundscape 0.12's
        ``MelSpectrogram.from_audio(..., scaling="spectrum")``, that is ``scipy.signal.spectrogram``: frames
        count as soon as their window fits, each frame's mean is taken from it, power is that of a sine at
        its bin (one-sided, over the squared sum of the window), bands are divided by the mean sum of their
        weights

    Raises
    ------
    ConfigError
        for options that cannot be or do not go together

    Notes
    -----
    `top_db` and ``ref="max"`` need the maximum over the recording, so a stream cannot have them.
    """

    def __init__(
        self,
        rate_hz: float,
        n_fft: int,
        hop_samples: int,
        n_mels: int = 128,
        *,
        window: str | npt.ArrayLike = "hann",
        window_samples: int | None = None,
        fmin_hz: float = 0.0,
        fmax_hz: float | None = None,
        power: Literal[1, 2] = 2,
        mel_scale: mel.MelScale = "slaney",
        mel_norm: mel.MelNorm | None = "slaney",
        log: LogKind | None = "natural",
        offset: float = 0.0,
        amin: float | None = None,
        ref: float | Literal["max"] = 1.0,
        top_db: float | None = None,
        center: bool = False,
        pad_mode: PadMode = "constant",
        matrix: npt.ArrayLike | None = None,
        definition: Definition = "librosa",
        cpu: str | None = None,
    ) -> None:
        _check_choices(power, log, ref, top_db, definition, center)
        framing = _librosa_framing(n_fft, hop_samples, window_samples, center, pad_mode)
        values = window_values(window, framing.window_samples)
        bands = mel.filters(
            rate_hz, n_fft, n_mels, fmin_hz=fmin_hz, fmax_hz=fmax_hz, scale=mel_scale, norm=mel_norm
        )
        if definition == "opensoundscape":
            framing = Framing(values.size, hop_samples, values.size)
            bands = _opensoundscape_bands(bands, values, n_fft)
        self._top_db, self._ref_max = top_db, ref == "max"
        self._last = None if matrix is None else _table("matrix", matrix, (None, n_mels))
        smallest = (1e-10 if power == 2 else 1e-5) if amin is None else amin
        super().__init__(
            values,
            n_fft,
            hop_samples,
            bands,
            part="power" if power == 2 else "magnitude",
            matrix=None if self._needs_peak else self._last,
            framing=framing,
            subtract_mean=definition == "opensoundscape",
            cpu=cpu,
            **_log_options(log, power, offset, smallest, ref),
        )
        self.n_values = n_mels if self._last is None else len(self._last)

    @property
    def _needs_peak(self) -> bool:
        return self._top_db is not None or self._ref_max

    def stream(self) -> Stream[np.float32]:
        """A new stream: the same rows, bit for bit, from blocks of audio as they come.

        Raises
        ------
        ConfigError
            with `top_db` or ``ref="max"``
        """
        if self._needs_peak:
            option = 'ref="max"' if self._ref_max else f"top_db={self._top_db:g}"
            raise ConfigError(
                f"{option} is relative to the loudest value of the whole recording, which a stream does not "
                "know yet: take top_db=None and a number as ref"
            )
        return super().stream()

    def _fill(self, audio: Float32, start: int, out: npt.NDArray[Any]) -> None:
        if not self._needs_peak:
            super()._fill(audio, start, out)
            return
        bands = out if self._last is None else np.empty((len(out), self._last.shape[1]), np.float32)
        super()._fill(audio, start, bands)
        if self._ref_max:
            bands -= bands.max()
        if self._top_db is not None:
            np.maximum(bands, bands.max() - np.float32(self._top_db), out=bands)
        if self._last is not None:
            _kernels.project(bands, self._last, out, cpu=self.cpu)


class Mfcc(LogMel):
    """Mel frequency cepstral coefficients, the orthonormal DCT-II of log-mels: float32 [frames, n_mfcc].

    Parameters
    ----------
    rate_hz, n_fft, hop_samples, n_mels : as in :class:`LogMel`
    n_mfcc : number of coefficients
    options : as in :class:`LogMel`, but that `log` is "db" unless said. ``librosa.feature.mfcc`` has
        ``top_db=80, center=True``
    """

    def __init__(
        self,
        rate_hz: float,
        n_fft: int,
        hop_samples: int,
        n_mfcc: int = 20,
        n_mels: int = 128,
        **options: Unpack[MelOptions],
    ) -> None:
        options.setdefault("log", "db")
        super().__init__(rate_hz, n_fft, hop_samples, n_mels, matrix=mel.dct(n_mfcc, n_mels), **options)

    @classmethod
    def of_linear_power(cls, cpu: str | None = None) -> Self:
        """20 MFCCs of linear mel power, 8 frames a second at 32 kHz: the tokens' feature in the STSG paper.

        Miyaguchi, Gustineli, Cheung, "Distilling Spectrograms into Tokens", BirdCLEF+ 2025: OpenSoundscape's
        mel spectrogram (FFT 8192, Hann window of 8000 samples, hop 4000, 128 bands), without a logarithm
        given to ``librosa.feature.mfcc(S=...)``.
        """
        return cls(
            32_000, 8192, 4000, 20, 128, window_samples=8000, log=None, definition="opensoundscape", cpu=cpu
        )


_BLOCK_FRAMES = 64  # frames whose means are taken out at a time: they stay in the cache


def _without_mean(audio: Float32, framing: Framing, start: int, count: int) -> Float32:
    """Frames less their means, [count, window_samples].

    Sums are float64, over stretches that all frames share, so they do not depend on where a block starts.
    """
    length, hop = framing.window_samples, framing.hop_samples
    piece = audio[start : start + (count - 1) * hop + length]
    stretch = math.gcd(length, hop)
    sums = piece.reshape(-1, stretch).astype(np.float64).sum(axis=1)
    in_frames = np.lib.stride_tricks.sliding_window_view(sums, length // stretch)[:: hop // stretch]
    means = np.ascontiguousarray(in_frames).sum(axis=1) / length
    frames = np.lib.stride_tricks.sliding_window_view(piece, length)[::hop]
    return np.subtract(frames, means.astype(np.float32)[:, None])


def _librosa_framing(
    n_fft: int, hop_samples: int, window_samples: int | None, center: bool, pad_mode: PadMode
) -> Framing:
    fft.check_length(n_fft)
    length = n_fft if window_samples is None else window_samples
    return Framing(length, hop_samples, n_fft, (n_fft - length) // 2, n_fft // 2 if center else 0, pad_mode)


def _opensoundscape_bands(
    bands: npt.NDArray[np.float64], window: npt.NDArray[np.float64], n_fft: int
) -> npt.NDArray[np.float64]:
    one_sided = np.full(n_fft // 2 + 1, 2.0)
    one_sided[0] = 1.0
    if n_fft % 2 == 0:
        one_sided[-1] = 1.0
    return np.asarray(bands / bands.sum(axis=1).mean() * one_sided / window.sum() ** 2)


def _table(name: str, values: npt.ArrayLike, shape: tuple[int | None, ...]) -> Float32:
    table = np.ascontiguousarray(values, np.float32)
    fits = table.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape, table.shape, strict=True))
    if not fits or not table.size:
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise ConfigError(f"{name} has the shape {list(table.shape)}: must be [{wanted}]")
    return table


def _post_options(post: Log | Power | None) -> dict[str, Any]:
    match post:
        case None:
            return {}
        case Log(offset, floor):
            return {"post": "log", "offset": offset, "floor": floor}
        case Power(exponent, square):
            return {"post": "pow", "exponent": exponent, "square": square}
    raise ConfigError(f"post={post!r}: must be a Log, a Power or None")


def _log_options(
    log: LogKind | None, power: int, offset: float, amin: float, ref: float | str
) -> dict[str, Any]:
    if log is None:
        return {}
    if not amin > 0:
        raise ConfigError(f"amin={amin}: must be above 0")
    post = Log(offset, amin)
    if log == "natural":
        return {"post": post}
    decibels = 10.0 if power == 2 else 20.0
    zero = 1.0 if isinstance(ref, str) else max(amin, ref)
    return {"post": post, "scale": decibels / math.log(10), "shift": -decibels * math.log10(zero)}


def _check_choices(
    power: int, log: str | None, ref: float | str, top_db: float | None, definition: str, center: bool
) -> None:
    if power not in (1, 2):
        raise ConfigError(f"power={power}: must be 1 (magnitude) or 2 (power)")
    if log not in ("natural", "db", None):
        raise ConfigError(f'log={log!r}: must be "natural", "db" or None')
    if ref != "max" and not (isinstance(ref, (int, float)) and ref > 0):
        raise ConfigError(f'ref={ref!r}: must be a number above 0, or "max"')
    if log != "db" and (ref != 1.0 or top_db is not None):
        raise ConfigError(f'ref={ref!r}, top_db={top_db}: are for log="db", not log={log!r}')
    if top_db is not None and not top_db >= 0:
        raise ConfigError(f"top_db={top_db}: must be 0 or more")
    if definition not in ("librosa", "opensoundscape"):
        raise ConfigError(f'definition={definition!r}: must be "librosa" or "opensoundscape"')
    if definition == "opensoundscape" and (center or power != 2):
        raise ConfigError(f'definition="opensoundscape" has center=False, power=2; got {center}, {power}')
