"""From sound to detections: the same as the network's own runtime and as birdnet 1.3.1 say."""

from __future__ import annotations

import csv
import dataclasses
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import birdfast
from birdfast import audio, models, soundscape
from birdfast.config import Options
from birdfast.errors import AudioError, ConfigError, ModelError
from birdfast.pipeline import Pipeline, Scored, stretches
from birdfast.pipeline.listener import Listener
from birdfast.pipeline.stretches import STRETCH_S
from birdfast.runtimes import litert
from birdfast.sessions.batched import BatchedSession

from . import encoded, networks
from .recordings import write

GOLDEN = Path(__file__).parent / "golden"
LOGIT_BOUND = 1e-4
CONFIDENCE_BOUND = 1e-3


def plain_logits(model: models.Model, samples: np.ndarray) -> np.ndarray:
    """Run the original graph window by window, as anybody would: float32 [n, n_classes]."""
    runner = litert.runtime()[1].Interpreter(str(model.path), num_threads=1)
    runner.allocate_tensors()
    source, target = runner.get_input_details()[0], runner.get_output_details()[0]
    found = []
    for start in range(0, len(samples), model.window_samples):
        window = np.zeros(model.window_samples, np.float32)
        held = samples[start : start + model.window_samples]
        window[: len(held)] = held
        runner.set_tensor(source["index"], window.reshape(source["shape"]))
        runner.invoke()
        found.append(runner.get_tensor(target["index"])[0].copy())
    return np.array(found)


def logits(pipeline: Pipeline, sound: Path) -> np.ndarray:
    return np.concatenate([scored.outputs["logits"] for scored in pipeline.score(sound)])


def test_logits_are_those_of_the_original_graph(birdnet: models.Model, tmp_path: Path) -> None:
    samples = soundscape.make(30.0)[0][: 29 * 48_000]
    audio.write(tmp_path / "sound.wav", samples, 48_000)
    held, _ = audio.read(tmp_path / "sound.wav")
    found = logits(Pipeline(birdnet), tmp_path / "sound.wav")
    assert found.shape == (10, 6522)
    assert np.abs(found - plain_logits(birdnet, held)).max() < LOGIT_BOUND


def test_real_logits_are_those_of_the_original_graph(birdnet: models.Model, real_soundscape: Path) -> None:
    samples, _ = audio.read(real_soundscape / "soundscape.flac")
    found = logits(Pipeline(birdnet), real_soundscape / "soundscape.flac")
    assert np.abs(found - plain_logits(birdnet, samples)).max() < LOGIT_BOUND


def golden(name: str | Path) -> dict[tuple[float, str], float]:
    """Return confidences by start and species, from a table that golden/make_birdnet.py made."""
    with (GOLDEN / name).open(newline="", encoding="utf-8") as file:
        return {
            (float(row["start_s"]), row["species"]): float(row["confidence"]) for row in csv.DictReader(file)
        }


def detected(model: models.Model, sound: Path) -> dict[tuple[float, str], float]:
    found = Pipeline(model, Options(min_confidence=0.1)).detect(sound)
    return {(row.start_s, f"{row.scientific_name}_{row.common_name}"): row.confidence for row in found}


def assert_same_detections(found: dict[tuple[float, str], float], name: str) -> None:
    expected = golden(name)
    assert found.keys() == expected.keys()
    for key, confidence in expected.items():
        assert found[key] == pytest.approx(confidence, abs=CONFIDENCE_BOUND), key


def test_real_detections_are_birdnets(birdnet: models.Model, real_soundscape: Path) -> None:
    assert_same_detections(detected(birdnet, real_soundscape / "soundscape.flac"), "birdnet_real.csv")


def test_demo_detections_are_birdnets(birdnet: models.Model, demo: Path) -> None:
    assert_same_detections(detected(birdnet, demo / "soundscape.flac"), "birdnet_demo.csv")


