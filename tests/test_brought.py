"""What a run heard on one machine goes into the journal with which another went on, and is all believed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from birdfast.errors import ConfigError
from birdfast.journal import NAME, Journal, Record
from birdfast.journal.brought import Brought
from birdfast.outcomes import Heard, Outcome

from .journals import FACTS, FACTS_OF_TWO, by_all, decided, failed, hear, kept, n_detections, outcome

PATHS = [f"{number}.wav" for number in range(5)]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return folder(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return folder(tmp_path / "there")


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def brought(here: Path, there: Path) -> int:
    """Bring what is ahead, and return how many files that were."""
    with Brought(here, there) as both:
        n_ahead = both.n_ahead()
        assert both.are_of_one_run
        both.bring()
    with Brought(here, there) as both:
        assert both.n_ahead() == 0
    return n_ahead


def test_what_either_heard_is_heard_and_the_better_of_both_stays(here: Path, there: Path) -> None:
    with Journal(there, FACTS) as journal:
        journal.plan(PATHS[:4], range(4))
        hear(journal, PATHS[0], outcome(1))
        journal.add(PATHS[1], failed(PATHS[1]))
        journal.add(PATHS[2], failed(PATHS[2]))
    with Journal(here, FACTS) as journal:
        journal.plan([PATHS[4], *PATHS[:4]], range(5))
        hear(journal, PATHS[0], outcome(2))
        hear(journal, PATHS[1], outcome(2))
        journal.add(PATHS[2], failed(PATHS[2]))
        hear(journal, PATHS[3], outcome(3))
        hear(journal, PATHS[4], outcome(4))
    assert brought(here, there) == 3
    with Record(there) as record:
        assert record.standing()[:3] == (3, 1, 0)
        assert [len(kept(record, entry)) > 0 for _, entry in record.entries()] == [True, True, False, True]
        assert record.n_left_out() == 1
    assert n_detections(there) == {"0.wav": 1, "1.wav": 2, "2.wav": 0, "3.wav": 3}
    with Journal(there, FACTS) as journal:
        assert journal.plan(PATHS, range(5)) == []
    assert n_detections(there)["4.wav"] == 4


def test_a_journal_that_was_put_before_its_plan_takes_all(here: Path, there: Path) -> None:
    with Journal(there, FACTS):
        pass
    with Journal(here, FACTS) as journal:
        journal.plan(PATHS, range(5))
        hear(journal, PATHS[3], outcome())
    assert brought(here, there) == 1
    with Journal(there, FACTS) as journal:
        assert journal.plan(PATHS, range(5)) == by_all(0, 1, 2, 4)


def test_of_several_models_a_file_comes_with_what_all_of_them_heard(here: Path, there: Path) -> None:
    two = Outcome(heard=[Heard(0), Heard(1)])
    with Journal(there, FACTS_OF_TWO) as journal:
        journal.plan(PATHS[:2], range(2))
        journal.add(PATHS[0], Outcome(heard=[Heard(0)]))
    with Journal(here, FACTS_OF_TWO) as journal:
        journal.plan(PATHS[:2], range(2))
        journal.add(PATHS[0], two)
    assert brought(here, there) == 1
    with Journal(there, FACTS_OF_TWO) as journal:
        assert journal.plan(PATHS[:2], range(2)) == [(1, (0, 1))]


def test_a_run_that_was_killed_has_what_its_log_has(here: Path, there: Path, tmp_path: Path) -> None:
    with Journal(there, FACTS) as journal:
        journal.plan(PATHS, range(5))
    with Journal(here, FACTS) as journal:
        journal.plan(PATHS, range(5))
        hear(journal, PATHS[0], outcome())
        journal.settle()
        shutil.copytree(here, killed := tmp_path / "killed")
    assert (killed / f"{NAME}-wal").exists()
    assert brought(killed, there) == 1
    assert [path.name for path in killed.iterdir()] == [NAME]


def test_what_is_another_run_or_damaged_is_said(here: Path, there: Path) -> None:
    for path, facts in (here, FACTS), (there, decided(model="b")):
        with Journal(path, facts) as journal:
            journal.plan(PATHS, range(5))
    with Brought(here, there) as both:
        assert not both.are_of_one_run
    (here / NAME).write_bytes(b"nothing" * 99)
    with pytest.raises(ConfigError, match=f"{here}.*damaged"):
        Brought(here, there)
