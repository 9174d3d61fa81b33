"""Every public function says in one clear error what is wrong with what it is given, of whatever type."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import birdfast
from birdfast import audio, models
from birdfast.config import Options
from birdfast.errors import BirdfastError, ConfigError
from birdfast.pipeline import Pipeline
from birdfast.runs import How, Run
from birdfast.spectrogram import Framing, Log, LogMel, MelSpectrogram, Mfcc, Stft, Stream, mel, window_values
from birdfast.tokens import Codebook

NAN, INF = float("nan"), float("inf")
SOUND = np.zeros(8000, np.float32)
NO_NUMBER = ("1", b"1", True, None, [1], {}, 1j, NAN, np.array([1, 2]))
NO_WHOLE = (10**400, *NO_NUMBER, 1.5, INF, -1)
NO_REAL = (*NO_NUMBER, INF, -INF)
NO_FLAG = ("no", 0, 1, None, [], "true", 0.0)
NO_WORD = (5, b"x", [], {}, True, "nothing of the kind", np.array(["a", "b"]))
NO_PATH = ("a\0b", 5, b"a.wav", None, 1.5, [], {}, True)
NO_SOUND = ([0.0, 0.1], (0.0,), 5, b"a.wav", None, {}, SOUND.astype(int), SOUND.reshape(2, -1), SOUND + 1j)
NO_FRAMES = (
    "abcd",
    [["a"] * 4],
    [[1.0], [1.0, 2.0]],
    None,
    {},
    [[1j] * 4],
    [[True] * 4],
    np.zeros((2, 4), "M8[s]"),
)

OPTIONS: dict[str, tuple[Any, ...]] = {
    "min_confidence": tuple(value for value in (*NO_REAL, 1.01, -0.01) if value is not None),
    "top_k": tuple(value for value in (*NO_WHOLE, 0) if value is not None),
    "sensitivity": (*NO_REAL, 0.4),
    "overlap_s": tuple(value for value in (*NO_REAL, -1) if value is not None),
    "step_s": tuple(value for value in (*NO_REAL, 0) if value is not None),
    "shifts_s": ("0", 5, None, b"x", ["0"], [-1], [NAN], [INF], [True], [[0.0]], (0, None)),
    "tail": NO_WORD,
    "normalization": NO_WORD,
    "graft": NO_FLAG,
    "runtime": NO_WORD,
    "precision": (*NO_WORD, "bf16"),
    "channel": (0, 1.0, b"mix", None, [], True, "left"),
    "resampler": NO_WORD,
    "fmin_hz": (*NO_REAL, -1, 15_001, 15_000),
    "fmax_hz": (*NO_REAL, 0, 15_001),
    "speed": (*NO_REAL, 0, 0.009, 101),
    "keep": ("scores", 5, None, [5], ("nothing",), [[]]),
}


def wrong(values: dict[str, tuple[Any, ...]]) -> Any:
    """Give each name each of its wrong values."""
    every = [(name, value) for name, some in values.items() for value in some]
    return pytest.mark.parametrize(("name", "value"), every, ids=lambda one: str(one)[:30].replace("\n", ""))


def refused(work: Callable[[], object], *said: str) -> None:
    with pytest.raises(BirdfastError) as caught:
        work()
    for word in said:
        assert word in str(caught.value)


@wrong(OPTIONS)
def test_an_option_names_itself(name: str, value: Any) -> None:
    refused(lambda: Options(**{name: value}), name)


@wrong(OPTIONS)
def test_load_and_the_pool_take_the_same_options(name: str, value: Any, tiny: models.Model) -> None:
    refused(lambda: birdfast.load(tiny.path.parent, **{name: value}), name)
    refused(lambda: birdfast.WarmPool(tiny.path.parent, **{name: value}), name)


@pytest.mark.parametrize("value", NO_PATH, ids=str)
def test_a_model_is_a_name_or_a_path(value: Any, tiny: models.Model) -> None:
    for make in (birdfast.load, birdfast.WarmPool):
        refused(lambda make=make: make(value))  # type: ignore[misc]
        if value is not None:
            refused(lambda make=make: make(tiny.path.parent, value))  # type: ignore[misc]


def test_a_name_is_not_empty(tiny: models.Model, wav: Path, tmp_path: Path) -> None:
    for make in (birdfast.load, birdfast.WarmPool):
        for empty in ("", [""]):
            refused(lambda make=make, empty=empty: make(empty), "model: ''")  # type: ignore[misc]
        refused(lambda make=make: make(tiny.path.parent, ""), "labels: ''")  # type: ignore[misc]
    refused(lambda: birdfast.run(wav, "", output=tmp_path / "out"), "model: ''")
    refused(lambda: birdfast.run(wav, tiny.path.parent, output=""), "output: ''")
    refused(lambda: Run([str(wav)], [tiny], Options(), ""), "output: ''")
    refused(lambda: birdfast.Results(""), "folder: ''")


@pytest.mark.parametrize("value", ["birdnet-2.4", 5, None, [5], b"x"], ids=str)
def test_a_pipeline_takes_models(value: Any, tiny: models.Model) -> None:
    refused(lambda: Pipeline(value), "model")
    refused(lambda: Pipeline(tiny, value or "no options"), "options")


@wrong(
    {
        "workers": tuple(v for v in (*NO_WHOLE, 0) if v is not None),
        "file_timeout_s": ("9", True, NAN, INF, []),
    }
)
def test_the_pool_names_its_own_options(name: str, value: Any, tiny: models.Model) -> None:
    refused(lambda: birdfast.WarmPool(tiny.path.parent, **{name: value}), name)


RUNS: dict[str, tuple[Any, ...]] = {
    "kinds": ("cs", 5, None, ("nothing",), [5]),
    "workers": tuple(value for value in (*NO_WHOLE, 0) if value is not None),
    "shard": (5, b"1/2", "2/1", "", [1, 2]),
    "file_timeout_s": ("9", True, NAN, INF, 1),
    "retry": NO_FLAG,
    "force": NO_FLAG,
    "fail_fast": NO_FLAG,
    "output": NO_PATH,
}


@wrong(RUNS)
def test_a_run_names_its_options(
    name: str, value: Any, tiny: models.Model, wav: Path, tmp_path: Path
) -> None:
    how = {"output": tmp_path / "out", name: value}
    refused(lambda: birdfast.run(wav, tiny.path.parent, **how), name.removesuffix("s"))
    assert not list(tmp_path.glob("out/*.csv"))


EVALUATIONS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("results", "truth"), (*NO_PATH, "")),
    **dict.fromkeys(("output", "classes"), tuple(value for value in (*NO_PATH, "") if value is not None)),
    **dict.fromkeys(("plots", "csv_safe", "force"), NO_FLAG),
    **dict.fromkeys(("n_draws", "seed"), NO_WHOLE),
    **dict.fromkeys(("overlap_s", "precision"), (*NO_REAL, 0)),
    **dict.fromkeys(("missing", "unlisted"), (*NO_WORD, None)),
    **dict.fromkeys(("model", "name_pattern"), (5, b"x", [], True)),
    "share": (*NO_REAL, 0, 1.1),
    "truth_rows": NO_WORD,
    "threshold": ("", b"0.5", [0.5], True, NAN, INF, 1j),
}


@wrong(EVALUATIONS)
def test_an_evaluation_names_its_options(name: str, value: Any, tmp_path: Path) -> None:
    how = {"results": tmp_path, "truth": tmp_path / "truth.csv", name: value}
    refused(lambda: birdfast.evaluate(**how), name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [*NO_PATH, [b"a"], [5], [None]], ids=str)
def test_recordings_are_paths(value: Any, tiny: models.Model, tmp_path: Path) -> None:
    refused(lambda: birdfast.run(value, tiny.path.parent, output=tmp_path / "out"))


@pytest.mark.parametrize("value", [[], (), iter([]), {}, set()], ids=lambda one: type(one).__name__)
def test_recordings_are_some(value: Any, tiny: models.Model, tmp_path: Path) -> None:
    refused(lambda: birdfast.run(value, tiny.path.parent, output=tmp_path / "out"), "recordings: none; ")
    refused(lambda: birdfast.run(value, [], output=tmp_path / "out"))


@pytest.mark.parametrize("value", [True, False])
def test_a_truth_is_no_number_of_a_run(value: bool, tiny: models.Model, wav: Path, tmp_path: Path) -> None:
    numbers = ("min_confidence", "top_k", "sensitivity", "overlap_s", "step_s", "max_hours", "channel")
    for name in ("workers", "file_timeout_s", *numbers):
        how = {"output": tmp_path / "out", name: value}
        refused(lambda how=how: birdfast.run(wav, tiny.path.parent, **how), f"{name}: {value} ")  # type: ignore[misc]


def test_what_a_run_takes_is_checked_in_a_program_too(tiny: models.Model, tmp_path: Path) -> None:
    for name, value in (("n_workers", "2"), ("force", "no"), ("retry", 1), ("file_timeout_s", "9")):
        with pytest.raises(ConfigError):
            How(**{name: value})  # type: ignore[arg-type]
    refused(lambda: Run(["a.wav"], ["tiny"], Options(), tmp_path / "out"), "model")  # type: ignore[list-item]


@pytest.mark.parametrize("value", NO_SOUND, ids=lambda one: str(one)[:20])
def test_sound_is_a_path_or_mono_floats(value: Any, tiny: models.Model) -> None:
    pipeline, pool = Pipeline(tiny), birdfast.WarmPool(tiny.path.parent)
    for one in (pipeline, pool):
        for ask in (one.detect, one.score, one.embed):
            refused(lambda ask=ask: list(ask(value, 8000)))  # type: ignore[misc]


@pytest.mark.parametrize("value", [*NO_WHOLE, 0], ids=lambda one: str(one)[:20])
def test_a_rate_is_a_whole_number(value: Any, tiny: models.Model, wav: Path, tmp_path: Path) -> None:
    refused(lambda: Pipeline(tiny).detect(SOUND, value), "rate_hz")
    refused(lambda: audio.write(tmp_path / "a.wav", SOUND, value), "rate_hz")
    refused(lambda: audio.resample(SOUND, value, 8000), "from_hz")
    refused(lambda: audio.resample(SOUND, 8000, value), "to_hz")
    if not isinstance(value, float) or value != 1.5:  # a spectrogram's may be any
        refused(lambda: LogMel(value, 256, 128), "rate_hz")
        refused(lambda: mel.filters(value, 256), "rate_hz")
    if value is not None:
        refused(lambda: audio.read(wav, value), "rate_hz")
    assert not (tmp_path / "a.wav").exists()


@pytest.mark.parametrize("value", NO_PATH, ids=str)
def test_a_path_is_text_or_a_path(value: Any, tmp_path: Path) -> None:
    refused(lambda: audio.read(value))
    refused(lambda: audio.read(""), "an empty name")
    refused(lambda: audio.Recording(value))
    refused(lambda: audio.write(value, SOUND, 8000))
    refused(lambda: Codebook(np.eye(3)).save(value))
    refused(lambda: Codebook.load(value))


@pytest.mark.parametrize(
    "value", [*NO_SOUND, np.full(9, NAN), np.full(9, 1e300)], ids=lambda one: str(one)[:20]
)
def test_samples_are_finite_mono_floats(value: Any, tmp_path: Path) -> None:
    refused(lambda: audio.write(tmp_path / "a.wav", value, 8000))
    refused(lambda: audio.resample(value, 8000, 16_000))
    refused(lambda: LogMel(8000, 256, 128)(np.zeros((2, 2)) if isinstance(value, np.ndarray) else value))
    assert not (tmp_path / "a.wav").exists()


@pytest.mark.parametrize("value", [0, 1.5, b"mix", None, [], True, "left", "each"], ids=str)
def test_a_channel_is_the_mix_or_a_number(value: Any, wav: Path) -> None:
    refused(lambda: audio.read(wav, channel=value), "channel")


@pytest.mark.parametrize("value", NO_WORD, ids=str)
def test_a_resampler_is_one_of_two(value: Any) -> None:
    refused(lambda: audio.resample(SOUND, 8000, 16_000, value), "resampler")


@pytest.mark.parametrize("value", NO_FRAMES, ids=lambda one: str(one)[:20])
def test_frames_and_centroids_are_numbers(value: Any) -> None:
    book = Codebook(np.eye(4))
    refused(lambda: book.assign(value), "frames")
    refused(lambda: book.nearest(value, 1), "frames")
    refused(lambda: Codebook(value), "centroids")


@wrong({"n": (*NO_WHOLE, 0, 9), "search": NO_WORD, "cpu": (5, b"avx2", True, [], "z80")})
def test_a_codebook_names_its_options(name: str, value: Any) -> None:
    if name == "n":
        refused(lambda: Codebook(np.eye(4)).nearest(np.eye(4), value), "n: ")
    else:
        refused(lambda: Codebook(np.eye(4), **{name: value}), name)


MELS: dict[str, tuple[Any, ...]] = {
    "n_fft": NO_WHOLE,
    "hop_samples": NO_WHOLE,
    "n_mels": NO_WHOLE,
    "window": (5, b"hann", None, "triangle", [[1.0]], ["a"] * 256, {}),
    "window_samples": tuple(value for value in NO_WHOLE if value is not None),
    "fmin_hz": NO_REAL,
    "fmax_hz": tuple(value for value in NO_REAL if value is not None),
    "power": ("2", True, None, 3, [], 1.5),
    "mel_scale": (*NO_WORD, None),
    "mel_norm": NO_WORD,
    "log": NO_WORD,
    "offset": NO_REAL,
    "amin": tuple(value for value in (*NO_REAL, 0) if value is not None),
    "ref": NO_REAL,
    "top_db": tuple(value for value in (*NO_NUMBER, -1) if value is not None),
    "center": NO_FLAG,
    "pad_mode": (*NO_WORD, None),
    "matrix": (5, "abc", [["a"]], [[1.0], [1.0, 2.0]], {}),
    "definition": (*NO_WORD, None),
    "cpu": (5, b"avx2", True, [], "z80"),
}


@wrong(MELS)
def test_a_log_mel_names_its_options(name: str, value: Any) -> None:
    sizes = {"rate_hz": 8000, "n_fft": 256, "hop_samples": 128, "n_mels": 16}
    refused(lambda: LogMel(**{**sizes, "log": "db", name: value}))
    if name != "matrix":
        refused(lambda: Mfcc(**{**sizes, name: value}))


@wrong(
    {
        name: MELS[name]
        for name in ("n_fft", "hop_samples", "window", "window_samples", "center", "pad_mode", "cpu")
    }
)
def test_a_transform_names_its_options(name: str, value: Any) -> None:
    refused(lambda: Stft(**{"n_fft": 256, "hop_samples": 128, name: value}))


@wrong({"part": NO_WORD, "scale": NO_REAL, "shift": NO_REAL, "subtract_mean": NO_FLAG, "post": (5, "log")})
def test_a_spectrogram_of_tables_names_its_options(name: str, value: Any) -> None:
    refused(lambda: MelSpectrogram(np.ones(256), 256, 128, np.ones((4, 129)), **{name: value}))


@pytest.mark.parametrize("value", [*NO_WHOLE, 0, 2**40], ids=lambda one: str(one)[:20])
def test_a_window_has_a_number_of_samples(value: Any) -> None:
    for window in ("hann", np.ones(3)):
        refused(lambda window=window: window_values(window, value), "samples: ")  # type: ignore[misc]


@pytest.mark.parametrize("value", [*MELS["window"], 5.0, np.ones(2), np.ones((1, 3)), [], True], ids=str)
def test_a_windows_values_are_as_many_as_its_samples(value: Any) -> None:
    refused(lambda: window_values(value, 3), "window")


@wrong({"offset": NO_REAL, "floor": NO_REAL})
def test_a_logarithm_names_its_numbers(name: str, value: Any) -> None:
    refused(lambda: Log(**{name: value}), name)


FRAMING = Framing(4, 2, 4)


@wrong({"framing": ("256", 5, None, [], {}, Framing), "rows": ("rows", 5, None, [], np.ones(3))})
def test_a_stream_is_made_of_frames_and_what_makes_rows(name: str, value: Any) -> None:
    refused(lambda: Stream(**{"framing": FRAMING, "rows": np.ones, name: value}), f"{name}: ")


@pytest.mark.parametrize(
    "value", ["256", 5, [], {}, False, Stream(FRAMING, np.ones), Framing], ids=lambda one: type(one).__name__
)
def test_the_framing_of_a_spectrogram_is_one(value: Any) -> None:
    refused(lambda: MelSpectrogram(np.ones(4), 16, 2, np.ones((4, 9)), framing=value), "framing: ")


@pytest.mark.parametrize("value", NO_WHOLE, ids=lambda one: str(one)[:20])
def test_frames_are_counted_in_whole_numbers(value: Any) -> None:
    refused(lambda: FRAMING.count(value), "samples: ")
    refused(lambda: FRAMING.settled(value), "samples: ")
    refused(lambda: FRAMING.start(value), "frame: ")


def test_what_trains_names_its_options() -> None:
    pytest.importorskip("numba", reason="training needs birdfast[train]")
    from birdfast.train import codebook, recipe, skipgram

    for value in NO_WHOLE:
        refused(lambda value=value: skipgram.train([np.arange(3)], value))  # type: ignore[misc]
        refused(lambda value=value: codebook.fit(np.eye(4, dtype=np.float32), value), "n_centroids")  # type: ignore[misc]
        for name in ("n_iterations", "seed", "n_workers"):
            how = {name: value}
            refused(lambda how=how: codebook.fit(np.eye(4, dtype=np.float32), 2, **how), name)  # type: ignore[misc]
        for name in ("dim", "window", "negatives", "min_count", "epochs", "seed", "n_workers"):
            how = {name: value}
            refused(lambda how=how: skipgram.train([np.arange(3)], 3, **how), name)  # type: ignore[misc]
        for kind in (recipe.CodebookChoice, recipe.MixChoice, recipe.Head):
            for name in kind.__dataclass_fields__:
                real = isinstance(value, float) and value == 1.5
                if not real or name not in ("strength", "learning_rate", "noise", "decay"):
                    refused(lambda kind=kind, name=name, value=value: kind(**{name: value}), name)  # type: ignore[misc]
    for wrong_frames in NO_FRAMES:
        refused(lambda frames=wrong_frames: codebook.fit(frames, 1), "frames")  # type: ignore[misc]
