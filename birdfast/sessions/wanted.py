"""What is wanted of a model's network: which of its outputs are shown, and in which roles."""

from __future__ import annotations

from collections.abc import Sequence

from ..grafting.roles import Space, Wanted
from ..models import Model


def wanted(model: Model, n_classes: int = 0, more: Sequence[int] = ()) -> Wanted:
    """Return which outputs of a model's network are shown; arguments as `sessions.open_session`."""
    spaces = model.label_spaces[1:]
    named = zip(spaces, more or [0] * len(spaces), strict=True)
    return Wanted(
        model.output,
        n_classes,
        model.embedding,
        model.spatial_embedding,
        tuple(Space(space.name, space.output, n) for space, n in named),
    )
