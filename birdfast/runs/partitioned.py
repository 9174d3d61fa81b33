"""Partitioned: the detections of all shares of a run as one data set, by nothing but links."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from .. import atomicfile
from ..errors import ConfigError
from ..journal import Record, compare
from ..tables import parquet
from . import shards
from .output import output_folder, telling
from .shards import Shard

NAME = "detections"  # of the data set, in its folder
PARTITION = "shard={number:04d}-of-{of:04d}"  # as Hive names them, so that readers make a column of it


def gather(parts: Sequence[Path], folder: Path) -> Path:
    """Make one data set of the detections.parquet of all shares, a partition each; return where it is.

    Its files are links to those of the shares where one disk has both, else copies. pyarrow.dataset, DuckDB
    and Spark read it as one, with a column `shard` more; its rows lie share by share, not in the order that
    `merging.merge` gives them.

    Parameters
    ----------
    parts : sequence of path
        The output folder of each share.
    folder : path
        Made if it is missing; the data set is `detections/` in it, and replaces one of before.

    Raises
    ------
    ConfigError
        The shares are not one whole, finished run, one has no detections.parquet, or another's columns; or
        what is not ours has the data set's name.
    OutputError
        The folder takes no more.
    """
    shares = _shares(parts)
    output_folder(folder)
    place = folder / NAME
    if place.is_symlink() or (place.exists() and not _is_ours(place)):
        raise ConfigError(f"{place}: nothing here tells that birdfast wrote it; move it away")
    with telling(folder), tempfile.TemporaryDirectory(prefix=f".{NAME}.", suffix=".part", dir=folder) as room:
        whole, before = Path(room) / "new", Path(room) / "before"
        for shard, part in zip(shares, parts, strict=True):
            below = whole / PARTITION.format(**shard._asdict())
            atomicfile.make_folder(below)
            _link(part / parquet.ParquetTable.name, below / "part-0.parquet")
        with suppress(FileNotFoundError):
            place.rename(before)
        whole.rename(place)
    return place


def _shares(parts: Sequence[Path]) -> list[Shard]:
    """Return whose the parts are, if they are one whole."""
    shares, first, columns = list[Shard](), None, None
    for part in parts:
        with Record(part) as record:
            facts, waiting = record.facts(), record.standing().waiting
        if not facts.shard:
            raise ConfigError(f"{record.path}: not of a run with --shard")
        first = first or facts
        compare(record.path, first, facts, shards=False, asked=True)
        if waiting:
            raise ConfigError(f"{record.path}: {waiting} files are still to do; finish that run first")
        table = part / parquet.ParquetTable.name
        if not table.is_file():
            raise ConfigError(f"{table}: is not there; `birdfast tables {part} --rtype parquet` writes it")
        its = parquet.columns_of(table)
        columns = columns or its
        if its != columns:
            raise ConfigError(f"{table}: other columns than in {parts[0]}; ask all for the same")
        shares.append(shards.parse(facts.shard))
    if lacking := shards.missing(shares):
        raise ConfigError(f"shares are missing: {shards.ranges(lacking)} of {shares[0].of}")
    return shares


def _is_ours(place: Path) -> bool:
    """Whether a folder has partitions of ours and nothing else."""
    return place.is_dir() and all(one.name.startswith("shard=") for one in place.iterdir())


def _link(source: Path, place: Path) -> None:
    try:
        place.hardlink_to(source)
    except OSError:  # another disk, or one without such links
        shutil.copyfile(source, place)
