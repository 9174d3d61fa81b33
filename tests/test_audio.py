"""Sound comes out as it is in the file, whatever the format, the rate, the channels or the block."""

from __future__ import annotations

import io
import os
import signal
import struct
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast import audio
from birdfast.audio import flacstream, headers, mpegstream, ogg
from birdfast.audio.headers.header import Header
from birdfast.audio.headers.mp4 import mp4
from birdfast.errors import AudioError

from .recordings import KINDS, SECOND, damaged, mp3, noise, refuse_to_list, write


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff", "w64", "caf", "au", "rf64"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    smooth = np.sin(np.arange(SECOND) / 20, dtype=np.float32)[:, None] / 2
    found, rate_hz = audio.read(write(tmp_path / f"sound.{suffix}", smooth))
    assert rate_hz == SECOND
    bound = 0.02 if suffix in ("ogg", "mp3") else 2**-15
    assert np.abs(found[1000:40_000] - smooth[1000:40_000, 0]).max() < bound


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_sample_formats(tmp_path: Path, subtype: str) -> None:
    samples = noise(1000)
    found, _ = audio.read(write(tmp_path / "sound.wav", samples, subtype=subtype))
    np.testing.assert_allclose(found, samples[:, 0], atol=2**-7 if subtype == "PCM_U8" else 2**-15)


@pytest.mark.parametrize("n_channels", [1, 2, 8])
def test_channels_are_averaged(tmp_path: Path, n_channels: int) -> None:
    samples = noise(100_000, n_channels)
    found, _ = audio.read(write(tmp_path / "sound.wav", samples, subtype="FLOAT"))
    np.testing.assert_allclose(found, samples.mean(axis=1), atol=1e-7)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 32_000, 44_100, 96_000, 192_000, 384_000])
def test_a_tone_keeps_its_pitch_and_length_at_every_rate(tmp_path: Path, rate_hz: int) -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(rate_hz) / rate_hz).astype(np.float32)[:, None] / 2
    found, _ = audio.read(write(tmp_path / "tone.wav", tone, rate_hz, subtype="FLOAT"), SECOND)
    assert len(found) == SECOND
    expected = np.sin(2 * np.pi * 1000 * np.arange(SECOND) / SECOND) / 2
    middle = slice(2000, -2000)
    assert np.abs(found[middle] - expected[middle]).max() < 1e-4


RATES = st.sampled_from([8_000, 32_000, 44_100, 48_000, 96_000])


@pytest.fixture(scope="module", params=[8_000, 32_000, 44_100, 48_000, 96_000])
def recording(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("audio") / "noise.flac"
    return write(path, noise(request.param * 3 + 12_345), request.param)


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from([16_000, 32_000, 48_000]))
def test_a_stretch_is_a_part_of_the_whole(recording: Path, one: float, other: float, rate_hz: int) -> None:
    whole, _ = audio.read(recording, rate_hz)
    start, stop = sorted((int(one * len(whole)), int(other * len(whole))))
    with audio.Recording(recording) as opened:
        assert opened.n_samples_at(rate_hz) == len(whole)
        parts = [np.zeros(0, np.float32), *(block.copy() for block in opened.blocks(rate_hz, start, stop))]
    found = np.concatenate(parts)
    assert len(found) == stop - start
    # One filter, begun at another place: soxr rounds in another order, 2^-20 of full scale at most.
    assert np.abs(found - whole[start:stop]).max(initial=0) < 2**-20


def test_a_stretch_beyond_the_end_stops_at_the_end(recording: Path) -> None:
    with audio.Recording(recording) as opened:
        total = opened.n_samples_at(16_000)
        assert sum(map(len, opened.blocks(16_000, total - 100, total + 5000))) == 100


