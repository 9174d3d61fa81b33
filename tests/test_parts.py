"""Parts of dense rows are in the journal what they were in the worker, or the stretch is tried again."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from birdfast import journal, models, tables, workers
from birdfast.config import Options
from birdfast.errors import ConfigError
from birdfast.journal import NAME, Journal
from birdfast.outcomes import PART_BYTES, Failure, Outcome, Part
from birdfast.scores import keeping
from birdfast.tables.table import Result
from birdfast.workers import wire

from . import networks
from .journals import FACTS, RUN, outcome, parted, read, rows_of
from .recordings import mp3


def part(number: int, stretch: int = 0, kind: str = "scores", size: int = 3) -> Part:
    return Part(0, stretch, number, kind, rows_of(size, first=10 * number).tobytes())


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A journal of two files, the first one of two stretches, whose parts came in no order."""
    with Journal(tmp_path, FACTS) as journal:
        journal.plan(["a.wav", "b.wav"], range(2))
        journal.keep("b.wav", part(0, size=4))
        journal.keep("a.wav", part(0, stretch=1, size=2))
        journal.keep("a.wav", part(1))
        journal.keep("a.wav", part(0))
        journal.add("a.wav", parted(2, 0, 2))
        journal.add("a.wav", parted(1, 1, 2))
        journal.add("b.wav", parted(1))
    return tmp_path


def results(journal: Journal) -> Iterator[Result]:
    for _, entry in journal.entries():
        rows = {(0, "scores"): journal.dense(entry, "scores", 2)}
        yield Result(entry.path.decode(), (), dense=rows)


def told(folder: Path) -> list[float]:
    """Write the table of a journal's scores, and return the starts in it."""
    with Journal(folder, FACTS) as journal:
        tables.write_all(folder, ["scores"], RUN, results(journal))
    return read(folder, "scores").column("start_s").to_pylist()


def test_parts_come_in_any_order_and_are_read_in_theirs(filled: Path) -> None:
    assert told(filled) == [0, 1, 2, 10, 11, 12, 0, 1, 0, 1, 2, 3]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE part SET rows = zeroblob(length(rows)) WHERE number = 1",
        "UPDATE part SET kind = 'embeddings' WHERE number = 1",
        "UPDATE part SET rows = (SELECT rows FROM part WHERE number = 1) WHERE stretch = 1",
        "UPDATE part SET number = 2 WHERE number = 1",
        "UPDATE part SET stretch = 2 WHERE stretch = 1",
        "UPDATE part SET file = 3 - file WHERE number = 0 AND stretch = 0",
        "DELETE FROM part WHERE number = 1",
        "DELETE FROM part WHERE file = 2",
        "INSERT INTO part SELECT file, model, stretch, 2, kind, digest, rows FROM part WHERE number = 1",
    ],
)
def test_parts_that_were_changed_are_refused(filled: Path, change: str) -> None:
    database = sqlite3.connect(filled / NAME)
    if "3 - file" in change:  # two parts, that change places with all that belongs to them
        database.execute("UPDATE part SET file = -file WHERE number = 0 AND stretch = 0")
        change = change.replace("3 - file", "3 + file")
    assert database.execute(change).rowcount > 0
    database.commit()
    database.close()
    with pytest.raises(ConfigError, match="not those that were written"):
        told(filled)
    assert not (filled / "scores.parquet").exists()


def test_a_second_try_takes_the_first_ones_place(tmp_path: Path) -> None:
    with Journal(tmp_path, FACTS) as journal:
        journal.plan(["a.wav"], [0])
        for number in range(4):
            journal.keep("a.wav", part(number, size=1))
        for number in range(2):
            journal.keep("a.wav", part(number, size=2))
        journal.add("a.wav", parted(2))
    assert told(tmp_path) == [0, 1, 10, 11]


def test_a_stretch_that_is_given_up_leaves_no_rows(tmp_path: Path) -> None:
    with Journal(tmp_path, FACTS) as journal:
        journal.plan(["a.wav"], [0])
        journal.keep("a.wav", part(0))
        journal.add("a.wav", parted(0, failure=Failure("a.wav", "worker", "SIGKILL", "killed")))
    assert told(tmp_path) == []


def test_an_outcome_without_its_parts_is_refused(tmp_path: Path) -> None:
    with Journal(tmp_path, FACTS) as journal:
        journal.plan(["a.wav"], [0])
        journal.keep("a.wav", part(1))
        with pytest.raises(ConfigError, match="parts of a file's results are missing"):
            journal.add("a.wav", parted(2))


def n_parts(folder: Path) -> int:
    database = sqlite3.connect(folder / NAME)
    try:
        return int(database.execute("SELECT count(*) FROM part").fetchone()[0])
    finally:
        database.close()


@pytest.mark.parametrize("limit", ["COMMIT_EVERY_S", "COMMIT_EVERY_BYTES"])
def test_parts_are_committed_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    for name in ("COMMIT_EVERY_S", "COMMIT_EVERY_BYTES"):
        monkeypatch.setattr(journal.writable, name, 0 if name == limit else 1e9)
    with Journal(tmp_path, FACTS) as opened:
        opened.plan(["a.wav"], [0])
        for number in range(3):
            opened.keep("a.wav", part(number))
            assert n_parts(tmp_path) == number + 1


