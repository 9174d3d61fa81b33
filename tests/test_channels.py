"""Channels: each can be heard by itself, and a mix that hears less than they do is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from birdfast import audio, models
from birdfast.audio.channels import Mixer
from birdfast.config import Options
from birdfast.errors import AudioError, ConfigError
from birdfast.pipeline import Pipeline
from birdfast.tables.detections import CsvTable
from birdfast.workers.warm import WarmPool

from .commands import infer, table
from .recordings import SECOND, noise, write


def remarks(path: Path) -> list[str]:
    with audio.Recording(path) as opened:
        for _ in opened.blocks(opened.rate_hz):
            pass
        return opened.remarks()


@pytest.mark.parametrize("n_channels", [1, 2, 8])
@pytest.mark.parametrize("rate_hz", [SECOND, 32_000])
def test_one_decode_gives_the_mix_and_every_channel(tmp_path: Path, n_channels: int, rate_hz: int) -> None:
    samples = noise(200_000, n_channels)
    path = write(tmp_path / "sound.wav", samples, subtype="FLOAT")
    wanted = range(n_channels + 1)
    found: list[list[np.ndarray]] = [[] for _ in wanted]
    with audio.Recording(path) as opened:
        feeds = [opened.feed_at(rate_hz, 1_000, None, channel) for channel in wanted]
        for place, block in opened.feed(feeds):
            found[place].append(block.copy())
    for channel, blocks in zip(wanted, found, strict=True):
        alone, _ = audio.read(path, rate_hz, channel or "mix")
        np.testing.assert_allclose(np.concatenate(blocks), alone[1_000:], atol=2**-20)
        if rate_hz == SECOND:
            expected = samples[:, channel - 1] if channel else samples.mean(axis=1)
            np.testing.assert_allclose(alone, expected, atol=1e-7)


@pytest.mark.parametrize(
    ("choice", "channels"), [("mix", (0,)), ("each", (1, 2, 3)), ("2", (2,)), (3, (3,)), ("1", (1,))]
)
def test_a_choice_means_channels(tmp_path: Path, choice: str | int, channels: tuple[int, ...]) -> None:
    samples = noise(1000, 3)
    with audio.Recording(write(tmp_path / "sound.wav", samples, subtype="FLOAT"), choice) as opened:
        assert opened.channels == channels
        first = np.concatenate([*opened.blocks(SECOND)])
    assert Options(channel=str(choice)).channel == str(choice)
    if choice != "mix":
        np.testing.assert_array_equal(first, samples[:, channels[0] - 1])


def test_each_channel_is_no_one_sound(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="channel each: .*mix.* or a number"):
        audio.read(write(tmp_path / "sound.wav", noise(1000, 2)), channel="each")


def test_each_channel_of_a_mono_file_is_its_only_one(tmp_path: Path) -> None:
    with audio.Recording(write(tmp_path / "mono.wav", noise(1000)), "each") as opened:
        assert opened.channels == (1,)


@pytest.mark.parametrize("choice", ["3", 3, "0", 0, "left"])
def test_a_channel_that_there_is_not_is_named_with_the_file(tmp_path: Path, choice: str | int) -> None:
    path = write(tmp_path / "stereo.wav", noise(1000, 2))
    with pytest.raises(AudioError, match=rf"stereo\.wav: no channel {choice}: it has 2 channels"):
        audio.Recording(path, choice)


def test_what_is_not_finite_in_a_channel_that_is_not_heard_does_no_harm(tmp_path: Path) -> None:
    samples = noise(1000, 2)
    samples[600, 1] = np.nan
    path = write(tmp_path / "nan.wav", samples, subtype="FLOAT")
    assert len(audio.read(path, channel=1)[0]) == 1000
    with pytest.raises(AudioError, match="sample 600 of channel 2 .* is NaN"):
        audio.read(path, channel=2)
    with pytest.raises(AudioError, match=r"sample 600 \(.* is NaN"):
        audio.read(path)


@given(st.floats(0, 0.2), st.floats(-0.3, 0.3), st.sampled_from(["PCM_16", "PCM_24", "FLOAT"]))
def test_opposite_phase_is_told(
    tmp_path_factory: pytest.TempPathFactory, other: float, offset: float, subtype: str
) -> None:
    """Whatever offset a recorder adds, and with a little that the channels do not share."""
    one = noise(100_000)
    stereo = np.concatenate([one, -one + np.float32(other) * noise(100_000, seed=1)], axis=1)
    path = tmp_path_factory.mktemp("phase") / "opposite.wav"
    soundfile.write(path, stereo * 0.5 + offset, SECOND, subtype)
    (remark,) = remarks(path)
    assert remark.startswith("the mix of its 2 channels is at least ")
    assert remark.endswith(
        " dB quieter than they are: opposite phase? --channel 1 (channel=1) hears one of them"
    )


def test_how_much_is_told_in_steps(tmp_path: Path) -> None:
    one = noise(100_000)
    for left, least in ((0.0, 40), (0.1, 20), (0.35, 12)):
        path = write(tmp_path / "opposite.wav", np.concatenate([one, -one * (1 - left)], axis=1))
        assert f"at least {least} dB" in remarks(path)[0]


def test_ordinary_stereo_is_not_told(tmp_path: Path) -> None:
    one, two = noise(100_000), noise(100_000, seed=1)
    kinds = {
        "same": (one, one),
        "unlike": (one, two),
        "one silent": (one, one * 0),
        "one inverted and quiet": (one, one * -0.4),
        "all silent": (one * 0, one * 0),
        "a bit that flips": (np.sign(one) * 2**-16, np.sign(one) * -(2**-16)),
        "eight": tuple(noise(100_000, seed=seed) for seed in range(8)),
    }
    for name, channels in kinds.items():
        path = write(tmp_path / "stereo.wav", np.concatenate(channels, axis=1), subtype="FLOAT")
        assert (name, remarks(path)) == (name, [])


def test_one_of_many_channels_is_told_without_a_word_of_phase(tmp_path: Path) -> None:
    samples = np.zeros((100_000, 8), np.float32)
    samples[:, 5] = noise(100_000)[:, 0]
    (remark,) = remarks(write(tmp_path / "array.wav", samples))
    assert remark.endswith(
        "at least 12 dB quieter than they are: most of them are silent."
        " --channel 6 (channel=6) hears one of them"
    )


def test_silence_between_does_not_count(tmp_path: Path) -> None:
    one = np.concatenate([noise(100_000), np.zeros((1_000_000, 1), np.float32)])
    assert remarks(write(tmp_path / "opposite.wav", np.concatenate([one, -one], axis=1)))


def test_a_mix_that_nobody_asked_for_is_not_weighed(tmp_path: Path) -> None:
    one = noise(100_000)
    path = write(tmp_path / "opposite.wav", np.concatenate([one, -one], axis=1))
    with audio.Recording(path, "each") as opened:
        for _ in opened.feed([opened.feed_at(SECOND, channel=channel) for channel in opened.channels]):
            pass
        assert opened.remarks() == []


def test_what_is_too_loud_to_be_squared_is_not_told() -> None:
    mixer = Mixer(2)
    mixer.apart(np.full((1000, 2), 1e30, np.float32) * np.array([[1, -1]], np.float32), {0})
    assert mixer.remarks() == []


def test_each_channel_is_heard_by_itself_and_a_silent_mix_is_told(tiny: models.Model, tmp_path: Path) -> None:
    left = noise(9_000, seed=4)
    path = write(tmp_path / "opposite.wav", np.concatenate([left, -left], axis=1), 8_000)
    mono = write(tmp_path / "left.wav", left, 8_000)
    how = ["--min-conf", "0", "--rtype", "csv,parquet,scores", "-o"]
    assert infer(tiny, path, *how, tmp_path / "each", "--channel", "each").returncode == 0
    assert infer(tiny, path, *how, tmp_path / "first", "--channel", "1").returncode == 0
    assert infer(tiny, mono, *how, tmp_path / "left").returncode == 0
    assert infer(tiny, path, *how, tmp_path / "mix").returncode == 0
    rows = table(tmp_path / "each" / "detections.csv")
    assert {row["Channel"] for row in rows} == {"1", "2"}
    first = [{name: row[name] for name in CsvTable.header[:5]} for row in rows if row["Channel"] == "1"]
    alone = [{**row, "File": ""} for row in table(tmp_path / "left" / "detections.csv")]
    assert [{**row, "File": ""} for row in first] == alone
    assert [{**row, "File": ""} for row in table(tmp_path / "first" / "detections.csv")] == alone
    detections = pyarrow.parquet.read_table(tmp_path / "each" / "detections.parquet")
    assert sorted(set(detections.column("channel").to_pylist())) == [1, 2]
    scores = pyarrow.parquet.read_table(tmp_path / "each" / "scores.parquet")
    assert scores.num_rows == 2 * 3
    (note,) = table(tmp_path / "mix" / "notes.csv")
    assert "quieter" in note["note"]
    assert "--channel 1" in note["note"]
    assert not (tmp_path / "each" / "notes.csv").exists()


def test_rows_that_name_no_channel_are_of_one(tiny: models.Model, tmp_path: Path) -> None:
    path = write(tmp_path / "stereo.wav", noise(20_000, 2), 8_000)
    second = Pipeline(tiny, Options(channel="2"))
    meant = np.concatenate([scored.outputs["logits"] for scored in second.score(path)])
    with WarmPool(tiny.path.parent, workers=1, channel="2") as pool:
        found = pool.score(path)
        assert (found.channel, found.outputs["logits"].tobytes()) == (2, meant.tobytes())
    each = Pipeline(tiny, Options(channel="each", min_confidence=0))
    batches = [scored for scored in each.score(path) if scored.channel == 2]
    assert np.concatenate([scored.outputs["logits"] for scored in batches]).tobytes() == meant.tobytes()
    with WarmPool(tiny.path.parent, workers=1, channel="each", min_confidence=0) as pool:
        assert pool.detect(path) == each.detect(path)
        for ask in (pool.score, pool.embed, each.embed):
            with pytest.raises(ConfigError, match='channel: "each" .* take detect, .* or one channel'):
                ask(path)


def test_a_channel_that_is_not_there_is_the_files_failure(
    tiny: models.Model, wav: Path, tmp_path: Path
) -> None:
    assert infer(tiny, wav, "-o", tmp_path / "out", "--channel", "2").returncode == 3
    (row,) = table(tmp_path / "out" / "failures.csv")
    assert "no channel 2: it has 1 channel" in row["message"]
    refused = infer(tiny, wav, "-o", tmp_path / "out", "--channel", "left")
    assert refused.returncode == 64
    assert "channel: 'left' does not fit" in refused.stderr