@pytest.mark.long
def test_a_portable_network_says_the_same_in_birdnet(
    birdnet: models.Model, demo: Path, tmp_path: Path
) -> None:
    pytest.importorskip("birdnet", reason="birdnet 1.3.1 comes with the extra [bench]")
    fast, table = tmp_path / "fast.tflite", tmp_path / "fast.csv"
    for command in (
        ["birdfast", "optimize", birdnet.path, "-o", fast, "--portable"],
        ["tests.golden.make_birdnet", demo / "soundscape.flac", table, fast],
    ):
        subprocess.run([sys.executable, "-m", *map(str, command)], check=True, cwd=GOLDEN.parents[1])
    assert_same_detections(golden(table), "birdnet_demo.csv")


def test_every_song_of_the_demo_is_found(birdnet: models.Model, demo: Path) -> None:
    found = Pipeline(birdnet).detect(demo / "soundscape.flac")
    _, truth = soundscape.make()
    assert len({song.common_name for song in truth}) == 4
    for song in truth:
        heard = [row for row in found if row.start_s < song.end_s and song.start_s < row.end_s]
        assert song.common_name in {row.common_name for row in heard}, song


def test_memory_and_file_agree(tiny: models.Model, wav: Path) -> None:
    pipeline = Pipeline(tiny, Options(min_confidence=0))
    from_file = pipeline.detect(wav)
    from_memory = pipeline.detect(audio.read(wav)[0], 8_000)
    assert len(from_file) == 5 * 3
    assert [row._replace(file="") for row in from_file] == from_memory


def test_overlap_gives_windows_in_between(tiny: models.Model, wav: Path) -> None:
    starts = {row.start_s for row in Pipeline(tiny, Options(min_confidence=0, overlap_s=0.25)).detect(wav)}
    assert sorted(starts) == [0.25 * i for i in range(10)]
    same = {row.start_s for row in Pipeline(tiny, Options(min_confidence=0, step_s=0.25)).detect(wav)}
    assert same == starts


