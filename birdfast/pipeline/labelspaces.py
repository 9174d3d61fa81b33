"""The label spaces of one model: which scores of each are kept, and how they become detections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .. import models, scores
from ..arrays import Float32
from ..config import Options
from ..errors import ConfigError
from ..labels import Labels
from ..scores import keeping, side_by_side
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

    Attributes
    ----------
    rules : scores.Rules
    keepings : list of keeping.Keeping
        Of each space: what the options keep, or else what detections are made of.

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
        model.check_thresholds(len(names[0]))
        asked = (options.min_confidence, options.top_k, options.sensitivity)
        self.rules = scores.rules(
            activations, [*self.widths.values()], *asked, model.thresholds, model.background
        )
        self.keepings = [keeping.of(options.keeps, rule) for rule in self.rules.rules]

    @property
    def n_classes(self) -> int:
        """Of all spaces together."""
        return sum(self.widths.values())

    def scores(self, outputs: Mapping[str, Float32]) -> list[Float32]:
        """Return the scores of each space, of which a part is kept: float32 [n, n_classes] each."""
        return [rule.scores(outputs[role]) for role, rule in zip(self.widths, self.rules.rules, strict=True)]

    def logits(self, outputs: Mapping[str, Float32]) -> Float32:
        """Return the logits of all spaces side by side: float32 [n, n_classes]."""
        return side_by_side([outputs[role] for role in self.widths])

    def confidences(self, outputs: Mapping[str, Float32]) -> Float32:
        """Return the confidences of all spaces side by side: float32 [n, n_classes]."""
        return self.rules.of_scores(side_by_side(self.scores(outputs)))
