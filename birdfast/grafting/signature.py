"""What a network takes and gives: which input is the sound, and which output holds the scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ModelError


def check_inputs(inputs: Sequence[tuple[np.dtype[Any], Sequence[int]]]) -> None:
    """Raise ModelError unless a network's inputs are one window of sound: float32 [1, n] or [n]."""
    if len(inputs) != 1:
        raise ModelError(f"has {len(inputs)} inputs; a network for sound has one")
    dtype, shape = inputs[0]
    if dtype != np.float32 or len(shape) not in (1, 2) or list(shape[:-1]) not in ([], [1]) or shape[-1] < 2:
        raise ModelError(
            f"takes {dtype} {list(shape)}; a network for sound takes float32 [1, samples] or [samples]"
        )


def scores_output(outputs: Sequence[tuple[str, Sequence[int]]], name: str, n_classes: int) -> int:
    """Return the place of the output that holds the scores.

    Parameters
    ----------
    outputs : sequence of (str, shape)
    name : str
        Part of its name, or "".
    n_classes : int
        Its length, or 0.

    Raises
    ------
    ModelError
        Neither tells, and there are several.
    """
    named = [place for place, (known, _) in enumerate(outputs) if name and name in known]
    fitting = [place for place, (_, shape) in enumerate(outputs) if shape and shape[-1] == n_classes]
    for choice in (named, fitting, list(range(len(outputs)))):
        if len(choice) == 1:
            return choice[0]
    shapes = ", ".join(f"{known} {list(shape)}" for known, shape in outputs)
    raise ModelError(f"which output holds the scores? There are: {shapes or 'none'}")
