"""Shards are a whole: together they say what one run says, and nothing can be left out unnoticed."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast import models, tables
from birdfast.config import Options
from birdfast.errors import ConfigError
from birdfast.journal import BASE, MERGED, NAME, Gathered, Journal
from birdfast.runs import How, Run, gathering, merging, shards
from birdfast.runs.merging import merge
from birdfast.runs.shards import Shard

from .commands import birdfast, contents, ended, infer
from .journals import FACTS, hear, of_two_shards, outcome, shard_of
from .recordings import noise, write


@given(st.lists(st.text(min_size=1), unique=True, min_size=1), st.integers(1, 5))
def test_every_file_is_in_one_share_wherever_the_folder_lies(names: list[str], of: int) -> None:
    here, there = (
        [shards.share([f"{root}/{name}" for name in names], Shard(n + 1, of)) for n in range(of)]
        for root in ("/a", "/mnt/b c")
    )
    assert sorted(place for share in here for place in share) == list(range(len(names)))
    assert here == there


@given(st.lists(st.integers(0, 1000), min_size=1), st.integers(1, 5), st.randoms())
def test_shares_by_bytes_are_a_whole_and_differ_by_the_largest_file_at_most(
    sizes: list[int], of: int, random: Random
) -> None:
    names = [f"{number}.wav" for number in range(len(sizes))]
    every = [shards.share(names, Shard(n + 1, of, "bytes"), sizes) for n in range(of)]
    assert sorted(place for share in every for place in share) == list(range(len(sizes)))
    weights = [sum(max(1, sizes[place]) for place in share) for share in every]
    assert max(weights) - min(weights) <= max(1, *sizes)
    order = random.sample(range(len(sizes)), len(sizes))  # as another machine may list them
    other = shards.share([names[n] for n in order], Shard(1, of, "bytes"), [sizes[n] for n in order])
    assert {order[place] for place in other} == {*every[0]}


def test_shares_by_bytes_and_by_hash_or_of_other_sizes_are_of_other_runs() -> None:
    every = [shards.digest(["a", "b"], sizes) for sizes in (None, [1, 2], [2, 1])]
    assert len({*every}) == 3
    assert [told.split()[0] for told in every] == ["2"] * 3


def test_shares_that_are_many_are_gathered_to_the_same_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "all").mkdir()
    parts = of_two_shards(tmp_path / "all")
    merge(parts, tmp_path / "at-once", ("csv", "parquet"))
    monkeypatch.setattr(merging, "MOST_OPEN", 1)
    taken = []

    def killed(self: Gathered, path: Path) -> None:
        taken.append(path.parent.name)
        if len(taken) == 2:
            raise KeyboardInterrupt
        take(self, path)

    take = Gathered._take
    monkeypatch.setattr(Gathered, "_take", killed)
    with pytest.raises(KeyboardInterrupt):
        merge(parts, tmp_path / "gathered", ("csv", "parquet"))
    assert merge(parts, tmp_path / "gathered", ("csv", "parquet"))[1].done == 2
    assert taken == ["one", "two", "two"]  # what was whole is not taken again
    assert contents(tmp_path / "gathered") == contents(tmp_path / "at-once")
    assert not (tmp_path / "gathered" / gathering.FOLDER).exists()


@pytest.mark.parametrize("most", [1, 64])
def test_tables_of_each_file_lie_as_all_shares_see_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Shares may see their recordings from folders that differ: the whole is seen from what is above both."""
    monkeypatch.setattr(merging, "MOST_OPEN", most)
    parts = list[Path]()
    for number, site in enumerate(("east", "west")):
        facts = shard_of(number)._replace(asked={BASE: f"/day/{site}"})
        parts.append(tmp_path / f"share{number}")
        parts[-1].mkdir()
        with Journal(parts[-1], facts) as journal:
            journal.plan([f"/day/{site}/a.wav"], [number])
            hear(journal, f"/day/{site}/a.wav", outcome())
    merge(parts, tmp_path / "whole", per_file=True)
    found = {path.name for path in (tmp_path / "whole").iterdir() if path.is_dir()}
    assert found == {"east", "west"}


@pytest.mark.parametrize("most", [1, 64])
def test_what_is_there_may_be_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(merging, "MOST_OPEN", most)
    parts, told = of_two_shards(tmp_path), list[str]()
    with pytest.raises(ConfigError, match="share 2 .of 2. is missing; --array=2 with --shard auto/2"):
        merge(parts[:1], tmp_path / "merged")
    standing = merge(parts[:1], tmp_path / "merged", allow_missing=True, tell=told.append)[1]
    assert (standing.done, standing.waiting) == (1, 1)
    assert told[0].startswith("the tables tell of 1 of 2 files: share 2 (of 2) is missing")


