"""The steep filter's design: a windowed sinc of linear phase, and how its blocks and its spectrum lie."""

from __future__ import annotations

from functools import cache
from math import ceil, gcd, log2, pi
from typing import NamedTuple

import numpy as np

from ..arrays import Float32, Float64, Int32

# The edges of the filter's slope, in Nyquist frequencies of the lower rate. It is half down where birdnet,
# which keeps everything, ends: a slope from 0.99 to 1.00 agrees in 94 % of the detections at 24 kHz.
PASS, STOP = 0.995, 1.005
ATTENUATION_DB = 120.0
MAX_POINTS = 1 << 17  # of a block's two transforms together
FAVOURED_POINTS = 1 << 14  # larger blocks leave the caches: measured, best of 2^13 to 2^17


class Blocks(NamedTuple):
    """How a filter's blocks lie, in periods of the two rates (`down` old samples, `up` new ones)."""

    n: int
    margin: int  # at both ends of a block, where the filter reaches outside of it
    step: int


def fits(from_hz: int, to_hz: int) -> bool:
    """Say whether there is a `SteepFilter` between two rates.

    There is between those of recorders and models, whose ratios have no prime factor above 7. For others
    (44,099 Hz, 195,312 Hz) there is soxr's VHQ.
    """
    return blocks(*ratio(from_hz, to_hz)) is not None


def half_taps() -> int:
    """Return how many samples of the lower rate the filter reaches to either side.

    J. F. Kaiser's formula for the length (Proc. IEEE ISCAS 1974), as `scipy.signal.kaiserord`.
    """
    return ceil((ATTENUATION_DB - 7.95) / (2.285 * pi * (STOP - PASS)) / 2)


def taps() -> Float64:
    """Return the filter at twice the lower rate: float64 [4 * half_taps() + 1], of sum 1.

    As `scipy.signal.firwin` of a Kaiser window; its beta is that of A. V. Oppenheim and R. W. Schafer,
    Discrete-Time Signal Processing, 3rd edition, equation 7.75.
    """
    reach = 2 * half_taps()
    beta = 0.1102 * (ATTENUATION_DB - 8.7)
    sinc = np.sinc((PASS + STOP) / 4 * np.arange(-reach, reach + 1))
    values = sinc * np.kaiser(2 * reach + 1, beta)
    filtering: Float64 = values / values.sum()
    return filtering


def ratio(from_hz: int, to_hz: int) -> tuple[int, int]:
    """Return how many new samples come for how many old ones, in lowest terms."""
    divisor = gcd(to_hz, from_hz)
    return to_hz // divisor, from_hz // divisor


@cache
def blocks(up: int, down: int) -> Blocks | None:
    """Return the blocks that cost the least for a new sample; None where none fits."""
    if max(up, down) <= STOP / PASS * min(up, down):
        return None
    margin = ceil(half_taps() / min(up, down))
    best, least = None, float("inf")
    for n in range(2 * margin + 1, MAX_POINTS // (up + down) + 1):
        if _is_length(n * up) and _is_length(n * down):
            cost = _cost(n * up, n * down) / (n - 2 * margin)
            if cost < least:
                best, least = Blocks(n, margin, n - 2 * margin), cost
    return best


def _is_length(n: int) -> bool:
    """Say whether there is a transform of n points: leaves of a few twos, then any of the radices."""
    if n % 16:
        return False
    for prime in (2, 3, 5, 7):
        while n % prime == 0 and n > 1:
            n //= prime
    return n == 1


def _cost(n_in: int, n_out: int) -> float:
    beyond = max(1.0, (n_in + n_out) / FAVOURED_POINTS)
    return (n_in * log2(n_in) + n_out * log2(n_out)) * beyond


class Folds(NamedTuple):
    """Bins of a Hartley transform to which others are added, weighed: [n] each."""

    bins: Int32
    folded: Int32
    weights: Float32


class Spectrum(NamedTuple):
    """The filter in the bins of a block's two transforms."""

    rows: Int32  # of every bin of the new rate, which bin of the old one it is
    weights: Float32  # and how much of it
    folds: Folds  # what is added to bins of the old rate before


def spectrum(n: int, up: int, down: int) -> Spectrum:
    """Return the filter as it is applied to a block's transform.

    Parameters
    ----------
    n : int
        The block's periods of the two rates, as `Blocks.n`.
    up, down : int
        New and old samples of a period.

    Returns
    -------
    Spectrum
        rows and weights are [n * up]; the weights hold the 1 / (n * down) of the transform there and back.
    """
    n_in, n_out = n * down, n * up
    gains = _gains(min(n_in, n_out))
    bins = np.arange(n_out)
    bins[bins > n_out // 2] -= n_out
    rows = bins % n_in
    inside = np.abs(bins) < gains.size
    weights = np.where(inside, gains[np.where(inside, np.abs(bins), 0)], 0)
    # The other bin that is the same one at the new rate, on the other side of its Nyquist frequency.
    beyond = bins - np.where(bins > 0, n_out, -n_out)
    folding = np.flatnonzero(np.abs(beyond) < gains.size)
    shares = gains[np.abs(beyond[folding])] / weights[folding]
    folded = (beyond[folding] % n_in).astype(np.int32)
    folds = Folds(rows[folding].astype(np.int32), folded, shares.astype(np.float32))
    return Spectrum(np.where(inside, rows, 0).astype(np.int32), (weights / n_in).astype(np.float32), folds)


def _gains(n_low: int) -> Float64:
    """Return the filter at the bins of n_low points of the lower rate, up to the end of its slope."""
    padded = np.zeros(2 * n_low)
    values = taps()
    padded[: values.size] = values
    response: Float64 = np.fft.rfft(np.roll(padded, -(values.size // 2))).real
    return response[: int(STOP * n_low / 2) + 1]
