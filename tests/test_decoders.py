"""Decoders keep their contract; blocks and stretches are the file read in one go, damaged or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from av.audio.plane import AudioPlane
from hypothesis import given, settings
from hypothesis import strategies as st

from birdfast import audio
from birdfast.audio import choice, flac, flacstream, joined, mpegstream, ogg, oggstream
from birdfast.audio.decoders import (
    Chain,
    Decoder,
    Rescued,
    Undecodable,
    container,
    decoder,
    ffmpeg,
    frames,
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
    *("tta", "avi", "dsf", "wv_of_8", "wv_of_16"),
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

    sizes = (331, 1152, 4096, 1 << 16)
    for block_samples in sizes:
        np.testing.assert_allclose(read(path, block_samples), whole, atol=bound, rtol=0)

    @settings(max_examples=8)
    @given(st.sampled_from(sizes), st.floats(0, 1), st.floats(0, 1))
    def holds(block_samples: int, one: float, other: float) -> None:
        start, stop = sorted((int(one * len(whole)), int(other * len(whole))))
        found = read(path, block_samples, start, stop)
        assert len(found) == stop - start
        assert np.abs(found - whole[start:stop]).max(initial=0) <= bound

    holds()


@pytest.mark.parametrize("n_channels", [8, 16])
def test_every_one_of_many_channels_is_what_was_written(recordings: dict[str, Path], n_channels: int) -> None:
    written = encoded.with_channels(encoded.sound(), n_channels)
    for channel in (1, n_channels):
        found, _ = audio.read(recordings[f"wv of {n_channels}"], channel=channel)
        np.testing.assert_array_equal(found, written[:, channel - 1])


@pytest.mark.parametrize("kind", ["u8", "s16", "s32", "s64", "flt", "dbl"])
@pytest.mark.parametrize("planar", ["", "p"])
@pytest.mark.parametrize("n_channels", [1, 2, 8])
def test_samples_of_every_kind_are_read(kind: str, planar: str, n_channels: int) -> None:
    dtype = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}[kind]
    values = np.arange(-60, 68, dtype=np.float64).reshape(128 // n_channels, n_channels) / 128
    zero, one = {"u": (128, 128), "s": (0, 2.0 ** (8 * np.dtype(dtype).itemsize - 1))}.get(kind[0], (0, 1))
    stored = (values * one + zero).astype(dtype)
    frame = av.AudioFrame(kind + planar, encoded.LAYOUTS[n_channels], len(stored))
    for number in range(n_channels if planar else 1):
        plane = AudioPlane(frame, number)
        plane.update(np.ascontiguousarray(stored[:, number] if planar else stored).tobytes())
    np.testing.assert_array_equal(frames.samples(frame, n_channels), values.astype(np.float32))


def test_samples_of_a_kind_that_nobody_knows_are_told() -> None:
    frame = SimpleNamespace(
        format=SimpleNamespace(name="s24p", is_planar=True),
        samples=1,
        layout=SimpleNamespace(nb_channels=1),
    )
    with pytest.raises(Undecodable, match="s24p"):
        frames.samples(frame, 1)


@pytest.mark.parametrize(("suffix", "codec"), [("wav", "pcm_s64le"), ("mka", "pcm_s64le")])
def test_integers_of_64_bits_are_read(tmp_path: Path, suffix: str, codec: str) -> None:
    path, sound = tmp_path / f"sound.{suffix}", encoded.sound(1.0)
    encoded.by_ffmpeg(path, codec, sound)
    np.testing.assert_array_equal(audio.read(path)[0], sound)


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
        "FFmpeg, 8 channels": lambda: container.Container(recordings["wv of 8"]),
        "FFmpeg, 16 channels": lambda: container.Container(recordings["wv of 16"]),
        "chain": lambda: Chain([(lambda: libsndfile.Sndfile(wav), 336_000)] * 2),
        "rescued": lambda: Rescued(libsndfile.Sndfile(recordings["flac hole"]), lambda: framed("flac hole")),
    }


@pytest.fixture(
    params=[
        *("libsndfile", "libsndfile, not seeking", "FFmpeg", "chain", "rescued"),
        *("FFmpeg, frames of MP3", "FFmpeg, frames of FLAC", "FFmpeg, pages of Ogg"),
        *("FFmpeg, 8 channels", "FFmpeg, 16 channels"),
    ]
)
def opened(request: pytest.FixtureRequest, recordings: dict[str, Path]) -> Iterator[Decoder]:
    with closing(openers(recordings)[request.param]()) as found:
        yield found


def test_a_decoder_keeps_its_contract(opened: Decoder) -> None:
    assert opened.name in ("libsndfile", "FFmpeg")
    assert opened.rate_hz >= 8_000
    assert opened.n_channels in (1, 8, 16)
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
def test_no_other_file_is_an_mp3_of_free_format(recordings: dict[str, Path], kind: str) -> None:
    assert not mpegstream.is_free(recordings[kind.replace("_", " ")])


@pytest.mark.parametrize("content", [b"", b"\xff", b"\xff\xfb\x00", b"\xff\xfb\x00\xc4" * 9, b"\xff" * 9999])
def test_what_has_no_frames_is_no_mp3_of_free_format(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sound.mp3"
    path.write_bytes(content)
    assert not mpegstream.is_free(path)


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
@pytest.mark.parametrize("n_bytes", [700, 2500, 8000])
@pytest.mark.parametrize("suffix", ["", "before another"])
def test_bytes_taken_out_of_an_mp3_that_tells_its_length_cost_their_time(
    recordings: dict[str, Path], tmp_path: Path, suffix: str, n_bytes: int, place: float
) -> None:
    whole, path = read(recordings["mp3"], IN_ONE_GO), tmp_path / "sound.mp3"
    content = recordings["mp3"].read_bytes()
    at = int(len(content) * place)
    path.write_bytes(content[:at] + content[at + n_bytes :] + (content if suffix else b""))
    with audio.Recording(path) as recording:
        found = recording.samples(recording.rate_hz)
        assert [note for note in recording.notes if note.startswith("lost from")]
    assert len(found) == len(whole) * (2 if suffix else 1)
    wrong = np.flatnonzero(np.abs(found[: len(whole)] - whole) > 1e-3)
    lost_s = (wrong.max() - wrong.min()) / encoded.RATE_HZ
    assert lost_s < 0.6 + n_bytes / len(content) * encoded.SECONDS
    np.testing.assert_allclose(found[len(whole) + 2000 :], whole[2000:] if suffix else [], atol=1e-3)


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


@pytest.mark.parametrize("kind", ["wv", "tta"])
@pytest.mark.parametrize("place", PLACES)
def test_damage_in_a_format_with_checksums_is_silence_and_noted(
    recordings: dict[str, Path], tmp_path: Path, kind: str, place: float
) -> None:
    whole, path = read(recordings[kind], IN_ONE_GO), tmp_path / f"sound.{kind}"
    path.write_bytes(encoded.with_hole(recordings[kind].read_bytes(), place, 2000))
    with audio.Recording(path) as recording:
        found = recording.samples(recording.rate_hz)
        assert [note for note in recording.notes if "lost" in note]
    assert len(found) == len(whole)
    assert not found[found != whole].any()
    assert np.count_nonzero(found != whole) < 2.5 * encoded.RATE_HZ


@pytest.mark.parametrize("kind", ["m4a", "webm", "wv", "tta", "avi", "dsf"])
def test_a_cut_container_is_cut_short(recordings: dict[str, Path], tmp_path: Path, kind: str) -> None:
    path = tmp_path / recordings[kind].name
    content = recordings[kind].read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(AudioError, match="cut short|M4A"):
        audio.read(path)


@pytest.mark.parametrize("damage", ["joined", "cut", "length"])
def test_a_damaged_container_that_sends_ffmpeg_astray_is_told_as_such(
    tmp_path: Path, damage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sound.caf"
    content = encoded.by_ffmpeg(path, "alac", encoded.sound())
    place = content.index(b"pakt") + 4
    changed = {
        "joined": 2 * content,
        "cut": content[: len(content) // 2],
        "length": content[:place] + b"\xff" * 8 + content[place + 8 :],
    }
    path.write_bytes(changed[damage])
    with pytest.raises(AudioError) as told:
        audio.read(path)
    assert "invalid argument" not in str(told.value)
    assert "dropped" not in capfd.readouterr().err


@pytest.mark.parametrize("place", [(-1, 0), (-1, 1), (-(10**9), 2)])
@pytest.mark.parametrize("whole", [True, False])
def test_a_place_that_no_file_has_is_none(
    recordings: dict[str, Path], place: tuple[int, int], whole: bool
) -> None:
    path = recordings["m4a"]
    with container.Container(path, () if whole else [(0, path.stat().st_size)])._file() as file:
        assert file.seek(*place) == -1
        assert file.seek(0) == 0
        assert file.read(8)[4:] == b"ftyp"


@pytest.mark.parametrize("rate_hz", [encoded.RATE_HZ, 32_000])
def test_a_container_that_gives_no_sample_has_failed(
    recordings: dict[str, Path], tmp_path: Path, rate_hz: int
) -> None:
    path, content = tmp_path / "destroyed.wma", bytearray(recordings["wma"].read_bytes())
    content[40] ^= 0xFF  # within the object that tells packets' length
    path.write_bytes(content)
    with pytest.raises(AudioError, match=rf"no samples \({len(content)}-byte file\)"):
        audio.read(path, rate_hz)


@pytest.mark.parametrize("kind", ["wv", "tta", "wv of 8"])
@pytest.mark.parametrize("n_files", [2, 3])
def test_files_that_were_joined_are_read_one_behind_the_other(
    recordings: dict[str, Path], tmp_path: Path, kind: str, n_files: int
) -> None:
    path, one = tmp_path / "joined", read(recordings[kind], IN_ONE_GO)
    path.write_bytes(n_files * recordings[kind].read_bytes())
    with audio.Recording(path) as recording:
        assert recording.n_frames == n_files * len(one)
        np.testing.assert_array_equal(recording.samples(recording.rate_hz), np.tile(one, n_files))
        assert f"{n_files} recordings, one behind the other" in recording.notes
    border = slice(len(one) - 1000, len(one) + 1000)
    np.testing.assert_array_equal(read(path, 331, border.start, border.stop), np.tile(one, 2)[border])


@pytest.mark.parametrize("kind", ["wv", "tta"])
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 255)), max_size=8), st.integers(0, 99))
def test_any_bytes_may_be_looked_at_for_files_that_were_joined(
    recordings: dict[str, Path], kind: str, changes: list[tuple[int, int]], n_bytes: int
) -> None:
    content = bytearray(recordings[kind].read_bytes()[: 10_000 + n_bytes])
    for place, value in changes:
        content[4 + place] = value
    path = recordings[kind].with_name("mutated")
    path.write_bytes(content * 2)
    ends = [0]
    for link in joined.links(path):
        assert link.begin == ends[-1]
        assert link.n_samples >= 0
        ends.append(link.end)
    assert ends[-1] in (0, 2 * len(content))


@pytest.mark.parametrize("kind", ["wv", "tta"])
def test_the_last_of_files_that_were_joined_may_be_cut(
    recordings: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    path, blocks, content = tmp_path / "joined", [], recordings[kind].read_bytes()
    path.write_bytes(content + content[: len(content) // 2])
    with audio.Recording(path) as recording, pytest.raises(AudioError, match=r"cut short: .* 7\.00 s"):
        blocks += map(np.copy, recording.blocks(recording.rate_hz))
    assert sum(map(len, blocks)) >= 10 * encoded.RATE_HZ


@pytest.mark.parametrize("kind", ["m4a", "3gp", "mov"])
def test_a_second_file_behind_an_mp4_is_told(recordings: dict[str, Path], tmp_path: Path, kind: str) -> None:
    path, blocks = tmp_path / f"joined.{kind}", []
    path.write_bytes(2 * recordings[kind].read_bytes())
    told = pytest.raises(AudioError, match=r"ends at 7.\d\d s \(another MP4 file begins there")
    with audio.Recording(path) as recording, told:
        blocks += map(np.copy, recording.blocks(recording.rate_hz))
    np.testing.assert_array_equal(np.concatenate(blocks), read(recordings[kind], 1 << 16))


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 24_000, 44_100])
@pytest.mark.parametrize("behind", ["nothing", "zeros", "another", "two others"])
def test_nothing_is_lost_in_an_mp3_that_is_whole(tmp_path: Path, rate_hz: int, behind: str) -> None:
    path = tmp_path / "sound.mp3"
    one = encoded.by_ffmpeg(path, "libmp3lame", encoded.sound(2.0, rate_hz), rate_hz, 32_000)
    content = {"nothing": one, "zeros": one + bytes(1000), "another": 2 * one, "two others": 3 * one}[behind]
    path.write_bytes(content)
    n_samples = content.count(one) * round(2.0 * rate_hz)
    found = mpegstream.scan(path)
    assert found
    for start, stop in ((0, None), (0, 1000), (rate_hz, None), (n_samples - 500, None)):
        opened = ffmpeg.Packets(found)
        read = sum(len(block) for _, block in opened.frames(start, stop))
        assert opened.lost == []
        assert read == min(stop or n_samples, n_samples) - start


@pytest.mark.parametrize("rate_hz", [8_000, 12_000, 16_000, 24_000, 32_000, 48_000])
@pytest.mark.parametrize("how", ["lowest", "lowest of two", "better", "better, joined", "zeros behind"])
def test_a_stretch_of_an_mp3_of_few_bits_is_a_part_of_the_whole(
    tmp_path: Path, how: str, rate_hz: int
) -> None:
    path, sound = tmp_path / "sound.mp3", encoded.sound(6.0, rate_hz)
    sound[rate_hz : 3 * rate_hz] *= np.float32(1e-3)
    sound = encoded.with_channels(sound, 2) if "two" in how else sound
    bits, quality = (
        (32_000 if rate_hz > 24_000 else 8_000),
        {"compression_level": "9" if "better" in how else "5"},
    )
    content = encoded.by_ffmpeg(path, "libmp3lame", sound, rate_hz, bits, **quality)
    zeros = bytes(100 * ("zeros" in how))
    path.write_bytes(content * (2 if "joined" in how else 1) + zeros)
    whole = read(path, IN_ONE_GO)
    for start in range(rate_hz // 3, len(whole) - rate_hz, rate_hz // 2):
        part = read(path, IN_ONE_GO, start, start + rate_hz // 2)
        assert np.abs(part - whole[start : start + rate_hz // 2]).max() <= 1e-6


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 48_000])
def test_what_is_lost_before_a_joint_is_noted(tmp_path: Path, rate_hz: int) -> None:
    path = tmp_path / "sound.mp3"
    one = encoded.by_ffmpeg(path, "libmp3lame", encoded.sound(2.0, rate_hz), rate_hz, 32_000)
    hole = one[:-1500] + bytes(500) + one[-1000:]
    path.write_bytes(hole + one)
    found = mpegstream.scan(path)
    assert found
    opened = ffmpeg.Packets(found)
    list(opened.frames(0, None))
    [(first, last)] = opened.lost
    assert 1.4 * rate_hz < first < last <= 2 * rate_hz + 1152


def test_a_joined_mp3_of_another_rate_is_told(recordings: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "joined.mp3"
    path.write_bytes(recordings["mp3"].read_bytes() + recordings["mp3 low"].read_bytes())
    with pytest.raises(AudioError, match="ends at 7.00 s .*24000 Hz"):
        audio.read(path)
