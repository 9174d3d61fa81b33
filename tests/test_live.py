"""A stream hears what a file of the same samples gives, to the bit, however long its blocks are."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import birdfast
from birdfast import models
from birdfast.errors import AudioError, ConfigError, ModelError, RecordingWarning
from birdfast.live import Stream
from birdfast.pipeline import Pipeline, Scored
from birdfast.sessions.stsg import StsgSession

from . import networks
from .recordings import noise, write

HOW = ({}, {"speed": 0.5}, {"resampler": "birdnet", "fmin_hz": 300.0}, {"tail": "drop"})
RATES_HZ = (8_000, 11_025, 8_001)  # the model's own; by the steep filter; by soxr, as no block is whole
SECONDS = 3.3


def samples(rate_hz: int, n_channels: int = 1, seconds: float = SECONDS) -> np.ndarray:
    return np.round(noise(round(seconds * rate_hz), n_channels, seed=rate_hz) * 32768).astype(np.int16)


def blocks(sound: np.ndarray, lengths: Sequence[int]) -> Iterator[np.ndarray]:
    """Cut sound into blocks of these lengths, again and again."""
    start = number = 0
    while start < len(sound):
        length = lengths[number % len(lengths)]
        yield sound[start : start + length]
        start, number = start + length, number + 1


def streamed(
    pipeline: Pipeline, sound: np.ndarray, rate_hz: int, lengths: Sequence[int], **how: object
) -> tuple[list[birdfast.Detection], dict[str, np.ndarray]]:
    """Return the detections of a stream, and the logits of each model."""
    logits: dict[str, list[np.ndarray]] = {}

    def follow(model: str, scored: Scored) -> None:
        logits.setdefault(model, []).append(scored.outputs["logits"].copy())

    n_channels = 1 if sound.ndim == 1 else sound.shape[1]
    stream = Stream(pipeline, rate_hz, channels=n_channels, follow=follow, **how)
    found = [one for block in blocks(sound, lengths) for one in stream.push(block)] + stream.end()
    return found, {model: np.concatenate(rows) for model, rows in logits.items()}


@pytest.fixture(scope="module")
def open_pipeline(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Pipeline]:
    """Return what opens tiny models by name: networks, and one of tokens."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "tiny").mkdir()
    networks.write_folder(folder / "tiny")
    networks.write_short(folder / "short")
    with (folder / "short/model.toml").open("a") as file:
        file.write('name = "short"\n')
    pytest.importorskip("tomli_w", reason="a trained model's folder is written by birdfast[train]")
    networks.write_tokens(folder / "tokens")

    @lru_cache
    def opened(*names: str, **options: object) -> Pipeline:
        return birdfast.load([folder / name for name in names], **{"min_confidence": 0.0, **options})

    return opened


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@given(lengths=st.lists(st.integers(1, 9_000), min_size=1, max_size=6), step_s=st.sampled_from([None, 0.2]))
@settings(max_examples=6)
def test_a_stream_is_a_file(
    rate_hz: int, dtype: type, lengths: list[int], step_s: float | None, open_pipeline, tmp_path_factory
) -> None:
    sound = samples(rate_hz)
    path = tmp_path_factory.getbasetemp() / f"{rate_hz}.wav"
    if not path.exists():
        write(path, sound, rate_hz)
    given = sound[:, 0] if dtype == np.int16 else (sound / np.float32(32768)).astype(np.float32)
    lengths = [length * len(sound) // 9_000 // 4 or 1 for length in lengths]
    for model in ("tiny", "tokens") if hasattr(StsgSession, "stream") else ("tiny",):
        pipeline = open_pipeline(model, step_s=step_s)
        found, logits = streamed(pipeline, given, rate_hz, lengths, name=str(path))
        assert found == pipeline.detect(path)
        of_file = np.concatenate([scored.outputs["logits"] for scored in pipeline.score(path)])
        assert (logits[model] == of_file).all()
        assert logits[model].shape == of_file.shape


@pytest.mark.parametrize("channel", ["mix", "each", "2"])
@pytest.mark.parametrize("how", HOW)
def test_channels_pace_and_bands_are_a_files(channel: str, how: dict, open_pipeline, tmp_path: Path) -> None:
    sound = samples(11_025, 3)
    path, pipeline = (
        write(tmp_path / "three.wav", sound, 11_025),
        open_pipeline("tiny", channel=channel, **how),
    )
    found, _ = streamed(pipeline, sound, 11_025, [1_000, 7], name=str(path))
    assert found == pipeline.detect(path)
    assert found


def test_several_models_hear_one_stream(open_pipeline, tmp_path: Path) -> None:
    sound = samples(11_025)
    path, pipeline = write(tmp_path / "one.wav", sound, 11_025), open_pipeline("tiny", "short")
    found, logits = streamed(pipeline, sound[:, 0], 11_025, [500], name=str(path))
    for name in ("tiny", "short"):
        assert [one for one in found if one.model == name] == [
            one for one in pipeline.detect(path) if one.model == name
        ]
        of_file = np.concatenate([scored.outputs["logits"] for scored in pipeline.score(path, model=name)])
        assert (logits[name] == of_file).all()


@pytest.mark.parametrize("n_samples", [0, 1, 3_999, 4_000, 4_001])
@pytest.mark.parametrize("tail", ["pad", "drop", "min-1s"])
def test_the_end_is_a_files_end(n_samples: int, tail: str, open_pipeline) -> None:
    sound, pipeline = samples(8_000)[:n_samples, 0], open_pipeline("tiny", tail=tail)
    found, _ = streamed(pipeline, sound, 8_000, [1_000]) if n_samples else ([], {})
    assert found == (pipeline.detect((sound / np.float32(32768)).astype(np.float32), 8_000))


@pytest.mark.parametrize("background", [False, True])
def test_what_the_end_gives_is_there_when_the_context_is_left(background: bool, open_pipeline) -> None:
    sound, pipeline = samples(8_000)[:6_000, 0], open_pipeline("tiny")
    with Stream(pipeline, 8_000, background=background) as stream:
        first = stream.push(sound) + stream.flush()
    assert len(first) == 3
    assert [one.start_s for one in stream.poll()] == [0.5] * 3
    assert stream.end() == stream.poll() == stream.flush() == []
    assert stream.seconds == 0.75


def test_the_background_hears_the_same(open_pipeline) -> None:
    sound, pipeline = samples(11_025)[:, 0], open_pipeline("tiny", "short")
    here, there = (
        streamed(pipeline, sound, 11_025, [300], background=behind, waiting=1_000) for behind in (False, True)
    )
    assert sorted(here[0]) == sorted(there[0])
    assert all((here[1][name] == there[1][name]).all() for name in here[1])


def test_what_waits_is_bounded_and_what_is_dropped_is_counted(open_pipeline) -> None:
    """Eight windows come while the first is being scored, and two may wait."""
    go_on, pipeline = Event(), open_pipeline("tiny")
    begun = Event()

    def follow(model: str, scored: Scored) -> None:
        begun.set()
        go_on.wait(60)

    stream = Stream(pipeline, 8_000, background=True, waiting=2, follow=follow)
    window = samples(8_000)[:4_000, 0]
    assert stream.push(window) == []
    begun.wait(60)
    for _ in range(8):
        assert stream.push(window) == []
    assert stream.dropped == 6
    go_on.set()
    found = stream.end()
    assert [one.start_s for one in found[::3]] == [0, 0.5, 1]
    assert stream.dropped == 6


def test_no_window_is_dropped_at_the_end(open_pipeline) -> None:
    pipeline = open_pipeline("short", step_s=0.02, tail="pad")
    sound = samples(16_000)[:1_600, 0]
    stream = Stream(pipeline, 16_000, background=True, waiting=1)
    found = stream.push(sound) + stream.end()
    assert {one.start_s for one in found} == {
        one.start_s for one in pipeline.detect((sound / np.float32(32768)).astype(np.float32), 16_000)
    }


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ([0.0], "samples are a list; a NumPy array is wanted"),
        (
            np.ma.masked_array(np.zeros(3, np.int16)),
            "samples are a MaskedArray; a NumPy array is wanted, without",
        ),
        (np.zeros(3), r"samples are float64 \[3\]; int16 or float32 \[n\] are wanted"),
        (np.zeros((3, 2), np.int16), r"int16 \[3, 2\]; int16 or float32 \[n\] are wanted"),
        (np.array([0, 1, np.nan, 0], np.float32), "sample 102 of the stream is NaN, infinite, or"),
        (np.array([0, -1e30], np.float32), "sample 101 of the stream is NaN, infinite, or louder"),
    ],
)
def test_a_block_that_does_not_fit_is_refused_whole(block: object, told: str, open_pipeline) -> None:
    sound, pipeline = samples(8_000)[:, 0], open_pipeline("tiny")
    stream = Stream(pipeline, 8_000)
    found = stream.push(sound[:100])
    with pytest.raises(AudioError, match=told):
        stream.push(block)
    found += stream.push(sound[100:]) + stream.end()
    assert found == streamed(pipeline, sound, 8_000, [1_000])[0]


