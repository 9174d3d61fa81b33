"""A recording as a spectrogram, with what was detected in it above, and scores and tokens below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from .. import audio, canvas
from ..audio.channels import chosen
from ..config import MAX_HOURS, hours
from ..errors import AudioError, ConfigError
from ..outcomes import MIX, Detection
from .panels import Panel, Panels
from .spectrum import N_FFT, Spectrum
from .strips import Scores, Tokens

MAX_S = 1e9  # longer than any recording, and far from what an integer cannot count


class Drawn(NamedTuple):
    """What is in a picture: how many of the detections, and whether all of the part could be read."""

    n_detections: int
    is_whole: bool


def draw(
    sound: Path,
    detections: Iterable[Detection],
    to: Path,
    start_s: float = 0.0,
    length_s: float | None = 60.0,
    fmax_hz: float = 12_000,
    channel: str | None = None,
    tell: Callable[[str], object] | None = None,
    *,
    max_hours: float = MAX_HOURS,
    scores: Sequence[Scores] = (),
    tokens: Callable[[Sequence[int], float, float], Tokens] | None = None,
) -> Drawn:
    """Write a PNG of a part of a recording: for each channel its marks, its spectrogram, and strips.

    However long the part is, no more of it is held than is drawn.

    Parameters
    ----------
    sound : path
    detections : iterable of Detection
        Those that lie elsewhere in the recording, or in another channel than is shown, are left out.
    to : path
    start_s, length_s : float
        Which part; the recording's end may come earlier, and a length of None goes to it.
    fmax_hz : float
        The highest frequency to show, if the recording has it.
    channel : "mix", "each", a number from 1 as text, or None
        None shows those that the detections are of.
    tell : callable of str or None
        Gets what is to be known of the recording, and why it ends if that is too early, with its path.
    max_hours : float, 1 second to 100000 hours
        Where a longer recording ends.
    scores : sequence of Scores
        A strip each.
    tokens : callable or None
        Returns the tokens of these channels, from the first to the last second.

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
    _check("length", MAX_S if length_s is None else length_s, 0, MAX_S, "s")
    _check("fmax", fmax_hz, 1, audio.MAX_RATE_HZ / 2, "Hz")
    hours("max_hours", max_hours)
    canvas.check(to)
    detections = list(detections)
    part = _read(sound, start_s, length_s, channel, detections, tell or _nobody, max_hours)
    panels, shown = list[Panel](), set[int]()
    for number, spectrum in part.spectra.items():
        end_s = start_s + spectrum.n_samples / part.rate_hz
        own = {
            place: row
            for place, row in enumerate(detections)
            if (number in (MIX, row.channel) or row.channel == MIX)
            and row.start_s < end_s
            and row.end_s > start_s
        }
        shown.update(own)
        name = sound.name if number == MIX else f"{sound.name}, channel {number}"
        panels.append(Panel(name, number, spectrum, end_s, [*own.values()]))
    strip = None if tokens is None else tokens([*part.spectra], start_s, max(one.end_s for one in panels))
    picture = Panels(panels, part.rate_hz, start_s, fmax_hz, scores, strip, bool(part.failure))
    canvas.write(picture.drawn(), to)
    return Drawn(len(shown), not part.failure)


class _Part(NamedTuple):
    """What is shown of a recording: its spectra by channel, and why they end too early, if they do."""

    rate_hz: int
    spectra: dict[int, Spectrum]
    failure: str


def _read(
    sound: Path,
    start_s: float,
    length_s: float | None,
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
        first = round(start_s * rate_hz)
        last = None if length_s is None else round((start_s + length_s) * rate_hz)
        ends = [end for end in (last, recording.n_frames) if end is not None]
        n_samples = max(0, min(ends) - first) if ends else None
        spectra = {number: Spectrum(n_samples) for number in numbers}
        try:
            feeds = [recording.feed_at(rate_hz, first, last, number) for number in numbers]
            for place, block in recording.feed(feeds):
                spectra[numbers[place]].push(block)
        except AudioError as error:
            failure = str(error)
    for spectrum in spectra.values():
        spectrum.end()
    if min(spectrum.n_samples for spectrum in spectra.values()) < N_FFT:
        raise (
            AudioError(failure)
            if failure
            else ConfigError(f"{sound}: less than {N_FFT} samples from {start_s:g} s on")
        )
    if failure:
        say(failure)
    return _Part(rate_hz, spectra, failure)


def _named(recording: audio.Recording, detections: Sequence[Detection]) -> tuple[int, ...]:
    """Return the channels that detections are of; the mix where there are none."""
    numbers = sorted({row.channel for row in detections}) or [MIX]
    for number in numbers:
        if number != MIX:
            chosen(number, recording.n_channels, recording.path)
    return tuple(numbers)


def _nobody(_: str) -> None:
    """Say nothing."""


def _check(name: str, value: float, lowest: float, highest: float, unit: str) -> None:
    """Refuse a number outside its bounds, and NaN."""
    if not lowest <= value <= highest:
        raise ConfigError(
            f"{name}: {value:g} {unit} does not fit; it takes {lowest:g} to {highest:,.0f} {unit}"
        )
