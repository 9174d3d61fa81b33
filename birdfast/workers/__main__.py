"""What runs in a worker: load the network once, then analyse stretch after stretch."""

from __future__ import annotations

import ctypes
import dataclasses
import json
import os
import signal
import sys
import warnings
from contextlib import suppress
from multiprocessing import connection
from pathlib import Path
from typing import Any

from ..config import Options
from ..errors import BirdfastError
from ..models import Model
from ..pipeline import Pipeline

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(fd: int) -> None:
    """Be a worker: load the pipeline, then analyse what is asked until the parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    parent = connection.Connection(fd)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        order = json.loads(parent.recv_bytes())
        _die_with(order["parent"])
        if order["cpu"] is not None:
            os.sched_setaffinity(0, [order["cpu"]])
        with warnings.catch_warnings(record=True) as notes:
            warnings.simplefilter("always", RuntimeWarning)
            try:
                pipeline = Pipeline(_model(order["model"]), Options(**order["options"]))
            except BirdfastError as error:
                _answer(parent, {"error": type(error).__name__, "message": str(error)})
                return
        _answer(parent, {"ready": [str(note.message) for note in notes]})
        while True:
            task = json.loads(parent.recv_bytes())
            outcome = pipeline.analyse(task["path"], task["stretch"])
            told = {field.name: getattr(outcome, field.name) for field in dataclasses.fields(outcome)}
            detections = told.pop("detections")
            _answer(parent, told)
            parent.send_bytes(detections.tobytes())


def _die_with(parent: int) -> None:
    """Let the system end this process with its parent, also one that is killed outright (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was faster
        os._exit(1)


def _answer(parent: connection.Connection, message: dict[str, Any]) -> None:
    parent.send_bytes(json.dumps(message).encode())


def _model(facts: dict[str, Any]) -> Model:
    return Model(**facts | {"path": Path(facts["path"]), "labels_path": Path(facts["labels_path"])})


if __name__ == "__main__":
    main(int(sys.argv[1]))
