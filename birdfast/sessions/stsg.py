"""STSG: spectrogram tokens, their embeddings and a classifier, as a session beside the networks.

Miyaguchi, Gustineli, Cheung, "Distilling Spectrograms into Tokens", BirdCLEF+ 2025.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import config, modelfolder
from .._version import __version__
from ..arrays import Float32, Int32
from ..classifier import Classifier
from ..errors import ConfigError, ModelError
from ..stsg.pooling import Pooler, Pooling, Window, averaged
from ..stsg.streams import describe, front_ends, streams
from ..stsg.variants import variants
from ..windows import Grid, cut
from .session import Arrays, Plain, check_windows

BATCH = 12  # a minute of windows of 5 s
MISFITS = (ConfigError, ModelError, KeyError, IndexError, TypeError, ValueError, MemoryError)


class StsgSession(Plain):
    """A trained model, ready; see `session.Session`.

    Parameters
    ----------
    folder : path

    Raises
    ------
    ModelError
        The folder was changed or cut, is of a newer birdfast, or its parts do not fit together.
    """

    batch = BATCH

    def __init__(self, folder: Path) -> None:
        facts = modelfolder.facts(folder)
        self._start(folder, facts, modelfolder.arrays(folder, facts["arrays"]))

    def _start(self, folder: Path, facts: Mapping[str, Any], arrays: Mapping[str, Float32]) -> None:
        self._read = (folder, facts, arrays)
        self.runtime = f"birdfast {__version__}"
        try:
            self.streams = streams(front_ends(facts["frontend"], facts.get("streams", ())), arrays)
            self._front_end = self.streams[0].tokenizer.front_end
            pooling = config.made(Pooling, "pooling", facts["pooling"])
            told = facts.get("variants", []) if pooling.averaged else []
            self._variants = variants(told, self._front_end)
            self._pooler = Pooler(pooling, arrays)
            self._classifier = Classifier.of(arrays)
            self.window_samples = round(facts["window_s"] * self._front_end.rate_hz)
            silence = np.zeros((1, self.window_samples), np.float32)
            found = self._score(silence)
            self.outputs: Mapping[str, int] = {role: rows.shape[1] for role, rows in found.items()}
        except MISFITS as error:
            raise ModelError(f"{folder}: its parts do not fit together ({error})") from error

    def twin(self) -> StsgSession:
        """Return a second session of the same model: the kernels' tables are its own, the arrays shared."""
        made = StsgSession.__new__(StsgSession)
        made._start(*self._read)
        return made

    @property
    def embeddings(self) -> Float32:
        """The tokens' embeddings: float32 [n_tokens, dim]."""
        return self._pooler.tables["embeddings"]

    @property
    def rate_hz(self) -> int:
        """The sampling rate of its sound."""
        return self._front_end.rate_hz

    @property
    def token_s(self) -> float:
        """Seconds from a token of its first stream to the next."""
        return self._front_end.frame_s

    def tokens(self, blocks: Iterator[Float32]) -> Iterator[Int32]:
        """Yield the tokens int32 [n] of its first stream for sound that comes in blocks.

        Where each window has a background of its own, they are window by window.
        """
        tokenizer, codebook = self.streams[0].tokenizer, self.streams[0].codebook
        if self._front_end.less == "none":
            for frames in tokenizer.stream(blocks):
                yield codebook.assign(frames)
        else:
            grid = Grid(self.rate_hz, self.window_samples, self.window_samples, "min-1s")
            for (window,) in cut(blocks, grid, None, 1):
                yield codebook.assign(tokenizer(window))

    def run(self, windows: Float32) -> Arrays:
        """Score float32 [n, window_samples], n from 1 to `batch`."""
        check_windows(windows, self)
        return self._score(windows)

    def _score(self, windows: Float32) -> Arrays:
        found = [window for sound in windows for window in self._described(sound)]
        embedded = self._pooler(
            np.stack([window.counts for window in found]), np.stack([window.statistics for window in found])
        )
        if self._variants:
            embedded = averaged(embedded, 1 + len(self._variants))
        return {"logits": self._classifier.logits(embedded), "embedding": embedded}

    def _described(self, sound: Float32) -> Iterator[Window]:
        """Yield what a window has to say, then its variants."""
        bands = self.streams[0].tokenizer.bands(sound)
        yield describe(bands, self.streams, self._pooler.pooling)
        for variant in self._variants:
            yield describe(variant.of(bands, self._front_end), self.streams, self._pooler.pooling)
