"""Worker processes for tests: which run, and how they are made to fail."""

from __future__ import annotations

import signal

import psutil
import pytest

from birdfast import workers


def running() -> list[psutil.Process]:
    """Return the workers of this process, among whatever else it has started."""
    living = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in living if "birdfast.workers" in child.cmdline()]


def strike(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals, times: int, path: str
) -> list[workers.Worker]:
    """Send each worker a signal that is handed that file, so many times."""
    start, struck = workers.Worker.start, []

    def start_and_strike(worker: workers.Worker, task: workers.Task, given: workers.Job) -> None:
        while given.path == path and not worker.ready and len(struck) < times:
            list(worker.receive())
        if given.path == path and len(struck) < times:
            struck.append(worker)
            worker.process.send_signal(number)
            if number == signal.SIGKILL:
                worker.process.wait()
        start(worker, task, given)

    monkeypatch.setattr(workers.Worker, "start", start_and_strike)
    return struck
