"""Log-mel spectrograms in their users' words: librosa's and OpenSoundscape's definitions."""

from typing import Any, Literal, TypedDict

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..arrays import Float32
from ..config import flag, number, real
from ..errors import ConfigError
from . import mel, plans
from .frames import PADS, Framing, PadMode, Stream, window_values
from .melspectrogram import table
from .shorttime import ShortTime

Definition = Literal["librosa", "opensoundscape"]
LogKind = Literal["natural", "db"]


class MelOptions(TypedDict, total=False):
    """What `LogMel` and `Mfcc` have in common; `LogMel` says what each is."""

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


class LogMel(ShortTime[np.float32]):
    """Log-mel spectrogram, as librosa defines it: float32 [frames, n_mels].

    Parameters
    ----------
    rate_hz : float
        Sampling rate.
    n_fft, hop_samples, window, window_samples, center, pad_mode, cpu
        As in `Stft`.
    n_mels, fmin_hz, fmax_hz, mel_scale, mel_norm
        The bands: see `mel.filters`.
    power : 2 or 1
        2 sums the power of the bins (librosa's default), 1 their magnitude.
    log : "natural", "db" or None
        Of a band's value v: "natural" is ``log(max(v + offset, amin))``, "db" is decibels,
        ``10 log10(max(v + offset, amin) / ref)``, with power=1 ``20 log10``; None leaves v as it is.
    offset : float
        Added before the logarithm (networks are often trained on ``log(v + 1e-6)``).
    amin : float or None
        The smallest value the logarithm sees; None is 1e-10, with power=1 1e-5.
    ref : float or "max"
        Of log="db": the value of 0 dB, or "max", the largest value of the recording.
    top_db : float or None
        Of log="db": raise everything to at least the recording's largest value less this.
    matrix : float [n_values, n_mels] or None
        Multiplied with each row at last (`Mfcc`: a DCT).
    definition : "librosa" or "opensoundscape"
        "opensoundscape" follows OpenSoundscape 0.12's ``MelSpectrogram.from_audio(..., scaling="spectrum")``,
        that is ``scipy.signal.spectrogram``: frames count as soon as their window fits, each frame's mean is
        taken from it, power is that of a sine at its bin (one-sided, over the squared sum of the window),
        bands are divided by the mean sum of their weights.

    Raises
    ------
    ConfigError
        Options that cannot be or do not go together.

    Notes
    -----
    `top_db` and ``ref="max"`` need the maximum over the recording, so a stream cannot have them, and a call
    with `out` still allocates one array. They pass over NaN.
    """

    _dtype = np.float32

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
        plans.check_length(n_fft)
        framing = Framing.of_librosa(n_fft, hop_samples, window_samples, center, pad_mode)
        values = window_values(window, framing.window_samples)
        top_hz = mel.check(rate_hz, n_fft, n_mels, fmin_hz, fmax_hz, mel_scale, mel_norm)
        if definition == "opensoundscape":
            if n_fft % 2:
                raise ConfigError(f'n_fft={n_fft}: must be even for definition="opensoundscape"')
            framing = Framing(values.size, hop_samples, values.size)
        self._top_db, self._ref_max = top_db, ref == "max"
        self._last = None if matrix is None else table("matrix", matrix, (None, n_mels))
        smallest = (1e-10 if power == 2 else 1e-5) if amin is None else amin
        plan = _kernels.LogMelPlan(
            rate_hz,
            n_fft,
            hop_samples,
            n_mels,
            values,
            framing.window_samples,
            fmin_hz=fmin_hz,
            fmax_hz=top_hz,
            power=power,
            mel_scale=mel_scale,
            mel_normalize=mel_norm is not None,
            matrix=None if self._needs_peak else self._last,
            center=center,
            pad=PADS[pad_mode],
            opensoundscape=definition == "opensoundscape",
            cpu=cpu,
            **_log_options(log, offset, smallest, ref),
        )
        mel.warn_of_empty_bands(plan.empty_bands(), n_mels, rate_hz, n_fft)
        super().__init__(framing, plan, n_mels if self._last is None else len(self._last))
        self._n_mels = n_mels

    @property
    def _needs_peak(self) -> bool:
        return self._top_db is not None or self._ref_max

    def stream(self) -> Stream[np.float32]:
        """Return a new stream: the same rows, bit for bit, from blocks of audio as they come.

        Raises
        ------
        ConfigError
            `top_db` or ``ref="max"`` was chosen.
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
        bands = np.empty((len(out), self._n_mels), np.float32)
        super()._fill(audio, start, bands)
        peak: np.float32 = np.fmax.reduce(bands.reshape(-1))  # passes over NaN
        if self._ref_max:
            bands -= peak
            peak = np.float32(0)
        if self._top_db is not None:
            np.maximum(bands, peak - np.float32(self._top_db), out=bands)
        if self._last is not None:
            rows = np.empty(out.shape, np.float32)
            _kernels.project(bands, self._last, rows, cpu=self.cpu)
            out[...] = rows
        else:
            out[...] = bands


def _log_options(log: LogKind | None, offset: float, amin: float, ref: float | str) -> dict[str, Any]:
    if log is None:
        return {"level": None}
    real("amin", amin)
    if not amin > 0:
        raise ConfigError(f"amin={amin}: must be above 0")
    number("amin", amin)
    zero = {} if isinstance(ref, str) else {"ref": ref}
    return {"level": log, "offset": number("offset", offset), "amin": amin, **zero}


def _check_choices(
    power: int, log: str | None, ref: float | str, top_db: float | None, definition: str, center: bool
) -> None:
    flag("center", center)
    real("power", power)
    if power not in (1, 2):
        raise ConfigError(f"power={power}: must be 1 (magnitude) or 2 (power)")
    if not (log is None or (isinstance(log, str) and log in ("natural", "db"))):
        raise ConfigError(f'log={log!r}: must be "natural", "db" or None')
    if not (ref == "max" if isinstance(ref, str) else number("ref", ref) > 0):
        raise ConfigError(f'ref={ref!r}: must be a number above 0, or "max"')
    if log != "db" and (ref != 1.0 or top_db is not None):
        raise ConfigError(f'ref={ref!r}, top_db={top_db}: are for log="db", not log={log!r}')
    real("top_db", 0 if top_db is None else top_db)
    if top_db is not None and not top_db >= 0:
        raise ConfigError(f"top_db={top_db}: must be 0 or more")
    if not (isinstance(definition, str) and definition in ("librosa", "opensoundscape")):
        raise ConfigError(f'definition={definition!r}: must be "librosa" or "opensoundscape"')
    if definition == "opensoundscape" and (center or power != 2):
        raise ConfigError(f'definition="opensoundscape" has center=False, power=2; got {center}, {power}')
