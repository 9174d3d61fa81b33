"""The example in C says what Python says, and a model in C keeps nothing when memory fails."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import birdfast
from birdfast.runs import tokenfile
from birdfast.sessions.stsg import StsgSession

from . import tokenmodels

ROOT = Path(__file__).parents[1]
CC = shutil.which("cc") or ""
FLAGS = ["-std=c11", "-O1", f"-I{birdfast.get_include()}"]
NATIVE = ROOT / "tests" / "native"

pytest.importorskip("tomli_w", reason="a trained model's folder is written by birdfast[train]")
pytestmark = pytest.mark.skipif(not CC, reason="there is no compiler")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the programs `live` and `failing`."""
    home = tmp_path_factory.mktemp("built")
    library = f"{birdfast.get_library()}/libbirdfast.a"
    for name, source, more in (
        ("live", ROOT / "examples" / "live.c", []),
        ("failing", NATIVE / "failing_model.c", [f"@{NATIVE / 'wrapped'}"]),
    ):
        subprocess.run([CC, *FLAGS, *more, source, library, "-lm", "-o", home / name], check=True)
    return home


@pytest.mark.parametrize("shape", tokenmodels.SHAPES)
def test_the_example_prints_tokens_and_scores(built: Path, tmp_path: Path, shape: str) -> None:
    model = tokenmodels.write(tmp_path / "m", shape)
    tokenfile.export(model, tmp_path / "m.bft")
    session = StsgSession(model)
    sound = (np.random.default_rng(0).standard_normal(160_000) * 3000).astype("<i2")
    command = [built / "live", tmp_path / "m.bft", "0.4"]
    said = subprocess.run(command, input=sound.tobytes(), capture_output=True, check=True).stdout.decode()
    rows = [line.split("\t") for line in said.splitlines()]
    scores = [(start, name, np.float32(value)) for start, name, value in rows if name != "tokens"]
    meant = [
        (f"{start / session.rate_hz:.6f}", name, value)
        for start, logits, _ in session.stream(round(0.4 * session.rate_hz)).push(sound)
        for name, value in zip(tokenmodels.CLASSES, logits, strict=True)
    ]
    assert scores == meant
    first = next(list(map(int, value.split())) for _, name, value in rows if name == "tokens")
    heard = (sound[: session.window_samples] / np.float32(32768)).astype(np.float32)
    tokens = np.concatenate(list(session.tokens(iter([heard])))).tolist()
    if session.whole.pooling.loudest == 1:
        assert first == tokens
    else:
        assert set(first) <= set(tokens)
        assert 0 < len(first) < len(tokens)


def test_what_is_no_model_is_said(built: Path, tmp_path: Path) -> None:
    (tmp_path / "m.bft").write_text("nothing")
    done = subprocess.run([built / "live", tmp_path / "m.bft"], input=b"", capture_output=True, check=False)
    assert done.returncode == 1
    assert b"damaged" in done.stderr


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["no.bft"], 1, b"no.bft: cannot be read"),
        (["m.bft", "abc"], 64, b"STEP_S"),
        (["m.bft", "0"], 64, b"step"),
    ],
)
def test_what_is_wrong_is_said_of_what_it_is(
    built: Path, tmp_path: Path, given: list[str], code: int, said: bytes
) -> None:
    done = subprocess.run([built / "live", *given], input=b"", capture_output=True, cwd=tmp_path, check=False)
    assert done.returncode == code
    assert said in done.stderr


@pytest.mark.parametrize("shape", ["best", "paper", "species"])
def test_each_allocation_that_fails_is_said_and_no_push_allocates(
    built: Path, tmp_path: Path, shape: str
) -> None:
    tokenfile.export(tokenmodels.write(tmp_path / "m", shape), tmp_path / "m.bft")
    said = subprocess.run([built / "failing", tmp_path / "m.bft"], capture_output=True, check=True).stdout
    assert re.fullmatch(rb"fine after [1-9]\d+\n", said)
