"""Workers change how fast the results come, and nothing else."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from birdfast import audio, inputs, models, workers
from birdfast.config import Options
from birdfast.errors import ConfigError, ModelError
from birdfast.outcomes import Outcome
from birdfast.pipeline.stretches import STRETCH_S
from birdfast.workers import patience, wire
from birdfast.workers.cores import _quota

from .commands import started
from .processes import running, strike
from .recordings import noise, write

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


def jobs(paths: list[str]) -> list[workers.Job]:
    return [workers.Job(path) for path in paths]


def detections(outcome: Outcome) -> bytes:
    return b"".join(heard.detections.tobytes() for heard in outcome.heard)


def analysed(paths: list[str], model: models.Model, n_workers: int) -> list[tuple[int, Outcome]]:
    with workers.Pool([model], EVERYTHING, n_workers) as pool:
        return list(pool.work(jobs(paths)))


def test_any_number_of_workers_gives_the_same_in_the_files_order(
    tiny: models.Model, recordings: list[str]
) -> None:
    one, three = (analysed(recordings, tiny, n_workers) for n_workers in (1, 3))
    assert [file for file, _ in one] == [0, 1, 2, 3, 4, 4, 4, 5, 6, 7, 8, 9, 10, 11]
    assert [file for file, _ in three] == [file for file, _ in one]
    for (_, first), (_, second) in zip(one, three, strict=True):
        assert detections(first) == detections(second)
        assert first.failure == second.failure
    failed = [file for file, outcome in one if outcome.failure]
    assert failed == [7]


def test_a_worker_sits_on_its_core_with_one_thread_each(tiny: models.Model, recordings: list[str]) -> None:
    cores = workers.usable_cores()
    with workers.Pool([tiny], EVERYTHING, len(cores)) as pool:
        next(pool.work(jobs(recordings)))
        process = running()[0]
        assert process.cpu_affinity() in [[core] for core in cores]
        assert process.environ()["OMP_NUM_THREADS"] == "1"
        assert process.num_threads() <= 2  # soxr and LiteRT start none


def bytes_of(outcomes: list[tuple[int, Outcome]]) -> list[tuple[int, bytes]]:
    return [(file, detections(outcome)) for file, outcome in outcomes]


def test_a_killed_worker_is_replaced_and_nothing_is_lost(
    tiny: models.Model, recordings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = analysed(recordings, tiny, 1)
    struck = strike(monkeypatch, signal.SIGKILL, 1, recordings[0])
    assert bytes_of(analysed(recordings, tiny, 1)) == bytes_of(expected)
    assert len(struck) == 1
    assert not running()


@pytest.mark.parametrize(("number", "kind"), [(signal.SIGKILL, "SIGKILL"), (signal.SIGSTOP, "Timeout")])
def test_a_file_that_kills_or_holds_its_worker_twice_costs_itself_and_no_other(
    tiny: models.Model,
    recordings: list[str],
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    kind: str,
) -> None:
    expected = analysed(recordings, tiny, 1)
    strike(monkeypatch, number, 2, recordings[0])
    with workers.Pool([tiny], EVERYTHING, 2, file_timeout_s=1.0) as pool:
        outcomes = list(pool.work(jobs(recordings)))
    assert bytes_of(outcomes)[1:] == bytes_of(expected)[1:]
    failures = [outcome.failure for _, outcome in outcomes if outcome.failure]
    assert [(Path(f.path).stem, f.stage) for f in failures] == [("00", "worker"), ("07", "audio")]
    assert failures[0].error == kind
    assert not running()


def test_what_a_worker_died_at_is_tried_again_alone_and_nothing_else_waits_behind_it(
    tiny: models.Model, recordings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    strike(monkeypatch, signal.SIGKILL, 1, recordings[0])
    start, handed = workers.Worker.start, []

    def watched(worker: workers.Worker, task: workers.Task, job: workers.Job) -> None:
        start(worker, task, job)
        handed.append([one.file for one in worker.tasks])

    monkeypatch.setattr(workers.Worker, "start", watched)
    analysed(recordings, tiny, 1)
    assert handed[:3] == [[0], [0, 1], [0]]  # with another behind it; then again, by itself
    assert handed[3] == [1]
    assert not [tasks for tasks in handed[2:] if 0 in tasks and len(tasks) > 1]
    assert [2, 3] in handed or [1, 2] in handed  # and the others go two by two again


@pytest.mark.parametrize("end", ["closed", "thrown", "held", "died"])
def test_a_list_of_files_is_told_nothing_of_one_that_did_not_come_to_its_end(
    tiny: models.Model, recordings: list[str], end: str
) -> None:
    """Whatever ended that: its files have the same numbers, and workers are at the second, which is long."""
    others = [recordings[file] for file in (5, 6, 8, 9)]
    expected = bytes_of(analysed(others, tiny, 1))
    with workers.Pool([tiny], EVERYTHING, 1) as pool:
        before = pool.work(jobs([recordings[file] for file in (0, 4, 1, 2)]))
        next(before)
        if end == "closed":
            before.close()
        elif end == "thrown":
            with pytest.raises(OSError, match="full"):
                before.throw(OSError("full"))
        elif end == "died":
            pool._suspects.append(workers.Task(2, 0))
        assert bytes_of(list(pool.work(jobs(others)))) == expected
        if end == "held":
            with pytest.raises(RuntimeError, match="another list"):
                next(before)


def test_workers_end_with_a_parent_that_is_killed(tiny: models.Model, recordings: list[str]) -> None:
    code = """
