"""Merging: the shards of a run, joined into one set of tables."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from .. import inputs, tables
from ..errors import ConfigError, NotBegunError
from ..journal import BASE, MERGED, Entry, Folder, Record, Standing, total
from ..tables import Result
from ..words import counted
from . import census, gathering, jobarrays, results
from . import partitioned as dataset
from .answers import Answers
from .how import How
from .output import check_no_run, check_tables, output_folder, sign, telling
from .retelling import about_of, write
from .submission import Submission, check_submission
from .submitting import Submitter

MOST_OPEN = 64  # journals at once: each has a file or two, and pages in memory


def merge(
    parts: Sequence[Path],
    folder: Path,
    kinds: Sequence[str] = ("csv",),
    *,
    csv_safe: bool = False,
    force: bool = False,
    submission: Submission | None = None,
    per_file: bool = False,
    allow_missing: bool = False,
    partitioned: bool = False,
    tell: Callable[[str], object] = lambda said: None,
) -> tuple[list[Path], Standing]:
    """Join what the shards of a run found.

    Parameters
    ----------
    parts : sequence of path
        The output folder of each shard; or one in which those lie that job arrays make.
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
        See `How`; recordings are seen from where the shards see them.
    allow_missing : bool
        Write the tables of what is there, though shards or files of theirs are still to be heard.
    partitioned : bool
        Of the kind parquet no table is written but a data set, a partition a share (`partitioned.gather`).
    tell : callable of str
        Hears what is missing, which model knows how much of the submission, and what is of no recording.

    Returns
    -------
    written : list of path
    standing : Standing
        Of the whole run.

    Raises
    ------
    ConfigError
        The parts are not one whole run, or it did not keep the dense rows that are wanted; or a run is at
        work in one of the folders, or in the last there is a run, if only one of the shares, or tables that
        are not known to be ours.
    OutputError
        The folder takes no more.
    """
    for kind in kinds:
        tables.check(kind)
    if partitioned:
        if "parquet" not in kinds or per_file:
            raise ConfigError("partitioned: it takes --rtype parquet, and no table for each recording")
        kinds = [kind for kind in kinds if kind != "parquet"]
    check_submission(kinds, submission)
    submitter = None if submission is None else Submitter(submission)
    output_folder(folder)
    parts = jobarrays.folders(parts)
    with telling(folder), ExitStack() as stack:
        stack.enter_context(Folder(folder))
        check_no_run(folder)
        if partitioned:
            dataset.check(folder)
        records, shares, lacks = _opened(parts, folder, stack, allow_missing=allow_missing)
        bases = [share.facts.asked.get(BASE, "") for share in shares]
        if lacks and submission is not None:
            raise ConfigError(f"submission: a part of the run has not all of its rows ({lacks})")
        every = [Answers(record) for record in records]
        about = about_of(every)
        tables.check_places(folder, kinds, about)
        again = partial(merged, every, so_far=bool(lacks))
        how = How(
            kinds=tuple(kinds),
            csv_safe=csv_safe,
            per_file=per_file,
            base=inputs.shared(bases) if all(bases) else None,  # as the whole run has it
            submission=submission,
        )
        base = how.seen_from(result.path for result in again())
        if not force:
            check_tables(folder, about, MERGED)
            tables.check_files(folder, kinds, about, base, (result.path for result in again()))
        for answers in every:
            answers.check_kinds(kinds)
        tables.tidy(folder, about)
        dataset.tidy(folder)
        if lacks:
            wanted = _n_files(every)
            heard = (record.standing() for record in records)
            there = sum(standing.done + standing.failed for standing in heard)
            tell(f"the tables tell of {there:,} of {counted(wanted, 'file')}: {lacks}")
        for words in (*submitter.fit(about), *submitter.strangers()) if submitter else ():
            tell(words)
        sign(folder, "merge", parts)
        written = write(every, again, folder, how, submitter, base, tell, tell)
        if partitioned:
            written.append(dataset.gather(shares, folder))
        standing = total([record.standing() for record in records])
        unheard = _n_files(every) - standing.files
    gathering.forget(folder)
    return written, standing._replace(waiting=standing.waiting + unheard)


def _opened(
    parts: Sequence[Path], folder: Path, stack: ExitStack, *, allow_missing: bool
) -> tuple[list[Record], list[census.Share], str]:
    """Open the parts, or what is gathered of many; return what each says, and what they lack if it may."""
    is_many, records, every = len(parts) > MOST_OPEN, list[Record](), list[census.Share]()
    unbegun = list[NotBegunError]()
    for part in parts:
        try:
            if is_many:
                with census.at_rest(part, folder) as record:
                    every.append(census.of(record))
            else:
                records.append(stack.enter_context(census.at_rest(part, folder)))
                every.append(census.of(records[-1]))
        except NotBegunError as error:  # its share is missing
            unbegun.append(error)
    if not every:
        raise unbegun[0]
    lacks = census.lacking(every)
    if lacks and not allow_missing:
        raise ConfigError(f"{lacks}; --allow-missing takes what is there")
    if is_many:
        gathered = gathering.gather(every, folder)
        records.append(stack.enter_context(gathered))
    return records, every, lacks


def merged(every: Sequence[Answers], *, so_far: bool = False) -> Iterator[Result]:
    """Yield the files of all shards of a run, in the order of the whole.

    Parameters
    ----------
    every : sequence of Answers
    so_far : bool
        What is not there yet is left out.

    Raises
    ------
    ConfigError
        A file is in two parts, or in none.
    """
    wanted = _n_files(every)
    parts = [_placed(answers.record, place) for place, answers in enumerate(every)]
    found = -1
    for number, place, entry in heapq.merge(*parts, key=lambda part: part[0]):
        path = every[place].record.path
        if number <= found:
            raise ConfigError(f"{path}: damaged (file {number} of the run is in two parts)")
        if number != found + 1 and not so_far:
            raise ConfigError(f"{path}: damaged (file {found + 1} of the run is in no part)")
        found = number
        yield results.result(every[place], entry, so_far=so_far)
    if not so_far and found + 1 != wanted:
        raise ConfigError(f"{every[0].record.path}: damaged ({found + 1} of {wanted} files are there)")


def _n_files(every: Sequence[Answers]) -> int:
    """Return how many files the whole run has."""
    return int(every[0].facts.inputs.split()[0])


def _placed(record: Record, place: int) -> Iterator[tuple[int, int, Entry]]:
    for number, entry in record.entries():
        yield number, place, entry