def test_what_is_merged_so_far_is_counted_by_what_is_heard(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    parts, told = of_two_shards(tmp_path / "all"), list[str]()
    with sqlite3.connect(parts[1] / NAME) as database:
        blank = ", ".join(f"{name} = NULL" for name in ("n_detections", "failure", "kept", "digest"))
        database.execute(f"UPDATE hearing SET state = 'waiting', {blank}")
        database.execute("UPDATE file SET audio_s = 0, head = NULL, digest = NULL, failure = NULL")
    merge(parts, tmp_path / "merged", allow_missing=True, tell=told.append)
    assert told[0].startswith("the tables tell of 1 of 2 files: ")


@pytest.mark.parametrize("most", [1, 64])
def test_a_share_that_was_killed_as_it_started_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(merging, "MOST_OPEN", most)
    parts = of_two_shards(tmp_path)
    (parts[1] / NAME).write_bytes(b"")
    with pytest.raises(ConfigError, match="share 2 .of 2. is missing; --array=2 with"):
        merge(parts, tmp_path / "merged")
    assert merge(parts, tmp_path / "merged", allow_missing=True)[1].done == 1
    (parts[0] / NAME).write_bytes(b"")
    with pytest.raises(ConfigError, match="not begun"):
        merge(parts, tmp_path / "merged")


def test_recordings_that_came_since_are_said_to_have_come(tmp_path: Path) -> None:
    one = FACTS._replace(shard="1/2", inputs="3 files, a")
    with Journal(tmp_path, one):
        pass
    with pytest.raises(ConfigError, match=r"other recordings \(inputs: 3 .* now 4 .* some came.*\.txt"):
        Journal(tmp_path, one._replace(inputs="4 files, b"))


def test_shares_of_other_divisions_are_told_as_such_and_no_recording_is_said_to_have_come(
    tmp_path: Path,
) -> None:
    by_hash, by_bytes = (shards.digest(["a", "b"], sizes) for sizes in (None, [1, 2]))
    first = FACTS._replace(shard="1/2", inputs=by_bytes)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with Journal(tmp_path / "one", first):
        pass
    for shard, inputs, told in (
        ("2/2", by_hash, "2 shares by hash"),
        ("2/4", by_hash, "4 shares by hash"),
        ("2/4", by_bytes, "4 shares by bytes"),
    ):
        with Journal(tmp_path / "two", FACTS._replace(shard=shard, inputs=inputs), force=True):
            pass
        why = f"two.* is of {told}, and .*one of 2 shares by bytes, which do not belong together"
        with pytest.raises(ConfigError, match=why):
            merge([tmp_path / "one", tmp_path / "two"], tmp_path / "whole")
    with pytest.raises(ConfigError, match=r"is of 2 shares by bytes, now 2 shares by hash; .*--shard-by"):
        Journal(tmp_path / "one", first._replace(inputs=by_hash))


@pytest.mark.parametrize("text", ["", "0/3", "4/3", "1", "a/b", "1/0", "-1/2", "1/2/3", "١/٣"])
def test_a_shard_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="shard: "):
        shards.parse(text)


def test_another_share_and_another_list_are_another_run(tmp_path: Path) -> None:
    one = FACTS._replace(shard="1/2", inputs="3 files, a")
    for other, name in ((one._replace(shard="2/2"), "shard"), (one._replace(inputs="3 files, b"), "inputs")):
        with Journal(tmp_path, one, force=True):
            pass
        with pytest.raises(ConfigError, match=f"{name}: .*, now "):
            Journal(tmp_path, other)
    assert list(one.differences(one._replace(shard="2/2"), shards=False)) == []
    assert [*one.differences(FACTS)] == ["inputs: 3 files, a, now ", "shard: 1/2, now "]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            "UPDATE hearing SET state = 'waiting' WHERE file = 1",
            "1 file still to do; --array=1-2 with --shard auto/2 goes on",
        ),
        ("DELETE FROM file WHERE number < 2", "its files are not those that were planned"),
        ("DELETE FROM file WHERE number > 3", "its files are not those that were planned"),
        ("UPDATE file SET number = number + 6 WHERE number > 3", "its files are not those that were planned"),
    ],
)
def test_parts_that_are_not_one_whole_run_are_refused(
    tiny: models.Model, tmp_path: Path, change: str, reason: str
) -> None:
    for number in range(6):
        write(tmp_path / f"{number}.wav", noise(8_000, seed=number), 8_000)
    paths = [str(tmp_path / f"{number}.wav") for number in range(6)]
    parts = [tmp_path / "one", tmp_path / "two"]
    for number, part in enumerate(parts, 1):
        Run(paths, [tiny], Options(), part, How(shard=Shard(number, 2), n_workers=1)).work()
    merge(parts, tmp_path / "whole")
    for part in parts:
        database = sqlite3.connect(part / NAME)
        database.execute(change)
        database.commit()
        database.close()
    with pytest.raises(ConfigError, match=reason):
        merge(parts, tmp_path / "merged")
    assert list((tmp_path / "merged").iterdir()) == []


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ((0, 2), "file 1 of the run is in no part"),
        ((1, 2), "file 0 of the run is in no part"),
        ((0, 1), "2 of 3 files are there"),
    ],
)
def test_shards_that_were_planned_of_less_than_the_whole_are_refused(
    tmp_path: Path, numbers: tuple[int, int], reason: str
) -> None:
    parts = of_two_shards(tmp_path, numbers, "3 files, a")
    with pytest.raises(ConfigError, match=reason):
        merge(parts, tmp_path / "merged")


