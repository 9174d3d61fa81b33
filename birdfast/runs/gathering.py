"""Gathering: the journals of many shares become one, as no system lets a process open all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import ConfigError
from ..journal import Facts, Gathered, Record
from ..journal.database import FILES
from ..journal.gathered import TAKEN
from . import census
from .census import Share

FOLDER = ".birdfast-merging"  # in the output's; a merge that was killed goes on with it


def gather(shares: Sequence[Share], output: Path) -> Record:
    """Return the journal of the whole run, in a folder below the output's that `forget` removes.

    Share by share, each of them whole or not at all: of one that is there already, from a merge that was
    killed, no row is read again.

    Parameters
    ----------
    shares : sequence of Share
        What each of them said of itself.
    output : path

    Raises
    ------
    ConfigError
        A share has changed since, or is damaged.
    OutputError
        The folder takes no more.
    """
    folder, facts = output / FOLDER, shares[0].facts._replace(shard="")
    with _opened(folder, facts) as whole:
        for share in shares:
            if share.standing is not None:
                with census.as_it_was(share, output) as record:
                    whole.take(record)
        whole.end()
    return Record(folder)


def forget(output: Path) -> None:
    """Remove what was gathered; what else somebody put there stays, and what is no folder of ours."""
    if (output / FOLDER).is_symlink() or not (output / FOLDER).is_dir():
        return
    for name in (*FILES, TAKEN):
        (output / FOLDER / name).unlink(missing_ok=True)
    with suppress(OSError):
        (output / FOLDER).rmdir()


def _opened(folder: Path, facts: Facts) -> Gathered:
    """Open what a merge began that was killed, if it is of the same run, or begin."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ConfigError(f"{folder}: is no folder of a merge; move it away, or choose another output")
    folder.mkdir(exist_ok=True)
    with suppress(ConfigError):
        return Gathered(folder, facts)
    forget(folder.parent)
    folder.mkdir(exist_ok=True)
    return Gathered(folder, facts)
