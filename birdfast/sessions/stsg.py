"""STSG: spectrogram tokens, their embeddings and a classifier, as a session beside the networks.

Miyaguchi, Gustineli, Cheung, "Distilling Spectrograms into Tokens", BirdCLEF+ 2025.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _kernels, config, modelfolder
from .._version import __version__
from ..arrays import Float32, Int32
from ..classifier import Classifier
from ..config import LARGEST, whole
from ..errors import ConfigError, ModelError
from ..stsg.pooling import Pooling
from ..stsg.streams import front_ends, streams
from ..stsg.variants import variants
from ..stsg.whole import Whole
from ..windows import Grid, cut
from .session import EMBEDDING, LOGITS, Arrays, Plain, check_windows

Scored = tuple[int, Float32, Float32]  # start_sample, logits, embedding
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
            self._embeddings = arrays["embeddings"]
            self.window_samples = round(facts["window_s"] * self._front_end.rate_hz)
            self._whole = Whole(
                window_samples=self.window_samples,
                streams=self.streams,
                pooling=pooling,
                tables=arrays,
                variants=variants(told, self._front_end),
                classifier=Classifier.of(arrays),
            )
            self._model = self._whole.model()
            self._ready()
        except MISFITS as error:
            raise ModelError(f"{folder}: its parts do not fit together ({error})") from error

    def _ready(self) -> None:
        self._scratch = self._model.scratch()
        self.outputs: Mapping[str, int] = {
            LOGITS: self._model.n_classes,
            EMBEDDING: self._model.n_embedding,
        }

    def twin(self) -> StsgSession:
        """Return a second session of the same model, which they share: what it works in is its own."""
        made = copy.copy(self)
        made._ready()
        return made

    @property
    def whole(self) -> Whole:
        """All parts of the model."""
        return self._whole

    def stream(self, step_samples: int) -> StsgStream:
        """Return a new stream of the model, whose windows begin `step_samples` apart; see `StsgStream`.

        Raises
        ------
        ConfigError
            Not a whole number of samples, 1 or more.
        """
        step_samples = whole("step_samples", step_samples, 1, LARGEST)
        return StsgStream(_kernels.StsgStream(self._model, step_samples))

    @property
    def embeddings(self) -> Float32:
        """The tokens' embeddings: float32 [n_tokens, dim]."""
        return self._embeddings

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
        n = len(windows)
        logits = np.empty((n, self._model.n_classes), np.float32)
        embedding = np.empty((n, self._model.n_embedding), np.float32)
        self._model.score(np.ascontiguousarray(windows), logits, embedding, self._scratch)
        return {LOGITS: logits, EMBEDDING: embedding}


class StsgStream:
    """Sound as it comes, scored window by window: the same bits as `StsgSession.run`, whatever the blocks.

    For one thread at a time. Nothing is allocated while no window is complete.
    """

    def __init__(self, stream: _kernels.StsgStream) -> None:
        self._stream = stream

    def push(self, samples: NDArray[np.float32] | NDArray[np.int16]) -> tuple[Scored, ...]:
        """Take in the next samples, float32 or int16 (32,768 is 1.0) [n]; return the windows they complete.

        Returns
        -------
        tuple of (start_sample, logits float32 [n_classes], embedding float32 [d])
            Often empty.

        Raises
        ------
        ConfigError
            Samples of another type or shape.
        """
        try:
            found = self._stream.push(samples)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"samples: {error}") from error
        return tuple(map(_scored, found)) if found else ()

    def restart(self) -> None:
        """Begin afresh: the next sample is number 0."""
        self._stream.restart()


def _scored(found: tuple[int, bytes, bytes]) -> Scored:
    start, logits, embedding = found
    return start, np.frombuffer(logits, np.float32), np.frombuffer(embedding, np.float32)