@pytest.mark.parametrize("place", ["one", "two", "merged"])
def test_nothing_is_merged_while_a_run_is_at_work_in_a_folder(tmp_path: Path, place: str) -> None:
    parts = of_two_shards(tmp_path)
    (tmp_path / "merged").mkdir()
    with (
        Journal(tmp_path / place, shard_of(int(place == "two"))),
        pytest.raises(ConfigError, match=f"{tmp_path / place}: another run is at work in it"),
    ):
        merge(parts, tmp_path / "merged")
    (tmp_path / "merged" / NAME).unlink(missing_ok=True)
    assert merge(parts, tmp_path / "merged")[1].done == 2
    for part in parts:  # and nothing stays locked
        with Journal(part, shard_of(parts.index(part))):
            pass


def test_no_run_begins_in_a_folder_that_is_merged_but_others_may_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = of_two_shards(tmp_path)
    tried = []

    def write_all(folder: Path, *_: object, **__: object) -> list[Path]:
        for number, one in enumerate((*parts, folder)):
            with pytest.raises(ConfigError, match=f"{one}: another run is at work in it"):
                Journal(one, shard_of(number % 2))
        with monkeypatch.context() as again:
            again.setattr(tables, "write_all", lambda there, *_, **__: tried.append(there) or [])
            merge(parts, tmp_path / "elsewhere")
        return []

    monkeypatch.setattr(tables, "write_all", write_all)
    merge(parts, tmp_path / "merged")
    assert tried == [tmp_path / "elsewhere"]


def test_a_share_keeps_its_own_tables(tmp_path: Path) -> None:
    parts = of_two_shards(tmp_path)
    (parts[0] / "detections.csv").write_text("its own")
    with pytest.raises(ConfigError, match=f"{parts[0]}: holds a run of `birdfast infer`"):
        merge(parts, parts[0], force=True)
    assert (parts[0] / "detections.csv").read_text() == "its own"


@pytest.mark.parametrize("is_planned", [False, True])
def test_an_unfinished_part_is_named(tmp_path: Path, is_planned: bool) -> None:
    parts = of_two_shards(tmp_path)
    with Journal(parts[1], shard_of(1), force=True) as journal:
        if is_planned:
            journal.plan(["1.wav"], [1])
    why = "1 file still to do" if is_planned else "its files are not planned yet"
    with pytest.raises(ConfigError, match=f"{parts[1] / NAME}: {why}; --array=2 with --shard auto/2 goes on"):
        merge(parts, tmp_path / "merged")


@pytest.mark.parametrize("force", [False, True])
def test_the_folder_of_another_run_takes_no_merged_tables(tmp_path: Path, force: bool) -> None:
    parts, other = of_two_shards(tmp_path), tmp_path / "other"
    other.mkdir()
    with Journal(other, FACTS):
        (other / "detections.csv").write_text("its own")
    with pytest.raises(ConfigError, match=f"{other}: holds a run of `birdfast infer`"):
        merge(parts, other, force=force)
    assert (other / "detections.csv").read_text() == "its own"


def test_a_part_without_a_journal_is_told(tmp_path: Path) -> None:
    for part in (tmp_path / "gone", tmp_path):
        with pytest.raises(ConfigError, match=f"{part}: no journal of a run"):
            merge([part], tmp_path / "merged")


