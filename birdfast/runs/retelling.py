"""Retelling: what journals say to a question becomes tables, when a run ends and whenever it is asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from .. import tables
from ..config import MIN_CONFIDENCE
from ..journal import BASE, MERGED, Facts, Folder, Journal, Record, Standing, total, vouchers
from ..tables import About
from ..tables.parquet import ParquetTable
from ..words import counted
from . import results
from .answers import Answers
from .asked import changed
from .how import How
from .output import check_no_run, check_tables, output_folder, sign, telling
from .submitting import Again, Submitter, write_tables

Tell = Callable[[str], object]
Asked = Callable[[Facts], Facts]  # a run's facts, with what is asked of it anew
Ready = tuple[Answers, Submitter | None, str | None, list[str]]  # what tables are written of, and is told
Counted = tuple[int, int, int]  # detections, the file's id, the model


def write(
    every: Sequence[Answers],
    again: Again,
    folder: Path,
    how: How,
    submitter: Submitter | None,
    base: str | None,
    tell: Tell,
    warn: Tell,
) -> list[Path]:
    """Write the tables of what journals answer, and return where they are.

    Parameters
    ----------
    every : sequence of Answers
        Those of one run, or of all its shards: the first says what the tables say of it.
    again : callable
        Returns the files of the run, as often as it is asked.
    folder : path
    how : How
    submitter : Submitter or None
    base : str or None
        See `tables.write_all`.
    tell, warn : callable of str
        Hear what is known of the recordings as a whole, and what the submission leaves over.
    """
    where, said = every[0].where, len(every[0].where.words)
    where.survey(chain.from_iterable(answers.record.recordings() for answers in every))
    for words in where.words[said:]:
        tell(words)
    about, safe = about_of(every), how.csv_safe
    written = write_tables(folder, how.kinds, about, again, submitter, csv_safe=safe, base=base)
    for words in submitter.left_over() if submitter is not None else ():
        warn(words)
    return written


def vouch(journal: Journal, written: Sequence[Path]) -> None:
    """Let a share's journal remember which table of detections is of it: merge may take that as it is."""
    if journal.facts().shard:
        for table in written:
            if table.name == ParquetTable.name:
                vouchers.give(journal, table)


def about_of(every: Sequence[Answers]) -> About:
    """Return what tables say of a run, of which parts lie in several journals: rows that all of them kept."""
    about, *others = (answers.about for answers in every)
    models = []
    for number, model in enumerate(about.models):
        widths = {
            kind: width
            for kind, width in model.widths.items()
            if all(kind in other.models[number].widths for other in others)
        }
        models.append(model._replace(widths=widths))
    return about._replace(models=tuple(models))


def retell(
    run: Path,
    folder: Path | None,
    how: How,
    picking: Mapping[str, Any],
    question: Mapping[str, Any],
    tell: Tell = lambda said: None,
) -> tuple[list[Path], Standing]:
    """Write tables of what a run heard, with another question to it; nothing is heard.

    Parameters
    ----------
    run : path
        The output folder of a run, at its end or not: of one that is not it is what is done.
    folder : path or None
        Where the tables go; None is the run's own folder, which is then asked that.
    how : How
        What of it is of tables.
    picking, question : dict
        What is asked anew, of the scores and else, by the names of `config.Options` and `Question`; all else
        is as it was asked last.
    tell : callable of str
        Hears what is to be known of it.

    Returns
    -------
    written : list of path
    standing : Standing
        Of the run.

    Raises
    ------
    ConfigError
        There is no such run; what it kept does not answer the question; the folder is of another run, or has
        tables that are not known to be ours.
    OutputError
        The folder takes no more.
    """
    for kind in how.kinds:
        tables.check(kind)
    asked = partial(_anew, picking=picking, question=question)
    if folder is None or (folder.exists() and folder.samefile(run)):
        return _in_place(run, how, asked, tell)
    with Record(run) as before:
        known = asked(before.facts())
    output_folder(folder)
    with telling(folder), Folder(folder), Record(run) as record:
        check_no_run(folder)
        return _retold(_ready(record, known, folder, how), folder, how, tell)[0], record.standing()


