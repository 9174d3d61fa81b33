"""A warm pool answers as a Pipeline does, whoever asks, and whatever becomes of its workers."""

from __future__ import annotations

import inspect
import os
import pydoc
import shutil
import signal
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

import birdfast
from birdfast import audio, models, soundscape, workers
from birdfast.arrays import Float32
from birdfast.config import Options
from birdfast.errors import AudioError, BirdfastError, ConfigError, ModelError, WorkerError
from birdfast.outcomes import Failure, Heard, Outcome, Part
from birdfast.pipeline import Pipeline, Scored, samples
from birdfast.pipeline.stretches import STRETCH_S
from birdfast.workers import requests
from birdfast.workers.requests import Requests
from birdfast.workers.warm import WarmPool

from . import networks
from .commands import ran
from .processes import running, strike
from .recordings import damaged, noise, write

SOUND = noise(20_000)[:, 0]  # 2.5 s, fills five windows
PROMISED_S = 2.0


@pytest.fixture(scope="module")
def pool(tiny: models.Model) -> Iterator[WarmPool]:
    """A pool of two workers for the tests that do not harm it."""
    with WarmPool(tiny.path.parent, workers=2, min_confidence=0) as pool:
        yield pool


@pytest.fixture(autouse=True)
def _nothing_stays_behind() -> Iterator[None]:
    before = {process.pid for process in running()}
    yield
    assert {process.pid for process in running()} <= before


@pytest.fixture(scope="module")
def pipeline(tiny: models.Model) -> Pipeline:
    return Pipeline(tiny, Options(min_confidence=0))


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of three stretches at the small networks' rate."""
    sound = noise(int(2.2 * STRETCH_S * 8_000), seed=1)
    return write(tmp_path_factory.mktemp("long") / "long.flac", sound, 8_000)


def whole(batches: Iterator[Scored]) -> dict[str, np.ndarray]:
    """Return what a Pipeline yields in one piece."""
    every = list(batches)
    found = {name: np.concatenate([one.outputs[name] for one in every]) for name in every[0].outputs}
    return {"start_s": np.concatenate([one.start_s for one in every]), **found}


def equal(scored: Scored, batches: Iterator[Scored]) -> bool:
    meant = whole(batches)
    found = {"start_s": scored.start_s, **scored.outputs}
    assert {name: rows.dtype for name, rows in found.items()} == {
        name: rows.dtype for name, rows in meant.items()
    }
    return {name: rows.tobytes() for name, rows in found.items()} == {
        name: rows.tobytes() for name, rows in meant.items()
    }


@pytest.mark.parametrize("name", ["tiny", "deep", "stsg"])
def test_answers_are_the_pipelines(request: pytest.FixtureRequest, name: str, long: Path) -> None:
    model = request.getfixturevalue(name)
    pipeline = Pipeline(model, Options(min_confidence=0))
    folder = model.path.parent
    with WarmPool(folder, workers=2, min_confidence=0) as pool:
        for sound, rate_hz in ((SOUND, 8_000), (SOUND[:1], 8_000), (SOUND, 11_025), (long, None)):
            assert pool.detect(sound, rate_hz) == pipeline.detect(sound, rate_hz)
            assert equal(pool.score(sound, rate_hz), pipeline.score(sound, rate_hz))
            if name != "tiny":
                assert pool.embed(sound, rate_hz).tobytes() == pipeline.embed(sound, rate_hz).tobytes()
    if name == "tiny":
        with (
            WarmPool(folder, workers=1) as pool,
            pytest.raises(ModelError, match="no embedding to show; leave embeddings out"),
        ):
            pool.embed(SOUND, 8_000)


@pytest.mark.long
def test_birdnets_answers_are_the_pipelines(birdnet: models.Model, tmp_path: Path) -> None:
    sound = soundscape.make(66.0)[0]
    audio.write(tmp_path / "a.wav", sound, 48_000)
    pipeline = Pipeline(birdnet)
    with WarmPool(workers=2) as pool:
        for some, rate_hz in ((sound[: 5 * 144_000], 48_000), (tmp_path / "a.wav", None)):
            assert pool.detect(some, rate_hz) == pipeline.detect(some, rate_hz) != []
            assert equal(pool.score(some, rate_hz), pipeline.score(some, rate_hz))
        assert pool.embed(sound[:144_000], 48_000).shape == (1, 1024)


