"""Whatever a header says of its length: all samples that are there come out, and what was wrong is told."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile
from hypothesis import assume, given
from hypothesis import strategies as st

from birdfast import audio
from birdfast.errors import AudioError

from . import encoded
from .recordings import noise, write

WIDE = ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")


class Container(NamedTuple):
    """A kind of file: what it takes, how it orders bytes, and where it tells the sound's length.

    `at` is that field's place, or if negative, its distance before the sound; `extra` is what a
    length counts beside the sound.
    """

    subtypes: tuple[str, ...]
    order: str
    at: int
    n_bytes: int
    extra: int
    untold: tuple[int, ...]


NARROW = (0, 0xFFFFFFFF, 0xFFFFFFFE)
LITTLE, BIG = "little", "big"
CONTAINERS = {
    "WAV": Container(("PCM_U8", *WIDE), LITTLE, -4, 4, 0, (*NARROW, 0x7FFFF000, 0x7FFFFFFF, 0x80000000)),
    "WAVEX": Container(("PCM_U8", *WIDE), LITTLE, -4, 4, 0, (*NARROW, 0x7FFFF000, 0x80000000)),
    "RF64": Container(("PCM_U8", *WIDE), LITTLE, 28, 8, 0, (0, 2**64 - 1)),
    "W64": Container(("PCM_U8", *WIDE), LITTLE, -8, 8, 24, (0, 24, 2**63 - 1, 2**64 - 1)),
    "AIFF": Container(("PCM_S8", *WIDE), BIG, -12, 4, 8, (0, 8, 0xFFFFFFFF, 0x7F000008)),
    "AU": Container(("PCM_S8", *WIDE), BIG, 8, 4, 0, NARROW),
    "CAF": Container(("PCM_S8", *WIDE), BIG, -12, 8, 4, (0, 4, 2**64 - 1)),
    "VOC": Container(("PCM_U8", "PCM_16", "ULAW", "ALAW"), LITTLE, 27, 3, 12, (0, 12, 0xFFFFFF)),
}


class Made(NamedTuple):
    """A whole file: its bytes, where the sound begins and ends, a frame's bytes, and the mono samples."""

    path: Path
    content: bytes
    begin: int
    end: int
    frame_bytes: int
    rate_hz: int
    samples: np.ndarray

    def with_length(self, value: int) -> bytes:
        """Return the file with another length in its header."""
        kind = CONTAINERS[self.path.suffix[1:]]
        at = kind.at if kind.at >= 0 else self.begin + kind.at
        return (
            self.content[:at] + value.to_bytes(kind.n_bytes, kind.order) + self.content[at + kind.n_bytes :]
        )


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str, int, int, int]:
    name = draw(st.sampled_from(sorted(CONTAINERS)))
    subtype = draw(st.sampled_from(CONTAINERS[name].subtypes))
    rate_hz = draw(st.sampled_from([8_000, 22_050, 44_100, 48_000, 384_000]))
    return (
        name,
        subtype,
        rate_hz,
        draw(st.integers(1, 2 if name == "VOC" else 5)),
        draw(st.integers(20, 3000)),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("headers")


def make(folder: Path, name: str, subtype: str, rate_hz: int, n_channels: int, n_frames: int) -> Made:
    """Write a file, and find its sound in it by writing the same without a header."""
    if name == "VOC" and subtype == "PCM_U8":
        rate_hz, n_channels = 8_000, 1  # libsndfile writes no other number, and few other rates
    n_frames += n_frames % 2 if name == "AIFF" else 0  # it counts the byte that makes a length even as sound
    samples = np.random.default_rng(n_frames).uniform(-0.9, 0.9, (n_frames, n_channels))
    path, raw = folder / f"sound.{name}", folder / "sound.raw"
    soundfile.write(path, samples, rate_hz, subtype, format=name)
    raw_subtype, endian = subtype, CONTAINERS[name].order.upper()
    soundfile.write(raw, samples, rate_hz, raw_subtype, endian=endian, format="RAW")
    content, sound = path.read_bytes(), raw.read_bytes()
    begin = content.index(sound)
    how = {"samplerate": rate_hz, "channels": n_channels, "subtype": subtype, "endian": endian}
    heard, _ = soundfile.read(raw, dtype="float32", always_2d=True, format="RAW", **how)
    mono = heard[:, 0] if n_channels == 1 else heard.mean(axis=1, dtype=np.float32)
    return Made(path, content, begin, begin + len(sound), len(sound) // n_frames, rate_hz, mono)


def hear(path: Path) -> tuple[np.ndarray, list[str], str]:
    """Return all samples that come out of a file, its notes, and the reason of its failure.

    A few samples of many channels may cancel each other: what is noted of their mix is not the header's.
    """
    heard: list[np.ndarray] = [np.zeros(0, np.float32)]
    with audio.Recording(path) as opened:
        failure = ""
        try:
            for block in opened.blocks(opened.rate_hz):
                heard.append(block.copy())
        except AudioError as error:
            failure = str(error)
        notes = [note for note in opened.notes if not note.startswith("the mix of its")]
        return np.concatenate(heard), notes, failure


@given(files())
def test_a_whole_file_is_read_without_a_word(folder: Path, kind: tuple[str, str, int, int, int]) -> None:
    made = make(folder, *kind)
    samples, notes, failure = hear(made.path)
    np.testing.assert_array_equal(samples, made.samples)
    assert (notes, failure) == ([], "")


@given(files(), st.floats(0, 1, exclude_max=True))
def test_what_is_cut_gives_the_samples_before_the_cut_and_says_so(
    folder: Path, kind: tuple[str, str, int, int, int], where: float
) -> None:
    made = make(folder, *kind)
    cut = made.begin + int(where * (made.end - made.begin))
    assume(made.end - cut not in (made.begin, made.begin - 8))  # what a header that counts itself has
    made.path.write_bytes(made.content[:cut])
    left = (cut - made.begin) // made.frame_bytes
    if left == 0:
        with pytest.raises(AudioError, match=r"sound\.\w+: "):
            audio.Recording(made.path)
        return
    samples, notes, failure = hear(made.path)
    np.testing.assert_array_equal(samples, made.samples[:left])
    assert f"ends at {left / made.rate_hz:.2f} s of {len(made.samples) / made.rate_hz:.2f} s" in failure
    assert notes == []


@given(files(), st.data(), st.integers(0, 3))
def test_an_open_length_gives_all_samples_and_a_note(
    folder: Path, kind: tuple[str, str, int, int, int], data: st.DataObject, partial: int
) -> None:
    made = make(folder, *kind)
    value = data.draw(st.sampled_from(CONTAINERS[kind[0]].untold))
    end = made.end - partial % made.frame_bytes  # the power went in the middle of a frame
    made.path.write_bytes(made.with_length(value)[:end])
    samples, notes, failure = hear(made.path)
    np.testing.assert_array_equal(samples, made.samples[: (end - made.begin) // made.frame_bytes])
    assert failure == ""
    assert len(notes) == 1
    assert notes[0].endswith("read to the file's end")


@given(files(), st.floats(0, 0.9))
def test_a_length_that_is_too_small_is_read_on(
    folder: Path, kind: tuple[str, str, int, int, int], share: float
) -> None:
    made = make(folder, *kind)
    assume(kind[0] != "VOC")  # what is behind a block may look like another
    length = int(share * (made.end - made.begin)) + CONTAINERS[kind[0]].extra
    made.path.write_bytes(made.with_length(length)[: made.end])
    samples, notes, failure = hear(made.path)
    np.testing.assert_array_equal(samples, made.samples)
    assert (len(notes), failure) == (1, "")


@given(files(), st.floats(0.1, 0.9), st.integers(1, 4000))
def test_zeros_behind_the_sound_are_no_sound(
    folder: Path, kind: tuple[str, str, int, int, int], share: float, n_zeros: int
) -> None:
    made = make(folder, *kind)
    made.path.write_bytes(made.content[: made.end] + bytes(n_zeros))
    samples, notes, failure = hear(made.path)
    np.testing.assert_array_equal(samples, made.samples)
    assert (notes, failure) == ([], "")


@pytest.mark.parametrize("size", [0, 8])
def test_a_length_that_counts_the_header_is_no_cut(folder: Path, size: int) -> None:
    made = make(folder, "WAV", "PCM_16", 48_000, 1, 1000)
    made.path.write_bytes(made.with_length(len(made.content) - size))
    samples, notes, failure = hear(made.path)
    assert (len(samples), failure) == (1000, "")
    assert "counts the header" in notes[0]


def riff(form: bytes, before: bytes, sound: bytes, behind: bytes = b"") -> bytes:
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + before
    body += b"data" + struct.pack("<I", len(sound)) + sound + behind
    return b"RIFF" + struct.pack("<I", len(body)) + body


FORM = struct.pack("<HHIIHH", 1, 1, 48_000, 96_000, 2, 16)
SOUND = np.random.default_rng(1).integers(-9_000, 9_000, 1000).astype("<i2")


@pytest.mark.parametrize("pad", [b"", b"\0"])
@pytest.mark.parametrize("place", ["before", "behind"])
def test_a_chunk_of_odd_length_may_lack_its_pad_byte(tmp_path: Path, pad: bytes, place: str) -> None:
    path, odd = tmp_path / "odd.wav", b"LIST" + struct.pack("<I", 7) + b"INFOabc" + pad
    path.write_bytes(
        riff(FORM, odd, SOUND.tobytes()) if place == "before" else riff(FORM, b"", SOUND.tobytes(), odd)
    )
    samples, notes, failure = hear(path)
    np.testing.assert_array_equal(samples, SOUND / np.float32(32768))
    told = ["a chunk of odd length without its pad byte"] if place == "before" and not pad else []
    assert (notes, failure) == (told, "")


@pytest.mark.parametrize(
    "behind", [b"LIST\4\0\0\0INFO", b"LIST\xff\0\0\0INF", b"odd!\1\0\0\0x", b"TAG" + bytes(125)]
)
def test_chunks_and_tags_behind_the_sound_are_no_sound(tmp_path: Path, behind: bytes) -> None:
    path = tmp_path / "sound.wav"
    path.write_bytes(riff(FORM, b"", SOUND.tobytes(), behind))
    samples, notes, failure = hear(path)
    assert (len(samples), notes, failure) == (1000, [], "")


def test_a_second_file_behind_the_sound_is_told(tmp_path: Path) -> None:
    path = tmp_path / "joined.wav"
    path.write_bytes(2 * riff(FORM, b"", SOUND.tobytes()))
    samples, _, failure = hear(path)
    assert len(samples) == 1000
    assert "another WAV file begins there" in failure


@pytest.mark.parametrize(("name", "subtype"), [("AIFF", "PCM_16"), ("AIFF", "ULAW"), ("CAF", "PCM_16")])
def test_the_first_of_two_joined_files_is_read(tmp_path: Path, name: str, subtype: str) -> None:
    made = make(tmp_path, name, subtype, 48_000, 2, 1000)
    made.path.write_bytes(2 * made.content)
    samples, _, failure = hear(made.path)
    np.testing.assert_array_equal(samples, made.samples)
    assert f"ends at 0.02 s (another {name} file begins there, which is not read)" in failure


def test_bw64_is_rf64(tmp_path: Path) -> None:
    made = make(tmp_path, "RF64", "PCM_24", 96_000, 2, 1000)
    made.path.write_bytes(b"BW64" + made.content[4:])
    samples, notes, failure = hear(made.path)
    np.testing.assert_array_equal(samples, made.samples)
    assert (notes, failure) == ([], "")


def test_what_is_cut_is_resampled_to_its_end(tmp_path: Path) -> None:
    made = make(tmp_path, "WAV", "PCM_16", 44_100, 2, 3000)
    made.path.write_bytes(made.content[: made.begin + 2500 * made.frame_bytes])
    heard = []
    with audio.Recording(made.path) as opened, pytest.raises(AudioError, match="cut short"):
        for block in opened.blocks(48_000):
            heard.append(len(block))
    assert sum(heard) == -(-2500 * 48_000 // 44_100)


@pytest.mark.parametrize("n_chunks", [0, 1, 3])
@pytest.mark.parametrize("n_bytes", [12, 13])
def test_another_file_behind_a_wavs_last_chunks_is_told(tmp_path: Path, n_chunks: int, n_bytes: int) -> None:
    path = tmp_path / "joined.wav"
    one = write(path, noise(1000)).read_bytes()
    chunk = b"LIST" + n_bytes.to_bytes(4, "little") + b"x" * n_bytes + bytes(n_bytes % 2)
    path.write_bytes(one + chunk * n_chunks + one)
    with pytest.raises(AudioError, match=r"ends at 0.02 s \(another WAV file begins there"):
        audio.read(path)


@pytest.mark.parametrize("codec", ["adpcm_ima_wav", "adpcm_ms"])
@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_a_cut_wav_of_blocks_tells_its_length_in_seconds_as_they_are(
    tmp_path: Path, codec: str, rate_hz: int, n_channels: int
) -> None:
    path, sound = tmp_path / "sound.wav", encoded.sound(4.0, rate_hz)
    content = encoded.by_ffmpeg(path, codec, encoded.with_channels(sound, n_channels), rate_hz)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(AudioError, match=r"ends at (1\.9|2\.0)\d s of 4\.[01]\d s"):
        audio.read(path)
