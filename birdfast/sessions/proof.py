"""Proof that a session says of sound what another says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..arrays import Float32
from ..grafting import verification
from .session import LOGITS, Arrays, Session


class Difference(NamedTuple):
    """How far apart two sessions are; infinite where one of the two says no number.

    Attributes
    ----------
    as_logits : float
        The largest of a logit, or of a confidence as a logit (`verification.differences`), or of an embedding
        as a part of its largest value: one tolerance means the same for all.
    as_given : float
        The same of the numbers that are furthest apart, as they are given.
    role : str
        Of the output that is furthest apart.
    """

    as_logits: float
    as_given: float
    role: str


def difference(usual: Session, other: Session) -> Difference:
    """Compare two sessions of one network, on all that rewritten networks are tried on.

    Parameters
    ----------
    usual, other : Session
        Of the same outputs, batch and window.
    """
    trials = verification.signals(usual.window_samples)
    expected, found = (_said(session, trials) for session in (usual, other))
    gaps = [_gap(usual, role, trials, expected[role], found[role]) for role in usual.outputs]
    return max(gaps)


def _said(session: Session, trials: Mapping[str, Float32]) -> Arrays:
    parts = [session.run(stack) for _, stack in verification.batches(trials, session.batch)]
    return {role: np.concatenate([part[role] for part in parts])[: len(trials)] for role in session.outputs}


def _gap(
    usual: Session, role: str, trials: Mapping[str, Float32], expected: Float32, found: Float32
) -> Difference:
    end = usual.ends_in if role == LOGITS else usual.ends.get(role, "")
    given = verification.differences(trials, expected, found)
    judged = verification.of_output(role, end, trials, expected, found)
    return Difference(max(judged.values()), max(given.values()), role)
