"""What a recording came to: detections, dense rows, failures, as values that travel and are kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PART_BYTES = 1 << 20  # of dense rows that travel together

DETECTION = np.dtype([("start_s", "<f8"), ("end_s", "<f8"), ("class_index", "<i4"), ("confidence", "<f4")])


class Detection(NamedTuple):
    """One species in one window of one file."""

    start_s: float
    end_s: float
    scientific_name: str
    common_name: str
    confidence: float
    file: str


class Failure(NamedTuple):
    """One file that could not be analysed to its end: at which stage, and why.

    `error` is the kind (AudioError, ModelError, Timeout, or a signal as SIGKILL), `message` the reason
    in words. `bytes`, `rate_hz` and `duration_s` are what is known of the file.
    """

    path: str
    stage: str
    error: str
    message: str
    bytes: int | None = None
    rate_hz: int | None = None
    duration_s: float | None = None


class Part(NamedTuple):
    """Dense rows that go from a worker into the journal: the `number`th part of a stretch.

    `rows` are the bytes of `row`s, at most `PART_BYTES` (or one row) of them.
    """

    stretch: int
    number: int
    kind: str
    rows: bytes


@dataclass
class Outcome:
    """What became of one stretch of one file.

    `detections` is an array of `DETECTION`. Where `failure` is set, they are those before the place
    of the failure, and so are the `n_parts` of dense rows that were sent. `reading_s` and `network_s`
    are seconds of CPU time: opening, decoding and resampling, and the network with its front end.
    `notes` are remarks on the file: what was repaired in it.
    """

    n_stretches: int = 1
    n_windows: int = 0
    n_parts: int = 0
    audio_s: float = 0.0
    reading_s: float = 0.0
    network_s: float = 0.0
    failure: Failure | None = None
    notes: list[str] = field(default_factory=list)
    detections: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, DETECTION))


def row(width: int) -> np.dtype[np.void]:
    """Return the type of a dense row: start_s, end_s, and so many values."""
    return np.dtype([("start_s", "<f8"), ("end_s", "<f8"), ("values", "<f4", (width,))])
