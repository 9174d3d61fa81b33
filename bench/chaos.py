"""A run whose workers and whose self are killed again and again says what an undisturbed one says.

Writes recordings, some of them damaged in ten ways, analyses them once in peace; then again, while
workers are killed (the older one first, so that none is hit twice at one file) and the whole run is
killed and started once more. Compares the tables byte by byte and looks for what stayed behind.
Ends with exit code 1 if anything differs.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import soundfile

RATE_HZ = 48_000
TABLES = ("detections.csv", "detections.parquet", "scores.parquet", "failures.csv")
NOTES = "notes.csv"


def main() -> int:
    """Run it, and print what was done and whether it holds."""
    chosen = arguments()
    chance = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        damaged = recordings(folder / "in", chosen.files, chosen.damaged, chance)
        (folder / "tmp").mkdir()
        command = [sys.executable, "-m", "birdfast", "infer", str(folder / "in"), "--model", chosen.model]
        command += [
            "--min-conf",
            "0.01",
            "--rtype",
            "csv,parquet,scores",
            "--overlap",
            str(chosen.overlap),
            "--quiet",
        ]
        subprocess.run([*command, "-o", folder / "peace", "--workers", "1"], check=False)
        done = disturb([*command, "-o", str(folder / "chaos"), "--workers", "2"], folder, chosen, chance)
        wrong = judge(folder, damaged, done["children"])
    print(
        f"{chosen.files} files, {len(damaged)} damaged; killed {done['workers']} workers, {done['runs']} runs"
    )
    print("\n".join(wrong) if wrong else "the tables are the same bytes, and nothing stayed behind")
    return bool(wrong)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--damaged", type=int, default=50)
    parser.add_argument("--worker-kills", type=int, default=20)
    parser.add_argument("--run-kills", type=int, default=10)
    parser.add_argument("--model", default="birdnet-2.4")
    parser.add_argument("--overlap", type=float, default=2.5)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def recordings(folder: Path, n_files: int, n_damaged: int, chance: random.Random) -> set[str]:
    """Write the files and return those that cannot be read to their end."""
    folder.mkdir()
    bad = set(chance.sample(range(n_files), n_damaged))
    noise = np.random.default_rng(chance.random().as_integer_ratio()[0]).uniform(-0.5, 0.5, 9 * RATE_HZ)
    names = set()
    for number in range(n_files):
        samples = np.roll(noise, number * 997)[: chance.randrange(3, 9) * RATE_HZ]
        if number in bad:
            names.add(str(damage(folder / f"{number:04d}", samples, len(names) % 10)))
        else:
            soundfile.write(folder / f"{number:04d}.flac", samples, RATE_HZ)
    return names


def damage(stem: Path, samples: np.ndarray, way: int) -> Path:
    """Write a recording that is damaged in one of ten ways."""
    suffix = ("flac", "flac", "wav", "ogg", "flac", "wav", "wav", "wav", "m4a", "wav")[way]
    path = stem.with_suffix(f".{suffix}")
    if way == 6:
        samples = samples * np.where(np.arange(len(samples)) == 70_000, np.nan, 1)
    kept = samples[:0] if way == 7 else samples
    if suffix != "m4a":
        rate_hz = 100 if way == 9 else RATE_HZ
        how = {"subtype": "FLOAT"} if way == 6 else {}
        with soundfile.SoundFile(path, "w", rate_hz, 1, **how) as file:
            for start in range(0, len(kept), 4096):
                file.write(kept[start : start + 4096])
    content = path.read_bytes() if path.exists() else b"\0\0\0\x20ftypM4A \0\0\0\0"
    half = len(content) // 2
    changed = {0: b"", 1: content[:half], 2: content[:half], 3: content[:half], 4: bytes(4) + content[4:]}
    path.write_bytes(changed.get(way, b"this is no sound" if way == 5 else content))
    return path


def disturb(command: list[str], folder: Path, chosen: argparse.Namespace, chance: random.Random) -> dict:
    """Run it to its end, killing on the way; return the kills, and all processes that were seen."""
    kills = {"workers": 0, "runs": 0, "children": {}}
    environment = {**os.environ, "TMPDIR": str(folder / "tmp")}
    for turn in range(chosen.run_kills + 1):
        run = subprocess.Popen(command, env=environment)
        of_this_turn = -(-(chosen.worker_kills - kills["workers"]) // (chosen.run_kills + 1 - turn))
        for _ in range(of_this_turn):
            kills["workers"] += kill_the_oldest(run, kills["children"], chance)
        if turn < chosen.run_kills and run.poll() is None:
            time.sleep(chance.uniform(0.05, 0.4))
            run.kill()
            kills["runs"] += 1
        run.wait()
    return kills


def kill_the_oldest(run: subprocess.Popen[bytes], seen: dict, chance: random.Random) -> int:
    """Wait until both workers had time to get ready, kill one, and return how many that were."""
    time.sleep(chance.uniform(1.0, 1.6))
    try:
        children = psutil.Process(run.pid).children()
        seen |= {child.pid: child for child in children}
        min(children, key=psutil.Process.create_time).kill()
    except (psutil.NoSuchProcess, ValueError):
        return 0
    return 1


def judge(folder: Path, damaged: set[str], children: dict[int, psutil.Process]) -> list[str]:
    """Return what is not as it has to be."""
    wrong = []
    notes = [NOTES] * (folder / "peace" / NOTES).exists()  # written if there is anything to say
    for name in (*TABLES, *notes):
        peace, chaos = (folder / kind / name for kind in ("peace", "chaos"))
        if not chaos.exists() or peace.read_bytes() != chaos.read_bytes():
            wrong.append(f"{name} differs")
    with (folder / "peace" / "failures.csv").open(newline="") as file:
        listed = {row["path"]: row["message"] for row in csv.DictReader(file)}
    if set(listed) != damaged or not all(listed.values()):
        wrong.append(f"failures.csv lacks or has too much: {sorted(set(listed) ^ damaged)}")
    names = {path.name for path in (folder / "chaos").iterdir()}
    litter = names - {*TABLES, *notes, "journal.sqlite"}
    litter |= {path.name for path in (folder / "tmp").iterdir()}
    living = [pid for pid, child in children.items() if child.is_running()]
    wrong += [f"{what} stayed behind" for what in (*sorted(litter), *living)]
    return wrong


if __name__ == "__main__":
    sys.exit(main())
