"""Jobs of whole models: a network's windows, sound in memory, sound as it comes."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from birdfast import audio, models, soundscape
from birdfast.grafting import cache

from .job import DetectJob, PushJob, WindowJob
from .sound import recording
from .timing import shortest_s

BLOCK_S = 0.01
CLIP_S, BEFORE_S = 5.0, 1.0
ALONE = "the network alone, without front end"


@pytest.fixture(scope="session")
def birdnet(is_timed: bool, tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """BirdNET V2.4; a small network with a spectrogram of its own where nothing is timed."""
    if not is_timed:
        return small_network(tmp_path_factory.mktemp("small"))
    model = models.catalogue()["birdnet-2.4"]
    if not model.found:
        pytest.skip(model.how_to_get())
    return model


@pytest.fixture(scope="session")
def stsg(is_timed: bool, tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """A model of tokens by preset best, trained on made songs; an untrained one where nothing is timed."""
    pytest.importorskip("tomli_w", reason="a model is trained: pip install '.[train]'")
    folder = tmp_path_factory.mktemp("stsg")
    if not is_timed:
        from tests import networks

        return models.find(networks.write_tokens(folder))
    command = ["train", songs(folder / "clips"), "-o", folder / "model", "--preset", "best", "--quiet"]
    subprocess.run([sys.executable, "-m", "birdfast", *map(str, command)], check=True)
    return models.find(folder / "model")


def small_network(folder: Path) -> models.Model:
    """Write a network of a tenth of a second, and its labels."""
    from tests import graphs

    kind = graphs.Kind(samples=800, n_fft=64, hop=50, bands=6)
    (folder / "small.tflite").write_bytes(graphs.network(kind))
    (folder / "labels.txt").write_text(
        "".join(f"Avis {number}_Bird {number}\n" for number in range(kind.classes))
    )
    (folder / "model.toml").write_text(f"rate_hz = 8000\nwindow_samples = {kind.samples}\n")
    return models.find(folder)


def songs(folder: Path) -> Path:
    """Write clips of five seconds with a song each, and return the table of what they are."""
    folder.mkdir()
    rows = [("file", "label")]
    for seed in range(4):
        samples, truth = soundscape.make(120.0, seed=seed)
        for number, song in enumerate(truth):
            first = max(0, round((song.start_s - BEFORE_S) * soundscape.RATE_HZ))
            name = f"{seed}_{number}.wav"
            clip = samples[first : first + round(CLIP_S * soundscape.RATE_HZ)]
            audio.write(folder / name, clip, soundscape.RATE_HZ)
            rows.append((name, song.common_name))
    table = folder / "labels.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return table


@pytest.fixture(scope="session")
def network_alone_s(birdnet: models.Model) -> dict[int, float]:
    """Seconds of the network behind its front end, by windows at a time."""
    found = {}
    for batch in (1, 4):
        grafted = cache.cached(birdnet.path, models.cache_folder(), batch=batch)
        assert grafted is not None
        session = grafted.session()
        session.front(np.zeros((batch, session.window_samples), np.float32))
        found[batch] = shortest_s(session.body)
    return found


@pytest.fixture(scope="session", params=(1, 4), ids=lambda batch: f"batch{batch}")
def network_window(
    request: pytest.FixtureRequest, birdnet: models.Model, network_alone_s: dict[int, float]
) -> WindowJob:
    """Windows of BirdNET V2.4, to logits: one, and four at once."""
    batch, (rate_hz, window_s) = request.param, window_of(birdnet)
    windows = recording(window_s * batch, rate_hz)
    return WindowJob(
        group=f"windows of {birdnet.name}: {batch} at a time",
        audio_s=window_s * batch,
        frames=batch,
        limit=ALONE,
        limit_s=network_alone_s[batch],
        model=birdnet,
        windows=windows.reshape(batch, -1),
    )


@pytest.fixture(scope="session", params=("birdnet", "stsg"))
def detect(request: pytest.FixtureRequest) -> DetectJob:
    """A window's length of sound in memory, by BirdNET V2.4 (3 s) and by a model of tokens (5 s)."""
    model = request.getfixturevalue(request.param)
    limit_s = request.getfixturevalue("network_alone_s")[1] if request.param == "birdnet" else 0.0
    rate_hz, length_s = window_of(model)
    return DetectJob(
        group=f"detect in {length_s:g} s in memory, {request.param}",
        audio_s=length_s,
        limit=ALONE if limit_s else "",
        limit_s=limit_s,
        model=model,
        named=name_of(model),
        samples=recording(length_s, rate_hz),
        rate_hz=rate_hz,
    )


def name_of(model: models.Model) -> str | Path:
    """Return what `birdfast.load` takes for a model: its name where all know it, otherwise its folder."""
    if model.name in models.catalogue():
        return model.name
    return model.path if model.path.is_dir() else model.path.parent


def window_of(model: models.Model) -> tuple[int, float]:
    """Return a model's rate, and the seconds of a window."""
    from birdfast.pipeline import Pipeline

    grid = Pipeline(model).listener().grid
    return grid.rate_hz, grid.window_samples / grid.rate_hz


@pytest.fixture(scope="session", params=("stsg", "birdnet"))
def push(request: pytest.FixtureRequest, is_timed: bool) -> PushJob:
    """Half a minute of sound as it comes, in blocks of 10 ms at the model's rate; windows back to back."""
    model = request.getfixturevalue(request.param)
    rate_hz, window_s = window_of(model)
    block_samples = round(BLOCK_S * rate_hz)
    n_blocks = round((30.0 if is_timed else window_s) / BLOCK_S)
    return PushJob(
        group=f"push of 10 ms, {request.param}",
        audio_s=BLOCK_S,
        model=model,
        named=name_of(model),
        rate_hz=rate_hz,
        blocks=recording(n_blocks * BLOCK_S, rate_hz)[: n_blocks * block_samples].reshape(n_blocks, -1),
        window_samples=round(window_s * rate_hz),
    )
