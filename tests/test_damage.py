"""Damage at the beginning or in the middle of any kind of file: what follows keeps its time."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import scipy.fft

from birdfast import audio
from birdfast.audio import flac, ogg, wavpack
from birdfast.audio.decoders import container, decoder, ffmpeg
from birdfast.audio.mpegtags import sound_begin
from birdfast.errors import AudioError

from . import encoded
from .test_audio import ogg_checksum
from .test_recorders import FFMPEG, run

SECONDS = 20
NEAR_S = 0.05


def first_page(path: Path) -> int:
    """Return where the first Ogg page with sound begins."""
    with path.open("rb") as file:
        return next(page.place for page in ogg.pages(file, path.stat().st_size) if page.granule > 0)


def behind(name: bytes) -> Callable[[Path], int]:
    return lambda path: path.read_bytes().index(name) + len(name)


def nowhere(path: Path) -> int:
    return 0


def second_block(path: Path) -> int:
    with path.open("rb") as file:
        return wavpack.block_bytes(file, 0)


CLUSTER = b"\x1f\x43\xb6\x75"
ASF_DATA = b"\x36\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"

TABLE_AT_THE_END = ("m4a", "mov")  # which says where all packets are
UNTOLD = {  # what FFmpeg does not get over at the very beginning
    ("ts", "zeros"): "what is left does not tell when its clock began",
    ("ts", "noise"): "what is left does not tell when its clock began",
    ("wma", "noise"): "no packet is found behind a first one that is damaged",
}


def first_frame(path: Path) -> int:
    return encoded.flac_frames(path.read_bytes())


def first_sound(path: Path) -> int:
    with path.open("rb") as file:
        return sound_begin(file)


# How each is made, and where its sound begins.
KINDS: dict[str, tuple[tuple[str, ...], Callable[[Path], int]]] = {
    "ogg": (("-c:a", "libvorbis"), first_page),
    "opus": (("-c:a", "libopus"), first_page),
    "oga": (("-c:a", "flac"), first_page),
    "spx": (("-c:a", "libspeex", "-ar", "32000"), first_page),
    "flac": (("-c:a", "flac"), first_frame),
    "mp3": (("-c:a", "libmp3lame"), first_sound),
    "mp2": (("-c:a", "mp2"), nowhere),
    "aac": (("-c:a", "aac"), nowhere),
    "ac3": (("-c:a", "ac3"), nowhere),
    "avi": (("-c:a", "libmp3lame"), behind(b"movi")),
    "m4a": (("-c:a", "aac"), behind(b"mdat")),
    "mov": (("-c:a", "alac"), behind(b"mdat")),
    "wv": (("-c:a", "wavpack"), second_block),
    "webm": (("-c:a", "libopus"), behind(CLUSTER)),
    "mka": (("-c:a", "libvorbis"), behind(CLUSTER)),
    "wma": (("-c:a", "wmav2"), lambda path: behind(ASF_DATA)(path) + 34),
    "ts": (("-c:a", "aac", "-f", "mpegts"), nowhere),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("damage")
    encoded.by_libsndfile(folder / "sound.wav", encoded.sound(SECONDS))
    return folder


def made(folder: Path, kind: str) -> Path:
    """Return a whole file of a kind."""
    path = folder / f"whole.{kind}"
    if not path.exists():
        try:
            run(*FFMPEG, "-i", folder / "sound.wav", *KINDS[kind][0], path)
        except subprocess.CalledProcessError:
            pytest.skip(f"this ffmpeg does not write {kind}")
    return path


@lru_cache(2)
def hear_whole(path: Path) -> tuple[np.ndarray, int]:
    """Return all samples of a file that nobody changes, and their rate."""
    samples, rate_hz, _, _ = hear(path)
    samples.flags.writeable = False
    return samples, rate_hz


def hear(path: Path) -> tuple[np.ndarray, int, list[str], str]:
    """Return all samples that come, their rate, the notes, and the failure if any."""
    blocks, failure = [np.zeros(0, np.float32)], ""
    with audio.Recording(path) as recording:
        try:
            blocks += map(np.copy, recording.blocks(recording.rate_hz))
        except AudioError as error:
            failure = str(error)
        return np.concatenate(blocks), recording.rate_hz, recording.notes, failure


def late_s(found: np.ndarray, whole: np.ndarray, rate_hz: int, at_s: float) -> float:
    """Return by how much the sound at a time of `whole` comes late in `found`."""
    at, n = round(at_s * rate_hz), 2 * rate_hz
    piece = whole[at : at + n]
    begin = max(0, at - 9 * rate_hz)
    around = found[begin : at + n + 9 * rate_hz]
    size = scipy.fft.next_fast_len(len(around) + n, real=True)
    alike = scipy.fft.irfft(scipy.fft.rfft(around, size) * np.conj(scipy.fft.rfft(piece, size)), size)
    return float(begin + np.argmax(alike[: len(around) - n + 1]) - at) / rate_hz


def damage(content: bytes, place: int, n_bytes: int, how: str) -> bytes:
    """Return a file with zeros or noise in place of some bytes."""
    put = bytes(n_bytes) if how == "zeros" else np.random.default_rng(1).bytes(n_bytes)
    return content[:place] + put + content[place + n_bytes :]


@pytest.mark.parametrize(
    ("kind", "part", "seconds", "how"),
    [
        (kind, *place, how)
        for kind in KINDS
        for place in ((0.0, 0.002), (0.0, 1.0), (0.3, 1.0), (0.3, 4.0))
        for how in ("zeros", "noise")
        if place[0] or (kind, how) not in UNTOLD
    ],
)
def test_what_follows_damage_keeps_its_time_and_the_loss_is_noted(
    folder: Path, tmp_path: Path, kind: str, part: float, seconds: float, how: str
) -> None:
    source, path = made(folder, kind), tmp_path / f"damaged.{kind}"
    content, begin = source.read_bytes(), KINDS[kind][1](source)
    a_second = (len(content) - begin) / SECONDS
    place = begin + round(part * SECONDS * a_second)
    path.write_bytes(damage(content, place, max(4, round(seconds * a_second)), how))
    whole, rate_hz = hear_whole(source)
    found, _, notes, failure = hear(path)
    assert not failure
    assert len(found) == pytest.approx(len(whole), abs=NEAR_S * rate_hz)
    assert late_s(found, whole, rate_hz, 16.5) == pytest.approx(0, abs=NEAR_S)
    assert seconds < 1 or [note for note in notes if "lost" in note]  # not all packets have checksums


@pytest.mark.parametrize("n_last", [3, 60, 20_000])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in TABLE_AT_THE_END])
def test_damage_at_the_end_costs_the_end(folder: Path, tmp_path: Path, kind: str, n_last: int) -> None:
    source, path = made(folder, kind), tmp_path / f"damaged.{kind}"
    content = source.read_bytes()
    n_last = min(n_last, len(content) // 10)
    path.write_bytes(damage(content, len(content) - n_last, n_last, "noise"))
    whole, rate_hz = hear_whole(source)
    found, _, _, _ = hear(path)
    assert 15 * rate_hz < len(found) <= len(whole) + NEAR_S * rate_hz
    assert late_s(found, whole, rate_hz, 12) == pytest.approx(0, abs=NEAR_S)


def test_a_frame_of_another_kind_behind_the_last_is_no_sound(folder: Path, tmp_path: Path) -> None:
    source, path = made(folder, "aac"), tmp_path / "damaged.aac"
    path.write_bytes(source.read_bytes() + b"\xff\xf9\x00\x00\x02\x80\x00" + bytes(13))
    np.testing.assert_array_equal(hear(path)[0], hear_whole(source)[0])


@pytest.mark.parametrize("kind", ["ogg", "opus", "oga", "spx"])
def test_an_ogg_stream_joined_late_begins_there_with_a_note(folder: Path, tmp_path: Path, kind: str) -> None:
    source, path = made(folder, kind), tmp_path / f"late.{kind}"
    content, begin = source.read_bytes(), first_page(source)
    with source.open("rb") as file:
        late = [page.place for page in ogg.pages(file, len(content)) if page.granule > 0][7]
    path.write_bytes(content[:begin] + content[late:])
    whole, rate_hz = hear_whole(source)
    found, _, notes, failure = hear(path)
    assert not failure
    (note,) = [note for note in notes if "its clock begins at" in note]
    begin_s = float(note.split()[4])
    assert 3 < begin_s < 10
    assert len(found) / rate_hz == pytest.approx(len(whole) / rate_hz - begin_s, abs=NEAR_S)
    assert late_s(found, whole, rate_hz, 13) == pytest.approx(-begin_s, abs=NEAR_S)
    assert not [note for note in notes if "lost" in note]


@pytest.mark.parametrize("kind", ["ts", "webm"])
def test_a_clock_that_leaps_too_far_is_passed_over_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    source, path = made(folder, kind), tmp_path / f"damaged.{kind}"
    content, begin = source.read_bytes(), KINDS[kind][1](source)
    n_bytes = (len(content) - begin) // SECONDS
    path.write_bytes(damage(content, begin + 6 * n_bytes, 4 * n_bytes, "zeros"))
    whole, rate_hz = hear_whole(source)
    monkeypatch.setattr(container, "LONGEST_GAP_S", 2.0)
    found, _, notes, _ = hear(path)
    assert len(found) < len(whole) - 3 * rate_hz
    assert len([note for note in notes if "its clock leaps" in note]) == 1
    assert not [note for note in notes if "lost" in note]


def test_what_follows_more_damaged_packets_than_errors_are_borne_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source, path = made(folder, "m4a"), tmp_path / "damaged.m4a"
    content, begin = source.read_bytes(), KINDS["m4a"][1](source)
    path.write_bytes(damage(content, begin + len(content) // 4, len(content) // 2, "noise"))
    monkeypatch.setattr(ffmpeg, "MOST_ERRORS", 1)
    whole, rate_hz = hear_whole(source)
    found, _, _, failure = hear(path)
    assert not failure
    assert len(found) == len(whole)
    assert late_s(found, whole, rate_hz, 17) == 0


@pytest.mark.parametrize(("leap_s", "gap_s"), [(0, 0), (100, 100), (3_000_000, 0)])
@pytest.mark.parametrize("kind", ["ogg", "opus", "oga", "spx"])
def test_an_ogg_clock_that_leaps_too_far_is_passed_over(
    folder: Path, tmp_path: Path, kind: str, leap_s: int, gap_s: int
) -> None:
    source, path = made(folder, kind), tmp_path / f"leaping.{kind}"
    whole, rate_hz = hear_whole(source)
    content = bytearray(source.read_bytes())
    with source.open("rb") as file:
        found = list(ogg.pages(file, len(content)))
    for number, page in enumerate(found[len(found) // 2 :], len(found) // 2):
        changed = content[page.place : page.end]
        changed[6:14] = (page.granule + leap_s * rate_hz).to_bytes(8, "little")
        changed[18:22] = (number + bool(leap_s)).to_bytes(4, "little")
        changed[22:26] = bytes(4)
        changed[22:26] = ogg_checksum(bytes(changed))
        content[page.place : page.end] = changed
    path.write_bytes(content)
    found_samples, _, notes, failure = hear(path)
    assert not failure
    assert len(found_samples) / rate_hz == pytest.approx(len(whole) / rate_hz + gap_s, abs=0.5)  # a page
    assert bool([note for note in notes if "its clock leaps at" in note]) == (leap_s > 3600)


@pytest.mark.parametrize("total", ["told", "not told"])
@pytest.mark.parametrize("offset", range(6))
def test_a_wrong_bit_in_the_first_header_of_a_flac_costs_one_frame(
    folder: Path, tmp_path: Path, offset: int, total: str
) -> None:
    source, path = made(folder, "flac"), tmp_path / "damaged.flac"
    content = bytearray(source.read_bytes())
    content[first_frame(source) + offset] ^= 1
    path.write_bytes(content if total == "told" else encoded.with_total(content, 0))
    whole, _ = hear_whole(source)
    found, _, notes, failure = hear(path)
    assert not failure
    np.testing.assert_array_equal(found[4608:], whole[4608:])
    assert not found[:4608].any()
    assert "lost from 0.00 s to 0.10 s: silence there" in notes


@pytest.mark.parametrize(("leap", "seconds"), [(0, 20), (100, 29.6), (10**8, 20)])
def test_frame_numbers_that_leap_too_far_are_passed_over(
    folder: Path, tmp_path: Path, leap: int, seconds: float
) -> None:
    source, path = made(folder, "flac"), tmp_path / "leaping.flac"
    path.write_bytes(leaping(encoded.with_total(source.read_bytes(), 0), leap))
    found, rate_hz, notes, failure = hear(path)
    assert not failure
    assert len(found) / rate_hz == pytest.approx(seconds, abs=0.01)
    assert bool([note for note in notes if "the frame numbers leap at" in note]) == (leap > 10**6)
    assert bool([note for note in notes if "lost" in note]) == (leap == 100)


def leaping(content: bytes, leap: int) -> bytes:
    """Return a FLAC in whose second half the frame numbers are higher."""
    begin = encoded.flac_frames(content)
    finder = flac.Finder(io.BytesIO(content), content[begin : begin + 16], len(content))
    found, frame = [], finder.after(begin, number=0)
    while frame:
        found.append(frame)
        frame = finder.after(frame.place + 6, number=frame.next_number)
    ends = [frame.place for frame in found[1:]] + [len(content)]
    made = [content[:begin]]
    for frame, end in zip(found, ends, strict=True):
        old = content[frame.place : end]
        n_old, number = (
            len(chr(frame.number).encode()),
            frame.number + leap * (frame.number >= len(found) // 2),
        )
        behind = {6: 1, 7: 2}.get(old[2] >> 4, 0)
        head = old[:4] + coded(number) + old[4 + n_old : 4 + n_old + behind]
        new = head + bytes([flac.crc8(head)]) + old[4 + n_old + behind + 1 : -2]
        made.append(new + flac.crc16(new).to_bytes(2))
    return b"".join(made)


def coded(number: int) -> bytes:
    """Return a number as UTF-8 writes it, also beyond what that has."""
    if number < 0x80:
        return bytes([number])
    tail = []
    while number >= 1 << (6 - len(tail)):
        tail.insert(0, 0x80 | number & 0x3F)
        number >>= 6
    return bytes([0xFF00 >> (len(tail) + 1) & 0xFF | number, *tail])


def test_losses_are_told_one_by_one_up_to_a_number() -> None:
    lost = [(number * 100, number * 100 + 50) for number in range(decoder.MOST_LOSSES + 3)]
    assert len(decoder.losses(lost[: decoder.MOST_LOSSES], 100)) == decoder.MOST_LOSSES == 20
    told = decoder.losses(lost, 100)
    assert told[1] == "lost from 1.00 s to 1.50 s: silence there"
    assert told[decoder.MOST_LOSSES :] == ["lost at 23 places"]


def test_a_wavpack_whose_first_block_is_damaged_costs_that_block(folder: Path, tmp_path: Path) -> None:
    source, path = made(folder, "wv"), tmp_path / "damaged.wv"
    content = source.read_bytes()
    path.write_bytes(content[:1000] + content[1100:])
    whole, rate_hz = hear_whole(source)
    found, _, notes, failure = hear(path)
    assert not failure
    assert len(found) == pytest.approx(len(whole), abs=NEAR_S * rate_hz)
    assert late_s(found, whole, rate_hz, 16.5) == pytest.approx(0, abs=NEAR_S)
    assert any(note.startswith("lost from 0.00 s") for note in notes)
