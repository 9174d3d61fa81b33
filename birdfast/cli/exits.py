"""Exit codes: what a command's end says to scripts.

What a command is asked to print (`status`, `models`, `info`, `--help`) is its result: if standard output is
full it ends with OUTPUT, if its reader has gone with NOBODY_READS; a stream that is closed is one that nobody
wants to read. All else that is said, on either stream, decides nothing, whoever hears of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..journal import Standing

FINE = 0
UNFINISHED = 1  # some files are still to do
SOME_FAILED = 2  # they are in failures.csv
NONE_WORKED = 3
USAGE = 64  # the command makes no sense; as sysexits.h has it, and so
OUTPUT = 74  # the output takes no more
INTERRUPTED = 130
NOBODY_READS = 141  # as a shell says of a program that SIGPIPE ended


def of(n_failed: int, n_worked: int) -> int:
    """Return the code of a command that went through files: some may have failed, and be heard in part."""
    return FINE if not n_failed else SOME_FAILED if n_worked else NONE_WORKED


def of_run(standing: Standing) -> int:
    """Return the code of a run that is through: a file that was heard in part has not wholly failed."""
    worked = standing.done or standing.audio_s > 0
    return FINE if not standing.failed else SOME_FAILED if worked else NONE_WORKED
