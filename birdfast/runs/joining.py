"""Joining: what was heard in a folder here, and the run with whose journal another machine went on."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ..errors import ConfigError, NotBegunError
from ..journal import NAME, Record
from ..journal.brought import Brought
from ..journal.database import FILES
from ..words import counted


def check_unheard(url: str, folder: Path) -> None:
    """Refuse to give up what was heard here for another run, of which no journal is there yet.

    Raises
    ------
    ConfigError
        Something was.
    """
    if not (folder / NAME).exists():
        return
    with suppress(NotBegunError), Record(folder) as record:
        if n_heard := record.n_through():
            raise _apart(url, folder, n_heard)


def bring(url: str, folder: Path, home: Path, is_one_run: bool) -> int:
    """Bring what was heard here into the journal that was fetched; return how many files that are.

    Raises
    ------
    ConfigError
        Something was, and what is there is another run.
    """
    n_ahead = 0
    with suppress(NotBegunError):
        if (folder / NAME).exists():
            with Brought(folder, home) as both:
                # of another run nothing is what was heard here, however much it heard
                n_ahead = both.n_ahead() if both.are_of_one_run else both.n_through
                if n_ahead and not (both.are_of_one_run and is_one_run):
                    raise _apart(url, folder, n_ahead)
                if n_ahead:
                    both.bring()
    for name in FILES[1:]:  # of one that was killed as it began
        (folder / name).unlink(missing_ok=True)
    return n_ahead


def _apart(url: str, folder: Path, n_ahead: int) -> ConfigError:
    return ConfigError(
        f"{url}: the run that is there is another than the one here, and lacks {counted(n_ahead, 'file')}"
        f" that this heard; move {folder} away to go on from what is there, or go on here with -o {folder}"
    )
