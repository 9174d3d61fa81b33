"""Sound in blocks: whole ones are heard, wherever the file ends and wherever one begins to listen."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from birdfast import audio
from birdfast.errors import AudioError

from .test_headers import hear

CODECS = [
    ("WAV", "GSM610"),
    ("WAV", "IMA_ADPCM"),
    ("WAV", "MS_ADPCM"),
    ("W64", "GSM610"),
    ("W64", "MS_ADPCM"),
    ("AIFF", "GSM610"),
    ("AIFF", "IMA_ADPCM"),
]


@pytest.fixture(scope="module", params=CODECS, ids=" ".join)
def coded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of a tone that rises, 8 kHz, in blocks."""
    container, subtype = request.param
    path = tmp_path_factory.mktemp("blocks") / f"tone.{container}"
    tone = np.sin(np.arange(24_000) ** 1.4 / 40, dtype=np.float32) / 2
    soundfile.write(path, tone, 8_000, subtype, format=container)
    return path


@given(st.floats(0.2, 0.98))
def test_a_cut_in_a_block_keeps_the_blocks_before_it(coded: Path, share: float) -> None:
    whole, _, failure = hear(coded)
    assert failure == ""
    content = coded.read_bytes()
    path = coded.with_name("cut")
    path.write_bytes(content[: int(share * len(content))])
    samples, _, failure = hear(path)
    np.testing.assert_array_equal(samples, whole[: len(samples)])
    assert len(samples) > share * len(whole) - 5000  # a block at most, and the header's share
    assert "cut short: ends at" in failure


@pytest.mark.parametrize("start", [0, 1, 8_001, 23_999])
def test_what_cannot_seek_is_heard_from_any_place(coded: Path, start: int) -> None:
    whole, _, _ = hear(coded)
    with audio.Recording(coded) as opened:
        assert opened.seeks_slowly == (soundfile.info(coded).subtype == "GSM610")
        found = np.concatenate([block.copy() for block in opened.blocks(8_000, start, start + 500)])
    np.testing.assert_array_equal(found, whole[start : start + 500])


SOUND = np.random.default_rng(2).integers(-9_000, 9_000, 1000).astype("<i2")
HEAD = b"Creative Voice File\x1a" + struct.pack("<HHH", 26, 0x0114, 0x1F11)


def block(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + len(content).to_bytes(3, "little") + content


def new(content: bytes, rate_hz: int = 48_000) -> bytes:
    return block(9, struct.pack("<IBBHI", rate_hz, 16, 1, 4, 0) + content)


def test_the_blocks_of_a_voc_are_one_sound(tmp_path: Path) -> None:
    path, sound = tmp_path / "blocks.voc", SOUND.tobytes()
    blocks = (
        new(sound[:500]),
        block(2, sound[500:800]),
        block(4, b"\1\0"),
        block(5, b"text"),
        new(sound[800:]),
    )
    path.write_bytes(HEAD + b"".join(blocks) + b"\0")
    samples, notes, failure = hear(path)
    np.testing.assert_array_equal(samples, SOUND / np.float32(32_768))
    assert (notes, failure) == ([], "")
    path.write_bytes(HEAD + b"".join(blocks)[:-101])
    samples, _, failure = hear(path)
    assert len(samples) == 949
    assert "cut short: ends at 0.02 s (its header promises" in failure  # of how many is not told


@pytest.mark.parametrize("other", [new(b"abcd", 8_000), block(3, b"\xff\0\x80"), block(6, b"\1\0")])
def test_what_a_voc_has_beside_one_sound_is_told(tmp_path: Path, other: bytes) -> None:
    path = tmp_path / "other.voc"
    path.write_bytes(HEAD + new(SOUND.tobytes()) + other + b"\0")
    samples, _, failure = hear(path)
    assert len(samples) == 1000
    assert "begins there, which is not read" in failure


def test_old_blocks_have_rates_as_time_constants(tmp_path: Path) -> None:
    path = tmp_path / "old.voc"
    stereo = struct.pack("<HBB", 65_536 - 256_000_000 // (2 * 22_050), 0, 1)
    path.write_bytes(HEAD + block(8, stereo) + block(1, b"\0\0" + bytes(range(200))) + b"\0")
    with audio.Recording(path) as opened:
        assert (opened.n_channels, opened.n_frames) == (2, 100)
        assert abs(opened.rate_hz - 22_050) < 10
    path.write_bytes(HEAD + block(1, bytes([256 - 125]) + b"\0" + bytes(range(200))) + b"\0")
    with audio.Recording(path) as opened:
        assert (opened.n_channels, opened.n_frames, opened.rate_hz) == (1, 200, 8_000)


def test_a_voc_longer_than_a_block_can_tell_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "long.voc"
    length = (1 << 24) + 2_000
    head = (
        b"\x09" + (length + 12 & 0xFFFFFF).to_bytes(3, "little") + struct.pack("<IBBHI", 48_000, 16, 1, 4, 0)
    )
    path.write_bytes(HEAD + head + bytes(length - 2_000) + SOUND.tobytes() + b"\0")
    with audio.Recording(path) as opened:
        assert (opened.n_frames, len(opened.notes)) == (length // 2, 1)


def test_zeros_instead_of_a_header_are_named(tmp_path: Path) -> None:
    path = tmp_path / "zeros.wav"
    path.write_bytes(bytes(131_072))
    with pytest.raises(AudioError, match="no header: it begins with zeros"):
        audio.Recording(path)


def test_a_rate_that_nobody_has_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fast.voc"
    path.write_bytes(HEAD + new(SOUND.tobytes(), 0xFFFFFFFF) + b"\0")
    with pytest.raises(AudioError, match=r"fast\.voc: "):
        audio.Recording(path)


def test_an_aiff_tells_4_gib_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "long.aiff"
    soundfile.write(path, SOUND, 48_000)
    content = bytearray(path.read_bytes())
    begin = len(content) - 2 * len(SOUND)
    content[begin - 12 : begin - 8] = bytes(4)
    path.write_bytes(content)
    with path.open("r+b") as file:
        file.truncate((1 << 32) + 5000)  # a hole, which takes no room on the disk
    last = (0xFFF00000 // 2) - 1
    with audio.Recording(path) as opened:
        assert opened.n_frames == last + 1
        with pytest.raises(AudioError, match="ends at 44728.32 s .no AIFF tells more than 4 GiB"):
            [*opened.blocks(48_000, last)]
