"""A pipe as a source: standard input, a FIFO, a file; raw samples or WAV, as its first bytes tell."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..arrays import Array
from ..audio import otherfiles, pcm
from ..audio.pcm import Pcm
from ..errors import AudioError
from .flow import READ_BYTES, Flow

STDIN = 0


class Pipe:
    """Samples that come through a pipe; see `source.Source`.

    Parameters
    ----------
    path : path or None
        None is standard input.
    raw : Pcm
        How samples lie where no header tells.
    """

    waits, n_overflows = True, 0

    def __init__(self, path: Path | None, raw: Pcm) -> None:
        self._path, self._raw, self._pcm = path, raw, raw
        self.name = "standard input" if path is None else str(path)
        self._fd: int | None = None
        self._flow, self._n_bytes = Flow(self._more), 0
        self._told: int | None = None  # bytes of sound, where the header tells
        self._left: int | None = None  # of them in whole frames, not read yet

    def open(self) -> Pcm:
        """Wait for the first bytes, as a FIFO for whoever writes into it, and return what they tell."""
        try:
            self._fd = STDIN if self._path is None else os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise AudioError(f"{self.name}: cannot be read ({error.strerror})") from error
        self._flow, self._pcm, self._n_bytes = Flow(self._more), self._raw, 0
        self._told = self._left = None
        with self._named():
            self._begin()
        return self._pcm

    def _begin(self) -> None:
        head = self._flow.peek(pcm.HEAD_BYTES)
        if not head:
            raise AudioError("no sound came")
        if pcm.is_wav(head):
            self._pcm, self._told = pcm.wav(self._flow.take(pcm.HEAD_BYTES), self._flow.take)
            frame = self._pcm.frame_bytes
            self._left = None if self._told is None else self._told // frame * frame
        elif otherfiles.may_be_frames(head):
            pcm.refuse(otherfiles.by_frames(self._flow.peek(otherfiles.BEGIN_BYTES)))

    @property
    def is_raw(self) -> bool:
        """Whether no header told how samples lie."""
        return self._pcm is self._raw

    def read(self) -> Array | None:
        """Return the samples that are there; None at the end.

        A WAV's header may tell less sound than there is: what lies behind is read on, as of a file.
        """
        with self._named():
            if self._left == 0 and not self._goes_on():
                return None
            data = self._flow.frames(self._pcm.frame_bytes, self._left)
            if not data:
                self._check_whole()
                return None
        self._n_bytes += len(data)
        if self._left is not None:
            self._left -= len(data)
        return self._pcm.samples(data)

    def close(self) -> None:
        """Close it; standard input stays as it is."""
        fd, self._fd = self._fd, None
        if fd is not None and self._path is not None:
            with suppress(OSError):
                os.close(fd)

    def _check_whole(self) -> None:
        """Refuse an end before what the header promises."""
        if not self._left:
            return
        promised = f"{self._seconds(self._n_bytes + self._left):.2f} s its header promises"
        raise AudioError(f"cut short: ends at {self._seconds(self._n_bytes):.2f} s of the {promised}")

    def _seconds(self, n_bytes: int) -> float:
        return n_bytes / (self._pcm.frame_bytes * self._pcm.rate_hz)

    def _goes_on(self) -> bool:
        """Say whether there is sound behind that of which the header tells, and then read to the end."""
        told, self._told = self._told, None
        if told is None:
            return False
        if self._flow.has_sound_behind(told, self._pcm.frame_bytes):
            self._left = None
        return self._left is None

    def _more(self) -> bytes:
        assert self._fd is not None
        try:
            return os.read(self._fd, READ_BYTES)
        except BlockingIOError:  # who started us left it so
            select.select([self._fd], [], [])
            return self._more()
        except OSError as error:
            raise AudioError(f"cannot be read ({error.strerror})") from error

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except AudioError as error:
            raise AudioError(f"{self.name}: {error}") from error
