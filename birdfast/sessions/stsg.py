"""STSG: spectrogram tokens, their embeddings and a classifier, as a session beside the networks.

Miyaguchi, Gustineli, Cheung, "Distilling Spectrograms into Tokens", BirdCLEF+ 2025.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import config, modelfolder
from .._version import __version__
from ..arrays import Float32
from ..classifier import Classifier
from ..errors import ConfigError, ModelError
from ..stsg.pooling import Pooler, Pooling, describe
from ..stsg.tokenizer import tokenizer
from ..tokens import Codebook
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
            self.tokenizer = tokenizer(facts, arrays)
            self.codebook = Codebook(arrays["centroids"])
            self._pooler = Pooler(config.made(Pooling, "pooling", facts["pooling"]), arrays)
            self._classifier = Classifier.of(arrays)
            self.window_samples = round(facts["window_s"] * self.tokenizer.front_end.rate_hz)
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

    def run(self, windows: Float32) -> Arrays:
        """Score float32 [n, window_samples], n from 1 to `batch`."""
        check_windows(windows, self)
        return self._score(windows)

    def _score(self, windows: Float32) -> Arrays:
        nearest = self._pooler.pooling.n_nearest
        found = [describe(window, self.tokenizer, self.codebook, nearest) for window in windows]
        embedded = self._pooler(
            np.stack([window.counts for window in found]), np.stack([window.statistics for window in found])
        )
        return {"logits": self._classifier.logits(embedded), "embedding": embedded}
