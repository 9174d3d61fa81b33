"""Job arrays: which share of a run is this process's, as the scheduler that started it says."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..config import By
from ..errors import ConfigError
from ..journal.whereis import SHARE, shares
from ..sources import deposits, stores
from ..sources.urls import LINK
from . import shards
from .shards import Shard

AUTO, NONE = "auto/", "none"
TELL = "say --shard auto/N with N shares in all, or --shard none for all files"


class Task(NamedTuple):
    """A task of a job array: its number, its place among all (None: nobody knows how many), all numbers."""

    name: str
    number: int
    place: Shard | None
    every: range = range(0)


class Chosen(NamedTuple):
    """The share that is to be heard, if not all is, and the variable that says so, if one does.

    `guessed_of` are the numbers of the array's tasks where nobody asked for a share.
    """

    shard: Shard | None
    of: str = ""
    guessed_of: range | None = None


class Settled(NamedTuple):
    """The share that is heard, its output, and what is said of it: that nobody asked for one is a warning."""

    shard: Shard | None
    output: Path | str
    said: str = ""
    is_guessed: bool = False


def chosen(text: str | None, by: By, environment: Mapping[str, str]) -> Chosen:
    """Return the share that `--shard` asks for: "2/4", "auto/4", "none", or what the environment says.

    Parameters
    ----------
    text : str or None
    by : "hash" or "bytes"
    environment : mapping of str to str

    Raises
    ------
    ConfigError
        It makes no sense, or the environment does not tell the share.
    """
    if text == NONE:
        return Chosen(None)
    if text == "auto":
        raise ConfigError(f"shard: {text}: of how many shares is not told; {TELL}")
    if text is not None and not text.startswith(AUTO):
        return Chosen(shards.parse(text, by))
    if text is not None:
        _check_number(text)
    found = _agreed(list(_tasks(environment)))
    if text is not None:
        return _of_so_many(text, by, found)
    if not found:
        return Chosen(None)
    (task,) = found
    if task.place is None:
        raise ConfigError(
            f"{task.name}: task {task.number} of an array, of how many shares is not told; {TELL}"
        )
    return Chosen(task.place._replace(by=by), task.name, task.every)


def settled(
    text: str | None, by: By, environment: Mapping[str, str], output: Path | str, inputs: Iterable[str]
) -> Settled:
    """Return the share that is to be heard, and where its results go.

    Parameters
    ----------
    text, by, environment
        As `chosen`.
    output : path or URL
    inputs : iterable of str
        As somebody gave them.

    Raises
    ------
    ConfigError
        As `chosen`, `check_meant` and `folder`.
    """
    found = chosen(text, by, environment)
    check_meant(found, [os.fspath(output), *inputs])
    if found.shard is None or not found.of:
        return Settled(found.shard, output)
    output = folder(output, found.shard)
    told = f"share {found.shard.number} of {found.shard.of}, of {found.of}; in {output}"
    return Settled(found.shard, output, told, is_guessed=found.guessed_of is not None)


def check_meant(found: Chosen, names: Iterable[str]) -> None:
    """Refuse to guess that a share is meant where a script may have names of its own for each task.

    A share of one task's recordings is nobody's wish, and the others would be lost in silence. Any task's
    number counts: a name that is the same for all, as results-2026-05, is refused by all of them or by none.

    Raises
    ------
    ConfigError
        A name of an input or of the output has the number of a task in it.
    """
    if found.shard is None or found.guessed_of is None:
        return
    of = found.shard.of
    share = f"auto/{of}" if found.guessed_of == range(1, of + 1) else f"I/{of} (I counts from 1)"
    for name in names:
        for digits in re.findall(r"\d+", LINK.sub("", name)):  # the 3 of s3:// is no task's
            if shards.is_number(number := digits.lstrip("0") or "0") and int(number) in found.guessed_of:
                raise ConfigError(
                    f"{name}: its {digits} may be the number of a task ({found.of}); say --shard"
                    f" {share} for the share of this task, or --shard none for all files, as where each task"
                    " has its own"
                )


def folder(output: Path | str, shard: Shard) -> Path | str:
    """Return a share's own folder below that of all, or its URL below a URL.

    Raises
    ------
    ConfigError
        Shares of another division lie there: a part of an array that was started again is none of its own.
    """
    is_url = isinstance(output, str) and stores.is_url(output)
    names = deposits.names(str(output)) if is_url else [one.name for one in shares(Path(output))]
    for name in sorted(names):
        is_share = SHARE.fullmatch(name)
        if is_share and int(is_share[2]) != shard.of:
            raise ConfigError(
                f"{output}/{name}: the run has been divided into {int(is_share[2])} shares, now {shard.of};"
                f" say --shard auto/{int(is_share[2])} to go on, or take another folder"
            )
    name = f"shard-{shard.number:0{len(str(shard.of))}}-of-{shard.of}"
    return f"{str(output).rstrip('/')}/{name}" if is_url else Path(output) / name


def folders(parts: Sequence[Path]) -> list[Path]:
    """Return the folders of shares; in the place of one that holds some, those."""
    return [one for part in parts for one in shares(part) or [part]]


def _agreed(found: list[Task]) -> list[Task]:
    """Return the one task that several schedulers tell of, if they say the same of it."""
    if len({task.number for task in found}) > 1 or len({task.place for task in found if task.place}) > 1:
        raise ConfigError(
            f"{' and '.join(task.name for task in found)}: which of them counts? say --shard I/N, the share I"
            " of N, or --shard none for all files"
        )
    return sorted(found, key=lambda task: task.place is None)[:1]


def _check_number(text: str) -> None:
    """Refuse "auto/x", whatever this is a task of."""
    number = text.removeprefix(AUTO)
    if not shards.is_number(number) or not int(number):
        raise ConfigError(
            f"shard: {text!r} does not fit: {number!r} is no number of shares, from 1 to {shards.MOST:,};"
            f" {TELL}"
        )


def _of_so_many(text: str, by: By, found: list[Task]) -> Chosen:
    """Return the share of a task whose index counts from 1 to a number that is told."""
    if not found:
        raise ConfigError(f"shard: {text}: this is no task of a job array ({', '.join(map(str, NAMES))})")
    (task,) = found
    try:
        return Chosen(shards.parse(f"{task.number}/{text.removeprefix(AUTO)}", by), task.name)
    except ConfigError as error:
        raise ConfigError(
            f"shard: {text!r} does not fit task {task.number} ({task.name}); tasks count from 1, as in"
            " --array=1-50 with auto/50"
        ) from error


def _tasks(environment: Mapping[str, str]) -> Iterator[Task]:
    """Yield what each scheduler says; without an array some say "undefined" or 0."""
    for name, (first, last, step, count) in NAMES.items():
        told = environment.get(name, "")
        if told in ("", "undefined") or (told == "0" and name == "LSB_JOBINDEX"):
            continue
        index = _number(name, told)
        if last == "" or last not in environment:
            yield Task(name, index, None)
            continue
        low, high, by = (_number(one, environment.get(one, "1")) for one in (first, last, step))
        place = _place(index, low, high, by, environment.get(count))
        yield Task(name, index, place, range(low, high + 1, max(1, by)))


def _place(index: int, first: int, last: int, step: int, count: str | None) -> Shard | None:
    """Return a task's place among those from first to last; None if they do not lie so.

    One task alone that is not the first of anything is what is left of a larger array.
    """
    if step < 1 or not first <= index <= last or (index - first) % step or (last == first > 1):
        return None
    of = (last - first) // step + 1
    if count is not None and count != str(of):
        return None
    return Shard((index - first) // step + 1, of)


def _number(name: str, text: str) -> int:
    if not shards.is_number(text):
        raise ConfigError(f"{name}: {text!r} is no task's number; {TELL}")
    return int(text)


# The index of a task, then what says the first, the last, the step and how many there are, by its name.
NAMES = {
    "SLURM_ARRAY_TASK_ID": (
        "SLURM_ARRAY_TASK_MIN",
        "SLURM_ARRAY_TASK_MAX",
        "SLURM_ARRAY_TASK_STEP",
        "SLURM_ARRAY_TASK_COUNT",
    ),
    "PBS_ARRAY_INDEX": ("", "", "", ""),
    "PBS_ARRAYID": ("", "", "", ""),
    "LSB_JOBINDEX": ("", "LSB_JOBINDEX_END", "LSB_JOBINDEX_STEP", ""),
    "SGE_TASK_ID": ("SGE_TASK_FIRST", "SGE_TASK_LAST", "SGE_TASK_STEPSIZE", ""),
}
