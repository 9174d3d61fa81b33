"""An answer: what the workers found in the sound of one request, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .. import labels
from ..arrays import Float32, Float64
from ..errors import AudioError, BirdfastError, ModelError, WorkerError
from ..models import Model
from ..outcomes import MIX, Detection, Failure, Outcome, Part, row
from ..pipeline.ear import Scored
from ..pipeline.remarks import Tell
from ..sessions.session import EMBEDDING, LOGITS, logits_of

Spaces = tuple[labels.Labels, ...]
STAGES: dict[str, type[BirdfastError]] = {"audio": AudioError, "network": ModelError, "worker": WorkerError}


class Answer(NamedTuple):
    """The outcomes of a request's stretches and the parts of its dense rows, both in order.

    The last outcome may be a failure: nothing is known of what would follow it.
    """

    outcomes: list[Outcome]
    parts: list[Part]

    def check(self, path: str, name: str, found: Sequence[Detection] = ()) -> None:
        """Raise what a Pipeline would, if the sound or a model failed.

        Parameters
        ----------
        path, name : str
            How the workers call the sound, and who asked for it does.
        found : sequence of Detection
            What goes with the error: what was heard up to there.
        """
        for failure in self.outcomes[-1].failures[:1]:
            error = _error(failure, path, name)
            if isinstance(error, BirdfastError):
                error.detections = found
            raise error

    def tell(self, tell: Tell) -> None:
        """Hand on the remarks on the recording."""
        for outcome in self.outcomes:
            for remark in outcome.notes:
                tell(remark)

    def detections(self, models: Sequence[Model], spaces: Sequence[Spaces], name: str) -> list[Detection]:
        """Return what the models that heard it found, each by its label spaces, in a sound of that name."""
        return [
            detection
            for place, (model, its) in enumerate(zip(models, spaces, strict=True))
            for outcome in self.outcomes
            for detection in labels.named(its, outcome.heard[place].detections, name, model.name)
        ]

    def scored(self, sizes: Mapping[str, int], spaces: Spaces) -> Scored:
        """Return the outputs of a model whose rows were asked for.

        Parameters
        ----------
        sizes : dict of str to int
            How wide its rows are, by kind.
        spaces : tuple of Labels
        """
        start_s, logits, channel, window_s = self.rows("logits", sizes["logits"])
        roles = [LOGITS, *(logits_of(space.space) for space in spaces[1:])]
        ends = np.cumsum([len(space) for space in spaces])[:-1]
        outputs = dict(zip(roles, np.split(logits, ends, axis=1), strict=True))
        if sizes["embeddings"]:
            outputs[EMBEDDING] = self.rows("embeddings", sizes["embeddings"])[1]
        return Scored(start_s, outputs, channel, window_s=window_s)

    def rows(self, kind: str, width: int) -> tuple[Float64, Float32, int, float]:
        """Return when windows start in seconds, float64 [n], their rows, float32 [n, width], and two numbers.

        The channel, and the seconds of a window; they are one for all.
        """
        found = [np.frombuffer(part.rows, row(width)) for part in self.parts if part.kind == kind]
        return (
            np.concatenate([np.zeros(0), *(rows["start_s"] for rows in found)]),
            np.concatenate([np.zeros((0, width), np.float32), *(rows["values"] for rows in found)]),
            int(found[0]["channel"][0]) if found else MIX,
            float(found[0]["end_s"][0] - found[0]["start_s"][0]) if found else 0.0,
        )


def _error(failure: Failure, path: str, name: str) -> Exception:
    message = failure.message
    if message.startswith(f"{path}: "):
        message = name + message.removeprefix(path)
    return MemoryError(message) if failure.error == "MemoryError" else STAGES[failure.stage](message)
