"""Workers change how fast the results come, and nothing else."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from birdfast import audio, models, workers
from birdfast.config import Options
from birdfast.errors import ConfigError, ModelError
from birdfast.pipeline import STRETCH_S, Outcome

EVERYTHING = Options(min_confidence=0)


@pytest.fixture
def recordings(tmp_path: Path) -> list[str]:
    """Twelve files: short ones, one of several stretches, and one that is no sound."""
    random = np.random.default_rng(3)
    paths = []
    for number in range(12):
        length_s = 2.2 * STRETCH_S if number == 4 else random.uniform(0.1, 3)
        samples = random.uniform(-0.2, 0.2, int(length_s * 8_000)).astype(np.float32)
        path = tmp_path / f"{number:02d}.flac"
        audio.write(path, samples, 8_000)
        paths.append(str(path))
    Path(paths[7]).write_text("no sound")
    return paths


def analysed(paths: list[str], model: models.Model, n_workers: int) -> list[tuple[int, Outcome]]:
    with workers.Pool(paths, model, EVERYTHING, n_workers) as pool:
        return list(pool)


def running() -> list[psutil.Process]:
    """Return the workers of this process, among whatever else it has started."""
    living = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in living if "birdfast.workers" in child.cmdline()]


def test_any_number_of_workers_gives_the_same_in_the_files_order(
    tiny: models.Model, recordings: list[str]
) -> None:
    one, three = (analysed(recordings, tiny, n_workers) for n_workers in (1, 3))
    assert [file for file, _ in one] == [0, 1, 2, 3, 4, 4, 4, 5, 6, 7, 8, 9, 10, 11]
    assert [file for file, _ in three] == [file for file, _ in one]
    for (_, first), (_, second) in zip(one, three, strict=True):
        assert first.detections.tobytes() == second.detections.tobytes()
        assert first.failure == second.failure
    failed = [file for file, outcome in one if outcome.failure]
    assert failed == [7]


def test_a_worker_sits_on_its_core_with_one_thread_each(tiny: models.Model, recordings: list[str]) -> None:
    cores = workers.usable_cores()
    with workers.Pool(recordings, tiny, EVERYTHING, len(cores)) as pool:
        next(iter(pool))
        process = running()[0]
        assert process.cpu_affinity() in [[core] for core in cores]
        assert process.environ()["OMP_NUM_THREADS"] == "1"
        assert process.num_threads() <= 2  # soxr and LiteRT start none


def test_a_killed_worker_costs_its_file_and_no_other(
    tiny: models.Model, recordings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start, killed = workers.Worker.start, []

    def start_or_die(worker: workers.Worker, task: workers.Task, path: str) -> None:
        if task.file == 5 and not killed:
            killed.append(worker)
            worker.process.send_signal(signal.SIGKILL)
            worker.process.wait()
        start(worker, task, path)

    monkeypatch.setattr(workers.Worker, "start", start_or_die)
    outcomes = analysed(recordings, tiny, 2)
    assert {file for file, _ in outcomes} == set(range(12))
    failures = [outcome.failure for _, outcome in outcomes if outcome.failure]
    assert [f.stage for f in failures if Path(f.path).stem != "07"] == ["worker"]
    assert "SIGKILL" in next(f.message for f in failures if f.stage == "worker")
    assert not running()


def test_a_worker_that_dies_before_it_is_ready_is_said_in_words(
    tiny: models.Model, recordings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with (
        pytest.raises(ModelError, match=r"ended before it was ready \(exit code 1\)"),
        workers.Pool(recordings, tiny, EVERYTHING, 2) as pool,
    ):
        list(pool)


def test_nothing_stays_behind_when_the_run_is_broken_off(tiny: models.Model, recordings: list[str]) -> None:
    began = time.monotonic()

    def break_off() -> None:
        with workers.Pool(recordings * 50, tiny, EVERYTHING, 2) as pool:
            for _ in pool:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert not running()
    assert time.monotonic() - began < 20


def test_a_model_that_cannot_be_loaded_ends_the_run(tmp_path: Path, recordings: list[str]) -> None:
    network = tmp_path / "bad.tflite"
    network.write_bytes(b"\0\0\0\0TFL3 and nothing more")
    (tmp_path / "bad_Labels.txt").write_text("A_B\n")
    with pytest.raises(ModelError, match="bad.tflite: "):
        analysed(recordings, models.find(network), 2)


def test_options_that_do_not_fit_the_model_end_the_run(tiny: models.Model, recordings: list[str]) -> None:
    with (
        pytest.raises(ConfigError, match="step"),
        workers.Pool(recordings, tiny, Options(step_s=60), 1) as pool,
    ):
        list(pool)


def test_cores_are_those_this_process_may_use() -> None:
    assert set(workers.usable_cores()) <= os.sched_getaffinity(0)
    assert workers.usable_cores()
