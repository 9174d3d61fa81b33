"""STSG: spectrogram tokens, their embeddings and a classifier, as a session beside the networks.

Miyaguchi, Gustineli, Cheung, "Distilling Spectrograms into Tokens", BirdCLEF+ 2025.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import config, modelfolder
from ..arrays import Float32
from ..classifier import Classifier
from ..errors import ConfigError, ModelError
from ..stsg.pooling import Pooler, Pooling, describe
from ..stsg.tokenizer import tokenizer
from ..tokens import Codebook

BATCH = 12  # a minute of windows of 5 s
MISFITS = (ConfigError, ModelError, KeyError, IndexError, TypeError, ValueError, MemoryError)


class StsgSession:
    """A trained model, ready; see `sessions.Session`.

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
        arrays = modelfolder.arrays(folder, facts["arrays"])
        try:
            self.tokenizer = tokenizer(facts, arrays)
            self.codebook = Codebook(arrays["centroids"])
            self._pooler = Pooler(config.made(Pooling, "pooling", facts["pooling"]), arrays)
            self._classifier = Classifier.of(arrays)
            self.n_classes = self._classifier.n_classes
            self.window_samples = round(facts["window_s"] * self.tokenizer.front_end.rate_hz)
            silence = np.zeros((1, self.window_samples), np.float32)
            self.embedding_size = self.run(silence)["embedding"].shape[1]
        except MISFITS as error:
            raise ModelError(f"{folder}: its parts do not fit together ({error})") from error

    @property
    def embeddings(self) -> Float32:
        """The tokens' embeddings: float32 [n_tokens, dim]."""
        return self._pooler.tables["embeddings"]

    def run(self, windows: Float32) -> dict[str, Float32]:
        """Score float32 [n <= batch, window_samples]."""
        nearest = self._pooler.pooling.n_nearest
        found = [describe(window, self.tokenizer, self.codebook, nearest) for window in windows]
        embedded = self._pooler(
            np.stack([window.counts for window in found]), np.stack([window.statistics for window in found])
        )
        return {"logits": self._classifier.logits(embedded), "embedding": embedded}