def test_stretches_add_up_to_the_whole(tiny: models.Model, tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    length = int(2.4 * STRETCH_S * 32_000)
    audio.write(path, np.random.default_rng(2).uniform(-0.1, 0.1, length).astype(np.float32), 32_000)
    pipeline = Pipeline(tiny, Options(min_confidence=0))
    outcomes = [pipeline.analyse(str(path), stretch) for stretch in range(3)]
    assert [outcome.n_stretches for outcome in outcomes] == [3, 3, 3]
    assert sum(outcome.audio_s for outcome in outcomes) == pytest.approx(2.4 * STRETCH_S)
    found = np.concatenate([outcome.heard[0].detections for outcome in outcomes])
    whole = pipeline.detect(path)
    assert len(found) == len(whole)
    np.testing.assert_array_equal(np.unique(found["start_s"]), np.unique([row.start_s for row in whole]))


@pytest.mark.parametrize("seconds", [0.2, 3.1, 7.3])
@pytest.mark.parametrize("suffix", ["mka", "flac"])
def test_sound_of_unknown_length_counts_as_what_was_decoded(
    tiny: models.Model, tmp_path: Path, suffix: str, seconds: float
) -> None:
    path = tmp_path / f"untold.{suffix}"
    sound = encoded.sound(seconds)
    if suffix == "flac":
        path.write_bytes(encoded.with_total(encoded.by_libsndfile(path, sound), 0))
    else:
        encoded.by_ffmpeg(path, "pcm_s16le", sound)
    with audio.Recording(path) as recording:
        assert recording.n_frames is None
    assert Pipeline(tiny).analyse(str(path)).audio_s == pytest.approx(seconds, abs=1e-9)


@pytest.mark.parametrize(("suffix", "n_stretches"), [("mp3", 5), ("flac", 10)])
def test_a_file_that_seeks_slowly_is_cut_into_few_stretches(
    tiny: models.Model, tmp_path: Path, suffix: str, n_stretches: int
) -> None:
    silence = np.zeros((int(9.5 * STRETCH_S * 8_000), 1), np.float32)
    path = write(tmp_path / f"long.{suffix}", silence, 8_000)
    pipeline = Pipeline(tiny, Options(min_confidence=0))
    outcomes = [pipeline.analyse(str(path))]
    outcomes += [pipeline.analyse(str(path), stretch) for stretch in range(1, outcomes[0].n_stretches)]
    assert len(outcomes) == n_stretches
    assert sum(outcome.audio_s for outcome in outcomes) == pytest.approx(9.5 * STRETCH_S)


def test_a_network_that_takes_no_batch_is_scored_window_by_window(
    yamnet: models.Model, real_soundscape: Path
) -> None:
    sound = audio.read(real_soundscape / "soundscape.flac", 16_000)[0][:160_000]
    for tail in (None, -7_000):  # batches and what is left over
        found = [logits_of(Pipeline(yamnet, Options(graft=graft)), sound[:tail]) for graft in (True, False)]
        assert len(found[0]) >= 9
        np.testing.assert_allclose(*found, atol=1e-5)


def logits_of(pipeline: Pipeline, samples: np.ndarray) -> np.ndarray:
    return np.concatenate([scored.outputs["logits"] for scored in pipeline.score(samples, 16_000)])


def test_a_users_model_may_give_its_rate_alone(tmp_path: Path, wav: Path) -> None:
    folder = networks.write_folder(tmp_path)
    (folder / "model.toml").write_text("rate_hz = 8000\n")
    assert len(Pipeline(models.find(folder), Options(min_confidence=0)).detect(wav)) == 15
    (folder / "model.toml").write_text("rate_hz = 8000\nwindow_samples = 8000\n")
    with pytest.raises(ModelError, match="takes windows of 4000 samples, not 8000"):
        Pipeline(models.find(folder))


def test_embeddings_come_window_by_window(birdnet: models.Model, demo: Path) -> None:
    sound, _ = audio.read(demo / "soundscape.flac")
    embeddings = Pipeline(birdnet).embed(sound[: 5 * 144_000], 48_000)
    assert embeddings.shape == (5, 1024)
    alone = Pipeline(birdnet).embed(sound[144_000 : 2 * 144_000], 48_000)
    np.testing.assert_allclose(embeddings[1:2], alone, atol=1e-4)
    as_it_is = Pipeline(birdnet, Options(graft=False)).embed(sound[:144_000], 48_000)
    np.testing.assert_allclose(as_it_is, embeddings[:1], atol=1e-3)


def test_what_was_heard_before_a_failure_is_kept(tiny: models.Model, wav: Path) -> None:
    wav.write_bytes(wav.read_bytes()[: 44 + 2 * 10_000])
    outcome = Pipeline(tiny, Options(min_confidence=0)).analyse(str(wav))
    assert outcome.failure is not None
    assert outcome.failure.stage == "audio"
    assert "cut short" in outcome.failure.message
    assert outcome.heard[0].n_windows == 2
    assert outcome.n_detections == 2 * 3
    assert outcome.audio_s == 1.0


def test_windows_before_a_failure_are_scored_and_then_it_is_told(tiny: models.Model, wav: Path) -> None:
    wav.write_bytes(wav.read_bytes()[: 44 + 2 * 10_000])
    starts_s: list[float] = []
    with pytest.raises(AudioError, match="cut short"):
        for scored in Pipeline(tiny).score(wav):
            starts_s += scored.start_s.tolist()
    assert starts_s == [0.0, 0.5]


@pytest.mark.parametrize("size", [1, 300, 5_000])
def test_an_ear_passes_over_what_comes_before_its_windows(tiny: models.Model, size: int) -> None:
    listener = Pipeline(tiny).listener()
    sound = np.random.default_rng(4).uniform(-1, 1, 9_000).astype(np.float32)

    def heard(skip: int, blocks: list[np.ndarray]) -> np.ndarray:
        with listener.ears(listener.grid, 0, 2) as (ear,):
            ear.skip = skip
            batches = [scored for block in blocks for scored in ear.hear(block)]
            return np.concatenate([scored.outputs["logits"] for scored in (*batches, *ear.end())])

    blocks = [sound[start : start + size] for start in range(0, len(sound), size)]
    np.testing.assert_array_equal(heard(777, blocks), heard(0, [sound[777:]]))


def test_threads_share_a_pipeline_and_sessions_are_used_again(
    tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline(tiny, Options(min_confidence=0, step_s=0.01))
    random, twin, made = np.random.default_rng(6), BatchedSession.twin, []
    sounds = [random.uniform(-1, 1, 40_000).astype(np.float32) for _ in range(8)]

    def counted(session: BatchedSession) -> BatchedSession:
        made.append(session)
        return twin(session)

    monkeypatch.setattr(BatchedSession, "twin", counted)
    expected = [pipeline.detect(sound, 8_000) for sound in sounds]
    assert made == []
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda sound: pipeline.detect(sound, 8_000), sounds)) == expected
    listener = pipeline.listener()
    with listener.ears(listener.grid, 0, 1) as (one,), listener.ears(listener.grid, 0, 1) as (two,):
        assert one._session is not two._session
    assert len(made) <= 4


