"""A trained model's tokens, drawn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .. import config, modelfolder, picture
from ..arrays import Float32
from ..classifier import Classifier
from ..modelfolder import Arrays
from ..picture.plane import By
from ..picture.tokens import TokenMap, patches
from ..stsg import streams
from ..stsg.compiled import named
from ..stsg.pooling import Pooler, Pooling
from ..stsg.tokenizer import TokenFrontEnd

SLICE_TOKENS = 512  # whose windows are dense at a time
EMBEDDINGS = re.compile(r"embeddings(_\d+)?")  # of the streams


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
    pooling = config.made(Pooling, "pooling", facts["pooling"])
    front_ends = streams.front_ends(facts["frontend"], facts.get("streams", ()))
    spoken = speaks_for(pooling, arrays, 3 * front_ends[0].n_bands)
    maps = []
    for number, front_end in enumerate(front_ends):
        n_tokens = len(arrays[named("embeddings", number)])
        own, spoken = spoken[:n_tokens], spoken[n_tokens:]
        maps.append(_map(front_end, arrays, number, own, facts["classes"]))
    picture.draw_tokens(maps, to, by)


def _map(
    front_end: TokenFrontEnd, arrays: Arrays, number: int, spoken: Float32, classes: Sequence[str]
) -> TokenMap:
    """Return what is drawn of a stream of tokens."""
    centroids = arrays[named("centroids", number)]
    if front_end.unit_length:  # of whitened patches, whose values have a variance of 1
        centroids = centroids * np.float32(np.sqrt(centroids.shape[1]))
    mean, projection = (arrays.get(named(name, number)) for name in ("mean", "projection"))
    ranked = np.sort(spoken, axis=1)
    return TokenMap(
        patches(centroids, mean, projection, front_end.patch_frames, front_end.n_bands),
        arrays[named("embeddings", number)],
        spoken.argmax(axis=1),
        ranked[:, -1] - ranked[:, -2] if ranked.shape[1] > 1 else ranked[:, 0],
        classes,
        "MFCC" if front_end.n_mfcc else "mel bands",
    )


def speaks_for(pooling: Pooling, arrays: Arrays, n_statistics: int) -> Float32:
    """Return by how much a token raises each class above what tokens do on average: [n_tokens, n_classes].

    Asked is the model itself, of windows of one token each and of a spectrogram like any other's. The tokens
    of all streams stand one behind the other.
    """
    pooler, classifier = Pooler(pooling, arrays), Classifier.of(arrays)
    n_tokens = sum(len(array) for name, array in arrays.items() if EMBEDDINGS.fullmatch(name))
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
