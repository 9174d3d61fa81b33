"""What tokens weigh in a window's embedding.

A frame gives one vote to its nearest centroid, or shares it among its n nearest ones, in proportion to
1 / distance. A window's votes weigh the tokens' embeddings (csrc/window.c, csrc/pooling.c).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..arrays import Float32, Int64

Weighting = Literal["mean", "sqrt", "tf-idf"]


def inverse_frequency(having: Int64, n_windows: int) -> Float32:
    """Return log((1 + n) / (1 + df)) + 1 for each token, df of n windows having it (smooth idf).

    Parameters
    ----------
    having : int64 [n_tokens]
        How many windows have each token.
    n_windows : int

    Returns
    -------
    float32 [n_tokens]
    """
    inverse: Float32 = (np.log((1 + n_windows) / (1 + having)) + 1).astype(np.float32)
    return inverse
