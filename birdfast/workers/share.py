"""A share of a run, heard by a pool of the machine where an executor's task runs.

The task (`hear`) only waits for a process of its own, `node`: no lock of Python's is held while sound is
heard, so that heartbeats flow, and what ends that process ends nothing else. It stays a while for the next
share, as its workers have loaded their models. This file needs the standard library alone.
"""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
import threading
from contextlib import ExitStack, suppress
from contextvars import ContextVar
from pathlib import Path
from time import monotonic
from typing import Any

from .. import children
from ..errors import ConfigError

IDLE_S = 60.0  # that a process waits for another share
LOOK_EVERY_S = 2.0  # whether its order is still there, as it does itself
LOOKS = 4  # at which an order has gone before it is killed: by itself it would have ended
STARTS = 3  # of a process that is killed before it is ready: no file is to blame
# Worker processes of a share where the run does not say: None is all cores.
N_WORKERS: ContextVar[int | None] = ContextVar("n_workers", default=None)


def hear(order: str) -> dict[str, Any]:
    """Let a share be heard; the task of executors.

    Parameters
    ----------
    order : str
        The path of an order (`orders.write`).

    Returns
    -------
    dict
        "host": this machine's name; and
        "part": the SHA-256 of its part, which lies beside the order, with "notes" and "asides" for the user;
        or "error" and "message"; or "lost": how the process ended; or "gone": there is no such order;
        or "unseen": files that this machine does not get at, each with the reason.
    """
    return {"host": socket.gethostname(), **_heard(order)}


def _heard(order: str) -> dict[str, Any]:
    try:
        process = _Process.ready(order)
    except ConfigError as error:
        if has_gone(Path(order)):  # it was killed for that
            return {"gone": f"{socket.gethostname()} does not see {order}"}
        return {"error": ConfigError.__name__, "message": str(error)}
    except OSError as error:  # no file is to blame where this machine starts no process
        why = f"{socket.gethostname()}: no process starts ({error.strerror or error})"
        return {"error": ConfigError.__name__, "message": why}
    try:
        told = process.ask(order, N_WORKERS.get())
    except BaseException:
        process.end()
        raise
    process.leave()
    return told


def has_gone(order: Path) -> bool:
    """Whether an order is not there; a file system that does not tell, as a network's, does not say so."""
    try:
        order.stat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def end_idle() -> None:
    """End processes of this one that wait for another share."""
    _Process.end_idle()


class _Process:
    """The process that hears shares, as a task sees it."""

    _idle: list[_Process] = []  # noqa: RUF012 - of all
    _lock = threading.Lock()

    def __init__(self) -> None:
        self._idle_since_s, self._is_ready = 0.0, False
        with ExitStack() as stack:
            self._errors = stack.enter_context(tempfile.TemporaryFile())
            self._process = subprocess.Popen(
                children.command(f"{__package__}.node"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=children.environment(),
            )
            stack.pop_all()

    @classmethod
    def taken(cls) -> _Process:
        """Return one that waits, or a new one."""
        with cls._lock:
            while cls._idle:
                process = cls._idle.pop()
                if process._process.poll() is None and monotonic() - process._idle_since_s < IDLE_S / 2:
                    return process
                process.end()
        return cls()

    @classmethod
    def ready(cls, order: str) -> _Process:
        """Return one that can hear an order.

        Raises
        ------
        ConfigError
            It ends before that, by itself or killed again and again.
        """
        for _ in range(STARTS):
            process = cls.taken()
            if process._is_ready or process._begins(order):
                return process
            why = process.end()
            if process._process.returncode >= 0 or has_gone(Path(order)):  # what lacks here
                break
        raise ConfigError(why)

    def _begins(self, order: str) -> bool:
        self._is_ready = bool(self._line(order))
        return self._is_ready

    def _line(self, order: str) -> bytes:
        """Wait for what it says next; where it hangs or is stopped, until nobody wants the order any more."""
        assert self._process.stdout is not None
        has_said = threading.Event()

        def watch() -> None:
            n_gone = 0
            while not has_said.wait(LOOK_EVERY_S):
                n_gone = n_gone + 1 if has_gone(Path(order)) else 0
                if n_gone > LOOKS:
                    self._process.kill()
                    return

        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        try:
            return self._process.stdout.readline()
        finally:
            has_said.set()
            watching.join()

    def leave(self) -> None:
        """Let it wait for another task, if it lives."""
        if self._process.poll() is not None:
            return
        self._idle_since_s = monotonic()
        with self._lock:
            self._idle.append(self)

    def ask(self, order: str, n_workers: int | None) -> dict[str, Any]:
        """Let it hear a share, and return what it tells; "lost" if it ends."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.write(json.dumps([order, n_workers]).encode() + b"\n")
            self._process.stdin.flush()
        line = self._line(order)
        if line.endswith(b"\n"):
            told: dict[str, Any] = json.loads(line)
            return told
        return {"lost": self.end()}

    @classmethod
    def end_idle(cls) -> None:
        """End those that wait."""
        with cls._lock:
            while cls._idle:
                cls._idle.pop().end()

    def end(self) -> str:
        """End it, and return how it ended, in words."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):  # an order that it never took
                    stream.close()
        try:
            code = self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        with self._errors:
            self._errors.seek(0)
            last = self._errors.read().decode(errors="replace").strip().splitlines()[-1:]
        return ": ".join([f"{socket.gethostname()}: the share's process ended with {code}", *last])
