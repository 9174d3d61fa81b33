"""Search: all embeddings of a run are looked at, and a sound finds itself."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from birdfast import models
from birdfast.config import Options
from birdfast.errors import AudioError, ConfigError, ModelError
from birdfast.runs import search
from birdfast.runs.results import Windows
from birdfast.runs.search import Query

from . import networks
from .commands import birdfast, infer
from .recordings import noise, write

RATE_HZ = 8_000


def windows(values: np.ndarray, *cuts: int) -> Iterator[Windows]:
    start_s = np.arange(len(values), dtype=np.float64)
    parts = (
        np.split(array, cuts) for array in (start_s, start_s + 1, np.zeros(len(values), np.int32), values)
    )
    for part in zip(*parts, strict=True):
        yield Windows("a.wav", *part)


@given(
    some.integers(0, 30),
    some.integers(1, 3),
    some.integers(1, 8),
    some.sampled_from(["cosine", "euclidean"]),
    some.lists(some.integers(0, 30), max_size=3).map(sorted),
    some.integers(0, 5),
)
def test_the_nearest_are_those_of_all(
    n_windows: int, n_queries: int, n: int, by: str, cuts: list[int], seed: int
) -> None:
    chance = np.random.default_rng(seed)
    values = chance.integers(-2, 3, (n_windows, 3)).astype(np.float32)  # so that there are ties, and zeros
    queries = Query(chance.integers(-2, 3, (n_queries, 3)).astype(np.float32), np.arange(n_queries) * 0.5)
    found = search.nearest(windows(values, *cuts), queries, n, by)
    every = []
    for place, row in enumerate(values.astype(float)):
        for wanted in queries.values.astype(float):
            lengths = np.linalg.norm(row) * np.linalg.norm(wanted)
            cosine = row @ wanted / lengths if lengths else 0.0
            every.append((-cosine if by == "cosine" else np.linalg.norm(row - wanted), place))
    best = sorted(
        {place: near for near, place in sorted(every, reverse=True)}.items(), key=lambda one: one[1]
    )
    assert len(found) == min(n, n_windows)
    sign = -1 if by == "cosine" else 1
    np.testing.assert_allclose(
        [one.nearness for one in found], [sign * near for _, near in best[:n]], atol=1e-12
    )
    assert [one.nearness * sign for one in found] == sorted(one.nearness * sign for one in found)


def test_of_equals_the_first_are_taken() -> None:
    same = Query(np.ones((1, 3), np.float32), np.zeros(1))
    for cuts in ((), (3,), (1, 2, 5)):
        found = search.nearest(windows(np.ones((9, 3), np.float32), *cuts), same, 4)
        assert [one.start_s for one in found] == [0, 1, 2, 3]


def test_embeddings_of_another_model_are_refused() -> None:
    with pytest.raises(ConfigError, match="have 3 values, and the query's 4"):
        search.nearest(
            windows(np.ones((9, 3), np.float32)), Query(np.ones((1, 4), np.float32), np.zeros(1)), 4
        )


@pytest.fixture(scope="module")
def run(deep: models.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three recordings and what a network with an embedding makes of them."""
    folder = tmp_path_factory.mktemp("searched")
    for number in range(3):
        write(folder / f"{number}.wav", noise(RATE_HZ * 5, seed=number), RATE_HZ)
    result = infer(deep, folder, "-o", folder / "out", "--rtype", "csv,embeddings")
    assert result.returncode == 0, result.stderr
    return folder / "out"


def test_a_sound_finds_itself(run: Path, deep: models.Model) -> None:
    model = search.of_run(run, str(deep.path.parent))
    options = search.options_of(run)
    assert options == Options(min_confidence=0.25, keep=options.keep)
    for start_s in (0.0, 2.0):
        wanted = search.query(run.parent / "1.wav", model, options, start_s, 0.5)
        for by, nearness in (("cosine", 1.0), ("euclidean", 0.0)):
            first, *others = search.search(run, wanted, n=3, by=by)
            assert (Path(first.file).name, first.start_s, first.query_start_s) == ("1.wav", start_s, start_s)
            assert first.nearness == pytest.approx(nearness, abs=1e-6)
            assert len(others) == 2
    whole = search.query(run.parent / "2.wav", model, options)
    found = search.search(run, whole, n=10)
    assert {(Path(one.file).name, one.start_s == one.query_start_s) for one in found} == {("2.wav", True)}
    assert len(found) == len(whole.values) == 10


def test_the_command_prints_and_lists(run: Path, deep: models.Model, tmp_path: Path) -> None:
    query = run.parent / "0.wav"
    how = ["search", run, query, "--start", "1", "--length", "0.5", "-n", "4", "--model", deep.path.parent]
    result = birdfast(*how, "-o", tmp_path / "like.csv")
    assert result.returncode == 0, result.stderr
    heading, first, *others = result.stdout.splitlines()
    assert heading.split() == ["cosine", "start", "end", "file"]
    assert first.split() == ["1.0000", "1.00", "1.50", str(query)]
    assert len(others) == 3
    with (tmp_path / "like.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert (len(rows), rows[0]["file"], rows[0]["start_s"], rows[0]["by"]) == (4, str(query), "1", "cosine")
    for more in (["--start", "nan"], ["--length", "0"], ["--start", "99"], ["-o", query]):
        refused = birdfast(*how, *more)
        assert refused.returncode == 64
        assert "Traceback" not in refused.stderr


def test_a_run_without_embeddings_says_what_is_wanted(tiny: models.Model, wav: Path, tmp_path: Path) -> None:
    assert infer(tiny, wav, "-o", tmp_path / "out").returncode == 0
    result = birdfast("search", tmp_path / "out", wav)
    assert result.returncode == 64
    assert "kept no embeddings of all windows; infer has to be told --rtype embeddings" in result.stderr


def test_only_the_runs_own_model_embeds_a_query(
    run: Path, deep: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match="--model takes its file or folder"):
        search.of_run(run)
    other = tmp_path / "tiny"
    other.mkdir()
    networks.write_folder(other, -networks.weights(5), networks.weights(window_samples=5))
    with pytest.raises(ConfigError, match="is not the run's model, by its file"):
        search.of_run(run, str(other))
    monkeypatch.setattr(models, "find", lambda name: dataclasses.replace(deep, name=name))
    with pytest.raises(ConfigError, match="is called other, and the run has tiny"):
        search.of_run(run, "other")


def test_a_part_without_sound_is_refused(run: Path, deep: models.Model) -> None:
    options = dataclasses.replace(search.options_of(run), channel="each")
    model = search.of_run(run, str(deep.path.parent))
    with pytest.raises(AudioError, match="no sound from 9 s to 10 s"):
        search.query(run.parent / "0.wav", model, options, 9.0, 1.0)
