"""A trained model's tokens, drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import config, modelfolder, picture
from ..arrays import Float32
from ..classifier import Classifier
from ..modelfolder import Arrays
from ..picture.plane import By
from ..picture.tokens import TokenMap, patches
from ..stsg.pooling import Pooler, Pooling
from ..stsg.tokenizer import TokenFrontEnd

SLICE_TOKENS = 512  # whose windows are dense at a time


def draw(model: Path, to: Path, by: By = "pca") -> None:
    """Write a PNG of a model's tokens; see `picture.draw_tokens`.

    Parameters
    ----------
    model : path
        The folder of a trained model.
    to : path
    by : "pca" or "tsne"

    Raises
    ------
    ModelError
        The model cannot be used.
    ConfigError
        matplotlib is missing, scikit-learn is for t-SNE, or `to` is a file that is no picture.
    """
    facts = modelfolder.facts(model)
    arrays = modelfolder.arrays(model, facts["arrays"])
    front_end = config.made(TokenFrontEnd, "frontend", facts["frontend"])
    pooling = config.made(Pooling, "pooling", facts["pooling"])
    centroids = arrays["centroids"]
    if front_end.unit_length:  # of whitened patches, whose values have a variance of 1
        centroids = centroids * np.float32(np.sqrt(centroids.shape[1]))
    mean, projection = arrays.get("mean"), arrays.get("projection")
    spoken = speaks_for(pooling, arrays, 3 * front_end.n_bands)
    ranked = np.sort(spoken, axis=1)
    picture.draw_tokens(
        TokenMap(
            patches(centroids, mean, projection, front_end.patch_frames, front_end.n_bands),
            arrays["embeddings"],
            spoken.argmax(axis=1),
            ranked[:, -1] - ranked[:, -2] if ranked.shape[1] > 1 else ranked[:, 0],
            facts["classes"],
            "MFCC" if front_end.n_mfcc else "mel bands",
        ),
        to,
        by,
    )


def speaks_for(pooling: Pooling, arrays: Arrays, n_statistics: int) -> Float32:
    """Return by how much each token raises each class above what tokens do on average: [n_tokens, n_classes].

    Asked is the model itself, of windows of one token each and of a spectrogram like any other's.
    """
    pooler, classifier = Pooler(pooling, arrays), Classifier.of(arrays)
    n_tokens = len(arrays["embeddings"])
    usual = arrays.get("statistics_mean", np.zeros(n_statistics, np.float32))
    parts = []
    for first in range(0, n_tokens, SLICE_TOKENS):
        last = min(first + SLICE_TOKENS, n_tokens)
        alone = np.zeros((last - first, n_tokens), np.float32)
        alone[np.arange(last - first), np.arange(first, last)] = 1
        parts.append(classifier.logits(pooler(alone, np.tile(usual, (last - first, 1)))))
    logits = np.concatenate(parts)
    found: Float32 = logits - logits.mean(axis=0)
    return found
