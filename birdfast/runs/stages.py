"""Stages: where the time of a run goes, as it was measured, and as it would be with more of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

PROJECTED = 4  # cores
SHARED = ("reading_s", "network_s", "beside_s")  # stages that cores share


@dataclass(frozen=True)
class Stages:
    """Where the time of a run goes, in seconds by the clock.

    Attributes
    ----------
    cores : int
    is_measured : bool
        Else it is a projection from those that were.
    start_s : float
        Workers start, models are loaded, and all is slower until they are warm.
    reading_s, network_s : float
        Sound is opened, decoded, resampled; spectrograms and networks: the workers' CPU time, over the cores.
    beside_s : float
        What is left until the last file is heard: windows, the journal, waiting for a core.
    tables_s : float
        The table is written.
    """

    cores: int
    is_measured: bool
    start_s: float
    reading_s: float
    network_s: float
    beside_s: float
    tables_s: float

    @property
    def working_s(self) -> float:
        """From the first file's begin to the last one's end."""
        return self.reading_s + self.network_s + self.beside_s

    @property
    def total_s(self) -> float:
        """All of it."""
        return self.start_s + self.working_s + self.tables_s

    def of_minutes(self, factor: float) -> Stages:
        """Return what so many times the sound would take: all but the start grows with it."""
        names = ("reading_s", "network_s", "beside_s", "tables_s")
        return replace(self, **{name: getattr(self, name) * factor for name in names})


@dataclass(frozen=True)
class Bench:
    """What a sample took, and what so many minutes would take.

    Attributes
    ----------
    models : list of str
    minutes, budget_minutes : float
        Of sound, and of time for them.
    sample_minutes : float
        Of sound, heard once for each number of cores.
    made : bool
        Whether the sample was made here, or chosen of recordings.
    n_failed : int
        Files of the sample that could not be read.
    preparing_s : float
        What the first run of all takes longer, as networks are prepared once; 0: they were.
    stages : list of Stages
        For `minutes`, by cores.
    is_busy : bool
        Whether other programs were at work on these cores.
    """

    models: list[str]
    minutes: float
    budget_minutes: float
    sample_minutes: float
    made: bool
    n_failed: int
    preparing_s: float
    stages: list[Stages]
    is_busy: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        more = ("working_s", "total_s")
        stages = [asdict(one) | {name: getattr(one, name) for name in more} for one in self.stages]
        return {**asdict(self), "stages": stages}


def projected(measured: Sequence[Stages]) -> Iterator[Stages]:
    """Yield what more cores would take, if each doubling brings to each stage what the measured one did.

    A stage gains nothing at least, and all of it at most; so it does where one core alone was measured. Where
    two cores were not faster than one, nothing can be projected.
    """
    one, last = measured[0], measured[-1]
    gains = dict.fromkeys(SHARED, 2.0)
    if last.cores == 2 * one.cores:
        if last.working_s >= one.working_s:
            return
        gains = {name: _gain(getattr(one, name), getattr(last, name)) for name in SHARED}
    while last.cores < PROJECTED:
        less = {name: getattr(last, name) / gain for name, gain in gains.items()}
        last = replace(last, cores=last.cores * 2, is_measured=False, **less)
        yield last


def _gain(before_s: float, after_s: float) -> float:
    return min(2.0, max(1.0, before_s / after_s)) if after_s else 2.0
