"""What coverage.py loads in every process it watches: workers are asked to end before they are killed.

A crew kills its workers, which have nothing to tidy up; but here they have seen what is to be counted, and
write it down when they are told to end: by a signal of its own, as they ignore those that a terminal or a
cluster sends to all. Who does not end in time is killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading

WORKERS = "birdfast.workers"
PATIENCE_S = 3.0
END = signal.SIGUSR2


def coverage_init(registry: object, options: object) -> None:
    """Let `Popen.kill` of a worker wait for its end, and a process that is asked end."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(END, lambda *_: os._exit(0))  # which coverage.py has made its own: it saves first
    kill = subprocess.Popen.kill

    def ask_first(process: subprocess.Popen[bytes]) -> None:
        if isinstance(process.args, list) and WORKERS in process.args:
            process.send_signal(END)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE_S)
        kill(process)

    if kill.__name__ != ask_first.__name__:
        subprocess.Popen.kill = ask_first
