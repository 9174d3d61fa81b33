"""A machine is never believed about what is its own fault: it gets no more, and no file is blamed."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from birdfast import models
from birdfast.__main__ import main
from birdfast.cli import exits
from birdfast.errors import ClusterError, ConfigError
from birdfast.outcomes import Outcome
from birdfast.runs import Follower, How, Run
from birdfast.runs.leaving import Leave, Left
from birdfast.runs.progress import Progress
from birdfast.sources import listings
from birdfast.words import counted
from birdfast.workers import ahead, node, orders, parts, remote, share, slots
from birdfast.workers.bundles import Bundles
from birdfast.workers.dask import Dask
from birdfast.workers.futures import Lost, UnfitError
from birdfast.workers.process import Job

from .commands import infer, started, table
from .recordings import noise, write
from .test_cluster import (
    EVERYTHING,
    OF_DASK,
    Late,
    folder,
    needs_dask,
    run,
    small,
    tables,
    until,
)
from .test_retiring import Scheduler, always_looks

__all__ = ["always_looks", "folder", "small"]

Fault = Callable[[list[str]], dict[str, Any]]


class Heard(Follower):
    def __init__(self) -> None:
        self.said = list[str]()

    def say(self, text: str) -> None:
        self.said.append(text)


class Machines:
    """Machines of which some are at fault, and answer at once; whoever is asked next takes a task.

    Parameters
    ----------
    *faults : callable or None
        What a machine tells of the files of an order, or raises; None is one that is fit.
    """

    def __init__(self, *faults: Fault | None) -> None:
        self._faults, self._next = faults, 0
        self.n_asked = [0] * len(faults)

    def slots(self) -> int:
        return len(self._faults)

    def submit(self, fn: Callable[..., Any], order: str) -> Future[Any]:
        number = self._next = (self._next + 1) % len(self._faults)
        self.n_asked[number] += 1
        future: Future[Any] = Future()
        fault = self._faults[number]
        try:
            if fault is None:
                future.set_result(fn(order))
            else:
                files = [file[0] for file in orders.read(Path(order))["files"]]
                future.set_result({"host": f"host-{number}", **fault(files)})
        except Exception as error:
            future.set_exception(error)
        return future


class Knowing(Machines):
    """The same, who are known: those that are unfit are asked nothing more."""

    def __init__(self, *faults: Fault | None) -> None:
        super().__init__(*faults)
        self._by_future, self._unfit = dict[Future[Any], int](), set[int]()

    def slots(self) -> int:
        return super().slots() - len(self._unfit)

    def submit(self, fn: Callable[..., Any], order: str) -> Future[Any]:
        while (self._next + 1) % len(self._faults) in self._unfit:
            self._next += 1
        future = super().submit(fn, order)
        self._by_future[future] = self._next
        return future

    def shun(self, future: Future[Any]) -> None:
        self._unfit.add(self._by_future[future])

    def is_growing(self) -> bool:
        return False


def unseen(files: list[str]) -> dict[str, Any]:
    return {"unseen": [(path, f"{path}: no such file or directory") for path in files[:2]]}


def without_results(files: list[str]) -> dict[str, Any]:
    return {"gone": "host-0 does not see /results/parts/0.order"}


def without_models(files: list[str]) -> dict[str, Any]:
    return {"error": "ModelError", "message": "host-0: /models/deep.npz: no such file or directory"}


def full(files: list[str]) -> dict[str, Any]:
    return {"error": "OutputError", "message": "host-0: /results/parts: cannot be written (Read-only ...)"}


def breaking(files: list[str]) -> dict[str, Any]:
    raise OSError("Error during deserialization of the task graph")


def unable(files: list[str]) -> dict[str, Any]:
    raise UnfitError("no task begins at tcp://host-0:1 (No module named 'birdfast')", "tcp://host-0:1")


FAULTS = [unseen, without_results, without_models, full, unable]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "PATIENCE_S", 0.0)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kind", [Machines, Knowing])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_an_unfit_machine_says_is_its_own_fault(
    tiny: models.Model, folder: Path, tmp_path: Path, fault: Fault, kind: type[Machines]
) -> None:
    run(folder, tiny, tmp_path / "local", n_workers=1)
    heard, machines = Heard(), kind(fault, None, None)
    run(folder, tiny, tmp_path / "out", heard, n_workers=1, cluster=machines)
    assert tables(tmp_path / "out") == tables(tmp_path / "local")
    then = "is given no more of this run" if kind is Knowing else "what it had goes out again"
    assert sum(then in line for line in heard.said) == 1
    assert any("host-0" in line for line in heard.said)
    if kind is Knowing:
        assert machines.n_asked[0] == 1


@pytest.mark.usefixtures("small", "impatient")
@pytest.mark.parametrize("kind", [Machines, Knowing])
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (unseen, r"host-\d does not get at what can be had here: .*\.wav: no such file"),
        (without_results, "have to lie where all machines see them"),
        (without_models, "host-0: /models/deep.npz"),
        (full, "cannot be written"),
        (unable, "no task begins at tcp://host-0:1"),
        (breaking, "no task begins .*deserialization"),
    ],
)
def test_where_no_machine_is_fit_the_run_ends_in_words_and_goes_on_with_others(
    tiny: models.Model,
    folder: Path,
    tmp_path: Path,
    fault: Fault,
    words: str,
    kind: type[Machines],
) -> None:
    with pytest.raises(
        ClusterError, match=f"^no machine of the cluster is fit for this run: .*{words}.*; what was"
    ):
        run(folder, tiny, tmp_path / "out", n_workers=1, cluster=kind(fault, fault))
    run(folder, tiny, tmp_path / "out", n_workers=1, cluster=Machines(None))
    run(folder, tiny, tmp_path / "local", n_workers=1)
    assert tables(tmp_path / "out") == tables(tmp_path / "local")


def test_a_cluster_that_is_not_there_or_fit_has_an_exit_code_of_its_own(
    tiny: models.Model, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def opened(_: object) -> Iterator[Any]:
        yield Machines(unseen)

    monkeypatch.setattr("birdfast.workers.executor.opened", opened)
    command = ["infer", str(folder), "-o", str(tmp_path / "out"), "--cluster", "tcp://127.0.0.1:1"]
    assert main([*command, "--model", str(tiny.path.parent)]) == exits.UNAVAILABLE


@pytest.mark.usefixtures("small")
def test_a_run_says_how_many_hear_and_what_stays_with_machines(
    tiny: models.Model, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "LEAVE_S", 0.1)
    late, heard = Late(leave := Leave()), Heard()
    recordings = [*map(str, sorted(folder.iterdir()))]
    with pytest.raises(Left):
        Run(recordings, [tiny], EVERYTHING, tmp_path / "out", How(cluster=late)).work(heard, leave=leave)
    late.end()
    share.end_idle()
    assert "on the cluster 1 task at a time; files come by shares of many" in heard.said
    there = counted(len(late.files), "file")
    told = f"{there} with machines: the next run takes what is whole by then, no more"
    assert told in heard.said


def test_what_a_share_takes_is_not_said_of_its_first_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [0.0]
    monkeypatch.setattr("birdfast.runs.progress.monotonic", lambda: clock[0])
    paths = [str(tmp_path / f"{number}.wav") for number in range(100)]
    for path in paths:
        Path(path).write_bytes(bytes(100))
    progress = Progress(0.0, bar=False, by_shares=True)
    progress.begin(paths, 0, 1)
    for number, now_s in enumerate([20.0] * 25 + [40.0]):
        clock[0] = now_s
        progress.add(paths[number], Outcome(audio_s=30.0))
    first, second = capsys.readouterr().err.splitlines()
    assert "1 of 100 files" in first
    assert not first.endswith("left")
    assert second.endswith("1 min 54 s left")  # 26 files in 40 s


@pytest.mark.usefixtures("small")
def test_a_task_that_fails_once_others_have_run_is_lost(
    tiny: models.Model, folder: Path, tmp_path: Path
) -> None:
    class Deadly(Machines):
        def submit(self, fn: Callable[..., Any], order: str) -> Future[Any]:
            names = [Path(file[0]).name for file in orders.read(Path(order))["files"]]
            self._faults = (breaking if "3.wav" in names else None,)
            return super().submit(fn, order)

    run(folder, tiny, tmp_path / "out", n_workers=1, cluster=Deadly(None))
    failed = [Path(row["path"]).name for row in table(tmp_path / "out" / "failures.csv")]
    assert failed == ["3.wav", "none.wav"]


@pytest.mark.usefixtures("small")
def test_what_nobody_gets_at_is_the_files_fault(
    tiny: models.Model, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it went while it was out: who is told of that looks first."""
    gone, machines = folder / "4.wav", Machines(None)
    recordings = sorted(folder.iterdir())
    write_order = orders.write

    def written(*what: Any) -> Path:
        order = write_order(*what)
        if any(file[0] == str(gone) for file in what[2]):
            gone.unlink(missing_ok=True)
        return order

    monkeypatch.setattr(orders, "write", written)
    heard = Heard()
    run(folder, tiny, tmp_path / "out", heard, n_workers=1, cluster=machines)
    failed = {Path(row["path"]).name: row for row in table(tmp_path / "out" / "failures.csv")}
    assert failed.keys() == {"4.wav", "none.wav"}
    assert "no such file" in failed["4.wav"]["message"]
    assert not any("goes out again" in line or "no more of" in line for line in heard.said)
    assert len(recordings) == 8