def test_blocks_do_not_grow_with_the_file(tmp_path: Path) -> None:
    with audio.Recording(write(tmp_path / "long.wav", noise(1_000_000))) as opened:
        assert max(map(len, opened.blocks(SECOND))) <= audio.decoders.BLOCK_SAMPLES


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_file_is_named_with_the_reason(tmp_path: Path, kind: str) -> None:
    path, reason = damaged(tmp_path)[kind]
    with pytest.raises(AudioError, match=reason) as caught:
        audio.read(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("kind", ["cut WAV", "cut FLAC", "cut Ogg"])
def test_sound_before_the_cut_comes_out(tmp_path: Path, kind: str) -> None:
    path, _ = damaged(tmp_path)[kind]
    heard = 0
    with audio.Recording(path) as opened, pytest.raises(AudioError):
        for block in opened.blocks(SECOND):
            heard += len(block)
    assert heard > 100_000


@pytest.mark.parametrize("bad", [0, 1, 1_000, 65_535, 65_536, 150_000, 199_999])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_all_samples_before_one_that_is_not_finite_come_out(
    tmp_path: Path, bad: int, n_channels: int
) -> None:
    samples, blocks = noise(200_000, n_channels), []
    samples[bad, -1] = np.nan
    path = write(tmp_path / "nan.wav", samples, subtype="FLOAT")
    refused = pytest.raises(AudioError, match=f"sample {bad} ")
    with audio.Recording(path, channel=n_channels) as opened, refused:
        blocks += map(np.copy, opened.blocks(SECOND))
    np.testing.assert_array_equal(np.concatenate([np.zeros(0), *blocks]), samples[:bad, -1])


@pytest.mark.parametrize("loud_first", [True, False])
def test_an_mp3_that_does_not_tell_its_length_is_not_cut(tmp_path: Path, loud_first: bool) -> None:
    path = tmp_path / "sound.mp3"
    # Noise and silence have frames of other sizes: who guesses the length from the first ones is wrong.
    halves = [noise(400_000), noise(400_000) * 0]
    content = write(path, np.concatenate(halves if loud_first else halves[::-1])).read_bytes()
    path.write_bytes(content[2000:])
    with audio.Recording(path) as opened:
        assert opened.n_frames == sum(map(len, opened.blocks(SECOND)))
        assert 780_000 < opened.n_frames < 803_000
        assert "no length in its header: its frames were counted" in opened.notes


@pytest.mark.parametrize("tag", [b"", b"ID3\4\0\0\0\0\1\2" + bytes(130), b"ID3\4\0\x10\0\0\0\2" + bytes(12)])
def test_a_cut_mp3_is_noticed_if_it_tells_its_length(tmp_path: Path, tag: bytes) -> None:
    path = tmp_path / "sound.mp3"
    content = mp3(path)
    path.write_bytes(tag + content)
    assert len(audio.read(path)[0]) == 400_000
    path.write_bytes(tag + content[: len(content) // 2])
    with pytest.raises(AudioError, match="cut short: ends at 4.1. s of the 8.33 s its header promises"):
        audio.read(path)


@pytest.mark.parametrize("n_bytes", [200, 131_071])
@pytest.mark.parametrize("suffix", ["wav", "aiff"])
def test_a_tag_before_the_header_costs_no_sound(tmp_path: Path, suffix: str, n_bytes: int) -> None:
    path = write(tmp_path / f"dawn.{suffix}", noise(60_000), 8_000)
    there = audio.read(path)[0]
    size = bytes(n_bytes >> 7 * n & 0x7F for n in (3, 2, 1, 0))
    path.write_bytes(b"ID3\4\0\0" + size + bytes(n_bytes) + path.read_bytes())
    assert np.array_equal(audio.read(path)[0], there)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "aiff"])
def test_what_a_signal_raises_is_not_lost_in_a_decoder(tmp_path: Path, suffix: str) -> None:
    """Python itself loses what is raised while it finalises an object; a decoder would lose most."""

    class Enough(BaseException):
        """As KeyboardInterrupt: libraries let others pass for a value that is not there."""

    n_raised = 0

    def stop(*_: object) -> None:
        nonlocal n_raised
        n_raised += 1
        raise Enough

    path, before = write(tmp_path / f"dawn.{suffix}", noise(400_000), 48_000), None
    audio.read(path)  # what is imported for it does not take a signal meanwhile
    try:
        before = signal.signal(signal.SIGALRM, stop)
        for number in range(20):
            with pytest.raises(Enough):
                signal.setitimer(signal.ITIMER_REAL, 0.002 + 0.0003 * number, 0.5)
                while True:
                    audio.read(path)
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert 20 <= n_raised <= 22


@pytest.mark.parametrize(
    ("module", "check"), [(headers, "read"), (flacstream, "scan"), (ogg, "links"), (mpegstream, "scan")]
)
def test_a_file_that_goes_while_it_is_opened_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType, check: str
) -> None:
    path, look = tmp_path / f"sound.{'wav' if module is headers else 'mp3'}", getattr(module, check)
    write(path, noise(400_000))

    def go_and_look(path: Path) -> object:
        path.unlink()
        return look(path)

    monkeypatch.setattr(module, check, go_and_look)
    with pytest.raises(AudioError, match=r"sound\.(wav|mp3): no such file"):
        audio.Recording(path)


