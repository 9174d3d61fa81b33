"""Other machines change where files are heard, and nothing else."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

import birdfast
from birdfast import models
from birdfast.cli import exits
from birdfast.config import Options
from birdfast.errors import ConfigError, OutputError
from birdfast.outcomes import Outcome, Part
from birdfast.runs import Follower, How, Run
from birdfast.runs.leaving import Leave, Left
from birdfast.runs.shards import Shard
from birdfast.workers import ahead, bundles, node, orders, parts, remote
from birdfast.workers.dask import Dask

from .commands import contents, infer, started, table
from .processes import running
from .recordings import noise, write

EVERYTHING = Options(min_confidence=0, top_k=1)
KINDS = ("csv", "parquet", "scores")
LIMIT_S = 120
needs_dask = pytest.mark.skipif(find_spec("distributed") is None, reason="Dask is not installed")

# What each process of Python runs first: workers take their time at a recording, and die of one.
SITE = """
import os, signal, sys, time
def _hook(event, arguments):
    if event == "open" and "birdfast.workers" in sys.orig_argv and str(arguments[0]).endswith(".wav"):
        time.sleep(float(os.environ.get("PACE_S", "0.2")))
        if str(arguments[0]).endswith("deadly.wav"):
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(_hook)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Recordings: short ones, one of several stretches, and one that is no sound."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(6):
        write(folder / f"{number}.wav", noise(9_000 * (number % 3 + 1), seed=number), 8_000)
    write(folder / "long.wav", noise(8_000 * 150, seed=9), 8_000)
    (folder / "none.wav").write_text("no sound")
    return folder


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bundles of two files, as though there were many."""
    monkeypatch.setattr(remote, "Bundles", partial(bundles.Bundles, most_files=2, least_bytes=1))


def run(folder: Path, model: models.Model, output: Path, *followers: Follower, **how: Any) -> None:
    recordings = [*map(str, sorted(folder.iterdir()))]
    Run(recordings, [model], EVERYTHING, output, How(kinds=KINDS, **how)).work(*followers)


# Of a cluster that a test makes: no port that another's may have.
OF_DASK = {
    "threads_per_worker": 1,
    "memory_limit": 0,
    "dashboard_address": None,
    "scheduler_kwargs": {"dashboard_address": ":0"},
}


def tables(output: Path) -> dict[str, bytes]:
    """Return all that a run wrote but its journal; it leaves no parts."""
    assert not (output / parts.FOLDER).exists()
    return contents(output)


@contextmanager
def threads(n: int = 2) -> Iterator[Any]:
    with ThreadPoolExecutor(n) as executor:
        yield executor, n


@contextmanager
def dask() -> Iterator[Any]:
    from birdfast.workers import clusters

    with clusters.opened("local:2") as executor:
        yield executor


# ---- executors ----


@pytest.mark.parametrize("opened", [threads, pytest.param(dask, marks=needs_dask)])
def test_any_executor_gives_the_same_bytes(
    deep: models.Model, folder: Path, tmp_path: Path, opened: Callable[[], Any], small: None
) -> None:
    run(folder, deep, tmp_path / "local", n_workers=2)
    with opened() as executor:
        run(folder, deep, tmp_path / "there", n_workers=1, cluster=executor)
    assert tables(tmp_path / "there") == tables(tmp_path / "local")


class Silent:
    """An executor that does not say how many functions it runs at a time."""

    def submit(self, fn: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        (3, "int is no executor"),
        (Silent(), "how many tasks"),
        ((ThreadPoolExecutor(1), 0), "cluster"),
    ],
)
def test_what_is_no_executor_is_refused_in_words(cluster: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        How(cluster=cluster)


SCRIPT = """
import sys, birdfast
birdfast.run(sys.argv[1], sys.argv[2], output=sys.argv[3], cluster="local:2", min_confidence=0, top_k=1)
import psutil
print([one.cmdline() for one in psutil.Process().children(recursive=True)
       if "resource_tracker" not in str(one.cmdline())])
