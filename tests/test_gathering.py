"""Journals that are gathered for a merge are those of its shares, whatever a killed one was given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from birdfast.errors import ConfigError
from birdfast.journal import Gathered, Journal
from birdfast.journal.entry import ANOTHER
from birdfast.runs import gathering, merging

from .commands import contents
from .journals import FACTS, hear, of_two_shards, outcome

N = 4
Parts = list[Path]


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parts:
    """Return the folders of shares, more of them than may be open at once."""
    monkeypatch.setattr(merging, "MOST_OPEN", 1)
    return [share(tmp_path / f"share{number}", number) for number in range(N)]


def share(part: Path, number: int) -> Path:
    part.mkdir()
    with Journal(part, FACTS._replace(shard=f"{number + 1}/{N}", inputs=f"{N} files, a")) as journal:
        journal.plan([f"{number}.wav"], [number])
        hear(journal, f"{number}.wav", outcome())
    return part


def of_some(parts: Parts, folder: Path) -> tuple[dict[str, bytes], int]:
    """Return what a merge of what there is writes, and how many files it heard of."""
    _, standing = merging.merge(parts, folder, ("csv", "parquet"), allow_missing=True)
    assert not (folder / gathering.FOLDER).exists()
    return contents(folder), standing.done


def killed(parts: Parts, folder: Path, monkeypatch: pytest.MonkeyPatch, at: str, of: type | object) -> None:
    """Merge until something is called for the third time, if it is taking a share, or for the first."""
    n_calls, called = 0, getattr(of, at)

    def until_it_is_killed(*given: object, **named: object) -> object:
        nonlocal n_calls
        n_calls += 1
        if at != "_take" or n_calls == 3:
            raise KeyboardInterrupt
        return called(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(of, at, until_it_is_killed)
        with pytest.raises(KeyboardInterrupt):
            merging.merge(parts, folder, ("csv",), allow_missing=True)


def test_shares_that_a_killed_merge_was_given_are_not_in_the_next(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(parts, tmp_path / "whole", monkeypatch, "_take", Gathered)
    clean = of_some(parts[1:], tmp_path / "clean")
    assert clean[1] == N - 1
    assert of_some(parts[1:], tmp_path / "whole") == clean


def test_a_share_that_is_begun_anew_since_is_not_in_the_next(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(parts, tmp_path / "whole", monkeypatch, "_take", Gathered)
    with Journal(parts[0], FACTS._replace(shard=f"1/{N}", inputs=f"{N} files, a"), force=True):
        pass  # killed before its files were planned
    clean = of_some(parts, tmp_path / "clean")
    assert clean[1] == N - 1
    assert of_some(parts, tmp_path / "whole") == clean


def test_a_share_that_was_taken_but_not_told_of_is_not_in_the_next(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(parts, tmp_path / "whole", monkeypatch, "_take", Gathered)
    (tmp_path / "whole" / gathering.FOLDER / "taken.txt").unlink()
    clean = of_some(parts[1:], tmp_path / "clean")
    assert of_some(parts[1:], tmp_path / "whole") == clean


@pytest.mark.parametrize("given", [slice(0, N), slice(1, N), slice(0, 2)])
def test_a_share_that_comes_and_goes_and_comes_is_whole(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: slice
) -> None:
    places: list[tuple[str, Callable[..., object] | object]] = [("_take", Gathered), ("write", merging)]
    for at, of in places:  # the first two shares are taken; then all but these, to the end
        killed(parts if of is Gathered else parts[2:], tmp_path / "whole", monkeypatch, at, of)
    clean = of_some(parts[given], tmp_path / "clean")
    assert of_some(parts[given], tmp_path / "whole") == clean


def test_a_file_in_two_shares_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "MOST_OPEN", 1)
    parts = of_two_shards(tmp_path, planned=(0, 0))
    with pytest.raises(ConfigError, match=r"two/journal.sqlite: damaged \(a file of it is in two parts\)"):
        merging.merge(parts, tmp_path / "whole", allow_missing=True)


def test_a_share_that_goes_on_before_it_is_taken_is_refused(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gather = gathering.gather

    def gather_late(*given: object) -> object:
        with Journal(parts[1], FACTS._replace(shard=f"2/{N}", inputs=f"{N} files, a")) as journal:
            journal.database.execute("UPDATE file SET failure = ?, digest = NULL", (ANOTHER,))
            assert journal.plan(["1.wav"], [1])
        return gather(*given)

    monkeypatch.setattr(gathering, "gather", gather_late)
    with pytest.raises(
        ConfigError, match=r"share1/journal.sqlite: has changed while it was merged; run again"
    ):
        merging.merge(parts, tmp_path / "whole")


def test_what_somebody_else_keeps_where_a_merge_gathers_stays(parts: Parts, tmp_path: Path) -> None:
    notes = tmp_path / "whole" / gathering.FOLDER / "notes"
    notes.parent.mkdir(parents=True)
    notes.write_text("mine")
    merging.merge(parts, tmp_path / "whole")
    assert [path.read_text() for path in notes.parent.iterdir()] == ["mine"]


@pytest.mark.parametrize("is_link", [False, True])
def test_what_has_the_name_of_that_folder_and_is_none_is_named(
    parts: Parts, tmp_path: Path, is_link: bool
) -> None:
    (tmp_path / "whole").mkdir()
    there = tmp_path / "whole" / gathering.FOLDER
    there.symlink_to(tmp_path) if is_link else there.touch()
    with pytest.raises(ConfigError, match=f"{gathering.FOLDER}: is no folder of a merge; move it away"):
        merging.merge(parts, tmp_path / "whole")


def test_a_merge_of_few_shares_removes_nothing_behind_a_link(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "MOST_OPEN", 64)
    (other := tmp_path / "other").mkdir()
    (other / "journal.sqlite").write_text("of another run")
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / gathering.FOLDER).symlink_to(other)
    merging.merge(parts, tmp_path / "whole")
    assert (other / "journal.sqlite").read_text() == "of another run"
