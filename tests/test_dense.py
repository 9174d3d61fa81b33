"""Dense rows are those of the pipeline, whatever happens on their way into the tables."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast import models, tables
from birdfast.arrays import Gathering
from birdfast.config import Options
from birdfast.journal import NAME
from birdfast.outcomes import Part, row
from birdfast.pipeline import Pipeline
from birdfast.scores import keeping
from birdfast.tables import Result
from birdfast.tables.dense import DenseTable

from . import networks
from .commands import birdfast, contents, infer, ran, started
from .journals import RUN, read, rows_of
from .recordings import noise, write

KEPT = "csv,scores,embeddings"
TWO_SAMPLES = 0.00025  # s: so that seconds of sound make more rows than one part takes


def values(table: pyarrow.Table, column: str) -> np.ndarray:
    found = table.column(column).combine_chunks()
    return found.flatten().to_numpy().reshape(len(found), found.type.list_size)


def test_the_tables_have_every_window_as_the_pipeline_says(
    deep: models.Model, wav: Path, tmp_path: Path
) -> None:
    how = ["--overlap", "0.25", "--sensitivity", "1.25", "--min-conf", "0.9", "--rtype", KEPT]
    assert infer(deep, wav, "-o", tmp_path / "out", *how).returncode == 0
    pipeline = Pipeline(deep, Options(overlap_s=0.25, sensitivity=1.25))
    scored = list(pipeline.score(wav))
    confidences = [pipeline.listener().confidences(batch) for batch in scored]
    start_s = np.concatenate([batch.start_s for batch in scored])
    scores, embeddings = (read(tmp_path / "out", kind) for kind in ("scores", "embeddings"))
    np.testing.assert_array_equal(values(scores, "scores"), np.concatenate(confidences))
    np.testing.assert_array_equal(values(embeddings, "embedding"), pipeline.embed(wav))
    for table in (scores, embeddings):
        assert table.column("file").to_pylist() == [str(wav)] * len(start_s)
        np.testing.assert_array_equal(table.column("start_s").to_numpy(), start_s)
        np.testing.assert_array_equal(table.column("end_s").to_numpy(), start_s + 0.5)
    told = scores.schema.metadata
    assert json.loads(told[b"scientific_names"]) == ["Avis prima", "Avis secunda", "Noise"]
    assert json.loads(told[b"common_names"]) == ["First Bird", "Second Bird", "Noise"]
    assert "keep" not in json.loads(told[b"options"])  # a question asked again is told in the same words


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 12))
def test_chunks_do_not_tell_how_the_rows_came(sizes: list[int], chunk: int) -> None:
    rows = rows_of(sum(sizes))
    gathering = Gathering(row(2), chunk * row(2).itemsize)
    found = []
    for stop, size in zip(np.cumsum(sizes), sizes, strict=True):
        found += [part.copy() for part in gathering.add(rows[stop - size : stop])]
    found += [part.copy() for part in gathering.rest()]
    assert [len(part) for part in found[:-1]] == [chunk] * (len(found) - 1)
    assert b"".join(part.tobytes() for part in found) == rows.tobytes()


def test_row_groups_are_bounded_and_do_not_tell_how_the_rows_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables.dense, "ROW_GROUP_BYTES", 5 * (row(2).itemsize + 8))
    files = {"a.wav": rows_of(7), "odd\udcff.wav": rows_of(1), "b.wav": rows_of(9)}
    written = []
    for size in (1, 4, 100):
        with DenseTable(tmp_path, "scores", RUN) as table:
            for path, rows in files.items():
                table.begin(Result(path, []))
                for start in range(0, len(rows), size):
                    table.dense(rows[start : start + size])
        written.append(table.path.read_bytes())
    assert len(set(written)) == 1
    file = pyarrow.parquet.ParquetFile(tmp_path / "scores.parquet")
    assert [file.metadata.row_group(number).num_rows for number in range(4)] == [5, 5, 5, 2]
    names = [name for path, rows in files.items() for name in [tables.escaped(path)] * len(rows)]
    assert file.read().column("file").to_pylist() == names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Recordings of more rows than a part takes, one that ends early and one that is no sound."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(3):
        write(folder / f"{number}.wav", noise(80_000 - number * 9_000, seed=number), 8_000)
    content = (folder / "0.wav").read_bytes()
    (folder / "cut.wav").write_bytes(content[: len(content) // 2])
    (folder / "no.wav").write_text("no sound")
    return folder


@pytest.mark.long
def test_the_same_bytes_for_any_number_of_workers_and_whatever_is_killed(
    deep: models.Model, folder: Path, tmp_path: Path
) -> None:
    how = ["infer", "--model", deep.path.parent, folder, "--step", TWO_SAMPLES, "--rtype", KEPT, "-o"]
    assert birdfast(*how, tmp_path / "one", "--workers", "1").returncode == 2
    command = [sys.executable, "-m", "birdfast", *map(str, how), str(tmp_path / "two"), "--workers", "2"]
    for _ in range(2):
        with started(*command, stderr=subprocess.DEVNULL) as process:
            wait_for_parts(tmp_path / "two" / NAME, process)  # and then it is killed
    assert birdfast(*how, tmp_path / "two", "--workers", "2").returncode == 2
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    found = read(tmp_path / "one", "embeddings")
    n_windows = {"0": 40_000, "1": 35_500, "2": 31_000, "cut": 17_995}
    stems = [stem for stem, count in n_windows.items() for _ in range(count)]
    assert [Path(file).stem for file in found.column("file").to_pylist()] == stems
    start_s = [np.arange(count) * 2 / 8_000 for count in n_windows.values()]
    np.testing.assert_array_equal(found.column("start_s").to_numpy(), np.concatenate(start_s))


def wait_for_parts(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until a run has committed some parts, or is through."""
    while process.poll() is None:
        if path.exists():
            database = sqlite3.connect(path)
            try:
                if database.execute("SELECT count(*) FROM part").fetchone()[0]:
                    return
            except sqlite3.OperationalError:  # not made yet
                pass
            finally:
                database.close()
        time.sleep(0.02)


