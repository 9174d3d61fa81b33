"""A follower: what a run tells while it works, to whoever wants to know."""

from __future__ import annotations

from collections.abc import Sequence

from ..config import check, several
from ..outcomes import Outcome, Part
from ..tables import About


class Follower:
    """Is told what happens in a run, in its order; a member overrides what it wants to hear.

    What a person sees on the terminal is one; the journal hears of files in the same words.
    """

    def know(self, about: About) -> None:
        """Hear which models listen, and what their classes are called; before all else."""

    def begin(self, paths: Sequence[str], n_done: int, n_workers: int) -> None:
        """Hear which files are to do, how many were done before, and how many workers there are."""

    def say(self, text: str) -> None:
        """Hear a word for whoever waits."""

    def warn(self, text: str) -> None:
        """Hear what whoever gets the results should know."""

    def keep(self, path: str, part: Part) -> None:
        """Hear of what is kept of any file at work, scores and rows; after a worker's death again."""

    def add(self, path: str, outcome: Outcome) -> None:
        """Hear what became of a file's next stretch; file by file, in their order but on a cluster."""

    def end(self) -> None:
        """Hear that nothing more comes, whether or not all was done."""


def checked(followers: Sequence[Follower]) -> Sequence[Follower]:
    """Return what is told of a run.

    Raises
    ------
    ConfigError
        One of them is no follower.
    """
    for one in (found := several("followers", followers, "a list of Follower")):
        check(isinstance(one, Follower), "follower", one, "a Follower")
    return found
