"""BirdNET's windows through plain LiteRT, and its body alone by other runtimes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from birdfast_jobs import WindowJob, needs

from birdfast import models
from birdfast.grafting import cache, portable
from birdfast.runtimes import litert
from birdfast.runtimes import openvino as openvino_runtime

Call = Callable[[], Any]


def litert_xnnpack(job: WindowJob) -> Call:
    """Return the network as it is, window by window as its users run it, by LiteRT with XNNPACK."""
    return _plain(job.model.path.read_bytes(), job)


def litert_plain(job: WindowJob) -> Call:
    """Return the same without XNNPACK, which is what a runtime does with an old or a refused delegate."""
    return _plain(job.model.path.read_bytes(), job, delegate=False)


def litert_optimized(job: WindowJob) -> Call:
    """Return the portable file that `birdfast optimize --portable` writes, by LiteRT with XNNPACK."""
    return _plain(portable.verified(job.model.path.read_bytes(), batch=1, tolerance=1e-3)[0], job)


def network_alone(job: WindowJob) -> Call:
    """Return what is behind the front end, by LiteRT: what windows cannot be faster than by this runtime."""
    session = _grafted(job).session()
    session.front(job.windows)
    return session.body


def openvino(job: WindowJob) -> Call:
    """Return our front end, and what is behind it by OpenVINO in float32."""
    needs("openvino")
    bare = _grafted(job).session().bare()
    feed, place = bare.feeder(), bare.places["logits"]
    request = openvino_runtime.start(bare.data, "f32")
    return lambda: openvino_runtime.run(request, feed(job.windows), [place])


def _plain(data: bytes, job: WindowJob, *, delegate: bool = True) -> Call:
    runner = litert.start(data, delegate=delegate)
    source = runner.get_input_details()[0]
    outputs = [int(runner.get_output_details()[0]["index"])]
    windows = [np.ascontiguousarray(window).reshape(source["shape"]) for window in job.windows]
    return lambda: [litert.run(runner, {int(source["index"]): window}, outputs) for window in windows]


def _grafted(job: WindowJob) -> Any:
    grafted = cache.cached(job.model.path, models.cache_folder(), batch=len(job.windows))
    assert grafted is not None, f"{job.model.path}: no front end recognised"
    return grafted


PEERS = {
    "litert": litert_xnnpack,
    "litert-without-xnnpack": litert_plain,
    "litert-optimized": litert_optimized,
    "openvino": openvino,
    "network-alone": network_alone,
}
