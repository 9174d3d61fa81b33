"""A recording heard at another speed: as one that was slowed by hand, told in the recording's own time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from birdfast import audio, models
from birdfast.config import Options
from birdfast.errors import AudioError
from birdfast.outcomes import Detection
from birdfast.pipeline import Pipeline
from birdfast.runs import Results

from . import strategies
from .commands import infer
from .recordings import noise, write


def pipeline(model: models.Model, **how: object) -> Pipeline:
    return Pipeline(model, Options(min_confidence=0, **how))  # type: ignore[arg-type]


def scores(rows: list[Detection]) -> list[tuple[str, int, float]]:
    return [(row.scientific_name, row.channel, row.confidence) for row in rows]


@pytest.mark.parametrize("resampler", ["steep", "soxr-hq", "birdnet"])
@pytest.mark.parametrize("speed", [0.5, 0.1, 2, 1.37])
def test_what_was_slowed_by_hand_sounds_the_same(
    tiny: models.Model, tmp_path: Path, resampler: str, speed: float
) -> None:
    rate_hz = 22_050
    by_hand_hz = round(rate_hz * speed)
    samples = noise(round(90 * by_hand_hz), 2)
    path = write(tmp_path / "as_it_is.wav", samples, rate_hz)
    by_hand = write(tmp_path / "by_hand.wav", samples, by_hand_hz)
    how = {"resampler": resampler, "channel": "each", "overlap_s": 0.1}
    heard = pipeline(tiny, speed=speed, **how).detect(path)
    expected = pipeline(tiny, **how).detect(by_hand)
    assert len(heard) > 100
    assert scores(heard) == scores(expected)
    true = by_hand_hz / rate_hz
    assert [row.start_s for row in heard] == pytest.approx([row.start_s * true for row in expected])
    assert [row.end_s for row in heard] == pytest.approx([row.end_s * true for row in expected])


@pytest.mark.parametrize("resampler", ["steep", "birdnet"])
def test_stretches_say_what_the_whole_says(tiny: models.Model, tmp_path: Path, resampler: str) -> None:
    path = write(tmp_path / "a.flac", noise(20 * 44_100), 44_100)
    slow = pipeline(tiny, speed=0.1, resampler=resampler, overlap_s=0.25, tail="drop")
    outcomes = [slow.analyse(str(path))]
    assert outcomes[0].n_stretches > 2
    outcomes += [slow.analyse(str(path), n) for n in range(1, outcomes[0].n_stretches)]
    found = np.concatenate([outcome.heard[0].detections for outcome in outcomes])
    whole = slow.detect(path)
    assert found["start_s"].tolist() == [row.start_s for row in whole]
    assert found["end_s"].tolist() == [row.end_s for row in whole]
    assert found["confidence"].tolist() == [row.confidence for row in whole]
    assert whole[-1].end_s <= 20
    assert sum(outcome.audio_s for outcome in outcomes) == pytest.approx(20, abs=0.05)


def test_sound_in_memory_is_heard_alike(tiny: models.Model, tmp_path: Path) -> None:
    samples = strategies.sound("noise", 30_000, seed=6) / 4
    path = write(tmp_path / "a.wav", samples[:, None], 24_000, subtype="FLOAT")
    slow = pipeline(tiny, speed=0.25)
    from_file, from_memory = slow.detect(path), slow.detect(samples, 24_000)
    assert [row[:4] for row in from_file] == [row[:4] for row in from_memory]
    windows_s = {scored.window_s for scored in slow.score(samples, 24_000)}
    assert windows_s == {0.125}
    assert [row.confidence for row in from_file] == pytest.approx(
        [row.confidence for row in from_memory], abs=1e-5
    )


def test_times_are_exact_where_they_can_be(tiny: models.Model) -> None:
    heard = pipeline(tiny, speed=0.1).detect(np.zeros(384_000, np.float32), 384_000)
    assert [row.start_s for row in heard[::3]] == [n * 5 / 100 for n in range(20)]
    assert [row.end_s - row.start_s for row in heard] == pytest.approx([0.05] * 60)


def test_the_usual_speed_is_none(tiny: models.Model, wav: Path) -> None:
    assert pipeline(tiny, speed=1).detect(wav) == pipeline(tiny).detect(wav)
    with audio.Recording(wav) as recording:
        assert recording.pace == (8000, 8000)


def test_hours_are_the_recordings(tiny: models.Model, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", noise(20 * 8000), 8000)
    for speed in (0.5, 1, 2):
        outcome = pipeline(tiny, speed=speed, max_hours=10 / 3600).analyse(str(path))
        assert outcome.failure is not None
        assert "10 s" in outcome.failure.message
        assert outcome.failure.rate_hz == 8000
        assert outcome.failure.duration_s == 20
        assert outcome.audio_s == pytest.approx(10, abs=1)


def test_a_speed_that_a_recording_cannot_have_is_its_failure(tiny: models.Model, wav: Path) -> None:
    for speed, heard_hz in ((0.1, 800), (100, 800_000)):
        outcome = pipeline(tiny, speed=speed).analyse(str(wav))
        assert outcome.failure is not None
        told = f"8000 Hz at speed {speed:g}, {heard_hz} Hz, is outside 1000 to 768000 Hz"
        assert told in outcome.failure.message
        with pytest.raises(AudioError, match=told):
            pipeline(tiny, speed=speed).detect(np.zeros(8000, np.float32), 8000)


def test_a_run_tells_the_recordings_times(tiny: models.Model, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", noise(40 * 22_050), 22_050)
    out = tmp_path / "out"
    done = infer(
        tiny, path, "-o", out, "--min-conf", "0", "--audio_speed", "0.3", "--workers", "2", "--fmin=500"
    )
    assert done.returncode == 0, done.stderr
    assert "40.0 s of sound" in done.stderr
    expected = pipeline(tiny, speed=0.3, fmin_hz=500).detect(path)
    heard = [row._replace(model=expected[0].model) for row in Results(out)]
    assert [row[:4] for row in heard] == [row[:4] for row in expected]
    assert [row.confidence for row in heard] == pytest.approx([row.confidence for row in expected], abs=1e-6)
    assert heard[-1].end_s == pytest.approx(40, abs=0.2)
    other = infer(tiny, path, "-o", out, "--min-conf", "0", "--audio-speed", "0.5")
    assert other.returncode == 64
    assert "speed" in other.stderr
