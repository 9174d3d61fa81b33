"""Several threads on one Pipeline: every answer is the one that a single thread gets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from birdfast import models
from birdfast.arrays import Float32
from birdfast.config import Options
from birdfast.pipeline import Pipeline, Scored

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
    found = at_once(lambda number: [ask(number) for _ in range(N_TIMES)])
    assert found == [[one] * N_TIMES for one in meant]


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
    return len(pipeline.listener()._sessions._free)


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
