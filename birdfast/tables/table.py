"""The contract of tables: what they are told of a run, of each file, and how they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, NamedTuple

from ..arrays import Rows
from ..atomicfile import AtomicFile
from ..outcomes import Detection, Failure


class Names(NamedTuple):
    """What the classes of a label space are called, and the space, where there are several."""

    scientific: tuple[str, ...] = ()
    common: tuple[str, ...] = ()
    space: str = ""


class AboutModel(NamedTuple):
    """What the tables say of a model: its name, its label spaces, and how wide its dense rows are by kind."""

    name: str
    label_spaces: tuple[Names, ...] = (Names(),)
    widths: Mapping[str, int] = {}


class About(NamedTuple):
    """What the tables say of a run: how it came to be, and the models that listened.

    `has_channels`: each channel was heard by itself, so rows have to say which one they are of. `columns` are
    more columns that rows have: what `Result.facts` says of their file, by these names; `found` are those of
    which something is known though nobody asked: tables whose columns are not fixed have them, too.
    """

    metadata: Mapping[str, str]
    models: tuple[AboutModel, ...]
    has_channels: bool = False
    columns: tuple[str, ...] = ()
    found: tuple[str, ...] = ()

    @property
    def has_several(self) -> bool:
        """Whether rows have to say whose they are."""
        return len(self.models) > 1

    @property
    def has_spaces(self) -> bool:
        """Whether rows have to say of which of their model's label spaces they are."""
        return any(len(model.label_spaces) > 1 for model in self.models)


class Anew:
    """Rows that are read anew by whoever goes through them: a file's need not fit the memory."""

    def __init__(self, read: Callable[[], Iterator[Rows]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[Rows]:
        return self._read()


class Result(NamedTuple):
    """What the tables say of one file; detections and dense rows come in parts that fit the memory.

    Dense rows are by the model's number and their kind; they may be gone through again. `audio_s` are the
    seconds of sound that were heard, `duration_s` those that the file lasts, heard or not, and `rate_hz`
    is its own, where it is known. `facts` are what is known of the recording, by the names of columns: text,
    numbers, or a datetime, to which a row adds its start.
    """

    path: str
    parts: Iterable[list[Detection]]
    failures: Sequence[Failure] = ()
    notes: Sequence[str] = ()
    dense: Mapping[tuple[int, str], Iterable[Rows]] = {}
    audio_s: float = 0.0
    duration_s: float = 0.0
    rate_hz: int | None = None
    facts: Mapping[str, object] = {}

    @property
    def lasts_s(self) -> float:
        """How long the file is, by all that is known of it."""
        return max(self.duration_s, self.audio_s)


class Table(AtomicFile):
    """A table that is being written, file by file, in the order of the files; a context manager.

    It is told of each file: `begin`, then its detections, then the dense rows that it takes, then `end`. A
    member writes what its rows are made of and passes over the rest.

    Attributes
    ----------
    takes : (int, str) or None
        The model's number and the kind of the dense rows that it wants.
    is_wanted : bool
        Whether it has something to say, when all files are through.
    name : str
        What the file is called in a run's folder, of a kind that has one name.
    of_file : str
        What comes behind the stem of a recording's own table, of a kind that may be one for each file.
    """

    name: ClassVar[str] = ""
    of_file: ClassVar[str] = ""
    takes: tuple[int, str] | None = None
    is_wanted = True

    def begin(self, result: Result) -> None:
        """Take what is known of the next file as a whole."""

    def detections(self, rows: Sequence[Detection]) -> None:
        """Take some of the file's detections, in order."""

    def dense(self, rows: Rows) -> None:
        """Take some of the file's dense rows, in order: [n] of `outcomes.row`."""

    def end(self) -> None:
        """Take note that the file is through."""
