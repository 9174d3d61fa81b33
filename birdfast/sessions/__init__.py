"""Sessions: a network, loaded and ready, that turns windows into scores on one core.

A session has `window_samples`, `n_classes` and `batch` (windows a call, at most), and one verb.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.float32]]


class Session(Protocol):
    """What the pipeline asks of every kind of network."""

    window_samples: int
    n_classes: int
    batch: int

    def run(self, windows: NDArray[np.float32]) -> Arrays:
        """Score windows.

        Parameters
        ----------
        windows : float32 [n <= batch, window_samples], in -1..1

        Returns
        -------
        dict
            "logits": float32 [n, n_classes], the network's scores before any activation that is not
            in its own graph; and "embedding": float32 [n, d], if it was asked for.
        """
        ...


def open_session(path: Path, *, output: str = "", n_classes: int = 0) -> Session:
    """Load the network in `path`.

    Parameters
    ----------
    path : path
        A .tflite file.
    output : str
        Part of the name of the output that holds the scores, where there are several.
    n_classes : int
        How many classes the labels name; 0 if they are not known.

    Raises
    ------
    ModelError
        The file is no network of this kind, or does not fit the labels.
    """
    from .tflite import TfliteSession

    return TfliteSession(path, output=output, n_classes=n_classes)
