"""A cluster that is made on this machine, or is none, costs nobody but itself: its maker stays as he was."""

from __future__ import annotations

import io
import logging
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from birdfast import models
from birdfast.cli import exits
from birdfast.errors import FEW_FILES, ConfigError
from birdfast.workers import share

from .commands import started
from .test_cluster import LIMIT_S, is_at_work, needs_dask, nodes, pace, tables, until

# ---- what is no scheduler ----


@contextmanager
def speaking(http: bool) -> Iterator[int]:
    """Have a port at which HTTP is spoken, or nothing at all."""
    if not http:
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield server.getsockname()[1]
        return
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@needs_dask
@pytest.mark.parametrize("http", [True, False])
def test_a_port_at_which_no_scheduler_answers_is_told_in_time(
    http: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from birdfast.workers import clusters

    monkeypatch.setattr(clusters, "CONNECT_S", 1.0)
    with (
        speaking(http) as port,
        clusters.opened(f"tcp://127.0.0.1:{port}") as executor,
        pytest.raises(ConfigError, match="no cluster is there"),
    ):
        executor.slots()


@needs_dask
@pytest.mark.parametrize("words", ["local:2", "tcp://127.0.0.1:1"])
def test_too_few_files_are_told_before_a_cluster_is_made(words: str) -> None:
    from birdfast.workers import clusters

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    os.close(lowest := os.dup(0))
    with clusters.opened(words) as executor:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 15, limits[1]))
        try:
            with pytest.raises(ConfigError, match=f"^{re.escape(FEW_FILES)}$"):
                executor.slots()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert not programs(os.getpid())


# ---- the maker's process ----


def programs(pid: int) -> list[psutil.Process]:
    """Return the programs that are clusters."""
    with suppress(psutil.NoSuchProcess):
        return [one for one in psutil.Process(pid).children() if "birdfast.workers.local" in one.cmdline()]
    return []


@needs_dask
def test_a_clusters_maker_keeps_his_environment_and_what_dask_says_to_him(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where its scheduler is killed: that is told in our words alone."""
    from birdfast.workers import clusters, dask

    monkeypatch.setattr(clusters, "CONNECT_S", 1.0)
    monkeypatch.setattr(dask, "GONE_S", 1.0)
    before, said = dict(os.environ), logging.getLogger("distributed.client")
    level = logging.getLogger("distributed").level
    handler = logging.StreamHandler(heard := io.StringIO())
    for name in clusters.LOGGERS:  # as Dask does where nobody else has taken what is logged
        monkeypatch.setattr(logging.getLogger(name), "handlers", [handler])
    with clusters.opened("local:1") as executor:
        until(executor.slots)
        assert dict(os.environ) == before
        programs(os.getpid())[0].kill()
        executor._looked_s = -dask.LOOK_EVERY_S
        with pytest.raises(ConfigError, match="scheduler has gone"):
            executor.slots()
        until(lambda: executor.client.status == "closed")  # Dask has given it up, too
    assert heard.getvalue() == ""
    assert logging.getLogger("distributed").level == level
    said.error("again")
    assert "again" in heard.getvalue()


@needs_dask
@pytest.mark.long
def test_a_worker_that_is_killed_while_it_starts_is_started_again() -> None:
    from birdfast.workers import clusters

    killed = list[int]()

    def kill() -> None:
        while not killed:
            for program in programs(os.getpid()):
                for child in program.children():
                    if "spawn_main" in str(child.cmdline()) and not killed:
                        child.kill()
                        killed.append(child.pid)
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    with clusters.opened("local:2") as executor:
        assert executor.slots() == 2
    killer.join()
    assert not programs(os.getpid())


# ---- signals ----


@pytest.fixture
def paced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return pace(tmp_path, monkeypatch, 8)


@contextmanager
def driven(
    model: models.Model, paced: Path, output: Path, *more: object
) -> Iterator[subprocess.Popen[bytes]]:
    """Have a driver of a cluster, in a session of its own."""
    command = (sys.executable, "-m", "birdfast", "infer", paced, "--model", model.path.parent, "-o", output)
    how: dict[str, Any] = {"stderr": subprocess.PIPE, "start_new_session": True}
    with started(*command, "--cluster", "local:2", *more, **how) as driver:
        yield driver


def ended(driver: subprocess.Popen[bytes]) -> int:
    """Return the code of a driver that said nothing but its own words; its cluster ends with it."""
    said = driver.communicate(timeout=LIMIT_S)[1].decode()
    assert "Traceback" not in said, said
    assert "distributed" not in said, said
    until(lambda: not [one for one in psutil.process_iter() if is_of(one, driver.pid)])
    return driver.returncode


def is_of(process: psutil.Process, session: int) -> bool:
    with suppress(ProcessLookupError):
        return os.getsid(process.pid) == session
    return False


@needs_dask
def test_signals_that_are_a_drivers_to_handle_end_no_worker() -> None:
    from birdfast.workers import clusters, local

    with clusters.opened("local:1") as executor:
        until(executor.slots)
        pids = executor.client.run(os.getpid)
        for process in psutil.Process(programs(os.getpid())[0].pid).children(recursive=True):
            for name in local.PARENTS:
                process.send_signal(getattr(signal, name))
        for name in local.PARENTS:
            programs(os.getpid())[0].send_signal(getattr(signal, name))
        time.sleep(0.5)
        assert executor.client.run(os.getpid) == pids


@needs_dask
@pytest.mark.long
@pytest.mark.starts
@pytest.mark.parametrize("at_work", [False, True])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_signals_to_all_end_a_cluster_without_a_word_of_its_own(
    tiny: models.Model, paced: Path, tmp_path: Path, number: signal.Signals, at_work: bool
) -> None:
    with driven(tiny, paced, tmp_path / "out") as driver:
        until(lambda: (nodes if at_work else programs)(driver.pid))
        os.killpg(driver.pid, number)
        time.sleep(0.3)
        with suppress(ProcessLookupError):
            os.killpg(driver.pid, number)
        assert ended(driver) in (-number, exits.BY_SIGNAL + number)


@needs_dask
@pytest.mark.long
@pytest.mark.starts
def test_more_signals_do_not_change_what_a_driver_that_leaves_in_time_says(
    tiny: models.Model, paced: Path, tmp_path: Path
) -> None:
    with driven(tiny, paced, tmp_path / "out", "--requeue-safe") as driver:
        until(lambda: any(is_at_work(one.pid) for one in nodes(driver.pid)))
        driver.send_signal(signal.SIGUSR1)
        time.sleep(0.2)
        driver.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        driver.send_signal(signal.SIGINT)
        assert ended(driver) == exits.LATER
    with driven(tiny, paced, tmp_path / "out") as driver:
        assert ended(driver) == exits.FINE
    tables(tmp_path / "out")


# ---- a share's process ----


@pytest.mark.parametrize("is_begun", [True, False])
def test_a_share_that_nobody_wants_is_not_waited_for_where_its_process_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_begun: bool
) -> None:
    (order := tmp_path / "a.order").write_text("")
    monkeypatch.setattr(share, "LOOK_EVERY_S", 0.05)
    if is_begun:
        process = share._Process.ready(str(order))
        process.leave()
        os.kill(process._process.pid, signal.SIGSTOP)
    else:
        sleep = [sys.executable, "-c", "import time; time.sleep(99)"]
        monkeypatch.setattr(share.children, "command", lambda _: sleep)
    unlinking = threading.Timer(0.5, order.unlink)
    unlinking.start()
    told = share.hear(str(order))
    unlinking.join()
    assert told.keys() & {"lost", "gone"}
    assert not share._Process._idle
