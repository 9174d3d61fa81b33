"""Files into memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from birdfast_jobs import DecodeJob
from peers.decode import PEERS

from birdfast import audio


@pytest.mark.parametrize("way", ["birdfast", *PEERS])
def test_decode(decode: DecodeJob, way: str, quoted: Callable[..., Any]) -> None:
    quoted(decode, PEERS[way](decode) if way in PEERS else lambda: audio.read(decode.path))