def test_other_batches_and_a_resampled_stretch_are_close(tiny: models.Model, tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", noise(int(2.2 * STRETCH_S * 11_025)), 11_025)
    options = {"min_confidence": 0, "overlap_s": 0.2}
    pipeline = Pipeline(tiny, Options(**options))
    with WarmPool(tiny.path.parent, workers=2, **options) as pool:
        found, meant = pool.score(path), whole(pipeline.score(path))
    np.testing.assert_array_equal(found.start_s, meant["start_s"])
    np.testing.assert_allclose(found.outputs["logits"], meant["logits"], atol=1e-4)


def test_no_sound_no_rows(pool: WarmPool) -> None:
    nothing = np.zeros(0, np.float32)
    assert pool.detect(nothing, 8_000) == []
    scored = pool.score(nothing, 8_000)
    assert (scored.start_s.shape, scored.outputs["logits"].shape) == ((0,), (0, len(networks.LABELS)))
    assert pool.embed(nothing, 8_000).shape == (0, 0)


@pytest.mark.parametrize("sound", [SOUND[::2], SOUND.astype(np.float64), SOUND.astype(np.float16)])
def test_any_floats_will_do(pool: WarmPool, pipeline: Pipeline, sound: Float32) -> None:
    assert pool.detect(sound, 8_000) == pipeline.detect(sound, 8_000)


def test_several_models_answer_by_name(
    tiny: models.Model, deep: models.Model, tmp_path: Path, wav: Path
) -> None:
    shutil.copytree(deep.path.parent, tmp_path / "deep")
    (tmp_path / "deep" / "tiny.tflite").rename(tmp_path / "deep" / "deep.tflite")
    both = [tiny.path.parent, tmp_path / "deep"]
    pipeline = Pipeline([models.find(one) for one in both], Options(min_confidence=0))
    with WarmPool(both, workers=1, min_confidence=0) as pool:
        for sound, rate_hz in ((wav, None), (SOUND, 8_000)):
            assert pool.detect(sound, rate_hz) == pipeline.detect(sound, rate_hz)
            for model in ("tiny", "deep"):
                assert equal(pool.score(sound, rate_hz, model), pipeline.score(sound, rate_hz, model))
            assert pool.embed(sound, rate_hz, "deep").shape == (5, 5)
        with pytest.raises(ConfigError, match="several models: name one with model=; it takes tiny, deep"):
            pool.score(SOUND, 8_000)


def test_each_thread_gets_its_own_answers(
    pool: WarmPool, pipeline: Pipeline, tmp_path: Path, long: Path
) -> None:
    clips = [noise(3_000 + 1_700 * number, seed=number)[:, 0] for number in range(7)]
    meant = [pipeline.detect(clip, 8_000) for clip in clips]
    paths = [write(tmp_path / f"{number}.wav", clip[:, None], 8_000) for number, clip in enumerate(clips)]
    from_files = [pipeline.detect(path) for path in paths]
    start = threading.Barrier(8)

    def ask(number: int) -> bool:
        start.wait()
        if number == 7:
            return pool.detect(long) == pipeline.detect(long)
        both = [
            (pool.detect(clips[number], 8_000), pool.detect(paths[number]), pool.score(clips[number], 8_000))
            for _ in range(10)
        ]
        return all(
            (one, two) == (meant[number], from_files[number])
            and equal(three, pipeline.score(clips[number], 8_000))
            for one, two, three in both
        )

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(8))) == [True] * 8