"""


@needs_dask
def test_a_script_has_a_cluster_by_its_words_which_ends_with_the_run(
    tiny: models.Model, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)  # without a guard of its main
    command = [sys.executable, tmp_path / "script.py", folder, tiny.path.parent, tmp_path / "there"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    assert (ran.returncode, ran.stdout) == (0, "[]\n"), ran.stderr
    birdfast.run(folder, tiny.path.parent, output=tmp_path / "here", min_confidence=0, top_k=1)
    assert tables(tmp_path / "there") == tables(tmp_path / "here")


# Without a guard of its main, too; it waits until its worker was started again.
KILLING = """
import os, signal, sys, time
with open(sys.argv[1], "a") as ran:
    print("ran", file=ran, flush=True)
from birdfast.workers import clusters
with clusters.opened("local:1") as executor:
    before = executor.client.ncores().keys()
    os.kill(*executor.client.run(os.getpid).values(), signal.SIGKILL)
    until_s = time.monotonic() + 30
    while time.monotonic() < until_s and not executor.client.ncores().keys() - before:
        if len(open(sys.argv[1]).readlines()) > 1:
            break
        time.sleep(0.1)
    else:
        print(len(executor.client.ncores().keys() - before))
print(__file__)
"""


@needs_dask
def test_a_worker_that_is_started_again_does_not_run_the_script(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(KILLING)
    command = [sys.executable, tmp_path / "script.py", tmp_path / "ran"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    assert (tmp_path / "ran").read_text() == "ran\n"
    assert (ran.returncode, ran.stdout) == (0, f"1\n{tmp_path / 'script.py'}\n"), ran.stderr


@needs_dask
def test_a_connection_that_cannot_begin_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    from birdfast.workers import clusters

    begun = list[Any]()

    async def fail(client: Any, **_: Any) -> None:
        begun.append(client)
        raise RuntimeError("what answers is no scheduler")

    monkeypatch.setattr(clusters.Client, "_ensure_connected", fail)
    with clusters.opened("tcp://127.0.0.1:1") as executor, pytest.raises(ConfigError, match="no scheduler"):
        executor.slots()
    assert [client.status for client in begun] == ["closed"]


NO_CLUSTERS = (
    "local:0",
    "local:x",
    "",
    "slurm:",
    "foo",
    "tcp://",
    "tcp://h",
    "tcp://:1",
    "tcp://h:x",
    "tcp://h:0",
)


@pytest.mark.parametrize(
    "words", [*NO_CLUSTERS, "TCP://h:1", "http://h", "http://h:1", "//h:1", "inproc://h"]
)
@needs_dask
def test_words_that_are_no_cluster_are_refused(
    tiny: models.Model, folder: Path, tmp_path: Path, words: str
) -> None:
    with pytest.raises(ConfigError, match=f"^cluster {words}: it takes tcp://HOST:PORT, local:N or slurm"):
        birdfast.run(folder, tiny.path.parent, output=tmp_path / "out", cluster=words)


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_pythons_own_executors_say_how_many_they_run(kind: type[Any]) -> None:
    with kind(2) as executor:
        assert How(cluster=executor).cluster.slots() == 2


def test_a_cluster_where_nobody_answers_has_not_gone() -> None:
    def nobody() -> None:
        raise ConfigError("cluster tcp://127.0.0.1:1: no cluster is there")

    with pytest.raises(ConfigError, match="^cluster tcp://127.0.0.1:1: no cluster is there$"):
        Dask(nobody).slots()


def test_a_cluster_that_is_not_there_leaves_a_folder_to_any_run(
    tiny: models.Model, folder: Path, tmp_path: Path
) -> None:
    class Nowhere(Silent):
        def slots(self) -> int:
            raise ConfigError("cluster tcp://127.0.0.1:1: no cluster is there")

    with pytest.raises(ConfigError, match="no cluster is there"):
        run(folder, tiny, tmp_path / "out", cluster=Nowhere())
    run(folder, tiny, tmp_path / "out", shard=Shard(1, 2))
    run(folder, tiny, tmp_path / "local", shard=Shard(1, 2))
    assert tables(tmp_path / "out") == tables(tmp_path / "local")


class Fussy:
    """An executor that loses every task whose files are more than one, and one file's alone."""

    def __init__(self) -> None:
        self.n_lost = 0

    def slots(self) -> int:
        return 2

    def submit(self, fn: Callable[..., Any], order: str) -> Future[Any]:
        future: Future[Any] = Future()
        names = [Path(file[0]).name for file in orders.read(Path(order))["files"]]
        if "3.wav" in names:
            self.n_lost += 1
            future.set_exception(RuntimeError("its worker died"))
        else:
            future.set_result(fn(order))
        return future


