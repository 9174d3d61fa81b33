"""A journal that someone else made, or changed, runs nothing and is not believed before its digests are."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from birdfast.errors import ConfigError
from birdfast.journal import NAME, Journal, Record
from birdfast.outcomes import Failure, Heard, Outcome
from birdfast.runs import results
from birdfast.runs.results import Results

from .journals import FACTS, FACTS_OF_TWO, failed, outcome


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files: two with detections, one that failed."""
    with Journal(tmp_path, FACTS) as journal:
        journal.plan(["a.wav", "b.wav", "c.wav"], range(3))
        journal.add("a.wav", outcome())
        journal.add("b.wav", outcome())
        journal.add("c.wav", failed("c.wav"))
    return tmp_path


def change(folder: Path, statements: str) -> None:
    with closing(sqlite3.connect(folder / NAME)) as database:
        database.executescript(statements)


@pytest.mark.parametrize(
    "statements",
    [
        "CREATE TRIGGER spy AFTER UPDATE ON file BEGIN DELETE FROM hearing; END",
        "CREATE VIEW spy AS SELECT 1",
        "CREATE INDEX spy ON file (upper(decoder))",
        "CREATE TABLE spy (x)",
        "ALTER TABLE file ADD COLUMN spy TEXT",
        "ALTER TABLE part RENAME TO spy",
        "ALTER TABLE run RENAME TO was; CREATE VIEW run AS SELECT facts, digest FROM was",
    ],
)
def test_a_journal_of_other_tables_is_refused_before_anything_is_read(folder: Path, statements: str) -> None:
    change(folder, statements)
    for opening in (lambda: Record(folder), lambda: Journal(folder, FACTS)):
        with pytest.raises(ConfigError, match="its tables are not those of a journal"):
            opening()


def test_a_journals_schema_is_not_trusted(folder: Path) -> None:
    for opened in (Record(folder), Journal(folder, FACTS)):
        with opened:
            assert opened.database.execute("PRAGMA trusted_schema").fetchone() == (0,)


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
def test_a_link_in_a_journals_place_is_refused_and_its_target_left_alone(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, suffix: str
) -> None:
    target = tmp_path_factory.mktemp("elsewhere") / "precious"
    target.write_bytes((folder / NAME).read_bytes() if not suffix else b"")
    before = target.read_bytes()
    link = folder / f"{NAME}{suffix}"
    link.unlink(missing_ok=True)
    link.symlink_to(target)
    for opening in (lambda: Record(folder), lambda: Journal(folder, FACTS)):
        with pytest.raises(ConfigError, match=f"{link}: no regular file, as a journal is"):
            opening()
    with Journal(folder, FACTS, force=True) as journal:
        journal.plan(["a.wav"], [0])
    assert target.read_bytes() == before


def test_a_link_to_nothing_makes_no_journal_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / NAME).symlink_to(tmp_path / "made")
    with pytest.raises(ConfigError, match="no regular file, as a journal is"):
        Journal(tmp_path / "out", FACTS)
    assert not (tmp_path / "made").exists()


def test_a_pipe_in_a_journals_place_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    with pytest.raises(ConfigError, match="no regular file, as a journal is"):
        Journal(tmp_path, FACTS)


CHANGES = {
    "a reason that is no JSON": "UPDATE file SET failure = '[1' WHERE id = 3",
    "a reason without its digest": "UPDATE file SET failure = '[1', digest = NULL WHERE id = 3",
    "notes without their digest": "UPDATE file SET notes = '[\"x\"]', digest = NULL WHERE id = 1",
    "seconds without their digest": "UPDATE file SET audio_s = 7, digest = NULL WHERE id = 1",
    "a model's reason": "UPDATE hearing SET failure = '[1' WHERE file = 1",
    "a model's reason while it waits": "UPDATE hearing SET failure = '[1', state = 'waiting', digest = NULL",
    "a class that there is not": (
        "UPDATE stretch SET detections = CAST(substr(detections, 1, 20) || x'63000000'"
        " || substr(detections, 25) AS BLOB) WHERE file = 1"
    ),
    "a label space that there is not": (
        "UPDATE stretch SET detections = CAST(substr(detections, 1, 18) || x'6300'"
        " || substr(detections, 21) AS BLOB) WHERE file = 1"
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_nothing_is_parsed_that_is_not_what_was_written(folder: Path, what: str) -> None:
    change(folder, CHANGES[what])
    for read in (
        lambda: list(Results(folder)),
        lambda: Results(folder).failures,
        lambda: _tell(folder),
    ):
        with pytest.raises(ConfigError, match="a file's results are not those that were written"):
            read()


def _tell(folder: Path) -> None:
    with Record(folder) as record:
        for result in results.results(record, so_far=True):
            list(result.parts)


def test_a_file_that_one_model_hears_again_does_not_make_a_change_true(tmp_path: Path) -> None:
    no = Failure("a.wav", "network", "ModelError", "no")
    with Journal(tmp_path, FACTS_OF_TWO) as journal:
        journal.plan(["a.wav"], [0])
        journal.add("a.wav", Outcome(audio_s=3.0, heard=[Heard(0), Heard(1, failure=no)]))
    change(tmp_path, "UPDATE file SET audio_s = 7")
    with (
        Journal(tmp_path, FACTS_OF_TWO) as journal,
        pytest.raises(ConfigError, match="not those that were written"),
    ):
        journal.plan(["a.wav"], [0], retry=True)
