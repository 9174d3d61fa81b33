"""Results: what a run found, read from its folder, whether it is a program that asks or a table."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from .. import labels, merging, tables
from ..arrays import Float32, Float64, Int32
from ..config import Dense
from ..config import path as checked
from ..errors import ConfigError
from ..journal import Entry, Record, Standing
from ..labels import Labels
from ..outcomes import Detection, Failure, Note, noted
from ..sources import stores
from ..tables import Anew, Result
from ..words import install_hint
from .answers import Answers
from .tally import Tally

Count = Callable[[tuple[int, int, int]], object]


class Windows(NamedTuple):
    """What a model says of some of a file's windows, one after the other.

    Attributes
    ----------
    file : str
    start_s, end_s : float64 [n]
    channel : int32 [n]
        1 is the recording's first; 0 all channels together.
    values : float32 [n, width]
        Confidences of all classes, 0 to 1, or embeddings.
    """

    file: str
    start_s: Float64
    end_s: Float64
    channel: Int32
    values: Float32


class Results:
    """What is in the output folder of a run. Nothing is read before it is asked for.

    Iterating gives its detections (`Detection`), file by file in the order of the run, model by model
    and in time. Of a run that is not at its end it is what is done: a file's when all of it was heard.

    Parameters
    ----------
    folder : path

    Attributes
    ----------
    tables : list of path
        The tables that were written when the run ended.
    stopped : Failure or None
        What ended a run that was to stop at the first failure.
    tally : Tally
        Which species were heard and how often, and which files failed.

    Raises
    ------
    ConfigError
        From whatever reads: the folder has no journal, or one that was damaged.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        tables: Sequence[Path] = (),
        stopped: Failure | None = None,
        tally: Tally | None = None,
    ) -> None:
        name = checked("folder", folder)
        if stores.is_url(name):
            raise ConfigError(f"folder: {name} is a URL; it takes a folder of this machine")
        self.folder, self.tables, self.stopped = Path(name), list(tables), stopped
        self._tally = tally

    def __repr__(self) -> str:
        return f"Results({str(self.folder)!r})"

    def __iter__(self) -> Iterator[Detection]:
        with Record(self.folder) as record:
            for result in results(Answers(record), so_far=True):
                for part in result.parts:
                    yield from part

    @property
    def standing(self) -> Standing:
        """How many files are done, failed and still to do, and the seconds of sound."""
        with Record(self.folder) as record:
            return record.standing()

    @property
    def standings(self) -> list[Standing]:
        """The same for each model: a file that cannot be read has failed for each."""
        with Record(self.folder) as record:
            return record.standings()

    @property
    def n_left_out(self) -> int:
        """How many files the journal knows of earlier runs that were not among the last one's."""
        with Record(self.folder) as record:
            return record.n_left_out()

    @property
    def tally(self) -> Tally:
        """See above; it is counted when it is first asked for."""
        if self._tally is None:
            with Record(self.folder) as record:
                self._tally = Tally.of(results(Answers(record), so_far=True))
        return self._tally

    @property
    def failures(self) -> list[Failure]:
        """What could not be analysed to its end, and why."""
        with Record(self.folder) as record:
            return failures(record)

    @property
    def notes(self) -> list[Note]:
        """What is to be known of files that were heard: the rows of notes.csv."""
        with Record(self.folder) as record:
            return [
                Note(os.fsdecode(entry.path), text)
                for _, entry in record.entries()
                for text in noted(entry.decoder, entry.remarks())
            ]

    def to_arrow(self) -> Any:
        """Return the detections as a pyarrow.Table, with the columns of detections.parquet."""
        with Record(self.folder) as record:
            answers = Answers(record)
            answers.where.survey(record.recordings())
            return tables.arrow(results(answers, so_far=True), answers.about)

    def to_dataframe(self) -> Any:
        """Return the detections as a pandas.DataFrame, with the columns of detections.parquet.

        Raises
        ------
        ConfigError
            pandas is not installed.
        """
        try:
            return self.to_arrow().to_pandas()
        except ModuleNotFoundError as error:
            raise ConfigError(f"a data frame needs pandas: {install_hint('pandas')}") from error

    def scores(self, model: str | None = None) -> Iterator[Windows]:
        """Yield every window's confidences, of a run that kept them (`kinds` with "scores").

        Parameters
        ----------
        model : str or None
            The model's name; needed where there are several.

        Raises
        ------
        ConfigError
            The run did not keep them, or the model's name does not fit.
        """
        return self._dense("scores", model)

    def embeddings(self, model: str | None = None, files: Container[str] | None = None) -> Iterator[Windows]:
        """Yield every window's embedding, of a run that kept them; arguments and errors as `scores`.

        `files` are the recordings, by their paths, of which alone they are read; None: of all.
        """
        return self._dense("embeddings", model, files)

    def _dense(
        self, kind: Dense, model: str | None, files: Container[str] | None = None
    ) -> Iterator[Windows]:
        from .. import models  # who asks for detections alone need not wait for them

        with Record(self.folder) as record:
            answers = Answers(record)
            number = models.place_of([one.name for one in answers.models], model)
            if kind not in answers.models[number].widths:
                raise ConfigError(f"{self.folder}: that run kept no {kind}")
            for _, entry in record.entries():
                if number in entry.waiting or (files is not None and os.fsdecode(entry.path) not in files):
                    continue
                for rows in answers.dense(entry, kind, number):
                    columns = (rows[name] for name in ("start_s", "end_s", "channel", "values"))
                    yield Windows(os.fsdecode(entry.path), *columns)


