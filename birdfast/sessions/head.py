"""Heads: what is said of a window by a small network that takes another one's embedding."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..arrays import Float32
from ..config import GraphEnd
from ..errors import ModelError
from .session import EMBEDDING, Arrays, Session, is_logits


class HeadSession:
    """A head on its backbone; see `session.Session`.

    Parameters
    ----------
    backbone : Session
        It takes the windows, and shows an embedding.
    head : Session
        Its windows are embeddings.

    Attributes
    ----------
    head : Session

    Raises
    ------
    ModelError
        The backbone shows no embedding, or one of another length than the head takes.
    """

    def __init__(self, backbone: Session, head: Session) -> None:
        n_values = backbone.outputs.get(EMBEDDING, 0)
        if not n_values:
            raise ModelError("is a head, and its backbone has no embedding to show")
        if head.window_samples != n_values:
            raise ModelError(
                f"is a head that takes {head.window_samples} values; its backbone's embedding has {n_values}"
            )
        self._backbone, self.head = backbone, head
        self.window_samples, self.batch = backbone.window_samples, backbone.batch
        self._scores = [role for role in head.outputs if is_logits(role)]
        sizes = {role: head.outputs[role] for role in self._scores} | {EMBEDDING: n_values}
        self.outputs: Mapping[str, int] = sizes
        self.ends_in: GraphEnd = head.ends_in
        self.ends: Mapping[str, GraphEnd] = head.ends
        self.spatial_shape: tuple[int, ...] = ()

    @property
    def runtime(self) -> str:
        """What runs both, each once."""
        return ", ".join(dict.fromkeys([self._backbone.runtime, self.head.runtime]))

    def run(self, windows: Float32) -> Arrays:
        """Score float32 [n, window_samples], n from 1 to `batch`."""
        embedding = self._backbone.run(windows)[EMBEDDING]
        size = self.head.batch
        parts = [self.head.run(embedding[i : i + size]) for i in range(0, len(embedding), size)]
        scores = {role: np.concatenate([part[role] for part in parts]) for role in self._scores}
        return scores | {EMBEDDING: embedding}

    def twin(self) -> HeadSession:
        """Return a second session of the same head, on a backbone of its own."""
        return HeadSession(self._backbone.twin(), self.head.twin())