def told(home: Path, files: list[str], tiny: models.Model, lacking: tuple[int, ...] = ()) -> dict[str, Any]:
    home.mkdir(exist_ok=True)
    hearing = orders.hearing([tiny], ahead.digests([tiny], EVERYTHING), EVERYTHING, 1, None)
    order = orders.write(home, hearing, [[file, [0]] for file in files], lacking)
    hearer = node._Hearer()
    try:
        said = hearer.hear(order, 1)
        assert parts.of(order).exists() == ("part" in said)
        return said
    finally:
        hearer.end()


def test_a_machine_says_what_it_does_not_get_at_and_leaves_no_part(
    tiny: models.Model, folder: Path, tmp_path: Path
) -> None:
    files = [str(folder / name) for name in ("0.wav", "gone.wav", "none.wav")]
    assert told(tmp_path / "parts", files, tiny)["unseen"] == [
        (files[1], f"{files[1]}: no such file or directory")
    ]
    assert "part" in told(tmp_path / "parts", files, tiny, (1,))


def test_a_machine_without_credentials_says_so(
    tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from birdfast.sources import stores

    class NoCredentialsError(Exception):
        pass

    def nobody(url: str) -> None:
        raise NoCredentialsError("Unable to locate credentials")

    monkeypatch.setattr(stores, "opened", nobody)
    said = told(tmp_path / "parts", ["s3://birds/0.wav"], tiny)
    assert "the store lets nobody in (Unable to locate credentials)" in said["unseen"][0][1]


@pytest.mark.parametrize(("status", "is_machines"), [(403, True), (503, False), (429, False)])
def test_a_stores_own_trouble_is_no_machines(
    monkeypatch: pytest.MonkeyPatch, status: int, is_machines: bool
) -> None:
    from birdfast.sources import reach, stores

    class Answer(Exception):
        def __init__(self) -> None:
            self.status = status

    def answer(url: str) -> None:
        raise Answer

    monkeypatch.setattr(stores, "opened", answer)
    assert bool(reach.why_not("https://example.org/0.wav")) == is_machines


def test_a_machine_is_named_once_and_one_of_which_nobody_knows_never() -> None:
    said = list[str]()
    its = slots.Slots(Machines(None, None, None), said.append)
    for host, why in (("a", "a: 0.wav"), ("a", "a: 1.wav"), ("", "no task begins"), ("b", "b: 2.wav")):
        its.complain(ClusterError(why), host, None)
    assert said == [f"{why}; what it had goes out again" for why in ("a: 0.wav", "b: 2.wav")]
    assert its.count(0) == 1  # as many tasks as others can have
    its.complain(ClusterError("a: 3.wav"), "a", None)
    assert its.count(1) == 0  # who is out may be fit
    its.praise()
    assert its.count(0) == 1


def test_machines_that_were_asked_for_are_waited_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s, said, growing = [0.0], list[str](), [True]
    monkeypatch.setattr(slots, "monotonic", lambda: now_s[0])
    machines = Knowing(None)
    machines.is_growing = lambda: growing[0]
    machines.shun = lambda future: machines._unfit.add(0)
    its = slots.Slots(machines, said.append)
    assert its.count(0) == 1
    its.complain(ClusterError("host-0 lacks a model"), "host-0", None)
    for now_s[0] in (9.0, 11.0, 500.0):
        assert its.count(0) == 0
    assert said[1:] == ["waiting for machines: the cluster has none now"]
    growing[0] = False  # nobody comes any more
    with pytest.raises(ClusterError, match="host-0 lacks a model"):
        its.count(0)
    growing[0], now_s[0] = True, 601.0
    with pytest.raises(ClusterError, match="host-0 lacks a model"):
        its.count(0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("is_growing", [False, True])
def test_machines_that_were_fit_or_are_to_come_are_waited_for(is_growing: bool) -> None:
    class Coming(Knowing):
        n = 1

        def slots(self) -> int:
            return self.n

        def shun(self, future: object) -> None:
            self.n = 0

        def is_growing(self) -> bool:
            return is_growing

    said = list[str]()
    its = slots.Slots(machines := Coming(None), said.append)
    its.complain(ClusterError("host-0 lacks a model"), "host-0", None)
    for was_fit in (True, False):
        if was_fit:
            its.praise()
        else:
            its.complain(ClusterError("host-1 lacks a model"), "host-1", None)
        machines.n = 1
        its.count(0)
        machines.n = 0
        if was_fit or is_growing:
            assert its.count(0) == 0
            assert said[-1] == "waiting for machines: the cluster has none now"
        else:
            with pytest.raises(ClusterError, match="host-1 lacks a model"):
                its.count(0)


def test_a_bundle_of_an_unfit_machine_goes_out_as_it_was_and_says_nothing_of_speeds() -> None:
    bundles = Bundles([1 << 20] * 40, 2, least_bytes=1 << 22, most_bytes=1 << 22)
    for now_s in range(50):
        bundle = bundles.take(0.001 * now_s)
        assert bundle is not None
        assert (bundle.places.tolist(), bundle.is_suspect) == ([0, 1, 2], False)
        assert not len(bundles.lost(bundle, 0.001 * now_s + 0.0005, is_blamed=None))
    assert bundles._speeds.usual is None


@pytest.mark.usefixtures("always_looks")
def test_a_worker_of_dask_that_is_shunned_is_no_slot_of_the_run() -> None:
    scheduler = Scheduler("a:1", "b:1")
    executor = Dask(lambda: scheduler)
    executor.slots()
    ours = executor.submit(print)
    scheduler.tasks[0].exception = lambda: OSError("No module named 'birdfast'")
    scheduler.tasks[0].end("error")
    error = ours.exception(60)
    assert isinstance(error, UnfitError)
    assert error.where == ours.address
    executor.shun(ours)
    assert executor.slots() == 1
    assert not executor.is_growing()
    scheduler.cluster = SimpleNamespace(plan={0, 1}, observed={0})
    assert executor.is_growing()
    assert executor.submit(print).address != ours.address
    executor.rest()
    assert executor.slots() == 1  # one is at work for the run before, and the other may be fit for the next


@pytest.mark.usefixtures("always_looks")
def test_a_task_whose_worker_was_killed_is_lost() -> None:
    class KilledWorker(Exception):
        pass

    scheduler = Scheduler("a:1")
    executor = Dask(lambda: scheduler)
    executor.slots()
    ours = executor.submit(print)
    scheduler.tasks[0].exception = lambda: KilledWorker("attempted to run it on 4 workers")
    scheduler.tasks[0].end("error")
    assert isinstance(ours.exception(60), Lost)


@needs_dask
def test_what_is_asynchronous_is_refused_and_an_executor_of_a_client_taken() -> None:
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=1, processes=False, **OF_DASK) as cluster:
        with Client(cluster, set_as_default=False) as client:
            assert How(cluster=client.get_executor()).cluster.slots() == 1

        async def ask() -> None:
            async with Client(cluster.scheduler_address, asynchronous=True, set_as_default=False) as client:
                with pytest.raises(ConfigError, match="Client is asynchronous; give one that is not"):
                    How(cluster=client)

        asyncio.run(ask())


@needs_dask
@pytest.mark.long
def test_a_worker_of_dask_that_does_not_see_the_recordings_changes_no_byte(
    tiny: models.Model, tmp_path: Path
) -> None:
    from distributed import LocalCluster

    (recordings := tmp_path / "in").mkdir()
    for number in range(24):
        write(recordings / f"{number:02d}.wav", noise(9_000, seed=number), 8_000)
    assert infer(tiny, recordings, "-o", tmp_path / "local").returncode == exits.FINE
    hidden = f'mount -t tmpfs none {recordings} && exec "$@"'
    if subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("mount namespaces may not be made here")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    with LocalCluster(n_workers=1, **OF_DASK) as cluster, ExitStack() as stack:
        worker = (sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address)
        worker = (*worker, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", "blind")
        stack.enter_context(started("unshare", "-m", "sh", "-c", hidden, "sh", *worker, **quiet))
        until(lambda: len(cluster.scheduler_info["workers"]) == 2)
        done = infer(tiny, recordings, "-o", tmp_path / "out", "--cluster", cluster.scheduler_address)
    assert done.returncode == exits.FINE, done.stderr
    assert done.stderr.count("is given no more of this run") == 1
    assert tables(tmp_path / "out") == tables(tmp_path / "local")


def test_a_machine_that_starts_no_process_blames_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(share.subprocess, "Popen", refuse)
    (order := tmp_path / "a.order").touch()
    told = share.hear(str(order))
    assert told["error"] == "ConfigError"
    assert "no process starts (Resource temporarily unavailable)" in told["message"]


@pytest.mark.parametrize(
    ("error", "has_gone"), [(errno.ENOENT, True), (errno.ESTALE, False), (errno.EIO, False)]
)
def test_an_order_that_a_file_system_does_not_tell_of_has_not_gone(
    monkeypatch: pytest.MonkeyPatch, error: int, has_gone: bool
) -> None:
    def stat(*_: object, **__: object) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(Path, "stat", stat)
    assert share.has_gone(Path("a.order")) is has_gone


def test_an_order_into_whose_folder_nobody_may_look_is_the_machines_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)
    monkeypatch.setattr("builtins.open", refuse)
    assert node._Hearer().hear(tmp_path / "a.order", 1)["error"] == "ConfigError"


def test_what_a_store_does_not_have_is_no_machines_fault(memory: Any, folder: Path) -> None:
    memory.pipe_file("/b/0.wav", b"x")
    there, missing = "memory://b/0.wav", "memory://b/1.wav"
    listings.look_up([there, missing])
    far = remote.Remote([], EVERYTHING, SimpleNamespace(), folder)
    rows = [orders.named(Job(path, (0,))) for path in (there, missing, str(folder / "0.wav"), "gone.wav")]
    assert [far._may_be_here(path, stamp) for path, _, *stamp in rows] == [True, False, True, False]
