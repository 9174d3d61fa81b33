"""The shares of a run are one data set, for whoever reads such."""

from __future__ import annotations

import hashlib
import os
import resource
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import duckdb
import pyarrow.dataset
import pyarrow.parquet
import pytest

import birdfast
from birdfast import models
from birdfast.cli import exits
from birdfast.errors import ConfigError
from birdfast.journal import NAME, Journal, vouchers
from birdfast.journal.entry import ANOTHER
from birdfast.runs import How, census, merging, partitioned, retelling, run, shards
from birdfast.runs.leaving import Left

from . import commands
from .commands import ended
from .journals import FACTS, hear, of_two_shards, outcome, shard_of
from .recordings import noise, write

COLUMNS = ("start_s", "end_s", "scientific_name", "common_name", "confidence", "file")
merge = partial(merging.merge, kinds=("parquet",), partitioned=True)


def contents_of(place: Path) -> dict[str, bytes]:
    """Return what is in the files of a data set."""
    return {str(one.relative_to(place)): one.read_bytes() for one in place.rglob("*.parquet")}


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


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    "mine",
    [
        "shard=7/mine.parquet",
        "shard=7/part-0.parquet",
        "shard=0001-of-0002/mine.parquet",
        "shard=0001-of-0002/part-0.parquet/mine.parquet",
        "shard=0001-of-0002",
        "",
    ],
)
def test_what_others_have_there_stays(parts: list[Path], tmp_path: Path, mine: str, signed: bool) -> None:
    """Of others is also what looks like ours where no merge has left its word."""
    place = tmp_path / "all" / "detections"
    if signed:
        merging.merge(parts, tmp_path / "all")
    (place / mine).parent.mkdir(parents=True, exist_ok=True)
    if mine and (mine.endswith(".parquet") or signed):
        (place / mine).write_text("years of work")
    else:
        (place / mine).mkdir(parents=True, exist_ok=True)
    if signed and not mine:
        merge(parts, tmp_path / "all")  # as a merge of shares without plans leaves it
        return
    for force in (False, True):
        with pytest.raises(ConfigError, match="nothing here tells that birdfast wrote it; move it away"):
            merge(parts, tmp_path / "all", force=force)
    assert (place / mine).exists()


def test_a_folder_of_ours_that_links_elsewhere_is_not_ours(parts: list[Path], tmp_path: Path) -> None:
    (*_, place), _ = merge(parts, tmp_path / "all")
    (place / "shard=0002-of-0002").rename(tmp_path / "mine")
    (place / "shard=0002-of-0002").symlink_to(tmp_path / "mine")
    with pytest.raises(ConfigError, match="move it away"):
        merge(parts, tmp_path / "all")


@pytest.mark.parametrize("calls", range(1, 4))
@pytest.mark.parametrize("then", ["csv", "parquet"])
def test_a_merge_that_is_killed_leaves_nothing_to_the_next(
    parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int, then: str
) -> None:
    """As a table, the data set of before, or the new one is about to get its name."""
    wanted = contents_of(merge(parts, tmp_path / "all")[0][-1])
    (other := tmp_path / "all" / ".detections.mine.part").mkdir()
    (other / "mine.txt").touch()
    n_calls, rename = 0, Path.rename

    def until_it_is_killed(self: Path, to: Path) -> Path:
        nonlocal n_calls
        n_calls += ".part" in str(self) or self.name == "detections"
        if n_calls == calls:
            raise KeyboardInterrupt
        return rename(self, to)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", until_it_is_killed)
        patch.setattr(tempfile.TemporaryDirectory, "cleanup", lambda self: self._finalizer.detach())
        with pytest.raises(KeyboardInterrupt):
            merge(parts, tmp_path / "all")
    assert len([*(tmp_path / "all").glob(".detections.*.part")]) == 2
    assert (tmp_path / "all" / "detections").exists() == (calls < 3)
    merging.merge(parts, tmp_path / "all", (then,), partitioned=then == "parquet")
    assert [*(tmp_path / "all").glob(".detections.*.part")] == [other]
    assert contents_of(tmp_path / "all" / "detections") == wanted


def test_what_is_missing_is_named_and_what_is_there_may_be_taken(parts: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="share 2 .of 2. is missing"):
        merge(parts[:1], tmp_path / "all")
    (*_, place), standing = merge(parts[:1], tmp_path / "all", allow_missing=True)
    assert [one.name for one in place.iterdir()] == ["shard=0001-of-0002"]
    assert standing.waiting == 1


