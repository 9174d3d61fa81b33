"""Said: what a run tells its followers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice, product

from ..words import counted
from .follower import Follower

NAMED = 3  # files that changed: of a whole disk that was copied anew, nobody wants to read all


@contextmanager
def ending(followers: Sequence[Follower]) -> Iterator[None]:
    """Tell followers of the end, whatever it is."""
    try:
        yield
    finally:
        for follower in followers:
            follower.end()


def once(followers: Sequence[Follower]) -> Callable[[str], None]:
    """Return what tells followers a word for whoever waits, however many workers say it."""
    said = set[str]()

    def hear(text: str) -> None:
        if text not in said:
            said.add(text)
            say(followers, [text])

    return hear


def say_what_changed(changed: Mapping[str, str], followers: Sequence[Follower]) -> None:
    """Tell followers of files that are analysed again, with the reason by their paths."""
    told = [f"{path}: changed since ({why}): analysed again" for path, why in islice(changed.items(), NAMED)]
    if (n_more := len(changed) - NAMED) > 0:
        told.append(f"{counted(n_more, 'more file')} changed since: analysed again")
    say(followers, told)


def away(n: int) -> Iterator[str]:
    """Yield what is said of files that were heard and cannot be seen now."""
    if n:
        them = "what was heard of it stays" if n == 1 else "what was heard of them stays"
        yield f"{counted(n, 'file')} not there now, or the store does not answer: {them}"


def say(followers: Sequence[Follower], told: Iterable[str]) -> None:
    """Tell followers words for whoever waits."""
    for words, follower in product(told, followers):
        follower.say(words)


def warn(followers: Sequence[Follower], told: Iterable[str]) -> None:
    """Tell followers what whoever gets the results should know."""
    for words, follower in product(told, followers):
        follower.warn(words)


def to_each(followers: Sequence[Follower]) -> tuple[Callable[[str], None], Callable[[str], None]]:
    """Return what tells all followers a word for whoever waits, and what warns them."""
    return (lambda words: say(followers, [words])), (lambda words: warn(followers, [words]))
