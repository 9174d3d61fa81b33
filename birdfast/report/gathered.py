"""Gathered: all that the page says of a run, read from its journal."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from .. import bars
from ..arrays import Int64, Rows
from ..config import whole
from ..journal import Entry, Record, Standing
from ..journal.stamp import Stamp
from ..outcomes import Failure
from ..runs.answers import Answers
from ..runs.results import result
from ..tables import Result
from .effort import Effort, begins
from .rows import Best
from .sizes import MOST, MOST_EVER

MOST_FAILURES = 500  # of which it has the names


class File(NamedTuple):
    """A recording that rows are of.

    Attributes
    ----------
    path : str
    lasts_s : float
        0 where nobody knows.
    begins_ms : int or None
        When it begins by the clock of its place, counted as if that were UTC.
    site, recorder : str
    stamp, head : Stamp, bytes or None
        What it was when it was heard.
    """

    path: str
    lasts_s: float
    begins_ms: int | None
    site: str
    recorder: str
    stamp: Stamp
    head: bytes | None


class Gathered(NamedTuple):
    """What there is to show.

    Attributes
    ----------
    key : str
        What tells this run from others.
    rows : [n] of `rows.ROW`
        In the order of the run; `n_detections` may be more.
    files : list of File
    species : list of (str, str)
    counts : int64 [n_species]
        All of a species, also those that are no rows.
    models : list of str
    standing : Standing
    failures : list of Failure
        The first ones; `n_failures` by the kind of error are all.
    effort : Effort
        When and where was listened.
    settings : dict of str to str
    folder : path
        The run's.
    embedding : tuple of str
        The models of which it kept the embeddings of all windows.
    """

    key: str
    rows: Rows
    n_detections: int
    files: list[File]
    species: list[tuple[str, str]]
    counts: Int64
    models: list[str]
    standing: Standing
    failures: list[Failure]
    n_failures: Mapping[str, int]
    effort: Effort
    settings: Mapping[str, str]
    folder: Path = Path()
    embedding: tuple[str, ...] = ()


def gather(folder: Path, most: int = MOST, *, bar: bool = False) -> Gathered:
    """Read what there is to show of a run; of one that is not at its end what is done.

    Parameters
    ----------
    folder : path
        The output folder of `birdfast infer`.
    most : int
        How many detections at most: the most confident.
    bar : bool
        Show how far it is, on a terminal.

    Raises
    ------
    ConfigError
        There is no such run, or its journal is damaged.
    """
    best, files = Best(whole("most", most, 1, MOST_EVER)), list[File]()
    failures, n_failures, effort = list[Failure](), Counter[str](), Effort()
    with ExitStack() as stack:
        record = stack.enter_context(Record(folder))
        answers, standing = Answers(record), record.standing()
        shown = stack.enter_context(bars.of_recordings(standing.files, shown=bar, doing="gathered"))
        for _, entry in record.entries():
            found = result(answers, entry, so_far=True)
            failures += found.failures[: MOST_FAILURES - len(failures)]
            n_failures.update(failure.error for failure in found.failures)
            effort.add(found)
            is_there = False
            for part in found.parts:
                best.add(len(files), part)
                is_there |= bool(part)
            if is_there:
                files.append(_file(found, entry))
            shown.update()
            if len(files) > 4 * most:  # most of them have no row that is shown
                files = _used(best, files)
        about = answers.about
        embedding = tuple(model.name for model in about.models if "embeddings" in model.widths)
        decides = json.dumps(dict(record.facts().decides), sort_keys=True)
    files = _used(best, files)
    return Gathered(
        hashlib.blake2b(decides.encode(), digest_size=8).hexdigest(),
        best.rows(),
        best.n,
        files,
        [(scientific, common) for scientific, common in best.species],
        best.counts(),
        [name for (name,) in best.models],
        standing,
        failures,
        n_failures,
        effort,
        dict(about.metadata),
        folder,
        embedding,
    )


def _file(found: Result, entry: Entry) -> File:
    site, recorder = (str(found.facts.get(name, "")) for name in ("site", "recorder"))
    return File(found.path, found.lasts_s, begins(found), site, recorder, entry.stamp, entry.head)


def _used(best: Best, files: list[File]) -> list[File]:
    """Return the files that the best rows are of, and let the rows name them by their new places."""
    return [files[number] for number in best.renumber()]
