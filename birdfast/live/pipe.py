"""A pipe as a source: standard input, a FIFO, a file; raw samples or WAV, as its first bytes tell."""

from __future__ import annotations

import os
import select
from contextlib import suppress
from pathlib import Path

from ..arrays import Array
from ..audio import pcm
from ..audio.pcm import Pcm
from ..errors import AudioError

READ_BYTES = 1 << 16
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
        self._held, self._n_bytes = b"", 0
        self._left: int | None = None  # bytes of sound, where that is told

    def open(self) -> Pcm:
        """Wait for the first bytes, as a FIFO for whoever writes into it, and return what they tell."""
        try:
            self._fd = STDIN if self._path is None else os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise AudioError(f"{self.name}: cannot be read ({error.strerror})") from error
        self._held, self._pcm, self._n_bytes, self._left = b"", self._raw, 0, None
        head = self._taken(pcm.HEAD_BYTES)
        if not head:
            raise AudioError(f"{self.name}: no sound came")
        try:
            if pcm.is_wav(head):
                self._pcm, self._left = pcm.wav(head, self._taken)
            else:
                self._held = head + self._held
        except AudioError as error:
            raise AudioError(f"{self.name}: {error}") from error
        return self._pcm

    @property
    def is_raw(self) -> bool:
        """Whether no header told how samples lie."""
        return self._pcm is self._raw

    def read(self) -> Array | None:
        """Return the samples that are there; None at the end, of a WAV at that of its sound."""
        frame = self._pcm.frame_bytes
        if self._left == 0:
            return None
        while len(self._held) < frame:
            more = self._more()
            if not more:
                self._check_whole()
                return None
            self._held += more
        n_bytes = len(self._held) // frame * frame
        n_bytes = n_bytes if self._left is None else min(n_bytes, self._left)
        data, self._held = self._held[:n_bytes], self._held[n_bytes:]
        self._n_bytes += n_bytes
        if self._left is not None:
            self._left -= n_bytes
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
        rate = self._pcm.frame_bytes * self._pcm.rate_hz
        promised = f"{(self._n_bytes + self._left) / rate:.2f} s its header promises"
        raise AudioError(f"{self.name}: cut short: ends at {self._n_bytes / rate:.2f} s of the {promised}")

    def _taken(self, n_bytes: int) -> bytes:
        """Return so many bytes, fewer at the end."""
        while len(self._held) < n_bytes and (more := self._more()):
            self._held += more
        taken, self._held = self._held[:n_bytes], self._held[n_bytes:]
        return taken

    def _more(self) -> bytes:
        assert self._fd is not None
        try:
            return os.read(self._fd, READ_BYTES)
        except BlockingIOError:  # who started us left it so
            select.select([self._fd], [], [])
            return self._more()
        except OSError as error:
            raise AudioError(f"{self.name}: cannot be read ({error.strerror})") from error
