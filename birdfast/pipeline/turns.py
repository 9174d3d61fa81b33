"""Turns: listeners at the same windows ask one after the other, so that their backbone is asked once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
B = TypeVar("B")  # a batch, scored or yet to be


def in_turns(every: Iterable[tuple[T, Iterator[B]]]) -> Iterator[tuple[T, Iterator[B]]]:
    """Yield each one with its next batch, again and again, until no one has any.

    Who does not ask for his batch, or fails at it, has no more turns.
    """
    waiting = list(every)
    while waiting:
        left = []
        for who, batches in waiting:
            turn = _Turn(batches)
            yield who, turn
            if turn.was_taken:
                left.append((who, batches))
        waiting = left


class _Turn(Iterator[B], Generic[B]):
    """The next batch, and no other."""

    def __init__(self, batches: Iterator[B]) -> None:
        self._batches, self.was_taken = batches, False

    def __next__(self) -> B:
        if self.was_taken:
            raise StopIteration
        batch = next(self._batches)
        self.was_taken = True
        return batch