def test_a_folder_that_cannot_be_listed_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_to_list(monkeypatch, tmp_path)
    with pytest.raises(AudioError, match=r"a folder that cannot be listed \(permission denied\)"):
        audio.Recording(tmp_path)


@pytest.mark.parametrize(
    ("n_samples", "rate_hz"), [(1_152_001, 384_000), (132_301, 44_100), (1, 384_000), (1, 8_000), (0, 8_000)]
)
def test_samples_in_memory_become_as_long_as_those_in_a_file(
    tmp_path: Path, n_samples: int, rate_hz: int
) -> None:
    samples = noise(n_samples)
    found = audio.resample(samples[:, 0], rate_hz, SECOND)
    assert len(found) == -(-n_samples * SECOND // rate_hz)
    assert found.dtype == np.float32
    if n_samples:
        path = write(tmp_path / "sound.wav", samples, rate_hz, subtype="FLOAT")
        np.testing.assert_allclose(found, audio.read(path, SECOND)[0], atol=2**-20)


def test_an_ogg_file_that_ends_between_pages_is_whole_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write(tmp_path / "sound.ogg", noise(400_000))
    content = path.read_bytes()
    path.write_bytes(content[: content.rfind(b"OggS")])
    with audio.Recording(path) as opened:
        assert opened.n_frames == sum(map(len, opened.blocks(SECOND))) > 380_000
        assert opened.notes == ["no page says that it is the last"]


def test_an_ogg_file_whose_last_packet_goes_on_is_cut(tmp_path: Path) -> None:
    path = write(tmp_path / "sound.ogg", noise(400_000), subtype="OPUS")
    content = bytearray(path.read_bytes())
    page = content.rfind(b"OggS")
    content = content[: page + 27 + content[page + 26]]
    content[page + 26 :] = bytes([1, 255]) + bytes(255)
    content[page + 6 : page + 14] = b"\xff" * 8  # no packet ends here
    content[page + 22 : page + 26] = bytes(4)
    content[page + 22 : page + 26] = ogg_checksum(bytes(content[page:]))
    path.write_bytes(content)
    with pytest.raises(AudioError, match="last Ogg page is missing"):
        audio.read(path)


def ogg_checksum(page: bytes) -> bytes:
    """As RFC 3533, section 6, defines it."""
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc.to_bytes(4, "little")


def test_a_wrong_extension_does_not_matter_if_it_is_sound(tmp_path: Path) -> None:
    path = write(tmp_path / "sound.flac", noise(1000)).rename(tmp_path / "sound.mp3")
    assert len(audio.read(path)[0]) == 1000


@pytest.mark.parametrize("content", ["start", "rubbish", "tag"])
def test_an_mp3_in_which_there_is_no_frame_is_no_audio_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "dawn.mp3"
    start, rubbish, tag = mp3(path)[:200], b"wind " * 50, b"ID3\4" + bytes(5) + b"\x20" + bytes(32)
    path.write_bytes({"start": start, "rubbish": rubbish, "tag": tag}[content])
    with pytest.raises(AudioError, match="not an audio file"):
        audio.Recording(path)


@pytest.mark.parametrize("suffix", ["au", "snd", "vox", "gsm", "raw"])
@pytest.mark.parametrize("content", ["text", "one byte", "zeros before its header"])
def test_a_name_alone_makes_no_sound(tmp_path: Path, suffix: str, content: str) -> None:
    au, path = write(tmp_path / "whole.au", noise(1000)), tmp_path / f"dawn.{suffix}"
    contents = {
        "text": b"wind from the west, two warblers singing",
        "one byte": b"a",
        "zeros before its header": bytes(500) + au.read_bytes(),
    }
    path.write_bytes(contents[content])
    with pytest.raises(AudioError, match="not an audio file"):
        audio.Recording(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may read every file")
def test_a_file_without_permission_is_named(wav: Path) -> None:
    wav.chmod(0)
    with pytest.raises(AudioError, match="permission denied"):
        audio.read(wav)


def test_a_file_that_may_not_be_opened_is_named(wav: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(AudioError, match=r"noise\.wav: permission denied"):
        audio.read(wav)


def test_a_name_that_is_no_utf8_can_be_opened(wav: Path) -> None:
    odd = wav.rename(Path(os.fsdecode(os.fsencode(wav.parent) + b"/\xff\n.wav")))
    assert len(audio.read(odd)[0]) == 20_000


def test_real_files_of_one_sound_agree(real_soundscape: Path) -> None:
    flac, ogg, mp3 = (
        audio.read(real_soundscape / f"soundscape.{suffix}")[0] for suffix in ("flac", "ogg", "mp3")
    )
    assert len(flac) == len(ogg) == len(mp3) == 120 * SECOND
    for other in (ogg, mp3):
        assert np.corrcoef(flac, other)[0, 1] > 0.95


UNTOLD = {"zero": bytes(4), "ones": b"\xff" * 4}


@pytest.mark.parametrize("value", UNTOLD)
@pytest.mark.parametrize("places", [(4,), (40,), (4, 40)])
def test_a_header_that_lost_its_lengths_is_repaired_and_noted(
    wav: Path, value: str, places: tuple[int, ...]
) -> None:
    whole, _ = audio.read(wav)
    content = bytearray(wav.read_bytes())
    for place in places:
        content[place : place + 4] = UNTOLD[value]
    wav.write_bytes(content)
    with audio.Recording(wav) as opened:
        assert opened.n_frames == len(whole)
        assert len(opened.notes) == len(places)
        np.testing.assert_array_equal(
            np.concatenate([block.copy() for block in opened.blocks(8_000, 5_000)]), whole[5_000:]
        )
    assert wav.read_bytes() == content


def test_an_empty_wav_with_a_chunk_behind_stays_empty(tmp_path: Path) -> None:
    path = write(tmp_path / "empty.wav", noise(0))
    path.write_bytes(path.read_bytes() + b"LIST\4\0\0\0INFO")
    with pytest.raises(AudioError, match="no samples"):
        audio.Recording(path)


HOUR_BYTES = 3600 * SECOND * 2
LONG_BYTES = 13 * HOUR_BYTES  # more than 4 GiB; of holes, which take no room on the disk


def sparse(path: Path, head: bytes, n_bytes: int, behind: bytes = b"") -> Path:
    """Write a long recording of silence, with half a second of full scale after twelve and a half hours."""
    with path.open("wb") as file:
        file.write(head)
        file.seek(len(head) + HOUR_BYTES * 25 // 2)
        file.write(b"\xff\x7f" * (SECOND // 2))
        file.truncate(len(head) + n_bytes)
        file.seek(0, os.SEEK_END)
        file.write(behind)
    return path


def riff(data_length: int, size: int | None = None) -> bytes:
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, SECOND, 2 * SECOND, 2, 16)
    size = 36 + data_length if size is None else size
    lengths = [number % 2**32 for number in (size, data_length)]
    return (
        struct.pack("<4sI4s", b"RIFF", lengths[0], b"WAVE") + form + struct.pack("<4sI", b"data", lengths[1])
    )


def assert_read_far_behind(path: Path, n_notes: int) -> None:
    place = 12 * 3600 * SECOND + 1800 * SECOND
    with audio.Recording(path) as opened:
        assert opened.n_frames == LONG_BYTES // 2
        assert len(opened.notes) == n_notes
        assert not np.concatenate([*opened.blocks(SECOND, 0, 1000)]).any()
        found = np.concatenate([block.copy() for block in opened.blocks(SECOND, place, place + SECOND)])
    assert (found > 0.99).sum() == (found[: SECOND // 2] > 0.99).sum() == SECOND // 2


@pytest.mark.parametrize(
    ("head", "behind", "n_notes"),
    [
        (riff(LONG_BYTES), b"", 1),
        (riff(LONG_BYTES), b"LIST\4\0\0\0INFO", 1),
        (riff(1_000_000), b"", 1),
        (riff(2**32 - 1), b"", 1),
        (riff(2**32 - 1, 0), b"", 2),
        (riff(0), b"", 1),
    ],
    ids=["wrapped", "wrapped, a chunk behind", "made up", "ones", "no size", "zero"],
)
def test_a_wav_longer_than_its_header_says_is_read_to_its_end_and_noted(
    tmp_path: Path, head: bytes, behind: bytes, n_notes: int
) -> None:
    assert_read_far_behind(sparse(tmp_path / "long.wav", head, LONG_BYTES, behind), n_notes)


def test_a_wav_of_nearly_4_gib_is_what_its_header_says(tmp_path: Path) -> None:
    path = sparse(tmp_path / "long.wav", riff(2**32 - 1000, 100), 2**32 - 1000, bytes(5000))
    with audio.Recording(path) as opened:
        assert (opened.n_frames, opened.notes) == (2**31 - 500, [])


@pytest.mark.parametrize("suffix", ["rf64", "w64"])
def test_formats_with_64_bit_lengths_are_read_to_their_end(tmp_path: Path, suffix: str) -> None:
    content = write(tmp_path / f"short.{suffix}", noise(100)).read_bytes()
    head, extra = content[:-200], LONG_BYTES - 200
    for place in (20, 28) if suffix == "rf64" else (16, 96):
        length = int.from_bytes(head[place : place + 8], "little") + extra
        head = head[:place] + length.to_bytes(8, "little") + head[place + 8 :]
    assert_read_far_behind(sparse(tmp_path / f"long.{suffix}", head, LONG_BYTES), 0)


@pytest.mark.parametrize("level", [0.0, 0.25, -1.0])
def test_silence_and_constant_sound_stay_what_they_are(tmp_path: Path, level: float) -> None:
    found, _ = audio.read(write(tmp_path / "flat.wav", np.full((5000, 1), level, np.float32)))
    np.testing.assert_allclose(found, level, atol=2**-15)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "aiff", "w64", "rf64"])
def test_one_sample_is_a_recording(tmp_path: Path, suffix: str) -> None:
    assert len(audio.read(write(tmp_path / f"one.{suffix}", noise(1)))[0]) == 1


def test_many_channels_at_a_bats_rate_in_24_bits(tmp_path: Path) -> None:
    samples = noise(384_000, 8)
    found, rate_hz = audio.read(write(tmp_path / "bats.wav", samples, 384_000, subtype="PCM_24"))
    assert rate_hz == 384_000
    np.testing.assert_allclose(found, samples.mean(axis=1), atol=2**-22)


@pytest.mark.parametrize("length", [1 << 63, (1 << 64) - 1])
def test_a_box_longer_than_a_file_can_be_ends_the_boxes(length: int) -> None:
    content = b"\0\0\0\1ftyp" + length.to_bytes(8) + bytes(64)
    assert mp4(io.BytesIO(content), len(content)) == Header()
