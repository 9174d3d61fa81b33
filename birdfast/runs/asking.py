"""Asking: what a network's file does not say, whoever adds it may be asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

T = TypeVar("T")


class Asking(Protocol):
    """Whoever answers what neither a file nor the command says."""

    def place(self, folder: Path) -> None:
        """Take note, before any question, where the model will be."""
        ...

    def ask(self, flag: str, question: str, guesses: Sequence[str], read: Callable[[str], T]) -> T:
        """Return the answer as `read` makes it, which raises a BirdfastError where it does not fit.

        `flag` is how the command could have said it; the first guess is the best, and there may be none.
        """
        ...

    def done(self) -> None:
        """Take note that there are no more questions: whoever collects them refuses now."""
        ...
