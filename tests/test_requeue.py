"""Leaving in time: what a command that may be asked to leave ends with."""

from __future__ import annotations

import argparse
import signal

import pytest

from birdfast.cli import exits, requeue
from birdfast.errors import ConfigError
from birdfast.runs.leaving import Leave


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_who_was_taken_over_is_not_told_to_go_on_at_once(
    monkeypatch: pytest.MonkeyPatch, end: type[BaseException]
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    chosen = argparse.Namespace(requeue_safe=True, force=False, output="none")
    taken_over = ConfigError("another run has put its results there")

    def run(_: argparse.Namespace, leave: Leave | None) -> int:
        assert leave is not None
        if is_taken_over:
            leave.ask_soon(taken_over)
        else:
            leave.is_asked = True
        raise end

    is_taken_over = False
    assert requeue.ran(chosen, run) == exits.LATER
    is_taken_over = True
    with pytest.raises(ConfigError, match="another run"):
        requeue.ran(chosen, run)
