"""Jobs of a run: a million of them in little memory, made when they are asked for."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from .process import Job


class Jobs(Sequence[Job]):
    """Files of a list that are to be heard, each by some models: 16 bytes each.

    Parameters
    ----------
    paths : sequence of str
    waiting : iterable of (int, tuple of int)
        Places in `paths`, each with the numbers of its models.
    """

    def __init__(self, paths: Sequence[str], waiting: Iterable[tuple[int, tuple[int, ...]]]) -> None:
        self._paths, self._places, self._which = paths, array("q"), array("l")
        groups = dict[tuple[int, ...], int]()
        for place, models in waiting:
            self._places.append(place)
            self._which.append(groups.setdefault(models, len(groups)))
        self._groups = list(groups)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, number: int) -> Job: ...
    @overload
    def __getitem__(self, number: slice) -> list[Job]: ...
    def __getitem__(self, number: int | slice) -> Job | list[Job]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        return Job(self._paths[self._places[number]], self._groups[self._which[number]])

    def __iter__(self) -> Iterator[Job]:
        for place, which in zip(self._places, self._which, strict=True):
            yield Job(self._paths[place], self._groups[which])
