"""Windows through a pretrained network, front end included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from birdfast_jobs import KERNELS, WindowJob
from peers.windows import PEERS

from birdfast import models
from birdfast.sessions import open_session


@pytest.mark.parametrize("way", [*KERNELS, *PEERS])
def test_window(
    network_window: WindowJob, way: str, quoted: Callable[..., Any], kernels: Callable[[str], None]
) -> None:
    if way in PEERS:
        call = PEERS[way](network_window)
    else:
        kernels(way)
        session = open_session(network_window.model, cache=models.cache_folder())
        call = lambda: session.run(network_window.windows)  # noqa: E731
    quoted(network_window, call)
