"""A tally: which species a run heard, how often and how surely, and which files failed, in little memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Self

from ..outcomes import Detection, Failure
from ..tables import Result

NAMED = 3  # failures of a kind: of a whole disk that cannot be read, nobody wants to read all


class Species(NamedTuple):
    """How often a model heard a species, or another class, and the surest of these detections."""

    n_detections: int
    best: Detection


class Tally:
    """What all files of a run came to.

    Attributes
    ----------
    species : list of Species
        One a species and a model, those heard most often first.
    failures : dict of str to (int, list of Failure)
        How many files could not be heard, by the way they could not, and the first of them.
    """

    def __init__(self) -> None:
        self._species = dict[tuple[str, str, str], Species]()
        self.failures = dict[str, tuple[int, list[Failure]]]()

    @classmethod
    def of(cls, results: Iterable[Result]) -> Self:
        """Return the tally of what files came to."""
        made = cls()
        for result in made.over(lambda: results)():
            for _ in result.parts:
                pass
        return made

    @property
    def species(self) -> list[Species]:
        """See above."""
        return sorted(
            self._species.values(),
            key=lambda one: (-one.n_detections, one.best.scientific_name, one.best.model),
        )

    @property
    def surest(self) -> Detection | None:
        """The detection of the highest confidence, the first on ties."""
        return max((one.best for one in self._species.values()), key=lambda row: row.confidence, default=None)

    def over(self, again: Callable[[], Iterable[Result]]) -> Callable[[], Iterator[Result]]:
        """Return what gives the same results, of which those are counted whose detections are read."""
        return lambda: (result._replace(parts=self._counted(result)) for result in again())

    def _counted(self, result: Result) -> Iterator[list[Detection]]:
        for part in result.parts:
            for row in part:
                self._add(row)
            yield part
        if result.failures:
            how = _how(result)
            n, first = self.failures.get(how, (0, []))
            self.failures[how] = n + 1, [*first, *result.failures[: NAMED - len(first)]]

    def _add(self, row: Detection) -> None:
        key = (row.scientific_name, row.common_name, row.model)
        before = self._species.get(key)
        if before is None:
            self._species[key] = Species(1, row)
        else:
            is_better = row.confidence > before.best.confidence
            self._species[key] = Species(before.n_detections + 1, row if is_better else before.best)


def _how(result: Result) -> str:
    """Say in which way a file could not be heard."""
    if any(failure.stage == "fetch" for failure in result.failures):
        return "could not be fetched"
    if any(failure.stage != "audio" for failure in result.failures):
        return "could not be analysed"
    return "could be read in part" if result.audio_s else "could not be read"


def in_words(names: Iterable[tuple[str, str]]) -> str:
    """Return how many species there are, and classes that are none, by scientific and common names."""
    every = {*names}
    n_species = sum(scientific != common for scientific, common in every)
    n_others = len(every) - n_species
    other = f"{n_others:,} {'other ' if n_species else ''}class{'' if n_others == 1 else 'es'}"
    told = [f"{n_species:,} species"] if n_species or not every else []
    return " and ".join(told + [other] * bool(n_others))


def in_short(names: Iterable[tuple[str, str]]) -> str:
    """Return how many species there are; classes that are none count where there is no species."""
    every = {*names}
    species = {(scientific, common) for scientific, common in every if scientific != common}
    return in_words(species or every)
