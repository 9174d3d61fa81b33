"""How good a model is on recordings that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..arrays import Bools, Float32
from ..classifier import Classifier
from ..stsg.pooling import Pooler, Pooling
from .examples import Examples


def scores(
    examples: Examples, pooling: Pooling, arrays: Mapping[str, Float32], *, exclusive: bool
) -> tuple[Float32, Bools]:
    """Return a model's mean logits for the clips of windows, and their labels: [n_clips, n_classes] each.

    Parameters
    ----------
    examples : Examples
    pooling : Pooling
    arrays : dict of str to float32 array
        A model's, as `Training.model` returns them.
    exclusive : bool
        Means are of the logarithms of a softmax's probabilities.
    """
    pooler, classifier = Pooler(pooling, arrays), Classifier.of(arrays)
    logits = examples.each(lambda counts, statistics: classifier.logits(pooler(counts, statistics)))
    logits = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True) if exclusive else logits
    there, first, number = np.unique(examples.clip, return_index=True, return_inverse=True)
    means = np.zeros((len(there), logits.shape[1]), np.float32)
    np.add.at(means, number, logits / np.bincount(number)[number, np.newaxis].astype(np.float32))
    return means, examples.targets[first]
