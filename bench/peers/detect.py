"""What is heard in sound in memory, by the package birdnet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from birdfast_jobs import DetectJob, needs

Call = Callable[[], Any]


@contextmanager
def birdnet(job: DetectJob) -> Iterator[Call]:
    """Lend a warm session of birdnet's, with as few processes as it has: one that reads, one that infers."""
    library = needs("birdnet")
    network = library.load_custom(
        "acoustic", "2.4", "tf", job.model.path, job.model.labels_path, library="litert"
    )
    options = {"top_k": None, "default_confidence_threshold": 0.25, "n_producers": 1, "n_workers": 1}
    with network.predict_session(batch_size=1, **options) as session:
        yield lambda: session.run_arrays((job.samples, job.rate_hz))
