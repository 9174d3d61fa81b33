"""Laws of the steep filter: its response, the same bits however one reads; and birdnet's way beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from birdfast import _kernels, audio, models
from birdfast.audio import filterdesign, perwindow, resampling
from birdfast.audio.steepfilter import SteepFilter, SteepStream
from birdfast.config import Options, Resampler
from birdfast.errors import AudioError, ConfigError
from birdfast.pipeline import Pipeline

from . import reference, strategies
from .golden import make_birdnet_rates

GOLDEN = Path(__file__).parent / "golden"

PAIRS = [
    *((rate_hz, 48_000) for rate_hz in (8_000, 16_000, 22_050, 24_000, 32_000, 44_100)),
    *((rate_hz, 48_000) for rate_hz in (96_000, 192_000, 250_000, 256_000, 384_000)),
    *((rate_hz, 32_000) for rate_hz in (16_000, 22_050, 44_100, 48_000, 250_000)),
    *((rate_hz, 16_000) for rate_hz in (22_050, 44_100, 48_000, 384_000)),
]
FASTER_TABLES = [name for name in _kernels.cpu_tables() if name != "scalar"]
# 120 dB of design; the rest is for float32 and for what the filter's spectrum has beyond its end.
RIPPLE, LEAK = 2e-6, 3e-6
# Roundings of two transforms, in units of the sound's root mean square.
ROUNDING = 4e-6

every_pair = pytest.mark.parametrize(("from_hz", "to_hz"), PAIRS)
some_pairs = pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(24_000, 48_000), (44_100, 48_000), (96_000, 32_000)]
)


def streamed(
    filtering: SteepFilter,
    blocks: Iterator[np.ndarray],
    start: int = 0,
    stop: int | None = None,
    batch: int = 16,
) -> Iterator[np.ndarray]:
    """Yield what a stream makes of blocks; before their failure, what does not depend on what is lost."""
    stream, failure = SteepStream(filtering, start, stop, batch), None
    try:
        for block in blocks:
            yield from stream.push(block)
    except AudioError as error:
        failure = error
    yield from stream.end(whole=failure is not None)
    if failure is not None:
        raise failure


def pieces(filtering: SteepFilter, samples: np.ndarray, start: int, stop: int, batch: int) -> np.ndarray:
    """Read a stretch of sound as `span` wants it."""
    first, last = filtering.span(start, stop)
    blocks = iter(np.array_split(samples[first:last], 3))
    return np.concatenate([np.zeros(0, np.float32), *streamed(filtering, blocks, start, stop, batch)])


def tone(hz: float, rate_hz: int, n_samples: int) -> np.ndarray:
    return np.cos(2 * np.pi * hz * np.arange(n_samples) / rate_hz)


# ---- what it is


@every_pair
def test_samples_are_those_of_the_filter_in_float64(from_hz: int, to_hz: int) -> None:
    sounds = {kind: strategies.sound(kind, 1500, seed=3) for kind in ("noise", "clicks", "offset")}
    filtering = SteepFilter(from_hz, to_hz)
    all_meant = reference.resampled([*sounds.values()], from_hz, to_hz)
    for (kind, samples), meant in zip(sounds.items(), all_meant, strict=True):
        found = filtering(samples)
        assert found.shape == meant.shape, kind
        assert np.abs(found - meant).max() < ROUNDING * max(meant.std(), np.abs(samples).max()), kind


def test_the_filter_is_scipys_design() -> None:
    n_taps, beta = scipy.signal.kaiserord(filterdesign.ATTENUATION_DB, filterdesign.STOP - filterdesign.PASS)
    assert 2 * filterdesign.half_taps() + 1 in (n_taps, n_taps + 1, n_taps + 2)
    cutoff = (filterdesign.PASS + filterdesign.STOP) / 2
    meant = scipy.signal.firwin(4 * filterdesign.half_taps() + 1, cutoff, window=("kaiser", beta), fs=4)
    np.testing.assert_allclose(filterdesign.taps(), meant, atol=1e-14)


def test_the_filter_is_flat_below_its_slope_and_shut_above() -> None:
    nyquists = np.linspace(0, 2, 40_001)
    response = np.abs(scipy.signal.freqz(filterdesign.taps(), worN=nyquists, fs=4)[1])
    assert np.abs(response[nyquists <= filterdesign.PASS] - 1).max() < 1.1e-6
    assert response[nyquists >= filterdesign.STOP].max() < 1.1e-6


@every_pair
def test_tones_below_the_slope_come_through_in_place(from_hz: int, to_hz: int) -> None:
    filtering, lower = SteepFilter(from_hz, to_hz), min(from_hz, to_hz) / 2
    n = from_hz // 2
    for share in (0.001, 0.3, 0.7, 0.95, 0.994):
        found = filtering(tone(share * lower, from_hz, n).astype(np.float32))
        inner = slice(to_hz // 10, -to_hz // 10)
        wanted = tone(share * lower, to_hz, len(found))
        assert np.abs(found[inner] - wanted[inner]).max() < RIPPLE, share


@pytest.mark.parametrize(("from_hz", "to_hz"), [pair for pair in PAIRS if pair[0] > pair[1]])
def test_tones_above_the_slope_are_gone(from_hz: int, to_hz: int) -> None:
    filtering, n = SteepFilter(from_hz, to_hz), from_hz // 2
    for hz in (to_hz / 2 * 1.006, to_hz / 2 * 1.01, (to_hz + from_hz) / 4, from_hz / 2 * 0.98):
        found = filtering(tone(hz, from_hz, n).astype(np.float32))
        assert np.abs(found[to_hz // 10 : -to_hz // 10]).max() < LEAK, hz


@pytest.mark.parametrize(("from_hz", "to_hz"), [pair for pair in PAIRS if pair[0] < pair[1]])
def test_nothing_appears_above_the_slope(from_hz: int, to_hz: int) -> None:
    noise = strategies.sound("noise", from_hz, seed=1)
    found = SteepFilter(from_hz, to_hz)(noise)
    hz, power = scipy.signal.periodogram(found.astype(np.float64), to_hz, window=("kaiser", 20.0))
    above = hz > filterdesign.STOP * from_hz / 2 + 40 * to_hz / len(found)
    assert 10 * np.log10(power[above].mean() / power[hz < from_hz / 2].mean()) < -120


@pytest.mark.parametrize("from_hz", [16_000, 22_050, 24_000, 44_100])
def test_sound_that_is_limited_in_band_is_that_of_scipys_resample(from_hz: int) -> None:
    n, to_hz = from_hz, 48_000
    spectrum = np.fft.rfft(strategies.sound("noise", n, seed=2))
    spectrum[int(0.99 * len(spectrum)) :] = 0
    samples = (np.fft.irfft(spectrum, n) * np.hanning(n) ** 2).astype(np.float32)
    found = SteepFilter(from_hz, to_hz)(samples)
    wanted = scipy.signal.resample(samples.astype(np.float64), to_hz)
    assert np.abs(found - wanted).max() < 1e-5


@pytest.mark.parametrize("n_samples", strategies.lengths_around(2, 147, 1000))
@some_pairs
def test_a_length_is_that_of_the_samples_that_begin_before_the_end(
    from_hz: int, to_hz: int, n_samples: int
) -> None:
    filtering = SteepFilter(from_hz, to_hz)
    found = filtering(np.ones(n_samples, np.float32))
    assert len(found) == filtering.count(n_samples) == -(-n_samples * to_hz // from_hz)


# ---- the same bits


@pytest.mark.parametrize("cpu", FASTER_TABLES)
@every_pair
def test_same_bits_as_scalar(from_hz: int, to_hz: int, cpu: str) -> None:
    samples = strategies.sound("noise", 40_000, seed=4)
    wanted = SteepFilter(from_hz, to_hz, cpu="scalar")(samples)
    np.testing.assert_array_equal(
        SteepFilter(from_hz, to_hz, cpu=cpu)(samples).view(np.uint32), wanted.view(np.uint32)
    )


@pytest.mark.parametrize("cpu", FASTER_TABLES)
@pytest.mark.parametrize("n_blocks", strategies.lengths_around(4, 8, 16))
def test_same_bits_as_scalar_for_any_number_of_blocks(cpu: str, n_blocks: int) -> None:
    n, rows, ones = 112, np.arange(96, dtype=np.int32), np.ones(96, np.float32)
    x = strategies.sound("noise", max(0, n_blocks - 1) * 50 + n, seed=n_blocks)
    outs = []
    for name in ("scalar", cpu):
        kernel = _kernels.BlockResampler(n, rows, ones, step_in=50, first_out=7, step_out=80, cpu=name)
        outs.append(np.full((n_blocks, 80), np.nan, np.float32))
        kernel.run(x, outs[-1])
    assert np.isfinite(outs[0]).all()
    np.testing.assert_array_equal(outs[1].view(np.uint32), outs[0].view(np.uint32))


@some_pairs
@given(data=st.data())
@settings(max_examples=25)
def test_a_stretch_has_the_bits_of_the_whole(from_hz: int, to_hz: int, data: st.DataObject) -> None:
    samples = strategies.sound("noise", data.draw(st.integers(1, 90_000)), seed=6)
    filtering = SteepFilter(from_hz, to_hz)
    whole = filtering(samples)
    start, stop = sorted(data.draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
    found = pieces(filtering, samples, start, stop, data.draw(st.sampled_from([1, 2, 5, 16])))
    np.testing.assert_array_equal(found, whole[start:stop])


@some_pairs
@given(data=st.data())
@settings(max_examples=25)
def test_blocks_of_any_size_have_the_bits_of_the_whole(from_hz: int, to_hz: int, data: st.DataObject) -> None:
    samples = strategies.sound("noise", data.draw(st.integers(0, 60_000)), seed=7)
    filtering = SteepFilter(from_hz, to_hz)
    blocks = data.draw(strategies.blocks(samples))
    batch = data.draw(st.sampled_from([1, 3, 16]))
    parts = list(streamed(filtering, iter(blocks), batch=batch))
    assert all(len(part) for part in parts)
    np.testing.assert_array_equal(np.concatenate([np.zeros(0, np.float32), *parts]), filtering(samples))


@pytest.mark.parametrize(
    ("from_hz", "to_hz", "resampler"),
    [(48_000, 32_000, "soxr-hq"), (24_000, 48_000, "soxr-hq"), (44_099, 48_000, "steep")],
)
@pytest.mark.parametrize("n_samples", [40_000, 40_001])
def test_by_soxr_too_a_stretch_is_a_part_of_the_whole(
    from_hz: int, to_hz: int, resampler: Resampler, n_samples: int
) -> None:
    samples = strategies.sound("noise", n_samples, seed=8)
    whole = resampling.resample(samples, from_hz, to_hz, resampler)
    assert len(whole) == -(-n_samples * to_hz // from_hz)
    for start, stop in ((20_000, 20_400), (0, 300), (len(whole) - 100, len(whole))):
        made = resampling.feed(from_hz, to_hz, start, stop, len(whole), resampler=resampler)
        found = np.concatenate([block.copy() for block in (*made.push(samples, 0), *made.end())])
        assert len(found) == stop - start
        np.testing.assert_allclose(found, whole[start:stop], atol=1e-4)


def test_a_stretch_beyond_the_end_stops_at_the_end() -> None:
    samples, filtering = strategies.sound("noise", 5000), SteepFilter(24_000, 48_000)
    found = pieces(filtering, samples, 9_000, 20_000, 16)
    np.testing.assert_array_equal(found, filtering(samples)[9_000:])
    assert len(pieces(filtering, samples, 10_000, 20_000, 16)) == 0
    assert len(pieces(filtering, samples, 7, 7, 16)) == 0


def test_what_does_not_depend_on_lost_sound_is_given_before_the_failure() -> None:
    samples, filtering = strategies.sound("noise", 50_000), SteepFilter(24_000, 48_000)

    def damaged() -> Iterator[np.ndarray]:
        yield samples[:30_000]
        raise AudioError("cut short")

    parts = []
    with pytest.raises(AudioError, match="cut short"):
        parts.extend(streamed(filtering, damaged()))
    found = np.concatenate(parts)
    assert 2 * (30_000 - 2 * filterdesign.half_taps()) < len(found) < 60_000
    assert np.abs(found - filtering(samples)[: len(found)]).max() < ROUNDING


# ---- rates and arguments


@given(st.integers(1_000, 768_000), st.sampled_from([16_000, 32_000, 48_000]))
@settings(max_examples=200)
def test_rates_that_fit_are_those_that_can_be_made(from_hz: int, to_hz: int) -> None:
    if filterdesign.fits(from_hz, to_hz):
        assert len(SteepFilter(from_hz, to_hz)(np.zeros(10, np.float32))) == -(-10 * to_hz // from_hz)
    else:
        with pytest.raises(ConfigError, match=f"{from_hz} Hz to {to_hz} Hz"):
            SteepFilter(from_hz, to_hz)


@pytest.mark.parametrize("to_hz", [16_000, 32_000, 48_000])
def test_the_rates_of_recorders_fit(to_hz: int) -> None:
    for rate_hz in (8_000, 11_025, 12_000, 16_000, 20_000, 22_050, 24_000, 25_000, 32_000, 44_100, 48_000,
                    50_000, 62_500, 64_000, 88_200, 96_000, 125_000, 128_000, 176_400, 192_000, 200_000,
                    250_000, 256_000, 300_000, 312_500, 384_000, 441_000, 500_000, 768_000):  # fmt: skip
        assert rate_hz == to_hz or filterdesign.fits(rate_hz, to_hz), rate_hz


def test_few_filters_are_kept_whatever_rates_files_have() -> None:
    rates = [rate_hz for rate_hz in range(8_000, 48_000, 1_000) if filterdesign.fits(rate_hz, 48_000)]
    assert len(rates) > 16
    for rate_hz in rates:
        resampling._steep(rate_hz, 48_000)
    assert resampling._steep.cache_info().currsize <= 16


@pytest.mark.parametrize("n", [112, 1568, 5376, 14112])
def test_a_hartley_transform_is_its_own_inverse(n: int) -> None:
    kernel = _kernels.BlockResampler(
        n, np.arange(n, dtype=np.int32), np.full(n, 1 / n, np.float32),
        step_in=1, first_out=0, step_out=n,
    )  # fmt: skip
    samples, out = strategies.sound("noise", n), np.empty((1, n), np.float32)
    kernel.run(samples, out)
    assert np.abs(out[0] - samples).max() < 2e-6


def test_runs_outside_of_their_arrays_are_refused() -> None:
    plan = (112, np.arange(96, dtype=np.int32), np.ones(96, np.float32))
    kernel = _kernels.BlockResampler(*plan, step_in=50, first_out=7, step_out=80)
    with pytest.raises(ValueError, match="too short"):
        kernel.run(np.zeros(161, np.float32), np.empty((2, 80), np.float32))
    with pytest.raises(ValueError, match=r"out: \[blocks, 80\]"):
        kernel.run(np.zeros(162, np.float32), np.empty((2, 81), np.float32))
    refused = pytest.raises(ValueError, match="an argument that cannot be")
    with refused:
        _kernels.BlockResampler(*plan, step_in=50, first_out=7, step_out=90)
    with refused:
        _kernels.BlockResampler(*plan, step_in=0, first_out=7, step_out=80)
    with refused:
        _kernels.BlockResampler(112, plan[1] + 17, plan[2], step_in=1, first_out=0, step_out=9)
    with refused:  # 11 is no radix
        _kernels.BlockResampler(121, *plan[1:], step_in=1, first_out=0, step_out=9)
    bins, weights = np.array([3, 4], np.int32), np.ones(2, np.float32)
    with refused:  # a bin that is added to and added
        folds = filterdesign.Folds(bins, bins[::-1].copy(), weights)
        _kernels.BlockResampler(*plan, folds=folds, step_in=1, first_out=0, step_out=9)
    with pytest.raises(ValueError, match="as many"):
        folds = filterdesign.Folds(bins, bins[:1], weights)
        _kernels.BlockResampler(*plan, folds=folds, step_in=1, first_out=0, step_out=9)


# ---- birdnet's way


@pytest.mark.parametrize("from_hz", [16_000, 22_050, 24_000, 44_100, 96_000])
@pytest.mark.parametrize("missing", [0, 1, 12_347])
def test_a_window_is_resampled_as_birdnet_does(from_hz: int, missing: int) -> None:
    window = strategies.sound("noise", perwindow.window_samples(3.0, from_hz) - missing)
    found = perwindow.resample(window, from_hz, 48_000)
    spectrum, n_out = np.fft.rfft(window.astype(np.float64)), round(len(window) / from_hz * 48_000)
    least = min(len(window), n_out)
    spectrum = spectrum[: least // 2 + 1]
    if least % 2 == 0:
        spectrum[-1] *= 2 if n_out < len(window) else 0.5
    wanted = np.fft.irfft(spectrum, n_out) * n_out / len(window)
    assert found.dtype == np.float32
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 3e-6


@pytest.mark.parametrize("n_samples", [0, 1, 2, 3])
@pytest.mark.parametrize("from_hz", [24_000, 48_000, 96_000])
def test_a_window_of_hardly_any_sound_is_no_failure(from_hz: int, n_samples: int) -> None:
    found = perwindow.resample(np.ones(n_samples, np.float32), from_hz, 48_000)
    assert len(found) == round(n_samples / from_hz * 48_000)
    np.testing.assert_allclose(found, 1, rtol=1e-6)


def whole_fft(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """Resample a recording as if it went round: the steepest filter that there is."""
    n_samples = len(samples) * 48_000 // rate_hz
    resampled: np.ndarray = scipy.signal.resample(samples.astype(np.float64), n_samples)
    return resampled.astype(np.float32)


def detected(
    model: models.Model, sounds: dict[str, np.ndarray], rate_hz: int, **options: str
) -> dict[make_birdnet_rates.Key, float]:
    pipeline = Pipeline(model, Options(min_confidence=0.1, **options))
    return {
        (name, row.start_s, f"{row.scientific_name}_{row.common_name}"): row.confidence
        for name, samples in sounds.items()
        for row in pipeline.detect(samples, rate_hz)
    }


def assert_birdnets(model: models.Model, recordings: dict[str, np.ndarray], table: str, rate_hz: int) -> None:
    """Hold the detections of three ways to another rate against birdnet's.

    Window by window they are the same, within 0.001. Of the steep filter's 98 of 100 are at 24 kHz; below, as
    many as of one transform of the whole recording, but for one in a hundred, and for those that are within
    0.005 of the threshold.
    """
    golden = make_birdnet_rates.read(GOLDEN / table, rate_hz)
    sounds = {
        name: make_birdnet_rates.stereo(sound, rate_hz).mean(axis=1, dtype=np.float32)
        for name, sound in recordings.items()
    }
    steep = detected(model, sounds, rate_hz)
    exact = detected(model, sounds, rate_hz, resampler="birdnet")
    if rate_hz == 24_000:
        assert len(steep.keys() & golden.keys()) >= 0.98 * len(golden)
        assert len(steep.keys() - golden.keys()) <= 0.02 * len(golden)
    else:
        whole = detected(
            model, {name: whole_fft(samples, rate_hz) for name, samples in sounds.items()}, 48_000
        )
        clear = {key for key, confidence in golden.items() if confidence > 0.105}
        assert len(steep.keys() & clear) >= len(whole.keys() & clear) - 0.01 * len(clear)
    assert exact.keys() == golden.keys()
    for key, confidence in golden.items():
        assert exact[key] == pytest.approx(confidence, abs=1e-3), key


@pytest.mark.long
@pytest.mark.parametrize("rate_hz", make_birdnet_rates.RATES_HZ)
def test_demo_detections_at_lower_rates_are_birdnets(birdnet: models.Model, rate_hz: int) -> None:
    assert_birdnets(birdnet, make_birdnet_rates.demos(), "birdnet_rates_demo.csv", rate_hz)


@pytest.mark.parametrize("rate_hz", make_birdnet_rates.RATES_HZ)
def test_real_detections_at_lower_rates_are_birdnets(
    birdnet: models.Model, real_soundscape: Path, rate_hz: int
) -> None:
    samples, _ = audio.read(real_soundscape / "soundscape.flac")
    assert_birdnets(birdnet, {"real": samples}, "birdnet_rates_real.csv", rate_hz)


@pytest.mark.parametrize("resampler", ["steep", "soxr-hq", "birdnet"])
@pytest.mark.parametrize("rate_hz", [11_025, 9_973])
def test_a_file_and_its_samples_are_heard_alike_at_another_rate(
    tiny: models.Model, tmp_path: Path, resampler: str, rate_hz: int
) -> None:
    samples = strategies.sound("noise", 3 * rate_hz + 17, seed=6) / 4
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, rate_hz, subtype="FLOAT")
    pipeline = Pipeline(tiny, Options(min_confidence=0, resampler=resampler))
    from_file, from_memory = pipeline.detect(path), pipeline.detect(samples, rate_hz)
    assert len(from_file) == 7 * 3
    for one, other in zip(from_file, from_memory, strict=True):
        assert one._replace(file="", confidence=0) == other._replace(confidence=0)
        assert one.confidence == pytest.approx(other.confidence, abs=1e-5)
    outcome = pipeline.analyse(str(path))
    assert outcome.heard[0].detections["start_s"].tolist() == [row.start_s for row in from_file]