@pytest.mark.parametrize("is_linked", [False, True])
def test_a_share_has_its_own_table_for_its_partition(
    parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_linked: bool
) -> None:
    """Its file is a link to the table's, also where the table's name is one."""
    table = parts[0] / "detections.parquet"
    if is_linked:
        table.rename(parts[0] / "elsewhere.parquet")
        table.symlink_to("elsewhere.parquet")
    (*_, place), _ = merge(parts, tmp_path / "all")
    assert (place / "shard=0001-of-0002" / "part-0.parquet").samefile(table)
    monkeypatch.setattr(Path, "hardlink_to", os.rmdir)  # as if on another disk: it fails
    (*_, copied), _ = merge(parts, tmp_path / "copied")
    assert contents_of(copied) == contents_of(place)


def heard_again(parts: list[Path]) -> None:
    """Let a share hear a file that changed as it was heard, and end before it writes its tables."""
    with Journal(parts[0], shard_of(0)) as journal:
        journal.database.execute("UPDATE file SET failure = ?, digest = NULL", (ANOTHER,))
        assert journal.plan(["0.wav"], [0])
        hear(journal, "0.wav", outcome(5))


def asked_again(parts: list[Path]) -> None:
    """Let shares be asked for what is more sure than all that they heard, and end before their tables."""
    for number, part in enumerate(parts):
        facts = shard_of(number)
        with Journal(part, facts) as journal:
            journal.ask(facts.asking({**facts.asked, "min_confidence": 0.95}).asked)


def written_by_another(parts: list[Path]) -> None:
    table = pyarrow.parquet.read_table(path := parts[0] / "detections.parquet")
    pyarrow.parquet.write_table(table.slice(1), path)


def cut(parts: list[Path]) -> None:
    (path := parts[0] / "detections.parquet").write_bytes(path.read_bytes()[:-9])


def vouched_for_by_another(parts: list[Path]) -> None:
    """Let the journal be told of a table that is not its own."""
    written_by_another(parts)
    with sqlite3.connect(parts[0] / NAME) as database:
        ((found,),) = database.execute("SELECT rows FROM part WHERE file = 0").fetchall()
        of_table = hashlib.blake2b((parts[0] / "detections.parquet").read_bytes(), digest_size=16).digest()
        database.execute("UPDATE part SET rows = ? WHERE file = 0", (found[:16] + of_table,))


@pytest.mark.parametrize("most", [1, 64])
@pytest.mark.parametrize(
    "changed", [heard_again, asked_again, written_by_another, cut, vouched_for_by_another]
)
def test_a_table_that_is_not_of_its_journal_is_made_anew(
    parts: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changed: Callable[[list[Path]], None],
    most: int,
) -> None:
    """It may be of before: a run is at its end before its tables are."""
    changed(parts)
    monkeypatch.setattr(merging, "MOST_OPEN", most)
    (*_, place), standing = merge(parts, tmp_path / "all")
    merging.merge(parts, tmp_path / "merged", ("parquet",))
    assert standing.waiting == 0
    found = pyarrow.dataset.dataset(place, partitioning="hive").to_table().drop_columns(["shard"])
    wanted = pyarrow.parquet.read_table(tmp_path / "merged" / "detections.parquet")
    assert found.to_pylist() == wanted.to_pylist()


