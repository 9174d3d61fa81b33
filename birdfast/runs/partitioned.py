"""Partitioned: the detections of all shares of a run as one data set, a partition each."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import ConfigError
from ..tables import parquet
from . import retelling
from .census import Share
from .how import How

NAME = "detections"  # of the data set, in its folder
PARTITION = "shard={number:04d}-of-{of:04d}"  # as Hive names them, so that readers make a column of it
FILE = "part-0.parquet"


def check(folder: Path) -> None:
    """Refuse a folder where what is not ours has the data set's name.

    Raises
    ------
    ConfigError
        It has.
    """
    place = folder / NAME
    if place.is_symlink() or (place.exists() and not _is_ours(place)):
        raise ConfigError(f"{place}: nothing here tells that birdfast wrote it; move it away")


def gather(shares: Sequence[Share], folder: Path) -> Path:
    """Make one data set of the detections of all shares, a partition each; return where it is.

    A partition is a link to the share's detections.parquet where there is one and one disk has both; else a
    copy, or what its journal says. pyarrow.dataset, DuckDB and Spark read all as one, with a column `shard`
    more; rows lie share by share, not in the order that `merging.merge` gives them.

    Parameters
    ----------
    shares : sequence of Share
        What each of them said of itself; of one whose files are not planned nothing is known.
    folder : path
        It is there; the data set is `detections/` in it, and replaces one of before.

    Raises
    ------
    ConfigError
        A share's table has other columns than another's.
    OSError
        The folder takes no more.
    """
    place, columns = folder / NAME, None
    with tempfile.TemporaryDirectory(prefix=f".{NAME}.", suffix=".part", dir=folder) as room:
        whole, before, scratch = Path(room) / "new", Path(room) / "before", Path(room) / "written"
        whole.mkdir()
        for share in shares:
            if share.standing is None:
                continue
            below = whole / PARTITION.format(**share.shard._asdict())
            below.mkdir()
            table = share.folder / parquet.ParquetTable.name
            if table.is_file() and not share.standing.waiting:
                _link(table, below / FILE)
            else:  # nobody asked for one, or it may be of before
                retelling.retell(share.folder, scratch, How(kinds=("parquet",)), {}, {})
                (scratch / table.name).rename(below / FILE)
            its = parquet.columns_of(below / FILE)
            if its != (columns := columns or its):
                raise ConfigError(f"{table}: other columns than in {shares[0].folder}; ask all for the same")
        with suppress(FileNotFoundError):
            place.rename(before)
        whole.rename(place)
    return place


def _is_ours(place: Path) -> bool:
    """Whether a folder has partitions of ours and nothing else."""
    return place.is_dir() and all(one.name.startswith("shard=") for one in place.iterdir())


def _link(source: Path, place: Path) -> None:
    try:
        place.hardlink_to(source)
    except OSError:  # another disk, or one without such links
        shutil.copyfile(source, place)
