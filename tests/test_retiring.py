"""Machines come, retire and die while a run lasts: it waits for none that has gone, and blames no file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from birdfast import models
from birdfast.workers import orders
from birdfast.workers.bundles import RETURNS, TRIES, Bundles
from birdfast.workers.dask import Dask
from birdfast.workers.futures import Lost

from .commands import table
from .test_cluster import (
    OF_DASK,
    Fussy,
    Impatient,
    at_once,
    folder,
    needs_dask,
    pace,
    run,
    small,
    tables,
    until,
)

__all__ = ["folder", "small"]


class Theirs:
    """A task of Dask whose result nobody can fetch any more: it waits until the task is cancelled."""

    def __init__(self) -> None:
        self.status, self._cancelled, self._tell = "pending", threading.Event(), lambda _: None

    def add_done_callback(self, tell: Callable[[Any], object]) -> None:
        self._tell = tell

    def end(self, status: str) -> None:
        self.status = status
        self._tell(self)

    def result(self) -> Any:
        assert self._cancelled.wait(60)
        raise CancelledError

    def cancel(self) -> None:
        self._cancelled.set()


class Scheduler:
    """A Client of Dask, its scheduler, and what happened there."""

    def __init__(self, *workers: str) -> None:
        self.workers, self.happened = dict.fromkeys(workers, 1), dict[str, list[Any]]()
        self.tasks, self.scheduler = list[Theirs](), self

    def sync(self, ask: Callable[..., Any], *, callback_timeout: float, **how: Any) -> Any:
        return ask(**how)

    def ncores(self) -> dict[str, int]:
        return dict(self.workers)

    def events(self, topic: str) -> list[Any]:
        return self.happened.get(topic, [])

    def submit(self, *_: Any, workers: list[str], **how: Any) -> Theirs:
        task = Theirs()
        if workers[0] in self.workers:
            self.tasks.append(task)
        return task

    def go(self, address: str, **how: Any) -> None:
        del self.workers[address]
        self.happened[address] = [(0.0, {"action": "remove-worker", **how})]


@pytest.fixture
def always_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("birdfast.workers.dask.LOOK_EVERY_S", 0.0)


@pytest.mark.usefixtures("always_looks")
def test_a_worker_that_dies_before_its_result_is_fetched_has_lost_it() -> None:
    """Nobody waits for it, and what others tell is heard meanwhile."""
    scheduler = Scheduler("a:1", "b:1")
    executor = Dask(lambda: scheduler)
    assert executor.slots() == 2
    ours = [executor.submit(print) for _ in range(2)]
    scheduler.tasks[0].end("finished")  # in the one thread that Dask has for this
    scheduler.tasks[1].end("cancelled")
    assert isinstance(ours[1].exception(60), CancelledError)
    assert not ours[0].done()
    for address in ("a:1", "b:1"):
        scheduler.go(address)
    assert executor.slots() == 0
    assert isinstance(ours[0].exception(60), Lost)


@pytest.mark.usefixtures("always_looks")
def test_tasks_may_end_while_the_scheduler_is_asked_of_workers_that_have_gone() -> None:
    class Busy(Scheduler):
        def events(self, topic: str) -> list[Any]:
            for task in self.tasks:
                task.end("cancelled")
            return super().events(topic)

    scheduler = Busy("a:1", "b:1")
    executor = Dask(lambda: scheduler)
    executor.slots()
    ours = [executor.submit(print) for _ in range(2)]
    for address in ("a:1", "b:1"):
        scheduler.go(address)
    assert executor.slots() == 0
    assert [type(one.exception(60)) for one in ours] == [CancelledError] * 2


@pytest.mark.usefixtures("always_looks")
@pytest.mark.parametrize(("is_expected", "kind"), [(True, CancelledError), (False, Lost)])
def test_that_a_worker_retired_is_told_from_its_death(is_expected: bool, kind: type[Exception]) -> None:
    scheduler = Scheduler("a:1")
    executor = Dask(lambda: scheduler)
    assert executor.slots() == 1
    ours = executor.submit(print)
    scheduler.go("a:1", expected=is_expected)
    assert executor.slots() == 0
    assert type(ours.exception(60)) is kind


@pytest.mark.usefixtures("always_looks")
def test_who_is_still_at_work_for_the_run_before_is_no_slot_of_the_next() -> None:
    scheduler = Scheduler("a:1", "b:1")
    executor = Dask(lambda: scheduler)
    executor.slots()
    before = executor.submit(print)
    executor.rest()
    assert executor.slots() == 1
    executor.submit(print)
    assert executor.slots() == 1
    scheduler.tasks[0].end("cancelled")
    assert before.done()
    assert executor.slots() == 2


def test_a_file_that_outlasts_all_its_workers_is_given_up_late() -> None:
    """Whoever retires is not held against it as a death is, and what lies beside it is heard."""
    bundles, n_returns, given_up = Bundles([1000] * 64, 1, least_bytes=1 << 40), 0, list[int]()
    while bundle := bundles.take(0.0):
        if 7 in bundle.places:
            n_returns += 1
            given_up += bundles.lost(bundle, 1.0, is_blamed=False).tolist()
        else:
            bundles.done(bundle, 1.0)
    assert (given_up, bundles.n_left) == ([7], 0)
    assert n_returns >= RETURNS > TRIES


class Retiring(Fussy):
    """An executor that takes each task back some times before it lets it be run."""

    def __init__(self) -> None:
        super().__init__()
        self.n_back = dict[str, int]()

    def submit(self, fn: Callable[..., Any], order: str) -> Any:
        future: Any = super().submit(lambda order: {}, order)
        key = orders.read(Path(order))["files"][0][0]
        self.n_back[key] = self.n_back.get(key, 0) + 1
        future = type(future)()
        if self.n_back[key] <= TRIES + 1:
            future.set_exception(CancelledError("its worker has retired"))
        else:
            future.set_result(fn(order))
        return future


@pytest.mark.usefixtures("small")
def test_no_file_is_blamed_for_its_worker_s_retirement(
    tiny: models.Model, folder: Path, tmp_path: Path
) -> None:
    run(folder, tiny, tmp_path / "local", n_workers=1)
    run(folder, tiny, tmp_path / "there", n_workers=1, cluster=Retiring())
    assert tables(tmp_path / "there") == tables(tmp_path / "local")


# ---- Dask ----


@pytest.fixture
def paced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return recordings that take their time."""
    return pace(tmp_path, monkeypatch, 24)


