"""Scores that look like confidences where nobody says what they are, and those that cannot be any.

One more sigmoid makes 0.5 of a no; without any, a logit of 7 is a confidence.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from ..arrays import Bools, Float32
from ..errors import ModelError
from ..models import Model
from ..scores import SLACK
from ..sessions.session import LOGITS, Session, check_outputs
from .ear import AMISS


def check(told: Model, settled: Model, session: Session) -> None:
    """Refuse scores that are taken for logits although all that are seen lie between 0 and 1.

    Only where neither its manifest nor its graph says what they are; then whenever such a network is loaded,
    with a few windows, which takes about as long as its digest. One number for all sounds and classes is
    refused, too: a well calibrated network says 0 to noise, and the way out is one line. What fails passes:
    that is said when sound is heard. Where the manifest alone says that they are confidences, see `doubt`.

    Parameters
    ----------
    told, settled : models.Model
        As the user gave it, and with the activation that it was given for want of another.
    session : Session

    Raises
    ------
    ModelError
        The message says how to tell what they are.
    """
    if session.ends_in not in ("none", ""):
        return
    if told.activation == "none":
        doubt(str(told.path), LOGITS, session)
    elif not told.activation and settled.activation != "none":
        look(str(told.path), LOGITS, settled.activation, session)


def look(whose: str, role: str, usual: str, session: Session) -> None:
    """Refuse scores of a label space, untold, as `check`; they would be taken as `usual` has it."""
    seen = _confidences(session, role)
    if seen is not None:
        raise ModelError(
            f"{whose}: its scores look like confidences already (of trial sounds they are"
            f" {seen.min():.3g} to {seen.max():.3g}), and its graph shows no activation; say which it is, in"
            f' the model.toml of its folder: activation = "none" takes them as confidences,'
            f' activation = "{usual}" as logits'
        )


def doubt(whose: str, role: str, session: Session) -> None:
    """Say, as a RuntimeWarning, that scores of a label space, told to be confidences, cannot be any.

    They are taken as told. Of what fails nothing is said, as in `check`.
    """
    with suppress(ModelError, *AMISS):
        for scores in _scores(session, role):
            if _outside(scores).any():
                warnings.warn(
                    f"{whose}: its scores are no confidences (of trial sounds they are {scores.min():.3g} to"
                    f' {scores.max():.3g}); they are taken as such, since activation = "none" was told:'
                    ' "sigmoid" or "softmax" makes confidences of logits',
                    RuntimeWarning,
                    stacklevel=2,
                )
                return


def sounds(samples: int) -> Float32:
    """Return the trial sounds, always the same: float32 [4, samples], in -1..1.

    Noise and a whistle, and both upside down: what is linear in the samples has a score below 0 for one of
    the two.
    """
    n = np.arange(samples)
    noise = np.random.default_rng(21).normal(0, 0.1, samples).clip(-1, 1)
    whistle = 0.5 * np.hanning(samples) * np.sin((0.2 + 0.4 * n / samples) * n)
    return np.array([noise, -noise, whistle, -whistle], np.float32)


def _confidences(session: Session, role: str) -> Float32 | None:
    """Return a network's scores of the trial sounds, None as soon as one cannot be a confidence."""
    rows = []
    try:
        for scores in _scores(session, role):
            if not np.isfinite(scores).all() or _outside(scores).any():
                return None
            rows.append(scores)
    except (ModelError, *AMISS):
        return None
    return np.concatenate(rows)


def _scores(session: Session, role: str) -> Iterator[Float32]:
    """Yield a network's scores of the trial sounds, batch by batch."""
    windows = sounds(session.window_samples)
    for low in range(0, len(windows), session.batch):
        batch = windows[low : low + session.batch]
        outputs = session.run(batch)
        check_outputs(outputs, len(batch), session)
        yield outputs[role]


def _outside(scores: Float32) -> Bools:
    return (scores < -SLACK) | (scores > 1 + SLACK)
