"""Submitting: the scores that a run kept become rows for a competition, file by file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from .. import postprocessing, submission, tables
from ..arrays import Float32
from ..config import choice
from ..errors import ConfigError
from ..outcomes import row
from ..sources import classes
from ..spool import Spool, change_columns
from ..submission import NEUTRAL, ROW_S, Columns, Overlap, Sample, Stems, percentiles
from ..submission.blending import Share, blended
from ..submission.sample import ROW_ID
from ..tables import SUBMISSION, About, Result, escaped
from ..words import counted
from .submission import LONGEST_S, Submission

Again = Callable[[], Iterator[Result]]
CLASSES = "--classes takes a CSV of what models call them"
MOST_NAMED = 3


class Submitter:
    """Makes a submission's rows of what a run kept.

    Parameters
    ----------
    asked : Submission
    paths : sequence of str
        The recordings, of which no two may have one name.

    Raises
    ------
    ConfigError
        A file that is named cannot be read, or two recordings would have the same rows.

    Attributes
    ----------
    header : tuple of str
        The table's columns.
    n_left_over : int
        Rows of the sample that are of no recording; known when all `results` are through.
    """

    def __init__(self, asked: Submission, paths: Sequence[str] = ()) -> None:
        self._asked, self._sample = asked, Sample.read(Path(asked.sample))
        self._called = classes.read(asked.classes, ConfigError) if asked.classes is not None else {}
        self._stems, self._seen = Stems(self._sample.ends_s), dict[str, str]()
        self.header, self.n_left_over = self._sample.header, 0
        for one in paths:
            self._see(one)

    def fit(self, about: About) -> list[str]:
        """Find out which model knows which column, and return it in words.

        Raises
        ------
        ConfigError
            None knows any, or there is none of a name that `blend` has.
        """
        names = [model.name for model in about.models]
        for name in self._asked.blend:
            choice("blend", name, names)
        blend = self._asked.blend or dict.fromkeys(names, 1.0)
        self._weights = {number: blend[name] for number, name in enumerate(names) if name in blend}
        own = json.loads(about.metadata.get("post", "null")) if self._asked.post is None else None
        self._own = [postprocessing.parsed(steps) for steps in own or [()] * len(names)]
        self._post = postprocessing.parsed(self._asked.post or ())
        self._columns, words, self._strangers = dict[int, Columns](), [], list[str]()
        wanted = self._sample.classes
        for number_ in self._weights:
            spaces = about.models[number_].label_spaces
            called = [pair for one in spaces for pair in zip(one.scientific, one.common, strict=True)]
            found = self._columns[number_] = submission.columns_of(wanted, called, self._called)
            words.append(f"{names[number_]} knows {_known_of(wanted, found)}")
            if not len(found.known):
                self._strangers.append(names[number_])
        if not any(len(columns.known) for columns in self._columns.values()):
            raise ConfigError(
                f"{self._asked.sample}: no model knows a class of it, as {wanted[0]}; {CLASSES}"
            )
        self._unheard = self._of_unheard()
        return words

    def results(self, again: Again, folder: Path) -> Iterator[Result]:
        """Yield what the tables say of each file, with the rows of its submission; then the sample's others.

        Parameters
        ----------
        again : callable
            Returns the files of the run, as often as it is asked.
        folder : path
            On whose disk is what does not fit the memory: to be ranked, all rows have to be there.
        """
        self._seen.clear()
        ranked = self._ranked(again, folder) if self._asked.blend_by == "rank" else None
        first = 0
        for result in again():
            self._see(result.path)
            n = self._n_rows(result)
            if ranked is None:
                values = self._values(result, n)
            else:
                values = {model: np.array(rows[first : first + n]) for model, rows in ranked.items()}
            first += n
            shares = [Share(self._weights[m], self._columns[m].known, values[m]) for m in values]
            scores, told = blended(shares, self._asked.blend_by, self._unheard, n)
            scores = postprocessing.apply(self._post, scores, told)
            named = result._replace(facts={**result.facts, ROW_ID: self._stem(result.path)})
            yield _with(named, self._ends(result.path, n), scores, self._unheard)
        for name, ends_s in self._sample.ends_s.items():
            if name not in self._seen:
                self.n_left_over += len(ends_s)
                nothing = np.zeros((0, len(self._sample.prior)), np.float32)
                yield _with(Result(f"{name}.ogg", []), ends_s, nothing, self._unheard)

    def strangers(self) -> list[str]:
        """Return in words which models of a blend know no class of the sample."""
        return [
            f"{name} knows no class of the sample, so it is not blended; {CLASSES}"
            for name in self._strangers
        ]

    def left_over(self) -> list[str]:
        """Return in words how many rows of the sample are of no recording, and which names are no UTF-8."""
        said = []
        if self.n_left_over:
            has = "ranked in the middle" if self._asked.blend_by == "rank" else "with its values"
            said.append(f"{counted(self.n_left_over, 'row')} of the sample: of no recording here, {has}")
        odd = [
            name
            for name, recording in self._seen.items()
            if Path(recording).stem != escaped(Path(recording).stem)
        ]
        if odd:
            rows = f"their rows are called as {odd[0]}_{ROW_S}"
            said.append(f"{counted(len(odd), 'file')} with a name that is not UTF-8: {rows}")
        return said

    def _of_unheard(self) -> Float32:
        """Return what a row has that nobody heard: float32 [n_classes].

        That is the prior, but among percentiles a class that is known has `NEUTRAL`, as the steps leave it:
        a prior would rank such a row behind all others.
        """
        found = self._sample.prior.copy()
        if self._asked.blend_by == "rank":
            known = np.concatenate([columns.known for columns in self._columns.values()])
            found[known] = postprocessing.apply(self._post, np.full((1, 1), NEUTRAL, np.float32))
        return found

    def _ranked(self, again: Again, folder: Path) -> dict[int, Float32]:
        """Return each model's rows of all files, [n_rows, n_known], as percentiles of their columns."""
        spools = {model: Spool(len(columns.known), folder) for model, columns in self._columns.items()}
        for result in again():
            for model, values in self._values(result, self._n_rows(result)).items():
                spools[model].add(values)
        ranked = {model: spool.array() for model, spool in spools.items()}
        for rows in ranked.values():
            change_columns(rows, percentiles)
        return ranked

    def _values(self, result: Result, n: int) -> dict[int, Float32]:
        """Return what each model says of a file's rows: float32 [n, n_known]."""
        found = {}
        for model, columns in self._columns.items():
            overlap = Overlap(n, len(columns.known), self._asked.by)
            for rows in result.dense.get((model, "scores"), ()):
                overlap.add(rows["start_s"], rows["end_s"], columns.of(rows["values"]))
            values, heard = overlap.rows()
            told = np.broadcast_to(heard[:, None], values.shape)
            found[model] = postprocessing.apply(self._own[model], values, told)
        return found

    def _n_rows(self, result: Result) -> int:
        """Return how many rows a file has: by what was heard, or what its header promises, or is usual."""
        promised = (min(failure.duration_s or 0, LONGEST_S) for failure in result.failures)
        heard = submission.n_rows(max(result.audio_s, *promised, 0))
        return max(heard, submission.n_rows(self._asked.length_s))

    def _ends(self, recording: str, n: int) -> list[int]:
        """Return where a file's rows end: those that it has, and those that the sample wants of it."""
        more = self._sample.ends_s.get(self._stem(recording), ())
        return sorted({*range(ROW_S, (n + 1) * ROW_S, ROW_S), *more})

    def _stem(self, recording: str) -> str:
        """Return what a file's rows are called by: a table is UTF-8, so bytes that are none are escaped."""
        return self._stems.of(escaped(recording))

    def _see(self, recording: str) -> None:
        other = self._seen.setdefault(self._stem(recording), recording)
        if other != recording:
            one, other = escaped(recording), escaped(other)
            raise ConfigError(f"{one}: would have the same row_ids as {other}; rename one of them")


