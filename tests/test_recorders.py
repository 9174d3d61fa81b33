"""Files as other programs write them, joined, cut into segments and damaged: every burst keeps its second."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile

from birdfast import audio
from birdfast.errors import AudioError

from . import encoded

Recipe = Callable[[Path, Path, float], float]
FFMPEG = ("ffmpeg", "-loglevel", "error", "-y")


def run(*command: object) -> bytes:
    """Run a program; without it the test is skipped, but not where all of them have to be."""
    program = str(command[0])
    if shutil.which(program) is None:
        lacks = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        lacks(f"{program} is not installed")
    return subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, check=True).stdout


@cache
def bursts(seconds: float, rate_hz: int) -> tuple[np.ndarray, list[float]]:
    """Return quiet noise with a tone of 80 ms every 2.3 s, and when they begin."""
    samples = encoded.sound(seconds, rate_hz) * np.float32(0.02)
    begins_s = list(np.arange(1.0, seconds - 0.5, 2.3))
    for begin_s in begins_s:
        n = np.arange(round(0.08 * rate_hz))
        at = round(begin_s * rate_hz)
        samples[at : at + len(n)] += np.float32(0.5) * np.sin(2 * np.pi * 1500 * n / rate_hz).astype(
            np.float32
        )
    return samples, begins_s


def heard_s(path: Path) -> tuple[list[float], float]:
    """Return when bursts begin in a file, and its length."""
    samples, rate_hz = audio.read(path)
    loud = np.flatnonzero(np.abs(samples) > 0.2) / rate_hz
    return [float(time) for time in loud[np.diff(loud, prepend=-9) > 0.5]], len(samples) / rate_hz


def pipe(*how: str) -> Recipe:
    def make(wav: Path, path: Path, seconds: float) -> float:
        path.write_bytes(run(*FFMPEG, "-i", wav, *how, "-"))
        return 0.0

    return make


def file(*how: str) -> Recipe:
    def make(wav: Path, path: Path, seconds: float) -> float:
        run(*FFMPEG, "-i", wav, *how, path)
        return 0.0

    return make


def joined(*how: str) -> Recipe:
    def make(wav: Path, path: Path, seconds: float) -> float:
        parts = [path.with_stem("first"), path.with_stem("second")]
        run(*FFMPEG, "-t", seconds / 2, "-i", wav, *how, parts[0])
        run(*FFMPEG, "-ss", seconds / 2, "-i", wav, *how, parts[1])
        path.write_bytes(parts[0].read_bytes() + parts[1].read_bytes())
        return 0.0

    return make


def segment(*how: str) -> Recipe:
    """Return what makes the second of two segments."""

    def make(wav: Path, path: Path, seconds: float) -> float:
        half = 4.6
        cut = ("-f", "segment", "-segment_time", half, *how)
        run(*FFMPEG, "-i", wav, *cut, path.with_name(f"part%d{path.suffix}"))
        path.with_name(f"part1{path.suffix}").rename(path)
        length_s = soundfile.info(wav).duration
        rest_s = audio_s(path.with_name(f"part0{path.suffix}"))
        assert rest_s < length_s
        return rest_s

    return make


def audio_s(path: Path) -> float:
    samples, rate_hz = audio.read(path)
    return len(samples) / rate_hz


def lame(*how: str) -> Recipe:
    def make(wav: Path, path: Path, seconds: float) -> float:
        path.write_bytes(run("lame", "--quiet", *how, wav, "-"))
        return 0.0

    return make


def oggenc_zeros(wav: Path, path: Path, seconds: float) -> float:
    run("oggenc", "-Q", "-o", path, wav)
    path.write_bytes(path.read_bytes() + bytes(200_000))
    return 0.0


def flac_in_ogg(wav: Path, path: Path, seconds: float) -> float:
    run("flac", "-s", "-f", "--ogg", "-o", path, wav)
    return 0.0


def paused(wav: Path, path: Path, seconds: float) -> float:
    """Let the frame numbers begin anew in the middle."""
    joined("-c:a", "flac")(wav, path, seconds)
    first, second = (path.with_stem(stem).read_bytes() for stem in ("first", "second"))
    total = soundfile.info(wav).frames
    path.write_bytes(encoded.with_total(first, total) + second[encoded.flac_frames(second) :])
    return 0.0


RECIPES: dict[str, Recipe] = {
    "ffmpeg into a pipe.mp3": pipe("-f", "mp3"),
    "lame into a pipe.mp3": lame("-V4"),
    "lame at 32 kbit.mp3": lame("-b", "32"),
    "lame at 64 kbit.mp3": lame("-b", "64"),
    "lame in free format.mp3": lame("--freeformat", "-b", "100"),
    "joined.mp3": joined("-b:a", "96k"),
    "ffmpeg into a pipe.flac": pipe("-f", "flac"),
    "a segment.flac": segment("-c:a", "flac"),
    "a segment.ogg": segment("-c:a", "libvorbis"),
    "a segment.opus": segment("-c:a", "libopus", "-reset_timestamps", "1"),
    "paused.flac": paused,
    "joined.ogg": joined("-c:a", "libvorbis"),
    "joined.opus": joined("-c:a", "libopus"),
    "zeros behind.ogg": oggenc_zeros,
    "flac in ogg.oga": flac_in_ogg,
    "phone.m4a": file("-c:a", "aac"),
    "browser.webm": file("-c:a", "libopus"),
    "windows.wma": file("-c:a", "wmav2"),
    "wavpack.wv": file("-c:a", "wavpack"),
    "layer two.mp2": file("-c:a", "mp2"),
}


@pytest.mark.parametrize(("seconds", "rate_hz"), [(10.7, 48_000), (23.04, 32_000), (16.3, 44_100)])
@pytest.mark.parametrize("name", RECIPES)
def test_a_file_is_read_to_its_end_and_bursts_keep_their_times(
    tmp_path: Path, name: str, seconds: float, rate_hz: int
) -> None:
    samples, begins_s = bursts(seconds, rate_hz)
    soundfile.write(tmp_path / "sound.wav", samples, rate_hz)
    begin_s = RECIPES[name](tmp_path / "sound.wav", tmp_path / name, seconds)
    found_s, length_s = heard_s(tmp_path / name)
    told_s = [time - begin_s for time in begins_s if 0 < time - begin_s < length_s]
    assert found_s == pytest.approx(told_s, abs=0.06)  # an MP3 that does not tell its delay: 25 to 50 ms
    if not begin_s:
        assert length_s == pytest.approx(seconds, abs=0.1)


@pytest.fixture(scope="module")
def half_a_minute(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """What writes 30 s in a kind, once."""
    folder = tmp_path_factory.mktemp("whole")
    soundfile.write(folder / "sound.wav", bursts(30.0, 48_000)[0], 48_000)

    @cache
    def made(name: str) -> bytes:
        RECIPES[name](folder / "sound.wav", folder / name, 30.0)
        return (folder / name).read_bytes()

    return made


@pytest.mark.parametrize("place", [0.13, 0.52, 0.77])
@pytest.mark.parametrize("n_bytes", [512, 4096])
@pytest.mark.parametrize(
    "name", ["lame at 64 kbit.mp3", "joined.mp3", "paused.flac", "ffmpeg into a pipe.flac"]
)
def test_what_follows_damage_keeps_its_time(
    half_a_minute: Callable[[str], bytes], tmp_path: Path, name: str, n_bytes: int, place: float
) -> None:
    _, begins_s = bursts(30.0, 48_000)
    (tmp_path / name).write_bytes(encoded.with_hole(half_a_minute(name), place, n_bytes))
    found_s, length_s = heard_s(tmp_path / name)
    assert length_s == pytest.approx(30.0, abs=0.1)
    assert len(begins_s) - 2 <= len(found_s)
    for time in found_s:
        assert min(abs(time - begin_s) for begin_s in begins_s) < 0.09  # one may begin within the damage


@pytest.mark.parametrize(
    ("suffix", "codec", "kind"),
    [("m4a", "aac", "MP4 or M4A"), ("wv", "wavpack", "WavPack"), ("wma", "wmav2", "Windows Media file")],
)
def test_what_is_damaged_is_told_so(tmp_path: Path, suffix: str, codec: str, kind: str) -> None:
    path = tmp_path / f"dawn.{suffix}"
    path.write_bytes(encoded.by_ffmpeg(path, codec, encoded.sound())[:24])
    with pytest.raises(AudioError, match=f"FFmpeg reads; a damaged {kind}") as told:
        audio.read(path)
    assert "ffmpeg -i" not in str(told.value)


@pytest.mark.parametrize("suffix", ["wac", "w4v"])
def test_what_no_decoder_reads_is_told_with_a_hint(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"dawn.{suffix}"
    path.write_bytes(b"RIFF" + bytes(100))
    with pytest.raises(AudioError, match="convert it to WAV with Kaleidoscope"):
        audio.read(path)
