"""What comes through a pipe is read as libsndfile reads it in a file, or refused in words."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from birdfast.audio import otherfiles, pcm
from birdfast.audio.pcm import Pcm
from birdfast.errors import AudioError

from .recordings import noise, write

SUBTYPES = {
    "PCM_16": "s16",
    "PCM_24": "s24",
    "PCM_32": "s32",
    "PCM_U8": "u8",
    "FLOAT": "f32",
    "DOUBLE": "f64",
}


def told(data: bytes) -> tuple[Pcm, int | None, bytes]:
    stream = io.BytesIO(data)
    head = stream.read(pcm.HEAD_BYTES)
    assert pcm.is_wav(head)
    return *pcm.wav(head, stream.read), stream.read()


def header(form: bytes, length: int, before: bytes = b"", riff: bytes = b"RIFF") -> bytes:
    told = struct.pack("<4sI", b"fmt ", len(form)) + form
    return riff + b"\xff" * 4 + b"WAVE" + before + told + struct.pack("<4sI", b"data", length)


def form(tag: int = 1, channels: int = 1, rate_hz: int = 8_000, bits: int = 16) -> bytes:
    frame = channels * bits // 8
    return struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * frame, frame, bits)


@pytest.mark.parametrize("subtype", SUBTYPES)
@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64"])
def test_samples_are_those_of_a_file(subtype: str, kind: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", noise(1_001, 2), 11_025, subtype=subtype, format=kind)
    how, n_bytes, data = told(path.read_bytes())
    assert how == Pcm(11_025, 2, SUBTYPES[subtype])
    assert n_bytes == 1_001 * how.frame_bytes
    found = how.samples(data[:n_bytes])
    if found.dtype == np.int16:
        found = found * np.float32(1 / 32768)
    assert found.dtype == np.float32
    assert (found == soundfile.read(path, dtype="float32")[0]).all()


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0x7FFFFFFF - 36, 0x80000000])
def test_lengths_that_nobody_knows_are_none(length: int) -> None:
    assert told(header(form(), length) + b"abcd") == (Pcm(8_000), None, b"abcd")


def test_other_chunks_are_passed_over() -> None:
    more = struct.pack("<4sI", b"LIST", 5) + b"words\0"
    assert told(header(form(), 4, more) + b"abcdLIST")[1:] == (4, b"abcdLIST")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"RIFF\0\0\0\0AVI ....", "b'AVI ' in the place of WAVE"),
        (header(form(), 4)[:30], "ends before the sound"),
        (header(form()[:10], 4), "a fmt chunk of 10 bytes"),
        (b"RIFF\0\0\0\0WAVEdata\4\0\0\0", "no fmt chunk"),
        (b"RIFF\0\0\0\0WAVEjunk\xff\xff\xff\x7f", "bytes, and no sound yet"),
        (header(form(85), 4), "format 85 with 16 bits"),
        (header(form(bits=12), 4), "format 1 with 12 bits"),
        (header(form(channels=0), 4), "0 channels of 16 bits"),
        (header(form(rate_hz=3), 4), "a WAV of 3 Hz"),
        (header(form()[:12] + b"\7\0\x10\0", 4), "in 7 bytes"),
    ],
)
def test_broken_headers_are_refused(data: bytes, why: str) -> None:
    with pytest.raises(AudioError, match=why):
        told(data)


@pytest.mark.parametrize("cut", range(12, 44))
def test_a_header_that_is_cut_is_refused(cut: int) -> None:
    with pytest.raises(AudioError, match="ends before the sound"):
        told(header(form(), 8)[:cut])


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        *[(b"fLaC", "FLAC"), (b"OggS", "Ogg"), (b"FORM", "AIFF"), (b"ID3", "MP3"), (b"RIFX", "a WAV with")],
        *[(b"\0\0\0\x20ftypM4A ", "MP4, M4A or MOV"), (b"0&\xb2u\x8ef\xcf\x11", "Windows Media")],
    ],
)
def test_other_files_are_no_raw_samples(head: bytes, kind: str) -> None:
    with pytest.raises(AudioError, match=f"that is {kind}.*, not WAV"):
        pcm.is_wav(head.ljust(12, b"\0"))


def frames(head: bytes, n_bytes: int, n: int = 9) -> bytes:
    return head.ljust(n_bytes, b"\1") * n


ADTS = b"\xff\xf1\x4c\x80" + bytes([200 >> 3, (200 & 7) << 5, 0])  # of 200 bytes


@pytest.mark.parametrize(
    ("begin", "kind"),
    [
        (frames(b"\xff\xfb\x90\xc4", 417), "MP3"),
        (frames(ADTS, 200), "AAC"),
        (frames(b"\x0b\x77\0\0\0", 128), "AC-3"),
        (frames(b"G", 188), "an MPEG transport stream"),
        *[(first + b"\1" * 9_000, None) for first in (b"\xff\xfb\x90\xc4", ADTS, b"\x0b\x77\0\0\0", b"G")],
        (ADTS, None),
        (b"G", None),
    ],
)
def test_frames_are_no_raw_samples_and_one_that_looks_like_it_is_none(begin: bytes, kind: str | None) -> None:
    assert otherfiles.may_be_frames(begin)
    assert otherfiles.by_frames(begin[: otherfiles.BEGIN_BYTES]) == kind


@given(st.binary(min_size=12, max_size=64))
def test_any_bytes_may_be_looked_at(begin: bytes) -> None:
    otherfiles.may_be_frames(begin)
    assert otherfiles.by_frames(begin) is None


def test_what_begins_otherwise_is_raw() -> None:
    assert not pcm.is_wav(b"\1\2\3")
    assert (Pcm(8_000, 2).samples(b"\1\0\2\0\3\0\4\0") == [[1, 2], [3, 4]]).all()
