"""Decoding with FFmpeg (PyAV), where libsndfile cannot read or is known to misread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from typing import IO, Any

import av
import numpy as np
from av.codec import CodecContext

from ...arrays import Float32
from ..framing import Framing, Group
from .decoder import Undecodable, gathered, with_channels

# What people record in. Only these: other formats open what a file names, as playlists do.
CONTAINERS = "aac,ac3,amr,ape,asf,avi,caf,dsf,eac3,matroska,mov,mpegts,ogg,tak,tta,wav,w64,wv"
ONLY = {"format_whitelist": CONTAINERS}
KEEPS_ITS_LENGTH = ("asf", "matroska", "mov", "wv")  # formats whose header says how much has to come
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
            codec.options = {"err_detect": "crccheck+explode"}
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
            if expected is not None and begin > expected:
                self.lost.append((expected, begin))
            ends = [place for place in (group.last, stop) if place is not None]
            expected = position + len(samples)
            last = min([expected, *ends])
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


def samples(frame: Any, n_channels: int) -> Float32:
    """Return a frame's samples: float32 [n, n_channels] in -1..1 for integers."""
    kind, n = frame.format.name.removesuffix("p"), frame.samples
    dtype = {"u8": np.uint8, "s16": np.int16, "s32": np.int32, "flt": np.float32, "dbl": np.float64}[kind]
    found = [np.frombuffer(plane, dtype) for plane in frame.planes]
    width = frame.layout.nb_channels
    if frame.format.is_planar:
        values = np.stack([plane[:n] for plane in found], axis=1)
    else:
        values = found[0][: n * width].reshape(n, width)
    if kind == "u8":
        values = values.astype(np.float32) - 128
    scale = {"u8": 2.0**-7, "s16": 2.0**-15, "s32": 2.0**-31}.get(kind, 1.0)
    return with_channels(values.astype(np.float32) * np.float32(scale), n_channels)


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
    return container


def promised_s(container: Any) -> float:
    """Return how many seconds have to come; 0 if the format does not say."""
    exact = container.format.name.split(",")[0] in KEEPS_ITS_LENGTH
    return container.duration / av.time_base if exact and container.duration else 0.0


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
