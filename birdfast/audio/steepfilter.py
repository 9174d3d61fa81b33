"""Another rate by a steep filter: nearly all that both rates can hold stays, and hardly anything else comes.

The filter is a windowed sinc of linear phase and no delay: ripples of 1e-6 (120 dB) up to 0.995 of the lower
rate's Nyquist frequency, as little above 1.005 of it, and half at it. It is long, so blocks are multiplied by
its spectrum (overlap-save): a transform at the old rate, one at the new rate. Blocks lie on a grid that is
counted from the recording's start; so an output sample has the same bits wherever one starts to read, and
however the sound comes in.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from math import ceil, gcd, log2, pi
from typing import NamedTuple

import numpy as np

from .. import _kernels, transforms
from ..arrays import Float32, Float64, Int64
from ..errors import AudioError, ConfigError

# The edges of the filter's slope, in Nyquist frequencies of the lower rate. It is half down where birdnet,
# which keeps everything, ends: a slope from 0.99 to 1.00 agrees in 94 % of the detections at 24 kHz.
PASS, STOP = 0.995, 1.005
ATTENUATION_DB = 120.0
BATCH = 16  # blocks a call: as many as the widest vectors have lanes
MAX_POINTS = 1 << 17  # of a block's two transforms together
FAVOURED_POINTS = 1 << 14  # larger blocks leave the caches: measured, best of 2^13 to 2^17


class SteepFilter:
    """A change of rate, ready to be used on any number of recordings, one after the other.

    Parameters
    ----------
    from_hz, to_hz : int
    cpu : str or None
        The table of kernels to run on; None is the best one. All give the same bits.

    Raises
    ------
    ConfigError
        The rates' ratio has a prime factor above 7, or terms too large for a block, or they are nearly the
        same (`fits`).
    """

    def __init__(self, from_hz: int, to_hz: int, *, cpu: str | None = None) -> None:
        self.from_hz, self.to_hz = from_hz, to_hz
        self._up, self._down = _ratio(from_hz, to_hz)
        blocks = _blocks(self._up, self._down)
        if blocks is None:
            raise ConfigError(f"{from_hz} Hz to {to_hz} Hz: no block of few samples is whole at both rates")
        self._before = blocks.margin * self._down
        self._step_in, self._step_out = blocks.step * self._down, blocks.step * self._up
        self._n_in = blocks.n * self._down
        spectrum = _spectrum(blocks.n, self._up, self._down)
        self._kernel = _kernels.BlockResampler(
            transforms.hartley(self._n_in),
            transforms.hartley(blocks.n * self._up, spectrum.rows, spectrum.weights),
            spectrum.folds,
            step_in=self._step_in,
            first_out=blocks.margin * self._up,
            step_out=self._step_out,
            cpu=cpu,
        )

    def count(self, n_samples: int) -> int:
        """Return how many samples so many become: those that begin before the sound ends."""
        return -(-n_samples * self._up // self._down)

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """Return the samples at the old rate that `blocks` wants for `start` to `stop` at the new one.

        The first one is 0 or more; the last one may lie beyond the end of the recording.
        """
        first, last = start // self._step_out, -(-stop // self._step_out)
        end = (last - 1) * self._step_in - self._before + self._n_in
        return max(0, first * self._step_in - self._before), max(0, end)

    def __call__(self, samples: Float32) -> Float32:
        """Return a whole recording at the new rate: float32 [count(n)] of float32 [n]."""
        return np.concatenate([np.zeros(0, np.float32), *self.blocks(iter([samples]))])

    def blocks(
        self, blocks: Iterator[Float32], start: int = 0, stop: int | None = None, batch: int = BATCH
    ) -> Iterator[Float32]:
        """Yield the samples `start` to `stop`, counted at the new rate, of sound that comes in blocks.

        Parameters
        ----------
        blocks : iterator of float32 [n]
            The sound at the old rate from sample `span(start, stop)[0]` on, to where `span` says or to its
            end; what is before and behind the recording counts as zeros.
        start, stop : int
            `stop` None is the end: `count` of the recording's samples.
        batch : int
            So many of the filter's blocks at a time: 16 are the quickest, fewer come sooner.

        Yields
        ------
        float32 [n], n > 0; the same bits for any start, stop, batch and blocks.

        Raises
        ------
        AudioError
            What `blocks` raises, after the samples that do not depend on what comes then were yielded.
        """
        done = start // self._step_out * self._step_out
        position = done // self._up * self._down - self._before
        tray = np.zeros((batch - 1) * self._step_in + self._n_in, np.float32)
        held = max(0, -position)  # zeros before the recording
        position += held
        failure: AudioError | None = None
        try:
            for block in blocks:
                position += len(block)
                while len(block) and (stop is None or done < stop):
                    some = block[: len(tray) - held]
                    tray[held : held + len(some)] = some
                    block, held = block[len(some) :], held + len(some)
                    if held == len(tray):
                        yield from self._made(tray, batch, done, start, stop)
                        done, held = done + batch * self._step_out, self._forget(tray, held, batch)
        except AudioError as error:
            failure = error
        end = self.count(position) if failure is None else self._unharmed(position)
        end = end if stop is None else min(stop, end)
        while done < end:
            tray[held:] = 0
            n = min(batch, -(-(end - done) // self._step_out))
            yield from self._made(tray, n, done, start, end)
            done, held = done + n * self._step_out, self._forget(tray, held, n)
        if failure is not None:
            raise failure

    def _unharmed(self, position: int) -> int:
        """Return the end of the samples that do not depend on the sound from `position` on."""
        return max(0, position - self._before) * self._up // self._down

    def _forget(self, tray: Float32, held: int, n: int) -> int:
        """Move what is held behind the first n blocks to the front, and return how much that is."""
        gone = n * self._step_in
        left = max(0, held - gone)
        tray[:left] = tray[gone : gone + left]
        return left

    def _made(self, tray: Float32, n: int, done: int, start: int, stop: int | None) -> Iterator[Float32]:
        """Make n blocks, of which the first sample is `done`, and give what lies in start to stop."""
        out = np.empty((n, self._step_out), np.float32)
        self._kernel.run(tray, out)
        kept = out.reshape(-1)[max(0, start - done) : None if stop is None else max(0, stop - done)]
        if len(kept):
            yield kept


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
    return _blocks(*_ratio(from_hz, to_hz)) is not None


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


def _ratio(from_hz: int, to_hz: int) -> tuple[int, int]:
    divisor = gcd(to_hz, from_hz)
    return to_hz // divisor, from_hz // divisor


@cache
def _blocks(up: int, down: int) -> Blocks | None:
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


class Spectrum(NamedTuple):
    """The filter in the bins of a block's two transforms."""

    rows: Int64  # of every bin of the new rate, which bin of the old one it is
    weights: Float32  # and how much of it
    folds: transforms.Folds  # what is added to bins of the old rate before


def _spectrum(n: int, up: int, down: int) -> Spectrum:
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
    folds = transforms.Folds(rows[folding].astype(np.int32), folded, shares.astype(np.float32))
    return Spectrum(np.where(inside, rows, 0), (weights / n_in).astype(np.float32), folds)


def _gains(n_low: int) -> Float64:
    """Return the filter at the bins of n_low points of the lower rate, up to the end of its slope."""
    padded = np.zeros(2 * n_low)
    values = taps()
    padded[: values.size] = values
    response: Float64 = np.fft.rfft(np.roll(padded, -(values.size // 2))).real
    return response[: int(STOP * n_low / 2) + 1]