class At(Impatient):
    """Does something when so many files are through, each time in a thread of its own.

    After the first of it the run is held up until something is so.
    """

    def __init__(self, until: Callable[[], object], **what: Callable[[], object]) -> None:
        super().__init__(0)
        self._until, self._what = until, {int(name.removeprefix("n")): one for name, one in what.items()}
        self._n, self.threads = 0, list[threading.Thread]()

    def add(self, path: str, outcome: Any) -> None:
        self._n += outcome.is_last
        if outcome.is_last and (what := self._what.get(self._n)):
            self.threads.append(threading.Thread(target=what))
            self.threads[-1].start()
            if len(self.threads) == 1:
                until(self._until)


def _local(**how: Any) -> Any:
    from distributed import LocalCluster

    return LocalCluster(**OF_DASK, **how)


@needs_dask
@pytest.mark.long
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("how", ["scale", "retire", "adapt"])
def test_a_cluster_that_grows_and_shrinks_changes_no_byte(
    tiny: models.Model, paced: Path, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import Client

    with at_once():
        run(paced, tiny, tmp_path / "local", n_workers=1)
    monkeypatch.setenv("PACE_S", "0.15" if how == "adapt" else "0.03")  # Dask takes its time to adapt
    with (
        _local(n_workers=1) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        if how == "adapt":
            cluster.adapt(minimum=1, maximum=3, interval="200ms", wait_count=2, target_duration="100ms")
        seen = At(
            lambda: how == "adapt" or len(client.ncores()) == 3,
            n2=lambda: how in ("scale", "retire") and cluster.scale(3),
            n8=lambda: how == "scale" and cluster.scale(1),
            n12=lambda: how == "retire" and client.retire_workers([*client.ncores()][:2]),
            n16=lambda: how == "adapt" and cluster.adapt(minimum=1, maximum=1, interval="200ms"),
        )
        most = SimpleNamespace(n=0)
        slots = Dask.slots

        def counted(self: Dask) -> int:
            most.n = max(most.n, n := slots(self))
            return n

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Dask, "slots", counted)
            run(paced, tiny, tmp_path / "there", seen, n_workers=1, cluster=client)
        for thread in seen.threads:
            thread.join()
        until(lambda: not client.run_on_scheduler(lambda dask_scheduler: [*dask_scheduler.tasks]))
    assert most.n >= 2
    assert tables(tmp_path / "there") == tables(tmp_path / "local")
    assert table(tmp_path / "there" / "failures.csv") == []
