"""A flow of bytes: what comes through a pipe in pieces of any length, looked at before it is taken."""

from __future__ import annotations

from collections.abc import Callable

from ..audio.headers.chunks import FILES, KNOWN, TAGS
from ..errors import AudioError

READ_BYTES = 1 << 16
HEAD_BYTES = 8  # of a chunk: its name and its length


class Flow:
    """Bytes in their order, of which few are held.

    Parameters
    ----------
    more : callable
        Waits for the next ones, and returns them; none at the end.
    """

    def __init__(self, more: Callable[[], bytes]) -> None:
        self._more, self._held = more, b""
        self._n_zeros, self._behind = 0, b""  # what follows what is held, before anything more

    def peek(self, n_bytes: int) -> bytes:
        """Return so many of the next bytes, fewer at the end, and leave them there."""
        while len(self._held) < n_bytes and (more := self._next()):
            self._held += more
        return self._held[:n_bytes]

    def take(self, n_bytes: int) -> bytes:
        """Return so many bytes, fewer at the end."""
        taken = self.peek(n_bytes)
        self._held = self._held[len(taken) :]
        return taken

    def frames(self, frame_bytes: int, most: int | None) -> bytes:
        """Wait for a whole frame, and return all frames that are there, at most so many bytes of them."""
        self.peek(frame_bytes)
        n_bytes = len(self._held) // frame_bytes * frame_bytes
        return self.take(n_bytes if most is None else min(n_bytes, most))

    def has_sound_behind(self, told_bytes: int, frame_bytes: int) -> bool:
        """Say whether sound goes on where a WAV's header says that it ends; as `headers.header.judge` does.

        Chunks and zeros that fill up the file are none, and are passed over.

        Parameters
        ----------
        told_bytes : int
            The length that the header tells, of which the whole frames were taken.
        frame_bytes : int

        Raises
        ------
        AudioError
            Another file begins there.
        """
        begin, has_chunks = told_bytes % frame_bytes, False
        odd = told_bytes % 2
        while True:
            head = self.peek(begin + 1 + HEAD_BYTES)
            names = {place: head[place : place + 4] for place in (begin + odd, begin)}
            for name in names.values():
                if name in FILES:
                    raise AudioError(f"another {FILES[name]} file begins behind its sound, which is not read")
            place = next((at for at, name in names.items() if _is_chunk(name, has_chunks)), None)
            if place is None:
                is_tag = any(name[:3] in TAGS for name in names.values())
                return not (has_chunks or is_tag or self._has_only_zeros(begin))
            length = int.from_bytes(head[place + 4 : place + HEAD_BYTES], "little")
            self._pass_over(place + HEAD_BYTES + length)
            begin, odd, has_chunks = 0, length % 2, True

    def _has_only_zeros(self, begin: int) -> bool:
        """Say whether there is nothing else from there on; or else all of it is still to come."""
        first, n_zeros = self.take(begin), 0
        while block := self.take(max(1, len(self._held))):
            if block.count(0) < len(block):
                self._held, self._n_zeros, self._behind = first, n_zeros, block + self._held
                return False
            n_zeros += len(block)
        return True

    def _pass_over(self, n_bytes: int) -> None:
        while n_bytes and (taken := self.take(min(n_bytes, READ_BYTES))):
            n_bytes -= len(taken)

    def _next(self) -> bytes:
        if self._n_zeros:
            n_bytes = min(self._n_zeros, READ_BYTES)
            self._n_zeros -= n_bytes
            return bytes(n_bytes)
        if self._behind:
            behind, self._behind = self._behind, b""
            return behind
        return self._more()


def _is_chunk(name: bytes, has_chunks: bool) -> bool:
    """Say whether it is one: behind sound a name that is known, behind chunks any that is words."""
    return name in KNOWN or (has_chunks and len(name) == 4 and all(32 <= byte < 127 for byte in name))
