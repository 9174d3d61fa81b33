"""A listener: what one model hears in the windows that pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..arrays import Gathering, Rows
from ..outcomes import PART_BYTES, Part, row


class Sender:
    """Sends the dense rows of a stretch on, in parts of bounded size."""

    def __init__(self, stretch: int, widths: Mapping[str, int], send: Callable[[Part], object]) -> None:
        self._stretch, self._send, self._n_parts = stretch, send, 0
        self._gathering = {kind: Gathering(row(width), PART_BYTES) for kind, width in widths.items()}

    def add(self, dense: Mapping[str, Rows]) -> None:
        for kind, rows in dense.items():
            self._pass_on(kind, self._gathering[kind].add(rows))

    def end(self) -> int:
        """Send what is left, and return how many parts there were."""
        for kind, gathering in self._gathering.items():
            self._pass_on(kind, gathering.rest())
        return self._n_parts

    def _pass_on(self, kind: str, chunks: Iterator[Rows]) -> None:
        for rows in chunks:
            self._send(Part(self._stretch, self._n_parts, kind, rows.tobytes()))
            self._n_parts += 1
