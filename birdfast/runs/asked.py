"""Asked: a question as a journal keeps it, in plain values, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..config import Options
from ..journal import BASE, PICKING, QUESTION
from .question import Question


def asked(options: Options, question: Question, base: str | None = None) -> dict[str, Any]:
    """Return what is asked of a run, as `journal.Facts` has it: two with the same have the same answer.

    `base` is the folder that recordings are seen from, where their tables lie as they do.
    """
    told = {name: getattr(options, name) for name in PICKING}
    more = {QUESTION: question.facts(), BASE: base}
    return told | {name: value for name, value in more.items() if value}


def changed(
    told: Mapping[str, Any], picking: Mapping[str, Any], question: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what was asked, and what is asked anew in its place: by the names of options and a question."""
    before = {name: told[name] for name in PICKING if name in told}
    now = dataclasses.replace(question_of(told), **question)
    return asked(Options.of({**before, **picking}), now, told.get(BASE))


def question_of(told: Mapping[str, Any]) -> Question:
    """Return the rest of a question that was asked."""
    return Question.of(told.get(QUESTION, {}))