def test_a_file_that_ends_its_machine_costs_itself_alone(
    tiny: models.Model, folder: Path, tmp_path: Path
) -> None:
    fussy = Fussy()
    run(folder, tiny, tmp_path / "out", n_workers=1, cluster=fussy)
    failed = {Path(row["path"]).name: row for row in table(tmp_path / "out" / "failures.csv")}
    assert failed.keys() == {"3.wav", "none.wav"}
    assert "its worker died" in failed["3.wav"]["message"]
    assert fussy.n_lost > bundles.TRIES  # it was among others first
    tables(tmp_path / "out")


class Interrupted(Exception):
    pass


class Impatient(Follower):
    """Ends a run when so many files are through."""

    def __init__(self, n_files: int) -> None:
        self.n_left = n_files

    def add(self, path: str, outcome: Outcome) -> None:
        self.n_left -= outcome.is_last
        if self.n_left == 0:
            raise Interrupted


@pytest.mark.usefixtures("small")
def test_parts_that_a_driver_left_are_taken_as_they_are(
    tiny: models.Model, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are whole, of this run, and of files that have not changed; the others are heard again."""
    output, home = tmp_path / "out", tmp_path / "out" / parts.FOLDER
    run(folder, tiny, tmp_path / "local", n_workers=1)
    with threads(1) as executor, pytest.raises(Interrupted):
        run(folder, tiny, output, Impatient(4), n_workers=1, cluster=executor)
    left = sorted(home.glob("*.part"))
    assert left
    (home / f"{'0' * 16}.part").write_bytes(left[0].read_bytes()[:-9])
    (home / f"{'1' * 16}.part").write_text(f'{{"format": 0, "of": "{"1" * 64}", "files": []}}')
    heard = []
    write_order = orders.write
    monkeypatch.setattr(
        orders,
        "write",
        lambda home, how, files, *more: heard.extend(files) or write_order(home, how, files, *more),
    )
    with threads(1) as executor:
        run(folder, tiny, output, n_workers=1, cluster=executor)
    assert tables(output) == tables(tmp_path / "local")
    assert len(heard) <= 8 - 2


class Late:
    """An executor whose one task is at work when its driver is asked to leave, and ends behind it."""

    def __init__(self, leave: Leave) -> None:
        self._leave, self._go, self._threads = leave, threading.Event(), list[threading.Thread]()
        self.files = list[str]()

    def slots(self) -> int:
        return 1

    def submit(self, fn: Callable[..., Any], order: str) -> Future[Any]:
        self.files += [file[0] for file in orders.read(Path(order))["files"]]
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()

        def work() -> None:
            self._go.wait()
            future.set_result(fn(order))

        self._threads.append(threading.Thread(target=work))
        self._threads[-1].start()
        self._leave.ask()
        return future

    def end(self) -> None:
        self._go.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.usefixtures("small")
def test_what_a_machine_ends_when_its_driver_has_left_is_taken_by_the_next(
    tiny: models.Model, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "LEAVE_S", 0.1)
    late = Late(leave := Leave())
    recordings = [*map(str, sorted(folder.iterdir()))]
    how = How(kinds=KINDS, n_workers=1, cluster=late)
    with pytest.raises(Left):
        Run(recordings, [tiny], EVERYTHING, tmp_path / "out", how).work(leave=leave)
    late.end()
    heard = list[str]()
    write_order = orders.write

    def written(home: Path, hearing: orders.Hearing, files: list[Any], *more: Any) -> Path:
        heard.extend(file[0] for file in files)
        return write_order(home, hearing, files, *more)

    monkeypatch.setattr(orders, "write", written)
    with threads(1) as executor:
        run(folder, tiny, tmp_path / "out", n_workers=1, cluster=executor)
    assert late.files
    assert sorted([*heard, *late.files]) == recordings
    tables(tmp_path / "out")


def test_whether_a_share_is_wanted_is_asked_of_one_order(tmp_path: Path) -> None:
    """The thread that hears forgets its order between any two looks of the one that watches."""

    class Forgetful(node._Watch):
        looks = iter((tmp_path, None, tmp_path / "gone", None))

        @property
        def order(self) -> Path | None:
            return next(self.looks)

        @order.setter
        def order(self, order: Path | None) -> None: ...

    watch = Forgetful()
    assert watch.is_wanted()
    assert next(watch.looks) is None
    assert not watch.is_wanted()


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", "null", "7", '{"format": 1}', '{"format": 1, "how": []}', "[" * 9999, "rubbish"],
)
def test_an_order_that_is_none_is_an_error_and_no_lost_machine(tmp_path: Path, content: str) -> None:
    (order := tmp_path / "a.order").write_text(content)
    told = node._Hearer().hear(order, 1)
    assert told["error"] == "ConfigError"
    assert f"{order}: is damaged, or no order of birdfast" in told["message"]


def test_a_share_whose_disk_is_full_leaves_nothing_to_the_next(
    tiny: models.Model, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs that hear alike have one process, whatever their folders are, and files of the same numbers."""
    add = parts.Writer.add

    def full(writer: parts.Writer, number: int, what: Outcome | Part) -> None:
        if writer._file.path.parent.name == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        add(writer, number, what)

    monkeypatch.setattr(parts.Writer, "add", full)
    monkeypatch.chdir(tmp_path)
    hearing = orders.hearing([tiny], ahead.digests([tiny], EVERYTHING), EVERYTHING, 1, None)
    lists = {"full": ("0", "long", "1", "2"), "next": ("3", "4", "5", "2"), "alone": ("3", "4", "5", "2")}
    heard = dict[str, list[tuple[int, float]]]()
    hearer = node._Hearer()
    for home, names in lists.items():
        (tmp_path / home).mkdir()
        files = [[str(folder / f"{name}.wav"), [0]] for name in names]
        order = orders.write(tmp_path / home, hearing, files)
        told = hearer.hear(order, 1)
        if home == "full":
            assert told["error"] == "OutputError"
            assert not running()
            continue
        heard[home] = [(number, what.audio_s) for number, what in parts.read(parts.of(order))]
        hearer.end()
    assert heard["next"] == heard["alone"]


STRANGERS = ("song.part", "list.order", f"{'a' * 16}.part", f"{'b' * 16}.order", "notes.txt")
FOLDERS = ("x.part", f"{'e' * 16}.part", f"{'f' * 16}.order", f".{'e' * 16}.part-x")


@pytest.mark.parametrize("on_cluster", [False, True])
def test_what_is_somebody_elses_stays_in_a_folder_of_the_name_of_ours(
    tiny: models.Model, folder: Path, tmp_path: Path, on_cluster: bool
) -> None:
    home = tmp_path / "out" / parts.FOLDER
    home.mkdir(parents=True)
    for name in STRANGERS:
        (home / name).write_text(f"{name} of a stranger")
    for name in FOLDERS:
        (home / name).mkdir()
    (home / "kept.part").write_text(begun := f'{{"format": 1, "of": "{"1" * 64}", "files": [["a.w')
    (home / f"{'c' * 16}.part").write_text(begun)
    (home / f"{'d' * 16}.order").write_text('{"format": 1, "how": {"dig')
    with threads(1) as executor:
        run(folder, tiny, tmp_path / "out", n_workers=1, cluster=executor if on_cluster else None)
    assert {path.name: path.read_text() for path in home.iterdir() if path.is_file()} == {
        **{name: f"{name} of a stranger" for name in STRANGERS},
        "kept.part": begun,
    }
    assert all((home / name).is_dir() for name in FOLDERS)


def test_what_has_the_name_of_our_folder_and_is_none_is_named(
    tiny: models.Model, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / parts.FOLDER).symlink_to("nowhere")
    with threads(1) as executor, pytest.raises(ConfigError, match=f"out/{parts.FOLDER}: is no folder; move"):
        run(folder, tiny, tmp_path / "out", n_workers=1, cluster=executor)


def test_a_results_folder_that_goes_in_mid_run_takes_no_more(
    tiny: models.Model, folder: Path, tmp_path: Path, small: None
) -> None:
    """As locally: the same command goes on, once it is there again."""

    class Moves(Follower):
        def add(self, path: str, outcome: Outcome) -> None:
            if not (tmp_path / "away").exists():
                (tmp_path / "out" / parts.FOLDER).rename(tmp_path / "away")

    with (
        threads(1) as executor,
        pytest.raises(OutputError, match="cannot be written .*; what was done is kept"),
    ):
        run(folder, tiny, tmp_path / "out", Moves(), n_workers=1, cluster=executor)
    run(folder, tiny, tmp_path / "out", n_workers=1)
    run(folder, tiny, tmp_path / "local", n_workers=1)
    assert tables(tmp_path / "out") == tables(tmp_path / "local")


def test_a_folder_of_a_run_at_work_is_refused(tiny: models.Model, folder: Path, tmp_path: Path) -> None:
    class Second(Follower):
        def add(self, path: str, outcome: Outcome) -> None:
            with pytest.raises(ConfigError, match="at work"), threads(1) as other:
                run(folder, tiny, tmp_path / "out", n_workers=1, cluster=other)
            raise Interrupted

    with threads(1) as executor, pytest.raises(Interrupted):
        run(folder, tiny, tmp_path / "out", Second(), n_workers=1, cluster=executor)


def test_machines_that_do_not_see_the_results_are_told_so(
    tiny: models.Model, folder: Path, tmp_path: Path
) -> None:
    class Elsewhere(Fussy):
        def submit(self, fn: Callable[..., Any], order: str) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_result(fn(order.replace("/out/", "/other/")))
            return future

    with pytest.raises(ConfigError, match="have to lie where all machines see them"):
        run(folder, tiny, tmp_path / "out", n_workers=1, cluster=Elsewhere())


# ---- Dask ----


@needs_dask
@pytest.mark.parametrize("given", ["client", "cluster"])
def test_a_clusters_owner_finds_it_after_a_run_as_it_was(
    tiny: models.Model, folder: Path, tmp_path: Path, given: str
) -> None:
    """No wish of ours stays, which adaptive scaling would fulfil; nor a client, where we opened one."""
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=1, **OF_DASK) as cluster, Client(cluster, set_as_default=False) as client:
        asked = How(kinds=KINDS, cluster=client if given == "client" else cluster)
        for _ in range(2):  # the second has nothing to hear
            Run([str(folder / "0.wav")], [tiny], EVERYTHING, tmp_path / "out", asked).work()
            until(lambda: not client.run_on_scheduler(lambda dask_scheduler: [*dask_scheduler.tasks]))
            until(lambda: client.run_on_scheduler(_n_clients) <= 1)
    assert (tmp_path / "out" / "detections.csv").exists()


