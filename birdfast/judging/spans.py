"""Spans: parts of recordings, and which of them lie in one another."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..arrays import Array, Bools, Float64, Int64

ROUNDING_S = 1e-6  # times are written with so many digits
Enough = Callable[[Float64, float, Float64], Bools]
HEARD_S = 0.5
HEARD_SHARE = 0.5


class Spans(NamedTuple):
    """Parts of recordings: windows, rows or calls.

    Attributes
    ----------
    files : list of str
    file : int64 [n]
        Which of the files each lies in.
    start_s, end_s : float64 [n]
    """

    files: list[str]
    file: Int64
    start_s: Float64
    end_s: Float64

    def chosen(self, rows: Array) -> Spans:
        """Return some of them: by number, or bool [n]."""
        return Spans(self.files, self.file[rows], self.start_s[rows], self.end_s[rows])

    def joined(self, other: Spans) -> Spans:
        """Return these and others of the same files."""
        return Spans(self.files, *(np.concatenate(pair) for pair in zip(self[1:], other[1:], strict=True)))


class Rule(NamedTuple):
    """When a call is heard in a window: when so many seconds of it lie in it, or a share of a shorter one.

    As bench/soundscapes.py has it: half a second, or half of a call that is shorter than one.
    """

    seconds: float = HEARD_S
    share: float = HEARD_SHARE

    def heard(self, overlap_s: Float64, call_s: float, window_s: Float64) -> Bools:
        """Whether what a call shares with windows is enough: bool [n]."""
        needed: Bools = overlap_s >= np.minimum(self.seconds, self.share * call_s) - ROUNDING_S
        return needed | (overlap_s >= window_s - ROUNDING_S)  # of a window within the call there is no more


def half(overlap_s: Float64, one_s: float, other_s: Float64) -> Bools:
    """Whether two parts share half of the shorter one: then what is said of one is said of the other."""
    enough: Bools = overlap_s >= np.minimum(one_s, other_s) / 2 - ROUNDING_S
    return enough


def same(overlap_s: Float64, one_s: float, other_s: Float64) -> Bools:
    """Whether two parts are one."""
    alike: Bools = overlap_s >= np.maximum(one_s, other_s) - ROUNDING_S
    return alike


class Index:
    """Spans by file and time, to be asked what lies where."""

    def __init__(self, spans: Spans) -> None:
        self.spans = spans
        self._order = np.lexsort((spans.start_s, spans.file))
        files = spans.file[self._order]
        self._first = np.searchsorted(files, np.arange(len(spans.files) + 1))
        self._start_s, self._end_s = spans.start_s[self._order], spans.end_s[self._order]
        self._longest_s = float((spans.end_s - spans.start_s).max(initial=0))

    def within(self, file: int, start_s: float, end_s: float, enough: Enough) -> Int64:
        """Return the numbers of the spans of a file that share enough with a part of it.

        Parameters
        ----------
        file : int
        start_s, end_s : float
        enough : callable
            Gets the seconds that are shared, how long the part is and how long the spans are.
        """
        first, last = self._first[file], self._first[file + 1]
        starts = self._start_s[first:last]
        low, high = np.searchsorted(starts, (start_s - self._longest_s, end_s))
        high += starts[high : high + 1].tolist() == [start_s]  # of a call without length
        starts, ends = starts[low:high], self._end_s[first + low : first + high]
        overlap_s = np.minimum(ends, end_s) - np.maximum(starts, start_s)
        there = ((overlap_s > 0) | (starts == start_s)) & enough(overlap_s, end_s - start_s, ends - starts)
        found: Int64 = self._order[first + low : first + high][there]
        return found
