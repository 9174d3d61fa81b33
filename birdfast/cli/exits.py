"""Exit codes: what a command's end says to scripts.

What a command is asked to print (`status`, `models`, `info`, `--help`) is its result: if standard output is
full it ends with OUTPUT, if its reader has gone with NOBODY_READS; a stream that is closed is one that nobody
wants to read. All else that is said, on either stream, decides nothing, whoever hears of it.
"""  # a command that a signal ended has 128 and the signal's number, as in a shell

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..journal import Standing

FINE = 0
UNFINISHED = 1
SOME_FAILED = 2
NONE_WORKED = 3
USAGE = 64  # as sysexits.h has it, and so
UNAVAILABLE = 69
OUTPUT = 74
LATER = 75
BY_SIGNAL = 128  # and the signal's number, as a shell says
HUNG_UP, INTERRUPTED, TERMINATED = BY_SIGNAL + 1, BY_SIGNAL + 2, BY_SIGNAL + 15
NOBODY_READS = BY_SIGNAL + 13

# The one list for people, of --help and README.md.
MEANINGS = {
    FINE: "all files fine",
    UNFINISHED: "some files are still to do (status, merge --allow-missing), a song was missed (demo "
    "--compare), or two differ (compare)",
    SOME_FAILED: "some files failed (they are in failures.csv), or sound was lost (listen)",
    NONE_WORKED: "none worked",
    USAGE: "the command makes no sense, may use too little memory or too few files, or would replace what "
    "is not birdfast's",
    UNAVAILABLE: "the cluster is not there, takes no more, or has no machine that is fit, or a store does "
    "not answer as the command begins: later the same command goes on",
    OUTPUT: "the output takes no more (full, gone)",
    LATER: "it left before its time was up, as --requeue-safe says: the same command goes on",
    HUNG_UP: "its terminal was closed",
    INTERRUPTED: "interrupted (Ctrl-C)",
    NOBODY_READS: "the reader of a result has gone",
    TERMINATED: "ended by SIGTERM, as clusters and systemd do",
}


def of(n_failed: int, n_worked: int) -> int:
    """Return the code of a command that went through files: some may have failed, and be heard in part."""
    return FINE if not n_failed else SOME_FAILED if n_worked else NONE_WORKED


def of_run(standing: Standing) -> int:
    """Return the code of a run that is through: a file that was heard in part has not wholly failed."""
    worked = standing.done or standing.audio_s > 0
    return FINE if not standing.failed else SOME_FAILED if worked else NONE_WORKED