def test_a_share_that_leaves_before_its_tables_is_whole_in_the_data_set(
    tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    sounds = [str(tmp_path / "in" / f"{number}.wav") for number in range(4)]
    for number, sound in enumerate(sounds):
        write(Path(sound), noise(9000, seed=number), 8000)
    own = shards.share(sounds, shards.Shard(1, 2))
    assert own
    whole = Path(sounds[own[0]]).read_bytes()
    Path(sounds[own[0]]).write_text("not whole yet")

    def hear_share(number: int) -> None:
        part = tmp_path / f"results/shard-{number}-of-2"
        how = {"shard": f"{number}/2", "workers": 1, "min_confidence": 0, "top_k": 1, "kinds": ["parquet"]}
        birdfast.run(tmp_path / "in", tiny.path.parent, output=part, **how)

    def leave(*_: object, **__: object) -> None:
        raise Left

    for number in (1, 2):
        hear_share(number)
    Path(sounds[own[0]]).write_bytes(whole)
    with monkeypatch.context() as patch:
        patch.setattr(run, "write", leave)
        with pytest.raises(Left):
            hear_share(1)
    (*_, place), standing = merge([tmp_path / "results"], tmp_path / "all")
    assert (standing.done, standing.failed, standing.waiting) == (4, 0, 0)
    found = pyarrow.dataset.dataset(place, partitioning="hive").to_table()
    assert {*found["file"].to_pylist()} == {*sounds}
    assert len(found) == standing.detections
    second = "shard=0002-of-0002/part-0.parquet"
    assert (place / second).samefile(tmp_path / "results/shard-2-of-2/detections.parquet")


@pytest.mark.parametrize("most", [1, 64])
def test_a_share_that_goes_on_while_it_is_merged_is_refused(
    parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(merging, "MOST_OPEN", most)
    gather = partitioned.gather

    def gather_late(shares: Sequence[census.Share], folder: Path) -> Path:
        if most == 1:
            heard_again(parts)
        else:
            with pytest.raises(ConfigError, match="another run is at work in it"):
                heard_again(parts)
        return gather(shares, folder)

    monkeypatch.setattr(partitioned, "gather", gather_late)
    if most == 1:
        with pytest.raises(ConfigError, match=r"one/journal.sqlite: has changed while it was merged"):
            merge(parts, tmp_path / "all")
    else:
        merge(parts, tmp_path / "all")


def test_a_table_that_nobody_may_read_ends_no_run(parts: list[Path], tmp_path: Path) -> None:
    with Journal(parts[0], shard_of(0)) as journal:
        vouchers.give(journal, parts[0] / "gone.parquet")
        assert vouchers.hold(journal, parts[0] / "detections.parquet")
        assert not vouchers.hold(journal, parts[0] / "gone.parquet")


def test_a_column_of_another_type_is_refused(parts: list[Path], tmp_path: Path) -> None:
    """As another version of birdfast may have written one."""
    pyarrow.parquet.write_table(pyarrow.table({"start_s": ["1"]}), table := parts[1] / "detections.parquet")
    with Journal(parts[1], shard_of(1)) as journal:
        vouchers.give(journal, table)
    with pytest.raises(ConfigError, match="shard=0002-of-0002: start_s is string there, double elsewhere"):
        merge(parts, tmp_path / "all")


@pytest.mark.parametrize("kinds", [["csv"], ["csv", "parquet"]])
def test_shares_whose_recordings_say_less_of_themselves_or_that_have_none_are_one_data_set(
    tiny: models.Model, tmp_path: Path, kinds: list[str]
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("20260510_000000", "20260511_000000", "hike"):
        write(tmp_path / "in" / f"{name}.wav", noise(9000, seed=len(name)), 8000)
    parts = [tmp_path / f"shard-{number}-of-9" for number in range(1, 10)]
    for number, part in enumerate(parts, 1):
        how = {"shard": f"{number}/9", "workers": 1, "min_confidence": 0, "kinds": kinds}
        birdfast.run(tmp_path / "in", tiny.path.parent, output=part, **how)
    tables = [part / "detections.parquet" for part in parts if "parquet" in kinds]
    before = [table.read_bytes() for table in tables]
    (*_, place), _ = merge(parts, tmp_path / "all")
    assert [table.read_bytes() for table in tables] == before
    merging.merge(parts, tmp_path / "merged", ("parquet",))
    wanted = pyarrow.parquet.read_table(tmp_path / "merged" / "detections.parquet")
    assert "time" in wanted.column_names
    each = [pyarrow.parquet.read_table(one, partitioning=None) for one in place.rglob("*.parquet")]
    assert [{*one.column_names} for one in each] == [{*wanted.column_names}] * 9
    assert {len(one) > 0 for one in each} == {True, False}
    found = pyarrow.dataset.dataset(place, partitioning="hive").to_table().drop_columns(["shard"])
    assert len(wanted) > 0
    assert sorted(map(repr, found.to_pylist())) == sorted(map(repr, wanted.to_pylist()))


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
    done = commands.birdfast("merge", tmp_path / "results", *how, preexec_fn=limits)
    assert done.returncode == 0, done.stderr
    found = pyarrow.dataset.dataset(tmp_path / "whole/detections", partitioning="hive")
    assert (len(found.files), found.count_rows()) == (n, 2 * n)
