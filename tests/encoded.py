"""Recordings in many formats, as encoders and recorders write them, and as accidents leave them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from .recordings import write

RATE_HZ = 48_000
SECONDS = 7
LAYOUTS = {1: "mono", 2: "stereo", 8: "7.1", 16: "hexadecagonal"}
LOSSLESS = {
    "wav",
    "flac",
    "aiff",
    "w64",
    "caf",
    "au",
    "rf64",
    "voc",
    "gsm",
    "wv",
    "mov",
    "oga",
    "mka",
    "tta",
    "avi",
}


def sound(seconds: float = SECONDS, rate_hz: int = RATE_HZ, seed: int = 0) -> np.ndarray:
    """Noise and a tone that rises, in steps of 16 bits: float32 [n]."""
    n = np.arange(round(seconds * rate_hz))
    noise = np.random.default_rng(seed).uniform(-0.2, 0.2, len(n)) * (n // (rate_hz // 2) % 3)
    tone = 0.3 * np.sin(n * (0.05 + n * 1e-7))
    return (np.round((noise + tone) * 32767) / 32768).astype(np.float32)


def with_channels(samples: np.ndarray, n_channels: int) -> np.ndarray:
    """Give a sound so many channels, each later than the one before: [n, n_channels]."""
    return np.stack([np.roll(samples, 100 * channel) for channel in range(n_channels)], axis=1)


def by_libsndfile(path: Path, samples: np.ndarray, rate_hz: int = RATE_HZ, **how: str) -> bytes:
    """Write with libsndfile, and return the bytes."""
    return write(path, samples[:, np.newaxis], rate_hz, **how).read_bytes()


def by_ffmpeg(
    path: Path, codec: str, samples: np.ndarray, rate_hz: int = RATE_HZ, bits: int = 96_000, **options: str
) -> bytes:
    """Write [n] or [n, n_channels] with FFmpeg, the container by the path's suffix, and return the bytes."""
    many = samples.reshape(len(samples), -1)
    layout = LAYOUTS[many.shape[1]]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz, layout=layout, options=options)
        kinds = [kind.name for kind in stream.codec_context.codec.audio_formats]
        kind = next((kind for kind in kinds if kind.startswith("s16")), kinds[0])
        stream.bit_rate, stream.codec_context.format = bits, kind
        stream.codec_context.open()
        frame = av.AudioFrame.from_ndarray(many.reshape(1, -1), "flt", layout)
        frame.sample_rate = rate_hz
        resampler = av.AudioResampler(kind, layout, rate_hz, stream.codec_context.frame_size or 1024)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux([packet for packet in stream.encode(part) if packet.size])
        container.mux([packet for packet in stream.encode(None) if packet.size])
    return path.read_bytes()


def without_xing(mp3: bytes) -> bytes:
    """Return an MP3 without its first frame, which says how many there are."""
    at = mp3.index(b"Info") if b"Info" in mp3[:200] else mp3.index(b"Xing")
    return mp3[mp3.index(b"\xff\xfb", at) :] if b"\xff\xfb" in mp3[at:] else mp3[mp3.index(b"\xff\xf3", at) :]


def with_total(flac: bytes, n: int) -> bytes:
    """Return a FLAC with another number of samples in its STREAMINFO."""
    changed = bytearray(flac)
    changed[21] = changed[21] & 0xF0 | n >> 32
    changed[22:26] = struct.pack(">I", n & 0xFFFFFFFF)
    return bytes(changed)


def flac_frames(flac: bytes) -> int:
    """Return where a FLAC's frames begin."""
    place, last = 4, False
    while not last:
        last, size = bool(flac[place] & 0x80), int.from_bytes(flac[place + 1 : place + 4])
        place += 4 + size
    return place


def with_hole(content: bytes, part: float, n_bytes: int = 3000) -> bytes:
    """Return a file with zeros in place of some bytes."""
    place = int(len(content) * part)
    return content[:place] + bytes(n_bytes) + content[place + n_bytes :]


