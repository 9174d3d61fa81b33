"""The shares of a run are one data set, for whoever reads such."""

from __future__ import annotations

import resource
from functools import partial
from pathlib import Path

import duckdb
import pyarrow.dataset
import pyarrow.parquet
import pytest

from birdfast.cli import exits
from birdfast.errors import ConfigError
from birdfast.journal import NAME, Journal
from birdfast.runs import How, merging, retelling

from .commands import birdfast, ended
from .journals import FACTS, hear, of_two_shards, outcome

COLUMNS = ("start_s", "end_s", "scientific_name", "common_name", "confidence", "file")
merge = partial(merging.merge, kinds=("parquet",), partitioned=True)


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """Return the folders of two shares, of which one has its table."""
    made = of_two_shards(tmp_path)
    for part in made:
        retelling.retell(part, None, How(kinds=("parquet",)), {}, {})
    (made[1] / "detections.parquet").unlink()
    return made


@pytest.mark.parametrize("most", [1, 64])
def test_a_data_set_has_the_rows_of_merged_shares_and_says_whose_each_is(
    parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(merging, "MOST_OPEN", most)
    (*_, place), standing = merge(parts, tmp_path / "all", kinds=("csv", "parquet"))
    assert standing.done == 2
    assert [str(one.relative_to(place)) for one in sorted(place.rglob("*.parquet"))] == [
        "shard=0001-of-0002/part-0.parquet",
        "shard=0002-of-0002/part-0.parquet",
    ]
    files = sorted(one.name for one in (tmp_path / "all").iterdir())
    assert files == ["birdfast-merged.txt", "detections", "detections.csv", "failures.csv"]
    found = pyarrow.dataset.dataset(place, partitioning="hive").to_table()
    assert found.column_names == [*COLUMNS, "shard"]
    merging.merge(parts, tmp_path / "merged", ("parquet",))
    wanted = pyarrow.parquet.read_table(tmp_path / "merged" / "detections.parquet")
    assert found.drop_columns(["shard"]).to_pylist() == wanted.to_pylist()
    assert len(found) == 4
    assert {*found["shard"].to_pylist()} == {"0001-of-0002", "0002-of-0002"}


def test_a_share_that_never_began_has_no_partition(parts: list[Path], tmp_path: Path) -> None:
    (empty := tmp_path / "killed at its start").mkdir()
    (empty / NAME).touch()
    (*_, place), standing = merge([parts[0], empty], tmp_path / "all", allow_missing=True)
    assert standing.waiting == 1
    assert [one.name for one in place.iterdir()] == ["shard=0001-of-0002"]


def test_duckdb_reads_it_as_one(parts: list[Path], tmp_path: Path) -> None:
    (*_, place), _ = merge(parts, tmp_path / "all")
    files = f"read_parquet('{place}/**/*.parquet', hive_partitioning = true)"
    query = f"SELECT shard, count(*) FROM {files} GROUP BY shard"
    assert sorted(duckdb.sql(query).fetchall()) == [("0001-of-0002", 2), ("0002-of-0002", 2)]


def test_it_is_made_anew_and_replaces_nothing_of_others(parts: list[Path], tmp_path: Path) -> None:
    (*_, place), _ = merge(parts, tmp_path / "all")
    assert merge(parts, tmp_path / "all")[0][-1] == place
    assert not [*place.parent.glob(".detections*")]
    (place / "mine.txt").touch()
    with pytest.raises(ConfigError, match="move it away"):
        merge(parts, tmp_path / "all")


def test_what_is_missing_is_named_and_what_is_there_may_be_taken(parts: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="share 2 .of 2. is missing"):
        merge(parts[:1], tmp_path / "all")
    (*_, place), standing = merge(parts[:1], tmp_path / "all", allow_missing=True)
    assert [one.name for one in place.iterdir()] == ["shard=0001-of-0002"]
    assert standing.waiting == 1


def test_shares_that_were_asked_for_other_columns_are_refused(parts: list[Path], tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"a": [1]}), parts[1] / "detections.parquet")
    with pytest.raises(ConfigError, match=r"two/detections.parquet: other columns than in .*one"):
        merge(parts, tmp_path / "all")


def test_only_parquet_is_partitioned(
    parts: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = ("-o", tmp_path / "all", "--partitioned")
    assert ended("merge", *parts, *whole, "--rtype", "csv") == exits.USAGE
    assert "--rtype parquet" in capsys.readouterr().err
    assert ended("merge", *parts, *whole, "--rtype", "parquet", "--per-file") == exits.USAGE


def test_many_shares_need_few_open_files(tmp_path: Path) -> None:
    n = 70  # more than are open at once
    for number in range(n):
        part = tmp_path / f"results/shard-{number + 1:03}-of-{n}"
        part.mkdir(parents=True)
        facts = FACTS._replace(shard=f"{number + 1}/{n}", inputs=f"{n} files, a")
        with Journal(part, facts) as journal:
            journal.plan([f"{number}.wav"], [number])
            hear(journal, f"{number}.wav", outcome())
    how = ("-o", tmp_path / "whole", "--rtype", "parquet", "--partitioned")
    limits = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (64, 64))
    done = birdfast("merge", tmp_path / "results", *how, preexec_fn=limits)
    assert done.returncode == 0, done.stderr
    found = pyarrow.dataset.dataset(tmp_path / "whole/detections", partitioning="hive")
    assert (len(found.files), found.count_rows()) == (n, 2 * n)
