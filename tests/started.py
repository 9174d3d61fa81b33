"""What a process has from whoever started it, as JSON: a program for tests/test_zygote.py."""

import json
import os
import resource
import signal
import sys

READLINE = ("LINES", "COLUMNS")  # which it may have set in the parent, behind Python's back
FACTS = {
    "arguments": sys.argv,
    "whole command": sys.orig_argv,
    "shown": open("/proc/self/cmdline").read().rstrip("\0").split("\0"),  # noqa: PTH123, SIM115
    "folder": os.getcwd(),  # noqa: PTH109
    "environment": {key: value for key, value in os.environ.items() if key not in READLINE},
    "parent": os.getppid(),
    "leads a session": os.getsid(0) == os.getpid(),
    "open": sorted(fd for fd in range(400) if os.path.exists(f"/proc/self/fd/{fd}")),  # noqa: PTH110
    "ignored": sorted(one.name for one in signal.Signals if signal.getsignal(one) == signal.SIG_IGN),
    "handled": sorted(one.name for one in signal.Signals if callable(signal.getsignal(one))),
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    "cores": sorted(os.sched_getaffinity(0)),
    "limits": [resource.getrlimit(limit) for limit in range(16)],
    "streams": [one and (one.encoding, one.errors) for one in (sys.stdin, sys.stdout, sys.stderr)],
    "main": __name__,
}

if __name__ == "__main__":
    print(json.dumps(FACTS, default=str), flush=True)
    if "hang" in sys.argv:
        signal.pause()
    if "raise" in sys.argv:
        raise ValueError("raised")
    sys.exit(sys.stdin.read() if "read" in sys.argv else len(sys.argv))
