"""The thresholds that trained models bring along: whether they decide in a run, and what is said of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from .. import modelfolder
from ..config import MIN_CONFIDENCE, Options
from ..models import Model
from ..tables import escaped


def settled(options: Options, models: Sequence[Model]) -> Options:
    """Return a run's options: where no model has thresholds of its own, with the usual least confidence.

    So a run that asks for that one, and one that asks for none, are the same.
    """
    if options.min_confidence is not None or any(model.thresholds for model in models):
        return options
    return dataclasses.replace(options, min_confidence=MIN_CONFIDENCE)


def told(options: Options, models: Sequence[Model]) -> list[str]:
    """Return what is said of models whose own thresholds decide.

    Raises
    ------
    ModelError
        A model's manifest cannot be read any more.
    """
    if options.min_confidence is not None:
        return []
    lines = dict[str, list[str]]()
    for model in models:
        if model.thresholds:
            facts = modelfolder.facts(model.path.parent, model.kind)
            precision = facts.get("calibration", {}).get("precision")
            why = "" if precision is None else f", for a precision of {precision:g} on held-out windows"
            lines.setdefault(why, []).append(escaped(model.name))
    more = "--min-conf (min_confidence) takes one of your own"
    return [f"thresholds of {', '.join(names)}: a class's own{why}; {more}" for why, names in lines.items()]
