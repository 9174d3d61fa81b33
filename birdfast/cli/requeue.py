"""Leaving in time: what a cluster sends before it kills, and what is said then."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .. import voice
from ..errors import ConfigError, ModelError
from ..words import counted
from . import exits

if TYPE_CHECKING:
    from ..runs.leaving import Leave

ASKS = [getattr(signal, name) for name in ("SIGTERM", "SIGUSR1") if hasattr(signal, name)]

ENDS = [getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)]


def argument(parser: argparse._ArgumentGroup) -> None:
    """Declare the flag."""
    parser.add_argument(
        "--requeue-safe",
        action="store_true",
        help="at SIGTERM or SIGUSR1 let workers end what they are at, for some seconds, and leave with exit"
        " code 75: the same command goes on, and takes what machines of --cluster ended meanwhile",
    )


def ran(chosen: argparse.Namespace, run: Callable[[argparse.Namespace, Leave | None], int]) -> int:
    """Run a command that may be asked to leave, where that is wanted; return its exit code.

    Raises
    ------
    ConfigError
        The same command would begin anew each time, or another run took this over.
    """
    if not chosen.requeue_safe:
        return run(chosen, None)
    if chosen.force:
        raise ConfigError("requeue-safe: with --force the same command would begin anew each time")
    from ..runs.leaving import Leave, Left

    leave = Leave()
    before = {number: signal.signal(number, lambda *_: leave.ask()) for number in ASKS}
    try:
        return run(chosen, leave)
    except (Left, ModelError, KeyboardInterrupt, SystemExit):
        if leave.why is not None:
            raise leave.why from None
        if not leave.is_asked:  # else the same signal ended workers before they were ready, or another came
            raise
    finally:
        for number, handler in before.items():
            # one that comes again, as from scancel, would end us with a code of its own
            signal.signal(number, signal.SIG_IGN if leave.is_asked else handler)
    for number in ENDS:  # the same
        signal.signal(number, signal.SIG_IGN)
    voice.say(f"birdfast: {_told(chosen.output)}; the same command goes on (exit code {exits.LATER})")
    return exits.LATER


def _told(output: Path | str) -> str:
    """Return how far a run is."""
    from ..journal import Record

    with suppress(ConfigError), Record(Path(output)) as record:
        if record.is_planned():
            standing = record.standing()
            through = standing.done + standing.failed
            return f"left in time, {through:,} of {counted(standing.files, 'file')} through"
    return "left in time, before the first file"
