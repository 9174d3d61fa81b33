"""What is left to do to a network's scores, by what its graph has done to them and what was told."""

from __future__ import annotations

import warnings
from typing import Literal

from ..config import Activation, GraphEnd
from ..errors import ModelError

# By what a graph has done: the softmax of a softmax's logarithms is the softmax itself.
LEFT_TO_DO: dict[str, Activation] = {
    "sigmoid": "none",
    "softmax": "none",
    "log-softmax": "softmax",
    "bounded": "none",
}


def activation_after(
    ends_in: GraphEnd, told: Activation | Literal[""], whose: str
) -> Activation | Literal[""]:
    """Return the activation that follows the end of a graph, "" where nothing tells.

    Raises
    ------
    ModelError
        The graph ends in an activation, and another was told to follow. Where its scores are only seen to lie
        between 0 and 1, what was told is done, with a RuntimeWarning.
    """
    left = LEFT_TO_DO.get(ends_in)
    against = told and left and told != left
    if against and ends_in == "bounded":
        warnings.warn(
            f"{whose}: its scores can only lie between 0 and 1, which confidences do; they are taken"
            f' as logits, since activation = "{told}" was told',
            RuntimeWarning,
            stacklevel=2,
        )
    elif against:
        raise ModelError(
            f'{whose}: its graph ends in a {ends_in}, and activation = "{told}" was told; it takes "{left}"'
        )
    return told or left or ""
