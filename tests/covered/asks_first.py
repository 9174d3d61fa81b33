"""What coverage.py loads in every process it watches: workers are asked to end before they are killed.

A crew kills its workers, which have nothing to tidy up; but here they have seen what is to be counted, and
write it down when they are told to end (`sigterm` in pyproject.toml). Who does not end in time is killed.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess

WORKERS = "birdfast.workers"
PATIENCE_S = 10.0


def coverage_init(registry: object, options: object) -> None:
    """Let `Popen.kill` of a worker wait for its end."""
    kill = subprocess.Popen.kill

    def ask_first(process: subprocess.Popen[bytes]) -> None:
        if isinstance(process.args, list) and WORKERS in process.args:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE_S)
        kill(process)

    if kill.__name__ != ask_first.__name__:
        subprocess.Popen.kill = ask_first
