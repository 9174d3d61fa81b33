"""Decoders keep their contract; blocks and stretches are the file read in one go, damaged or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from birdfast import audio
from birdfast.audio import choice, flac, flacstream, mpegstream, ogg, oggstream
from birdfast.audio.decoders import (
    Chain,
    Decoder,
    Rescued,
    Undecodable,
    container,
    decoder,
    ffmpeg,
    libsndfile,
)
from birdfast.errors import AudioError

from . import encoded

IN_ONE_GO = 1 << 20


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return encoded.make(tmp_path_factory.mktemp("encoded"))


KINDS = [
    *(
        "wav",
        "flac",
        "ogg",
        "mp3",
        "aiff",
        "w64",
        "caf",
        "au",
        "rf64",
        "voc",
        "gsm",
        "m4a",
        "webm",
        "mka",
        "wma",
    ),
    *("wv", "mov", "aac", "mp2", "oga", "opus", "3gp", "ogg_opus", "mp3_low", "mp3_untold", "mp3_joined"),
    *("ogg_chained", "opus_chained", "flac_untold", "flac_doubled", "flac_anew", "flac_later"),
    *("flac_joined", "flac_joined_again", "flac_zeros", "ogg_zeros", "mp3_zeros"),
    *("flac_hole", "ogg_hole", "mp3_hole"),
]


def test_every_kind_is_tried(recordings: dict[str, Path]) -> None:
    assert {kind.replace(" ", "_") for kind in recordings} == set(KINDS)


def read(path: Path, block_samples: int, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Read a part of a file at its own rate, in blocks of a size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder, "BLOCK_SAMPLES", block_samples)
        patch.setattr(libsndfile, "BLOCK_SAMPLES", block_samples)
        with audio.Recording(path) as opened:
            blocks = [block.copy() for block in opened.blocks(opened.rate_hz, start, stop)]
    return np.concatenate([np.zeros(0, np.float32), *blocks])


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_and_stretches_are_the_file_in_one_go(recordings: dict[str, Path], kind: str) -> None:
    path = recordings[kind.replace("_", " ")]
    whole = read(path, IN_ONE_GO)
    assert len(whole) > 5 * 8_000
    bound = 0 if kind.split("_")[0] in encoded.LOSSLESS else 1e-6

    @settings(max_examples=8)
    @given(st.sampled_from([331, 1152, 4096, 1 << 16]), st.floats(0, 1), st.floats(0, 1))
    def holds(block_samples: int, one: float, other: float) -> None:
        start, stop = sorted((int(one * len(whole)), int(other * len(whole))))
        found = read(path, block_samples, start, stop)
        assert len(found) == stop - start
        assert np.abs(found - whole[start:stop]).max(initial=0) <= bound
        np.testing.assert_allclose(read(path, block_samples), whole, atol=bound, rtol=0)

    holds()


PARTS = {  # seconds and seed
    "flac_anew": [(3.0, 1), (4.0, 2)],
    "flac_joined": [(3.0, 1), (3.0, 3)],
    "flac_joined_again": [(3.0, 1), (3.0, 3), (3.0, 1)],
}


@pytest.mark.parametrize(
    "kind", sorted(encoded.LOSSLESS - {"gsm"}) + [kind for kind in KINDS if "flac_" in kind]
)
def test_formats_that_lose_nothing_give_what_was_written(recordings: dict[str, Path], kind: str) -> None:
    sound = encoded.sound()
    if kind in PARTS:
        sound = np.concatenate([encoded.sound(seconds, seed=seed) for seconds, seed in PARTS[kind]])
    found = read(recordings[kind.replace("_", " ")], 1 << 16)
    assert kind not in PARTS or len(found) == len(sound)
    kept = found != 0 if kind == "flac_hole" else slice(None)
    sound = sound[len(sound) - len(found) :]
    assert len(found) >= 6 * encoded.RATE_HZ
    np.testing.assert_array_equal(found[kept], sound[kept])


@pytest.mark.parametrize("kind", ["mp3 joined", "ogg chained", "opus chained"])
def test_streams_that_were_joined_are_as_long_as_they_were(recordings: dict[str, Path], kind: str) -> None:
    with audio.Recording(recordings[kind]) as opened:
        assert opened.n_frames == 7 * encoded.RATE_HZ
        assert [note for note in opened.notes if "streams" in note]


def test_what_is_found_on_the_way_is_noted_of_that_recording_alone(recordings: dict[str, Path]) -> None:
    path = recordings["flac joined"]
    with audio.Recording(path) as one, audio.Recording(path) as other:
        before = other.notes
        list(one.blocks(one.rate_hz))
        assert [note for note in one.notes if "begin anew" in note]
        assert other.notes == before


@pytest.mark.parametrize("kind", sorted(encoded.LOSSLESS - {"flac", "oga"} | {"m4a", "webm", "3gp", "wma"}))
def test_a_container_is_not_searched_for_mpeg_frames(
    recordings: dict[str, Path], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mpegstream, "scan", lambda path: pytest.fail("searched"))
    choice._choose.cache_clear()
    assert len(read(recordings[kind], 1 << 16)) > 5 * 8_000


@pytest.mark.parametrize("suffix", ["mp4", "mka", "wav"])
def test_mpeg_in_a_container_is_read_as_that_tells(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sound.{suffix}"
    encoded.by_ffmpeg(path, "libmp3lame", encoded.sound())
    with audio.Recording(path) as recording:
        n_samples = sum(map(len, recording.blocks(recording.rate_hz)))
        assert abs(n_samples - encoded.SECONDS * encoded.RATE_HZ) < 4 * 1152
        assert "read with FFmpeg" in recording.notes
        assert bool([note for note in recording.notes if "counted" in note]) == (suffix == "wav")


def openers(recordings: dict[str, Path]) -> dict[str, choice.Opener]:
    """Return what opens each decoder there is, on something that it reads."""

    def framed(kind: str) -> ffmpeg.Packets:
        path = recordings[kind]
        link = ogg.links(path)[0]
        stream = oggstream.OggStream(path, link[0]) if link else None
        return ffmpeg.Packets(stream or flacstream.scan(path) or mpegstream.scan(path))

    wav, m4a = recordings["wav"], recordings["m4a"]
    return {
        "libsndfile": lambda: libsndfile.Sndfile(wav),
        "libsndfile, not seeking": lambda: libsndfile.Sndfile(recordings["gsm"]),
        "FFmpeg, frames of MP3": lambda: framed("mp3 hole"),
        "FFmpeg, frames of FLAC": lambda: framed("flac hole"),
        "FFmpeg, pages of Ogg": lambda: framed("ogg hole"),
        "FFmpeg": lambda: container.Container(m4a),
        "chain": lambda: Chain([(lambda: libsndfile.Sndfile(wav), 336_000)] * 2),
        "rescued": lambda: Rescued(libsndfile.Sndfile(recordings["flac hole"]), lambda: framed("flac hole")),
    }


@pytest.fixture(
    params=[
        *("libsndfile", "libsndfile, not seeking", "FFmpeg", "chain", "rescued"),
        *("FFmpeg, frames of MP3", "FFmpeg, frames of FLAC", "FFmpeg, pages of Ogg"),
    ]
)
def opened(request: pytest.FixtureRequest, recordings: dict[str, Path]) -> Iterator[Decoder]:
    with closing(openers(recordings)[request.param]()) as found:
        yield found


def test_a_decoder_keeps_its_contract(opened: Decoder) -> None:
    assert opened.name in ("libsndfile", "FFmpeg")
    assert opened.rate_hz >= 8_000
    assert opened.n_channels == 1
    end = 0
    for position, block in opened.frames(0, None):
        assert position >= end
        assert block.dtype == np.float32
        assert len(block) <= decoder.BLOCK_SAMPLES
        assert block.shape[1] == opened.n_channels
        end = position + len(block)
    assert opened.n_frames in (None, end)
    assert end > 5 * opened.rate_hz
    assert all(first < last <= end for first, last in opened.lost)


@pytest.mark.parametrize("where", [(0, 1), (0, 100), (50_000, 50_001), (51_000, 54_000), (10**9, None)])
def test_a_decoder_gives_what_was_asked_for_in_any_order(opened: Decoder, where: tuple[int, int]) -> None:
    whole = [(position, block.copy()) for position, block in opened.frames(0, None)]
    for start, stop in (where, (20_000, 30_000), where):
        parts = [(position, block.copy()) for position, block in opened.frames(start, stop)]
        for position, block in parts:
            assert position >= start
            for begin, every in whole:
                first, last = max(begin, position), min(begin + len(every), position + len(block))
                if first < last:
                    some = every[first - begin : last - begin]
                    assert np.abs(block[first - position : last - position] - some).max() < 1e-6
        stop = 0 if start >= 10**9 else stop
        assert sum(max(0, min(len(block), stop - at)) for at, block in parts) == max(0, stop - start)


def test_a_decoder_that_cannot_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "text.m4a"
    path.write_text("no sound at all " * 1000)
    for opener in (libsndfile.Sndfile, container.Container):
        with pytest.raises(Undecodable):
            opener(path)


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_lost_is_noted_as_lost(recordings: dict[str, Path], kind: str) -> None:
    with audio.Recording(recordings[kind.replace("_", " ")]) as recording:
        list(recording.blocks(recording.rate_hz))
        assert bool([note for note in recording.notes if "lost" in note]) == ("hole" in kind)


@pytest.mark.parametrize("first", [0, 1, 16, 17])
def test_a_frame_that_is_lost_is_noted_wherever_it_is(
    recordings: dict[str, Path], tmp_path: Path, first: int
) -> None:
    content, path = bytearray(recordings["flac"].read_bytes()), tmp_path / "sound.flac"
    with recordings["flac"].open("rb") as file:
        begin = encoded.flac_frames(content)
        frame = flac.Finder(file, content[begin : begin + 16], len(content)).after(begin, number=first)
    assert frame
    content[frame.place + 20 : frame.place + 40] = bytes(20)
    path.write_bytes(content)
    begin_s, end_s = (number * 4096 / encoded.RATE_HZ for number in (first, first + 1))
    with audio.Recording(path) as recording:
        list(recording.blocks(recording.rate_hz))
        assert f"lost from {begin_s:.2f} s to {end_s:.2f} s: silence there" in recording.notes


PLACES = [0.2, 0.37, 0.5, 0.7]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("n_bytes", [1, 700, 8000])
@pytest.mark.parametrize(("kind", "most_s"), [("flac", 0.5), ("ogg", 1.2), ("mp3", 0.6), ("ogg opus", 2.5)])
def test_damage_costs_what_is_damaged_and_moves_nothing(
    recordings: dict[str, Path], tmp_path: Path, kind: str, most_s: float, n_bytes: int, place: float
) -> None:
    whole = read(recordings[kind], IN_ONE_GO)
    path = tmp_path / recordings[kind].name
    path.write_bytes(encoded.with_hole(recordings[kind].read_bytes(), place, n_bytes))
    found = read(path, 1 << 16)
    assert len(found) == len(whole)
    if kind == "flac":
        assert not found[found != whole].any()  # silence, and no noise
    wrong = np.flatnonzero(np.abs(found - whole) > 1e-3)
    lost_s = (wrong.max() - wrong.min()) / encoded.RATE_HZ if len(wrong) else 0.0
    assert lost_s < most_s + n_bytes / len(recordings[kind].read_bytes()) * encoded.SECONDS


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ["flac", "ogg", "mp3", "flac untold", "mp3 untold"])
def test_a_cut_file_is_read_up_to_the_cut(
    recordings: dict[str, Path], tmp_path: Path, kind: str, place: float
) -> None:
    whole, path = read(recordings[kind], IN_ONE_GO), tmp_path / recordings[kind].name
    content = recordings[kind].read_bytes()
    path.write_bytes(content[: int(len(content) * place)])
    blocks = []
    with audio.Recording(path) as recording:
        told = "untold" not in kind
        with pytest.raises(AudioError, match="cut short") if told else nullcontext():
            blocks += map(np.copy, recording.blocks(recording.rate_hz))
        assert told or [note for note in recording.notes if "not whole" in note]
    found = np.concatenate(blocks)
    assert abs(len(found) / encoded.RATE_HZ - place * encoded.SECONDS) < 0.75
    assert np.abs(found - whole[: len(found)]).max() < 1e-3


@pytest.mark.parametrize("kind", ["m4a", "webm", "wv"])
def test_a_cut_container_is_cut_short(recordings: dict[str, Path], tmp_path: Path, kind: str) -> None:
    path = tmp_path / recordings[kind].name
    content = recordings[kind].read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(AudioError, match="cut short|M4A"):
        audio.read(path)


@pytest.mark.parametrize("rate_hz", [encoded.RATE_HZ, 32_000])
def test_a_container_that_gives_no_sample_has_failed(
    recordings: dict[str, Path], tmp_path: Path, rate_hz: int
) -> None:
    path, content = tmp_path / "destroyed.wma", bytearray(recordings["wma"].read_bytes())
    content[40] ^= 0xFF  # within the object that tells packets' length
    path.write_bytes(content)
    with pytest.raises(AudioError, match=rf"no samples \({len(content)}-byte file\)"):
        audio.read(path, rate_hz)


@pytest.mark.parametrize("kind", ["m4a", "3gp", "mov"])
def test_a_second_file_behind_an_mp4_is_told(recordings: dict[str, Path], tmp_path: Path, kind: str) -> None:
    path, blocks = tmp_path / f"joined.{kind}", []
    path.write_bytes(2 * recordings[kind].read_bytes())
    told = pytest.raises(AudioError, match=r"ends at 7.\d\d s \(another MP4 file begins there")
    with audio.Recording(path) as recording, told:
        blocks += map(np.copy, recording.blocks(recording.rate_hz))
    np.testing.assert_array_equal(np.concatenate(blocks), read(recordings[kind], 1 << 16))


def test_a_joined_mp3_of_another_rate_is_told(recordings: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "joined.mp3"
    path.write_bytes(recordings["mp3"].read_bytes() + recordings["mp3 low"].read_bytes())
    with pytest.raises(AudioError, match="ends at 7.00 s .*24000 Hz"):
        audio.read(path)