@pytest.mark.parametrize("kind", ["cut WAV", "NaN", "text", "missing", "directory"])
def test_a_bad_file_raises_what_the_pipeline_does(
    pool: WarmPool, pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = damaged(tmp_path)[kind][0]
    monkeypatch.chdir(tmp_path)  # not where the workers were started
    for named in (path, os.path.relpath(path)):
        for ask in ("detect", "score"):
            with pytest.raises(AudioError) as meant:
                list(getattr(pipeline, ask)(named))
            with pytest.raises(AudioError) as found:
                getattr(pool, ask)(named)
            assert str(found.value) == str(meant.value)


def test_a_network_that_fails_says_so(tmp_path: Path, wav: Path) -> None:
    matrix = networks.weights()
    matrix[1] = np.inf
    folder = networks.write_folder(tmp_path, matrix)
    with WarmPool(folder, workers=1) as pool:
        with pytest.raises(ModelError, match="not finite in the window at 0 s"):
            pool.detect(wav)
        with pytest.raises(ModelError, match="not finite in the window at 0 s"):
            pool.detect(SOUND, 8_000)
        for ask in (pool.score, Pipeline(models.find(folder)).score):
            with pytest.raises(ModelError, match="not finite in the window at 0 s"):
                list(ask(wav))


@pytest.mark.parametrize(
    ("sound", "rate_hz", "reason"),
    [
        (SOUND, None, "need their rate_hz"),
        (SOUND, 8_000.5, "need their rate_hz"),
        (SOUND.astype(np.int16), 8_000, "int16"),
        (SOUND.reshape(-1, 2), 8_000, "mono"),
        (np.array([0, np.nan], np.float32), 8_000, "sample 1 is NaN"),
        (np.zeros(1001, np.float32), 8_000, "1001 samples are too many in memory, 1000 fit"),
    ],
)
def test_sound_that_cannot_be_heard_is_not_sent(
    pool: WarmPool, monkeypatch: pytest.MonkeyPatch, sound: Float32, rate_hz: int, reason: str
) -> None:
    monkeypatch.setattr(requests, "MAX_BYTES", 4_000)
    monkeypatch.setattr(workers.Worker, "start", lambda *what: pytest.fail("it was sent"))
    with pytest.raises(AudioError, match=reason):
        pool.detect(sound, rate_hz)


@pytest.mark.parametrize("sound", [SOUND, "file"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_killed_worker_costs_a_try_and_two_the_answer(
    tiny: models.Model,
    pipeline: Pipeline,
    wav: Path,
    monkeypatch: pytest.MonkeyPatch,
    sound: Float32 | str,
    times: int,
) -> None:
    asked = (wav, None) if isinstance(sound, str) else (sound, 8_000)
    name = str(wav) if isinstance(sound, str) else samples.NAME
    struck = strike(monkeypatch, signal.SIGKILL, times, name)
    with WarmPool(tiny.path.parent, workers=1, min_confidence=0) as pool:
        if times == 2:
            with pytest.raises(WorkerError, match=rf"{name}: the worker .* 2 times at it \(signal SIGKILL\)"):
                pool.detect(*asked)
        assert pool.detect(*asked) == pipeline.detect(*asked)
        assert len(struck) == times


def stopped(monkeypatch: pytest.MonkeyPatch, times: int) -> list[workers.Worker]:
    """Let workers hang when they are handed sound in memory."""
    return strike(monkeypatch, signal.SIGSTOP, times, samples.NAME)


def wait_for(done: Callable[[], object]) -> None:
    end_s = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def test_cancel_tells_everyone_in_two_seconds_and_the_pool_goes_on(
    tiny: models.Model, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = noise(2_000_000)[:, 0]  # more than a worker that hangs has room for
    struck = stopped(monkeypatch, 2)
    with (
        WarmPool(tiny.path.parent, workers=2, min_confidence=0) as pool,
        ThreadPoolExecutor(4) as threads,
    ):
        waiting = [threads.submit(pool.detect, large, 8_000) for _ in range(4)]
        wait_for(lambda: len(struck) == 2 and len(pool._requests._open) == 4)
        began_s = time.monotonic()
        pool.cancel()
        assert time.monotonic() - began_s < PROMISED_S
        for one in waiting:
            with pytest.raises(CancelledError):
                one.result()
        assert pool.detect(SOUND, 8_000) == pipeline.detect(SOUND, 8_000)
        assert not {worker.process.pid for worker in struck} & {process.pid for process in running()}
        pool.cancel()  # nothing is at work
        assert pool.detect(SOUND, 8_000) == pipeline.detect(SOUND, 8_000)


def test_close_tells_everyone_in_two_seconds_and_nothing_stays_behind(
    tiny: models.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    struck = stopped(monkeypatch, 1)
    with (
        WarmPool(tiny.path.parent, workers=1) as pool,
        ThreadPoolExecutor(3) as threads,
    ):
        waiting = [threads.submit(pool.detect, SOUND, 8_000) for _ in range(3)]
        wait_for(lambda: struck and len(pool._requests._open) == 3)
        began_s = time.monotonic()
        pool.close()
        assert time.monotonic() - began_s < PROMISED_S
        assert struck[0].process.returncode == -signal.SIGKILL
        for one in waiting:
            with pytest.raises(CancelledError):
                one.result()
        with pytest.raises(ConfigError, match="closed"):
            pool.detect(SOUND, 8_000)
        pool.cancel()
        pool.close()
    with pytest.raises(ConfigError, match="opened once"), pool:
        pass


def test_a_worker_that_dawdles_at_its_end_does_not_hold_up_the_closing(
    tiny: models.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    struck = strike(monkeypatch, signal.SIGSTOP, 1, samples.NAME)
    with WarmPool(tiny.path.parent, workers=1) as pool, ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(pool.detect, SOUND, 8_000)
        wait_for(lambda: struck)
        monkeypatch.setattr(workers.Worker, "receive", hangs_up)
        pool._crew.wake()
        struck[0].socket.shutdown(2)  # it lives, and is heard no more
        time.sleep(0.2)
        began_s = time.monotonic()
        pool.close()
        assert time.monotonic() - began_s < PROMISED_S
        with pytest.raises(CancelledError):
            waiting.result()


def hangs_up(worker: workers.Worker) -> Iterator[object]:
    raise EOFError


def test_a_pool_may_be_closed_by_another_thread_while_it_opens(
    tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = tmp_path / "hangs"
    hangs.write_text("#!/bin/sh\nexec sleep 60\n")
    hangs.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(hangs))
    pool = WarmPool(tiny.path.parent, workers=1)
    with ThreadPoolExecutor(1) as threads:
        closing = threads.submit(lambda: (wait_for(lambda: pool._crew), pool.close()))
        with pytest.raises(CancelledError), pool:
            pass
        closing.result()
    assert not [child for child in psutil.Process().children() if "sleep" in child.cmdline()]


def test_a_pool_that_is_not_open_says_so(tiny: models.Model) -> None:
    pool = WarmPool(tiny.path.parent)
    for ask in (pool.detect, pool.score, pool.embed):
        with pytest.raises(ConfigError, match="not open"):
            ask(SOUND, 8_000)
    pool.cancel()
    pool.close()


def test_what_does_not_fit_is_told_before_anything_starts(tiny: models.Model) -> None:
    times = [{"file_timeout_s": time_s} for time_s in (0, 1.9, float("nan"), float("inf"))]
    for wrong in ({"workers": 0}, *times, {"top_k": 0}, {"foo": 1}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            WarmPool(tiny.path.parent, **wrong)
    with pytest.raises(ModelError, match="no such model"):
        WarmPool("nothing")


def test_workers_that_cannot_start_are_told_on_entering(
    tiny: models.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="step"), WarmPool(tiny.path.parent, step_s=60):
        pass
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(ModelError, match="ended before it was ready"), WarmPool(tiny.path.parent):
        pass


def test_workers_that_cannot_start_any_more_are_told_to_everyone_now_and_later(
    tiny: models.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WarmPool(tiny.path.parent, workers=1) as pool, ThreadPoolExecutor(3) as threads:
        pool.detect(SOUND, 8_000)
        strike(monkeypatch, signal.SIGKILL, 1, samples.NAME)
        monkeypatch.setattr(sys, "executable", shutil.which("false"))
        waiting = [threads.submit(pool.detect, SOUND, 8_000) for _ in range(3)]
        for one in waiting:
            with pytest.raises(ModelError, match="ended before it was ready"):
                one.result()
        with pytest.raises(ModelError, match="ended before it was ready"):
            pool.detect(SOUND, 8_000)


@contextmanager
def interrupts() -> Iterator[None]:
    """Let SIGINT interrupt, also where whoever started the tests lets it be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_caller_that_is_interrupted_leaves_the_pool_to_others(
    tiny: models.Model, pipeline: Pipeline, long: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WarmPool(tiny.path.parent, workers=2, min_confidence=0) as pool, interrupts():
        struck = strike(monkeypatch, signal.SIGSTOP, 1, str(long))
        waiter = threading.Thread(
            target=lambda: (wait_for(lambda: struck), os.kill(os.getpid(), signal.SIGINT))
        )
        waiter.start()
        with pytest.raises(KeyboardInterrupt):
            pool.detect(long)
        waiter.join()
        assert pool.detect(SOUND, 8_000) == pipeline.detect(SOUND, 8_000)
        (begun,) = pool._requests._open.values()
        struck[0].process.send_signal(signal.SIGCONT)
        wait_for(lambda: not pool._requests._open)
        assert (begun.waiting, begun.n_out, begun.answer.done()) == (deque(), 0, False)
        assert pool.detect(long) == pipeline.detect(long)


def test_what_nobody_waits_for_any_more_costs_no_second_worker(
    tiny: models.Model, pipeline: Pipeline, wav: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    struck = strike(monkeypatch, signal.SIGSTOP, 2, str(wav))
    with WarmPool(tiny.path.parent, workers=1, min_confidence=0) as pool:
        request = pool._requests.add(workers.Job(str(wav)), pool._requests.ticket())
        pool._crew.wake()
        wait_for(lambda: struck)
        pool._requests.forget(request)
        struck[0].process.kill()
        wait_for(lambda: not pool._requests._open or len(struck) > 1)
        assert len(struck) == 1
        assert pool.detect(SOUND, 8_000) == pipeline.detect(SOUND, 8_000)


def test_an_interpreter_with_an_open_pool_ends(tiny: models.Model) -> None:
    code = """
import sys, threading
import birdfast
pool = birdfast.WarmPool(sys.argv[1], workers=1).__enter__()
print(*[worker.process.pid for worker in pool._crew.ready])
"""
    ended = ran(sys.executable, "-c", code, tiny.path.parent)
    assert (ended.returncode, ended.stderr) == (0, "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(ended.stdout), 0)


def test_what_workers_have_to_say_is_told_on_entering(
    tiny: models.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive = workers.Worker.receive

    def with_a_note(worker: workers.Worker) -> Iterator[object]:
        yield from receive(worker)
        worker.notes = ["the original graph is used"]

    monkeypatch.setattr(workers.Worker, "receive", with_a_note)
    with pytest.raises(RuntimeWarning, match="the original graph"), WarmPool(tiny.path.parent):
        pass


class TestRequests:
    @pytest.fixture
    def work(self) -> Requests:
        work = Requests()
        work.open()
        return work

    @staticmethod
    def outcome(stretch: int, n_stretches: int, failure: Failure | None = None) -> Outcome:
        return Outcome(stretch, n_stretches, failure=failure, heard=[Heard()])

    @staticmethod
    def handed(work: Requests) -> list[tuple[int, int]]:
        return [tuple(task) for task in iter(work.take, None)]

    def test_requests_have_turns(self, work: Requests) -> None:
        long = work.add(workers.Job("long"), work.ticket())
        work.finish(work.take(), self.outcome(0, 4))
        short, other = (
            work.add(workers.Job("short"), work.ticket()),
            work.add(workers.Job("other"), work.ticket()),
        )
        order = self.handed(work)
        assert order[:3] == [(long.number, 1), (short.number, 0), (other.number, 0)]
        assert order[3:] == [(long.number, 2), (long.number, 3)]

    @pytest.mark.parametrize("n_workers", [1, 2, 5])
    def test_nobody_waits_for_more_than_one_stretch_of_each_other(
        self, work: Requests, n_workers: int
    ) -> None:
        random, asked, n_taken = np.random.default_rng(n_workers), dict[int, int](), 0
        busy, waits = list[workers.Task](), Counter[str]()

        def ask(name: str) -> None:
            asked[work.add(workers.Job(name), work.ticket()).number] = n_taken

        for name in ("long", *"abcdefg"):
            ask(name)
        for _ in range(400):
            while len(busy) < n_workers and (task := work.take()):
                busy.append(task)
                name = work.job(task).path
                waits[name] = max(waits[name], n_taken - asked[task.file])
                n_taken += 1
            task = busy.pop(random.integers(len(busy)))  # some take many times as long as others
            name = work.job(task).path
            asked[task.file] = n_taken  # of its next stretch
            work.finish(task, self.outcome(task.stretch, 1_000 if name == "long" else 1))
            if name != "long":
                ask(name)
        assert waits.keys() == {"long", *"abcdefg"}
        assert all(wait <= 7 for name, wait in waits.items() if name != "long")

    def test_an_answer_is_in_order_whatever_came_first(self, work: Requests) -> None:
        request = work.add(workers.Job("a"), work.ticket())
        first = work.take()
        work.finish(first, self.outcome(0, 3))
        second, third = work.take(), work.take()
        for task, number in ((third, 0), (second, 1), (second, 0)):
            work.keep(task, Part(0, task.stretch, number, "logits", b""))
        work.finish(third, self.outcome(2, 3))
        assert not request.answer.done()
        work.finish(second, self.outcome(1, 3))
        answer = request.answer.result(0)
        assert [outcome.stretch for outcome in answer.outcomes] == [0, 1, 2]
        assert [(part.stretch, part.number) for part in answer.parts] == [(1, 0), (1, 1), (2, 0)]

    def test_the_first_failure_counts_and_what_follows_is_not_begun(self, work: Requests) -> None:
        request = work.add(workers.Job("a"), work.ticket())
        work.finish(work.take(), self.outcome(0, 9))
        one, two = work.take(), work.take()
        work.put_back(one)
        work.finish(two, self.outcome(2, 9, Failure("a", "audio", "AudioError", "a: second")))
        assert not request.answer.done()
        assert self.handed(work) == [one]
        work.finish(one, self.outcome(1, 9, Failure("a", "audio", "AudioError", "a: first")))
        with pytest.raises(AudioError, match="b: first"):
            request.answer.result(0).check("a", "b")

    def test_what_nobody_waits_for_is_not_begun_and_does_no_harm(self, work: Requests) -> None:
        request = work.add(workers.Job("a"), work.ticket())
        work.finish(work.take(), self.outcome(0, 9))
        one, two = work.take(), work.take()
        work.forget(request)
        assert self.handed(work) == []
        assert work.job(one).path == "a"  # for as long as a worker is at it
        work.finish(one, self.outcome(1, 9))
        work.put_back(two)
        assert self.handed(work) == []
        assert work._open == {}


class TestFace:
    def test_every_public_name_says_what_it_is(self) -> None:
        for name in birdfast.__all__:
            what = getattr(birdfast, name)
            if name == "__version__":
                continue
            assert inspect.getdoc(what), name
            public = [
                (key, one)
                for key, one in vars(what).items()
                if inspect.isclass(what) and inspect.isfunction(one) and not key.startswith("_")
            ]
            for key, one in public:
                assert one.__doc__, f"{name}.{key}"
                if what is WarmPool:
                    assert "As `" in one.__doc__ or "Raises" in one.__doc__ or key in ("cancel", "close"), key

    def test_nothing_of_the_face_is_called_as_something_else(self) -> None:
        assert not hasattr(birdfast, "Path")

    def test_the_face_is_all_there_is(self) -> None:
        assert {*birdfast.__all__} <= {*dir(birdfast)}
        text = pydoc.plain(pydoc.render_doc(birdfast))
        assert "class WarmPool" in text
        with pytest.raises(AttributeError, match="no attribute 'nothing'"):
            _ = birdfast.nothing
        errors = [name for name in birdfast.__all__ if name.endswith("Error")]
        assert all(issubclass(getattr(birdfast, name), BirdfastError) for name in errors)