import sys
from pathlib import Path
from birdfast import models, workers
from birdfast.config import Options
with workers.Pool([models.find(sys.argv[1])], Options(step_s=0.0005), 2) as pool:
    came = pool.work([workers.Job(path) for path in sys.argv[2:]])
    next(came)
    print("at work", flush=True)
    for _ in came: pass
"""
    command = [sys.executable, "-c", code, str(tiny.path.parent), recordings[0], recordings[4]]
    with started(*command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"at work\n"
        children = psutil.Process(parent.pid).children()
        parent.kill()
    assert len(children) == 2
    psutil.wait_procs(children, timeout=10)
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_a_worker_that_dies_before_it_is_ready_is_said_in_words(
    tiny: models.Model, recordings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with (
        pytest.raises(ModelError, match=r"ended before it was ready \(exit code 1\)"),
        workers.Pool([tiny], EVERYTHING, 2) as pool,
    ):
        list(pool.work(jobs(recordings)))


@pytest.mark.parametrize("wait", [lambda pool: list(pool.work([workers.Job("a.wav")])), workers.Pool.widths])
def test_workers_that_hang_before_they_are_ready_end_the_run(
    tiny: models.Model,
    recordings: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wait: Callable[[workers.Pool], object],
) -> None:
    hangs = tmp_path / "hangs"
    hangs.write_text("#!/bin/sh\nexec sleep 60\n")
    hangs.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(hangs))
    monkeypatch.setattr(patience, "START_TIMEOUT_S", 0.2)
    with (
        pytest.raises(ModelError, match=r"ended before it was ready \(after \d+ s without a sign of life\)"),
        workers.Pool([tiny], EVERYTHING, 2) as pool,
    ):
        wait(pool)


@pytest.mark.parametrize(
    ("given_s", "start_s", "file_s"), [(None, 300, 300), (2.0, 300, 2), (900.0, 900, 900)]
)
def test_a_worker_may_take_its_time_to_start_whatever_the_limit_at_a_file(
    given_s: float | None, start_s: float, file_s: float
) -> None:
    for ready, limit_s in ((False, start_s), (True, file_s)):
        assert patience.limit_s(SimpleNamespace(ready=ready, silent_s=0.0), None, given_s) == limit_s


def test_a_worker_is_silent_from_its_order_on_or_from_the_last_that_came_of_a_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = socket.socketpair()
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: SimpleNamespace())
    worker = workers.Worker()
    worker.socket.close()
    worker.errors.close()
    worker.socket, worker._inbox = ours, wire.Inbox(ours)
    with ours, theirs:
        worker.silent_s += 1000  # it had nothing to do
        worker.start(workers.Task(0, 0), workers.Job("a.wav"))
        assert worker.silent_s < 100
        worker.silent_s += 1000  # it is at work; more to do is no excuse
        worker.start(workers.Task(1, 0), workers.Job("b.wav"))
        assert worker.silent_s > 900
        theirs.sendall(b'{"alive": tr')
        assert list(worker.receive()) == []
        assert worker.silent_s < 100


@pytest.mark.parametrize(
    ("waited_s", "listened_s"), [(0.25, 0.25), (1.0, 1.0), (1.9, 1.0), (2.0, 0.0), (3600.0, 0.0)]
)
def test_who_waits_for_far_longer_than_was_asked_has_not_listened(waited_s: float, listened_s: float) -> None:
    assert patience.listened_s(waited_s, 1.0) == listened_s


@pytest.mark.parametrize("whole_group", [True, False])
@pytest.mark.starts
@pytest.mark.long
def test_time_in_which_the_run_itself_was_stopped_is_no_silence_of_a_worker(
    tiny: models.Model, tmp_path: Path, whole_group: bool
) -> None:
    write(tmp_path / "long.wav", noise(8_000 * 60), 8_000)
    command = [sys.executable, "-m", "birdfast", "infer", tmp_path / "long.wav", "--model", tiny.path.parent]
    how = ["--step", "0.0005", "--workers", "1", "--file-timeout", "2", "-o", tmp_path / "out"]
    with started(*command, *how, stderr=subprocess.PIPE, start_new_session=True) as process:
        parent = psutil.Process(process.pid)
        while not (hired := parent.children()) or hired[0].cpu_times().user < 2:
            time.sleep(0.05)
        send = partial(os.killpg if whole_group else os.kill, process.pid)
        for _ in range(2):
            send(signal.SIGSTOP)
            time.sleep(3.5)
            send(signal.SIGCONT)
            time.sleep(0.3)
            assert parent.children() == hired
        _, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors
    assert (tmp_path / "out" / "failures.csv").read_text().count("\n") == 1


# A worker whose every second start fails.
BALKING = """#!{python}
import pathlib, sys
from birdfast.workers.__main__ import main
starts = pathlib.Path("{starts}")
with starts.open("a") as file:
    file.write(".")
