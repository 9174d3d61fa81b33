"""Mixes are clips with everything that sounds in them, the same for the same seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast import audio, modelfolder
from birdfast.errors import AudioError
from birdfast.train import mixes, recipe
from birdfast.train.recordings import Clip
from birdfast.train.stages import Training

RATE_HZ = 8_000


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    """Tones of 1, 2 and 3 kHz, with silence around them."""
    folder, found = tmp_path_factory.mktemp("clips"), []
    for khz in (1, 2, 3):
        tone = np.sin(2 * np.pi * 1000 * khz * np.arange(2 * RATE_HZ) / RATE_HZ)
        silence = np.zeros(RATE_HZ)
        path = folder / f"{khz}.wav"
        audio.write(path, np.concatenate([silence, 0.5 * tone, silence]).astype(np.float32), RATE_HZ)
        found.append(Clip(str(path), (f"{khz} kHz",)))
    return found


def sound(mix: mixes.Mix) -> np.ndarray:
    (block,) = mix.blocks(RATE_HZ, print)
    return block


def test_a_mix_has_the_labels_and_the_sound_of_all_its_clips(clips: list[Clip]) -> None:
    mixed = mixes.Mix((clips[0], clips[2], clips[0]), 5.0, (1,))
    assert mixed.labels == ("1 kHz", "3 kHz")
    assert mixed.path == clips[0].path
    heard = sound(mixed)
    assert heard.dtype == np.float32
    assert len(heard) == 5 * RATE_HZ
    power = np.abs(np.fft.rfft(heard)) ** 2
    at = {khz: power[5000 * khz - 50 : 5000 * khz + 50].max() for khz in (1, 2, 3)}
    assert min(at[1], at[3]) > 20 * at[2]


def test_a_seed_repeats_and_another_differs(clips: list[Clip]) -> None:
    first, second = (mixes.Mix((clips[0],), 5.0, (seed,)) for seed in (1, 2))
    np.testing.assert_array_equal(sound(first), sound(first))
    assert not np.array_equal(sound(first), sound(second))


def test_each_clip_comes_first_in_every_copy(clips: list[Clip]) -> None:
    made = mixes.make(clips, copies=5, others=2, window_s=5.0, seed=0)
    assert [mix.clips[0] for mix in made] == clips * 5
    assert {len(mix.clips) for mix in made} == {1, 2, 3}
    assert len({mix.seed for mix in made}) == len(made)
    assert mixes.make(clips, copies=0, others=2, window_s=5.0, seed=0) == []


def test_a_part_of_a_recording_stays_within_it(clips: list[Clip]) -> None:
    silent, loud = replace(clips[0], end_s=0.9), replace(clips[0], start_s=1.0, end_s=3.0)
    for seed in range(5):
        dice = np.random.default_rng(seed)
        assert np.mean(mixes._piece(loud, RATE_HZ, RATE_HZ // 2, dice, print) ** 2) > 0.1
        assert not mixes._piece(silent, RATE_HZ, RATE_HZ // 2, dice, print).any()
        assert len(mixes._piece(silent, RATE_HZ, 5 * RATE_HZ, dice, print)) == round(0.9 * RATE_HZ)
        assert len(mixes._piece(replace(clips[0], end_s=60.0), RATE_HZ, RATE_HZ, dice, print)) == RATE_HZ


def test_silence_and_what_cannot_be_read(clips: list[Clip], tmp_path: Path) -> None:
    audio.write(tmp_path / "silence.wav", np.zeros(RATE_HZ, np.float32), RATE_HZ)
    assert np.isfinite(sound(mixes.Mix((Clip(str(tmp_path / "silence.wav")),), 1.0, (0,)))).all()
    with pytest.raises(AudioError, match=r"gone\.wav"):
        sound(mixes.Mix((clips[0], Clip(str(tmp_path / "gone.wav"))), 1.0, (0,)))


@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 99))
def test_half_of_a_sound_is_within(n_sound: int, n_onto: int, seed: int) -> None:
    onto = np.zeros(n_onto)
    mixes.place(np.ones(n_sound), onto, np.random.default_rng(seed))
    assert onto.sum() >= min(n_sound // 2, n_onto // 2)
    assert onto.max(initial=0) <= 1


def test_what_is_held_out_is_in_no_mix_and_the_classes_are_not_exclusive(
    clips: list[Clip], tmp_path: Path
) -> None:
    training = Training(recipe.load("soundscapes"), clips, [], [c.labels[0] for c in clips], exclusive=True)
    kept = training.without(clips[:1]).labelled
    assert clips[0] not in [part for heard in kept for part in getattr(heard, "clips", [heard])]
    assert len(kept) == 2 + 2 * training.recipe.mixes.copies
    training.write(tmp_path, {}, "none")
    assert modelfolder.facts(tmp_path)["activation"] == "sigmoid"


def test_mixes_of_another_length_are_learnt_from_anew(
    clips: list[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[dict[str, object]] = []

    def stage(training: Training, name: str, tables: tuple[str, ...], *_: object) -> dict[str, object]:
        keys.append(training._run(name, tables))
        return {}

    monkeypatch.setattr(Training, "_stage", stage)
    training = Training(recipe.load("soundscapes"), clips, [], [c.labels[0] for c in clips], exclusive=True)
    for one in (training, replace(training, recipe=replace(training.recipe, window_s=3.0))):
        one.codebook()
        one.embedding({})
    assert keys[0] != keys[2]
    assert keys[1] != keys[3]
