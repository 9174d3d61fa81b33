"""A band is birdnet's, window by window, whatever way sound comes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from birdfast import models
from birdfast.audio import bandpass
from birdfast.config import Options
from birdfast.errors import ConfigError
from birdfast.pipeline import Pipeline

from . import strategies
from .golden import make_birdnet_sound
from .recordings import write

pytest.importorskip("scipy", reason="a band needs scipy")
GOLDEN = Path(__file__).parent / "golden" / "birdnet_band.npz"


@pytest.mark.parametrize("edges", make_birdnet_sound.BANDS)
def test_a_band_is_birdnets_to_the_bit(edges: tuple[int, int]) -> None:
    band = bandpass.band(make_birdnet_sound.RATE_HZ, *edges)
    assert band is not None
    with np.load(GOLDEN) as golden:
        expected = golden[f"{edges[0]}-{edges[1]}"]
    noise = make_birdnet_sound.noise()
    batch = np.stack([noise, np.zeros_like(noise), noise])
    assert band(batch).dtype == np.float32
    np.testing.assert_array_equal(band(batch), [expected, np.zeros_like(noise), expected])


@pytest.mark.parametrize(
    ("rate_hz", "edges"), [(48_000, (0, 15_000)), (16_000, (0, 8000)), (16_000, (0, 9000))]
)
def test_where_all_passes_there_is_no_filter(rate_hz: int, edges: tuple[int, int]) -> None:
    assert bandpass.band(rate_hz, *edges) is None


def test_what_a_rate_cannot_hold_is_no_bound_above_and_refused_below() -> None:
    noise = strategies.sound("noise", 500)[None]
    both, one = (bandpass.band(16_000, 500, fmax_hz) for fmax_hz in (9000, 15_000))
    assert both is not None
    assert one is not None
    np.testing.assert_array_equal(both(noise), one(noise))
    with pytest.raises(ConfigError, match="fmin: 8000 Hz is above what 16000 Hz can hold, 8000 Hz"):
        bandpass.band(16_000, 8000, 15_000)


def test_a_band_that_the_filter_cannot_hold_is_refused() -> None:
    with pytest.raises(ConfigError, match="50 to 60 Hz is too low or too narrow"):
        bandpass.band(48_000, 50, 60)


@pytest.mark.parametrize("resampler", ["steep", "birdnet"])
def test_a_band_is_the_same_in_stretches_and_in_memory(
    tiny: models.Model, tmp_path: Path, resampler: str
) -> None:
    samples = strategies.sound("noise", 100 * 11_025, seed=3) / 4
    path = write(tmp_path / "a.wav", samples[:, None], 11_025, subtype="FLOAT")
    whole, banded = (
        Pipeline(tiny, Options(min_confidence=0, resampler=resampler, fmin_hz=fmin_hz, fmax_hz=3000))
        for fmin_hz in (0, 1000)
    )
    every = [banded.analyse(str(path), stretch).heard[0].detections for stretch in range(2)]
    detections = banded.detect(path)
    assert np.concatenate(every)["start_s"].tolist() == [row.start_s for row in detections]
    assert np.concatenate(every)["confidence"].tolist() == [row.confidence for row in detections]
    from_memory = [row.confidence for row in banded.detect(samples, 11_025)]
    assert from_memory == pytest.approx([row.confidence for row in detections], abs=1e-5)
    assert from_memory != pytest.approx([row.confidence for row in whole.detect(samples, 11_025)], abs=1e-3)


SOON = ("band", "slow and overlapping")


@pytest.mark.parametrize(
    "choice",
    [
        choice if choice in SOON else pytest.param(choice, marks=pytest.mark.long)
        for choice in make_birdnet_sound.CHOICES
    ],
)
def test_what_is_heard_in_a_band_or_at_a_speed_is_birdnets(birdnet: models.Model, choice: str) -> None:
    options = Options(min_confidence=0.1, resampler="birdnet", **make_birdnet_sound.CHOICES[choice])
    heard = Pipeline(birdnet, options).detect(make_birdnet_sound.demo(), make_birdnet_sound.RATE_HZ)
    ours = {(*times(row), f"{row.scientific_name}_{row.common_name}"): row.confidence for row in heard}
    golden = {(round(start, 3), round(end, 3), species): c for (start, end, species), c in found(choice)}
    assert ours.keys() == golden.keys()
    for key, confidence in golden.items():
        assert ours[key] == pytest.approx(confidence, abs=1e-3), key


def times(row: object) -> tuple[float, float]:
    return round(row.start_s, 3), round(row.end_s, 3)  # type: ignore[attr-defined]


def found(choice: str) -> list[tuple[make_birdnet_sound.Key, float]]:
    return list(make_birdnet_sound.read(choice).items())
