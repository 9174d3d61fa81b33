"""Command lines that are proposed: to be typed as the one was that proposes them."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

NAME = "birdfast"
MOST_SIGNS = (
    1000  # of a command that is shown again: one that a shell made of thousands of files says nothing
)


def proposed(command: str, *arguments: object) -> str:
    """Return a command of ours as it can be typed here: the script by its name where the shell finds it.

    Parameters
    ----------
    command : str
        "infer", or "models add".
    *arguments : object
        Quoted where a shell wants it.
    """
    words = [shlex.quote(str(one)) for one in arguments]
    return " ".join([called(sys.argv, sys.orig_argv), command, *words])


def again(arguments: Sequence[str]) -> str:
    """Return the command that goes on where one was stopped, without --force; "" where it is too long.

    Parameters
    ----------
    arguments : sequence of str
        The command, and what was given to it.
    """
    command, *rest = arguments
    told = proposed(command, *(one for one in rest if not ("--force".startswith(one) and one > "--f")))
    return told if len(told) <= MOST_SIGNS else ""


def called(arguments: Sequence[str], whole: Sequence[str]) -> str:
    """Return how this program was called: `birdfast`, the script's path, or `python -m birdfast`.

    Parameters
    ----------
    arguments, whole : sequence of str
        `sys.argv` and `sys.orig_argv`. A program that takes us for a library is told `birdfast`.
    """
    if "-m" in whole[:-1] and whole[(place := whole.index("-m")) + 1] == NAME:
        return " ".join(map(shlex.quote, whole[: place + 2]))
    script = arguments[0] if arguments else ""
    if Path(script).stem != NAME:
        return NAME
    found = shutil.which(NAME)
    is_found = found is not None and os.path.realpath(found) == os.path.realpath(script)
    return NAME if is_found else shlex.quote(script)
