"""Partitioned: the detections of all shares of a run as one data set, a partition each."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..atomicfile import RANDOM
from ..errors import ConfigError
from ..journal import MERGED, vouchers
from ..tables import parquet
from . import census, retelling
from .census import Share
from .how import How

NAME = "detections"  # of the data set, in its folder
PARTITION = "shard={number:04d}-of-{of:04d}"  # as Hive names them, so that readers make a column of it
OURS = re.compile(r"shard=\d{4,}-of-\d{4,}")
FILE = "part-0.parquet"
BEGUN = re.compile(rf"\.{NAME}\.{RANDOM}\.part")  # where a data set is made
Columns = dict[str, Any]  # types as pyarrow has them
NEW, BEFORE, WRITTEN = "new", "before", "written"  # in there


def tidy(folder: Path) -> None:
    """Remove what a merge that was killed has left of a data set; the folder must be ours, and locked.

    One that it was about to replace gets its name back.
    """
    for room in folder.iterdir():
        if BEGUN.fullmatch(room.name) and _has_alone(room, {NEW, BEFORE, WRITTEN}):
            if not (folder / NAME).exists():
                with suppress(FileNotFoundError):
                    (room / BEFORE).rename(folder / NAME)
            shutil.rmtree(room, ignore_errors=True)


def check(folder: Path) -> None:
    """Refuse a folder where what is not ours has the data set's name.

    Raises
    ------
    ConfigError
        It has.
    """
    place = folder / NAME
    if (place.exists() or place.is_symlink()) and not (_is_signed(folder) and _is_data_set(place)):
        raise ConfigError(f"{place}: nothing here tells that birdfast wrote it; move it away")


def gather(shares: Sequence[Share], folder: Path) -> Path:
    """Make one data set of the detections of all shares, a partition each; return where it is.

    A partition is a link to the share's detections.parquet where its journal vouches for it and one disk has
    both; else a copy, or what the journal says. pyarrow.dataset, DuckDB and Spark read all as one, with a
    column `shard` more; rows lie share by share, not in the order that `merging.merge` gives them. Each has
    the columns of all: recordings of some shares may say more of themselves than those of others.

    Parameters
    ----------
    shares : sequence of Share
        What each of them said of itself; of one whose files are not planned nothing is known.
    folder : path
        It is there, and locked; the data set is `detections/` in it, and replaces one of before.

    Raises
    ------
    ConfigError
        A share has changed since, or is damaged, or a column of its table has another type than another's.
    OSError
        The folder takes no more.
    """
    place, each = folder / NAME, dict[Path, Columns]()
    with tempfile.TemporaryDirectory(prefix=f".{NAME}.", suffix=".part", dir=folder) as room:
        whole = Path(room) / NEW
        whole.mkdir()
        for share in shares:
            if share.standing is None:
                continue
            below = whole / PARTITION.format(**share.shard._asdict())
            below.mkdir()
            _put(share, folder, below / FILE, Path(room) / WRITTEN)
            each[below / FILE] = parquet.columns_of(below / FILE)
        every = _columns_of_all(each)
        for table, its in each.items():
            if its.keys() != every.keys():
                parquet.widen(table, every)
        with suppress(FileNotFoundError):
            place.rename(Path(room) / BEFORE)
        whole.rename(place)
    return place


def _columns_of_all(each: Mapping[Path, Columns]) -> Columns:
    """Return the columns of all tables, those of the one that has most first."""
    every = dict(sorted(each.values(), key=len)[-1]) if each else {}
    for table, columns in each.items():
        for name, kind in columns.items():
            if every.setdefault(name, kind) != kind:
                raise ConfigError(f"{table.parent.name}: {name} is {kind} there, {every[name]} elsewhere")
    return every


def _put(share: Share, folder: Path, place: Path, scratch: Path) -> None:
    """Put a share's detections into a place: its own table, or one that is made in a scratch folder."""
    table = share.folder / parquet.ParquetTable.name
    with census.as_it_was(share, folder) as record:
        if vouchers.hold(record, table):
            _link(table.resolve(), place)
        else:  # nobody asked for one, or it is of before
            retelling.retell(share.folder, scratch, How(kinds=("parquet",)), {}, {})
            (scratch / table.name).rename(place)


def _is_signed(folder: Path) -> bool:
    """Whether a merge has left its word in a folder."""
    return (folder / MERGED).exists()


def _is_data_set(place: Path) -> bool:
    """Whether a folder has partitions as we make them, and nothing else."""
    return _is_folder(place) and all(
        OURS.fullmatch(one.name) and _has_alone(one, {FILE}) and not (one / FILE).is_dir()
        for one in place.iterdir()
    )


def _has_alone(place: Path, names: set[str]) -> bool:
    """Whether a place is a folder, and what is in it has some of these names."""
    return _is_folder(place) and {one.name for one in place.iterdir()} <= names


def _is_folder(place: Path) -> bool:
    return place.is_dir() and not place.is_symlink()


def _link(source: Path, place: Path) -> None:
    try:
        place.hardlink_to(source)
    except OSError:  # another disk, or one without such links
        shutil.copyfile(source, place)
