"""Questions on a terminal, and what becomes of them where there is none."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from .. import voice
from ..errors import BirdfastError, ConfigError

T = TypeVar("T")


class _Telling:
    """Says where the model will be."""

    def place(self, folder: Path) -> None:
        """Say it."""
        voice.say(f"the model's folder will be {folder} (-o takes another)")


class Terminal(_Telling):
    """Asks whoever sits there; an empty answer takes what stands in brackets."""

    def ask(self, flag: str, question: str, guesses: Sequence[str], read: Callable[[str], T]) -> T:
        """Ask until the answer fits; raise ConfigError where no answer comes any more."""
        usual, more = guesses[:1], guesses[1:]
        hint = (f" [{usual[0]}]" if usual else "") + (f" (or {', '.join(more)})" if more else "")
        while True:
            voice.say(f"{question}{hint}?")
            line = sys.stdin.readline()
            if not line:
                raise ConfigError(f"{question}: no answer; {flag} tells it")
            answer = line.strip() or "".join(usual)
            try:
                if answer:
                    return read(answer)
            except BirdfastError as error:
                voice.say(str(error))

    def done(self) -> None:
        """Nothing more is asked."""


class Likely(_Telling):
    """Takes the best guess, for --yes, and says at the end what it took."""

    def __init__(self) -> None:
        self._guessed: list[str] = []

    def ask(self, flag: str, question: str, guesses: Sequence[str], read: Callable[[str], T]) -> T:
        """Return the best guess; raise ConfigError where there is none."""
        if not guesses:
            raise ConfigError(f"{flag} is needed ({question}): nothing tells it")
        self._guessed.append(f"{flag} {shlex.quote(guesses[0])}")
        return read(guesses[0])

    def done(self) -> None:
        """Say what was guessed."""
        if self._guessed:
            voice.say(f"guessed: {', '.join(self._guessed)}")


class Nobody(_Telling):
    """Collects what would have been asked, goes on with guesses, and refuses it all at once."""

    def __init__(self) -> None:
        self._missing: list[str] = []
        self._all_likely = True

    def ask(self, flag: str, question: str, guesses: Sequence[str], read: Callable[[str], T]) -> T:
        """Note the question, and return a guess to find the next one by."""
        likely = f", likely {guesses[0]}" if guesses else ""
        self._missing.append(f"{flag} ({question}{likely})")
        if not guesses:
            self._all_likely = False
            self.done()
        return read(guesses[0])

    def done(self) -> None:
        """Refuse what is missing: ConfigError names the options."""
        if self._missing:
            rest = "; --yes takes what is likely" if self._all_likely else ""
            raise ConfigError(f"not a terminal, so nothing is asked; give {'; '.join(self._missing)}{rest}")
