"""Asked: a question as a journal keeps it, in plain values, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..config import Options
from ..errors import ConfigError
from ..journal import BASE, PICKING, QUESTION, REMEMBERED
from ..sources.remembered import Remembered
from .question import Question


def asked(options: Options, question: Question, base: str | None = None) -> dict[str, Any]:
    """Return what is asked of a run, as `journal.Facts` has it: two with the same have the same answer.

    `base` is the folder that recordings are seen from, where their tables lie as they do.
    """
    told = {name: getattr(options, name) for name in PICKING}
    question = question.remembering()
    held = {name: [one.path, one.text] for name, one in question.remembered.items()}
    more = {QUESTION: question.facts(), REMEMBERED: held, BASE: base}
    return told | {name: value for name, value in more.items() if value}


def changed(
    told: Mapping[str, Any], picking: Mapping[str, Any], question: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what was asked, and what is asked anew in its place: by the names of options and a question."""
    before = {name: told[name] for name in PICKING if name in told}
    was = question_of(told)
    now = dataclasses.replace(was, **question)
    now = now.remembering({name: one for name, one in was.remembered.items() if name not in question})
    with told_again():
        return asked(Options.of({**before, **picking}), now, told.get(BASE))


def question_of(told: Mapping[str, Any]) -> Question:
    """Return the rest of a question that was asked, with its files as they were where that is known.

    Raises
    ------
    ConfigError
        It is none.
    """
    try:
        held = {name: Remembered(*map(str, one)) for name, one in told.get(REMEMBERED, {}).items()}
    except (TypeError, AttributeError) as error:
        raise ConfigError(f"no question: {error}") from error
    return Question.of(told.get(QUESTION, {})).remembering(held)


@contextmanager
def told_again() -> Iterator[None]:
    """Say of a file that is missing how a question gets along without it."""
    try:
        yield
    except ConfigError as error:
        why = "what it held was too much to be kept, or the run is of an earlier version"
        raise ConfigError(
            f"{error}; where a file of the question has moved ({why}), `birdfast tables` takes it again,"
            " as --slist FILE"
        ) from error