def results(answers: Answers, *, so_far: bool = False, count: Count | None = None) -> Iterator[Result]:
    """Yield what the tables say of each file of a run; parameters as `result`."""
    for _, entry in answers.record.entries():
        yield result(answers, entry, so_far=so_far, count=count)


def result(answers: Answers, entry: Entry, *, so_far: bool = False, count: Count | None = None) -> Result:
    """Return what the tables say of a file.

    Parameters
    ----------
    answers : Answers
    entry : Entry
    so_far : bool
        Leave out the models that are still to hear the file, instead of refusing it.
    count : callable or None
        Is told how many rows a model's detections in the file were, where that is not what is known.
    """
    models = answers.models
    numbers = [number for number in range(len(models)) if not (so_far and number in entry.waiting)]
    dense = {
        (number, kind): Anew(partial(answers.dense, entry, kind, number))
        for number in numbers
        for kind in models[number].widths
    }
    path, notes, failed = os.fsdecode(entry.path), noted(entry.decoder, entry.remarks()), entry.failures()
    lasts_s = max(entry.duration_s or 0.0, *(failure.duration_s or 0.0 for failure in failed), 0.0)
    known = (entry.audio_s, lasts_s, entry.rate_hz, answers.known(entry).facts)
    return Result(path, _detections(answers, entry, numbers, count), failed, notes, dense, *known)


def failures(record: Record) -> list[Failure]:
    """Return what failed in a run, in the order of its files."""
    return [failure for _, entry in record.entries() for failure in entry.failures()]


def _detections(
    answers: Answers, entry: Entry, numbers: Sequence[int], count: Count | None
) -> Iterator[list[Detection]]:
    path = os.fsdecode(entry.path)
    for number in numbers:
        model, n_rows = answers.models[number], 0
        spaces = [Labels(*names) for names in model.label_spaces]
        found = answers.detections(entry, number)
        each = (list(labels.named(spaces, part, path, model.name)) for part in found)
        for rows in merging.merged(each, answers.question.merge_consecutive):
            n_rows += len(rows)
            yield rows
        if count is not None and n_rows != entry.hearings[number].n_detections:
            count((n_rows, entry.id, number))
