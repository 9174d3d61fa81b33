"""A journal that someone else made, or changed, runs nothing and is not believed before its digests are."""

from __future__ import annotations

import itertools
import os
import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from birdfast.__main__ import main
from birdfast.errors import ConfigError
from birdfast.journal import NAME, Facts, Journal, Record
from birdfast.journal.database import UNPLANNED
from birdfast.outcomes import Failure, Heard, Outcome
from birdfast.runs import answers, results
from birdfast.runs.merging import merge
from birdfast.runs.results import Results

from .journals import FACTS, FACTS_OF_TWO, failed, hear, outcome


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files: two with detections, one that failed."""
    return filled(tmp_path, FACTS)


def filled(folder: Path, facts: Facts) -> Path:
    with Journal(folder, facts) as journal:
        journal.plan(["a.wav", "b.wav", "c.wav"], range(3))
        hear(journal, "a.wav", outcome())
        hear(journal, "b.wav", outcome())
        journal.add("c.wav", failed("c.wav"))
    return folder


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
    "all that is known of a file": (
        "UPDATE file SET digest = NULL, head = NULL, audio_s = 0, decoder = NULL, failure = NULL,"
        " notes = NULL WHERE id = 3"
    ),
    "a model's reason": "UPDATE hearing SET failure = '[1' WHERE file = 1",
    "a model's reason while it waits": "UPDATE hearing SET failure = '[1', state = 'waiting', digest = NULL",
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


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE part SET rows = CAST(substr(rows, 1, length(rows) - 2) || x'633F' AS BLOB) WHERE file = 1",
        "UPDATE hearing SET kept = '[[]]' WHERE file = 1",
        "UPDATE hearing SET kept = '[[\"softmax\", 0.5, 1]]' WHERE file = 1",
    ],
)
def test_no_detections_are_made_of_scores_that_are_not_what_was_written(folder: Path, statement: str) -> None:
    change(folder, statement)
    for read in (lambda: list(Results(folder)), lambda: _tell(folder)):
        with pytest.raises(ConfigError, match=r"damaged \(.*\); --force starts anew"):
            read()


def _tell(folder: Path) -> None:
    with Record(folder) as record:
        for result in results.results(answers.Answers(record), so_far=True):
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


LISTS = {
    "a file without its number": "UPDATE file SET number = NULL WHERE id = 2",
    "the last file without its number": "UPDATE file SET number = NULL WHERE id = 3",
    "a file that has gone": "DELETE FROM file WHERE id = 1",
    "the last file, with all that was heard": (
        "DELETE FROM file WHERE id = 3; DELETE FROM hearing WHERE file = 3; DELETE FROM part WHERE file = 3"
    ),
    "all files": "DELETE FROM file",
    "a file that nobody planned": (
        "INSERT INTO file (path, number) VALUES (CAST('d.wav' AS BLOB), 3);"
        "INSERT INTO hearing VALUES (4, 0, 'waiting', NULL, NULL, NULL, NULL)"
    ),
    "another number": "UPDATE file SET number = 7 WHERE id = 3",
    "two paths in each other's place": (
        "UPDATE file SET path = x'00' WHERE id = 1;"
        "UPDATE file SET path = CAST('a.wav' AS BLOB) WHERE id = 2;"
        "UPDATE file SET path = CAST('b.wav' AS BLOB) WHERE id = 1"
    ),
    "two numbers in each other's place": (
        "UPDATE file SET number = 9 WHERE id = 1; UPDATE file SET number = 0 WHERE id = 2;"
        "UPDATE file SET number = 1 WHERE id = 1"
    ),
    "another list of files": "UPDATE run SET files = '2 files, 00'",
}
HEARINGS = {
    "a file that no model heard": "DELETE FROM hearing WHERE file = 2",
    "a file that another model heard": "UPDATE hearing SET model = 1 WHERE file = 2",
    "a file that one more model heard": "INSERT INTO hearing VALUES (1, 1, 'done', 0, NULL, NULL, NULL)",
}


@pytest.mark.parametrize("what", [*LISTS, *HEARINGS])
@pytest.mark.parametrize("state", ["at its end", "half way"])
def test_a_list_of_files_that_was_changed_is_believed_by_nobody(
    tmp_path: Path, folder: Path, what: str, state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if state == "half way":
        with Journal(folder, FACTS) as journal:
            journal.plan(["a.wav", "b.wav", "c.wav"], range(3), retry=True)
    change(folder, {**LISTS, **HEARINGS}[what])
    reason = "its files are not those that were planned"
    if what in HEARINGS:
        reason = "a file's results are not those that were written"
    refusal = rf"{NAME}: damaged \({reason}\); --force starts anew"
    for read in (
        lambda: Results(folder).standing,
        lambda: list(Results(folder)),
        lambda: Results(folder).failures,
        lambda: Results(folder).notes,
        lambda: list(Results(folder).scores()),
        lambda: Results(folder).to_arrow(),
        lambda: _go_on(folder),
    ):
        with pytest.raises(ConfigError, match=refusal):
            read()
    assert main(["status", str(folder)]) == 64
    assert f"damaged ({reason}); --force starts anew" in capsys.readouterr().err
    with Journal(folder, FACTS, force=True) as journal:
        assert journal.standing().files == 0


@pytest.mark.parametrize("what", [*LISTS, *HEARINGS])
def test_a_list_of_files_that_was_changed_is_not_merged(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "part"
    folder.mkdir()
    filled(folder, FACTS._replace(shard="1/1", inputs="3 files, a"))
    assert merge([folder], tmp_path / "whole")[1].files == 3
    change(folder, {**LISTS, **HEARINGS}[what])
    with pytest.raises(ConfigError, match=r"damaged \(.* not those that were .*\); --force starts anew"):
        merge([folder], tmp_path / "merged")
    assert list((tmp_path / "merged").iterdir()) == []


def _go_on(folder: Path) -> None:
    with Journal(folder, FACTS) as journal:
        journal.plan(["a.wav", "b.wav", "c.wav"], range(3))


def test_files_of_an_earlier_plan_are_kept_and_do_not_count(folder: Path) -> None:
    for planned in (["c.wav", "a.wav"], ["b.wav"], [], ["a.wav", "b.wav", "c.wav", "d.wav"]):
        with Journal(folder, FACTS) as journal:
            journal.plan(planned, range(len(planned)))
        assert Results(folder).standing.files == len(planned)
        with Record(folder) as record:
            assert [os.fsdecode(entry.path) for _, entry in record.entries()] == planned
    assert Results(folder).standing[:3] == (2, 1, 1)


def test_a_plan_that_is_broken_off_leaves_the_list_of_before(folder: Path) -> None:
    def paths() -> Iterator[str]:
        yield "b.wav"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Journal(folder, FACTS) as journal:
        journal.plan(paths(), itertools.count())  # type: ignore[arg-type]
    assert Results(folder).standing[:3] == (2, 1, 0)


def test_a_file_that_a_model_has_heard_is_no_blank_row_while_another_waits(tmp_path: Path) -> None:
    path = "a.wav"
    with Journal(tmp_path, FACTS_OF_TWO) as journal:
        journal.plan([path], [0])
        failure = Failure(path, "model", "ModelError", "no", model="two")
        journal.add(path, Outcome(heard=[Heard(0), Heard(1, failure=failure)]))
        journal.plan([path], [0], retry=True)
    change(tmp_path, "UPDATE file SET digest = NULL, head = NULL, audio_s = 0, failure = NULL, notes = NULL")
    with pytest.raises(ConfigError, match="damaged"), Journal(tmp_path, FACTS_OF_TWO) as journal:
        journal.plan([path], [0])
        journal.add(path, Outcome(heard=[Heard(1)]))


def test_a_list_that_was_planned_is_not_forgotten(folder: Path) -> None:
    change(folder, f"UPDATE run SET files = '{UNPLANNED}'; UPDATE file SET number = NULL")
    with pytest.raises(ConfigError, match="its files are not those that were planned"):
        Record(folder)


def test_a_long_list_is_planned_and_checked_in_bounded_memory(tmp_path: Path) -> None:
    with Journal(tmp_path, FACTS) as journal:
        names = [f"{number}.wav" for number in range(5000)]
        journal.plan(names, range(5000))
    tracemalloc.start()
    with Record(tmp_path) as record:
        assert record.files().startswith("5000 files, ")
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 600_000
