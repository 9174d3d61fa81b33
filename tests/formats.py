"""A run that tables are written of, once by us and once by other programs: see `golden/make_formats.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from birdfast.outcomes import Detection, Failure
from birdfast.tables import About, AboutModel, Names, Result

from .journals import rows_of

GOLDEN = Path(__file__).parent / "golden" / "formats"
OPTIONS = {"overlap_s": None, "step_s": None, "sensitivity": 1.0, "min_confidence": 0.1}
SPECIES = (
    ("Parus major", "Great Tit"),
    ("Turdus merula", "Eurasian Blackbird"),
    ("Strix aluco", "Tawny Owl"),
)
NAMES = Names(*zip(*SPECIES, strict=True))
ABOUT = About(
    {"model": "birdnet-2.4", "model_rate_hz": "48000", "options": json.dumps(OPTIONS)},
    (AboutModel("birdnet-2.4", (NAMES,), {"scores": 3}),),
)
# Recordings, the seconds that they last, and what is heard: start, species, confidence.
HEARD: tuple[tuple[str, float, tuple[tuple[float, int, float], ...]], ...] = (
    ("in/a/dawn.wav", 10.5, ((0.0, 0, 0.987654), (0.0, 1, 0.5), (3.0, 1, 0.123456), (9.0, 0, 0.25))),
    ("in/a/silent.wav", 6.0, ()),
    ("in/b/dämmerung.wav", 7.0, ((0.0, 2, 0.1), (3.0, 2, 1.0), (3.0, 0, 0.75))),
)
FAILED = ("in/b/cut.wav", 4.0)  # which other programs do not write of


def results(*, failed: bool = False) -> Iterator[Result]:
    """Yield what is told of each file; `failed`: of one that failed, too, before the last."""
    for number, (path, duration_s, heard) in enumerate(HEARD):
        if failed and number == len(HEARD) - 1:
            lost = Failure(FAILED[0], "audio", "AudioError", "cut short", duration_s=FAILED[1])
            yield Result(FAILED[0], [], [lost], duration_s=FAILED[1])
        yield Result(
            path,
            [rows(path, heard)],
            [],
            [],
            {(0, "scores"): [rows_of(3, 3, number)]},
            duration_s,
            duration_s,
        )


def rows(path: str, heard: tuple[tuple[float, int, float], ...]) -> list[Detection]:
    """Return detections."""
    return [
        Detection(start, start + 3.0, *SPECIES[one], confidence, path) for start, one, confidence in heard
    ]