def test_what_does_not_fit_is_said_by_name(open_pipeline) -> None:
    pipeline = open_pipeline("tiny")
    for how, told in (
        ({"rate_hz": 10}, "rate_hz: 10 does not fit"),
        ({"channels": 0}, "channels: 0 does not fit"),
        ({"waiting": 0}, "waiting: 0 does not fit"),
        ({"background": 1}, "background: 1 does not fit"),
        ({"began": 3}, "began: 3 does not fit"),
        ({"start_s": -1}, "start_s: -1 does not fit"),
        ({"top_k": 3}, "top_k: a Pipeline has its own"),
        ({"labels": "x"}, "labels: a Pipeline has its own"),
    ):
        with pytest.raises(ConfigError, match=told):
            Stream(pipeline, **{"rate_hz": 8_000, **how})
    with pytest.raises(AudioError, match="no channel 2: it has 1 channel"):
        Stream(open_pipeline("tiny", channel="2"), 8_000)
    with pytest.raises(ModelError, match="nowhere"):
        Stream("nowhere", 8_000)


def test_a_stream_that_has_ended_takes_no_more(open_pipeline) -> None:
    stream = Stream(open_pipeline("tiny"), 8_000, name="pond")
    stream.close()
    with pytest.raises(ConfigError, match="pond has ended"):
        stream.push(np.zeros(3, np.int16))


