"""Networks that are joined: a head takes their embeddings side by side, of one window of sound.

The window is the longest one of theirs, at the highest rate of theirs; see `sessions.joined` for what the
others make of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ..errors import ModelError
from . import firstinput
from .model import Model
from .window import check_window


def joined(parts: Sequence[Model]) -> Model:
    """Return several networks as one that has no scores, but an embedding.

    Parameters
    ----------
    parts : sequence of Model
        In the order of their embeddings.

    Returns
    -------
    Model
        With the facts of its sound. The step is that of the network with the longest window; its path stands
        for the files of all.

    Raises
    ------
    ModelError
        One is there twice, or does not tell what sound it takes.
    """
    parts = [_heard(part) for part in parts]
    places = [part.path.resolve() for part in parts]
    if len({*places}) < len(places):
        raise ModelError(f"{parts[0].path}: a network is joined with others, not with itself")
    longest = max(parts, key=lambda part: part.window_samples / part.rate_hz)
    rate_hz = max(part.rate_hz for part in parts)
    share = rate_hz / longest.rate_hz
    return Model(
        name="+".join(part.name for part in parts),
        title=" and ".join(part.title for part in parts),
        kind="joined",
        parts=tuple(parts),
        licence="; ".join(f"{part.title}: {part.licence}" for part in parts),
        rate_hz=rate_hz,
        window_samples=round(longest.window_samples * share),
        step_samples=round(longest.step_samples * share),
        activation="none",
        path=parts[0].path,
    )


def _heard(part: Model) -> Model:
    """Return a network with the facts of its sound, which its file may have to tell, for its embedding."""
    part = dataclasses.replace(part, spatial_embedding="")
    samples = part.window_samples or (firstinput.shape(part.path) or (0,))[-1]
    if samples < 1:
        raise ModelError(
            f"{part.path}: how long its windows are is not told, so it cannot be joined with others; a"
            " model.toml in its folder can: window_samples = ..."
        )
    part = dataclasses.replace(part, window_samples=samples) if part.rate_hz else part.for_input(samples)
    check_window(part.path, part.window_samples, part.rate_hz)
    return part
