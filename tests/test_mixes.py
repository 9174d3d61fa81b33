"""Mixes are clips with everything that sounds in them, the same for the same seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast import audio, modelfolder
from birdfast.errors import AudioError, ConfigError
from birdfast.stsg.tokenizer import TokenFrontEnd
from birdfast.stsg.variants import powers
from birdfast.train import mixes, recipe
from birdfast.train.bands import BandStore
from birdfast.train.recordings import Clip
from birdfast.train.stages import Training

RATE_HZ, HOP = 8_000, 160
FRONT_END = TokenFrontEnd(
    rate_hz=RATE_HZ, n_fft=256, frame_samples=256, hop_samples=HOP, n_mels=32, n_mfcc=0, fmin_hz=0,
    fmax_hz=3_600, log=True, offset=1e-8,
)  # fmt: skip


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


def mixer(window_s: float = 5.0) -> mixes.Mixer:
    return mixes.Mixer(BandStore(FRONT_END, window_s), FRONT_END)


def power(mix: mixes.Mix) -> np.ndarray:
    made = mixer().of(mix, print)
    assert made.spans == ((0, made.n_frames),)
    assert made.values.dtype == np.float32
    return powers(made.whole, FRONT_END)


def test_a_mix_has_the_labels_and_the_sound_of_all_its_clips(clips: list[Clip]) -> None:
    mixed = mixes.Mix((clips[0], clips[2], clips[0]), (1,))
    assert mixed.labels == ("1 kHz", "3 kHz")
    assert mixed.name == clips[0].name
    heard = power(mixed).max(axis=0)
    alone = [powers(mixer().store.of(clip, print).whole, FRONT_END).max(axis=0) for clip in clips]
    at = [heard[one.argmax()] for one in alone]
    assert min(at[0], at[2]) > 20 * at[1]


def test_a_mix_has_the_frames_of_a_window(clips: list[Clip]) -> None:
    for window_s in (0.5, 1.0, 5.0):
        made = mixer(window_s)
        of_sound = FRONT_END.spectrogram()(np.zeros(round(window_s * RATE_HZ), np.float32))
        assert made.of(mixes.Mix((clips[0],), (0,)), print).values.shape == of_sound.shape


def test_the_level_of_bands_is_that_of_the_sound(clips: list[Clip]) -> None:
    made = mixer()
    noise = 0.1 * np.random.default_rng(1).standard_normal(5 * RATE_HZ).astype(np.float32)
    tone = (0.5 * np.sin(2 * np.pi * 1500 * np.arange(RATE_HZ) / RATE_HZ)).astype(np.float32)
    of_noise, of_tone = (powers(FRONT_END.spectrogram()(sound), FRONT_END) for sound in (noise, tone))
    in_bands = FRONT_END.fmax_hz / (RATE_HZ / 2)
    assert made.level(of_noise).mean() == pytest.approx(0.01 * in_bands, rel=0.1)
    assert made.level(of_tone).mean() == pytest.approx(0.125, rel=0.5)  # a tone fills no band evenly


def test_silence_around_a_clip_is_left_out(clips: list[Clip]) -> None:
    whole = mixer().store.of(clips[0], print).whole
    kept = mixer().trimmed(powers(whole, FRONT_END))
    assert 2 * RATE_HZ / HOP <= len(kept) + 2 <= 2 * RATE_HZ / HOP + 6
    assert len(mixer().trimmed(np.zeros((9, FRONT_END.n_mels), np.float32))) == 0


def test_a_seed_repeats_and_another_differs(clips: list[Clip]) -> None:
    first, second = (mixes.Mix((clips[0],), (seed,)) for seed in (1, 2))
    np.testing.assert_array_equal(power(first), power(first))
    assert not np.array_equal(power(first), power(second))


def test_each_clip_comes_first_in_every_copy(clips: list[Clip]) -> None:
    made = mixes.make(clips, recipe.MixChoice(copies=5, others=2), 0)
    assert [mix.clips[0] for mix in made] == clips * 5
    assert {len(mix.clips) for mix in made} == {1, 2, 3}
    assert len({mix.seed for mix in made}) == len(made)
    assert mixes.make(clips, recipe.MixChoice(), 0) == []


def test_noise_alone_has_no_label_and_falls_with_frequency(clips: list[Clip]) -> None:
    made = mixes.make(clips, recipe.MixChoice(noise=2.5), 0)
    assert [mix.clips for mix in made] == [()] * 8
    assert {mix.labels for mix in made} == {()}
    heard = np.array([power(mix).mean(axis=0) for mix in made])
    assert (heard > 0).all()
    slopes = [np.polyfit(np.arange(32), np.log(one), 1)[0] for one in heard]
    assert max(slopes) < 0.02
    assert min(slopes) < -0.02


def test_silence_and_what_cannot_be_read(clips: list[Clip], tmp_path: Path) -> None:
    audio.write(tmp_path / "silence.wav", np.zeros(RATE_HZ, np.float32), RATE_HZ)
    assert np.isfinite(power(mixes.Mix((Clip(str(tmp_path / "silence.wav")),), (0,)))).all()
    with pytest.raises(AudioError, match=r"gone\.wav"):
        power(mixes.Mix((clips[0], Clip(str(tmp_path / "gone.wav"))), (0,)))


@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 99))
def test_half_of_a_sound_is_within(n_sound: int, n_onto: int, seed: int) -> None:
    onto = np.zeros((n_onto, 2), np.float32)
    mixes.place(np.ones((n_sound, 2), np.float32), onto, np.random.default_rng(seed))
    assert onto[:, 0].sum() >= min(n_sound // 2, n_onto // 2)
    assert onto.max(initial=0) <= 1


def test_cepstra_are_not_mixed() -> None:
    tables = recipe.load("paper").as_dict() | {"streams": [], "variants": []}
    with pytest.raises(ConfigError, match=r"mixes: they are of mel bands; frontend\.n_mfcc"):
        recipe.of(tables | {"mixes": {"copies": 1}})


def test_what_is_held_out_is_in_no_mix_and_the_classes_are_not_exclusive(
    clips: list[Clip], tmp_path: Path
) -> None:
    training = Training(recipe.load("soundscapes"), clips, [], [c.labels[0] for c in clips], exclusive=True)
    kept = training.without(clips[:1]).labelled
    assert clips[0] not in [part for heard in kept for part in getattr(heard, "clips", [heard])]
    choice = training.recipe.mixes
    assert len(kept) == 2 + 2 * choice.copies + 2 * choice.noise
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
