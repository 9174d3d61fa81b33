"""Intervals: between which two numbers others lie, and what arithmetic makes of that.

Moore, Kearfott, Cloud, "Introduction to Interval Analysis", SIAM 2009.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..arrays import Array


@dataclass(frozen=True)
class Interval:
    """The numbers from `low` to `high`; of what cannot be told, all of them."""

    low: float = -math.inf
    high: float = math.inf

    def __add__(self, other: Interval) -> Interval:
        return spanning(self.low + other.low, self.high + other.high)

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)

    def __sub__(self, other: Interval) -> Interval:
        return self + -other

    def __mul__(self, other: Interval) -> Interval:
        ends = ((one, two) for one in (self.low, self.high) for two in (other.low, other.high))
        return spanning(*(one * two if one and two else 0.0 for one, two in ends))

    def __truediv__(self, other: Interval) -> Interval:
        if other.high <= 0 and other.low < 0:
            return -self / -other
        if other.low < 0 or not other.high:
            return Interval()
        return self * Interval(1 / other.high, 1 / other.low if other.low else math.inf)

    def __or__(self, other: Interval) -> Interval:
        """Return the least interval with all numbers of both."""
        return Interval(min(self.low, other.low), max(self.high, other.high))

    def __and__(self, other: Interval) -> Interval:
        """Return the numbers in both, where both are known to hold."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return Interval(low, high) if low <= high else self  # apart, by rounding

    def within(self, other: Interval, slack: float = 0.0) -> bool:
        """Return whether its numbers are the other's too, but for so much beyond its ends."""
        return other.low - slack <= self.low and self.high <= other.high + slack

    def through(self, function: Callable[[np.float64], float]) -> Interval:
        """Return what a function that never falls makes of it."""
        with np.errstate(all="ignore"):
            return spanning(*(float(function(np.float64(end))) for end in (self.low, self.high)))

    def clipped(self, low: float, high: float = math.inf) -> Interval:
        """Return what limits make of it: numbers beyond them are put on them."""
        return Interval(min(max(self.low, low), high), min(max(self.high, low), high))

    def unsigned(self) -> Interval:
        """Return what its numbers are without their signs."""
        largest = max(-self.low, self.high)
        return Interval(max(self.low, -self.high, 0.0), largest)


NOTHING, UNIT, POSITIVE = Interval(0, 0), Interval(0, 1), Interval(0, math.inf)


def spanning(*numbers: float) -> Interval:
    """Return the least interval with all of these; everything, where one is no number."""
    if any(map(math.isnan, numbers)):
        return Interval()
    return Interval(min(numbers), max(numbers))


def of_array(values: Array | None) -> Interval:
    """Return the least interval with an array's numbers; everything, where that is not to be said."""
    if values is None or not values.size or values.dtype.kind not in "fiub" or not np.isfinite(values).all():
        return Interval()
    return Interval(float(values.min()), float(values.max()))
