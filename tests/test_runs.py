"""A run is a call: the same bytes as the command, results that can be asked, and followers that are told."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import inspect
import os
import re
import shutil
import sqlite3
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

import birdfast
from birdfast import inputs, models, sources, workers
from birdfast.cli import exits
from birdfast.config import Options
from birdfast.errors import BirdfastError, ConfigError, ModelError, OutputError
from birdfast.journal import NAME
from birdfast.outcomes import Outcome, Part
from birdfast.pipeline import Pipeline
from birdfast.runs import Follower, How, Question, Results, Run, opening
from birdfast.runs.results import Windows
from birdfast.tables import DENSE, DETECTIONS

from . import encoded
from .commands import contents, infer, table
from .recordings import noise, write

EVERYTHING = Options(min_confidence=0, top_k=1)
KINDS = (*DETECTIONS, *DENSE)  # a submission needs a sample


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three recordings, one that ends early, and one that is no sound."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(3):
        write(folder / f"{number}.wav", noise(9_000 * (number + 1), seed=number), 8_000)
    content = (folder / "2.wav").read_bytes()
    (folder / "cut.wav").write_bytes(content[: len(content) // 2])
    (folder / "none.wav").write_text("no sound")
    return folder


def run(folder: Path, model: models.Model, output: Path, *followers: Follower, **how: object) -> Results:
    paths, chosen = inputs.find([str(folder)]), How(**{"kinds": KINDS, "n_workers": 2, **how})
    return Run(paths, [model], EVERYTHING, output, chosen).work(*followers)


class Diary(Follower):
    """A follower that writes down what it hears, and breaks off at the `last` thing."""

    def __init__(self, last: int = -1) -> None:
        self.heard: list[tuple[str, object]] = []
        self._last = last

    def _write(self, what: str, *which: object) -> None:
        self.heard.append((what, *which))
        if len(self.heard) == self._last:
            raise KeyboardInterrupt

    def begin(self, paths: Sequence[str], n_done: int, n_workers: int) -> None:
        self._write("begin", [Path(path).name for path in paths], n_done, n_workers)

    def say(self, text: str) -> None:
        self._write("say", text)

    def warn(self, text: str) -> None:
        self._write("warn", text)

    def keep(self, path: str, part: Part) -> None:
        self._write("keep", Path(path).name, part)

    def add(self, path: str, outcome: Outcome) -> None:
        self._write("add", Path(path).name, outcome)

    def end(self) -> None:
        self._write("end")


class BreakingOff(Diary):
    """A follower that breaks off at the first outcome."""

    def add(self, path: str, outcome: Outcome) -> None:
        raise KeyboardInterrupt


# ---- the same as the command ----


def test_a_call_writes_the_commands_bytes(deep: models.Model, folder: Path, tmp_path: Path) -> None:
    how = ["--rtype", ",".join(KINDS), "--min-conf", "0", "--overlap", "0.25"]
    assert infer(deep, folder, "-o", tmp_path / "command", *how).returncode == 2
    results = birdfast.run(
        folder, deep.path.parent, output=tmp_path / "call", kinds=KINDS, min_confidence=0, overlap_s=0.25
    )
    found = contents(tmp_path / "call")
    assert found == contents(tmp_path / "command")
    assert {path.name for path in results.tables} == set(found)
    assert len(found) == len(KINDS) + 1


def test_a_call_takes_what_the_command_takes(deep: models.Model, folder: Path, tmp_path: Path) -> None:
    paths = sorted(folder.iterdir())
    listing = tmp_path / "list.txt"
    listing.write_text("".join(f"{path}\n" for path in paths))
    found = []
    for number, recordings in enumerate((folder, str(folder), listing, paths, iter(paths), [folder])):
        output = tmp_path / str(number)
        birdfast.run(recordings, [deep.path.parent], output=output, workers=1)
        found.append(contents(output))
    assert found == [found[0]] * 6


def test_a_call_may_stop_at_a_failure_and_says_at_which(
    deep: models.Model, folder: Path, tmp_path: Path
) -> None:
    for _ in range(2):  # at it, and at that of before
        results = birdfast.run(
            folder, deep.path.parent, output=tmp_path / "out", workers=1, fail_fast=True, min_confidence=0
        )
        assert results.stopped is not None
        assert Path(results.stopped.path).name == "cut.wav"
        assert (results.tables, results.stopped) == ([], results.failures[0])


def test_a_call_goes_on_where_a_run_was_broken_off(deep: models.Model, folder: Path, tmp_path: Path) -> None:
    run(folder, deep, tmp_path / "whole")
    whole = contents(tmp_path / "whole")
    n_heard = []
    for _ in range(3):
        diary = Diary()
        diary.add = lambda path, outcome: (_ for _ in ()).throw(KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            run(folder, deep, tmp_path / "out", diary)
        n_heard.append(diary.heard[0])
        assert contents(tmp_path / "out") == {}
    assert [n_done for _, _, n_done, _ in n_heard] == [0, 1, 2]
    results = birdfast.run(
        folder, deep.path.parent, output=tmp_path / "out", kinds=KINDS, min_confidence=0, top_k=1
    )
    assert contents(tmp_path / "out") == whole
    assert results.standing.files == 5


def test_a_second_call_does_nothing_and_says_the_same(
    deep: models.Model, folder: Path, tmp_path: Path
) -> None:
    first = list(run(folder, deep, tmp_path / "out"))
    before, diary = contents(tmp_path / "out"), Diary()
    assert list(run(folder, deep, tmp_path / "out", diary)) == first
    assert contents(tmp_path / "out") == before
    assert diary.heard == [("begin", [], 5, 2), ("end",)]


def test_a_run_reads_a_models_file_once_for_its_hash(
    deep: models.Model, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, read = hashlib.file_digest, []
    monkeypatch.setattr(
        hashlib,
        "file_digest",
        lambda file, name: read.append(os.fstat(file.fileno()).st_ino) or digest(file, name),
    )
    monkeypatch.setattr(sources, "SETTLED_S", -1.0)
    monkeypatch.setattr(sources, "_KNOWN", {})
    monkeypatch.setenv("BIRDFAST_CACHE", str(tmp_path / "cache"))  # where nobody has read it before
    run(folder, deep, tmp_path / "out")
    assert read.count(deep.path.stat().st_ino) == 1


def test_a_run_works_in_any_thread(deep: models.Model, folder: Path, tmp_path: Path) -> None:
    n_threads = threading.active_count()
    run(folder, deep, tmp_path / "main")
    with ThreadPoolExecutor() as threads:
        outputs = [tmp_path / "one", tmp_path / "two"]
        for results in threads.map(lambda output: run(folder, deep, output), outputs):
            assert results.standing.files == 5
            assert contents(results.folder) == contents(tmp_path / "main")
    assert threading.active_count() == n_threads


# ---- results ----


def joined(windows: Iterable[Windows], path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    own = [some for some in windows if some.file == str(path)]
    return tuple(
        np.concatenate([getattr(some, name) for some in own]) for name in ("start_s", "end_s", "values")
    )


def test_results_are_what_the_pipeline_says(deep: models.Model, folder: Path, tmp_path: Path) -> None:
    results, pipeline = run(folder, deep, tmp_path / "out"), Pipeline(deep, EVERYTHING)
    expected = [row for number in range(3) for row in pipeline.detect(folder / f"{number}.wav")]
    assert [row for row in results if "cut" not in row.file] == expected
    assert list(results) == list(Results(tmp_path / "out"))  # and again, from the folder alone
    for number in range(3):
        path = folder / f"{number}.wav"
        start_s, end_s, scores = joined(results.scores(), path)
        scored = list(pipeline.score(path))
        np.testing.assert_array_equal(start_s, np.concatenate([batch.start_s for batch in scored]))
        np.testing.assert_array_equal(end_s, start_s + 0.5)
        confidences = [pipeline.listener().confidences(batch) for batch in scored]
        np.testing.assert_array_equal(scores, np.concatenate(confidences))
        np.testing.assert_array_equal(joined(results.embeddings("tiny"), path)[2], pipeline.embed(path))


def test_the_journal_says_which_decoder_read_a_file_that_was_not_the_usual_one(
    deep: models.Model, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    encoded.by_libsndfile(folder / "usual.wav", encoded.sound(3))
    encoded.by_ffmpeg(folder / "phone.m4a", "aac", encoded.sound(3))
    run(folder, deep, tmp_path / "out")
    with closing(sqlite3.connect(tmp_path / "out" / NAME)) as database:
        told = {
            Path(os.fsdecode(path)).name: decoder
            for path, decoder in database.execute("SELECT path, decoder FROM file")
        }
    assert told == {"usual.wav": None, "phone.m4a": f"FFmpeg (PyAV {version('av')})"}


def test_results_are_what_the_tables_say(deep: models.Model, folder: Path, tmp_path: Path) -> None:
    results = run(folder, deep, tmp_path / "out")
    assert results.stopped is None
    arrow, read = results.to_arrow(), pyarrow.parquet.read_table(tmp_path / "out" / "detections.parquet")
    assert arrow.schema.equals(read.schema, check_metadata=True)
    assert arrow.to_pylist() == read.to_pylist()
    told = [failure._asdict() for failure in results.failures]
    rows = table(tmp_path / "out" / "failures.csv")
    assert [row["path"] for row in rows] == [str(folder / "cut.wav"), str(folder / "none.wav")]
    assert rows == [{name: str("" if one[name] is None else one[name]) for name in rows[0]} for one in told]
    standing = results.standing
    assert (standing.done, standing.failed, standing.waiting, exits.of_run(standing)) == (3, 2, 0, 2)
    assert standing.detections == len(list(results)) == results.to_arrow().num_rows
    assert standing.audio_s == 9_000 * 6 / 8_000 + 1.5


def test_results_say_of_recordings_what_the_tables_say(deep: models.Model, tmp_path: Path) -> None:
    names = ("SITE1_20240612_053000.wav", "SITE2_20240613_053000.wav", "other.wav")
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    for name in names:
        write(sounds / name, noise(9_000), 8_000)
    question = Question(columns=("site", "recorder"), time_zone="Europe/Berlin")
    for asked in (Question(), question):
        out = tmp_path / str(len(asked.columns))
        results = birdfast.run(sounds, deep.path.parent, output=out, kinds=["parquet"], question=asked)
        arrow, read = results.to_arrow(), pyarrow.parquet.read_table(out / "detections.parquet")
        assert {"time", "site"} <= {*arrow.column_names}
        assert arrow.schema.equals(read.schema, check_metadata=True)
        assert arrow.to_pylist() == read.to_pylist() != []


def test_results_without_any_detection_have_their_columns(
    deep: models.Model, folder: Path, tmp_path: Path
) -> None:
    results = birdfast.run(folder / "none.wav", deep.path.parent, output=tmp_path, kinds=["parquet"])
    assert (list(results), results.to_arrow().num_rows) == ([], 0)
    assert results.to_arrow().schema == pyarrow.parquet.read_schema(tmp_path / "detections.parquet")
    assert exits.of_run(results.standing) == 3


def test_a_data_frame_needs_pandas(
    deep: models.Model, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = run(folder, deep, tmp_path / "out")

    class Arrow:
        def to_pandas(self) -> str:
            import pandas

            return pandas.frame

    monkeypatch.setattr(results, "to_arrow", Arrow)
    monkeypatch.setitem(sys.modules, "pandas", type("pandas", (), {"frame": "a frame"}))
    assert results.to_dataframe() == "a frame"
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigError, match="needs pandas: .*pip install pandas"):
        results.to_dataframe()


def test_a_data_frame_has_the_tables_columns(deep: models.Model, folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("pandas", reason="pandas is no part of birdfast")
    results = run(folder, deep, tmp_path / "out")
    frame = results.to_dataframe()
    assert list(frame.columns) == results.to_arrow().column_names
    assert len(frame) == results.standing.detections


def test_what_a_run_did_not_keep_is_refused(deep: models.Model, folder: Path, tmp_path: Path) -> None:
    results = run(folder, deep, tmp_path / "out", kinds=("csv", "scores"))
    assert next(results.scores("tiny")).values.shape[1] == 3
    with pytest.raises(ConfigError, match="that run kept no embeddings"):
        next(results.embeddings())
    with pytest.raises(ConfigError, match="model: 'big' does not fit; it takes tiny"):
        next(results.scores("big"))
    for read in (list, Results.to_arrow, lambda results: results.standing, lambda results: results.failures):
        with pytest.raises(ConfigError, match=f"no journal of a run \\({NAME}\\)"):
            read(Results(tmp_path))


def test_what_is_kept_needs_no_table(deep: models.Model, folder: Path, tmp_path: Path) -> None:
    how = {"output": tmp_path / "out", "min_confidence": 0}
    Run(
        inputs.find([str(folder)]), [deep], Options(min_confidence=0, keep=("embeddings",)), how["output"]
    ).work()
    results = Results(how["output"])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {NAME, "detections.csv", "failures.csv"}
    assert next(results.embeddings()).values.shape[1] == 5
    again = birdfast.run(folder, deep.path.parent, **how, kinds=["embeddings"])
    assert "embeddings.parquet" in {path.name for path in again.tables}


def test_what_a_run_left_that_was_killed_while_it_wrote_goes(
    deep: models.Model, folder: Path, tmp_path: Path
) -> None:
    litter = [tmp_path / f".{name}.abc.part" for name in ("detections.csv", "scores.parquet", "notes.csv")]
    others = [tmp_path / ".mine.csv.abc.part", tmp_path / "mine.csv"]
    for path in (*litter, *others):
        path.touch()
    birdfast.run(folder / "0.wav", deep.path.parent, output=tmp_path, kinds=["csv", "scores"])
    assert [path.exists() for path in litter] == [False] * 3
    assert [path.exists() for path in others] == [True] * 2


def test_results_of_a_run_that_is_not_at_its_end_are_what_is_done(
    deep: models.Model, folder: Path, tmp_path: Path
) -> None:
    whole, diary = run(folder, deep, tmp_path / "whole"), Diary()
    so_far: list[tuple[list[object], int]] = []

    def look(path: str, outcome: Outcome) -> None:
        results = Results(tmp_path / "out")
        so_far.append((list(results), sum(len(some.values) for some in results.scores())))

    diary.add = look
    run(folder, deep, tmp_path / "out", diary, n_workers=1)
    stopped = run(folder, deep, tmp_path / "stopped", fail_fast=True)
    assert stopped.stopped == whole.failures[0]
    names = ["0.wav", "1.wav", "2.wav", "cut.wav"]
    assert list(stopped) == [row for row in whole if Path(row.file).name in names]
    assert [failure.path for failure in stopped.failures] == [str(folder / "cut.wav")]
    assert stopped.to_arrow().num_rows == len(list(stopped))
    assert stopped.standing.waiting == 1
    for number, (rows, n_scored) in enumerate(so_far):  # one at work sees what was committed, some time ago
        assert [rows, n_scored] in [
            [
                [row for row in whole if row.file in paths],
                sum(len(some.values) for some in whole.scores() if some.file in paths),
            ]
            for paths in ([str(path) for path in sorted(folder.iterdir())[:n]] for n in range(number + 2))
        ]


@pytest.mark.parametrize("fail_fast", [False, True])
@pytest.mark.parametrize("come", ["", "another"])
def test_a_journal_that_goes_in_mid_run_is_noticed_before_a_table_is_written(
    deep: models.Model, folder: Path, tmp_path: Path, come: str, fail_fast: bool
) -> None:
    """At the last moment, too; so the same run begins anew, and what was copied back is gone on with."""
    whole, diary, journal = run(folder, deep, tmp_path / "whole"), Diary(), tmp_path / "out" / NAME

    def take_away(path: str, outcome: Outcome) -> None:
        if come:
            shutil.copy(journal, tmp_path / "copy")
            (tmp_path / "copy").rename(journal)
        else:
            journal.unlink(missing_ok=True)

    diary.add = take_away
    with pytest.raises(OutputError, match=f"{NAME}: has gone since the run began"):
        run(folder, deep, tmp_path / "out", diary, fail_fast=fail_fast)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [NAME] * bool(come)
    assert list(run(folder, deep, tmp_path / "out")) == list(whole)
    assert (tmp_path / "out" / "detections.csv").read_bytes() == (
        tmp_path / "whole" / "detections.csv"
    ).read_bytes()


def test_scores_of_which_some_are_missing_are_refused(
    deep: models.Model, folder: Path, tmp_path: Path
) -> None:
    import sqlite3

    results = run(folder, deep, tmp_path / "out")
    database = sqlite3.connect(tmp_path / "out" / NAME)
    assert database.execute("DELETE FROM part WHERE file = 2 AND kind = 'kept'").rowcount
    database.commit()
    database.close()
    with pytest.raises(ConfigError, match="not those that were written"):
        list(results.scores())


# ---- a folder that was used before ----


def test_a_run_that_begins_anew_leaves_no_table_of_before(
    deep: models.Model, folder: Path, tmp_path: Path
) -> None:
    run(folder, deep, tmp_path / "out")
    assert len(contents(tmp_path / "out")) == len(KINDS) + 1
    with pytest.raises(KeyboardInterrupt):
        run(folder, deep, tmp_path / "out", BreakingOff(), kinds=("csv",), force=True)
    assert contents(tmp_path / "out") == {}


def test_a_run_that_begins_anew_removes_what_is_its_own_and_nothing_else(
    deep: models.Model, tiny: models.Model, folder: Path, tmp_path: Path
) -> None:
    kept = (tmp_path / "out" / "scores-mine.parquet", tmp_path / "out" / "detections.txt")
    both, paths = [dataclasses.replace(deep, name="deep"), tiny], inputs.find([str(folder)])
    Run(paths, both, EVERYTHING, tmp_path / "out", How(kinds=("scores",))).work()
    assert {"scores-deep.parquet", "scores-tiny.parquet"} < set(contents(tmp_path / "out"))
    for path in kept:
        path.touch()
    run(folder, tiny, tmp_path / "out", kinds=("csv",), force=True)
    assert set(contents(tmp_path / "out")) == {
        *("detections.csv", "failures.csv"),
        *(path.name for path in kept),
    }


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_a_finished_folder_says_so_and_ends_as_the_run_did(
    deep: models.Model, tmp_path: Path, bad: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    for number in range(2):
        write(tmp_path / "in" / f"{number}.wav", noise(9_000), 8_000)
    for number in range(bad):
        (tmp_path / "in" / f"{number}.wav").write_text("no sound")
    first, second = (infer(deep, tmp_path / "in", "-o", tmp_path / "out") for _ in range(2))
    assert (first.returncode, second.returncode) == ((0, 2, 3)[bad],) * 2
    assert "finished before: nothing was left to do" in second.stderr
    monkeypatch.setattr(workers.Worker, "__init__", lambda *_: pytest.fail("a worker for nothing"))
    found = birdfast.run(tmp_path / "in", deep.path.parent, output=tmp_path / "out")
    assert found.standing.waiting == 0


@pytest.mark.parametrize(("n_files", "length_s", "most"), [(1, 1, 1), (3, 1, 3), (1, 190, 4)])
def test_there_are_no_more_workers_than_there_is_to_do(
    tiny: models.Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    n_files: int,
    length_s: int,
    most: int,
) -> None:
    (tmp_path / "in").mkdir()
    for number in range(n_files):
        write(tmp_path / "in" / f"{number}.wav", noise(8_000 * length_s), 8_000)
    begin, hired = workers.Worker.__init__, []

    def hire(worker: workers.Worker, *how: object) -> None:
        hired.append(worker)
        begin(worker, *how)

    monkeypatch.setattr(workers.Worker, "__init__", hire)
    run(tmp_path / "in", tiny, tmp_path / "out", kinds=("csv",), n_workers=9)
    assert 1 <= len(hired) <= most


@pytest.mark.parametrize(
    ("name", "megabytes", "hired"), [("a.ogg", 5, 3), ("a.MP3", 1, 1), ("a.wav", 5, 1), ("a.flac", 40, 3)]
)
def test_a_long_file_begins_with_a_worker_for_each_of_its_stretches(
    tmp_path: Path, name: str, megabytes: int, hired: int
) -> None:
    """As its size tells: who would wait for the first stretch would wait for a worker's start, too."""
    with (tmp_path / name).open("wb") as file:
        file.truncate(megabytes * 1_000_000)
    assert opening.n_hired([str(tmp_path / name)], How(n_workers=9)) == hired


