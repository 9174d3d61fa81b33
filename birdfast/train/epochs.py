"""Epochs of the skip-gram: the rows that are learnt, and what learns them, once through all sentences."""

from __future__ import annotations

import functools
import hashlib
import math
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import memory
from ..arrays import Float32
from ..config.checks import whole
from ..errors import ConfigError
from ..words import extra_hint
from . import checkpoint as checkpoints
from .sentences import keep_probabilities, negative_table
from .skipgramoptions import LARGEST_SIZE, SkipgramOptions
from .threads import Threads
from .yardstick import Yardstick

FORMAT = 2  # of the checkpoint: another for rules of learning that give other bits
CENTRES_A_CHUNK = 2048  # what a thread takes at a time, at one learning rate


class Epoch(NamedTuple):
    """What an epoch came to."""

    number: int  # from 1
    of: int
    loss: float  # after it, in nats a token: of the same tokens and negatives each time; see `Yardstick`
    learning_loss: float  # mean -log likelihood of a pair as it was met, of a coin 0.69; NaN without pairs
    learning_rate: float  # of its last chunk
    n_tokens: int  # that took part
    seconds: float


class Epochs:
    """The rows that are being learnt, and the epochs that learn them."""

    def __init__(
        self,
        tokens: NDArray[np.int32],
        offsets: NDArray[np.int64],
        vocabulary_size: int,
        options: SkipgramOptions,
        n_workers: int,
    ) -> None:
        self._kernels = _load_kernels()
        vocabulary_size = whole("vocabulary_size", vocabulary_size, 1, LARGEST_SIZE)
        self._tokens, self._offsets = tokens, offsets
        self._size, self._options, self._n_workers = vocabulary_size, options, n_workers
        counts = np.bincount(tokens[tokens >= 0], minlength=vocabulary_size)
        self._keep = keep_probabilities(counts, options.subsample, options.min_count)
        self._counts = np.where(self._keep > 0, counts, 0)
        n_rows = vocabulary_size + n_workers  # the last rows are nobody's, one for each worker
        self._inputs, self._outputs = self._zeros(n_rows), self._zeros(n_rows)
        start = np.random.default_rng((options.seed, 0)).random((vocabulary_size, options.dim), np.float32)
        self._inputs[:vocabulary_size, : options.dim] = (start - np.float32(0.5)) / np.float32(options.dim)
        self._sigmoid = _sigmoid_table(self._kernels.LIMIT, self._kernels.ENTRIES)
        group = self._kernels.GROUP
        self._yardstick = Yardstick.of(tokens, offsets, self._keep, self._counts, options.window)
        self._desks = [self._zeros(2, -(-(1 + options.negatives) // group) * group) for _ in range(n_workers)]
        memory.ask(memory.COMPILING_BYTES)  # again, now that the rows are there

    def learn(self, number: int) -> Epoch:
        """Learn every sentence once, with dice of the seed and the number alone: any epoch can be first.

        Raises
        ------
        ConfigError
            What is learnt is no longer finite: its steps are too long.
        """
        began = time.monotonic()
        options, dice = self._options, np.random.default_rng((self._options.seed, number + 1))
        tokens, ends = self._thin(dice)
        n = len(tokens)
        starts = range(0, n, CENTRES_A_CHUNK)
        rates = [self._rate(number + start / n) for start in starts]
        states = dice.integers(0, 1 << 64, (len(starts), 1), np.uint64)
        loss, n_pairs = self._learn_all(tokens, ends, starts, rates, states, dice.random()) if n else (0.0, 0)
        self._check_finite(number)
        return Epoch(
            number + 1,
            options.epochs,
            self._yardstick.loss(self._inputs, self._outputs),
            loss / n_pairs if n_pairs else np.nan,
            rates[-1] if rates else self._rate(number),
            n,
            time.monotonic() - began,
        )

    def embeddings(self) -> Float32:
        """Return the rows of all tokens, zeros for those that took no part."""
        rows = self._inputs[: self._size, : self._options.dim]
        embeddings: Float32 = np.where((self._counts > 0)[:, None], rows, np.float32(0))
        return embeddings

    def save(self, path: Path, done: int) -> None:
        """Keep what is learnt after `done` epochs."""
        rows = {"inputs": self._inputs[: self._size], "outputs": self._outputs[: self._size]}
        checkpoints.write(path, self._run, {**rows, "done": np.array(done)})

    def resume(self, path: Path) -> int:
        """Take up what was kept; return how many epochs are done."""
        kept = checkpoints.read(path, self._run)
        self._inputs[: self._size], self._outputs[: self._size] = kept["inputs"], kept["outputs"]
        return int(kept["done"])

    @functools.cached_property
    def _run(self) -> dict[str, Any]:
        """What makes this run what it is; the number of workers does not."""
        digest = hashlib.sha256(self._tokens.tobytes())
        digest.update(self._offsets.tobytes())
        sentences = digest.hexdigest()
        run = {"what": "skip-gram", "format": FORMAT, "vocabulary_size": self._size, "sentences": sentences}
        return {**run, **asdict(self._options)}

    def _check_finite(self, number: int) -> None:
        if not all(np.isfinite(rows).all() for rows in (self._inputs, self._outputs)):
            rate = self._options.learning_rate
            raise ConfigError(
                f"learning_rate: {rate:g} does not fit; vectors are no longer finite after epoch "
                f"{number + 1}: take a lower one, such as {min(0.025, rate / 4):g}"
            )

    def _rate(self, epochs_done: float) -> float:
        first, last = self._options.learning_rate, self._options.min_learning_rate
        return first - (first - last) * epochs_done / self._options.epochs

    def _thin(self, dice: np.random.Generator) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return the tokens that take part in an epoch, and where its sentences end."""
        kept, ends = np.empty_like(self._tokens), np.empty_like(self._offsets)
        state = dice.integers(0, 1 << 64, 1, np.uint64)
        n = self._kernels.thin(self._tokens, self._offsets, self._keep, state, kept, ends)
        return kept[:n], ends

    def _learn_all(
        self,
        tokens: NDArray[np.int32],
        ends: NDArray[np.int64],
        starts: Iterable[int],
        rates: Iterable[float],
        states: Iterable[NDArray[np.uint64]],
        shift: float,
    ) -> tuple[float, int]:
        """Learn all chunks, in order or on all workers; return the summed loss and the number of pairs."""
        options = self._options
        table = negative_table(self._counts, options.exponent, self._kernels.DRAWS, shift)
        model = (self._inputs, self._outputs, table, self._sigmoid)
        idle: SimpleQueue[int] = SimpleQueue()
        for worker in range(self._n_workers):
            idle.put(worker)

        def learn(start: int, rate: float, state: NDArray[np.uint64]) -> tuple[float, int]:
            worker, stop = idle.get(), min(start + CENTRES_A_CHUNK, len(tokens))
            how = (options.window, options.negatives, rate)
            own = (self._size + worker, self._desks[worker], state)
            try:
                loss, n_pairs = self._kernels.learn(tokens, ends, start, stop, *how, model, *own)
            finally:
                idle.put(worker)  # or whoever waits for it would wait for ever
            return loss, n_pairs

        with Threads(self._n_workers) as threads:
            found = list(threads.map(learn, starts, rates, states))
        return sum(loss for loss, _ in found), sum(n_pairs for _, n_pairs in found)

    def _zeros(self, *shape: int) -> Float32:
        """Return zeros [*shape, dim], dim filled up to whole cache lines and each row beginning on one."""
        line = self._kernels.LINE
        full = (*shape, -(-self._options.dim // line) * line)
        try:
            room = np.zeros(math.prod(full) + line, np.float32)
        except MemoryError as error:
            flaw = f"dim: {self._options.dim} finds no memory for {self._size:,} tokens"
            raise ConfigError(flaw) from error
        begin = -room.ctypes.data // room.itemsize % line
        return room[begin : begin + math.prod(full)].reshape(full)


def _load_kernels() -> ModuleType:
    try:
        memory.load_compiler()
        from . import _skipgram_numba
    except ModuleNotFoundError as error:
        raise ConfigError(f"training needs {error.name}: {extra_hint('train')}") from error
    except OSError as error:  # llvmlite's, of its library: why it could not be loaded is the error before
        raise ImportError(str(error.__context__ or error)) from error
    return _skipgram_numba


def _sigmoid_table(limit: float, entries: int) -> Float32:
    """Return the sigmoid in the middle of each of `entries` steps from -limit to limit."""
    middles = (np.arange(entries) + 0.5) * (2 * limit / entries) - limit
    table: Float32 = (1 / (1 + np.exp(-middles))).astype(np.float32)
    return table
