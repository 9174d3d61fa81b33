"""Asked: a question as a journal keeps it, in plain values, and back."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from ..config import Options
from ..journal import PICKING, QUESTION
from .question import Question

FIELDS = "fields"  # of a question, with the paths of its files; QUESTION has what they hold


def asked(options: Options, question: Question) -> dict[str, Any]:
    """Return what is asked of a run, as `journal.Facts` has it.

    Two questions with the same under `QUESTION`, and of the same options, have the same answer.
    """
    told: dict[str, Any] = {name: getattr(options, name) for name in PICKING}
    if fields := _changed(question):
        told |= {QUESTION: question.facts(), FIELDS: fields}
    return told


def options_of(told: dict[str, Any], options: Options) -> Options:
    """Return options of which is asked what was."""
    return dataclasses.replace(options, **{name: told[name] for name in PICKING if name in told})


def question_of(told: dict[str, Any]) -> Question:
    """Return the rest of a question that was asked."""
    return Question(**told.get(FIELDS, {}))


def _changed(question: Question) -> dict[str, Any]:
    """Return the fields that are not as usual, as plain values."""
    every = {field.name: getattr(question, field.name) for field in dataclasses.fields(question)}
    usual = {field.name: field.default for field in dataclasses.fields(question)}
    plain = {
        name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in every.items()
    }
    return {name: value for name, value in plain.items() if value != usual[name]}
