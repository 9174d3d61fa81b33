"""Several threads on one Pipeline: every answer is the one that a single thread gets."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from birdfast import WarmPool, models
from birdfast.arrays import Float32
from birdfast.config import Options
from birdfast.errors import ConfigError
from birdfast.pipeline import Pipeline, Scored

from . import graphs
from .recordings import noise, write

N_THREADS = 8
N_TIMES = 3


@pytest.fixture(params=["tiny", "deep", "stsg", "yamnet", "birdnet"])
def model(request: pytest.FixtureRequest) -> models.Model:
    return request.getfixturevalue(request.param)


def clips(pipeline: Pipeline) -> list[Float32]:
    """Return a clip for each thread, of two windows to five: full batches, and what is left over."""
    size = pipeline.listener().grid.window_samples
    return [noise((2 + number % 4) * size - 17 * number, seed=number)[:, 0] for number in range(N_THREADS)]


def at_once(ask: Callable[[int], object]) -> list[object]:
    """Return what each of the threads was answered; they begin together."""
    start = threading.Barrier(N_THREADS)

    def begin(number: int) -> object:
        start.wait()
        return ask(number)

    with ThreadPoolExecutor(N_THREADS) as threads:
        return list(threads.map(begin, range(N_THREADS)))


def bits(batches: Iterator[Scored]) -> list[dict[str, bytes]]:
    return [{name: rows.tobytes() for name, rows in scored.outputs.items()} for scored in batches]


@pytest.mark.long
@pytest.mark.parametrize("graft", [True, False])
def test_each_thread_gets_what_one_alone_gets(model: models.Model, graft: bool) -> None:
    pipeline = Pipeline(model, Options(min_confidence=0, top_k=5, graft=graft))
    rate_hz, sounds = pipeline.listener().grid.rate_hz, clips(pipeline)
    has_embedding = pipeline.listener().embedding_size > 0

    def ask(number: int) -> tuple[object, ...]:
        sound = sounds[number]
        embeddings = pipeline.embed(sound, rate_hz).tobytes() if has_embedding else b""
        return pipeline.detect(sound, rate_hz), bits(pipeline.score(sound, rate_hz)), embeddings

    meant = [ask(number) for number in range(N_THREADS)]
    assert len({str(one) for one in meant}) == N_THREADS
    n_times = 1 if model.name == "birdnet-2.4" else N_TIMES  # which takes long
    found = at_once(lambda number: [ask(number) for _ in range(n_times)])
    assert found == [[one] * n_times for one in meant]


def test_each_thread_hears_its_own_file(tiny: models.Model, tmp_path: Path) -> None:
    pipeline = Pipeline(tiny, Options(min_confidence=0))
    paths = [
        write(tmp_path / f"{number}.flac", noise(30_000 + 999 * number, seed=number), 11_025)
        for number in range(N_THREADS)
    ]
    meant = [pipeline.detect(path) for path in paths]
    found = at_once(lambda number: [pipeline.detect(paths[number]) for _ in range(N_TIMES)])
    assert found == [[one] * N_TIMES for one in meant]


def test_several_models_are_each_heard_in_every_thread(tiny: models.Model, stsg: models.Model) -> None:
    pipeline = Pipeline([tiny, stsg], Options(min_confidence=0))
    sounds = [noise(9_000 + 1_000 * number, seed=number)[:, 0] for number in range(N_THREADS)]
    meant = [pipeline.detect(sound, 8_000) for sound in sounds]
    assert at_once(lambda number: pipeline.detect(sounds[number], 8_000)) == meant


def test_what_is_scored_by_turns_is_what_is_scored_alone(model: models.Model) -> None:
    pipeline = Pipeline(model, Options(min_confidence=0, top_k=5))
    grid = pipeline.listener().grid
    sounds = [noise(26 * grid.window_samples, seed=seed)[:, 0] for seed in range(2)]
    meant = [bits(pipeline.score(sound, grid.rate_hz)) for sound in sounds]
    begun = [pipeline.score(sound, grid.rate_hz) for sound in sounds]
    taken = [[next(one) for one in begun] for _ in range(2)]
    short = sounds[0][: grid.window_samples]
    assert pipeline.detect(short, grid.rate_hz) == pipeline.detect(short, grid.rate_hz)
    with ThreadPoolExecutor(2) as threads:  # what one thread began, another may end
        rest = list(threads.map(list, begun))
    for number in range(2):
        assert bits([*(both[number] for both in taken), *rest[number]]) == meant[number]


def n_sessions(pipeline: Pipeline) -> int:
    return len(pipeline.listener().backbone._free)


def test_a_session_is_made_when_it_is_needed_and_comes_back(deep: models.Model) -> None:
    pipeline, sound = Pipeline(deep, Options(min_confidence=0)), noise(60_000)[:, 0]
    meant = pipeline.detect(sound, 8_000)
    assert n_sessions(pipeline) == 1
    for _ in range(5):  # abandoned in the middle, one after the other
        next(pipeline.score(sound, 8_000))
    assert n_sessions(pipeline) == 1
    begun = [pipeline.score(sound, 8_000) for _ in range(3)]
    for one in begun:
        next(one)
    assert n_sessions(pipeline) == 0
    assert pipeline.detect(sound, 8_000) == meant
    begun[1].close()
    del begun, one
    assert n_sessions(pipeline) == 4


def test_generators_that_are_abandoned_in_many_threads_disturb_nobody(deep: models.Model) -> None:
    pipeline = Pipeline(deep, Options(min_confidence=0))
    sounds = [noise(40_000 + 900 * number, seed=number)[:, 0] for number in range(N_THREADS)]
    meant = [pipeline.embed(sound, 8_000).tobytes() for sound in sounds]

    def ask(number: int) -> list[bytes]:
        found = []
        for _ in range(20):
            begun = pipeline.score(sounds[number - 1], 8_000)
            next(begun)
            found.append(pipeline.embed(sounds[number], 8_000).tobytes())
        return found

    assert at_once(ask) == [[one] * 20 for one in meant]
    assert n_sessions(pipeline) <= 2 * N_THREADS


def test_an_error_in_one_thread_leaves_the_others_alone(tiny: models.Model) -> None:
    pipeline, sound = Pipeline(tiny, Options(min_confidence=0)), noise(20_000)[:, 0]
    bad = sound.copy()
    bad[3] = np.nan
    meant = pipeline.detect(sound, 8_000)

    def ask(number: int) -> object:
        if number % 2:
            return pipeline.detect(sound, 8_000)
        with pytest.raises(Exception, match="sample 3 is NaN"):
            pipeline.detect(bad, 8_000)
        return None

    assert at_once(ask) == [None, meant] * (N_THREADS // 2)


# ---- threads meet replaced networks, pools that close, and interrupts ----


@pytest.fixture
def own(tmp_path: Path) -> models.Model:
    """A model with a front end of its own, in a folder whose files may be replaced."""
    folder = tmp_path / "own"
    folder.mkdir()
    kind = graphs.Kind(samples=800, n_fft=64, hop=50, bands=6, classes=3)
    (folder / "own.tflite").write_bytes(graphs.network(kind))
    (folder / "labels.txt").write_text("a\nb\nc\n")
    (folder / "model.toml").write_text("rate_hz = 8000\nwindow_samples = 800\n")
    return models.find(folder)


def replace(model: models.Model, kind: graphs.Kind) -> None:
    other = model.path.with_name("other")
    other.write_bytes(graphs.network(kind))
    other.replace(model.path)


def test_threads_that_open_a_network_while_it_is_replaced_get_one_or_the_other(own: models.Model) -> None:
    kinds = [graphs.Kind(samples=800, n_fft=64, hop=50, bands=bands, classes=3) for bands in (6, 8)]
    options, sound = Options(min_confidence=0), noise(5_000)[:, 0]
    fitting, opened = [], Pipeline(own, options)
    for kind in reversed(kinds):
        replace(own, kind)
        fitting.append(bits(Pipeline(own, options).score(sound, 8_000)))
    first = bits(opened.score(sound, 8_000))
    assert first == fitting[1] != fitting[0]

    def ask(number: int) -> object:
        if number == 0:
            for turn in range(40):
                replace(own, kinds[turn % 2])
            return []
        assert bits(opened.score(sound, 8_000)) == first
        return [bits(Pipeline(own, options).score(sound, 8_000)) for _ in range(4)]

    for found in at_once(ask):
        assert all(one in fitting for one in found)


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("n_windows", [1, 4])
def test_a_session_that_was_interrupted_is_not_lent_again(
    own: models.Model, monkeypatch: pytest.MonkeyPatch, n_windows: int
) -> None:
    """Whoever keeps the interrupt keeps what the session was at: views into memory that must not move."""
    pipeline, sound = Pipeline(own, Options(min_confidence=0)), noise(800 * n_windows)[:, 0]
    meant = pipeline.detect(sound, 8_000)
    batched = pipeline.listener().backbone._free[0][0]
    session = batched._full if n_windows == 4 else batched._single
    with monkeypatch.context() as patch:
        patch.setattr(session, "_kernel", interrupted)
        with pytest.raises(KeyboardInterrupt) as kept:
            pipeline.detect(sound, 8_000)
    assert at_once(lambda _: pipeline.detect(sound, 8_000)) == [meant] * N_THREADS
    assert kept.tb is not None


def test_an_interrupt_at_any_moment_leaves_the_other_threads_and_the_next_question_alone(
    own: models.Model,
) -> None:
    pipeline = Pipeline(own, Options(min_confidence=0))
    sounds = [noise(5_000 + 900 * number, seed=number)[:, 0] for number in range(N_THREADS)]
    long = noise(400_000)[:, 0]
    meant, whole = [pipeline.detect(sound, 8_000) for sound in sounds], pipeline.detect(long, 8_000)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    kept = []
    try:
        with ThreadPoolExecutor(N_THREADS) as threads:
            others = [threads.submit(lambda n=n: [pipeline.detect(sounds[n], 8_000) for _ in range(9)])
                      for n in range(N_THREADS)]  # fmt: skip
            for moment in range(8):
                timer = threading.Timer(0.003 * moment, signal.raise_signal, [signal.SIGINT])
                try:
                    timer.start()
                    while True:
                        pipeline.detect(long, 8_000)
                except KeyboardInterrupt as error:
                    kept.append(error)
                timer.join()
                assert pipeline.detect(long, 8_000) == whole
            assert [other.result() for other in others] == [[one] * 9 for one in meant]
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(kept) == 8


def test_a_pool_that_closes_is_nothing_to_the_threads_of_a_pipeline(own: models.Model) -> None:
    pipeline, sound = Pipeline(own, Options(min_confidence=0)), noise(5_000)[:, 0]
    meant, closing = pipeline.detect(sound, 8_000), threading.Event()
    with WarmPool(own.path.parent, workers=2, min_confidence=0) as pool:

        def ask(number: int) -> str:
            for turn in range(30):
                if number == 0 and turn == 10:
                    pool.close()
                    closing.set()
                try:
                    assert (pool if number % 2 else pipeline).detect(sound, 8_000) == meant
                except (CancelledError, ConfigError):
                    return "closed"
            return "through"

        found = at_once(ask)
    assert closing.is_set()
    assert found[0::2] == ["through"] * (N_THREADS // 2)
    assert {*found[1::2]} <= {"closed", "through"}
