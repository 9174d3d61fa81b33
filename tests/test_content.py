"""Content decides, not a path or a promise: what was replaced is another network, and nobody mixes two."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from birdfast import WarmPool, labels, models, runs, sources, workers
from birdfast.config import Options
from birdfast.errors import BirdfastError, ModelError
from birdfast.grafting import cache, places
from birdfast.pipeline import Pipeline
from birdfast.sessions import open_session

from . import networks
from .commands import birdfast
from .processes import strike
from .recordings import noise, write

EVERYTHING = Options(min_confidence=0)
SOUND = noise(20_000)[:, 0]


@pytest.fixture
def own(tmp_path: Path) -> models.Model:
    """A model in a folder of its own, whose files may be replaced."""
    (tmp_path / "own").mkdir()
    return models.find(networks.write_folder(tmp_path / "own"))


def replace(path: Path, content: bytes) -> None:
    other = path.with_name("other")
    other.write_bytes(content)
    other.replace(path)


def replace_network(model: models.Model) -> None:
    replace(model.path, networks.tflite(-networks.weights()))


def replace_labels(model: models.Model) -> None:
    replace(model.labels_path, b"Noise\nAvis prima_First Bird\nAvis secunda_Second Bird\n")


def logits(pipeline: Pipeline) -> bytes:
    return b"".join(scored.outputs["logits"].tobytes() for scored in pipeline.score(SOUND, 8_000))


# ---- digests ----


def test_a_digest_is_that_of_what_the_file_holds_now(tmp_path: Path) -> None:
    path, found = tmp_path / "file", []
    for number in range(50):  # of one length, at one moment for a coarse clock
        path.write_bytes(f"{number:02d}".encode())
        found.append(sources.sha256(path, ModelError))
    assert len({*found}) == 50


def test_a_file_that_stays_the_same_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"large")
    monkeypatch.setattr(sources, "SETTLED_S", -1.0)
    first, reads = sources.sha256(path, ModelError), []
    monkeypatch.setattr(sources.hashlib, "file_digest", lambda *how: reads.append(how))
    assert sources.sha256(path, ModelError) == first
    assert not reads


# ---- one process ----


@pytest.mark.parametrize("graft", [True, False])
def test_a_network_that_was_replaced_is_another_for_whoever_opens_it(own: models.Model, graft: bool) -> None:
    options = Options(min_confidence=0, graft=graft)
    before = logits(Pipeline(own, options))
    replace_network(own)
    after = np.frombuffer(logits(Pipeline(own, options)), np.float32)
    np.testing.assert_allclose(after, -np.frombuffer(before, np.float32), atol=1e-4)


@pytest.mark.parametrize("graft", [True, False])
def test_a_pipeline_goes_on_with_what_it_opened_in_every_thread(own: models.Model, graft: bool) -> None:
    before = logits(Pipeline(own, Options(min_confidence=0, graft=graft)))
    pipeline = Pipeline(own, Options(min_confidence=0, graft=graft))  # its session for one window comes later
    replace_network(own)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: logits(pipeline), range(8)))
    assert found == [before] * 8


def test_a_network_that_is_gone_when_the_rest_of_it_is_needed_says_so(
    own: models.Model, tmp_path: Path
) -> None:
    session = open_session(own, cache=tmp_path / "cache")
    shutil.rmtree(tmp_path / "cache")
    replace_network(own)
    with pytest.raises(ModelError, match="was replaced or changed since it was opened"):
        session.run(np.zeros((1, session.window_samples), np.float32))


# ---- the cache ----


def test_a_rewrite_under_another_networks_name_is_not_believed(own: models.Model, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    cache.cached(own.path, folder)
    before = sources.sha256(own.path, ModelError)
    replace_network(own)
    after = sources.sha256(own.path, ModelError)
    for path in [*folder.glob(f"{before}*")]:
        shutil.copy(path, folder / path.name.replace(before, after))
    found, expected = cache.cached(own.path, folder), cache.cached(own.path, tmp_path / "other cache")
    assert found is not None
    assert expected is not None
    window = SOUND[None, :4_000]
    meant = expected.session().run(window)["logits"]
    assert found.session().run(window)["logits"].tobytes() == meant.tobytes()


def open_to_others(folder: Path) -> None:
    folder.chmod(0o777)


def of_another_owner(folder: Path) -> None:
    if os.geteuid():
        pytest.skip("the administrator may give a folder away, and nobody else")
    os.chown(folder, 12_345, -1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (open_to_others, "others may write"),
        (lambda folder: folder.chmod(0o1777), "others may write"),
        (lambda folder: folder.chmod(0o775), "others may write"),
        (of_another_owner, "belongs to another user"),
    ],
)
def test_a_cache_that_others_could_have_written_is_not_used(
    own: models.Model, tmp_path: Path, change: Callable[[Path], None], reason: str
) -> None:
    folder = tmp_path / "cache"
    open_session(own, cache=folder)
    kept = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert places.is_prepared(sources.sha256(own.path, ModelError), folder)
    change(folder)
    assert not places.is_prepared(sources.sha256(own.path, ModelError), folder)
    for path in folder.glob("*.graft*"):
        path.write_bytes(b"a hostile body")
    with pytest.warns(RuntimeWarning, match=reason) as told:
        session = open_session(own, cache=folder)
    assert len(told) == 1
    assert session.batch == 4
    assert session.run(SOUND[None, :4_000])["logits"].shape == (1, 3)
    assert set(folder.iterdir()) == {*kept}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (open_to_others, "others may write"),
        (of_another_owner, "belongs to another user"),
        (lambda folder: folder.chmod(0o1777), ""),  # as /tmp: nobody moves what is another's
    ],
)
def test_who_may_write_the_folder_above_could_put_another_cache_in_its_place(
    tmp_path: Path, change: Callable[[Path], None], reason: str
) -> None:
    folder = tmp_path / "cache/grafts"
    folder.mkdir(parents=True)
    assert places.distrust(folder) == ""
    change(folder.parent)
    assert reason in places.distrust(folder)
    assert bool(places.distrust(folder)) == bool(reason)


def test_a_run_says_once_that_the_cache_is_not_used(own: models.Model, wav: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache/grafts"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    command = ["infer", wav, "--model", own.path.parent, "-o", tmp_path / "out", "--workers", "2"]
    done = birdfast(*command, env={**os.environ, "BIRDFAST_CACHE": str(tmp_path / "cache")})
    assert done.returncode == 0
    assert done.stderr.count("the cache of rewritten networks is not used") == 1
    assert not list(folder.iterdir())
    done = birdfast("optimize", own.path, env={**os.environ, "BIRDFAST_CACHE": str(tmp_path / "cache")})
    assert (done.returncode, "others may write" in done.stderr) == (64, True)


def test_a_cache_that_we_make_is_closed_to_others_whatever_the_umask(
    own: models.Model, tmp_path: Path
) -> None:
    before = os.umask(0)
    try:
        open_session(own, cache=tmp_path / "deep/cache")
    finally:
        os.umask(before)
    made = [tmp_path / "deep/cache", *(tmp_path / "deep/cache").glob("*.graft*")]
    assert len(made) == 5
    assert not any(path.stat().st_mode & 0o022 for path in made)


def test_a_file_of_the_cache_that_others_may_write_is_made_anew(own: models.Model, tmp_path: Path) -> None:
    cache.cached(own.path, tmp_path / "cache")
    (path,) = (tmp_path / "cache").glob("*.graft")
    before = path.stat().st_ino
    path.chmod(0o666)
    cache.cached(own.path, tmp_path / "cache")
    assert path.stat().st_ino != before
    assert not path.stat().st_mode & 0o022


# ---- workers ----


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    return [str(write(tmp_path / f"{n}.wav", noise(20_000, seed=n), 8_000)) for n in range(4)]


def struck_after(
    monkeypatch: pytest.MonkeyPatch, path: str, change: Callable[[models.Model], None], model: models.Model
) -> None:
    """Let the worker that is handed a file die, after the model was changed: the next one loads anew."""
    strike(monkeypatch, signal.SIGKILL, 1, path)
    start = workers.Worker.start

    def changed(worker: workers.Worker, task: workers.Task, job: workers.Job) -> None:
        while job.path == path and not worker.ready:
            list(worker.receive())
        if job.path == path:
            change(model)
        start(worker, task, job)

    monkeypatch.setattr(workers.Worker, "start", changed)


@pytest.mark.parametrize("change", [replace_network, replace_labels])
def test_a_worker_hired_in_mid_run_takes_no_replaced_model_and_what_was_done_is_kept(
    own: models.Model,
    paths: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[models.Model], None],
) -> None:
    struck_after(monkeypatch, paths[2], change, own)
    name = own.path if change is replace_network else own.labels_path
    run = runs.Run(paths, [own], EVERYTHING, tmp_path / "out", runs.How(n_workers=1))
    with pytest.raises(ModelError, match=f"{name}: was replaced or changed"):
        run.work()
    standing = runs.Results(tmp_path / "out").standing
    assert standing.done in (1, 2)  # the worker may have died at the second, with the third before it
    with pytest.raises(BirdfastError, match="a run that differs"):  # it is not gone on with another model
        run.work()


def test_labels_that_are_replaced_while_a_run_begins_do_not_name_its_classes(
    own: models.Model, paths: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, begun = labels.load, []

    def replaced(*how: object) -> labels.Labels:
        if not begun:
            begun.append(replace_labels(own))
        return load(*how)

    monkeypatch.setattr(labels, "load", replaced)
    with pytest.raises(ModelError, match="was replaced or changed"):
        runs.Run(paths, [own], EVERYTHING, tmp_path / "out", runs.How(n_workers=1)).work()


def test_a_pool_whose_worker_meets_a_replaced_model_says_so_to_everyone(
    own: models.Model, paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with WarmPool(own.path.parent, workers=1, min_confidence=0) as pool:
        assert pool.detect(paths[0])
        struck_after(monkeypatch, paths[1], replace_network, own)
        with pytest.raises(ModelError, match="was replaced or changed"):
            pool.detect(paths[1])
        with pytest.raises(ModelError, match="was replaced or changed"):
            pool.detect(paths[2])


def test_labels_that_are_replaced_before_a_pool_opens_name_its_classes(
    own: models.Model, paths: list[str]
) -> None:
    pool = WarmPool(own.path.parent, workers=1, min_confidence=0)
    replace_labels(own)
    with pool:
        found = pool.detect(paths[0])
    assert found == Pipeline(own, EVERYTHING).detect(paths[0])
