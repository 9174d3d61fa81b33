"""Several networks, joined for a head: each hears a window in its own way, and their embeddings are one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from birdfast import audio, models, windows
from birdfast.__main__ import main
from birdfast.arrays import Float32
from birdfast.config import Options
from birdfast.errors import ModelError
from birdfast.models import Model, joining
from birdfast.pipeline import Pipeline
from birdfast.pipeline.lending import Backbones
from birdfast.runs import exporting
from birdfast.runs.facts import fingerprint
from birdfast.sessions import backbone, open_session
from birdfast.sessions.joined import JoinedSession
from birdfast.sessions.session import EMBEDDING

from . import commands, heads, networks

pytest.importorskip("tomli_w", reason="a trained model's folder is written by birdfast[train]")

RATE_HZ, SHORT = 16_000, 1_600  # of what is joined; a window of the short network


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return networks.write_short(tmp_path_factory.mktemp("networks") / "short")


@pytest.fixture(scope="module")
def parts(deep: Model, short: Model, stsg: Model) -> list[Model]:
    return [deep, short, stsg]


@pytest.fixture(scope="module")
def head(parts: list[Model], tmp_path_factory: pytest.TempPathFactory) -> Model:
    return models.find(heads.write_joined(tmp_path_factory.mktemp("joined") / "head", parts))


@pytest.fixture(scope="module")
def session(head: Model) -> JoinedSession:
    opened = open_session(backbone(head))
    assert isinstance(opened, JoinedSession)
    return opened


def noise(n_samples: int, seed: int = 0) -> Float32:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, n_samples).astype(np.float32)


def alone(part: Model, sounds: Float32) -> Float32:
    """What a network makes of its own windows: float32 [n, n_values]."""
    asked = open_session(part, len(part.class_names()[0]))
    return np.concatenate([asked.run(window[np.newaxis])[EMBEDDING] for window in sounds])


def test_the_window_is_the_longest_at_the_highest_rate(head: Model, session: JoinedSession) -> None:
    below = head.backbone
    assert below is not None
    assert (below.kind, below.rate_hz, below.window_samples) == ("joined", RATE_HZ, RATE_HZ // 2)
    assert session.window_samples == below.window_samples
    heard = Pipeline(head).listener().model
    assert (heard.rate_hz, heard.window_samples, heard.normalization) == (RATE_HZ, RATE_HZ // 2, "none")


def test_each_hears_what_it_would_hear_alone(parts: list[Model], session: JoinedSession) -> None:
    deep, short, stsg = parts
    sounds = np.stack([noise(RATE_HZ // 2, seed) for seed in range(3)])
    found = session.run(sounds)[EMBEDDING]
    slow = np.stack([audio.resample(sound, RATE_HZ, networks.RATE_HZ) for sound in sounds])
    tenths = alone(short, sounds.reshape(-1, SHORT)).reshape(3, 5, 4).mean(axis=1)
    meant = np.concatenate([alone(deep, slow), tenths, alone(stsg, slow)], axis=1)
    np.testing.assert_allclose(found, meant, rtol=1e-5, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(n_samples=st.integers(1, RATE_HZ // 2))
def test_silence_behind_a_recordings_end_says_nothing(
    short: Model, session: JoinedSession, n_samples: int
) -> None:
    sound = np.zeros((1, RATE_HZ // 2), np.float32)
    sound[0, :n_samples] = 0.5
    heard = sound.reshape(-1, SHORT)[: -(-n_samples // SHORT)]
    meant = alone(short, heard).mean(axis=0)
    np.testing.assert_allclose(session.run(sound)[EMBEDDING][0, 5:9], meant, rtol=1e-5, atol=1e-5)


def test_of_nothing_but_silence_all_counts(short: Model, session: JoinedSession) -> None:
    silence = np.zeros((2, RATE_HZ // 2), np.float32)
    found = session.run(silence)[EMBEDDING]
    np.testing.assert_array_equal(found[:, 5:9], alone(short, silence[:, :SHORT]))


def test_windows_that_do_not_fit_evenly_lie_from_start_to_end(deep: Model, tmp_path: Path) -> None:
    odd = networks.write_short(tmp_path / "odd", 8_000, 1_500)
    below = joining.joined([odd, deep])
    opened = JoinedSession(below, [open_session(part, 3) for part in below.parts])
    sound = noise(4_000, 7)
    cut = np.stack([sound[start : start + 1_500] for start in (0, 1_250, 2_500)])
    found = opened.run(sound[np.newaxis])[EMBEDDING][0, :4]
    np.testing.assert_allclose(found, alone(odd, cut).mean(axis=0), rtol=1e-5, atol=1e-6)


def test_each_hears_its_own_level(deep: Model, short: Model) -> None:
    level = dataclasses.replace(short, normalization="zoo")
    below = joining.joined([deep, level])
    assert below.normalization == "none"
    opened = JoinedSession(below, [open_session(part, 3) for part in below.parts])
    sound = noise(RATE_HZ // 2, 3)[np.newaxis] * np.float32(0.01)
    tenths = windows.normalize(sound.reshape(-1, SHORT), "zoo")
    meant = alone(short, tenths).mean(axis=0)
    np.testing.assert_allclose(opened.run(sound)[EMBEDDING][0, 5:], meant, rtol=1e-4, atol=1e-5)


def test_what_cannot_be_joined_is_refused(deep: Model, tiny: Model, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"tiny.tflite: a network is joined with others, not with itself"):
        joining.joined([deep, deep])
    with pytest.raises(ModelError, match="has no embedding to show"):
        below = joining.joined([deep, tiny])
        JoinedSession(below, [open_session(part, 3) for part in below.parts])
    with pytest.raises(ModelError, match="takes windows of 4000 samples, not 400"):
        below = joining.joined([deep, dataclasses.replace(tiny, window_samples=400)])
        JoinedSession(below, [open_session(part, 3) for part in below.parts])
    nameless = tmp_path / "open.onnx"
    nameless.write_bytes(b"no network")
    with pytest.raises(ModelError, match=r"open.onnx: how long its windows are is not told"):
        joining.joined([deep, Model(name="open", title="open", path=nameless)])


def test_a_networks_file_may_tell_what_it_hears(deep: Model, birdnet: Model) -> None:
    bare = Model(name="bare", title="bare", path=birdnet.path)
    below = joining.joined([deep, bare])
    assert (below.rate_hz, below.window_samples) == (48_000, 144_000)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"on": []}, r"on = \[\] does not fit; it takes a network's name or place, or a list of several"),
        ({"on": ["birdnet-2.4", 3, "x"]}, "on = .* does not fit"),
        ({"on_sha256": ["0" * 64] * 2}, "on_sha256 = .* does not fit; it takes 64 hexadecimal digits, or a"),
        ({"on_sha256": "0" * 64}, "on_sha256 = .* does not fit"),
        ({"on_sha256": ["0" * 63] * 3}, "on_sha256 = .* does not fit"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(
    parts: list[Model], tmp_path: Path, told: dict[str, object], reason: str
) -> None:
    with pytest.raises(ModelError, match=rf"model\.toml: {reason}"):
        models.find(heads.write_joined(tmp_path / "h", parts, **told))


def test_another_network_below_is_refused_by_name(parts: list[Model], tmp_path: Path) -> None:
    digests = [parts[0].sha256(), "0" * 64, parts[2].sha256()]
    model = models.find(heads.write_joined(tmp_path / "h", parts, on_sha256=digests))
    with pytest.raises(ModelError, match=r"whose SHA-256 is 000000000000..., but .*short.tiny\.tflite"):
        open_session(model)


def test_results_hang_on_each_network(head: Model, parts: list[Model]) -> None:
    digests = head.digests()
    assert len(head.files) == len(digests.every)
    assert [part.path for part in parts if part.path not in head.files] == []
    decides = fingerprint([head], Options(), [digests])
    assert [decides[f"model's backbone {n}'s file"] for n in (1, 2, 3)] == [one.sha256() for one in parts]
    assert decides["model's backbone 2's rate_hz"] == "16000"


def test_heads_on_the_same_networks_share_them(head: Model, parts: list[Model], tmp_path: Path) -> None:
    other = models.find(heads.write_joined(tmp_path / "other", parts))
    backbones = Backbones()
    first, second = (backbones.join(number, one, [2], None)[0] for number, one in enumerate((head, other)))
    assert first is second


def test_a_run_says_what_a_pipeline_says(head: Model, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    audio.write(path, noise(30_000), networks.RATE_HZ)
    meant = [row.confidence for row in Pipeline(head, Options(min_confidence=0)).detect(path)]
    assert main(["infer", str(path), "--model", str(head.path.parent), "-o", str(tmp_path / "out"), "--quiet",
                 "--min-conf", "0"]) == 0  # fmt: skip
    rows = commands.table(tmp_path / "out" / "detections.csv")
    assert [float(row["Confidence"]) for row in rows] == pytest.approx(meant, abs=1e-4)


def test_it_is_listed_with_what_it_is_on(
    head: Model, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(models.FOLDERS_VARIABLE, str(head.path.parents[1]))
    assert main(["models"]) == 0
    assert (
        f"a head on {' and '.join(head.on)} (16,000 Hz, windows of 0.5 s), 2 classes"
        in capsys.readouterr().out
    )


def test_it_is_not_exported(head: Model, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="the head is on several networks .*, which are not one graph"):
        exporting.export(head.path.parent, tmp_path / "whole.tflite")
