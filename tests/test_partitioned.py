"""The shares of a run are one data set, for whoever reads such."""

from __future__ import annotations

from pathlib import Path

import pyarrow.dataset
import pyarrow.parquet
import pytest

from birdfast.errors import ConfigError
from birdfast.runs import How, partitioned, retelling
from birdfast.runs.merging import merge

from .journals import of_two_shards

COLUMNS = ("start_s", "end_s", "scientific_name", "common_name", "confidence", "file")


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """Return the folders of two shares, with their tables."""
    made = of_two_shards(tmp_path)
    for part in made:
        retelling.retell(part, None, How(kinds=("parquet",)), {}, {})
    return made


def test_a_data_set_has_the_rows_of_merged_shares_and_says_whose_each_is(
    parts: list[Path], tmp_path: Path
) -> None:
    place = partitioned.gather(parts, tmp_path / "all")
    assert [str(one.relative_to(place)) for one in sorted(place.rglob("*.parquet"))] == [
        "shard=0001-of-0002/part-0.parquet",
        "shard=0002-of-0002/part-0.parquet",
    ]
    found = pyarrow.dataset.dataset(place, partitioning="hive").to_table()
    assert found.column_names == [*COLUMNS, "shard"]
    merge(parts, tmp_path / "merged", ("parquet",))
    wanted = pyarrow.parquet.read_table(tmp_path / "merged" / "detections.parquet")
    assert found.drop_columns(["shard"]).to_pylist() == wanted.to_pylist()
    assert len(found) == 4
    assert {*found["shard"].to_pylist()} == {"0001-of-0002", "0002-of-0002"}


def test_duckdb_reads_it_as_one(parts: list[Path], tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    place = partitioned.gather(parts, tmp_path / "all")
    files = f"read_parquet('{place}/**/*.parquet', hive_partitioning = true)"
    query = f"SELECT shard, count(*) FROM {files} GROUP BY shard"
    assert sorted(duckdb.sql(query).fetchall()) == [("0001-of-0002", 2), ("0002-of-0002", 2)]


def test_it_is_made_anew_and_replaces_nothing_of_others(parts: list[Path], tmp_path: Path) -> None:
    place = partitioned.gather(parts, tmp_path)
    assert partitioned.gather(parts, tmp_path) == place
    assert not [*tmp_path.glob(".detections*")]
    (place / "mine.txt").touch()
    with pytest.raises(ConfigError, match="move it away"):
        partitioned.gather(parts, tmp_path)


def test_a_share_that_is_missing_or_has_no_table_is_named(parts: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing: 2 of 2"):
        partitioned.gather(parts[:1], tmp_path)
    (parts[1] / "detections.parquet").unlink()
    with pytest.raises(ConfigError, match=r"two/detections.parquet: is not there; `birdfast tables"):
        partitioned.gather(parts, tmp_path)
