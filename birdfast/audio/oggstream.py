"""A stream in Ogg whose pages are not all there, or that libsndfile does not read, page by page."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from . import ogg
from .flac import sound_facts
from .framing import EARLY_S, LONGEST_GAP_S, Group

REMEMBERING = ("opus", "speex")  # there is no saying how far back they remember; they need no comments


class OggStream:
    """A `Framing` of a link's first stream.

    A page says at which sample its last packet ends, so what is lost leaves a gap.

    Parameters
    ----------
    path : path
    link : ogg.Link

    Raises
    ------
    ogg.UnknownKind
        It is no sound that is known, or there is none behind its headers.
    """

    def __init__(self, path: Path, link: ogg.Link) -> None:
        self._path, self._link = path, link
        self.notes: list[str] = []
        first = link.first_packet
        self.codec, n_headers, self.rate_hz, self.n_channels = _codec(first)
        headers, self._first_page = self._headers(n_headers)
        self.extradata: bytes | None = first
        if self.codec == "vorbis":
            self.extradata = _laced(headers)
        elif self.codec == "flac":
            self.extradata = first[17:51]
        self._skip = int.from_bytes(first[10:12], "little") if self.codec == "opus" else 0
        self._shift = self._skip  # the position that a page tells for the first sample that counts
        self.seeks_slowly = self.codec in REMEMBERING
        self._granules, self._begin, self._end = self._without_leaps()

    @property
    def n_frames(self) -> int:
        """Samples per channel."""
        return max(0, self._end - self._shift)

    @property
    def lacks_its_begin(self) -> bool:
        """Whether pages are missing before the first one with sound."""
        return bool(self._link.holes) and min(self._link.holes) <= self._first_page

    @property
    def begins_by_itself(self) -> bool:
        """Whether nothing lies between headers and sound, or more would lack than gets lost."""
        if self._begin > LONGEST_GAP_S * self.rate_hz:
            return True
        places = self._link.places[max(0, self._first_page - 1) : self._first_page + 1]
        return any(first <= places[0] and places[-1] < end for first, end in self._link.ranges)

    def begin_at(self, position: int) -> None:
        """Begin where a page would tell this position: else it is what Opus' header says, or 0."""
        self._shift = position

    def begin_with(self, n_samples: int) -> None:
        """Begin with the first page, of so many samples: a stream may be joined late, or cut from another."""
        self._shift = max(self._shift, self._begin - n_samples)
        if self._shift > self._skip:
            self.notes.append(f"its clock begins at {self._shift / self.rate_hz:.2f} s: so does its sound")

    def is_usual(self, rate_hz: int) -> bool:
        """Say whether libsndfile, which reads it at a rate, finds every place in it and loses nothing."""
        if self.codec != "opus":
            return not self.notes
        written_hz = int.from_bytes(self._link.first_packet[12:16], "little")
        return self._shift == self._skip and min(written_hz, self.rate_hz) <= rate_hz

    def groups(self, start: int) -> Iterator[Group]:
        """Yield the packets for the samples from `start` on: see `Framing.groups`."""
        fresh, begun, reached = True, None, 0
        ready: list[bytes] = []
        first, last = self._page_before(start), len(self._link.places) - 1
        with self._path.open("rb") as file:
            for number in range(first, last + 1):
                if number in self._link.holes:
                    fresh, begun, ready = True, None, []
                packets, begun = self._packets(file, number, begun)
                ready += packets
                if self._granules[number] < 0 or not ready:
                    continue
                end = self._granules[number] - self._shift
                known = number == last and (not fresh or number == self._first_page)
                yield Group(tuple(ready), reached if known else None, end, 0, self.n_frames, fresh)
                fresh, ready, reached = False, [], end

    def _without_leaps(self) -> tuple[array[int], int, int]:
        """Return the positions at the pages' ends, those of the first and the last with sound.

        Where they leap further than anything is lost, a page is as long as the one before.
        """
        granules, begin, end, leapt, step = array("q", self._link.granules), -1, -1, 0, 0
        for number in range(self._first_page, len(granules)):
            if granules[number] < 0:
                continue
            leap = granules[number] - leapt - end
            if begin >= 0 and leap > LONGEST_GAP_S * self.rate_hz:
                self.notes.append(f"its clock leaps at {max(0, end) / self.rate_hz:.2f} s: passed over")
                leapt += leap - step
            granules[number] -= leapt
            step, end = granules[number] - end, granules[number]
            begin = end if begin < 0 else begin
        if begin < 0:
            raise ogg.UnknownKind("no sound in it")
        return granules, begin, end

    def _packets(self, file: IO[bytes], number: int, begun: bytes | None) -> tuple[list[bytes], bytes | None]:
        """Return the packets that end in a page, and the beginning of one that does not."""
        file.seek(self._link.places[number])
        page = file.read(ogg.MOST_BYTES)
        sizes, body = ogg.segments(page)
        ended, at = [], 0
        for place, size in enumerate(sizes):
            n_bytes = size if size >= 0 else -size - 1
            packet: bytes | None = body[at : at + n_bytes]
            if place == 0 and page[5] & ogg.CONTINUED:
                packet = None if begun is None else begun + body[:n_bytes]
            begun = packet if size < 0 else None
            if size >= 0 and packet is not None:
                ended.append(packet)
            at += n_bytes
        return ended, begun

    def _headers(self, n_headers: int) -> tuple[list[bytes], int]:
        """Return the packets before the sound, and the page where it begins."""
        found: list[bytes] = []
        begun: bytes | None = None
        with self._path.open("rb") as file:
            for number in range(len(self._link.places)):
                if number in self._link.holes:
                    begun = None
                    if number == 1 and self.codec in REMEMBERING:
                        return found, number
                packets, begun = self._packets(file, number, begun)
                found += packets
                if n_headers == 0 and any(packet[:1] == b"\xff" for packet in packets):
                    return found, number
                if 0 < n_headers <= len(found):
                    return found[:n_headers], number + 1
        raise ogg.UnknownKind("no sound in it")

    def _page_before(self, start: int) -> int:
        """Return the page to begin with: what it gives is early enough to be thrown away."""
        early = start + self._shift - round(EARLY_S * self.rate_hz)
        number = self._first_page
        if self.codec in REMEMBERING:
            return number
        while number + 1 < len(self._link.places) and 0 <= self._granules[number] < early:
            number += 1
        return number


