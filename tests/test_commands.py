"""Commands that tests run leave nothing behind."""

from __future__ import annotations

import subprocess
import time
from contextlib import suppress

import psutil
import pytest

from . import commands


def test_a_command_that_hangs_ends_with_all_that_it_started() -> None:
    given_up = time.monotonic() + 60
    with pytest.raises(subprocess.TimeoutExpired) as hung:
        commands.ran("sh", "-c", "sleep 1000 & echo $!; wait", limit_s=1)
    with suppress(psutil.NoSuchProcess):
        child = psutil.Process(int(hung.value.stdout))
        while child.status() != psutil.STATUS_ZOMBIE:  # a busy machine takes its time to end what was killed
            assert time.monotonic() < given_up
            time.sleep(0.01)


def test_what_a_command_says_and_how_it_ends_is_told() -> None:
    done = commands.ran("sh", "-c", "echo printed; echo said >&2; exit 3")
    assert (done.stdout, done.stderr, done.returncode) == ("printed\n", "said\n", 3)
