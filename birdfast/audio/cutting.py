"""Cutting: stretches of one recording, opened once, whatever its decoder makes of going to and fro."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..arrays import Float32
from ..errors import AudioError
from ..outcomes import MIX
from ..words import lasting
from .channels import chosen as channel_of
from .recording import Recording

ANY_HOURS = 100_000.0  # what was heard of a recording is there, and no more than a stretch is held


class Stretch(NamedTuple):
    """Where a stretch of a recording begins and ends, in seconds, and its channel: 0 is the mix.

    What lies before the recording's start or behind its end is left away.
    """

    start_s: float
    end_s: float
    channel: int = MIX


def of_file(
    path: str | os.PathLike[str],
    stretches: Sequence[Stretch],
    tell: Callable[[str], object] | None = None,
) -> Iterator[tuple[int, tuple[Float32, int] | AudioError]]:
    """Yield what `cut` does, of a recording that is opened once, each stretch with its rate in Hz.

    Parameters
    ----------
    path : path
    stretches : sequence of Stretch
    tell : callable of str
        Hears what is to be known of the recording.

    Raises
    ------
    AudioError
        It cannot be opened, or lacks a channel.
    """
    with Recording(path, max_hours=ANY_HOURS, tell=tell) as recording:
        for stretch in stretches:
            if stretch.channel != MIX:
                channel_of(stretch.channel, recording.n_channels, recording.path)
        for place, what in cut(recording, stretches):
            yield place, what if isinstance(what, AudioError) else (what, recording.rate_hz)


def cut(recording: Recording, stretches: Sequence[Stretch]) -> Iterator[tuple[int, Float32 | AudioError]]:
    """Yield stretches of a recording at its own rate; no more of it is held than they take.

    Parameters
    ----------
    recording : Recording
        Of any channels.
    stretches : sequence of Stretch

    Yields
    ------
    (int, float32 [n] or AudioError)
        A stretch's place among them, and its samples, n > 0; or why it cannot be had. They come in the order
        of their starts, or of their ends.
    """
    bounds = [_bounds(recording, stretch) for stretch in stretches]
    order = sorted(range(len(bounds)), key=bounds.__getitem__)
    there = [place for place in order if bounds[place][0] < bounds[place][1]]
    if recording.seeks_slowly:
        yield from _in_one_pass(recording, stretches, bounds, there)
    else:
        for place in there:
            try:
                first, last = bounds[place]
                blocks = recording.blocks(recording.rate_hz, first, last, stretches[place].channel)
                yield place, _joined(recording, stretches[place], [block.copy() for block in blocks])
            except AudioError as error:
                yield place, error
    for place in set(order) - set(there):
        yield place, _missing(recording, stretches[place])


def _in_one_pass(
    recording: Recording,
    stretches: Sequence[Stretch],
    bounds: Sequence[tuple[int, int]],
    there: Sequence[int],
) -> Iterator[tuple[int, Float32 | AudioError]]:
    rate_hz, waiting = recording.rate_hz, dict.fromkeys(there, 0)
    parts: dict[int, list[Float32]] = {place: [] for place in there}
    feeds = [recording.feed_at(rate_hz, *bounds[place], stretches[place].channel) for place in there]
    failure: AudioError | None = None
    try:
        for number, block in recording.feed(feeds) if feeds else ():
            place = there[number]
            parts[place].append(block.copy())
            waiting[place] += len(block)
            if waiting[place] == bounds[place][1] - bounds[place][0]:
                yield place, _joined(recording, stretches[place], parts.pop(place))
    except AudioError as error:
        failure = error
    for place, blocks in parts.items():
        try:
            yield place, failure or _joined(recording, stretches[place], blocks)
        except AudioError as error:
            yield place, error


def _bounds(recording: Recording, stretch: Stretch) -> tuple[int, int]:
    """Return the first sample, and the one behind the last."""
    first, last = (max(0, round(second * recording.rate_hz)) for second in (stretch.start_s, stretch.end_s))
    return first, last if recording.n_frames is None else min(last, recording.n_frames)


def _joined(recording: Recording, stretch: Stretch, blocks: Sequence[Float32]) -> Float32:
    if not blocks:
        raise _missing(recording, stretch)
    return np.concatenate(blocks)


def _missing(recording: Recording, stretch: Stretch) -> AudioError:
    lasts = f", as it lasts {lasting(recording.duration_s)}" if recording.duration_s else ""
    return AudioError(
        f"{recording.path}: no sound from {stretch.start_s:.10g} s to {stretch.end_s:.10g} s{lasts}"
    )
