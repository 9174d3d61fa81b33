"""Room: whether the disk has it for what a run still writes, known before it is full."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..errors import OutputError
from ..journal import NAME
from ..outcomes import Part
from .follower import Follower
from .output import KEPT

LOOK_EVERY_BYTES = 1 << 22  # of dense rows, which go into the journal's log first
SPARE_BYTES = 1 << 24  # for that, and for the other tables


class Room(Follower):
    """Ends a run whose dense rows the disk will not hold: once in the journal, and once more in their table.

    Parameters
    ----------
    folder : path
        The run's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._unlooked_bytes = folder, LOOK_EVERY_BYTES

    def keep(self, path: str, part: Part) -> None:
        """Look before rows are written, now and then; raises as `check`."""
        self._unlooked_bytes += len(part.rows)
        if self._unlooked_bytes >= LOOK_EVERY_BYTES:
            self._unlooked_bytes = 0
            self.check()

    def check(self) -> None:
        """Compare what is free with what the tables of the rows so far will take.

        Raises
        ------
        OutputError
            There is less.
        """
        kept_bytes = sum(file.stat().st_size for file in self._folder.glob(f"{NAME}*"))
        free_bytes, wanted_bytes = shutil.disk_usage(self._folder).free, kept_bytes + SPARE_BYTES
        if free_bytes < wanted_bytes:
            raise OutputError(
                f"{self._folder}: {free_bytes / 1e6:,.0f} MB are free, and the tables of the rows so far"
                f" may take {wanted_bytes / 1e6:,.0f} MB; {KEPT} when there is more room"
            )