if starts.stat().st_size % 2 == 0:
    sys.exit("not now")
main(int(sys.argv[-1]))
"""


def test_workers_that_die_before_they_are_ready_end_a_run_only_one_after_the_other(
    tiny: models.Model, recordings: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = bytes_of(analysed(recordings[:4], tiny, 1))
    python, starts = tmp_path / "python", tmp_path / "starts"
    starts.touch()
    python.write_text(BALKING.format(python=sys.executable, starts=starts))
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    start, struck = workers.Worker.start, []

    def start_and_strike(worker: workers.Worker, task: workers.Task, given: workers.Job) -> None:
        with suppress(EOFError, OSError):  # it is one of those that fail
            while not worker.ready:
                list(worker.receive())
        if worker.ready and not worker.tasks and given.path not in struck and len(struck) < 3:
            struck.append(given.path)
            worker.process.kill()
            worker.process.wait()
        start(worker, task, given)

    monkeypatch.setattr(workers.Worker, "start", start_and_strike)
    assert bytes_of(analysed(recordings[:4], tiny, 1)) == expected
    assert len(struck) == 3
    assert starts.stat().st_size == 1 + 2 * 3


# A worker that naps after every batch of windows; the first ones oversleep.
NAPPING = """#!{python}
import pathlib, sys, time
from birdfast.pipeline import listener
from birdfast.workers.__main__ import main
starts = pathlib.Path("{starts}")
nap_s = 60 if starts.stat().st_size < {n_silent} else 0.5
with starts.open("a") as file:
    file.write(".")
score = listener.Ear.score
def slowly(*how):
    scored = score(*how)
    time.sleep(nap_s)
    return scored
