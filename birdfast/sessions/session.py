"""The contract: what the pipeline asks of every kind of network."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np

from ..arrays import Float32
from ..config import GraphEnd
from ..errors import ModelError
from ..grafting.roles import EMBEDDING, LOGITS, SPATIAL_EMBEDDING, is_logits, logits_of

__all__ = [
    "EMBEDDING",
    "LOGITS",
    "SPATIAL_EMBEDDING",
    "Arrays",
    "Plain",
    "Session",
    "check_outputs",
    "check_windows",
    "is_logits",
    "logits_of",
]

Arrays = dict[str, Float32]


class Session(Protocol):
    """A network, loaded and ready, that turns windows into scores on one core, in one thread at a time.

    Attributes
    ----------
    window_samples : int
    batch : int
        Windows that it takes at a time, at most.
    outputs : dict of str to int
        What it says of a window, by role, and how many values each has: "logits", one a class, and
        "logits:NAME" for each further label space; "embedding" and "spatial_embedding", where it has them to
        show. Networks that are joined for a head have the embedding alone.
    ends_in : "sigmoid", "softmax", "log-softmax", "bounded", "none" or ""
        The activation that its own graph ends in ("bounded" where none is seen, but its scores can only lie
        between 0 and 1); "": not known.
    ends : dict of str to GraphEnd
        The same of further label spaces, by role.
    spatial_shape : tuple of int
        The axes of a window's spatial embedding, whose values are in a row in `run`; () where there is none.
    """

    window_samples: int
    batch: int
    outputs: Mapping[str, int]
    ends_in: GraphEnd
    ends: Mapping[str, GraphEnd]
    spatial_shape: tuple[int, ...]

    @property
    def runtime(self) -> str:
        """What runs it, and its version: "ai-edge-litert 2.1.0", "birdfast 0.1.0"."""
        ...

    def run(self, windows: Float32) -> Arrays:
        """Score windows.

        Parameters
        ----------
        windows : float32 [n, window_samples], in -1..1
            1 to `batch` of them.

        Returns
        -------
        dict
            float32 [n, values] for each role of `outputs`. "logits" are the network's scores before any
            activation that is not in its own graph. Nobody else writes into them.

        Raises
        ------
        ModelError
            No window, or more than `batch`; or the runtime fails.
        """
        ...

    def twin(self) -> Session:
        """Return a second session of the same network, for another thread; what is read-only is shared."""
        ...


class Plain:
    """The facts of a session of birdfast's own making: it has one label space, whose logits it shows."""

    ends_in: GraphEnd = "none"
    ends: Mapping[str, GraphEnd] = MappingProxyType({})
    spatial_shape: tuple[int, ...] = ()


def is_rewritten(session: Session) -> bool:
    """Return whether it runs a network that was rewritten for speed; those that never do say nothing."""
    return bool(getattr(session, "is_rewritten", False))


def check_outputs(outputs: Mapping[str, object], n_windows: int, session: Session) -> None:
    """Refuse outputs of a network that are not what the session says of them.

    Raises
    ------
    ModelError
        One is missing, of another type than float32, or has other axes; the message says which.
    """
    for role, n_values in session.outputs.items():
        values, meant = outputs.get(role), (n_windows, n_values)
        if not isinstance(values, np.ndarray) or values.dtype != np.float32 or values.shape != meant:
            found = f"{values.dtype} {list(values.shape)}" if isinstance(values, np.ndarray) else "no array"
            raise ModelError(f"the network's {role} are {found}, not float32 {list(meant)}")


def check_windows(windows: Float32, session: Session) -> None:
    """Refuse windows that a session does not take.

    Raises
    ------
    ModelError
        See `Session.run`.
    """
    if not (0 < len(windows) <= session.batch and windows.shape[1:] == (session.window_samples,)):
        raise ModelError(
            f"windows {list(windows.shape)}: this session takes 1 to {session.batch} of"
            f" {session.window_samples} samples"
        )
