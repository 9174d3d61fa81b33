"""Remembered: a small file as it was when it was named, for whom the file itself may have gone since."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Remembered(os.PathLike[str]):
    """A file that is read as it was; it can stand where a path does.

    Parameters
    ----------
    path : str
        Where it was, for messages.
    text : str
        What it held.
    """

    path: str
    text: str

    def __fspath__(self) -> str:
        return self.path

    def __str__(self) -> str:
        return self.path

    @property
    def data(self) -> bytes:
        """What it held, as bytes."""
        return self.text.encode()
