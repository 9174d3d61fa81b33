"""A file that FFmpeg takes apart itself, with its container's clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

from ...arrays import Float32
from ..framing import LONGEST_GAP_S
from ..pieces import Piece, Pieces
from . import byteclock, ffmpeg
from .decoder import Undecodable, gathered
from .frames import samples

SKIP_A_FRAME = ("wmav1", "wmav2")  # their decoders give nothing for the first
TOLERANCE_S = 0.1  # a container's clock may be so far from the samples, if it is no clock of samples


class Container:
    """A `Decoder` of a file that FFmpeg takes apart itself, from its beginning on.

    The first stream of sound in it, or in pieces of it, is read. Where the
    container's clock counts samples, a gap in it is a gap; a coarser clock counts where it is
    `TOLERANCE_S` ahead, and one that counts only the packets that were found not at all: see
    `byteclock`.

    Parameters
    ----------
    path : path
    pieces : sequence of Piece
        What of the file to read; nothing is all of it.

    Raises
    ------
    Undecodable
        FFmpeg does not know the format, or finds no sound.
    OSError
        The file cannot be read.
    """

    name = "FFmpeg"
    seeks_slowly = True
    n_frames: int | None = None

    def __init__(self, path: Path, pieces: Sequence[Piece] = ()) -> None:
        self._path, self._pieces = path, pieces
        self.notes: list[str] = []
        self.lost: list[tuple[int, int]] = []
        with self._file() as file, ffmpeg.opened(file) as container:
            stream = container.streams.audio[0]
            self.rate_hz, self.n_channels = stream.sample_rate or 0, stream.channels
            self._promised_s = ffmpeg.promised_s(container)

    def frames(self, start: int, stop: int | None) -> Iterator[tuple[int, Float32]]:
        """Yield samples with their positions: see `Decoder.frames`."""
        return gathered(self._within(start, stop), self.n_channels, start)

    def close(self) -> None:
        """Let the file go."""

    def _within(self, start: int, stop: int | None) -> Iterator[tuple[int, Float32]]:
        """Decode from the beginning on, and yield what was asked for."""
        expected, tolerance, self._passed_over = 0, 0, 0
        with self._file() as file, ffmpeg.opened(file) as container:
            if container.streams.audio[0].time_base != Fraction(1, self.rate_hz):
                tolerance = round(TOLERANCE_S * self.rate_hz)
            timed = _by_clock(container, self.rate_hz, tolerance)
            if byteclock.is_needed(container):
                timed, tolerance = _by_bytes(container, self._path), 0
            for number, (told, frame) in enumerate(timed):
                expected = expected if number else _n_silent(container.streams.audio[0], frame)
                if frame.sample_rate != self.rate_hz:
                    raise Undecodable(f"its sample rate changes to {frame.sample_rate} Hz", expected)
                if told is not None:
                    expected += self._leap(told - expected, expected, tolerance)
                block = samples(frame, self.n_channels)
                if stop is not None and expected + len(block) >= stop:
                    yield min(expected, stop), block[: max(0, stop - expected)]
                    return
                yield expected, block
                expected += len(block)
        if expected < (self._promised_s - 2 * TOLERANCE_S) * self.rate_hz:
            raise Undecodable(f"cut short: its header promises {self._promised_s:.2f} s", expected)

    def _file(self) -> IO[bytes]:
        """Open the file, or the pieces."""
        pieces = self._pieces
        return ffmpeg.Source(Pieces(self._path, pieces) if pieces else self._path.open("rb", buffering=0))

    def _leap(self, ahead: int, expected: int, tolerance: int) -> int:
        """Return how many samples are lost where the clock is ahead of the samples."""
        ahead -= self._passed_over
        if ahead <= tolerance:
            return 0
        if ahead > LONGEST_GAP_S * self.rate_hz:
            self._passed_over += ahead
            self.notes.append(f"its clock leaps at {expected / self.rate_hz:.2f} s: passed over")
            return 0
        self.lost.append((expected, expected + ahead))
        return ahead


def _by_bytes(container: Any, path: Path) -> Iterator[tuple[int | None, Any]]:
    """Yield a stream's frames with their positions, as the bytes between its packets tell them."""
    stream = container.streams.audio[0]
    with path.open("rb") as file:
        clock = byteclock.ByteClock(stream.codec_context.name, byteclock.begin(file))
        packets = byteclock.packets(container, file, ffmpeg.packets(container, stream))
        for number, packet in clock.numbered(packets):
            for frame in ffmpeg.decoded(stream.codec_context, byteclock.content_of(packet)):
                yield number * frame.samples, frame


def _by_clock(container: Any, rate_hz: int, tolerance: int) -> Iterator[tuple[int | None, Any]]:
    """Yield a stream's frames with their positions, as the container's clock tells them: None if it does not.

    The clock begins with the first frame, or where the stream does if packets before that gave nothing.
    """
    stream, origin = container.streams.audio[0], None
    for packet in ffmpeg.packets(container, stream):
        for frame in ffmpeg.decoded(stream.codec_context, packet):
            told = None if frame.pts is None else round(frame.pts * frame.time_base * rate_hz)
            if origin is None and told is not None:
                origin = told - _n_silent(stream, frame)
                begin = round(_begin_s(container, packet) * rate_hz)
                if stream.start_time is not None and origin > begin + tolerance:
                    origin = begin
            yield None if told is None or origin is None else told - origin, frame


def _begin_s(container: Any, first: Any) -> float:
    """Return when a container's clock begins: with its stream, or at 0 if that lacks what was before it.

    It does if the bytes before the first packet found stand for half the time before it, or more.
    """
    stream = container.streams.audio[0]
    begin_s = float((stream.start_time or 0) * stream.time_base)
    length_s = ffmpeg.promised_s(container)
    lacks = bool(first.pos) and first.pos / container.size * length_s > begin_s / 2
    return 0.0 if lacks and begin_s > TOLERANCE_S else begin_s


def _n_silent(stream: Any, first: Any) -> int:
    """Return for how many samples a decoder gives nothing before its first frame."""
    return first.samples if stream.codec_context.name in SKIP_A_FRAME else 0
