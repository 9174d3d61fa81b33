"""Spectrograms against their float64 meaning, against librosa and OpenSoundscape, and against themselves."""

import math
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from birdfast import _kernels
from birdfast.errors import AudioError, ConfigError
from birdfast.spectrogram import Log, LogMel, MelSpectrogram, Mfcc, Stft, mel, window_values

from . import reference, strategies

GOLDEN = np.load(Path(__file__).parent / "golden" / "spectrogram.npz")
RATE_HZ = 32_000
RECORDING = strategies.recording(24_000)
CPUS = _kernels.cpu_tables()
N_FFTS = [16, 30, 81, 125, 128, 480, 512, 1200, 2048]

quick = settings(max_examples=40, deadline=None)


def tables(n_fft: int, n_mels: int, seed: int):
    """A window that is no use to anyone, and filters of either sign, some of them empty."""
    noise = strategies.integer_noise(n_fft + n_mels * (n_fft // 2 + 1), seed).astype(np.float32) / 32768
    filters = noise[n_fft:].reshape(n_mels, -1).copy()
    bins = np.arange(n_fft // 2 + 1)
    for band, row in enumerate(filters):
        first = band * len(bins) // n_mels
        row[(bins < first) | (bins >= first + 1 + band % 5 * n_fft // 16)] = 0
    filters[n_mels // 2] = 0
    return noise[:n_fft], filters


@pytest.mark.parametrize("part", ["power", "magnitude", "real"])
@given(st.data())
@quick
def test_bands_stay_within_the_bound(part, data):
    n_fft = data.draw(st.sampled_from(N_FFTS))
    length = data.draw(st.one_of(st.just(n_fft), st.integers(1, n_fft)))
    hop = data.draw(st.integers(1, 2 * n_fft))
    audio = data.draw(strategies.sounds(st.integers(length, length + 20 * hop)))
    window, filters = tables(n_fft, data.draw(st.integers(1, 20)), data.draw(st.integers(0, 99)))
    found = MelSpectrogram(window[:length], n_fft, hop, filters, part=part)(audio)
    expected = reference.mel_spectrogram(audio, window[:length], n_fft, hop, filters, part)
    bound = reference.mel_error(audio, window[:length], n_fft, hop, filters, part)
    assert found.shape == expected.shape
    assert (np.abs(found - expected) <= bound).all()


@pytest.mark.parametrize("n_fft", [128, 512, 2048])
def test_the_folded_real_part_stays_within_the_bound(n_fft):
    window = window_values("hann", n_fft)
    _, filters = tables(n_fft, 12, 3)
    for kind in strategies.KINDS:
        audio = strategies.sound(kind, 6 * n_fft)
        found = MelSpectrogram(window, n_fft, n_fft // 3, filters, part="real")(audio)
        expected = reference.mel_spectrogram(audio, window, n_fft, n_fft // 3, filters, "real")
        bound = reference.mel_error(audio, window, n_fft, n_fft // 3, filters, "real")
        assert (np.abs(found - expected) <= bound).all(), kind


@given(st.data())
@quick
def test_the_error_of_a_spectrum_stays_within_the_bound(data):
    n_fft = data.draw(st.sampled_from(N_FFTS))
    length = data.draw(st.integers(1, n_fft))
    hop = data.draw(st.integers(1, 2 * n_fft))
    audio = data.draw(strategies.sounds(st.integers(n_fft, n_fft + 8 * hop)))
    found = Stft(n_fft, hop, window="hamming", window_samples=length)(audio)
    window = reference.window_in(window_values("hamming", length), n_fft)
    expected = reference.stft(audio, window, n_fft, hop)
    energy = math.sqrt(n_fft) * np.linalg.norm(reference.frames(audio, n_fft, hop) * window, axis=1)
    assert found.shape == expected.shape
    assert found.dtype == np.complex64
    error = np.linalg.norm(found - expected, axis=1)
    assert (error <= reference.fft_error(n_fft) * energy + n_fft * reference.TINY).all()


@pytest.mark.parametrize("n_fft", [128, 480, 1024, 1200, 2048, 8192])
def test_the_error_of_a_spectrum_of_noise_is_that_of_few_roundings(n_fft):
    """Roundings add up as their root: 2 u sqrt(log2 n), where the worst case is 7 u log2 n.

    N. J. Higham, T. Mary, A new approach to probabilistic rounding error analysis, SIAM J. Sci. Comput. 41,
    2019. A table of lesser precision would go unnoticed under the worst case.
    """
    window = window_values("hann", n_fft)
    found = Stft(n_fft, n_fft)(RECORDING)
    expected = reference.stft(RECORDING, window, n_fft, n_fft)
    error = np.linalg.norm(found - expected) / np.linalg.norm(expected)
    assert error <= 2 * reference.U * math.sqrt(math.log2(n_fft))


@pytest.mark.parametrize("log", ["natural", "db"])
@pytest.mark.parametrize("power", [1, 2])
@given(st.data())
@quick
def test_logarithms_stay_within_the_bound(log, power, data):
    """The bound of the bands goes through the logarithm as an interval; rounding adds a few u to that."""
    audio = data.draw(strategies.sounds(st.integers(512, 4000)))
    offset, amin = data.draw(st.sampled_from([(0.0, 1e-10), (1e-6, 1e-6), (1.0, 1e-30)]))
    ref = data.draw(st.sampled_from([1.0, 1e-3])) if log == "db" else 1.0
    found = LogMel(RATE_HZ, 512, 300, 20, log=log, power=power, offset=offset, amin=amin, ref=ref)(audio)
    low, high = log_interval(audio, 512, 300, 20, power, offset, amin)
    scale = {"natural": 1.0, "db": 10.0 * 2 / power / math.log(10)}[log]
    zero = math.log(ref) * scale
    rounding = reference.gamma(6) * (np.maximum(np.abs(low), np.abs(high)) * scale + abs(zero))
    assert (found >= low * scale - zero - rounding).all()
    assert (found <= high * scale - zero + rounding).all()


def log_interval(audio, n_fft, hop, n_mels, power, offset, amin):
    """Where the natural logarithm can lie, if the bands stay within their bound."""
    setting = (audio, window_values("hann", n_fft), n_fft, hop, mel.filters(RATE_HZ, n_fft, n_mels))
    part = "power" if power == 2 else "magnitude"
    bands, bound = reference.mel_spectrogram(*setting, part), reference.mel_error(*setting, part)
    slack = reference.gamma(2) * (bands + offset + amin)
    low, high = bands - bound - slack + offset, bands + bound + slack + offset
    floor = amin * (1 - reference.U), amin * (1 + reference.U)
    return np.log(np.maximum(low, floor[0])), np.log(np.maximum(high, floor[1]))


@given(strategies.sounds(st.integers(512, 4000)), st.integers(1, 20))
@quick
def test_mfccs_stay_within_the_bound(audio, n_mfcc):
    found = Mfcc(RATE_HZ, 512, 300, n_mfcc, 20, log="natural")(audio)
    low, high = log_interval(audio, 512, 300, 20, 2, 0.0, 1e-10)
    basis = np.abs(reference.dct(np.eye(20), n_mfcc))
    size = np.maximum(np.abs(low), np.abs(high))
    bound = ((high - low) / 2 + reference.gamma(3) * size) @ basis + reference.gamma(22) * (size @ basis)
    assert (np.abs(found - reference.dct((low + high) / 2, n_mfcc)) <= bound).all()


def test_scale_shift_and_matrix():
    window, filters = tables(256, 6, 2)
    matrix = np.arange(18.0).reshape(3, 6) - 7
    found = MelSpectrogram(window, 256, 99, filters, scale=0.5, shift=3, matrix=matrix)(RECORDING)
    bands = reference.mel_spectrogram(RECORDING, window, 256, 99, filters, "power")
    bound = reference.mel_error(RECORDING, window, 256, 99, filters, "power")
    values = bands * 0.5 + 3
    slack = bound / 2 + reference.gamma(12) * (np.abs(bands) + 6)
    assert (np.abs(found - values @ matrix.T) <= slack @ np.abs(matrix).T).all()


OURS = {
    "sr": "rate_hz", "hop_length": "hop_samples", "win_length": "window_samples", "fmin": "fmin_hz",
    "fmax": "fmax_hz", "norm": "mel_norm",
}  # fmt: skip


def ours(options):
    """librosa's options in our words; its default is center=True."""
    options = {"center": True} | options
    if options.pop("htk", False):
        options["mel_scale"] = "htk"
    return {OURS.get(name, name): value for name, value in options.items()}


FILTERS = {
    "slaney": (32000, 2048, 128, {}),
    "slaney-plain": (22050, 1024, 40, {"norm": None}),
    "htk": (16000, 512, 40, {"scale": "htk", "fmin_hz": 125.0, "fmax_hz": 7500.0}),
    "htk-plain": (48000, 1200, 48, {"scale": "htk", "norm": None, "fmin_hz": 50.0}),
}

MEL = {
    "slaney": {"n_fft": 2048, "hop_length": 512, "n_mels": 64},
    "slaney-reflect": {"n_fft": 1024, "hop_length": 320, "n_mels": 40, "pad_mode": "reflect"},
    "slaney-edge": {"n_fft": 1024, "hop_length": 1000, "win_length": 801, "n_mels": 40, "pad_mode": "edge"},
    "magnitude": {"n_fft": 2048, "hop_length": 700, "n_mels": 48, "power": 1, "center": False, "norm": None},
    "htk": {
        "n_fft": 1200, "hop_length": 480, "n_mels": 40, "htk": True, "fmin": 150.0, "fmax": 9000.0,
        "center": False,
    },
    "short-window": {"n_fft": 8192, "hop_length": 4000, "win_length": 8000, "n_mels": 64, "center": False},
}  # fmt: skip

# The golden power is float64 rounded once, but for its filters, which librosa rounds to float32 twice.
STORED = reference.gamma(4)


@pytest.mark.parametrize("name", FILTERS)
def test_filters_are_librosas(name):
    rate_hz, n_fft, n_mels, options = FILTERS[name]
    found = mel.filters(rate_hz, n_fft, n_mels, **options)
    np.testing.assert_allclose(found, GOLDEN[f"filters/{name}"], rtol=reference.gamma(3), atol=1e-12)


@pytest.mark.parametrize("name", MEL)
def test_mel_power_is_librosas(name):
    options = ours(MEL[name])
    found = LogMel(RATE_HZ, log=None, **options)(RECORDING)
    expected = GOLDEN[f"mel/{name}"]
    bound = golden_bound(options)
    assert found.shape == expected.shape
    assert (np.abs(found - expected) <= bound + STORED * expected).all()


def golden_bound(options):
    n_fft, hop = options["n_fft"], options["hop_samples"]
    length = options.get("window_samples", n_fft)
    window = reference.window_in(window_values("hann", length), n_fft)
    audio = RECORDING
    if options.get("center"):
        audio = reference.centred(audio, n_fft, options.get("pad_mode", "constant"))
    names = {"fmin_hz": "fmin_hz", "fmax_hz": "fmax_hz", "mel_scale": "scale", "mel_norm": "norm"}
    filters = mel.filters(
        RATE_HZ, n_fft, options["n_mels"], **{names[k]: v for k, v in options.items() if k in names}
    )
    part = "magnitude" if options.get("power") == 1 else "power"
    return reference.mel_error(audio, window, n_fft, hop, filters, part)


DECIBELS = {
    "plain": {},
    "top": {"top_db": 45.0},
    "reference": {"ref": 0.01, "amin": 1e-7, "top_db": 80.0},
}


@pytest.mark.parametrize("name", DECIBELS)
def test_decibels_are_librosas(name):
    """1e-3 dB: a relative error of 2.3e-4 of power, 1e3 times that of the loudest band's sum."""
    found = LogMel(RATE_HZ, 2048, 1024, 48, log="db", center=True, **DECIBELS[name])(RECORDING)
    np.testing.assert_allclose(found, GOLDEN[f"db/{name}"], rtol=0, atol=1e-3)


def test_decibels_below_the_maximum():
    """ref="max" is plain decibels less their maximum."""
    found = LogMel(RATE_HZ, 2048, 1024, 48, log="db", center=True, ref="max", top_db=30)(RECORDING)
    plain = GOLDEN["db/plain"]
    np.testing.assert_allclose(found, np.maximum(plain - plain.max(), -30), rtol=0, atol=1e-3)
    assert found.max() == 0


def test_mfccs_are_librosas():
    found = Mfcc(RATE_HZ, 2048, 1024, 13, 48, top_db=80, center=True)(RECORDING)
    np.testing.assert_allclose(found, GOLDEN["mfcc"], rtol=0, atol=1e-3 * math.sqrt(48))


@pytest.mark.parametrize(
    ("name", "stft"),
    [
        ("hann", Stft(512, 4100, center=True)),
        ("short", Stft(480, 5000, window="hamming", window_samples=301)),
    ],
)
def test_spectra_are_librosas(name, stft):
    found, expected = stft(RECORDING), GOLDEN[f"stft/{name}"]
    assert found.shape == expected.shape
    whole = np.linalg.norm(expected, axis=1) * math.sqrt(2)
    allowed = (reference.fft_error(512) + reference.gamma(1)) * whole
    assert (np.linalg.norm(found - expected, axis=1) <= allowed).all()


def test_mel_power_is_opensoundscapes():
    """Within 1e-5 of each band, although the golden audio has an offset that would add 60 % to some."""
    options = {"window_samples": 8000, "log": None, "definition": "opensoundscape"}
    found = LogMel(RATE_HZ, 8192, 4000, 128, **options)(RECORDING)
    np.testing.assert_allclose(found, GOLDEN["paper/mel"], rtol=1e-5)


def test_mfccs_are_the_papers():
    found, expected = Mfcc.of_linear_power()(RECORDING), GOLDEN["paper/mfcc"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


OBJECTS = {
    "stft": lambda **o: Stft(480, 170, window_samples=400, **o),
    "log-mel": lambda **o: LogMel(RATE_HZ, 512, 160, 40, **o),
    "db": lambda **o: LogMel(RATE_HZ, 1024, 320, 40, power=1, log="db", ref=0.1, window_samples=800, **o),
    "mfcc": lambda **o: Mfcc(RATE_HZ, 600, 601, 13, 40, mel_scale="htk", **o),
}
PADS = [{}] + [{"center": True, "pad_mode": mode} for mode in ("constant", "reflect", "edge")]


@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize("name", [*OBJECTS, "paper", "relative", "real"])
def test_every_cpu_gives_the_same_bits(name, cpu):
    make = OBJECTS | {
        "paper": Mfcc.of_linear_power,
        "relative": lambda **o: Mfcc(RATE_HZ, 512, 300, 13, 40, ref="max", top_db=50, **o),
        "real": lambda **o: MelSpectrogram(
            window_values("hann", 512), 512, 200, tables(512, 9, 1)[1], part="real", **o
        ),
    }
    for kind in ("noise", "clicks", "silence", "faint"):
        audio = strategies.sound(kind, 13_000)
        found, expected = make[name](cpu=cpu)(audio), make[name](cpu="scalar")(audio)
        assert found.tobytes() == expected.tobytes(), kind


@pytest.mark.parametrize("pad", PADS, ids=lambda pad: pad.get("pad_mode", "none"))
@pytest.mark.parametrize("name", OBJECTS)
@given(st.data())
@settings(max_examples=20, deadline=None)
def test_a_stream_gives_the_same_bits(name, pad, data):
    spectrogram = OBJECTS[name](**pad)
    audio = data.draw(strategies.sounds(st.integers(0, 4000)))
    stream = spectrogram.stream()
    for _ in range(2):  # finish() starts afresh
        rows = [stream.push(block) for block in data.draw(strategies.blocks(audio))]
        found = np.concatenate([*rows, stream.finish()])
        assert found.shape == (spectrogram.frames(audio.size), spectrogram.n_values)
        assert found.tobytes() == spectrogram(audio).tobytes()


@pytest.mark.parametrize("pad", PADS, ids=lambda pad: pad.get("pad_mode", "none"))
@pytest.mark.parametrize(
    ("window", "hop"), [(64, 20), (64, 32), (64, 33), (64, 90), (40, 33), (9, 7), (9, 90)]
)
def test_a_stream_sample_by_sample_and_of_every_length(window, hop, pad):
    """Every moment at which a frame, a mirrored start or a mirrored end becomes known."""
    options = {"window": "hamming", "window_samples": window} | pad  # no weight of 0 hides a sample
    for spectrogram in (Stft(64, hop, **options), LogMel(RATE_HZ, 64, hop, 4, **options)):
        stream = spectrogram.stream()
        for samples in (1, 2, 31, 32, 33, 34, 63, 64, 65, 89, 90, 91, *range(180, 184)):
            audio = strategies.sound("noise", samples)
            rows = [stream.push(audio[at : at + 1]) for at in range(samples)]
            found = np.concatenate([*rows, stream.finish()])
            assert found.tobytes() == spectrogram(audio).tobytes(), samples


@given(st.data())
@settings(max_examples=10, deadline=None)
def test_a_stream_of_the_papers_mfccs_gives_the_same_bits(data):
    spectrogram = Mfcc.of_linear_power()
    audio = strategies.sound("offset", data.draw(st.integers(7_000, 40_000)))
    stream = spectrogram.stream()
    rows = [stream.push(block) for block in data.draw(strategies.blocks(audio))]
    assert np.concatenate([*rows, stream.finish()]).tobytes() == spectrogram(audio).tobytes()


def test_a_stream_gives_rows_as_soon_as_they_are_sure():
    stream = LogMel(RATE_HZ, 512, 100, 20, center=True).stream()
    counts = [len(stream.push(RECORDING[at : at + 100])) for at in range(0, 1000, 100)]
    assert counts == [0, 0, 1, 1, 1, 1, 1, 1, 1, 1]  # frame 0 ends at sample 256
    assert len(stream.finish()) == 11 - sum(counts)


def test_many_frames_less_their_means():
    """More frames than are prepared at a time."""
    spectrogram = LogMel(RATE_HZ, 128, 30, 4, log=None, definition="opensoundscape")
    found = spectrogram(RECORDING[:6000])
    for frame in (0, 1, 63, 64, 65, 130, 195):
        piece = RECORDING[frame * 30 : frame * 30 + 128]
        assert found[frame].tobytes() == spectrogram(piece).tobytes()


def test_threads_share_one_object():
    spectrogram = LogMel(RATE_HZ, 1024, 320, 64)
    parts = [strategies.sound("noise", 8000, seed) for seed in range(16)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(spectrogram, parts))
    assert all((found == spectrogram(part)).all() for found, part in zip(together, parts, strict=True))


@pytest.mark.parametrize("name", OBJECTS)
def test_a_call_into_out_allocates_nothing(name):
    """Nothing of the size of a row: a few objects of Python, none of which stays."""
    spectrogram = OBJECTS[name](center=True)
    out = spectrogram(RECORDING)
    tracemalloc.start()
    spectrogram(RECORDING, out=out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2000


def test_any_strides_of_audio_and_out():
    spectrogram = LogMel(RATE_HZ, 512, 160, 40)
    spread = np.zeros(2 * RECORDING.size, np.float32)
    spread[::2] = RECORDING
    expected = spectrogram(RECORDING)
    image = np.zeros((40, len(expected), 2), np.float32)
    out = image[::-1, :, 1].T
    assert spectrogram(spread[::2], out=out) is out
    assert (expected == image[::-1, :, 1].T).all()
    assert not image[:, :, 0].any()


def test_spectra_in_out_of_any_strides():
    spectrogram = Stft(256, 300)
    out = np.zeros((spectrogram.frames(RECORDING.size), 129, 2), np.complex64)[:, ::-1, 0]
    assert (spectrogram(RECORDING, out=out) == spectrogram(RECORDING)).all()


@pytest.mark.parametrize("pad", PADS, ids=lambda pad: pad.get("pad_mode", "none"))
@pytest.mark.parametrize("samples", strategies.lengths_around(255, 256, 512, 513))
def test_lengths_at_the_edges(samples, pad):
    audio = strategies.sound("noise", samples)
    found = LogMel(RATE_HZ, 512, 100, 20, log=None, **pad)(audio)
    if samples == 0:
        assert found.shape == (0, 20)
        return
    if pad:
        audio = reference.centred(audio, 512, pad["pad_mode"])
    setting = (audio, window_values("hann", 512), 512, 100, mel.filters(RATE_HZ, 512, 20), "power")
    expected = reference.mel_spectrogram(*setting)
    assert found.shape == expected.shape
    assert (np.abs(found - expected) <= reference.mel_error(*setting)).all()


def test_frames_of_a_short_window():
    """librosa counts frames of n_fft, OpenSoundscape those of the window."""
    librosa = LogMel(RATE_HZ, 512, 100, 20, window_samples=400)
    opensoundscape = LogMel(RATE_HZ, 512, 100, 20, window_samples=400, definition="opensoundscape")
    assert [librosa.frames(n) for n in (0, 399, 511, 512, 611, 612)] == [0, 0, 0, 1, 1, 2]
    assert [opensoundscape.frames(n) for n in (0, 399, 400, 499, 500)] == [0, 0, 1, 1, 2]


@pytest.mark.parametrize("pad", PADS, ids=lambda pad: pad.get("pad_mode", "none"))
def test_silence_is_the_floor(pad):
    silence = np.zeros(3000, np.float32)
    assert (LogMel(RATE_HZ, 512, 100, 20, log=None, **pad)(silence) == 0).all()
    found = LogMel(RATE_HZ, 512, 100, 20, log="db", **pad)(silence)
    np.testing.assert_allclose(found, -100, rtol=4 * reference.U)


@pytest.mark.parametrize(
    ("name", "bad"),
    [*((name, bad) for name in OBJECTS for bad in (np.nan, np.inf, -np.inf)), ("relative", np.nan)],
)
def test_what_is_not_finite_stays_in_its_frames(name, bad):
    make = OBJECTS | {"relative": lambda: LogMel(RATE_HZ, 512, 100, 20, log="db", top_db=90)}
    spectrogram = make[name]()
    audio = strategies.sound("noise", 6000)
    audio[0] = 0.99  # the loudest row is not one of those that are lost
    clean = spectrogram(audio)
    audio[3000] = bad
    found = spectrogram(audio)
    framing = spectrogram.framing
    starts = np.array([framing.start(frame) for frame in range(len(found))])
    touched = (starts < 3000) & (starts + framing.window_samples > 3000)
    apart = (starts > 3000) | (starts + framing.window_samples <= 3000)
    assert not np.isfinite(found[touched]).any()
    assert np.isnan(found[touched]).all() or not np.isnan(bad)
    assert (found[apart] == clean[apart]).all()


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        ([0.0, 1.0], "list"),
        (np.zeros((2, 4000), np.float32), r"\(2, 4000\)"),
        (np.zeros(4000), "float64"),
        (np.zeros(4000, np.int16), "full scale"),
        (np.zeros(4000, ">f4"), "float32"),
    ],
)
def test_audio_that_does_not_fit(audio, message):
    spectrogram = LogMel(RATE_HZ, 512, 100, 20)
    with pytest.raises(AudioError, match=message):
        spectrogram(audio)
    with pytest.raises(AudioError, match=message):
        spectrogram.stream().push(audio)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_fft": 14}, "14"),
        ({"n_fft": 2 * 7 * 64}, "products of 2, 3 and 5"),
        ({"hop_samples": 0}, "hop_samples=0"),
        ({"hop_samples": 2**24}, "hop_samples"),
        ({"n_mels": 0}, "n_mels=0"),
        ({"rate_hz": 0}, "rate_hz=0"),
        ({"rate_hz": math.nan}, "rate_hz=nan"),
        ({"window_samples": 513}, "window_samples=513: must be 1 to n_fft=512"),
        ({"window_samples": 0}, "window_samples=0"),
        ({"window": "kaiser"}, "hann, hamming"),
        ({"window": np.ones(3)}, r"\[3\]: must be \[512\]"),
        ({"fmin_hz": -1}, "fmin_hz=-1"),
        ({"fmin_hz": 500, "fmax_hz": 400}, "fmax_hz=400"),
        ({"fmax_hz": 16_001}, "16000"),
        ({"power": 3}, "power=3"),
        ({"mel_scale": "bark"}, "mel_scale='bark'"),
        ({"mel_norm": 2}, "mel_norm=2"),
        ({"log": "ln"}, "log='ln'"),
        ({"amin": 0}, "amin=0"),
        ({"log": "db", "ref": 0}, "ref=0"),
        ({"log": "db", "ref": "min"}, "ref='min'"),
        ({"log": "db", "top_db": -1}, "top_db=-1"),
        ({"top_db": 80}, "top_db=80"),
        ({"ref": "max"}, "ref='max'"),
        ({"center": True, "pad_mode": "wrap"}, "pad_mode='wrap'"),
        ({"definition": "kaldi"}, "definition='kaldi'"),
        ({"definition": "opensoundscape", "center": True}, "center=False"),
        ({"definition": "opensoundscape", "n_fft": 675}, "even"),
        ({"matrix": np.ones((3, 4))}, r"\[3, 4\]"),
        ({"cpu": "z80"}, "z80"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(ConfigError, match=message):
        LogMel(**{"rate_hz": RATE_HZ, "n_fft": 512, "hop_samples": 100, "n_mels": 20} | options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mel": np.ones((4, 256))}, r"mel has the shape \[4, 256\]: must be \[any, 257\]"),
        ({"window": np.ones((2, 4))}, "window has the shape"),
        ({"window": np.ones(513)}, "513"),
        ({"part": "phase"}, "part='phase'"),
        ({"post": "log"}, "post='log'"),
        ({"framing": Stft(512, 99).framing}, "hop_samples=100"),
    ],
)
def test_tables_that_do_not_fit(options, message):
    tables = {"window": np.ones(512), "n_fft": 512, "hop_samples": 100, "mel": np.ones((4, 257))}
    with pytest.raises(ConfigError, match=message):
        MelSpectrogram(**tables | options)


def test_more_coefficients_than_bands():
    with pytest.raises(ConfigError, match="n_mfcc=21"):
        Mfcc(RATE_HZ, 512, 100, 21, 20)


def test_an_out_that_does_not_fit():
    spectrogram = LogMel(RATE_HZ, 512, 100, 20)
    frames = spectrogram.frames(RECORDING.size)
    read_only = np.zeros((frames, 20), np.float32)
    read_only.flags.writeable = False
    for out in (np.zeros((frames, 21), np.float32), np.zeros((frames, 20)), read_only):
        with pytest.raises(ConfigError, match=f"must be float32 .{frames}, 20"):
            spectrogram(RECORDING, out=out)


@pytest.mark.parametrize("options", [{"top_db": 80}, {"ref": "max"}])
def test_a_stream_does_not_know_the_maximum(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        LogMel(RATE_HZ, 512, 100, 20, log="db", **options).stream()


def test_empty_bands_are_warned_of():
    with pytest.warns(UserWarning, match="band 0"):
        LogMel(RATE_HZ, 256, 100, 128)


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_mels_and_back(scale):
    hz = np.linspace(0, 24_000, 1001)
    np.testing.assert_allclose(mel.to_hz(mel.from_hz(hz, scale), scale), hz, rtol=1e-12, atol=1e-9)


def test_landmarks_of_the_scales():
    assert mel.from_hz(1000.0) == pytest.approx(15)
    assert mel.from_hz(6400.0) == pytest.approx(42)
    assert mel.from_hz(1000.0, "htk") == pytest.approx(1000, abs=0.02)


def test_the_dct_is_orthonormal():
    basis = mel.dct(24, 24)
    np.testing.assert_allclose(basis @ basis.T, np.eye(24), atol=1e-13)
    np.testing.assert_allclose(basis.T, reference.dct(np.eye(24), 24), atol=1e-13)


def test_logs_compare_by_value():
    assert Log(1e-6) == Log(offset=1e-6)


@pytest.mark.parametrize("make", [LogMel, Mfcc, lambda *sizes: LogMel(*sizes, log="db", top_db=80)])
def test_an_out_that_overlaps_its_input_is_refused(make):
    transform, memory = make(8000, 256, 128), np.zeros(2 * 60_000, np.float32)
    audio = memory[:60_000]
    count, width = transform.frames(audio.size), transform.n_values
    for first in (0, 1, 59_999):
        out = memory[first : first + count * width].reshape(count, width)
        with pytest.raises(ConfigError, match="out shares memory with what is read"):
            transform(audio, out=out)
    beside = memory[60_000 : 60_000 + count * width].reshape(count, width)
    assert transform(audio, out=beside) is beside


def test_an_out_between_the_samples_does_not_overlap_them():
    transform, memory = Stft(16, 16), np.zeros(2 * 320, np.float32)
    audio, between = memory[::2], memory[1::2].reshape(-1, 2)
    out = np.empty((transform.frames(audio.size), transform.n_values), np.complex64)
    assert not np.shares_memory(audio, between)
    np.testing.assert_array_equal(transform(audio, out=out), 0)
    with pytest.raises(ConfigError, match="out is a list: must be a NumPy array"):
        transform(audio, out=[1])