def _n_clients(dask_scheduler: Any) -> int:
    return sum(not name.startswith("fire-and-forget") for name in dask_scheduler.clients)


def pace(folder: Path, monkeypatch: pytest.MonkeyPatch, n_files: int) -> Path:
    """Return recordings that take their time in every process that starts from now on."""
    site, paced = folder / "site", folder / "paced"
    site.mkdir()
    paced.mkdir()
    (site / "sitecustomize.py").write_text(SITE)
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
    monkeypatch.syspath_prepend(site)  # what multiprocessing starts has our path
    for number in range(n_files):
        write(paced / f"{number:02d}.wav", noise(9_000, seed=number), 8_000)
    return paced


@pytest.fixture
def paced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return recordings that take their time, of which one ends its worker."""
    paced = pace(tmp_path, monkeypatch, 16)
    shutil.copy(paced / "00.wav", paced / "deadly.wav")
    return paced


@contextmanager
def at_once() -> Iterator[None]:
    """Let what starts now take no time at recordings, as it only says what is right."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PACE_S", "0")
        yield


def until(is_so: Callable[[], object]) -> None:
    for _ in range(10 * LIMIT_S):
        if is_so():
            return
        time.sleep(0.1)
    pytest.fail("it did not come to that")


def tree(pid: int) -> list[psutil.Process]:
    return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]