def retell_shares(
    parts: Sequence[Path],
    how: How,
    picking: Mapping[str, Any],
    question: Mapping[str, Any],
    tell: Tell = lambda said: None,
) -> Standing:
    """Ask all shares of a run the same, each in its own folder; `merge` joins their tables.

    All are locked, and could answer, before the tables of the first are replaced: shares of two questions are
    no whole.

    Parameters
    ----------
    parts : sequence of path
        The shares' output folders.
    how, picking, question, tell
        As `retell`.

    Returns
    -------
    Standing
        Of all of them.

    Raises
    ------
    ConfigError, OutputError
        As `retell`; a share is not begun, or a run is at work in it.
    """
    for kind in how.kinds:
        tables.check(kind)
    asked, standings = partial(_anew, picking=picking, question=question), list[Standing]()
    with ExitStack() as stack:
        locks = [stack.enter_context(Folder(part)) for part in parts]
        for part, lock in zip(parts, locks, strict=True):
            with _own(part, asked, lock) as (journal, known):
                _ready(journal, known, part, how)
        for part, lock in zip(parts, locks, strict=True):
            written, standing = _in_place(part, how, asked, tell, lock)
            tell(f"written: {', '.join(map(str, written))}")
            standings.append(standing)
    return total(standings)


def _in_place(
    run: Path, how: How, asked: Asked, tell: Tell, lock: Folder | None = None
) -> tuple[list[Path], Standing]:
    """Write a run's tables into its own folder, which may be locked already."""
    with _own(run, asked, lock) as (journal, known):
        written, counts = _retold(_ready(journal, known, run, how), run, how, tell)
        journal.count(counts)
        vouch(journal, written)
        return written, journal.standing()


@contextmanager
def _own(run: Path, asked: Asked, lock: Folder | None) -> Iterator[tuple[Journal, Facts]]:
    """Open a run's journal to write down what is asked, and say what that makes of its facts."""
    with Record(run) as before:
        known = asked(before.facts())
    with telling(run), Journal(lock.lent() if lock else run, known) as journal:
        yield journal, known


def _anew(known: Facts, picking: Mapping[str, Any], question: Mapping[str, Any]) -> Facts:
    """Return the facts of a run of which something is asked anew."""
    if "min_confidence" in picking and picking["min_confidence"] is None:
        picking = {**picking, "min_confidence": _usual_confidence(known)}
    return known.asking(changed(known.asked, picking, question))


def _usual_confidence(known: Facts) -> float | None:
    """Return the least confidence of a run that is asked for none: see `thresholds.settled`."""
    models = range(len(known.about.models))
    return None if any(known.of_model(model, "thresholds") for model in models) else MIN_CONFIDENCE


def _ready(record: Record, known: Facts, folder: Path, how: How) -> Ready:
    """Refuse what cannot be answered, or whose tables may not lie in the folder; nothing is changed yet."""
    answers = Answers(record, known.asked)
    answers.check()
    answers.check_kinds(how.kinds)
    about, paths = answers.about, [path for path, _ in record.recordings()]
    tables.check_places(folder, how.kinds, about)
    base = dataclasses.replace(how, base=how.base or known.asked.get(BASE)).seen_from(paths)
    if not how.force:
        check_tables(folder, about, MERGED)
        tables.check_files(folder, how.kinds, about, base, paths)
    submitter = None if how.submission is None else Submitter(how.submission, paths)
    of_submission = () if submitter is None else (*submitter.fit(about), *submitter.strangers())
    return answers, submitter, base, [*answers.where.words, *of_submission]


def _retold(ready: Ready, folder: Path, how: How, tell: Tell) -> tuple[list[Path], list[Counted]]:
    """Write tables where they may lie; return them, and how many detections are others than is known."""
    answers, submitter, base, words = ready
    record = answers.record
    for said in words:
        tell(said)
    if waiting := record.standing().waiting:
        tell(f"{counted(waiting, 'file')} still to do: the tables tell of what is done")
    tables.tidy(folder, answers.about)
    if isinstance(record, Journal):
        record.ask(answers.facts.asked)
    else:
        sign(folder, "tables", [record.path.parent])
    counts = list[Counted]()
    again = partial(results.results, answers, so_far=True, count=counts.append)
    return write([answers], again, folder, how, submitter, base, tell, tell), counts
