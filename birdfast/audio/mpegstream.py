"""MPEG audio as one recording: streams that follow each other, what is lost, and where their samples are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from . import mp3
from .framing import EARLY_S, Group
from .mpegtags import DECODER_DELAY, Promise, promise, sound_begin, tag_bytes


class Placed(NamedTuple):
    """A run at its position; samples from `first` up to `last` count, the others are the encoder's."""

    run: mp3.Run
    position: int
    first: int
    last: int


@dataclass
class Stream:
    """What an encoder wrote at a time: runs, the bytes lost before each, and what it promised."""

    promise: Promise | None
    runs: list[mp3.Run] = field(default_factory=list)
    lost_bytes: list[int] = field(default_factory=list)

    @property
    def n_found(self) -> int:
        """Frames that are there."""
        return sum(run.n_frames for run in self.runs)

    def n_lost(self, *, to_end: bool) -> list[int]:
        """Return how many frames are missing before each run: by the promise if it is clear, or by bytes.

        If the stream is there `to_end`, all that it lacks is missing where it is broken, if at one place.
        """
        first = self.runs[0]
        parts = [
            n_bytes / mp3.frame_bytes(*around)
            for n_bytes, *around in zip(self.lost_bytes, [first, *self.runs], self.runs, strict=False)
        ]
        n_headers = int(first.head.layer == 3 and self.promise is None)  # the frame that told the length
        lost = [max(0, int(parts[0]) - n_headers), *map(round, parts[1:])]  # a part of the first is none
        holes = [number for number, n_bytes in enumerate(self.lost_bytes) if n_bytes]
        if self.promise and len(holes) == 1:
            missing = self.promise.n_frames - self.n_found
            most = self.n_found if to_end else 2 + 1.5 * lost[holes[0]]
            if 0 <= missing <= most:
                lost[holes[0]] = missing
        return lost


class MpegAudio:
    """A `Framing` of an MP3, MP2 or MP1.

    Parameters
    ----------
    path : path
    streams : list of Stream
    tail : str
        What is behind the last frame, in words; "" if nothing is.
    missing : str or None
        Why what follows cannot be read with it.
    """

    extradata: bytes | None = None
    seeks_slowly = False

    def __init__(self, path: Path, streams: list[Stream], tail: str, missing: str | None) -> None:
        head = streams[0].runs[0].head
        self._path, self._size = path, head.frame_samples
        self.codec = {1: "mp1float", 2: "mp2float", 3: "mp3float"}[head.layer]
        self.rate_hz, self.n_channels = head.rate_hz, head.n_channels
        self.streams, self.tail, self.missing = streams, tail, missing
        self.placed: list[Placed] = []
        end = 0
        for stream in streams:
            end = self._place(stream, end, last=stream is streams[-1])
        self.n_frames: int | None = end
        self.notes = self._oddities()

    @property
    def is_as_told(self) -> bool:
        """Whether its one stream is whole and as long as its Xing header says."""
        if len(self.placed) != 1 or self.tail:
            return False
        told = self.streams[0].promise
        return told is not None and told.is_xing and told.n_frames == self.streams[0].n_found

    def _oddities(self) -> list[str]:
        """Return in words what is not as it should be."""
        notes, told = [], self.streams[0].promise
        if len(self.streams) > 1:
            joints = ", ".join(f"{begin / self.rate_hz:.2f} s" for begin in self._begins()[1:5])
            notes.append(f"{_count(len(self.streams))} MPEG streams, joined at {joints}")
        elif told is None or not told.n_frames:
            notes.append("no length in its header: its frames were counted")
        elif told.n_frames != self.streams[0].n_found:
            notes.append(f"its header promises {told.n_frames} MPEG frames, it has {self.streams[0].n_found}")
        return notes + [self.tail] * bool(self.tail)

    def groups(self, start: int) -> Iterator[Group]:
        """Yield the packets for the samples from `start` on: see `Framing.groups`."""
        early = start - round(EARLY_S * self.rate_hz)
        for run, position, first, last in self.placed:
            if min(last, position + run.n_frames * self._size) <= early or last <= start:
                continue
            fresh, begin = True, max(0, (early - position) // self._size)
            for number, frame in mp3.frames(self._path, run, mp3.lender(run, begin)):
                yield Group((frame,), position + number * self._size, None, first, last, fresh)
                fresh = False

    def _begins(self) -> list[int]:
        return list(dict.fromkeys(placed.first for placed in self.placed))

    def _place(self, stream: Stream, begin: int, *, last: bool) -> int:
        """Give a stream's runs their positions from the sample `begin` on, and return where it ends."""
        told = stream.promise or Promise()
        lost = stream.n_lost(to_end=not (last and self.tail))
        n_frames = stream.n_found + sum(lost)
        if last and n_frames + 1 < told.n_frames:  # some encoders count the header's own frame
            n_frames = told.n_frames
        trims = told.n_delay + told.n_padding > 0
        end = begin + n_frames * self._size - told.n_delay - told.n_padding
        position = begin - (told.n_delay + DECODER_DELAY) * trims
        for run, before in zip(stream.runs, lost, strict=True):
            position += before * self._size
            self.placed.append(Placed(run, position, begin, end))
            position += run.n_frames * self._size
        return end


def scan(path: Path) -> MpegAudio | None:
    """Look at every frame of a file; None if it has none.

    Raises
    ------
    OSError
        It cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        return _scan(path, file, size)


def is_free(path: Path) -> bool:
    """Say whether a file is MPEG audio of a bit rate that its frames do not tell: FFmpeg reads none."""
    with path.open("rb") as file:
        return mp3.is_free_chain(file, sound_begin(file))


def _scan(path: Path, file: IO[bytes], size: int) -> MpegAudio | None:
    begin = place = sound_begin(file)
    streams: list[Stream] = []
    missing, anew = None, True
    while place < size:
        if length := tag_bytes(file, place):
            place, anew = place + length, True
            continue
        limit = size if streams else min(size, begin + mp3.CHUNK_BYTES)
        found = place if mp3.is_chain(file, place, size) else mp3.find(file, place, limit)
        if found is None:
            break
        file.seek(found)
        frame = file.read(200)
        head, told = mp3.parse(frame), promise(frame)
        if head is None:
            break
        if streams and streams[0].runs and head[1:3] != streams[0].runs[0].head[1:3]:
            missing = f"its rate or kind changes there: {head.rate_hz} Hz, layer {head.layer}"
            break
        lost = 0 if told or (anew and streams) else found - place
        if told:
            found += mp3.lengths(head.second, head.rate_hz)[frame[2]]
        if told or anew:
            streams.append(Stream(told))
        run = mp3.follow(file, found, head)
        if run.n_frames:
            streams[-1].runs.append(run)
            streams[-1].lost_bytes.append(lost)
        elif not told:
            break
        place, anew = run.end, False
    streams = [stream for stream in streams if stream.runs]
    return MpegAudio(path, streams, _tail(file, place, size), missing) if streams else None


def _tail(file: IO[bytes], place: int, size: int) -> str:
    """Say in words what is behind the last frame."""
    if place >= size:
        return ""
    file.seek(place)
    rest = file.read(mp3.CHUNK_BYTES)
    if mp3.parse(rest[:4]):
        return "its last MPEG frame is not whole"
    return f"{size - place} bytes behind its last MPEG frame that are no sound" + " (zeros)" * (not any(rest))


def _count(n: int) -> str:
    return {2: "two", 3: "three"}.get(n, str(n))