def test_resampling_window_by_window_is_no_time_of_the_network(
    tiny: models.Model, wav: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, prepared = [0.0], Listener._prepared

    def takes_long(listener: Listener, *which: object) -> np.ndarray:
        clock[0] += 100
        return prepared(listener, *which)

    for module in ("ear", "transcript"):
        monkeypatch.setattr(f"birdfast.pipeline.{module}.thread_time", lambda: clock[0])
    monkeypatch.setattr(Listener, "_prepared", takes_long)
    outcome = Pipeline(tiny).analyse(str(wav))
    assert (outcome.network_s, outcome.reading_s >= 100) == (0, True)


def test_sound_before_a_networks_failure_counts(
    tiny: models.Model, wav: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, scored = Pipeline(tiny, Options(min_confidence=0, step_s=0.25)), []
    dense = Listener.dense

    def breaks_off(listener: Listener, batch: Scored, kinds: Iterable[str]) -> object:
        scored.append(batch)
        if len(scored) == 2:
            raise ModelError("no more")
        return dense(listener, batch, kinds)

    monkeypatch.setattr(Listener, "dense", breaks_off)
    outcome = pipeline.analyse(str(wav))
    (failure,) = outcome.failures
    assert failure.message == "no more"
    n_windows = len(scored[0].start_s)
    assert (outcome.heard[0].n_windows, outcome.audio_s) == (n_windows, n_windows * 0.25)


def test_scores_that_are_not_finite_are_a_failure(tmp_path: Path, wav: Path) -> None:
    matrix = networks.weights()
    matrix[1] = np.inf
    pipeline = Pipeline(models.find(networks.write_folder(tmp_path, matrix)))
    outcome = pipeline.analyse(str(wav))
    (failure,) = outcome.failures
    assert (failure.stage, failure.model, outcome.n_detections) == ("network", "tiny", 0)
    with pytest.raises(ModelError, match="not finite in the window at 0 s"):
        pipeline.detect(wav)


@pytest.mark.parametrize(
    ("samples", "rate_hz", "reason"),
    [
        (np.zeros(10, np.float32), None, "need their rate_hz"),
        (np.zeros(10, np.int16), 8_000, "int16"),
        (np.zeros((10, 2), np.float32), 8_000, "mono"),
        (np.array([0, np.nan], np.float32), 8_000, "sample 1 is NaN"),
    ],
)
def test_sound_in_memory_is_checked(
    tiny: models.Model, samples: np.ndarray, rate_hz: int | None, reason: str
) -> None:
    with pytest.raises(AudioError, match=reason):
        Pipeline(tiny).detect(samples, rate_hz)


@pytest.mark.parametrize("ask", ["detect", "score", "embed"])
def test_the_first_window_whose_scores_are_not_finite_is_named(tmp_path: Path, ask: str) -> None:
    matrix = networks.weights()
    matrix[1] = 1e38  # too much for sound that is loud
    pipeline = Pipeline(models.find(networks.write_folder(tmp_path, matrix, networks.weights(3, 3))))
    sound = np.zeros(6 * networks.WINDOW_SAMPLES, np.float32)
    sound[2 * networks.WINDOW_SAMPLES : 3 * networks.WINDOW_SAMPLES] = 1
    with pytest.raises(ModelError, match="not finite in the window at 1 s"):
        list(getattr(pipeline, ask)(sound, networks.RATE_HZ))


def test_no_sound_no_detections(tiny: models.Model) -> None:
    assert Pipeline(tiny, Options(min_confidence=0)).detect(np.zeros(0, np.float32), 8_000) == []


def test_load_is_the_short_way(tiny: models.Model, wav: Path) -> None:
    assert len(birdfast.load(str(tiny.path.parent), min_confidence=0, top_k=1).detect(wav)) == 5


@pytest.mark.parametrize(
    "options",
    [
        {"min_confidence": 1.5},
        {"min_confidence": float("nan")},
        {"top_k": 0},
        {"sensitivity": 2},
        {"sensitivity": float("nan")},
        {"overlap_s": -1},
        {"step_s": 0},
        *({name: value} for name in ("overlap_s", "step_s") for value in map(float, ("inf", "nan", "1e305"))),
        {"overlap_s": 1, "step_s": 1},
        {"tail": "extend"},
        {"normalization": "loud"},
        *({"channel": value} for value in ("", "0", "-1", "left", "1000", "01", "\u0663")),
    ],
)
def test_options_out_of_range_are_named(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options)).split("_")[0]):
        Options(**options)


