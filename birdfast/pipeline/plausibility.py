"""Scores that look like confidences where nobody says what they are: one more sigmoid makes 0.5 of a no."""

from __future__ import annotations

import numpy as np

from ..arrays import Float32
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
    that is said when sound is heard.

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
    if told.activation or settled.activation == "none" or session.ends_in not in ("none", ""):
        return
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
    windows, rows = sounds(session.window_samples), []
    for low in range(0, len(windows), session.batch):
        batch = windows[low : low + session.batch]
        try:
            outputs = session.run(batch)
            check_outputs(outputs, len(batch), session)
        except (ModelError, *AMISS):
            return None
        scores = outputs[role]
        if not ((scores >= -SLACK) & (scores <= 1 + SLACK)).all():
            return None
        rows.append(scores)
    return np.concatenate(rows)
