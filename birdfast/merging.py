"""Merging: a species that is heard in windows one after the other is told of once, as BirdNET-Analyzer does.

Windows follow one another where one begins before the last has ended, or as it ends. What they become begins
with the first and ends with the last, and its confidence is the mean of the three highest.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from .outcomes import Detection

HIGHEST = 3  # of so many confidences the mean is told
SLACK_S = 1e-6  # less than a sample: what ends where the next begins does so but for rounding


class _Whose(NamedTuple):
    """What detections have in common that are merged; `nth` where several in one window are called alike."""

    model: str
    label_space: str
    channel: int
    scientific_name: str
    common_name: str
    nth: int


class _Run:
    """Windows one after the other, as what they become."""

    def __init__(self, first: Detection) -> None:
        self._first, self.start_s, self.end_s, self.n = first, first.start_s, first.end_s, 1
        self._highest = [first.confidence]

    def goes_on_at(self, start_s: float, most: int) -> bool:
        """Return whether a window that begins there is one more of it."""
        return self.n < most and start_s <= self.end_s + SLACK_S

    def add(self, detection: Detection) -> None:
        self.start_s, self.end_s, self.n = detection.start_s, max(self.end_s, detection.end_s), self.n + 1
        add = heapq.heappush if self.n <= HIGHEST else heapq.heappushpop
        add(self._highest, detection.confidence)

    def told(self) -> Detection:
        if self.n == 1:
            return self._first
        mean = float(np.float32(np.mean(sorted(self._highest))))
        return self._first._replace(end_s=self.end_s, confidence=mean)


def merged(parts: Iterable[list[Detection]], most: int) -> Iterator[list[Detection]]:
    """Yield a file's detections, at most so many of a species one after the other as one.

    Parameters
    ----------
    parts : iterable of list of Detection
        Of one file, model by model and by time; how they are shared out changes nothing.
    most : int
        1 leaves them as they are.

    Yields
    ------
    list of Detection
        In the order in which they begin. Those of `most` windows are held, not more.
    """
    if most <= 1:
        yield from parts
        return
    merging = _Merging(most)
    for part in parts:
        done = [row for detection in part for row in merging.take(detection)]
        if done:
            yield done
    if rest := list(merging.rest()):
        yield rest


def _whose(of: Detection) -> _Whose:
    return _Whose(of.model, of.label_space, of.channel, of.scientific_name, of.common_name, 0)


class _Merging:
    def __init__(self, most: int) -> None:
        self._most, self._model = most, ""
        self._open: dict[_Whose, _Run] = {}
        self._waiting: deque[tuple[_Whose, _Run]] = deque()  # in the order in which they begin
        self._now_s, self._here = -np.inf, set[_Whose]()  # whom the present window has had

    def take(self, detection: Detection) -> Iterator[Detection]:
        """Take one more, and yield those before it to which nothing is added any more."""
        if detection.model != self._model or detection.start_s < self._now_s:
            yield from self.rest()
            self._model = detection.model
        if detection.start_s != self._now_s:
            self._now_s = detection.start_s
            self._here.clear()
            yield from self._done()
        whose = _whose(detection)
        while whose in self._here:
            whose = whose._replace(nth=whose.nth + 1)
        self._here.add(whose)
        run = self._open.get(whose)
        if run is not None and run.goes_on_at(detection.start_s, self._most):
            run.add(detection)
        else:
            self._open[whose] = run = _Run(detection)
            self._waiting.append((whose, run))

    def rest(self) -> Iterator[Detection]:
        """Yield all that is left."""
        yield from (run.told() for _, run in self._waiting)
        self._waiting.clear()
        self._open.clear()
        self._here.clear()
        self._now_s = -np.inf

    def _done(self) -> Iterator[Detection]:
        while self._waiting:
            whose, run = self._waiting[0]
            is_open = self._open.get(whose) is run
            if is_open and run.goes_on_at(self._now_s, self._most):
                return
            if is_open:
                del self._open[whose]
            self._waiting.popleft()
            yield run.told()
