"""Gathering: the journals of many shares become one, as no system lets a process open all of them at once."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import ConfigError
from ..journal import Facts, Gathered, Record
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
    """Remove what was gathered."""
    shutil.rmtree(output / FOLDER, ignore_errors=True)


def _opened(folder: Path, facts: Facts) -> Gathered:
    """Open what a merge began that was killed, if it is of the same run, or begin."""
    with suppress(ConfigError):
        folder.mkdir(exist_ok=True)
        return Gathered(folder, facts)
    forget(folder.parent)
    folder.mkdir()
    return Gathered(folder, facts)
