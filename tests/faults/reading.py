"""A program that reads a recording in one process after another, each of which fails at another call.

    LD_PRELOAD=failing.so FAILING_UNDER=... python -m tests.faults.reading KIND FILE STATE

Prints a line for each call of the kind: what failed, and what was heard then, see `heard`.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import json
import os
import sys
from itertools import count
from pathlib import Path

from birdfast.audio import Recording, choice, comments
from birdfast.errors import AudioError

from .preload import struck_in


def heard(path: Path) -> list[str]:
    """Return a digest of a recording's samples, what its recorder says, and all notes; or its error."""
    try:
        with Recording(path) as recording:
            samples = recording.samples(recording.rate_hz)
            digest = hashlib.sha256(samples.tobytes()).hexdigest()
            return [digest, json.dumps(comments.read(path)), *recording.notes]
    except AudioError as error:
        return [str(error)]


def main(kind: str, path: Path, state: Path) -> None:
    """Try all calls of a kind, and then none."""
    undisturbed = heard(path)  # and what is imported for it is
    choice._choose.cache_clear()
    print(json.dumps(["", undisturbed]), flush=True)
    for number in count(1):
        state.write_bytes(bytes(state.stat().st_size))
        ours, theirs = os.pipe()
        if os.fork() == 0:
            os.environ["FAILING_STATE"] = str(state)
            os.environ["FAILING_CALL"] = f"{kind}:{number}:{errno.EIO}:once"
            ctypes.CDLL(None).failing_prepare()
            found = heard(path)
            del os.environ["FAILING_STATE"]
            os.write(theirs, json.dumps(found).encode())
            os._exit(0)  # what is left of the parent's output is the parent's
        os.close(theirs)
        with os.fdopen(ours, "rb") as told:
            found = json.loads(told.read())
        os.wait()
        if not (what := struck_in(state.read_bytes())):
            break
        print(json.dumps([f"{what} {number}", found]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
