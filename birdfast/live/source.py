"""The contract of sources: what sound comes from, as a thread reads it."""

from __future__ import annotations

from typing import Protocol

from ..arrays import Array
from ..audio.pcm import Pcm


class Source(Protocol):
    """What is opened, read to its end, and perhaps opened again.

    Attributes
    ----------
    name : str
        For messages.
    waits : bool
        Whether who writes into it waits for who reads: then nothing is lost where reading is slow.
    n_overflows : int
        How often sound was lost before it came here.
    """

    name: str
    waits: bool
    n_overflows: int

    def open(self) -> Pcm:
        """Wait for its beginning, and return how its samples come.

        Raises
        ------
        AudioError
            It is not there, or what comes is no sound that can be read.
        """
        ...

    def read(self) -> Array | None:
        """Wait for samples, and return what is there: int16 or float32 [n, n_channels]; None at its end.

        Raises
        ------
        AudioError
            It has gone, or ended before its time.
        """
        ...

    def close(self) -> None:
        """Close it; it may be opened again."""
        ...
