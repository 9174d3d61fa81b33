"""A recording as a spectrogram, with what was detected in it written over the time it was heard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import audio, canvas
from ..arrays import Float32
from ..audio.channels import chosen
from ..config import MAX_HOURS, hours
from ..errors import AudioError, ConfigError
from ..outcomes import MIX, Detection
from ..spectrogram import Stft
from ..tables import escaped
from ..tables.whose import by_name

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
    channel: str | None = None,
    tell: Callable[[str], object] | None = None,
    *,
    max_hours: float = MAX_HOURS,
) -> Drawn:
    """Write a PNG of a part of a recording: a panel for each channel.

    Parameters
    ----------
    sound : path
    detections : iterable of Detection
        Those that lie elsewhere in the recording, or in another channel than is shown, are left out.
    to : path
    start_s, length_s : float
        Which part; the recording's end may come earlier.
    fmax_hz : float
        The highest frequency to show, if the recording has it.
    channel : "mix", "each", a number from 1 as text, or None
        None shows those that the detections are of.
    tell : callable of str or None
        Gets what is to be known of the recording, and why it ends if that is too early, with its path.
    max_hours : float, 1 second to 100000 hours
        Where a longer recording ends.

    Returns
    -------
    Drawn

    Raises
    ------
    AudioError
        The recording cannot be read, or has no such channel.
    ConfigError
        matplotlib is missing, a number does not fit, the part lies behind the end, or `to` is a file that is
        no picture.
    """
    _check("start", start_s, 0, MAX_S, "s")
    _check("length", length_s, 0, MAX_S, "s")
    _check("fmax", fmax_hz, 1, audio.MAX_RATE_HZ / 2, "Hz")
    hours("max_hours", max_hours)
    canvas.check(to)
    detections = list(detections)
    part = _read(sound, start_s, length_s, channel, detections, tell or _nobody, max_hours)
    drawn: set[int] = set()
    figure = canvas.figure(12, 4 * len(part.samples))
    panels = figure.subplots(len(part.samples), squeeze=False)[:, 0]
    for axes, (number, samples) in zip(panels, part.samples.items(), strict=True):
        end_s = start_s + len(samples) / part.rate_hz
        shown = {
            place: row
            for place, row in enumerate(detections)
            if (number in (MIX, row.channel) or row.channel == MIX)
            and row.start_s < end_s
            and row.end_s > start_s
        }
        drawn.update(shown)
        _panel(axes, samples, part.rate_hz, start_s, fmax_hz, [*shown.values()])
        name = sound.name if number == MIX else f"{sound.name}, channel {number}"
        axes.set_title(escaped(name), parse_math=False)  # a name with two $ is no formula
        if part.failure:
            axes.axvline(end_s, color="tab:red", linewidth=3)
            axes.annotate("cannot be read from here on ", (end_s, 0), ha="right", va="bottom", color="white")
    figure.draw_without_rendering()  # so that it is known how long the labels are
    for axes in panels:
        _keep_inside(axes)
    canvas.write(figure, to)
    return Drawn(len(drawn), not part.failure)


class Drawn(NamedTuple):
    """What is in a picture: how many of the detections, and whether all of the part could be read."""

    n_detections: int
    is_whole: bool


class _Part(NamedTuple):
    """What is shown of a recording: mono samples [n] by channel, and why they end too early, if they do."""

    rate_hz: int
    samples: dict[int, Float32]
    failure: str


def _read(
    sound: Path,
    start_s: float,
    length_s: float,
    channel: str | None,
    detections: Sequence[Detection],
    say: Callable[[str], object],
    max_hours: float,
) -> _Part:
    """Read a part of a recording, or what there is of it before it fails."""

    def remark(text: str) -> None:
        say(f"{sound}: {text}")

    with audio.Recording(sound, channel or "mix", max_hours=max_hours, tell=remark) as recording:
        numbers = recording.channels if channel else _named(recording, detections)
        rate_hz, failure = recording.rate_hz, ""
        first, last = round(start_s * rate_hz), round((start_s + length_s) * rate_hz)
        blocks: dict[int, list[Float32]] = {number: [np.zeros(0, np.float32)] for number in numbers}
        try:
            feeds = [recording.feed_at(rate_hz, first, last, number) for number in numbers]
            for place, block in recording.feed(feeds):
                blocks[numbers[place]].append(block.copy())
        except AudioError as error:
            failure = str(error)
        samples = {number: np.concatenate(some) for number, some in blocks.items()}
    if min(map(len, samples.values())) < N_FFT:
        raise (
            AudioError(failure)
            if failure
            else ConfigError(f"{sound}: less than {N_FFT} samples from {start_s:g} s on")
        )
    if failure:
        say(failure)
    return _Part(rate_hz, samples, failure)


def _named(recording: audio.Recording, detections: Sequence[Detection]) -> tuple[int, ...]:
    """Return the channels that detections are of; the mix where there are none."""
    numbers = sorted({row.channel for row in detections}) or [MIX]
    for number in numbers:
        if number != MIX:
            chosen(number, recording.n_channels, recording.path)
    return tuple(numbers)


def _nobody(_: str) -> None:
    """Say nothing."""


def _panel(  # type: ignore[no-untyped-def]
    axes, samples: Float32, rate_hz: int, start_s: float, fmax_hz: float, detections: Sequence[Detection]
) -> None:
    """Draw a channel's spectrogram, and what was detected in it."""
    end_s = start_s + len(samples) / rate_hz
    extent = (start_s, end_s, 0, rate_hz / 2000)
    axes.imshow(
        _decibels(samples).T, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=-RANGE_DB
    )
    axes.set(xlim=(start_s, end_s), ylim=(0, min(fmax_hz, rate_hz / 2) / 1000))
    axes.set(xlabel="time (s)", ylabel="frequency (kHz)")
    _label(axes, detections)


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


def _label(axes, detections: Sequence[Detection]) -> None:  # type: ignore[no-untyped-def]
    """Write each species over the time it was heard, one colour and one line a species and a model."""
    top_khz = axes.get_ylim()[1]
    for line, (name, rows) in enumerate(by_name(detections).items()):
        colour = canvas.colour(line, 10)
        y = top_khz * (0.97 - 0.05 * (line % 18))
        for row in rows:
            axes.plot((row.start_s, row.end_s), (y, y), color=colour, linewidth=2.5, solid_capstyle="butt")
            axes.axvspan(row.start_s, row.end_s, color=colour, alpha=0.12, linewidth=0)
            text = f"{name} {row.confidence:.2f}"
            label = axes.text(row.start_s, y * 0.99, text, fontsize=7, color="white", va="top", clip_on=True)
            label.set_in_layout(False)


def _keep_inside(axes) -> None:  # type: ignore[no-untyped-def]
    """Shift labels that stick out of a panel into it; of one that is longer the beginning is seen."""
    first_s, last_s = axes.get_xlim()
    for label in axes.texts:
        box = label.get_window_extent().transformed(axes.transData.inverted())
        start_s = max(first_s, min(box.x0, last_s - box.width))
        label.set_x(label.get_position()[0] + start_s - box.x0)
