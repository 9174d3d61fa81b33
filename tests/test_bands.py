"""Bands of clips are read once, are those of the sound, and take no more room than they are given."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from time import sleep
from typing import Any

import numpy as np
import pytest

from birdfast import audio, windows
from birdfast.errors import AudioError
from birdfast.stsg.tokenizer import TokenFrontEnd
from birdfast.train import sheets
from birdfast.train.bands import BandStore
from birdfast.train.recordings import Clip

RATE_HZ, WINDOW_S = 8_000, 1.0
ALIGNED = TokenFrontEnd(
    rate_hz=RATE_HZ, n_fft=256, frame_samples=256, hop_samples=160, n_mels=8, n_mfcc=0, fmax_hz=4_000,
    log=True, offset=1e-6,
)  # fmt: skip
BETWEEN = replace(ALIGNED, hop_samples=170)  # a second is no whole number of hops
LENGTHS_S = (0.01, 0.4, 1.0, 1.5, 2.0, 3.2)


def silent(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    folder, found = tmp_path_factory.mktemp("clips"), []
    for number, length_s in enumerate(LENGTHS_S):
        sound = np.random.default_rng(number).standard_normal(round(length_s * RATE_HZ)).astype(np.float32)
        audio.write(folder / f"{number}.wav", sound * np.float32(0.1), RATE_HZ)
        found.append(Clip(str(folder / f"{number}.wav")))
    return found


@pytest.mark.parametrize("front_end", [ALIGNED, BETWEEN], ids=["aligned", "between"])
@pytest.mark.parametrize("memory_bytes", [1 << 30, 0], ids=["memory", "disk"])
def test_bands_are_those_of_the_sound_and_of_each_window(
    clips: list[Clip], front_end: TokenFrontEnd, memory_bytes: int, tmp_path: Path
) -> None:
    store = BandStore(front_end, WINDOW_S, tmp_path, memory_bytes)
    spectrogram, n = front_end.spectrogram(), round(WINDOW_S * RATE_HZ)
    grid = windows.Grid(RATE_HZ, n, n, "min-1s")
    for clip in clips * 2:
        sound = np.concatenate(list(clip.blocks(RATE_HZ, silent)))
        bands = store.of(clip, silent)
        assert bands.whole.tobytes() == spectrogram(sound).tobytes()
        cut = [part.copy() for (part,) in windows.cut(iter([sound]), grid, None, 1)]
        assert [one.tobytes() for one in bands.windows()] == [spectrogram(one).tobytes() for one in cut]
    assert list(tmp_path.iterdir()) == []  # nothing has a name that one who is killed would leave


def test_a_clip_is_read_once(clips: list[Clip], monkeypatch: pytest.MonkeyPatch) -> None:
    read, blocks = [], Clip.blocks
    monkeypatch.setattr(Clip, "blocks", lambda clip, *what: read.append(clip) or blocks(clip, *what))
    store = BandStore(ALIGNED, WINDOW_S)
    for clip in clips * 3:
        store.of(replace(clip, labels=("any",)), silent)
    assert [clip.path for clip in read] == [clip.path for clip in clips]


@pytest.mark.parametrize("memory_bytes", [1 << 30, 0], ids=["memory", "disk"])
def test_threads_that_want_one_clip_read_it_once(
    clips: list[Clip], memory_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, blocks, all_ask = [], Clip.blocks, Barrier(8)

    def slow(clip: Clip, *what: Any) -> Iterator[np.ndarray]:
        read.append(clip)
        sleep(0.05)
        return blocks(clip, *what)

    def ask(_: int) -> bytes:
        all_ask.wait()
        return store.of(clips[-1], silent).values.tobytes()

    monkeypatch.setattr(Clip, "blocks", slow)
    store = BandStore(ALIGNED, WINDOW_S, memory_bytes=memory_bytes)
    with ThreadPoolExecutor(8) as threads:
        found = {*threads.map(ask, range(8))}
    assert read == clips[-1:]
    assert len(found) == 1


def n_descriptors() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors are counted in /proc")
def test_long_clips_take_no_descriptor_each(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sheets, "LONG_BYTES", 100)
    cabinet = sheets.Cabinet(1 << 30, tmp_path)
    before, kept = n_descriptors(), []
    for number in range(20):
        sheet = sheets.Sheet(tmp_path)
        sheet.add(np.full((10, 8), number, np.float32))
        kept.append(cabinet.keep(sheet.values()))
        del sheet
    assert n_descriptors() == before + 1
    for number, one in enumerate(kept):
        assert one is not None
        np.testing.assert_array_equal(one.values(), np.full((10, 8), number))


def test_a_file_that_changed_and_another_part_are_read_anew(clips: list[Clip], tmp_path: Path) -> None:
    path = tmp_path / "one.wav"
    store, clip = BandStore(ALIGNED, WINDOW_S), Clip(str(path))
    audio.write(path, np.zeros(RATE_HZ, np.float32), RATE_HZ)
    before = store.of(clip, silent).values
    audio.write(path, np.full(2 * RATE_HZ, 0.5, np.float32), RATE_HZ)
    after = store.of(clip, silent)
    assert len(after.spans) == 2
    assert not np.array_equal(before, after.values)
    assert len(store.of(replace(clip, end_s=0.5), silent).whole) < len(after.whole)


def test_what_was_remarked_and_what_failed_is_told_each_time(tmp_path: Path) -> None:
    path = tmp_path / "hole.flac"
    audio.write(path, np.random.default_rng(0).standard_normal(40_000).astype(np.float32) * 0.1, RATE_HZ)
    whole = path.read_bytes()
    hole = len(whole) // 2
    path.write_bytes(whole[:hole] + bytes(3000) + whole[hole + 3000 :])
    store, told = BandStore(ALIGNED, WINDOW_S), list[str]()
    for _ in range(2):
        store.of(Clip(str(path)), told.append)
    assert told[: len(told) // 2] == told[len(told) // 2 :] != []
    for _ in range(2):
        with pytest.raises(AudioError, match=r"gone\.wav"):
            store.of(Clip(str(tmp_path / "gone.wav")), silent)


def test_without_room_a_clip_is_read_again(clips: list[Clip], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "DISK_SHARE", 0.0)
    store, kept = BandStore(ALIGNED, WINDOW_S, memory_bytes=0), BandStore(ALIGNED, WINDOW_S)
    for clip in clips * 2:
        assert store.of(clip, silent).values.tobytes() == kept.of(clip, silent).values.tobytes()


@pytest.mark.parametrize("front_end", [ALIGNED, BETWEEN], ids=["aligned", "between"])
def test_a_long_clip_goes_to_a_file_as_it_comes(
    clips: list[Clip], front_end: TokenFrontEnd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    meant = [BandStore(front_end, WINDOW_S).of(clip, silent) for clip in clips]
    monkeypatch.setattr(sheets, "LONG_BYTES", 1000)
    store = BandStore(front_end, WINDOW_S, tmp_path)
    for clip, bands in zip(clips * 2, meant * 2, strict=True):
        found = store.of(clip, silent)
        assert isinstance(found.values, np.memmap) == (bands.values.nbytes > 1000)
        assert found.values.tobytes() == bands.values.tobytes()
        assert found.spans == bands.spans
