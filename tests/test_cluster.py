"""Other machines change where files are heard, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from birdfast import models
from birdfast.config import Options
from birdfast.runs import Follower, How, Run
from birdfast.workers import bundles, parts, remote
from birdfast.workers.executor import Executor

from .commands import contents
from .recordings import noise, write

EVERYTHING = Options(min_confidence=0, top_k=1)
KINDS = ("csv", "parquet", "scores")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Recordings: short ones, one of several stretches, one that is no sound, and one that is not there."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(8):
        write(folder / f"{number}.wav", noise(9_000 * (number % 3 + 1), seed=number), 8_000)
    write(folder / "long.wav", noise(8_000 * 150, seed=9), 8_000)
    (folder / "none.wav").write_text("no sound")
    return folder


def recordings(folder: Path) -> list[str]:
    return [*map(str, sorted(folder.iterdir()))]


def run(folder: Path, model: models.Model, output: Path, *followers: Follower, **how: Any) -> None:
    Run(recordings(folder), [model], EVERYTHING, output, How(kinds=KINDS, **how)).work(*followers)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bundles of a file or two, as many files would have."""
    init = bundles.Bundles.__init__
    monkeypatch.setattr(remote, "Bundles", lambda *a, **k: Few(*a, most_files=2, least_bytes=1, **k))
    assert init


class Few(bundles.Bundles):
    pass


def tables(output: Path) -> dict[str, bytes]:
    """Return all that a run wrote but its journal; it leaves no parts."""
    assert not (output / parts.FOLDER).exists()
    return contents(output)


def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(3) as executor:
        yield (executor, 2)


def dask() -> Iterator[Executor]:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed: make test does that")
    from birdfast.workers import clusters

    assert distributed
    with clusters.opened("local:2") as executor:
        yield executor


@pytest.fixture(params=[threads, dask])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    yield from request.param()


def test_any_executor_gives_the_same_bytes(
    deep: models.Model, folder: Path, tmp_path: Path, executor: Executor, small: None
) -> None:
    run(folder, deep, tmp_path / "local", n_workers=2)
    run(folder, deep, tmp_path / "there", n_workers=1, cluster=executor)
    assert tables(tmp_path / "there") == tables(tmp_path / "local")
