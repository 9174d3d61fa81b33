"""Dense tables: a row for every window, with all its scores or its embedding."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..arrays import Gathering, Rows
from ..config import Dense
from ..outcomes import row
from .files import ParquetFile, escaped
from .table import About, Names, Result, Table

ROW_GROUP_BYTES = 1 << 22
COLUMNS: dict[Dense, str] = {"scores": "scores", "embeddings": "embedding"}


def name(kind: Dense, about: About, model: int) -> str:
    """Return what a dense table's file is called: one for each model, as each has its own width."""
    return f"{kind}-{about.models[model].name}.parquet" if about.has_several else f"{kind}.parquet"


class DenseTable(ParquetFile, Table):
    """Rows of a fixed width: file, start_s, end_s, and a list of values; row groups of bounded size.

    Scores of several label spaces stand side by side; the metadata `label_spaces` lists the spaces in that
    order, each with its name and its number of classes, as `scientific_names` lists all classes.

    Parameters
    ----------
    folder : path
    kind : "scores" or "embeddings"
    about : About
    model : int
        Whose rows they are, by its place among the run's models.
    called : str
        The file's name, where it is none of a run's.
    """

    def __init__(self, folder: Path, kind: Dense, about: About, model: int = 0, called: str = "") -> None:
        import pyarrow

        whose = about.models[model]
        self.takes = (model, kind)
        self._width, self._has_channels = whose.widths[kind], about.has_channels
        fields = {
            "file": pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
            "start_s": pyarrow.float64(),
            "end_s": pyarrow.float64(),
            **({"channel": pyarrow.int32()} if about.has_channels else {}),
            COLUMNS[kind]: pyarrow.list_(pyarrow.float32(), self._width),
        }
        metadata = dict(about.metadata)
        if kind == "scores":
            metadata |= _columns(whose.label_spaces)
        super().__init__(
            folder / (called or name(kind, about, model)), fields, metadata, use_dictionary=["file"]
        )
        self._arrow = pyarrow
        self._gathering = Gathering(np.dtype([("file", "<i8"), *row(self._width).descr]), ROW_GROUP_BYTES)
        self._paths: list[str] = []  # of the files in the row group; `_first` is the first one's number
        self._first = 0

    def begin(self, result: Result) -> None:
        """Take the name of the next file."""
        self._path = result.path

    def dense(self, rows: Rows) -> None:
        """Append rows of the file: [n] of `outcomes.row`."""
        if self._paths[-1:] != [self._path]:
            self._paths.append(self._path)
        numbered = np.empty(len(rows), self._gathering.kind)
        numbered["file"] = self._first + len(self._paths) - 1
        for field in rows.dtype.names or ():
            numbered[field] = rows[field]
        for group in self._gathering.add(numbered):
            self._write(group)

    def _flush(self) -> None:
        for group in self._gathering.rest():
            self._write(group)

    def _write(self, group: Rows) -> None:
        first, last = int(group["file"][0]), int(group["file"][-1])
        paths = self._paths[first - self._first : last - self._first + 1]
        self._paths, self._first = paths[-1:], last
        arrow, values = self._arrow, np.ascontiguousarray(group["values"]).reshape(-1)
        indices = (group["file"] - first).astype(np.int32)
        columns = [
            arrow.DictionaryArray.from_arrays(indices, list(map(escaped, paths))),
            np.ascontiguousarray(group["start_s"]),
            np.ascontiguousarray(group["end_s"]),
            *([np.ascontiguousarray(group["channel"])] if self._has_channels else []),
            arrow.FixedSizeListArray.from_arrays(values, self._width),
        ]
        self._writer.write_batch(arrow.RecordBatch.from_arrays(columns, schema=self._schema))


def is_one(path: Path, kind: Dense) -> bool:
    """Whether a file is such a table by its columns."""
    import pyarrow
    import pyarrow.parquet

    try:
        names: list[str] = pyarrow.parquet.read_schema(path).names
    except (OSError, ValueError):  # pyarrow's errors are these
        return False
    return [*names[:3], *names[-1:]] == ["file", "start_s", "end_s", COLUMNS[kind]]


def _columns(spaces: Sequence[Names]) -> dict[str, str]:
    """Return as metadata what the values of a row of scores are of."""
    told = {
        "scientific_names": json.dumps([name for space in spaces for name in space.scientific]),
        "common_names": json.dumps([name for space in spaces for name in space.common]),
    }
    if len(spaces) > 1:
        told["label_spaces"] = json.dumps([[space.space, len(space.scientific)] for space in spaces])
    return told