# ---- followers ----


def test_a_follower_hears_everything_in_its_order(deep: models.Model, folder: Path, tmp_path: Path) -> None:
    diary, other = Diary(), Diary()
    results = run(folder, deep, tmp_path / "out", diary, other)
    names = sorted(path.name for path in folder.iterdir())
    assert other.heard == diary.heard
    assert diary.heard[0] == ("begin", names, 0, 2)
    assert diary.heard[-1] == ("end",)
    told = diary.heard[1:-1]
    assert [name for what, name, _ in told if what == "add"] == names
    outcomes = {name: outcome for what, name, outcome in told if what == "add"}
    assert sum(outcome.n_detections for outcome in outcomes.values()) == len(list(results))
    for place, (what, name, came) in enumerate(told):
        if what == "add":
            kept = [part for before, whose, part in told[:place] if (before, whose) == ("keep", name)]
            assert len(kept) == came.heard[0].n_parts
            assert ("keep", name) not in [later[:2] for later in told[place:]]


def test_a_call_tells_followers_and_shows_its_progress(
    deep: models.Model, wav: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    diary = Diary()
    birdfast.run(wav, deep.path.parent, output=tmp_path / "out", followers=[diary])
    assert diary.heard[-1] == ("end",)
    assert capsys.readouterr().err == ""
    birdfast.run(wav, deep.path.parent, output=tmp_path / "out", progress=True)
    assert "1 file done before" in capsys.readouterr().err


def test_a_word_is_one_kind_of_table(deep: models.Model, wav: Path, tmp_path: Path) -> None:
    results = birdfast.run(wav, deep.path.parent, output=tmp_path / "out", kinds="parquet")
    assert "detections.parquet" in {path.name for path in results.tables}


def test_a_follower_hears_the_end_whatever_comes(deep: models.Model, folder: Path, tmp_path: Path) -> None:
    for last, what in ((1, "begin"), (2, "keep")):
        diary, other = Diary(last), Diary()
        with pytest.raises(KeyboardInterrupt):
            run(folder, deep, tmp_path / "out", diary, other)
        assert diary.heard[last - 1][0] == what
        assert diary.heard[-1] == other.heard[-1] == ("end",)
    diary = Diary()
    with pytest.raises(ConfigError, match="a run that differs"):
        run(folder, deep, tmp_path / "out", diary, kinds=("csv",))
    assert diary.heard == [("end",)]


def test_a_follower_is_told_what_takes_time_and_what_is_odd(
    tmp_path: Path, folder: Path, deep: models.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIRDFAST_CACHE", str(tmp_path / "cache"))
    diary = Diary()
    run(folder, deep, tmp_path / "out", diary)
    assert diary.heard[0] == ("say", "preparing tiny for speed, once: some seconds")
    receive = workers.Worker.receive

    def receive_and_wonder(worker: workers.Worker) -> Iterator[tuple[workers.Task, Outcome | Part]]:
        yield from receive(worker)
        worker.notes = ["odd"]

    monkeypatch.setattr(workers.Worker, "receive", receive_and_wonder)
    diary = Diary()
    run(folder, deep, tmp_path / "odd", diary)
    assert diary.heard[-2:] == [("warn", "odd"), ("end",)]
    assert "say" not in [what for what, *_ in diary.heard]


# ---- what is refused ----


@pytest.mark.parametrize(
    ("how", "error", "reason"),
    [
        ({"recordings": "gone"}, ConfigError, "gone: no such file or folder"),
        ({"recordings": []}, ConfigError, "recordings: none; at least one"),
        ({"model": "nothing"}, ModelError, "nothing: no such model"),
        ({"model": []}, ConfigError, "models: none; at least one"),
        ({"labels": "gone.txt"}, ModelError, "gone.txt"),
        ({"kinds": ["csv", "xls"]}, ConfigError, "'xls' is no kind of table"),
        ({"workers": 0}, ConfigError, "workers: 0 does not fit; it takes 1 or more"),
        ({"workers": -1}, ConfigError, "workers: -1 does not fit"),
        ({"shard": "5/4"}, ConfigError, "shard: '5/4' does not fit"),
        ({"file_timeout_s": 1}, ConfigError, "file_timeout_s: 1 does not fit; it takes 2 seconds or more"),
        ({"file_timeout_s": float("nan")}, ConfigError, "file_timeout_s: nan does not fit"),
        ({"keep": ["scores"]}, ConfigError, "keep: no such option; there are min_confidence"),
        ({"top_n": 3}, ConfigError, "top_n: no such option; there are min_confidence"),
        ({"min_confidence": 2}, ConfigError, "min_confidence: 2 does not fit"),
        ({"step_s": 60}, ConfigError, "a step of 60 s does not fit"),
        ({"output": "file"}, ConfigError, "file: cannot be the output folder"),
        ({"output": "taken"}, ConfigError, r"detections.csv: cannot be written \(it is a folder\)"),
        ({"output": "/proc"}, ConfigError, "cannot be written into /proc"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(
    tiny: models.Model,
    wav: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: dict[str, object],
    error: type[BirdfastError],
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "taken" / "detections.csv").mkdir(parents=True)
    with pytest.raises(error, match=reason):
        birdfast.run(**{"recordings": wav, "model": tiny.path.parent, "output": "out", **how})
    if Path("out").exists():
        assert list(Path("out").iterdir()) == []


def test_options_that_do_not_fit_the_network_cost_no_old_results(
    deep: models.Model, folder: Path, tmp_path: Path
) -> None:
    how = {"output": tmp_path / "out", "kinds": ["csv", "scores"], "min_confidence": 0}
    found = list(birdfast.run(folder, deep.path.parent, **how))
    before = contents(tmp_path / "out")
    with pytest.raises(ConfigError, match="a step of 60 s"):
        birdfast.run(folder, deep.path.parent, **how, force=True, step_s=60)
    assert contents(tmp_path / "out") == before
    assert list(Results(tmp_path / "out")) == found


def test_a_folder_that_goes_in_mid_run_is_an_output_error(
    deep: models.Model, folder: Path, tmp_path: Path
) -> None:
    diary = Diary()
    diary.add = lambda *_: (tmp_path / "out").rename(tmp_path / "away") if (tmp_path / "out").exists() else 0
    with pytest.raises(OutputError, match="/out.*No such file"):
        run(folder, deep, tmp_path / "out", diary)


# ---- what a program sees ----


@pytest.mark.parametrize("name", [name for name in birdfast.__all__ if name != "__version__"])
def test_what_birdfast_offers_is_there_and_explained(name: str) -> None:
    offered = getattr(birdfast, name)
    doc = inspect.getdoc(offered)
    assert doc
    if isinstance(offered, type) and issubclass(offered, Exception):
        assert issubclass(offered, BirdfastError | Warning)
        return
    if offered is birdfast.Follower or hasattr(offered, "_fields"):  # what is handed out, or overridden
        return
    sections = re.findall(r"^(\w+)\n-+$", doc, re.MULTILINE)
    kept = ["Parameters", "Attributes" if "Attributes" in sections else "Returns", "Raises"]
    if isinstance(offered, type) and "Returns" in kept:
        kept.remove("Returns")
    if not isinstance(offered, type) and not inspect.signature(offered).parameters:
        kept.remove("Parameters")
    assert sorted({*sections} - {"Examples"}) == sorted(kept)
    told = doc.partition("Parameters\n")[2].partition("Returns\n" if "Returns" in kept else "Raises\n")[0]
    names = {
        name for line in re.findall(r"^(\S.*?)(?: : .*)?$", told, re.MULTILINE) for name in line.split(", ")
    }
    for parameter in inspect.signature(offered).parameters.values():
        assert re.split("[:=]", str(parameter))[0] in names


def test_what_calls_give_and_take_is_in_the_face(deep: models.Model, wav: Path, tmp_path: Path) -> None:
    pipeline = birdfast.load(deep.path.parent, min_confidence=0)
    results = birdfast.run(wav, deep.path.parent, output=tmp_path / "out", kinds="scores", min_confidence=0)
    given = [pipeline, pipeline.detect(wav)[0], next(pipeline.score(wav)), results, next(results.scores())]
    given.append(birdfast.run(__file__, deep.path.parent, output=tmp_path / "bad").failures[0])
    for one in given:
        name = type(one).__name__
        assert name in birdfast.__all__
        assert getattr(birdfast, name) is type(one)


@pytest.mark.parametrize("path", sorted(Path(birdfast.__file__).parent.rglob("*.py")), ids=str)
def test_every_public_name_is_explained(path: Path) -> None:
    def bare(node: ast.Module | ast.ClassDef) -> Iterator[str]:
        for one in node.body:
            if isinstance(one, ast.FunctionDef | ast.ClassDef) and not one.name.startswith("_"):
                if not ast.get_docstring(one):
                    yield one.name
                if isinstance(one, ast.ClassDef):
                    yield from bare(one)

    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)
    assert list(bare(tree)) == []


def test_the_version_is_the_packages() -> None:
    from importlib import metadata

    assert birdfast.__version__ == metadata.version("birdfast")


def test_all_tables_in_a_folder_say_the_same(deep: models.Model, folder: Path, tmp_path: Path) -> None:
    """Those of before are written, too; what only has the name of one stays as it is."""
    output = tmp_path / "out"
    first = sorted(folder.iterdir())[:2]
    how = {"output": output, "min_confidence": 0.1}
    birdfast.run(first, deep.path.parent, kinds=("csv", "parquet"), **how)
    (output / "scores.parquet").write_bytes(b"of another run")
    assert list(birdfast.run(folder, deep.path.parent, **how)) == list(birdfast.Results(output))
    assert (output / "scores.parquet").read_bytes() == b"of another run"
    rows = pyarrow.parquet.read_table(output / "detections.parquet")
    assert rows.num_rows == len((output / "detections.csv").read_text().splitlines()) - 1


@pytest.mark.parametrize(
    "wrong",
    [{"followers": 3}, {"followers": [3]}, {"followers": None}, {"progress": "no"}, {"progress": None}],
)
def test_who_is_told_of_a_run_is_checked_first(
    deep: models.Model, wav: Path, tmp_path: Path, wrong: dict[str, object]
) -> None:
    with pytest.raises(ConfigError, match=r"(follower|progress).* does not fit"):
        birdfast.run(wav, deep.path.parent, output=tmp_path / "out", **wrong)
    for folder in (3, None, b"out"):
        with pytest.raises(ConfigError, match="folder: .* does not fit"):
            birdfast.Results(folder)
