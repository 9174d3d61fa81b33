"""Make merging.csv: what BirdNET-Analyzer 2.4.0 makes of detections one after the other.

    pip install --no-deps birdnet-analyzer==2.4.0
    python -m tests.golden.make_merging

Its own `merge_consecutive_detections`, of detections drawn at random: three species, windows of 3 s. What its
module imports for sound and networks stands empty here, as that function needs none of it.
"""

from __future__ import annotations

import csv
import random
import sys
from itertools import product
from pathlib import Path
from unittest import mock

HERE = Path(__file__).parent
SPECIES = ("a", "b", "c")
STEPS_S, MOST = (3.0, 2.0, 1.0), (2, 3, 7)
Key = tuple[float, float, str]


def detections(step_s: float) -> list[tuple[float, float, str, float]]:
    """Return what is merged: start, end, species and confidence, window by window."""
    draw = random.Random(int(step_s))
    return [
        (n * step_s, n * step_s + 3.0, species, draw.randint(1, 64) / 64)
        for n in range(40)
        for species in SPECIES
        if draw.random() < 0.55
    ]


def read(step_s: float, most: int) -> dict[Key, float]:
    """Return the merged confidences by start, end and species."""
    with (HERE / "merging.csv").open(newline="", encoding="utf-8") as file:
        rows = [
            row for row in csv.DictReader(file) if (row["step_s"], row["most"]) == (str(step_s), str(most))
        ]
    return {
        (float(row["start_s"]), float(row["end_s"]), row["species"]): float(row["confidence"]) for row in rows
    }


def main() -> None:
    """Merge with the Analyzer's function."""
    others = ("audio", "model", "utils")
    with mock.patch.dict(sys.modules, {f"birdnet_analyzer.{name}": mock.MagicMock() for name in others}):
        from birdnet_analyzer.analyze.utils import merge_consecutive_detections

    with (HERE / "merging.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("step_s", "most", "start_s", "end_s", "species", "confidence"))
        for step_s, most in product(STEPS_S, MOST):
            given: dict[str, list[tuple[str, float]]] = {}
            for start_s, end_s, species, confidence in detections(step_s):
                given.setdefault(f"{start_s}-{end_s}", []).append((species, confidence))
            for span, found in merge_consecutive_detections(given, most).items():
                for species, confidence in found:
                    out.writerow((step_s, most, *span.split("-"), species, f"{confidence:.6f}"))


if __name__ == "__main__":
    main()
