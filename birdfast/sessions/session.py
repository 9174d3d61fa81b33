"""The contract: what the pipeline asks of every kind of network."""

from __future__ import annotations

from typing import Protocol

from ..arrays import Float32

Arrays = dict[str, Float32]


class Session(Protocol):
    """What the pipeline asks of every kind of network."""

    window_samples: int
    n_classes: int
    embedding_size: int
    batch: int

    def run(self, windows: Float32) -> Arrays:
        """Score windows.

        Parameters
        ----------
        windows : float32 [n <= batch, window_samples], in -1..1

        Returns
        -------
        dict
            "logits": float32 [n, n_classes], the network's scores before any activation that is not
            in its own graph; and "embedding": float32 [n, d], where the network has one to show.
        """
        ...
