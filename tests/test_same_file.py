"""A file that only its time was moved of is the one of before, and one that is heard again says why."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from birdfast import models
from birdfast.config import Options
from birdfast.journal import Journal
from birdfast.outcomes import Failure, Heard, Outcome
from birdfast.runs import Follower, How, Run

from .journals import FACTS, FACTS_OF_TWO, by_all, outcome
from .recordings import noise, write

HOUR_NS = 3_600 * 10**9


def move(path: Path, by_ns: int) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + by_ns))


def heard(folder: Path, content: bytes = b"1" * 100_000) -> Path:
    """Return a recording that a run in a folder has heard."""
    path = folder / "a.wav"
    path.write_bytes(content)
    with Journal(folder, FACTS) as journal:
        journal.plan([str(path)], [0])
        journal.add(str(path), outcome())
    return path


@pytest.mark.parametrize("by_ns", [HOUR_NS, -HOUR_NS])
def test_a_time_that_moved_by_an_hour_is_the_clocks_change(tmp_path: Path, by_ns: int) -> None:
    path = heard(tmp_path)
    for _ in range(2):  # again in the next half-year, from where it is now
        move(path, by_ns)
        with Journal(tmp_path, FACTS) as journal:
            assert (journal.plan([str(path)], [0]), journal.changed) == ([], {})
            assert [len(entry.hearings) for _, entry in journal.entries()] == [1], "and it is believed"


@pytest.mark.parametrize("by_ns", [1, HOUR_NS + 1, HOUR_NS - 1, 2 * HOUR_NS, -3 * HOUR_NS])
def test_a_time_that_moved_by_anything_else_is_a_change(tmp_path: Path, by_ns: int) -> None:
    path = heard(tmp_path)
    move(path, by_ns)
    with Journal(tmp_path, FACTS) as journal:
        assert journal.plan([str(path)], [0]) == by_all(0)
        assert journal.changed == {str(path): "another time of change"}


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"2" + b"1" * 99_999, "another time of change"), (b"1" * 99_999, "100,000 bytes, now 99,999")],
)
def test_an_hour_does_not_make_another_content_the_same(tmp_path: Path, content: bytes, why: str) -> None:
    path = heard(tmp_path)
    was = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns + HOUR_NS))
    with Journal(tmp_path, FACTS) as journal:
        assert journal.plan([str(path)], [0]) == by_all(0)
        assert journal.changed == {str(path): why}


def test_a_file_that_went_stays_heard_and_one_that_nobody_heard_says_nothing(tmp_path: Path) -> None:
    path, unheard, content = heard(tmp_path), tmp_path / "b.wav", (tmp_path / "a.wav").read_bytes()
    was = path.stat()
    path.unlink()
    unheard.touch()
    with Journal(tmp_path, FACTS) as journal:
        assert journal.plan([str(path), str(unheard)], range(2)) == by_all(1)
        assert (journal.changed, journal.n_away) == ({}, 1)
        path.write_bytes(content)
        os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
        unheard.write_text("1")
        assert journal.plan([str(path), str(unheard)], range(2)) == by_all(1)
        assert (journal.changed, journal.n_away) == ({}, 0)


def test_a_file_that_came_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with Journal(tmp_path, FACTS) as journal:
        journal.plan([str(path)], [0])
        journal.add(str(path), outcome())
        path.touch()
        assert journal.plan([str(path)], [0]) == by_all(0)
        assert journal.changed == {str(path): "it was not there"}


def test_one_model_can_hear_a_file_again_whose_time_moved(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_text("1")
    no = Failure(str(path), "network", "ModelError", "no")
    with Journal(tmp_path, FACTS_OF_TWO) as journal:
        journal.plan([str(path)], [0])
        journal.add(str(path), Outcome(audio_s=3.0, heard=[Heard(0), Heard(1, failure=no)]))
    move(path, HOUR_NS)
    with Journal(tmp_path, FACTS_OF_TWO) as journal:
        assert journal.plan([str(path)], [0], retry=True) == [(0, (1,))]
        journal.add(str(path), Outcome(audio_s=3.0, heard=[Heard(1)]))
        assert journal.standing()[:3] == (1, 0, 0)


class Listens(Follower):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def test_a_run_says_which_files_it_analyses_again_and_why(tiny: models.Model, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.wav" for number in range(5)]
    for path in paths:
        write(path, noise(8_000), 8_000)
    run = Run(list(map(str, paths)), [tiny], Options(graft=False), tmp_path / "out", How(n_workers=1))
    first = Listens()
    run.work(first)
    assert not any("changed" in said for said in first.said)
    for path in paths:
        move(path, 1)
    again = Listens()
    run.work(again)
    words = "changed since (another time of change): analysed again"
    expected = [f"{path}: {words}" for path in paths[:3]] + ["2 more files changed since: analysed again"]
    assert [said for said in again.said if "changed" in said] == expected


def test_a_file_that_was_another_for_a_moment_is_heard_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_text("1")
    was = path.stat()
    with Journal(tmp_path, FACTS) as journal:
        journal.plan([str(path)], [0])
        path.write_text("2")
        journal.add(str(path), outcome())
        assert journal.standing()[:2] == (0, 1)
        path.write_text("1")
        os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
        assert journal.plan([str(path)], [0]) == by_all(0)
        assert journal.changed == {str(path): "it changed while it was heard"}
