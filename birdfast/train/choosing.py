"""Choosing: which of several heads it is, by what each says of windows that it has not heard.

The inner folds are those by which a head is calibrated, of what it learns from alone: so a training without a
fold chooses without it, and what `--cv` tests has chosen nothing by what it is tested on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import bars
from ..arrays import Array
from ..classifier import Layer
from . import calibration
from .headrecipe import HeadRecipe, NetworkHead
from .recipe import Recipe

LOSSES = "losses"  # of what was tried, of the arrays in which a stage keeps what was found


class Tried(NamedTuple):
    """What a head could be, and its loss on windows that it has not heard; NaN: there were none."""

    head: NetworkHead
    loss: float


def search(recipe: HeadRecipe, ask: Callable[[NetworkHead], float]) -> tuple[NetworkHead, list[Tried]]:
    """Return the head that is taken, and all that were tried, in order.

    One thing is chosen after the other, each with what was chosen before it, and the first values of what is
    yet to be chosen; so few are tried. A value is taken if its loss is less than that of all before it.

    Parameters
    ----------
    recipe : HeadRecipe
    ask : callable
        Returns a head's loss.
    """
    best = Tried(recipe.head, ask(recipe.head))
    tried = [best]
    for key, values in recipe.choices.items():
        start = best.head
        for value in values[1:]:
            one = dataclasses.replace(start, **{key: value})
            tried.append(Tried(one, ask(one)))
            best = tried[-1] if tried[-1].loss < best.loss else best
    return best.head, tried


def learn(
    windows: calibration.Windows, exclusive: bool, fit: Callable[..., list[Layer]], recipe: HeadRecipe
) -> dict[str, Array]:
    """Train the head that makes what is true most likely, scaled as it is then, of held-out windows.

    Parameters
    ----------
    windows, exclusive
        As `calibration.learn`.
    fit : callable
        Trains a head from values, targets, and the keyword `choice`.
    recipe : HeadRecipe

    Returns
    -------
    dict of str to array
        As `calibration.learn`, and `LOSSES`: float64 [n_tried].
    """
    found: dict[NetworkHead, calibration.Calibration] = {}
    total = 1 + sum(len(values) - 1 for values in recipe.choices.values())

    def ask(choice: NetworkHead) -> float:
        bars.step(len(found), total, "candidates")
        found[choice] = calibration.held_out(windows, exclusive, partial(fit, choice=choice), choice)
        return found[choice].loss

    chosen, tried = search(recipe, ask)
    layers = fit(windows.values, windows.targets, choice=chosen)
    return found[chosen].arrays(layers) | {LOSSES: np.array([one.loss for one in tried])}


def told(recipe: HeadRecipe, arrays: Mapping[str, Array]) -> dict[str, Any]:
    """Return what a manifest says of it: `training`, with what was chosen, and `candidates`, if several."""
    chosen, tried = _again(recipe, arrays)
    found: dict[str, Any] = {"training": {"head": dataclasses.asdict(chosen)}}
    if len(tried) > 1:
        losses = [{"loss": one.loss} if np.isfinite(one.loss) else {} for one in tried]
        found["candidates"] = [
            _choice(recipe, one.head) | loss for one, loss in zip(tried, losses, strict=True)
        ]
    return found


def judged(recipe: HeadRecipe | Recipe, arrays: Mapping[str, Array]) -> dict[str, Any]:
    """Return what a test of a model adds to its figures: "chosen", where there was something to choose."""
    if isinstance(recipe, Recipe) or not recipe.choices:
        return {}
    return {"chosen": _choice(recipe, _again(recipe, arrays)[0])}


def in_words(recipe: HeadRecipe, arrays: Mapping[str, Array]) -> Iterator[str]:
    """Say what was chosen, where there was something to choose."""
    chosen, tried = _again(recipe, arrays)
    if recipe.choices and np.isfinite(arrays[LOSSES]).any():
        every = "; ".join(f"{_words(recipe, one.head)}: {one.loss:.4f}" for one in tried)
        yield f"head: {_words(recipe, chosen)}, by the loss of inner folds ({every})"


def without(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return a model's arrays without those that its manifest tells."""
    return {name: array for name, array in arrays.items() if name != LOSSES}


def _again(recipe: HeadRecipe, arrays: Mapping[str, Array]) -> tuple[NetworkHead, list[Tried]]:
    """Return what `search` did when the losses were found."""
    losses = iter(arrays[LOSSES].tolist())
    return search(recipe, lambda _: next(losses))


def _choice(recipe: HeadRecipe, head: NetworkHead) -> dict[str, Any]:
    return {key: getattr(head, key) for key in recipe.choices}


def _words(recipe: HeadRecipe, head: NetworkHead) -> str:
    return ", ".join(f"{key} {value:g}" for key, value in _choice(recipe, head).items())
