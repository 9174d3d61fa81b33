"""Planned: what a run is to keep of scores, so that its own question is answered when all is heard."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from .. import scores
from ..config import Options
from ..journal import Record
from ..models import Model
from ..scores import Rules, keeping
from ..scores.keeping import ALL, BEST
from . import thresholds
from .how import KeepScores
from .question import Question

Usual = Literal["best", "asked"]
Enough = Literal["scores", "low", "best", "asked"]


def enough(usual: Usual, options: Options, question: Question, models: Sequence[Model]) -> Enough:
    """Return which scores are kept: the usual ones, or as few more as answer the run's question.

    Of a window the highest that are asked for may be any where not all species are, and a class's own
    threshold may lie below the run's.

    Parameters
    ----------
    usual : "best" or "asked"
    options : Options
        Settled: see `thresholds.settled`.
    question : Question
    models : sequence of Model

    Raises
    ------
    ConfigError, ModelError
        The question's thresholds, or labels, cannot be read.
    """
    if not question.is_narrow:
        return usual  # it answers what the options ask for
    masked = dataclasses.replace(question, thresholds=None).is_narrow
    rules = _rules(options, models)
    asked = rules
    if question.thresholds is not None:
        asked = _with_thresholds(rules, Path(question.thresholds), models)
    kinds: tuple[Enough, ...] = (usual, "low")
    for kind in kinds:
        if all(
            keeping.of(kind, told).answers(rule, size, masked=masked)
            for its, wanted in zip(rules, asked, strict=True)
            for told, rule, size in zip(its.rules, wanted.rules, its.sizes, strict=True)
        ):
            return kind
    return "scores"


def kept_less(record: Record, chosen: KeepScores | None) -> list[str]:
    """Return what is said where files that were heard before keep less of their scores than is chosen."""
    if chosen not in ("all", "best"):
        return []
    every = [
        keep
        for model in range(len(record.facts().about.models))
        for keepings in record.keepings(model)
        for keep in keepings
    ]
    if all(keep.least == ALL or (chosen == "best" and keep.best >= BEST) for keep in every):
        return []
    return [f"--keep-scores {chosen}: what was heard before keeps less; --force hears it again, and keeps it"]


def _rules(options: Options, models: Sequence[Model]) -> list[Rules]:
    """Return what makes detections of each model's scores, as known before its network is opened."""
    found = []
    for model in models:
        sizes = [len(names) for names in model.class_names()]
        model.check_thresholds(sizes[0])
        # Without a sigmoid scores are confidences, and the same are kept of them.
        how = (options.min_confidence, options.top_k, options.sensitivity)
        found.append(scores.rules(["sigmoid"] * len(sizes), sizes, *how, model.thresholds, model.background))
    return found


def _with_thresholds(rules: Sequence[Rules], path: Path, models: Sequence[Model]) -> list[Rules]:
    """Return the rules with the least confidences of a file."""
    first = [model.class_names()[0] for model in models]
    told = thresholds.by_class(path, [[*zip(one.scientific, one.common, strict=True)] for one in first])
    return [its.with_thresholds(of_model) for its, of_model in zip(rules, told, strict=True)]
