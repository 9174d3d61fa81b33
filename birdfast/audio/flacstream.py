"""A FLAC whose header, numbers or bytes are not as they should be, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from .flac import HEAD_BYTES, Finder, Frame, Info, first_frame, info
from .framing import LONGEST_GAP_S, Group
from .mpegtags import ID3V1_BYTES, sound_begin

ZEROS_BYTES = 64  # so many zeros at the end are no sound
READ_BYTES = 1 << 20
# Places, as parts of a file, where the numbers have to rise if it is one stream: steps of the golden ratio,
# as evenly spaced ones find rising numbers in 10 streams of one length, too; these do so from 56 on.
PROBES = sorted(number * (5**0.5 - 1) / 2 % 1 for number in range(1, 9))


class FlacFile:
    """A `Framing` of a FLAC: its frames are found by their headers, and cut where the next begins.

    Positions are the frames' numbers, so what is lost leaves a gap. Where the numbers cannot be
    what they should, as the header's length does not fit them, `n_frames` is None and they only
    count from frame to frame: recorders begin them anew after a pause.

    Attributes
    ----------
    is_regular : bool
        All is as it should be, as far as can be seen without reading the file.
    notes : list of str
    """

    codec = "flac"
    seeks_slowly = False

    def __init__(self, path: Path, file: IO[bytes], head: Info, begin: Frame, size: int) -> None:
        self._path, self._head = path, head
        file.seek(begin.place)
        self._first = first = file.read(HEAD_BYTES)
        self.extradata: bytes | None = head.block
        self.rate_hz, self.n_channels = head.rate_hz, head.n_channels
        self._begin, self._block_samples = begin, begin.n_samples
        is_damaged = begin.place > head.begin and self._n_before(begin, 0) <= LONGEST_GAP_S * self.rate_hz
        self._origin = 0 if is_damaged else begin.number  # the number of the frame with the first sample
        self._end = _end(file, size)
        finder = Finder(file, first, self._end)
        last = finder.last(2 * self._most_bytes())
        self._whole = last is not None and finder.is_whole(last, self._end)
        self.held = self._position(last) + last.n_samples * self._whole if last else None
        self.notes: list[str] = []
        self.n_frames = self._believed(last) if self._is_one(finder) else None
        as_told = self.n_frames is not None and self.held == self.n_frames
        self.is_regular = self._end == size and begin.number == 0 and begin.place == head.begin and as_told
        if not self.is_regular:
            self.notes += self._oddities(size)

    def groups(self, start: int) -> Iterator[Group]:
        """Yield the packets for the samples from `start` on: see `Framing.groups`."""
        with self._path.open("rb") as file:
            finder = Finder(file, self._first, self._end)
            frame: Frame | None = self._seek(finder, start)
            position = self._position(frame) if frame else 0
            fresh = True
            while frame:
                follower = self._follower(finder, frame)
                if position + frame.n_samples > start:
                    end = follower.place if follower else self._end
                    file.seek(frame.place)
                    packet = file.read(min(end - frame.place, self._most_bytes()))
                    yield Group((packet,), position, fresh=fresh)
                    fresh = False
                if follower:
                    position += frame.n_samples + self._leap(frame, follower, position)
                frame = follower

    def _follower(self, finder: Finder, frame: Frame) -> Frame | None:
        """Return the next frame: the one with the next number if it is near, or any that one more follows."""
        if found := self._next(finder, frame):
            return found
        place = frame.place + 6
        while found := finder.after(place):
            place = found.place + 6
            if found.place + self._most_bytes() >= self._end or self._next(finder, found):
                return found
        return None

    def _next(self, finder: Finder, frame: Frame) -> Frame | None:
        """Return the frame with the next number, if it is near."""
        return finder.after(frame.place + 6, frame.place + self._most_bytes(), frame.next_number)

    def _is_one(self, finder: Finder) -> bool:
        """Say whether the numbers rise at all places looked at: in streams that were joined they do not."""
        begin, before = self._begin.place, self._begin
        for part in PROBES:
            frame = finder.after(begin + int(part * (self._end - begin)))
            if frame and frame.place > before.place and self._next(finder, frame):
                if frame.number <= before.number:
                    return False
                before = frame
        return True

    def _leap(self, frame: Frame, follower: Frame, position: int) -> int:
        """Return how many samples are lost between two frames."""
        leap = self._n_before(follower, frame.next_number)
        place_s = (position + frame.n_samples) / self.rate_hz
        if leap < 0:
            self.notes.append(f"the frame numbers begin anew at {place_s:.2f} s")
        elif self.n_frames is None and leap > LONGEST_GAP_S * self.rate_hz:
            self.notes.append(f"the frame numbers leap at {place_s:.2f} s: passed over")
            return 0
        return max(0, leap)

    def _seek(self, finder: Finder, start: int) -> Frame:
        """Return a frame at `start` or before it, near it if the numbers can be trusted."""
        found, low, high = self._begin, self._begin.place, self._end
        while self.n_frames is not None and high - low > 4 * self._most_bytes():
            middle = (low + high) // 2
            frame = finder.after(middle, high)
            if frame and self._position(frame) <= start:
                found, low = frame, frame.place
            else:
                high = middle
        return found

    def _position(self, frame: Frame) -> int:
        return self._n_before(frame, self._origin)

    def _n_before(self, frame: Frame, number: int) -> int:
        """Return the samples from the beginning of the frame of a number to that of a frame."""
        return (frame.number - number) * (1 if frame.is_variable else self._block_samples)

    def _most_bytes(self) -> int:
        """Return what a frame has at most: as it is told, or as uncompressed and a little more."""
        return self._head.most_bytes(self._block_samples)

    def _believed(self, last: Frame | None) -> int | None:
        """Return the length in the header if the file is as long, or was cut before that."""
        told = self._head.n_frames
        if not told or self._origin or self.held is None:
            return told if told and last is None and not self._origin else None
        if self.held == told:
            return told
        ended = self._whole and last is not None and last.n_samples < self._block_samples
        doubled = self._whole and self.held * 2 == told
        return None if ended or doubled or self.held > told else told

    def _oddities(self, size: int) -> Iterator[str]:
        told = self._head.n_frames
        if not told:
            yield "no length in its header: read to its end"
        elif self.n_frames is None:
            yield f"its header promises {told / self.rate_hz:.2f} s: read to its end"
        if self._origin:
            yield f"its frame numbers begin at {self._origin}"
        if self._end < size:
            yield f"{size - self._end} bytes behind its last frame that are no sound"
        elif not self._whole and self.n_frames is None:
            yield "its last frame is not whole"


def scan(path: Path) -> FlacFile | None:
    """Look at a FLAC's beginning and end; None if it has none or is something else.

    Raises
    ------
    OSError
        It cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = info(file, sound_begin(file))
        if head is None:
            return None
        begin = first_frame(file, head, size)
        return FlacFile(path, file, head, begin, size) if begin else None


def _end(file: IO[bytes], size: int) -> int:
    """Return where the sound ends: before zeros of a file that got its room beforehand, or an ID3v1 tag."""
    file.seek(max(0, size - ID3V1_BYTES))
    if file.read(3) == b"TAG":
        size -= ID3V1_BYTES
    end = size
    while end > 0:
        begin = max(0, end - READ_BYTES)
        file.seek(begin)
        held = file.read(end - begin).rstrip(b"\0")
        end = begin + len(held)
        if held:
            break
    return end if size - end >= ZEROS_BYTES else size
