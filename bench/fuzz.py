"""Mutated audio files through `birdfast infer`: the run ends well, and every file is accounted for.

Changes bytes of small WAV, FLAC, Ogg, Opus, MP3, CAF, AIFF and (where ffmpeg is there) M4A files at random
places, more often in the header, cuts them, repeats a part or fills one with zeros. Ends with exit code 1 if
the run does not end with 0, 2 or 3, if a worker died, or if a file is neither analysed nor in failures.csv.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import av
import numpy as np
import soundfile

RATE_HZ = 32_000
KINDS = ("wav", "flac", "ogg", "opus", "mp3", "caf", "aiff", "m4a")


def main() -> int:
    """Run it, and print what became of the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=2000, help="of each kind")
    parser.add_argument("--kinds", default=",".join(KINDS), help="default: %(default)s")
    parser.add_argument("--model", default="birdnet-2.4")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    kinds = [kind for kind in chosen.kinds.split(",") if kind != "m4a" or shutil.which("ffmpeg")]
    with tempfile.TemporaryDirectory() as scratch:
        inputs, output = Path(scratch, "in"), Path(scratch, "out")
        inputs.mkdir()
        for kind in kinds:
            mutants(inputs, kind, chosen.files, random.Random(f"{chosen.seed} {kind}"))
        run = [sys.executable, "-m", "birdfast", "infer", str(inputs), "--model", chosen.model]
        code = subprocess.run([*run, "-o", str(output), "--quiet"], check=False).returncode
        status = [sys.executable, "-m", "birdfast", "status", str(output), "--json"]
        standing = json.loads(subprocess.run(status, capture_output=True, check=False).stdout)
        with (output / "failures.csv").open(newline="", errors="surrogateescape") as file:
            failures = list(csv.DictReader(file))
    stages = Counter(f"{failure['stage']}: {failure['error']}" for failure in failures)
    print(
        f"{', '.join(kinds)}: exit code {code}; {standing['done']} done, {standing['failed']} failed:"
        f" {dict(stages)}"
    )
    for failure in failures:
        if failure["stage"] != "audio":
            print(failure["message"])
    accounted = standing["done"] + standing["failed"] == chosen.files * len(kinds)
    alive = all(failure["stage"] in ("audio", "network") for failure in failures)
    return int(not accounted or not alive or code not in (0, 2, 3) or len(failures) != standing["failed"])


def mutants(folder: Path, kind: str, n_files: int, chance: random.Random) -> None:
    """Write mutations of one sound in one format."""
    path = folder / f"whole.{kind}"
    samples = np.random.default_rng(1).normal(0, 0.1, 2 * RATE_HZ) * np.sin(np.arange(2 * RATE_HZ) / 9_000)
    write(path, samples.astype(np.float32))
    content = path.read_bytes()
    path.unlink()
    for number in range(n_files):
        (folder / f"{number:05d}.{kind}").write_bytes(mutated(content, chance))


def write(path: Path, samples: np.ndarray) -> None:
    """Write with libsndfile, or with FFmpeg what that does not write."""
    if path.suffix == ".opus":
        soundfile.write(path, samples[: RATE_HZ // 2], 48_000, format="OGG", subtype="OPUS")
    elif path.suffix != ".m4a":
        soundfile.write(path, samples, RATE_HZ)
    else:
        with av.open(str(path), "w") as container:
            stream = container.add_stream("aac", rate=RATE_HZ, layout="mono")
            frame = av.AudioFrame.from_ndarray(samples[None], "fltp", "mono")
            frame.sample_rate = RATE_HZ
            for part in av.AudioResampler("fltp", "mono", RATE_HZ, 1024).resample(frame):
                container.mux(stream.encode(part))
            container.mux(stream.encode(None))


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Change some bytes, and cut, repeat or leave the rest."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 2, 8, 100))):
        end = min(64, len(changed)) if chance.random() < 0.5 else len(changed)
        changed[chance.randrange(end)] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
    place = chance.randrange(len(changed))
    match chance.randrange(5):
        case 0:
            return bytes(changed[:place])
        case 1:
            return bytes(changed[:place] + changed[place // 2 :])
        case 2:
            changed[place : place + 2000] = bytes(len(changed[place : place + 2000]))
    return bytes(changed)


if __name__ == "__main__":
    sys.exit(main())