def write_tables(
    folder: Path,
    kinds: Sequence[str],
    about: About,
    again: Again,
    submitter: Submitter | None,
    *,
    csv_safe: bool = False,
    base: str | None = None,
) -> list[Path]:
    """Write the tables of a run, as `tables.write_all`, with those of a submission if there is to be one.

    `again` returns the files of the run, as often as it is asked.
    """
    found, header = (
        (again(), ()) if submitter is None else (submitter.results(again, folder), submitter.header)
    )
    return tables.write_all(folder, kinds, about, found, header=header, csv_safe=csv_safe, base=base)


def _known_of(wanted: Sequence[str], found: Columns) -> str:
    """Return in words how many of the sample's classes are known, and which are not."""
    missing = [escaped(wanted[place]) for place in sorted({*range(len(wanted))} - {*found.known.tolist()})]
    words = f"{len(found.known):,} of the sample's {len(wanted):,} classes"
    if not missing or len(missing) == len(wanted):
        return words
    named, more = ", ".join(missing[:MOST_NAMED]), len(missing) - MOST_NAMED
    return f"{words}, not {named}{f' and {more:,} more' if more > 0 else ''}; {CLASSES}"


def _with(result: Result, ends_s: Sequence[int], scores: Float32, unheard: Float32) -> Result:
    """Return a result with its submission's rows: those behind the scores have what is of the unheard."""
    rows = np.zeros(len(ends_s), row(len(unheard)))
    rows["end_s"] = ends_s
    rows["start_s"] = rows["end_s"] - ROW_S
    rows["values"] = unheard
    rows["values"][: len(scores)] = scores
    return result._replace(dense={**result.dense, (0, SUBMISSION): [rows]})
