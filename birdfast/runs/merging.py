"""Merging: the shards of a run, joined into one set of tables."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path

from .. import inputs, journal, tables
from ..errors import ConfigError
from ..journal import MERGED, Entry, Folder, Record, Standing, compare, total
from ..tables import Result
from . import results, shards
from .answers import Answers
from .how import How
from .output import check_no_run, check_tables, output_folder, sign, telling
from .retelling import about_of, write
from .submission import Submission, check_submission
from .submitting import Submitter


def merge(
    parts: Sequence[Path],
    folder: Path,
    kinds: Sequence[str] = ("csv",),
    *,
    csv_safe: bool = False,
    force: bool = False,
    submission: Submission | None = None,
    per_file: bool = False,
    tell: Callable[[str], object] = lambda said: None,
) -> tuple[list[Path], Standing]:
    """Join what the shards of a run found.

    Parameters
    ----------
    parts : sequence of path
        The output folder of each shard.
    folder : path
        Where the tables go; made if it is missing.
    kinds : sequence of str
        See `tables.KINDS`.
    csv_safe : bool
        See `How`.
    force : bool
        Replace files of the tables' names that are not known to be ours.
    submission : Submission or None
        See `How`.
    per_file : bool
        See `How`; recordings are seen from the folder that all of them share.
    tell : callable of str
        Hears which model knows how much of the submission, and what is of no recording.

    Returns
    -------
    written : list of path
    standing : Standing
        Of the whole run.

    Raises
    ------
    ConfigError
        The parts are not one whole run, or it did not keep the dense rows that are wanted; or a run is at
        work in one of the folders, or in the last there are another run, or tables that are not known to be
        ours.
    OutputError
        The folder takes no more.
    """
    for kind in kinds:
        tables.check(kind)
    check_submission(kinds, submission)
    submitter = None if submission is None else Submitter(submission)
    output_folder(folder)
    with telling(folder), ExitStack() as stack:
        stack.enter_context(Folder(folder))
        check_no_run(folder, *parts)
        records = [stack.enter_context(_at_rest(part, folder)) for part in parts]
        _check(records)
        every = [Answers(record) for record in records]
        about = about_of(every)
        tables.check_places(folder, kinds, about)
        again = partial(merged, every)
        base = inputs.base((), (result.path for result in again())) if per_file else None
        if not force:
            check_tables(folder, about, MERGED)
            tables.check_files(folder, kinds, about, base, (result.path for result in again()))
        for answers in every:
            answers.check_kinds(kinds)
        tables.tidy(folder, about)
        for words in (*submitter.fit(about), *submitter.strangers()) if submitter else ():
            tell(words)
        sign(folder, "merge", parts)
        how = How(kinds=tuple(kinds), csv_safe=csv_safe, submission=submission)
        written = write(every, again, folder, how, submitter, base, tell, tell)
        return written, total([record.standing() for record in records])


@contextmanager
def _at_rest(part: Path, folder: Path) -> Iterator[Record]:
    """Read a part in which no run is at work, nor begins; others may merge it, too."""
    journal.path_of(part)
    with nullcontext() if part.samefile(folder) else Folder(part, shared=True), Record(part) as record:
        yield record


def _check(records: Sequence[Record]) -> None:
    """Refuse parts that are not one whole run."""
    first = records[0].facts()
    every = []
    for record in records:
        facts = record.facts()
        if not facts.shard:
            raise ConfigError(f"{record.path}: not of a run with --shard")
        compare(record.path, first, facts, shards=False, asked=True)
        if not record.is_planned():
            raise ConfigError(f"{record.path}: its files are not planned yet; finish that run first")
        if waiting := record.standing().waiting:
            raise ConfigError(f"{record.path}: {waiting} files are still to do; finish that run first")
        every.append(shards.parse(facts.shard))
    shards.check_all(every)


def merged(every: Sequence[Answers]) -> Iterator[Result]:
    """Yield the files of all shards of a run, in the order of the whole.

    Raises
    ------
    ConfigError
        A file is in no part.
    """
    wanted = int(every[0].facts.inputs.split()[0])
    parts = [_placed(answers.record, place) for place, answers in enumerate(every)]
    found = -1
    for found, (number, place, entry) in enumerate(heapq.merge(*parts, key=lambda part: part[0])):
        if number != found:
            path = every[place].record.path
            raise ConfigError(f"{path}: damaged (file {found} of the run is in no part)")
        yield results.result(every[place], entry)
    if found + 1 != wanted:
        raise ConfigError(f"{every[0].record.path}: damaged ({found + 1} of {wanted} files are there)")


def _placed(record: Record, place: int) -> Iterator[tuple[int, int, Entry]]:
    for number, entry in record.entries():
        yield number, place, entry
