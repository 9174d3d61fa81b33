"""Asked: a question as a journal keeps it, in plain values, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..config import Options
from ..journal import PICKING, QUESTION
from .question import Question


def asked(options: Options, question: Question) -> dict[str, Any]:
    """Return what is asked of a run, as `journal.Facts` has it: two with the same have the same answer."""
    told = {name: getattr(options, name) for name in PICKING}
    facts = question.facts()
    return told | ({QUESTION: facts} if facts else {})


def changed(
    told: Mapping[str, Any], picking: Mapping[str, Any], question: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what was asked, and what is asked anew in its place: by the names of options and a question."""
    before = {name: told[name] for name in PICKING if name in told}
    return asked(Options.of({**before, **picking}), dataclasses.replace(question_of(told), **question))


def question_of(told: Mapping[str, Any]) -> Question:
    """Return the rest of a question that was asked."""
    return Question.of(told.get(QUESTION, {}))
