"""The label spaces of one model: how the scores of each become detections, and rows of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .. import models
from ..arrays import Float32, Int64
from ..config import MIN_CONFIDENCE, Options
from ..errors import ConfigError, ModelError
from ..labels import Labels
from ..scores import ScoreRule
from ..sessions.session import LOGITS, Session, logits_of
from . import plausibility


class LabelSpaces:
    """Roles of outputs, and what makes a score a detection, by label space.

    Thresholds and numbers of classes are each space's own: `top_k` are so many of each.

    Parameters
    ----------
    model : models.Model
        Complete (`for_input`): with the activation of its first space.
    told : models.Model
        As it was before.
    names : sequence of Labels
    session : Session
    options : Options

    Raises
    ------
    ModelError
        A graph ends in an activation, and another was told to follow; or see `plausibility`.
    ConfigError
        A sensitivity was chosen, and there is no sigmoid whose logits it could shift.
    """

    def __init__(
        self,
        model: models.Model,
        told: models.Model,
        names: Sequence[Labels],
        session: Session,
        options: Options,
    ) -> None:
        assert model.activation  # not "" any more
        self.widths = {LOGITS: len(names[0])}
        activations = [model.activation]
        for space, its in zip(model.label_spaces[1:], names[1:], strict=True):
            role = logits_of(space.name)
            self.widths[role] = len(its)
            whose = f"{model.path}: label space {space.name}"
            found = models.activation_after(session.ends[role], space.activation, whose) or told.activation
            if not found:
                plausibility.look(whose, role, "sigmoid", session)
            elif found == "none" and session.ends[role] in ("none", ""):
                plausibility.doubt(whose, role, session)
            activations.append(found or "sigmoid")
        if options.sensitivity != 1 and {*activations} != {"sigmoid"}:
            raise ConfigError(f"sensitivity: {model.title} has no sigmoid whose logits it could shift")
        least = [_least(model, names[0], options), *[_of_all(options)] * len(names[1:])]
        how = (options.top_k, options.sensitivity)
        self._rules = [
            ScoreRule(activation, its, *how) for activation, its in zip(activations, least, strict=True)
        ]

    @property
    def n_classes(self) -> int:
        """Of all spaces together."""
        return sum(self.widths.values())

    def pick(self, outputs: Mapping[str, Float32]) -> tuple[Int64, Int64, Int64, Float32]:
        """Return the detections in a batch: window, label space, class (each int64 [m]) and confidence.

        Window by window, space by space; within both the most confident first.
        """
        found = [rule.pick(outputs[role]) for role, rule in zip(self.widths, self._rules, strict=True)]
        if len(found) == 1:
            window, label, confidence = found[0]
            return window, np.zeros_like(window), label, confidence
        window, label, confidence = (np.concatenate(columns) for columns in zip(*found, strict=True))
        space = np.repeat(np.arange(len(found)), [len(picked[0]) for picked in found])
        order = np.argsort(window, kind="stable")
        return window[order], space[order], label[order], confidence[order]

    def logits(self, outputs: Mapping[str, Float32]) -> Float32:
        """Return the scores of all spaces side by side: float32 [n, n_classes]."""
        return _side_by_side([outputs[role] for role in self.widths])

    def confidences(self, outputs: Mapping[str, Float32]) -> Float32:
        """Return the confidences of all spaces side by side: float32 [n, n_classes]."""
        rules = zip(self.widths, self._rules, strict=True)
        return _side_by_side([rule.confidences(outputs[role]) for role, rule in rules])


def _least(model: models.Model, names: Labels, options: Options) -> float | Float32:
    """Return the least confidence of a detection, of all of a model's own classes or of each."""
    if len(model.thresholds) not in (0, len(names)) or model.background >= len(names):
        raise ModelError(f"{model.path}: its thresholds are of other classes than its {len(names)} labels")
    own = options.min_confidence is None and model.thresholds
    if not own and model.background < 0:
        return _of_all(options)
    least = np.array(model.thresholds if own else [_of_all(options)] * len(names), np.float32)
    if model.background >= 0:
        least[model.background] = np.inf  # no confidence reaches it
    return least


def _of_all(options: Options) -> float:
    return MIN_CONFIDENCE if options.min_confidence is None else options.min_confidence


def _side_by_side(rows: Sequence[Float32]) -> Float32:
    return rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1)
