"""The benchmark's peers fit a short recording, and those that are not installed are left out."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PEERS = Path(__file__).parents[1] / "bench" / "peers" / "log_mel.py"
SOUND = np.zeros(32_000, np.float32)


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    for library in ("librosa", "pyfftw"):
        monkeypatch.setitem(sys.modules, library, None)
    return runpy.run_path(str(PEERS))


def test_peers_that_are_not_installed_are_left_out(peers: dict[str, Any]) -> None:
    assert peers["log_mel_peers"](SOUND, 32_000, 2048, 2048, 512, 128) == {}


def test_bare_transforms_take_less_than_a_block(peers: dict[str, Any]) -> None:
    pytest.importorskip("scipy")
    (job,) = peers["bare_transforms"](SOUND, 2048, 2048, 512).values()
    job()
