"""The table that a competition takes: a row for every five seconds, with a column for each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import ClassVar

from ..arrays import Rows
from .files import CsvFile
from .table import About, Result, Table

KIND = "submission"
ROW_ID = "row_id"


class SubmissionTable(CsvFile, Table):
    """Rows named by the recording's stem and the second in which they end, under the sample's header.

    Values have seven digits, which tell all that float32 can be ranked by but neighbours.

    Parameters
    ----------
    folder : path
    about : About
    header : sequence of str
        The sample's columns, row_id among them; the rows' values are in the order of the others.
    csv_safe : bool
    """

    name: ClassVar = "submission.csv"
    takes = (0, KIND)

    def __init__(
        self, folder: Path, about: About, *, header: Sequence[str] = (ROW_ID,), csv_safe: bool = False
    ) -> None:
        super().__init__(folder / self.name, header, csv_safe=csv_safe)
        self._place = header.index(ROW_ID)
        self._stem = ""

    def begin(self, result: Result) -> None:
        """Take what the next file's rows are called by: its stem, or what its facts say."""
        self._stem = str(result.facts.get(ROW_ID) or PurePath(result.path).stem)

    def dense(self, rows: Rows) -> None:
        """Append rows of the file: [n] of `outcomes.row`."""
        for end_s, values in zip(rows["end_s"].tolist(), rows["values"].tolist(), strict=True):
            cells = [f"{value:.7g}" for value in values]
            cells.insert(self._place, f"{self._stem}_{round(end_s)}")
            self.write_row(cells)
