"""A push of sound at the model's own rate allocates nothing; many hold no more memory than some."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

import pytest

from birdfast import models

from .commands import ran

COUNTER = Path(__file__).with_name("native") / "mallocs.c"
PUSHES = """
import ctypes, sys
import numpy as np
from birdfast.live import Stream

mallocs = ctypes.CDLL(None).mallocs
mallocs.restype = ctypes.c_long
for kind in (np.int16, np.float32):
    stream = Stream(sys.argv[1], 8_000)
    block = np.random.default_rng(0).integers(-999, 999, 80).astype(kind)
    for _ in range(51):  # a window of half a second, and the next one's beginning
        stream.push(block)
    held, counted = [], []
    for n_pushes in (15, 15, 1, 15):  # Python settles in the first ones
        before = sys.getallocatedblocks(), mallocs()
        for _ in range(n_pushes):
            stream.push(block)
        counted.append(mallocs() - before[1])
        held.append(sys.getallocatedblocks() - before[0])
    print(counted[2:], held[3] - held[2])
"""
FLAT = """
import sys
import numpy as np
from birdfast.live import Stream

def peak():  # of this process: `ru_maxrss` begins with that of whoever started it
    return int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])

stream, most = Stream(sys.argv[1], 11_025, min_confidence=1.0), []
sound = np.random.default_rng(0).integers(-999, 999, 11_025 * 60).astype(np.int16)
for minute in range(21):
    for start in range(0, len(sound), 11_025):
        stream.push(sound[start : start + 11_025])
    most.append(peak())
print(most[-1] - most[1])
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the administrator may have another libc")
def test_a_push_allocates_nothing(stsg: models.Model, tmp_path: Path) -> None:
    compiler, library = os.environ.get("CC") or shutil.which("cc") or "gcc", tmp_path / "mallocs.so"
    assert ran(compiler, "-O1", "-fPIC", "-shared", COUNTER, "-o", library).returncode == 0
    counted = ran(
        sys.executable, "-c", PUSHES, stsg.path.parent, env={**os.environ, "LD_PRELOAD": str(library)}
    )
    assert counted.stdout == "[0, 0] 0\n" * 2, counted.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="the administrator may run no Linux")
def test_twenty_minutes_hold_no_more_than_two(tiny: models.Model) -> None:
    grown = ran(sys.executable, "-c", FLAT, tiny.path.parent)
    assert int(grown.stdout) < 2_000, grown.stderr  # kilobytes