def test_an_overlap_of_the_whole_window_is_refused(tiny: models.Model) -> None:
    with pytest.raises(ConfigError, match="a step of 0 s does not fit"):
        Pipeline(tiny, Options(overlap_s=0.5))


def test_an_option_that_there_is_not_is_refused(tiny: models.Model) -> None:
    with pytest.raises(ConfigError, match="foo: no such option; there are min_confidence"):
        birdfast.load(str(tiny.path.parent), foo=1)


def test_a_sensitivity_that_would_be_ignored_is_refused(tiny: models.Model) -> None:
    softmax = dataclasses.replace(tiny, activation="softmax")
    with pytest.raises(ConfigError, match="sensitivity: tiny has no sigmoid"):
        Pipeline(softmax, Options(sensitivity=1.25))


@pytest.mark.parametrize("stretch_s", [60.0, 2.0])
def test_what_is_lost_inside_is_noted_once_and_moves_nothing(
    tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stretch_s: float
) -> None:
    monkeypatch.setattr(stretches, "STRETCH_S", stretch_s)
    whole, damaged = tmp_path / "whole.flac", tmp_path / "damaged.flac"
    audio.write(whole, encoded.sound(20.0, networks.RATE_HZ), networks.RATE_HZ)
    damaged.write_bytes(encoded.with_hole(whole.read_bytes(), 0.47))
    analyst = Pipeline(tiny, Options(min_confidence=0.0001))
    found: dict[Path, list[bytes]] = {}
    notes: dict[str, None] = {}
    for path in (whole, damaged):
        first = analyst.analyse(str(path))
        outcomes = [first, *(analyst.analyse(str(path), n) for n in range(1, first.n_stretches))]
        assert all(outcome.failure is None for outcome in outcomes)
        assert sum(outcome.audio_s for outcome in outcomes) == pytest.approx(20.0)
        found[path] = [
            row.tobytes() for outcome in outcomes for heard in outcome.heard for row in heard.detections
        ]
        notes |= dict.fromkeys(note for outcome in outcomes for note in outcome.notes)
    assert len([note for note in notes if note.startswith("lost from 9.")]) == 1
    assert len(set(found[whole]) & set(found[damaged])) > 0.85 * len(found[whole])