@pytest.mark.parametrize("background", [False, True])
def test_a_network_that_fails_ends_the_stream_and_no_other(background: bool, open_pipeline) -> None:
    def follow(model: str, scored: Scored) -> None:
        raise ModelError("enough")

    pipeline, sound = open_pipeline("tiny"), samples(8_000)[:, 0]
    stream = Stream(pipeline, 8_000, background=background, follow=follow)
    with pytest.raises(ModelError, match="enough"):
        stream.push(sound)
        stream.flush()
    with pytest.raises(ConfigError, match="has ended"):
        stream.push(sound)
    assert streamed(pipeline, sound, 8_000, [1_000])[0]


def test_times_go_on_where_it_is_told(open_pipeline) -> None:
    began, pipeline, sound = datetime(2026, 5, 1, 4), open_pipeline("tiny"), samples(8_000)[:, 0]
    stream = Stream(pipeline, 8_000, began=began, start_s=60.0)
    first = stream.push(sound)[0]
    assert (first.start_s, first.end_s) == (60, 60.5)
    assert stream.when(first.start_s) == began + timedelta(minutes=1)
    with pytest.raises(ConfigError, match="began is not told"):
        Stream(pipeline, 8_000).when(3)


@pytest.mark.parametrize("month", [3, 10])
def test_times_go_on_when_the_clock_is_changed(month: int, open_pipeline) -> None:
    zone = pytest.importorskip("zoneinfo").ZoneInfo("Europe/Berlin")
    day = {3: 29, 10: 25}[month]
    stream = Stream(open_pipeline("tiny"), 8_000, began=datetime(2026, month, day, 0, 30, tzinfo=zone))
    later = stream.when(3 * 3600)
    assert later.tzinfo is zone
    assert later.astimezone(UTC) - stream.began.astimezone(UTC) == timedelta(hours=3)
    assert later.hour == {3: 4, 10: 2}[month]