listener.Ear.score = slowly
main(int(sys.argv[-1]))
"""


@pytest.mark.parametrize("n_silent", [0, 1])
@pytest.mark.long
def test_a_stretch_may_take_long_if_its_worker_is_never_silent_for_long(
    tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_silent: int
) -> None:
    path = write(tmp_path / "long.wav", noise(8_000 * 20), 8_000)
    python, starts = tmp_path / "python", tmp_path / "starts"
    starts.touch()
    python.write_text(NAPPING.format(python=sys.executable, starts=starts, n_silent=n_silent))
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    began_s = time.monotonic()
    with workers.Pool([tiny], EVERYTHING, 1, file_timeout_s=4.0) as pool:
        ((_, outcome),) = pool.work(jobs([str(path)]))
    assert (outcome.failures, outcome.heard[0].n_windows) == ([], 40)
    assert time.monotonic() - began_s > 4.0
    assert starts.stat().st_size == n_silent + 1


def test_a_worker_that_fails_says_how_and_not_that_it_was_killed(
    tiny: models.Model, recordings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = workers.Worker.start

    def start_with_nonsense(worker: workers.Worker, task: workers.Task, job: workers.Job) -> None:
        start(worker, task, job if job.path != recordings[0] else job._replace(path=None))

    monkeypatch.setattr(workers.Worker, "start", start_with_nonsense)
    failure = analysed(recordings[:2], tiny, 1)[0][1].failure
    assert failure is not None
    assert failure.error == "Exit"
    assert "(exit code 1: TypeError: " in failure.message


def test_a_file_is_not_looked_at_before_its_worker_is_late(
    tiny: models.Model, recordings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    def look(path: str) -> int:
        looks.append(path)
        return 10**9

    monkeypatch.setattr(inputs, "size_bytes", look)
    expected = bytes_of(analysed(recordings[:6], tiny, 2))
    assert looks == []
    monkeypatch.setattr(patience, "FILE_TIMEOUT_S", -1.0)
    assert bytes_of(analysed(recordings[:6], tiny, 2)) == expected
    assert looks


def test_nothing_stays_behind_when_the_run_is_broken_off(tiny: models.Model, recordings: list[str]) -> None:
    began = time.monotonic()

    def break_off() -> None:
        with workers.Pool([tiny], EVERYTHING, 2) as pool:
            for _ in pool.work(jobs(recordings * 50)):
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
        workers.Pool([tiny], Options(step_s=60), 1) as pool,
    ):
        list(pool.work(jobs(recordings)))


def test_nothing_is_open_of_what_was_not_entered_or_could_not_be_started(
    tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = psutil.Process()
    before = process.num_fds()
    pool = workers.Pool([tiny], EVERYTHING, 1)
    assert process.num_fds() == before
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    with pytest.raises(ConfigError, match="0 of 1 workers run") as caught, pool:
        pass
    assert process.num_fds() == before, caught


def test_cores_are_those_this_process_may_use() -> None:
    assert set(workers.usable_cores()) <= os.sched_getaffinity(0)
    assert workers.usable_cores()


@pytest.mark.parametrize(
    ("told", "n_cores"),
    [("max 100000", None), ("150000 100000", 2), ("200000 100000", 2), ("1000 100000", 1), ("odd", None)],
)
def test_a_quota_is_rounded_up(monkeypatch: pytest.MonkeyPatch, told: str, n_cores: int | None) -> None:
    monkeypatch.setattr(Path, "read_text", lambda _: told)
    assert _quota() == n_cores


@pytest.mark.parametrize("n_files", [2, 3, 6])
def test_nobody_has_two_things_to_do_while_another_has_none(
    tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_files: int
) -> None:
    paths = [str(write(tmp_path / f"{n}.wav", noise(8_000), 8_000)) for n in range(n_files)]
    start, handed = workers.Worker.start, []

    def watched(worker: workers.Worker, task: workers.Task, job: workers.Job) -> None:
        start(worker, task, job)
        handed.append(sorted(len(one.tasks) for one in pool._workers))

    monkeypatch.setattr(workers.Worker, "start", watched)
    with workers.Pool([tiny], EVERYTHING, 2) as pool:
        assert len(list(pool.work(jobs(paths)))) == n_files
    assert handed[:2] == [[0, 1], [1, 1]]
    assert [0, 2] not in handed
    assert ([1, 2] in handed) == (n_files >= 4)
