"""Another rate by a steep filter: nearly all that both rates can hold stays, and hardly anything else comes.

The filter is a windowed sinc of linear phase and no delay: ripples of 1e-6 (120 dB) up to 0.995 of the lower
rate's Nyquist frequency, as little above 1.005 of it, and half at it. It is long, so blocks are multiplied by
its spectrum (overlap-save): a transform at the old rate, one at the new rate. Blocks lie on a grid that is
counted from the recording's start; so an output sample has the same bits wherever one starts to read, and
however the sound comes in.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .. import _kernels
from ..arrays import Float32
from ..errors import ConfigError
from . import filterdesign as design

BATCH = 16  # blocks a call: as many as the widest vectors have lanes


class SteepFilter:
    """A change of rate, ready to be used on any number of recordings, by several threads at once.

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
        self._up, self._down = design.ratio(from_hz, to_hz)
        blocks = design.blocks(self._up, self._down)
        if blocks is None:
            raise ConfigError(f"{from_hz} Hz to {to_hz} Hz: no block of few samples is whole at both rates")
        self._before = blocks.margin * self._down
        self.step_in, self.step_out = blocks.step * self._down, blocks.step * self._up
        self.n_in = blocks.n * self._down
        spectrum = design.spectrum(blocks.n, self._up, self._down)
        self._kernel = _kernels.BlockResampler(
            self.n_in,
            spectrum.rows,
            spectrum.weights,
            folds=spectrum.folds,
            step_in=self.step_in,
            first_out=blocks.margin * self._up,
            step_out=self.step_out,
            cpu=cpu,
        )

    def count(self, n_samples: int) -> int:
        """Return how many samples so many become: those that begin before the sound ends."""
        return -(-n_samples * self._up // self._down)

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """Return the samples at the old rate that `SteepStream` wants for `start` to `stop` at the new one.

        The first one is 0 or more; the last one may lie beyond the end of the recording.
        """
        first, last = start // self.step_out, -(-stop // self.step_out)
        end = (last - 1) * self.step_in - self._before + self.n_in
        return max(0, first * self.step_in - self._before), max(0, end)

    def block_at(self, start: int) -> tuple[int, int]:
        """Return the first sample of the block that has `start` in it, and where its sound begins."""
        done = start // self.step_out * self.step_out
        return done, done // self._up * self._down - self._before

    def unharmed(self, n_samples: int) -> int:
        """Return the end of the samples that do not hang on sound behind `n_samples`."""
        return max(0, n_samples - self._before) * self._up // self._down

    def run(self, samples: Float32, out: Float32) -> None:
        """Make out [blocks, step_out] of samples [(blocks - 1) * step_in + n_in, or more]."""
        self._kernel.run(samples, out)

    def __call__(self, samples: Float32) -> Float32:
        """Return a whole recording at the new rate: float32 [count(n)] of float32 [n]."""
        stream = SteepStream(self)
        return np.concatenate([np.zeros(0, np.float32), *stream.push(samples), *stream.end()])


class SteepStream:
    """The samples `start` to `stop` at the new rate, of sound that is pushed block by block.

    The sound begins at sample `SteepFilter.span(start, stop)[0]` of the old rate and goes to where `span`
    says or to the recording's end; what is before and behind that counts as zeros. What comes has the same
    bits for any start, stop, batch and blocks.

    Parameters
    ----------
    filtering : SteepFilter
    start, stop : int
        Counted at the new rate; `stop` None is the end: `count` of the recording's samples.
    batch : int
        So many of the filter's blocks at a time: 16 are the quickest, fewer come sooner.
    """

    def __init__(
        self, filtering: SteepFilter, start: int = 0, stop: int | None = None, batch: int = BATCH
    ) -> None:
        self._filter, self._start, self._stop, self._batch = filtering, start, stop, batch
        self._done, position = filtering.block_at(start)
        self._tray = np.zeros((batch - 1) * filtering.step_in + filtering.n_in, np.float32)
        self._held = max(0, -position)  # zeros before the recording
        self._position = position + self._held

    def push(self, block: Float32) -> Iterator[Float32]:
        """Take sound [n] that follows what was pushed before, and yield what is made now."""
        self._position += len(block)
        while len(block) and (self._stop is None or self._done < self._stop):
            some = block[: len(self._tray) - self._held]
            self._tray[self._held : self._held + len(some)] = some
            block, self._held = block[len(some) :], self._held + len(some)
            if self._held == len(self._tray):
                yield from self._made(self._batch, self._stop)

    def end(self, *, whole: bool = False) -> Iterator[Float32]:
        """Yield what is left; `whole`: without samples that hang on sound behind what came."""
        end = (self._filter.unharmed if whole else self._filter.count)(self._position)
        end = end if self._stop is None else min(self._stop, end)
        while self._done < end:
            self._tray[self._held :] = 0
            n_blocks = min(self._batch, -(-(end - self._done) // self._filter.step_out))
            yield from self._made(n_blocks, end)

    def _made(self, n_blocks: int, stop: int | None) -> Iterator[Float32]:
        """Make the next blocks, give what lies in start to stop, and forget the sound that is used up."""
        step_in, step_out = self._filter.step_in, self._filter.step_out
        out = np.empty((n_blocks, step_out), np.float32)
        self._filter.run(self._tray, out)
        end = None if stop is None else max(0, stop - self._done)
        kept = out.reshape(-1)[max(0, self._start - self._done) : end]
        left = max(0, self._held - n_blocks * step_in)
        self._tray[:left] = self._tray[n_blocks * step_in : n_blocks * step_in + left]
        self._done, self._held = self._done + n_blocks * step_out, left
        if len(kept):
            yield kept
