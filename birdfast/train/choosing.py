"""Choosing: which of several heads it is, by what each says of windows that it has not heard.

The inner folds are those by which a head is calibrated, of what it learns from alone: so a training without a
fold chooses without it, and what `--cv` tests has chosen nothing by what it is tested on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from .. import bars
from ..arrays import Array
from ..classifier import Layer
from . import calibration
from .headrecipe import CHOSEN, NetworkHead
from .recipe import Head

LOSSES = "losses"  # of the candidates, of the arrays in which a stage keeps what was found


def learn(
    windows: calibration.Windows,
    exclusive: bool,
    fit: Callable[..., list[Layer]],
    candidates: Sequence[NetworkHead],
) -> dict[str, Array]:
    """Train the candidate that makes what is true most likely, scaled as it is then, of held-out windows.

    Parameters
    ----------
    windows, exclusive
        As `calibration.learn`.
    fit : callable
        Trains a head from values, targets, and the keyword `choice`.
    candidates : sequence of NetworkHead
        The first of those that do as well is taken, and of all where no window can be held out.

    Returns
    -------
    dict of str to array
        As `calibration.learn`, and `LOSSES`: float64 [n_candidates], NaN where no window could be held out.
    """
    found = []
    for number, choice in enumerate(candidates):
        bars.step(number, len(candidates), "candidates")
        found.append(calibration.held_out(windows, exclusive, partial(fit, choice=choice), choice))
    losses = np.array([one.loss for one in found])
    number = _least(losses)
    layers = fit(windows.values, windows.targets, choice=candidates[number])
    return found[number].arrays(layers) | {LOSSES: losses}


def told(candidates: Sequence[NetworkHead], arrays: Mapping[str, Array]) -> dict[str, Any]:
    """Return what a manifest says of it: `training`, with what was chosen, and `candidates`, if several."""
    losses = arrays[LOSSES]
    found: dict[str, Any] = {"training": {"head": dataclasses.asdict(candidates[_least(losses)])}}
    if len(candidates) > 1:
        rows = zip(_differing(candidates), losses.tolist(), strict=True)
        found["candidates"] = [{**row, "loss": loss} if np.isfinite(loss) else row for row, loss in rows]
    return found


def judged(candidates: Sequence[Head], arrays: Mapping[str, Array]) -> dict[str, Any]:
    """Return what a test of a model adds to its figures: "chosen", where there was something to choose."""
    return {"chosen": _differing(candidates)[_least(arrays[LOSSES])]} if len(candidates) > 1 else {}


def in_words(candidates: Sequence[Head], arrays: Mapping[str, Array]) -> Iterator[str]:
    """Say what was chosen, where there was something to choose."""
    losses = arrays[LOSSES]
    if len(candidates) > 1 and np.isfinite(losses).any():
        rows = [", ".join(f"{key} {value:g}" for key, value in row.items()) for row in _differing(candidates)]
        every = "; ".join(f"{row}: {loss:.4f}" for row, loss in zip(rows, losses, strict=True))
        yield f"head: {rows[_least(losses)]}, by the loss of inner folds ({every})"


def without(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return a model's arrays without those that its manifest tells."""
    return {name: array for name, array in arrays.items() if name != LOSSES}


def _least(losses: Array) -> int:
    return int(np.argmin(np.where(np.isnan(losses), np.inf, losses)))


def _differing(candidates: Sequence[Head]) -> list[dict[str, Any]]:
    """Return of each candidate what it has not in common with all others."""
    keys = [key for key in CHOSEN if len({getattr(one, key) for one in candidates}) > 1]
    return [{key: getattr(one, key) for key in keys} for one in candidates]
