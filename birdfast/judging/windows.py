"""Windows: which are judged."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

import numpy as np

from ..arrays import Bools, Float64
from ..errors import ConfigError
from .files import Files
from .given import Grid
from .said import Gathered
from .spans import ROUNDING_S, Spans

MOST_WINDOWS = 50_000_000  # a step of a millisecond in days of sound is a slip of the pen


def of_rows(calls: Spans) -> Spans:
    """Return the windows that the truth tells, each once; ConfigError if one has no end."""
    if not np.isfinite(calls.end_s).all():
        raise ConfigError("the truth: rows are windows, and one has no end")
    return _each_once(calls)


def of_scores(
    said: Spans,
    calls: Spans,
    files: Files,
    listed: Bools,
    broken: Collection[str] = (),
    heard_s: Mapping[str, float] = MappingProxyType({}),
) -> Spans:
    """Return the windows of the scores in files that count, and such as files without scores would have.

    Rows behind a file's end, of those of which it is known, are none: nothing can be true or false there.
    Those of broken files go on to the last call: what is true behind where one was cut off was missed.
    """
    ends_s = np.array([heard_s.get(name, np.inf) for name in files.names])
    is_there = listed[said.file] & (said.start_s < ends_s[said.file] - ROUNDING_S)
    own = _each_once(said.chosen(is_there))  # a window may have a row for each channel
    lengths, n = np.unique(np.round(said.end_s - said.start_s, 6), return_counts=True)
    window_s = float(lengths[n.argmax()]) if len(n) else 0.0
    unsaid = {files.names.index(name) for name in files.unsaid}
    more = Gathered(files.names)
    for number in sorted(unsaid) if window_s else ():
        lasting_s = _last(calls, number) or window_s
        for start_s in _starts(lasting_s, window_s):
            more.add(files.names[number], start_s, start_s + window_s)
    none = np.zeros(0)
    for number, name in enumerate(files.names):
        there = np.unique(said.start_s[said.file == number]) if name in broken and listed[number] else none
        if len(there):
            step_s = float(np.diff(there).min(initial=window_s))
            lost_s = _last(calls, number) - there[-1] - step_s
            for start_s in _starts(lost_s, step_s) if lost_s > 0 else ():
                more.add(name, there[-1] + step_s + start_s, there[-1] + step_s + start_s + window_s)
    return own.joined(more.spans())


def of_grid(grid: Grid, said: Spans, calls: Spans, files: Files, listed: Bools) -> Spans:
    """Return the windows in which things were detected or not; see `given.Grid`."""
    found = Gathered(files.names)
    if not grid.window_s:
        raise ConfigError("detections: none has a length, so nothing tells which windows were listened to")
    n = 0
    for number, name in enumerate(files.names):
        if not listed[number]:
            continue
        lasting_s = (
            grid.lasting_s.get(name) or max(_last(calls, number), _last(said, number)) or grid.window_s
        )
        if name in grid.broken:
            lasting_s = max(lasting_s, _last(calls, number))
        n += int(lasting_s / grid.step_s)
        if n > MOST_WINDOWS:
            raise ConfigError(
                f"detections: a step of {grid.step_s:g} s makes more than {MOST_WINDOWS:,} windows"
            )
        for start_s in _starts(lasting_s, grid.step_s):
            found.add(name, start_s, start_s + grid.window_s)
    return found.spans()


def _each_once(spans: Spans) -> Spans:
    table = np.stack([spans.file.astype(np.float64), spans.start_s, spans.end_s], axis=1)
    return spans.chosen(np.sort(np.unique(table, axis=0, return_index=True)[1]))


def _starts(lasting_s: float, step_s: float) -> Iterator[float]:
    is_whole = not np.isfinite(step_s)  # a clip as a whole has no end
    n = 1 if is_whole else int(np.ceil((lasting_s - ROUNDING_S) / step_s))
    for number in range(max(1, n)):
        yield 0.0 if is_whole else number * step_s


def _last(spans: Spans, file: int) -> float:
    """Return where the last span of a file ends; 0 where there is none, or none that is known."""
    ends: Float64 = spans.end_s[spans.file == file]
    return float(ends[np.isfinite(ends)].max(initial=0))