def test_a_failed_file_keeps_the_rows_of_the_windows_that_count(deep: models.Model, folder: Path) -> None:
    parts: list[Part] = []
    pipeline = Pipeline(deep, Options(keep=("scores", "embeddings"), step_s=TWO_SAMPLES))
    outcome = pipeline.analyse(str(folder / "cut.wav"), 0, parts.append)
    assert outcome.failure is not None
    (heard,) = outcome.heard
    assert [part.number for part in parts] == list(range(heard.n_parts))
    found = {
        keeping.KIND: [keeping.unpack(part.rows, 3).windows for part in parts if part.kind == keeping.KIND],
        "embeddings": [np.frombuffer(part.rows, row(5)) for part in parts if part.kind == "embeddings"],
    }
    assert [sum(map(len, rows)) for rows in found.values()] == [heard.n_windows] * 2
    assert heard.n_windows > 10_000


def test_windows_whose_scores_are_not_finite_leave_no_rows(tmp_path: Path, wav: Path) -> None:
    matrix = networks.weights()
    matrix[1] = np.inf
    model, parts = models.find(networks.write_folder(tmp_path, matrix)), []
    outcome = Pipeline(model, Options(keep=("scores",))).analyse(str(wav), 0, parts.append)
    (heard,) = outcome.heard
    assert outcome.failures == [heard.failure]
    assert (heard.n_windows, heard.n_parts, parts) == (0, 0, [])


def test_a_folder_in_which_nothing_can_be_read_gives_tables_without_rows(
    deep: models.Model, tmp_path: Path
) -> None:
    (tmp_path / "bad.wav").write_text("no sound")
    for _ in range(2):  # the second time there is nothing to analyse
        result = infer(deep, tmp_path / "bad.wav", "-o", tmp_path / "out", "--rtype", "scores,embeddings")
        assert result.returncode == 3, result.stderr
        for kind, column, width in (("scores", "scores", 3), ("embeddings", "embedding", 5)):
            table = read(tmp_path / "out", kind)
            assert (table.num_rows, table.schema.field(column).type.list_size) == (0, width)


# A worker that is never heard: nobody may wait for it.
MUTE = """
import sys
from birdfast import workers
from birdfast.__main__ import main
workers.Pool.widths = workers.Pool.work = None
sys.exit(main(sys.argv[1:]))
"""


def test_a_finished_folder_gives_its_tables_without_a_worker(
    deep: models.Model, wav: Path, tmp_path: Path
) -> None:
    how = ["infer", "--model", deep.path.parent, wav, "--rtype", KEPT, "-o", tmp_path / "out"]
    assert birdfast(*how).returncode == 0
    expected = contents(tmp_path / "out")
    (tmp_path / "out" / "scores.parquet").unlink()
    result = ran(sys.executable, "-c", MUTE, *how)
    assert result.returncode == 0, result.stderr
    assert contents(tmp_path / "out") == expected


@pytest.mark.parametrize("more", [[], ["--no-graft"]])
def test_a_network_without_an_embedding_is_refused_at_the_start(
    tiny: models.Model, wav: Path, tmp_path: Path, more: list[str]
) -> None:
    result = infer(tiny, wav, "-o", tmp_path / "out", "--rtype", KEPT, *more)
    assert result.returncode == 64
    assert "has no embedding to show; leave embeddings out" in result.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_keeps_none_is_refused_by_name(deep: models.Model, wav: Path, tmp_path: Path) -> None:
    how = [wav, "-o", tmp_path / "out", "--rtype"]
    assert infer(deep, *how, "csv").returncode == 0
    refused = infer(deep, *how, "csv,scores")
    assert refused.returncode == 64
    assert "kept no scores of all windows; infer with --keep-scores all" in refused.stderr
    refused = infer(deep, *how, "csv,embeddings")
    assert "rows kept by rtype or kinds: none, now embeddings" in refused.stderr
    assert infer(deep, *how, "parquet,embeddings", "--force").returncode == 0
    assert infer(deep, *how, "embeddings,csv").returncode == 0
    refused = infer(deep, *how, "csv")
    assert (refused.returncode, "; repeat" in refused.stderr) == (64, True)
    assert "embeddings, now none); repeat embeddings in rtype or kinds, choose another" in refused.stderr
    assert "repeat" not in infer(deep, *how, "csv", "--overlap", "0.25").stderr  # it would not do


def test_a_table_of_scores_is_made_anew_of_what_was_kept(
    deep: models.Model, wav: Path, tmp_path: Path
) -> None:
    how = [wav, "-o", tmp_path / "out", "--rtype"]
    assert infer(deep, *how, "scores").returncode == 0
    assert infer(deep, *how, "csv", "--sensitivity", "1.25").returncode == 0
    new = [wav, "-o", tmp_path / "new", "--rtype", "scores,csv", "--sensitivity", "1.25"]
    assert infer(deep, *new).returncode == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "new")
