"""Decoding with FFmpeg (PyAV), where libsndfile cannot read or is known to misread."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from copy import copy
from typing import IO, Any

import av
import numpy as np
from av.codec import CodecContext

from ...arrays import Float32
from ..framing import Framing, Group
from .decoder import Undecodable, gathered
from .frames import samples

# What people record in. Only these: other formats open what a file names, as playlists do.
CONTAINERS = "aac,ac3,amr,ape,asf,avi,caf,dsf,eac3,matroska,mov,mpegts,ogg,tak,tta,wav,w64,wv"
ONLY = {"format_whitelist": CONTAINERS}
# Formats whose header says how much has to come; of AVI, FFmpeg guesses the time by the file's size.
KEEPS_ITS_LENGTH = ("ape", "asf", "matroska", "mov", "tak", "tta", "wv")
CHECKED = {"err_detect": "crccheck+explode"}  # wrong checksums are not passed over
UNKNOWN = "not an audio file that FFmpeg reads"
MOST_ERRORS = 100  # in a row, at which no packet is found
DAMAGE = (av.error.FFmpegError, ValueError, TypeError)

av.logging.set_level(None)


class Packets:
    """A `Decoder` of a stream whose packets are found by a `Framing`, so that their positions are known.

    Raises
    ------
    Undecodable
        FFmpeg does not take the stream.
    """

    name = "FFmpeg"

    def __init__(self, framing: Framing) -> None:
        self._framing = copy(framing)  # which may be kept for others; what it finds on the way is noted here
        self._framing.notes = [*framing.notes]
        self.rate_hz, self.n_channels, self.n_frames = framing.rate_hz, framing.n_channels, framing.n_frames
        self.seeks_slowly, self.notes = framing.seeks_slowly, self._framing.notes
        self.lost: list[tuple[int, int]] = []
        self._codec()

    def frames(self, start: int, stop: int | None) -> Iterator[tuple[int, Float32]]:
        """Yield samples with their positions: see `Decoder.frames`."""
        return gathered(self._within(start, stop), self.n_channels, start)

    def count(self, group: Group) -> int:
        """Return how many samples a group gives by itself."""
        return len(self._decode(self._codec(), group))

    def close(self) -> None:
        """Let the file go."""

    def _codec(self) -> Any:
        """Return a codec that has heard nothing yet, and does not pass over wrong checksums."""
        try:
            codec: Any = CodecContext.create(self._framing.codec, "r")
            codec.options = CHECKED
            codec.thread_count = 1
            if self._framing.extradata is not None:
                codec.extradata = self._framing.extradata
            codec.sample_rate = self.rate_hz
            codec.open()
        except DAMAGE as error:
            raise Undecodable(_reason(error)) from error
        return codec

    def _within(self, start: int, stop: int | None) -> Iterator[tuple[int, Float32]]:
        """Yield what each group gives, without what does not count or was not asked for."""
        codec, expected = None, None if start else 0
        for group in self._framing.groups(max(0, start - 1)):  # so what is lost from `start` on is seen
            if codec is None or group.fresh:
                codec = self._codec()
            samples = self._decode(codec, group)
            if not len(samples):
                continue
            position = group.begin(len(samples))
            begin = max(position, group.first)
            border = begin if group.last is None else min(begin, group.last)
            if expected is not None and border > expected:
                self.lost.append((expected, border))
            ends = [place for place in (group.last, stop) if place is not None]
            end = position + len(samples)
            expected = max(end, group.first)  # what comes before a stream's first sample is the encoder's
            last = min([end, *ends])
            if last > begin:
                yield begin, samples[begin - position : last - position]
            if stop is not None and position >= stop:
                yield stop, samples[:0]
                return

    def _decode(self, codec: Any, group: Group) -> Float32:
        """Return a group's samples: float32 [n, n_channels]; a packet that is damaged gives none."""
        found = []
        for packet in group.packets:
            try:
                found += [samples(frame, self.n_channels) for frame in codec.decode(av.Packet(packet))]
            except DAMAGE:
                continue
        return np.concatenate(found) if found else np.zeros((0, self.n_channels), np.float32)


class Source(io.BufferedReader):
    """A file as FFmpeg wants it: an error would be told on the terminal, and taken for one of the disk's."""

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to a place; -1 if a damaged file names one where no file has any."""
        if whence:
            place += self.tell() if whence == 1 else super().seek(0, 2)
        try:
            return super().seek(place) if place >= 0 else -1
        except OSError:  # beyond what a file can have
            return -1


def opened(file: IO[bytes]) -> Any:
    """Return a container in which there is sound, opened."""
    try:
        container: Any = av.open(file, options=ONLY, metadata_errors="ignore")
    except DAMAGE as error:
        raise Undecodable(UNKNOWN) from error
    codecs = [stream.codec_context for stream in container.streams.audio]
    if not codecs or codecs[0] is None or not codecs[0].channels:
        container.close()
        raise Undecodable("no sound in it" if not codecs else "its sound is of no kind that FFmpeg knows")
    codecs[0].thread_count = 1
    codecs[0].options = CHECKED
    return container


def promised_s(container: Any) -> float:
    """Return how many seconds have to come; 0 if the format does not say."""
    kind, stream = container.format.name.split(",")[0], container.streams.audio[0]
    if kind == "avi":
        return float(stream.frames * stream.time_base)
    return container.duration / av.time_base if kind in KEEPS_ITS_LENGTH and container.duration else 0.0


def packets(container: Any, stream: Any) -> Iterator[Any]:
    """Yield a stream's packets, and go on behind what is damaged."""
    packets, n_errors = container.demux(stream), 0
    while n_errors < MOST_ERRORS:
        try:
            packet = next(packets, None)
        except DAMAGE:
            n_errors += 1
            packets = container.demux(stream)
            continue
        if packet is None:
            return
        n_errors = 0
        yield packet


def decoded(codec: Any, packet: Any) -> Sequence[Any]:
    """Return the frames of a packet, or of its bytes: none if it is damaged."""
    try:
        return codec.decode(av.Packet(packet) if isinstance(packet, bytes) else packet)  # type: ignore[no-any-return]
    except DAMAGE:
        return ()


def _reason(error: Exception) -> str:
    """Return FFmpeg's own words, without the name of the function."""
    text = getattr(error, "strerror", None) or str(error)
    return text[:1].lower() + text[1:]