def test_merged_tables_of_files_lie_where_those_of_the_whole_run_do(
    tiny: models.Model, tmp_path: Path
) -> None:
    folder = tmp_path / "one"
    (folder / "sub").mkdir(parents=True)
    for number in range(6):
        write(folder / "sub" / f"S{number}.wav", noise(12_000, seed=number), 8_000)
    each = ["--per-file", "-o"]
    assert infer(tiny, folder, *each, tmp_path / "whole").returncode == 0
    parts = [tmp_path / f"part{number}" for number in (1, 2)]
    for number, part in enumerate(parts, 1):
        assert infer(tiny, folder, "--shard", f"{number}/2", *each, part).returncode == 0
    assert birdfast("merge", *parts, *each, tmp_path / "merged").returncode == 0
    places = [
        sorted(one.relative_to(out) for one in out.rglob("sub/*"))
        for out in (tmp_path / "whole", tmp_path / "merged")
    ]
    assert places[0] == places[1]
    assert len(places[0]) == 6


@pytest.mark.long
def test_merged_shards_are_the_run_over_all(tiny: models.Model, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(12):
        write(folder / f"{number:02d}.wav", noise(12_000, seed=number), 8_000)
    (folder / "bad.wav").write_text("no sound")
    how = ["--min-conf", "0", "--rtype", "csv,parquet,scores", "-o"]
    assert infer(tiny, folder, *how, tmp_path / "whole").returncode == 2
    parts = [tmp_path / f"part{number}" for number in (1, 2, 3)]
    for number, part in enumerate(parts, 1):
        assert infer(tiny, folder, "--shard", f"{number}/3", *how, part).returncode in (0, 2)
    merging = ["merge", *reversed(parts), "--rtype", "csv,parquet,scores", "-o", tmp_path / "merged"]
    result = birdfast(*merging)
    assert result.returncode == 2, result.stderr
    assert contents(tmp_path / "merged") == contents(tmp_path / "whole")

    per_file = ["merge", *parts, "--rtype", "raven,wide", "--per-file", "-o", tmp_path / "each"]
    assert birdfast(*per_file).returncode == 2
    names = [path.stem for path in folder.iterdir() if path.stem != "bad"]  # which nobody could hear
    endings = (".BirdNET.selection.table.txt", ".wide.csv")
    told = {f"{name}{ending}" for name in names for ending in endings} | {"failures.csv", MERGED}
    assert {path.name for path in (tmp_path / "each").iterdir() if not path.name.startswith(".")} == told

    unkept = birdfast("merge", *parts, "--rtype", "embeddings", "-o", tmp_path / "less")
    assert (unkept.returncode, "that run kept no embeddings" in unkept.stderr) == (64, True)
    missing = birdfast("merge", *parts[:2], "-o", tmp_path / "less")
    assert (missing.returncode, "share 3 (of 3) is missing; --array=3 with" in missing.stderr) == (64, True)
    twice = birdfast("merge", *parts, parts[0], "-o", tmp_path / "less")
    assert (twice.returncode, "a shard is there twice" in twice.stderr) == (64, True)
    whole = birdfast("merge", tmp_path / "whole", "-o", tmp_path / "less")
    assert (whole.returncode, "not of a run with --shard" in whole.stderr) == (64, True)
    infer(tiny, folder, "--shard", "3/3", "--top-k", "1", *how, tmp_path / "other")
    mixed = birdfast("merge", *parts[:2], tmp_path / "other", "-o", tmp_path / "less")
    assert (mixed.returncode, "top_k: 1, there null" in mixed.stderr) == (64, True)
    assert list((tmp_path / "less").iterdir()) == []


def test_the_status_of_shares_has_a_line_for_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    parts = of_two_shards(tmp_path / "out")
    for number, part in enumerate(parts, 1):
        part.rename(tmp_path / "out" / f"shard-{number}-of-2")
    assert ended("status", tmp_path / "out") == 0
    assert "shard-2-of-2: 1 of 1 file done, 0 failed, 0 to do\nall shares" in capsys.readouterr().out
    (tmp_path / "out" / "shard-2-of-2" / NAME).write_bytes(b"")
    assert ended("status", tmp_path / "out") == 1
    told = capsys.readouterr().out
    assert "shard-2-of-2: not begun\n" in told
    assert "--array=2 with --shard auto/2 goes on" in told
    (tmp_path / "out" / "shard-2-of-2" / NAME).unlink()  # it left, or was cancelled, before it had one
    assert ended("status", tmp_path / "out") == 1
    assert capsys.readouterr().out == told
    assert ended("merge", tmp_path / "out", "-o", tmp_path / "merged") == 64
    assert "--array=2 with --shard auto/2 goes on" in capsys.readouterr().err


def test_the_status_of_shares_and_of_their_merge_is_told_to_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    for number, part in enumerate(of_two_shards(tmp_path / "out"), 1):
        part.rename(tmp_path / "out" / f"shard-{number}-of-2")
    assert ended("merge", tmp_path / "out", "-o", tmp_path / "whole") == 0
    capsys.readouterr()
    assert ended("status", tmp_path / "whole") == 0
    assert "merged, of 2 shares: see " in capsys.readouterr().out
    assert ended("status", tmp_path / "whole", "--json") == 0
    parts = [str(tmp_path / "out" / f"shard-{number}-of-2") for number in (1, 2)]
    assert (told := json.loads(capsys.readouterr().out))["merged"] == parts
    assert [share["done"] for share in told["shares"]] == [1, 1]
    assert ended("status", tmp_path / "out", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["of"], told["missing"], told["lacks"]) == (2, [], "")
    numbers = [[share[name] for name in ("files", "done", "failed", "waiting")] for share in told["shares"]]
    assert numbers == [[1, 1, 0, 0]] * 2
    (tmp_path / "out" / "shard-2-of-2" / NAME).write_bytes(b"")
    assert ended("status", tmp_path / "out", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    unbegun = {"folder": parts[1], "share": 2, "begun": False, "planned": False}
    assert (told["missing"], told["shares"][1]) == ([2], unbegun)
    assert [told["shares"][0][name] for name in ("folder", "share", "begun")] == [parts[0], 1, True]
    (tmp_path / "out" / "shard-1-of-2" / NAME).write_bytes(b"")
    assert ended("status", tmp_path / "out", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["of"], told["missing"], told["lacks"]) == (None, None, "none is begun")
    assert ended("status", tmp_path / "whole") == 1, "what was merged is not what is there"
    shutil.rmtree(tmp_path / "out")
    capsys.readouterr()
    assert ended("status", tmp_path / "whole") == 64
    assert "merged, of 2 shares: see" in (said := capsys.readouterr().out)
    assert "their folders are not all here any more" in said


def test_a_share_that_a_merge_went_without_is_missing_and_not_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    one, _ = of_two_shards(tmp_path)
    one.rename(tmp_path / "out" / "shard-1-of-2")
    (unbegun := tmp_path / "out" / "shard-2-of-2").mkdir()
    assert ended("merge", tmp_path / "out", "-o", tmp_path / "whole", "--allow-missing") == 1
    capsys.readouterr()
    assert ended("status", tmp_path / "whole") == 1
    said = capsys.readouterr().out
    assert "share 2 (of 2) is missing" in said
    assert "shard-2-of-2: not begun" in said
    unbegun.rmdir()
    assert ended("status", tmp_path / "whole") == 64
    assert "their folders are not all here any more" in capsys.readouterr().out


def test_the_shares_of_a_merge_are_found_from_any_folder_and_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for part, home in zip(of_two_shards(tmp_path), ("a", "b"), strict=True):
        (tmp_path / home).mkdir()
        part.rename(tmp_path / home / "results")
    monkeypatch.chdir(tmp_path)
    assert ended("merge", "a/results", "b/results", "-o", "whole") == 0
    monkeypatch.chdir(tmp_path / "a")
    capsys.readouterr()
    assert ended("status", tmp_path / "whole") == 0
    said = capsys.readouterr().out
    assert all(f"{tmp_path / home / 'results'}: 1 of 1 file" in said for home in ("a", "b"))
    assert ended("status", tmp_path / "whole", "--json") == 0
    shares = json.loads(capsys.readouterr().out)["shares"]
    told = [(str(tmp_path / home / "results"), number) for home, number in (("a", 1), ("b", 2))]
    assert [(share["folder"], share["share"]) for share in shares] == told


def test_a_share_says_how_many_files_are_its_own_and_one_of_none_ends_well(
    tiny: models.Model, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.wav", noise(8_000), 8_000)
    said = [infer(tiny, tmp_path / "in", "--shard", f"{n}/2", "-o", tmp_path / f"{n}").stderr for n in (1, 2)]
    some, none = sorted(said, key=lambda one: "none of" in one)
    assert some.count("/2: 1 of 1 file\n") == 1, "at its beginning, and not again in its summary"
    assert none.count("/2: none of the 1 file\n") == 1
    assert "finished before" not in none
    assert ended("merge", tmp_path / "1", tmp_path / "2", "-o", tmp_path / "whole") == 0
