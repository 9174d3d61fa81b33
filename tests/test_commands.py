"""Commands that tests run leave nothing behind."""

from __future__ import annotations

import subprocess

import psutil
import pytest

from . import commands


def test_a_command_that_hangs_ends_with_all_that_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "LIMIT_S", 1)
    with pytest.raises(subprocess.TimeoutExpired) as hung:
        commands.ran("sh", "-c", "sleep 1000 & echo $!; wait")
    child = int(hung.value.stdout)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_what_a_command_says_and_how_it_ends_is_told() -> None:
    done = commands.ran("sh", "-c", "echo printed; echo said >&2; exit 3")
    assert (done.stdout, done.stderr, done.returncode) == ("printed\n", "said\n", 3)