@pytest.mark.parametrize("background", [False, True])
def test_one_that_another_thread_closes_in_a_push_ends_behind_it(background: bool, open_pipeline) -> None:
    pipeline, sound, inside, closed = open_pipeline("tiny"), samples(8_000)[:, 0], Event(), Event()

    def follow(model: str, scored: Scored) -> None:
        inside.set()
        if not background:  # else whoever closes waits for this window
            assert closed.wait(60)

    stream = Stream(pipeline, 8_000, follow=follow, background=background)
    pushing = Thread(target=stream.push, args=[np.tile(sound, 9)])
    pushing.start()
    assert inside.wait(60)
    stream.close()
    closed.set()
    pushing.join(60)
    stream.close()
    assert not pushing.is_alive()
    assert not stream.flush() or background  # what was scored behind, before the end, and not yet told
    assert stream.flush() == stream.end() == []
    with pytest.raises(ConfigError, match="has ended"):
        stream.push(sound)
    for _ in range(2):  # sessions are lent again, none to two streams
        assert streamed(pipeline, sound, 8_000, [1_000])[0] == streamed(pipeline, sound, 8_000, [8_000])[0]


@pytest.mark.parametrize("background", [False, True])
def test_a_follower_may_close_its_stream(background: bool, open_pipeline) -> None:
    stream = Stream(
        open_pipeline("tiny"), 8_000, follow=lambda *_: stream.close(), background=background, waiting=99
    )
    stream.push(samples(8_000)[:, 0])
    stream.flush()
    stream.close()
    assert len({found.start_s for found in stream.end()}) <= 1


def abandoned(pipeline: Pipeline, sound: np.ndarray) -> None:
    stream = Stream(pipeline, 8_000, follow=lambda *_: stream.flush())
    stream.push(sound)


def test_one_that_nobody_holds_any_more_leaves_the_pipeline_whole(tmp_path: Path) -> None:
    """A stream and its follower hold each other, and are collected with the sessions that they were lent."""
    (tmp_path / "tiny").mkdir()
    networks.write_folder(tmp_path / "tiny")
    pipeline, sound = birdfast.load(tmp_path / "tiny", min_confidence=0.0), samples(8_000)[:, 0]
    meant = streamed(pipeline, sound, 8_000, [8_000])[0]
    first = Stream(pipeline, 8_000)  # it has the session that was opened with the pipeline
    abandoned(pipeline, sound)
    gc.collect()
    assert streamed(pipeline, sound, 8_000, [8_000])[0] == meant
    first.close()


@pytest.mark.parametrize("then", ["push", "end"])
def test_two_threads_at_once_are_refused_and_the_first_goes_on(then: str, open_pipeline) -> None:
    pipeline, sound, refused = open_pipeline("tiny"), samples(8_000)[:, 0], []

    def follow(model: str, scored: Scored) -> None:
        def other() -> None:
            try:
                stream.push(sound) if then == "push" else stream.end()
            except ConfigError as error:
                refused.append(str(error))

        thread = Thread(target=other)
        thread.start()
        thread.join(60)

    stream = Stream(pipeline, 8_000, follow=follow)
    found = stream.push(sound) + stream.end()
    assert found == streamed(pipeline, sound, 8_000, [1_000])[0]
    assert len(refused) > 1
    assert "another push is under way" in refused[0]


def test_what_is_to_be_known_is_a_warning_and_a_note(open_pipeline) -> None:
    sound = samples(8_000)
    stream = Stream(open_pipeline("tiny"), 8_000, channels=2, name="pond")
    stream.push(np.hstack([sound, -np.maximum(sound, -32767)]))
    with pytest.warns(RecordingWarning, match="pond: the mix of its 2 channels .* opposite phase"):
        stream.end()
    assert len(stream.notes) == 1


@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_yamnet_hears_what_it_hears_in_a_file(rate_hz: int, yamnet: models.Model, tmp_path: Path) -> None:
    of_file(Pipeline(yamnet), rate_hz, tmp_path)


@pytest.mark.parametrize("rate_hz", [48_000, 32_000])
def test_birdnet_hears_what_it_hears_in_a_file(rate_hz: int, birdnet: models.Model, tmp_path: Path) -> None:
    of_file(Pipeline(birdnet), rate_hz, tmp_path)


def of_file(pipeline: Pipeline, rate_hz: int, folder: Path) -> None:
    sound = samples(rate_hz, seconds=14)
    path = write(folder / "sound.wav", sound, rate_hz)
    found, logits = streamed(pipeline, sound[:, 0], rate_hz, [rate_hz // 100], name=str(path))
    assert found == pipeline.detect(path)
    (rows,) = logits.values()
    assert (rows == np.concatenate([scored.outputs["logits"] for scored in pipeline.score(path)])).all()
