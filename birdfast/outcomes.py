"""What a recording came to: detections, dense rows, failures, as values that travel and are kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from .arrays import Rows

PART_BYTES = 1 << 20  # of dense rows that travel together
MIX = 0  # the number that stands for the average of all channels, which count from 1

DETECTION = np.dtype(
    [
        ("start_s", "<f8"),
        ("end_s", "<f8"),
        ("channel", "<u2"),
        ("label_space", "<u2"),
        ("class_index", "<i4"),
        ("confidence", "<f4"),
    ]
)


class Detection(NamedTuple):
    """One species in one window of one file.

    Attributes
    ----------
    start_s, end_s : float
        Where the window lies, in seconds from the recording's start.
    scientific_name, common_name : str
        The same for a class that is no species.
    confidence : float, 0 to 1
    file : str
        The recording's path as it was given; "" for sound in memory.
    model : str
        The name of the model that heard it.
    channel : int
        1 is the recording's first; 0 all channels together.
    label_space : str
        What the model calls the classes that this is one of; "" where it has one label space.
    """

    start_s: float
    end_s: float
    scientific_name: str
    common_name: str
    confidence: float
    file: str
    model: str = ""
    channel: int = MIX
    label_space: str = ""


class Failure(NamedTuple):
    """One file that could not be analysed to its end: at which stage, and why.

    `error` is the kind (AudioError, ModelError, Timeout, or a signal as SIGKILL), `message` the reason
    in words. `bytes`, `rate_hz` and `duration_s` are what is known of the file: the seconds are those that it
    promises, however many of them were heard, None where it promises none. `model` is the name of the one
    that failed; "" is all of them, as when the sound cannot be read.
    """

    path: str
    stage: str
    error: str
    message: str
    bytes: int | None = None
    rate_hz: int | None = None
    duration_s: float | None = None
    model: str = ""


class Note(NamedTuple):
    """What is to be known of one file that was read: repaired, lost inside, mixed to near silence, ...

    Attributes
    ----------
    path : str
    text : str
    """

    path: str
    text: str


class Fetched(NamedTuple):
    """What of an object in a store was heard.

    `size` and `number` are its version (`versions.Version`), `head` the digest of its beginning in hex.
    """

    size: int | None
    number: int | None
    head: str


class Part(NamedTuple):
    """What is kept of windows, on its way from a worker into the journal: the `number`th part of a stretch.

    `rows` are the bytes of `row`s, or of `keeping.pack`, about `PART_BYTES` of them at most; `model` is the
    model's number.
    """

    model: int
    stretch: int
    number: int
    kind: str
    rows: bytes


@dataclass
class Heard:
    """What one model heard in one stretch of one file.

    `detections` is an array of `DETECTION`, by the rule of the run. Where the stretch failed, they are those
    before the place of the failure, and so are the `n_parts` of scores and dense rows that were sent; `kept`
    says which scores are among them (`keeping.told`). `failure` is the model's own; `network_s` are
    seconds of CPU time in the network and its front end.
    """

    model: int = 0
    n_windows: int = 0
    n_parts: int = 0
    network_s: float = 0.0
    failure: Failure | None = None
    kept: str = ""
    detections: Rows = field(default_factory=lambda: np.zeros(0, DETECTION))


@dataclass
class Outcome:
    """What became of one stretch of one file, for each model that listened.

    `failure` is the sound's or the worker's: then every model's hearing ends there. `reading_s` are seconds
    of CPU time: opening, decoding, resampling, setting levels. `notes` are remarks on the file: what was
    repaired in it, and what is lost. `decoder` says what read it, where that was not the usual one; `told` is
    what the file says of where and when it was made, as text. `rate_hz` and `duration_s` are the recording's
    own, heard or not; None where it could not be opened. `fetched` is of one that lies in a store.
    """

    stretch: int = 0
    n_stretches: int = 1
    audio_s: float = 0.0
    reading_s: float = 0.0
    failure: Failure | None = None
    notes: list[str] = field(default_factory=list)
    decoder: str = ""
    told: str | None = None
    rate_hz: int | None = None
    duration_s: float | None = None
    fetched: Fetched | None = None
    heard: list[Heard] = field(default_factory=list)

    @property
    def is_last(self) -> bool:
        """Whether the file is through with this stretch."""
        return self.stretch + 1 >= self.n_stretches

    @property
    def failures(self) -> list[Failure]:
        """The sound's failure, or those of the models."""
        if self.failure is not None:
            return [self.failure]
        return [heard.failure for heard in self.heard if heard.failure is not None]

    @property
    def n_detections(self) -> int:
        """Of all models."""
        return sum(len(heard.detections) for heard in self.heard)

    @property
    def network_s(self) -> float:
        """Of all models."""
        return sum(heard.network_s for heard in self.heard)


def noted(decoder: str | None, remarks: Iterable[str]) -> list[str]:
    """Return all that a table notes of a file: the decoder, where it was not the usual one, and remarks."""
    unusual = [f"read with {decoder.partition(' (')[0]}"] if decoder else ()  # without its version
    return [*unusual, *remarks]


def row(width: int) -> np.dtype[np.void]:
    """Return the type of a dense row: start_s, end_s, channel, and so many values."""
    return np.dtype([("start_s", "<f8"), ("end_s", "<f8"), ("channel", "<i4"), ("values", "<f4", (width,))])
