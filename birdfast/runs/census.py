"""A census of a run's shares: which are there and finished, which are not, and how to make those."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

from ..errors import ConfigError
from ..journal import Facts, Folder, Record, Standing, compare, path_of
from ..words import counted, some
from . import shards
from .shards import Shard


class Share(NamedTuple):
    """What the journal of a share says; `standing` is None of one whose files are not planned yet."""

    path: Path
    facts: Facts
    standing: Standing | None

    @property
    def folder(self) -> Path:
        """The output folder of its run."""
        return self.path.parent

    @property
    def shard(self) -> Shard:
        """Which share it is."""
        return shards.parse(self.facts.shard)


@contextmanager
def at_rest(part: Path, output: Path) -> Iterator[Record]:
    """Read a part in which no run is at work, nor begins; others may merge it, too.

    Parameters
    ----------
    part : path
    output : path
        The folder that is merged into, which is locked already.

    Raises
    ------
    ConfigError
        A run is at work in it, or it has no journal, or a damaged one.
    """
    path_of(part)
    with nullcontext() if part.samefile(output) else Folder(part, shared=True), Record(part) as record:
        yield record


@contextmanager
def as_it_was(share: Share, output: Path) -> Iterator[Record]:
    """Read a share once more, as `at_rest`; one that has changed since is refused."""
    with at_rest(share.folder, output) as record:
        if of(record) != share:
            raise ConfigError(f"{share.path}: has changed while it was merged; run again")
        yield record


def of(record: Record) -> Share:
    """Return what a journal says of a share.

    Raises
    ------
    ConfigError
        It is of none.
    """
    facts = record.facts()
    if not facts.shard:
        raise ConfigError(f"{record.path}: not of a run with --shard")
    return Share(record.path, facts, record.standing() if record.is_planned() else None)


def lacking(every: Sequence[Share]) -> str:
    """Return in words what a run lacks of its shares, and of their files; "" if it is whole.

    Raises
    ------
    ConfigError
        They are not of one run, or one is there twice.
    """
    first, *others = every
    for share in others:
        _check_alike(first, share)
    missing = shards.missing([share.shard for share in every])
    of_all, numbers, told = first.shard.of, list(missing), list[str]()
    if missing:
        named = "share" if len(missing) == 1 else "shares"
        are = "is" if len(missing) == 1 else "are"
        told.append(f"{named} {shards.ranges(missing)} (of {of_all}) {are} missing")
    unfinished = list[str]()
    for share in sorted(every, key=lambda share: share.shard):
        if share.standing is None:
            unfinished.append(f"{share.path}: its files are not planned yet")
        elif waiting := share.standing.waiting:
            unfinished.append(f"{share.path}: {counted(waiting, 'file')} still to do")
        else:
            continue
        numbers.append(share.shard.number)
    told += some(unfinished, "share")
    if not told:
        return ""
    return "; ".join([*told, f"--array={shards.ranges(numbers)} with --shard auto/{of_all} goes on"])


def _check_alike(first: Share, other: Share) -> None:
    """Refuse a share of another division or run, or that was asked another question, in words of shares."""
    if (its := other.facts.division) != (firsts := first.facts.division):
        raise ConfigError(
            f"{other.path}: is of {its}, and {first.folder} of {firsts}, which do not belong together; take"
            " all shares of one, or hear one anew as the other"
        )
    decided = list(other.facts.differences(first.facts, shards=False, now="there"))
    if len(decided) == 1 and other.facts.inputs != first.facts.inputs:
        compare(other.path, first.facts, other.facts, shards=False)
    found = list(other.facts.differences(first.facts, shards=False, asked=True, now="there"))
    if not found:
        return
    advice = "ask all shares the same: birdfast tables takes the folder of all, or each"
    if decided:
        found, advice = decided, "take the shares of one run, or hear one anew with what the other was told"
    raise ConfigError(f"{other.path}: not as {first.folder} ({'; '.join(found[:3])}); {advice}")