def test_parts_of_half_failed_and_changed_files_go(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("done.wav", "failed.wav", "half.wav")]
    with Journal(tmp_path, FACTS) as opened:
        opened.plan(paths, range(3))
        for path in paths:
            opened.keep(path, part(0))
        opened.add(paths[0], parted(1))
        opened.add(paths[1], parted(1, failure=Failure("", "audio", "AudioError", "cut")))
    assert n_parts(tmp_path) == 3
    with Journal(tmp_path, FACTS) as opened:
        opened.plan(paths, range(3), retry=True)
    assert n_parts(tmp_path) == 1
    Path(paths[0]).write_text("another")
    with Journal(tmp_path, FACTS) as opened:
        opened.plan(paths, range(3))
    assert n_parts(tmp_path) == 0


def test_nothing_stays_of_what_was_half_heard_or_has_changed(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("changed.wav", "half.wav")]
    with Journal(tmp_path, FACTS) as opened:
        opened.plan(paths, range(2))
        for path in paths:
            opened.keep(path, part(0))
        opened.add(paths[0], parted(1))
        half = outcome(2, 0, 2)
        half.heard[0].n_parts = 1
        opened.add(paths[1], half)
    Path(paths[0]).write_text("another")
    with Journal(tmp_path, FACTS) as opened:
        opened.plan(paths[:1], [0])  # the other is not asked for any more
        tables = ("file", "hearing", "part")
        counts = [opened.database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables]
    assert counts == [2, 2, 0]


def came(
    path: Path, model: models.Model, timeout_s: float | None = None, **how: float
) -> tuple[list[Part], list[Outcome]]:
    """Analyse one file as one stretch, and return what came of it: parts, and the outcome behind them."""
    options = Options(keep=("scores", "embeddings"), **how)
    with workers.Pool([model], options, 1, timeout_s) as pool:
        found = [what for _, what in pool.work([workers.Job(str(path))])]
    parts = [what for what in found if isinstance(what, Part)]
    outcomes = [what for what in found if isinstance(what, Outcome)]
    assert found == [*parts, *outcomes]
    return parts, outcomes


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """A network whose embedding has 500 values: a part is full after 520 windows."""
    matrices = networks.weights(500), networks.weights(window_samples=500)
    return models.find(networks.write_folder(tmp_path_factory.mktemp("wide"), *matrices))


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """An MP3 that does not tell its length: one stretch, whatever it is."""
    path = tmp_path / "endless.mp3"
    path.write_bytes(mp3(path)[2000:])
    return path


def test_a_recording_of_unknown_length_comes_in_parts_of_bounded_size(
    wide: models.Model, endless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    read = wire.Inbox.read

    def watched(inbox: wire.Inbox) -> list[wire.Message]:
        messages = read(inbox)
        held.append(len(inbox._held) + len(inbox._blob) + sum(len(blob) for _, blob in messages))
        return messages

    monkeypatch.setattr(wire.Inbox, "read", watched)
    parts, (outcome,) = came(endless, wide, step_s=0.002)
    assert outcome.n_stretches == 1
    assert len(parts) == outcome.heard[0].n_parts > 4
    assert max(len(part.rows) for part in parts) <= PART_BYTES
    assert max(held) <= PART_BYTES + 2 * wire.CHUNK_BYTES
    kept = [keeping.unpack(part.rows, 3) for part in parts if part.kind == keeping.KIND]
    assert sum(len(some.windows) for some in kept) == outcome.heard[0].n_windows
    assert sum(len(some.score) for some in kept) == 3 * outcome.heard[0].n_windows


def strike_in_the_middle(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals, times: int
) -> list[workers.Worker]:
    """Send a worker a signal as soon as it has begun to send dense rows, so many times."""
    receive, struck = workers.Worker.receive, []

    def receive_and_strike(worker: workers.Worker) -> Iterator[tuple[workers.Task, Outcome | Part]]:
        begun = "part" in worker._inbox._told
        if begun and worker not in struck and len(struck) < times:
            struck.append(worker)
            worker.process.send_signal(number)
        yield from receive(worker)

    monkeypatch.setattr(workers.Worker, "receive", receive_and_strike)
    return struck


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("times", [1, 2])
def test_a_worker_that_dies_or_hangs_in_the_middle_of_a_part_costs_a_try(
    wide: models.Model, endless: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, times: int
) -> None:
    expected, _ = came(endless, wide, step_s=0.002)
    struck = strike_in_the_middle(monkeypatch, number, times)
    parts, (outcome,) = came(endless, wide, 20.0 if number == signal.SIGKILL else 3.0, step_s=0.002)
    assert len(struck) == times
    if times == 1:
        assert outcome.failure is None
        assert parts[-outcome.heard[0].n_parts :] == expected
    else:
        assert outcome.failure is not None
        assert (outcome.failure.stage, outcome.heard[0].n_parts) == ("worker", 0)
