"""When packets sound in formats whose clock counts only those that are found: their bytes tell."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import IO, Any

from .. import bareframes
from ..mpegtags import sound_begin

BARE = ("aac", "ac3")  # formats without a container
HEAD_BYTES = {"aac": 3, "ac3": 2, "mp3float": 2, "mp2float": 2}  # with which all packets begin alike
AROUND = 100  # packets on each side of a loss say how long one is
CHAIN = 4  # so many packets in a row are no accident
BETWEEN_BYTES = 64  # that a container has between two packets at most


def is_needed(container: Any) -> bool:
    """Say whether the clock of a container counts packets, whatever lies between them."""
    codec = container.streams.audio[0].codec_context.name
    alone = container.format.name == "avi" and len(container.streams) == 1
    return codec in HEAD_BYTES and (alone or container.format.name in BARE)


def begin(file: IO[bytes]) -> int:
    """Return where the sound begins, damaged or not: behind the tags, or the head of an AVI."""
    file.seek(0)
    at = file.read(1 << 16)
    movi = at.find(b"movi") + 4 if at[:4] == b"RIFF" else 0
    return movi if movi > 4 else sound_begin(file)


def packets(container: Any, file: IO[bytes], found: Iterator[Any]) -> Iterator[Any]:
    """Return packets of which it is known where they lie: those found by FFmpeg, or bare frames."""
    name = container.format.name
    return bareframes.frames(file, name, begin(file)) if name in BARE else found


def content_of(packet: Any) -> Any:
    """Return what has the bytes of a packet."""
    return packet.content if isinstance(packet, bareframes.BareFrame) else packet


class ByteClock:
    """Numbers the packets that are sound, those that are lost included.

    Parameters
    ----------
    codec : str
        FFmpeg's name of it.
    begin : int
        The place in the file where the first packet should be.
    """

    def __init__(self, codec: str, begin: int) -> None:
        self._n_head, self._end = HEAD_BYTES[codec], begin
        self._before: deque[int] = deque(maxlen=AROUND)  # bytes from one packet to the next
        self._head = b""

    def numbered(self, packets: Iterator[Any]) -> Iterator[tuple[int, Any]]:
        """Yield the packets that are sound with their numbers."""
        ahead: deque[Any] = deque(islice(packets, AROUND))
        number = 0
        while ahead:
            if ahead[0].pos is None:  # the last one, which asks for what the decoder still has
                yield number, ahead[0]
            elif self._follows(ahead[0]) or len(chain := self._chain(ahead)) >= max(
                1, min(CHAIN, len(ahead) - 1)
            ):
                if not self._follows(ahead[0]):
                    number += self._n_lost(chain)
                yield number, ahead[0]
                number += 1
                self._take(ahead[0])
            ahead.popleft()
            ahead.extend(islice(packets, 1))

    def _follows(self, packet: Any) -> bool:
        near = 0 <= packet.pos - self._end <= BETWEEN_BYTES
        return near and bool(self._head) and self._begins(packet) == self._head

    def _begins(self, packet: Any) -> bytes:
        return bytes(memoryview(content_of(packet))[: self._n_head])

    def _chain(self, ahead: Sequence[Any]) -> list[Any]:
        """Return the packets that follow each other and begin alike, from the first on."""
        head = self._head or self._begins(ahead[0])
        chain: list[Any] = []
        for packet in ahead:
            between = packet.pos - chain[-1].pos - chain[-1].size if chain and packet.pos is not None else 0
            if packet.pos is None or not 0 <= between <= BETWEEN_BYTES or self._begins(packet) != head:
                break
            chain.append(packet)
        return chain

    def _take(self, packet: Any) -> None:
        self._head = self._head or self._begins(packet)
        if 0 <= packet.pos - self._end <= BETWEEN_BYTES:
            self._before.append(packet.pos + packet.size - self._end)
        self._end = packet.pos + packet.size

    def _n_lost(self, chain: Sequence[Any]) -> int:
        """Return how many packets the bytes before a chain stand for."""
        around: list[int] = [*self._before, *(other.pos - one.pos for one, other in pairwise(chain))]
        around = around or [chain[0].size]
        n_bytes: int = chain[0].pos - self._end
        return round(n_bytes * len(around) / sum(around))
