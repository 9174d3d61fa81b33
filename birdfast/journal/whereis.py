"""Where a folder's journal is, if it has one."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import ConfigError, NotBegunError
from .database import MERGED, NAME

SHARE = re.compile(r"shard-(\d+)-of-(\d+)")  # the folder of one


def path_of(folder: Path) -> Path:
    """Return where a folder's journal is.

    Raises
    ------
    NotBegunError
        It has none yet, and is that of a share, which may have left before its first file.
    ConfigError
        It has none.
    """
    path = folder / NAME
    if path.is_file():
        return path
    if (folder / MERGED).is_file():
        wanted = f"birdfast merge wrote its tables, or birdfast tables, from the runs that {MERGED} names;"
        wanted += " give one of those"
    elif SHARE.fullmatch(folder.name) and folder.is_dir():
        raise NotBegunError(f"{folder}: not begun: no journal of a run ({NAME}) in it; start it again")
    elif found := shares(folder):
        wanted = f"it holds the shares of a run: give one, as {found[0]}; birdfast merge joins their tables,"
        wanted += " and birdfast status and birdfast tables take all of them"
    else:
        wanted = "it has to be the output folder of birdfast infer"
    raise ConfigError(f"{folder}: no journal of a run ({NAME}) in it; {wanted}")


def shares(folder: Path) -> list[Path]:
    """Return the folders of shares that lie in one, as job arrays make them."""
    return [one for one in sorted(folder.glob("shard-*-of-*")) if SHARE.fullmatch(one.name)]
