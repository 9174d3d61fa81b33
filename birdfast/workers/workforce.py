"""A workforce: who hears a run's files, be it a pool of this machine or machines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from ..models import Digests
from ..outcomes import Outcome, Part
from .process import Job


class Workforce(Protocol):
    """Who hears the files of a run; a context manager, in which they are at work.

    Attributes
    ----------
    notes : dict of str to None
        What they have to say to the user, each once, in order.
    hear : callable
        Takes what they say meanwhile to whoever waits.
    digests : list of Digests
        What the models' files held when first asked: nobody takes others.
    """

    notes: dict[str, None]
    hear: Callable[[str], object]

    @property
    def digests(self) -> list[Digests]:
        """Return what the models' files held when first asked."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def widths(self) -> Sequence[Mapping[str, int]]:
        """Return how wide each model's rows are, by kind kept."""

    def leave(self) -> None:
        """Hand out nothing more, and let `work` end soon; a signal's handler may call it."""

    def work(self, jobs: Sequence[Job]) -> Iterator[tuple[int, Outcome | Part]]:
        """Work off a list of files; as `pool.Pool.work`, but for the order of the files."""