def _codec(packet: bytes) -> tuple[str, int, int, int]:
    """Return what the first packet says: FFmpeg's name, the number of headers (0: any), rate and channels."""
    if packet[:7] == b"\1vorbis" and len(packet) >= 30:
        return "vorbis", 3, int.from_bytes(packet[12:16], "little"), packet[11]
    if packet[:8] == b"OpusHead" and len(packet) >= 19:
        return "opus", 2, 48_000, packet[9]
    if packet[:8] == b"Speex   " and len(packet) >= 80:
        rate_hz, n_channels, n_more = (int.from_bytes(packet[at : at + 4], "little") for at in (36, 48, 68))
        return "speex", 2 + n_more, rate_hz, n_channels
    if packet[:5] == b"\x7fFLAC" and len(packet) >= 51:
        rate_hz, n_channels, *_ = sound_facts(packet[17:51])
        return "flac", 0, rate_hz, n_channels
    raise ogg.UnknownKind("of no kind of sound that is known")


def _laced(headers: list[bytes]) -> bytes:
    """Put Vorbis' headers together as FFmpeg wants them: how many, the sizes of all but the last, they."""
    sizes = b"".join(b"\xff" * (len(header) // 255) + bytes([len(header) % 255]) for header in headers[:-1])
    return bytes([len(headers) - 1]) + sizes + b"".join(headers)
