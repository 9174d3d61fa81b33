"""A recording as a spectrogram, with what was detected in it written over the time it was heard."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from . import audio
from .arrays import Float32
from .atomicfile import AtomicFile
from .errors import ConfigError
from .outcomes import Detection
from .spectrogram import Stft
from .tables import escaped

N_FFT = 1024
COLUMNS = 1600
RANGE_DB = 70
MAX_S = 1e9  # longer than any recording, and far from what an integer cannot count


def draw(
    sound: Path,
    detections: Iterable[Detection],
    to: Path,
    start_s: float = 0.0,
    length_s: float = 60.0,
    fmax_hz: float = 12_000,
) -> None:
    """Write a PNG of a part of a recording.

    Parameters
    ----------
    sound : path
    detections : iterable of Detection
        Those that lie elsewhere in the recording are left out.
    to : path
    start_s, length_s : float
        Which part; the recording's end may come earlier.
    fmax_hz : float
        The highest frequency to show, if the recording has it.

    Raises
    ------
    AudioError
        The recording cannot be read.
    ConfigError
        matplotlib is missing, a number does not fit, or the part lies behind the end.
    """
    _check("start", start_s, 0, MAX_S, "s")
    _check("length", length_s, 0, MAX_S, "s")
    _check("fmax", fmax_hz, 1, audio.MAX_RATE_HZ / 2, "Hz")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("pictures need matplotlib: pip install 'birdfast[report]'") from error
    with audio.Recording(sound) as recording:
        rate_hz = recording.rate_hz
        first, last = round(start_s * rate_hz), round((start_s + length_s) * rate_hz)
        samples = recording.samples(rate_hz, first, last)
    if len(samples) < N_FFT:
        raise ConfigError(f"{sound}: less than {N_FFT} samples from {start_s:g} s on")
    end_s = start_s + len(samples) / rate_hz
    figure = Figure(figsize=(12, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="time (s)", ylabel="frequency (kHz)")
    axes.set_title(escaped(sound.name), parse_math=False)  # a name with two $ is no formula
    extent = (start_s, end_s, 0, rate_hz / 2000)
    axes.imshow(
        _decibels(samples).T, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=-RANGE_DB
    )
    axes.set(xlim=(start_s, end_s), ylim=(0, min(fmax_hz, rate_hz / 2) / 1000))
    _label(axes, [row for row in detections if row.start_s < end_s and row.end_s > start_s])
    with AtomicFile(to, mode="wb") as file:
        FigureCanvasAgg(figure).print_png(file.stream)  # type: ignore[no-untyped-call]


def _check(name: str, value: float, lowest: float, highest: float, unit: str) -> None:
    """Refuse a number outside its bounds, and NaN."""
    if not lowest <= value <= highest:
        raise ConfigError(
            f"{name}: {value:g} {unit} does not fit; it takes {lowest:g} to {highest:,.0f} {unit}"
        )


def _decibels(samples: Float32) -> Float32:
    """Return the power spectrum in dB below its maximum: float32 [frames, bins]."""
    hop_samples = max(N_FFT // 4, len(samples) // COLUMNS)
    power = np.abs(Stft(N_FFT, hop_samples)(samples)) ** 2
    floor = max(float(power.max()), 1e-20) * 10 ** (-RANGE_DB / 10)
    decibels: Float32 = 10 * np.log10(np.maximum(power, floor) / floor) - RANGE_DB
    return decibels


def _label(axes, detections: list[Detection]) -> None:  # type: ignore[no-untyped-def]
    """Write each species over the time it was heard, one colour and one line a species."""
    from matplotlib import colormaps

    top_khz = axes.get_ylim()[1]
    names = list(dict.fromkeys(row.common_name for row in detections))
    for line, name in enumerate(names):
        colour = colormaps["tab10"](line % 10)
        y = top_khz * (0.97 - 0.05 * (line % 18))
        for row in (row for row in detections if row.common_name == name):
            axes.plot((row.start_s, row.end_s), (y, y), color=colour, linewidth=2.5, solid_capstyle="butt")
            axes.axvspan(row.start_s, row.end_s, color=colour, alpha=0.12, linewidth=0)
            text = f"{name} {row.confidence:.2f}"
            axes.text(row.start_s, y * 0.99, text, fontsize=7, color="white", va="top", clip_on=True)