def dsf(seconds: int) -> bytes:
    """Return a DSF: so many seconds of one channel in one-bit samples (DSD64), 32 of them again and again."""
    n_bits = seconds * 2_822_400
    bits = (b"\x69\x96\xb1\x4d" * 1024) * -(-n_bits // (8 * 4096))
    form = struct.pack("<4sQIIIIIIQII", b"fmt ", 52, 1, 0, 1, 1, 2_822_400, 1, n_bits, 4096, 0)
    head = struct.pack("<4sQQQ", b"DSD ", 28, 28 + len(form) + 12 + len(bits), 0)
    return head + form + struct.pack("<4sQ", b"data", 12 + len(bits)) + bits


def make(folder: Path) -> dict[str, Path]:
    """Write a file of each kind; a kind's name begins with its suffix."""
    long, parts = sound(), [sound(3.0, seed=1), sound(4.0, seed=2)]
    path: Callable[[str], Path] = lambda name: folder / f"{name.replace(' ', '_')}.{name.split()[0]}"  # noqa: E731
    found: dict[str, bytes] = {}
    for kind in ("wav", "flac", "ogg", "mp3", "aiff", "w64", "caf", "au", "rf64", "voc"):
        found[kind] = by_libsndfile(path(kind), long)
    found["ogg opus"] = by_libsndfile(path("ogg opus"), long, subtype="OPUS")
    found["gsm"] = by_libsndfile(path("gsm"), long[::6].copy(), 8_000, format="WAV", subtype="GSM610")
    for kind, codec in (
        ("m4a", "aac"), ("webm", "libopus"), ("mka", "pcm_s16le"), ("wma", "wmav2"), ("wv", "wavpack"),
        ("tta", "tta"), ("avi", "pcm_s16le"), ("mov", "alac"), ("aac", "aac"), ("mp2", "mp2"),
        ("oga", "flac"), ("opus", "libopus"),
    ):  # fmt: skip
        found[kind] = by_ffmpeg(path(kind), codec, long)
    found["dsf"] = dsf(SECONDS)
    for n_channels in (8, 16):
        kind = f"wv of {n_channels}"
        found[kind] = by_ffmpeg(path(kind), "wavpack", with_channels(long, n_channels))
    found["3gp"] = by_ffmpeg(path("3gp"), "aac", sound(SECONDS, 8_000), 8_000, 16_000)
    low = by_ffmpeg(path("mp3 low"), "libmp3lame", sound(SECONDS, 24_000), 24_000, 32_000, write_xing="0")
    found["mp3 low"] = low
    found["mp3 untold"] = without_xing(found["mp3"])
    mp3s = [by_libsndfile(path("mp3 part"), part) for part in parts]
    mp3s[1] = mp3s[1][mp3s[1].index(b"\xff\xfb") :]  # no tag says that another one begins
    oggs = [by_libsndfile(path("ogg part"), part) for part in parts]
    opuses = [by_libsndfile(path("ogg part"), part, subtype="OPUS") for part in parts]
    flacs = [by_libsndfile(path("flac part"), part) for part in (*parts, sound(3.0, seed=3))]
    found |= {"mp3 joined": b"".join(mp3s), "ogg chained": b"".join(oggs), "opus chained": b"".join(opuses)}
    found["flac untold"] = with_total(found["flac"], 0)
    found["flac doubled"] = with_total(found["flac"], 2 * len(long))
    found |= {"flac joined": flacs[0] + flacs[2], "flac joined again": flacs[0] + flacs[2] + flacs[0]}
    begins = [flac_frames(flac) for flac in flacs]
    found["flac anew"] = with_total(flacs[0], len(long)) + flacs[1][begins[1] :]
    found["flac later"] = with_total(found["flac"], 0)[: begins[0]] + _later(found["flac"])
    for kind in ("flac", "ogg", "mp3"):
        found[f"{kind} hole"] = with_hole(found[kind], 0.5)
        found[f"{kind} zeros"] = found[kind] + bytes(100_000)
    for kind, content in found.items():
        path(kind).write_bytes(content)
    return {kind: path(kind) for kind in found}


def _later(flac: bytes) -> bytes:
    """Return a FLAC's frames from the tenth on."""
    place = flac_frames(flac)
    for _ in range(10):
        place = flac.index(flac[flac_frames(flac) : flac_frames(flac) + 2], place + 8)
    return flac[place:]