def is_at_work(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return any("birdfast.workers" in one.cmdline() for one in tree(pid))
    return False


def nodes(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [one for one in tree(pid) if "birdfast.workers.node" in one.cmdline()]
    return []


@needs_dask
@pytest.mark.long
@pytest.mark.parametrize("is_hearing", [False, True])
def test_a_share_whose_process_is_killed_is_heard_again(
    tiny: models.Model, paced: Path, tmp_path: Path, is_hearing: bool
) -> None:
    (paced / "deadly.wav").unlink()
    with at_once():
        assert infer(tiny, paced, "-o", tmp_path / "local").returncode == 0
    command = (sys.executable, "-m", "birdfast", "infer", paced, "--model", tiny.path.parent)
    command = (*command, "-o", tmp_path / "there", "--cluster", "local:2")
    with started(*command, stderr=subprocess.PIPE) as driver:
        until(lambda: nodes(driver.pid))
        killed = nodes(driver.pid)[0]
        if is_hearing:
            until(lambda: is_at_work(killed.pid))
        killed.kill()
        said = driver.communicate(timeout=LIMIT_S)[1].decode()
    assert driver.returncode == 0, said
    assert tables(tmp_path / "there") == tables(tmp_path / "local")


@needs_dask
@pytest.mark.long
def test_workers_killed_and_paused_and_a_driver_killed_change_no_byte(
    tiny: models.Model, paced: Path, tmp_path: Path
) -> None:
    """Four workers, of which two are killed and one is paused, and wakes up when all is over."""
    from distributed import LocalCluster

    with at_once():
        assert infer(tiny, paced, "-o", tmp_path / "local").returncode == exits.SOME_FAILED
    with LocalCluster(n_workers=4, **OF_DASK) as cluster:
        pids = [nanny.pid for nanny in cluster.workers.values()]
        command = (sys.executable, "-m", "birdfast", "infer", paced, "--model", tiny.path.parent)
        command = (*command, "-o", tmp_path / "there", "--cluster", cluster.scheduler_address)
        with started(*command, stderr=subprocess.PIPE) as driver:
            until(lambda: all(map(is_at_work, pids)))
            driver.kill()
        with started(*command, stderr=subprocess.PIPE) as driver:
            until(lambda: len(list((tmp_path / "there" / parts.FOLDER).glob("*.order"))) >= 3)
            until(lambda: all(map(is_at_work, pids)))
            paused = tree(pids[2])
            for process in paused:
                process.suspend()
            for pid in pids[:2]:
                os.kill(pid, signal.SIGKILL)
            said = driver.communicate(timeout=LIMIT_S)[1].decode()
        for process in paused:
            process.resume()
        assert driver.returncode == exits.SOME_FAILED, said
        time.sleep(1)  # for what a late one might do
    assert tables(tmp_path / "there") == tables(tmp_path / "local")
    failed = table(tmp_path / "there" / "failures.csv")
    assert [Path(row["path"]).name for row in failed] == ["deadly.wav"]


# ---- machines of their own: network namespaces ----

NET = "10.203.77"


class Hosts:
    """Hosts on this machine, each a network namespace on one bridge; a context manager."""

    def __init__(self, n: int) -> None:
        self._name = f"bf{os.getpid() % 100_000}"
        self._n = n

    def __enter__(self) -> Hosts:
        try:
            self._make()
        except FileNotFoundError:
            pytest.skip("network namespaces are made with ip of iproute2, which is not installed")
        except subprocess.CalledProcessError as error:
            self.__exit__()
            if "not permitted" not in error.stderr:
                raise
            pytest.skip(f"network namespaces may not be made here: {error.stderr.strip()}")
        return self

    def __exit__(self, *_: object) -> None:
        quiet = {"check": False, "stderr": subprocess.DEVNULL}
        for number in range(self._n):
            subprocess.run(["ip", "netns", "del", self.host(number)], **quiet)
        subprocess.run(["ip", "link", "del", self._name], **quiet)

    def _make(self) -> None:
        _ip("link", "add", self._name, "type", "bridge")
        _ip("link", "set", self._name, "up")
        for number in range(self._n):
            host = self.host(number)
            _ip("netns", "add", host)
            _ip("link", "add", host, "type", "veth", "peer", "name", "eth0", "netns", host)
            _ip("link", "set", host, "master", self._name, "up")
            _ip("-n", host, "addr", "add", f"{self.address(number)}/24", "dev", "eth0")
            for link in ("lo", "eth0"):
                _ip("-n", host, "link", "set", link, "up")

    def host(self, number: int) -> str:
        return f"{self._name}h{number}"

    def address(self, number: int) -> str:
        return f"{NET}.{number + 1}"

    def on(self, number: int, *command: object) -> tuple[object, ...]:
        """Return a command of this Python as it is run on a host."""
        return ("ip", "netns", "exec", self.host(number), sys.executable, "-m", *command)

    def plug(self, number: int, state: str) -> None:
        """Cut a host off ("down"), or connect it again ("up")."""
        _ip("link", "set", self.host(number), state)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, stderr=subprocess.PIPE, text=True)


@needs_dask
@pytest.mark.long
def test_a_host_that_is_cut_off_for_a_minute_changes_no_byte(
    tiny: models.Model, paced: Path, tmp_path: Path
) -> None:
    with at_once():
        assert infer(tiny, paced, "-o", tmp_path / "local").returncode == exits.SOME_FAILED
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    with Hosts(4) as hosts, ExitStack() as stack:
        own, there = f"tcp://{hosts.address(0)}:8786", tmp_path / "there"
        dask = "distributed.cli.dask_scheduler"
        started_there = [
            stack.enter_context(started(*hosts.on(0, dask, "--host", own, "--no-dashboard"), **quiet))
        ]
        for number in (1, 2, 3):
            dask = ("distributed.cli.dask_worker", own, "--host", hosts.address(number), "--nthreads", 1)
            process = started(*hosts.on(number, *dask, "--no-dashboard"), **quiet)
            started_there.append(stack.enter_context(process))
        for process in started_there:
            stack.callback(_end_all, process.pid)
        command = ("birdfast", "infer", paced, "--model", tiny.path.parent, "-o", there, "--workers", 1)
        with started(*hosts.on(0, *command, "--cluster", own), stderr=subprocess.PIPE) as driver:
            until(lambda: is_at_work(started_there[1].pid))
            hosts.plug(1, "down")
            back = threading.Timer(60, hosts.plug, (1, "up"))
            back.start()
            said = driver.communicate(timeout=LIMIT_S)[1].decode()
            back.cancel()
        assert driver.returncode == exits.SOME_FAILED, said
    assert tables(there) == tables(tmp_path / "local")


def _end_all(pid: int) -> None:
    with suppress(psutil.NoSuchProcess):
        for process in tree(pid):
            with suppress(psutil.NoSuchProcess):
                process.kill()
