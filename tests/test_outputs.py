"""What a network gives is looked at in every call: what it does wrong is that file's failure, and no more."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from birdfast import models, runs
from birdfast.arrays import Float32
from birdfast.config import Options
from birdfast.errors import ModelError
from birdfast.grafting.graph import Graph
from birdfast.pipeline import Pipeline, lending
from birdfast.sessions import open_session
from birdfast.sessions.session import Arrays, Session

from . import networks
from .recordings import noise, write

SOUND = noise(20_000)[:, 0]
Lie = Callable[[Arrays], object]


def fail(error: Exception) -> Lie:
    def fails(_: Arrays) -> NoReturn:
        raise error

    return fails


LIES: dict[str, tuple[Lie, str]] = {
    "a class too many": (lambda told: {"logits": np.hstack([told["logits"]] * 2)}, r"float32 \[4, 6\], not"),
    "a class too few": (lambda told: {"logits": told["logits"][:, 1:]}, r"float32 \[4, 2\], not"),
    "a window too few": (lambda told: {"logits": told["logits"][1:]}, r"float32 \[3, 3\], not"),
    "another axis": (lambda told: {"logits": told["logits"][None]}, r"float32 \[1, 4, 3\], not"),
    "another type": (
        lambda told: {"logits": told["logits"].astype(np.uint8)},
        r"uint8 \[4, 3\], not float32",
    ),
    "nothing": (lambda told: {}, r"logits are no array, not float32 \[4, 3\]"),
    "a list": (lambda told: {"logits": told["logits"].tolist()}, "logits are no array"),
    "ValueError": (fail(ValueError("shapes")), r"cannot be run \(ValueError: shapes\)"),
    "IndexError": (fail(IndexError("place")), r"cannot be run \(IndexError: place\)"),
    "RuntimeError": (fail(RuntimeError("node 3")), r"cannot be run \(RuntimeError: node 3\)"),
}


class Lying:
    """A session that says one thing and does another."""

    def __init__(self, honest: Session, lie: Lie) -> None:
        self._honest, self._lie = honest, lie
        self.window_samples, self.batch = honest.window_samples, honest.batch
        self.outputs: Mapping[str, int] = honest.outputs
        self.runtime, self.ends_in = honest.runtime, honest.ends_in
        self.ends, self.spatial_shape = honest.ends, honest.spatial_shape

    def run(self, windows: Float32) -> Arrays:
        return self._lie(self._honest.run(windows))  # type: ignore[return-value]

    def twin(self) -> Session:
        return Lying(self._honest.twin(), self._lie)


@pytest.fixture(params=LIES)
def lying(
    request: pytest.FixtureRequest, tiny: models.Model, monkeypatch: pytest.MonkeyPatch
) -> tuple[Pipeline, str]:
    """A pipeline whose network lies, and how that is told."""
    lie, reason = LIES[request.param]
    monkeypatch.setattr(lending, "open_session", lambda *how, **more: Lying(open_session(*how, **more), lie))
    return Pipeline(tiny, Options(min_confidence=0, keep=("scores",))), reason


def test_what_a_network_does_wrong_is_a_failure_of_the_file(lying: tuple[Pipeline, str], wav: Path) -> None:
    pipeline, reason = lying
    outcome = pipeline.analyse(str(wav))
    (failure,) = outcome.failures
    assert (failure.stage, failure.error) == ("network", "ModelError")
    with pytest.raises(ModelError, match=reason):
        raise ModelError(failure.message)
    assert len(outcome.heard[0].detections) == 0


def test_what_a_network_does_wrong_is_said_to_who_asks(lying: tuple[Pipeline, str], wav: Path) -> None:
    pipeline, reason = lying
    for sound in (str(wav), SOUND):
        with pytest.raises(ModelError, match=reason):
            pipeline.detect(sound, 8_000)
        with pytest.raises(ModelError, match=reason):
            list(pipeline.score(sound, 8_000))


# A worker whose network finds a class too many in the loud.
LIAR = """#!{python}
import sys
import numpy as np
from birdfast.sessions.batched import BatchedSession
from birdfast.workers.__main__ import main
run = BatchedSession.run
def lie(session, windows):
    told = run(session, windows)
    return told if abs(windows).max() < 0.5 else dict(logits=np.hstack([told["logits"]] * 2))
BatchedSession.run = lie
main(int(sys.argv[-1]))
"""


def test_a_run_goes_on_after_a_file_at_which_the_network_goes_wrong(
    tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = noise(20_000) / (4 * np.abs(noise(20_000)).max())
    paths = [str(write(tmp_path / f"{n}.wav", quiet * (3 if n == 1 else 1), 8_000)) for n in range(3)]
    python = tmp_path / "python"
    python.write_text(LIAR.format(python=sys.executable))
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    options, how = Options(min_confidence=0), runs.How(n_workers=1)
    results = runs.Run(paths, [tiny], options, tmp_path / "out", how).work()
    (failure,) = results.failures
    assert (failure.path, failure.stage) == (paths[1], "network")
    assert {row.file for row in results} == {paths[0], paths[2]}


@pytest.mark.parametrize("cached", [True, False])
def test_a_network_with_more_values_than_its_last_axis_is_refused_at_once(
    tmp_path: Path, cached: bool
) -> None:
    """Two rows of three: six classes, whatever their places are called."""
    graph = Graph.parse(networks.tflite(networks.weights(6)))
    shape = graph.new_constant("shape", np.array([1, 2, 3], np.int32))
    rows = graph.new_tensor("rows", [1, 2, 3])
    graph.operators.append(graph.new_operator("RESHAPE", [graph.outputs[0], shape], [rows]))
    graph.main.outputs = np.array([rows], np.int32)
    path = tmp_path / "rows.tflite"
    path.write_bytes(graph.write())
    with pytest.raises(ModelError, match=r"its scores are rows float32 \[1, 2, 3\]"):
        open_session(networks.described(path), 3, tmp_path / "cache" if cached else None)
