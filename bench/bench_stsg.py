"""STSG: how good and how fast the presets are on soundscapes whose truth is known.

    python bench/bench_stsg.py quality CLIPS.csv WORK/
    python bench/bench_stsg.py speed WORK/ --minutes 700

`quality` trains on folds 1 to 3 and tests on soundscapes of folds 4 and 5, made in WORK/scapes where they
are missing; the models go to WORK/best and so on. The figure is the macro ROC-AUC over 5 s windows.
Beside the presets: mean and deviation of the paper's MFCCs, and logistic regression. `speed` is wall time on
all cores over the same Ogg files, start-up included: infer, and decoding alone in as many processes by turns;
the ratio is that of the medians.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundscapes
from numpy.typing import NDArray

import birdfast
from birdfast import audio, metrics
from birdfast.spectrogram import Mfcc
from birdfast.workers import usable_cores

RATE_HZ = soundscapes.RATE_HZ
PRESETS = ("best", "soundscapes", "species", "max", "paper")
TIMED = ("best", "soundscapes", "species", "max")
DECODE = """
import os, sys
import soundfile
cpu, paths = int(sys.argv[1]), sys.stdin.read().split("\\n")
os.sched_setaffinity(0, [cpu])
for path in paths:
    with soundfile.SoundFile(path) as file:
        while len(file.read(1 << 20, dtype="float32")):
            pass
"""


def quality(clips: Path, work: Path, n_minutes: int) -> None:
    """Print the macro ROC-AUC of the presets and of the baseline."""
    scapes = work / "scapes"
    if not (scapes / "truth.csv").exists():
        soundscapes.make(clips, scapes, {"4", "5"}, n_minutes, seed=0)
    with clips.open(encoding="utf-8", newline="") as file:
        kept = [row for row in csv.DictReader(file) if row["fold"] in ("1", "2", "3")]
    table = work / "kept.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "label"))
        writer.writerows(((clips.parent / row["file"]).resolve(), row["label"]) for row in kept)
    classes = sorted({row["label"] for row in kept})
    truth = _truth(scapes, classes, n_minutes)
    print(f"{len(truth)} windows of 5 s, {n_minutes} minutes")
    for preset in PRESETS:
        command = [sys.executable, "-m", "birdfast", "train", table, "-o", work / preset, "--preset", preset]
        subprocess.run([*map(str, command), "--quiet"], check=True)
        pipeline = birdfast.load(str(work / preset))
        scores = [
            pipeline.listener().confidences(scored)
            for number in range(n_minutes)
            for scored in pipeline.score(scapes / f"scape_{number:04d}.ogg")
        ]
        _print(preset, np.concatenate(scores), truth, classes)
    _print("MFCC mean + std", _baseline(kept, clips.parent, scapes, classes, n_minutes), truth, classes)


def _baseline(
    kept: list[dict[str, str]], folder: Path, scapes: Path, classes: list[str], n_minutes: int
) -> NDArray[np.float64]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    mfcc = Mfcc.of_linear_power()

    def values(sound: NDArray[np.float32]) -> NDArray[np.float32]:
        rows = mfcc(sound)
        return np.concatenate([rows.mean(axis=0), rows.std(axis=0)])

    clips = np.stack([values(audio.read(folder / row["file"], RATE_HZ)[0]) for row in kept])
    labels = [classes.index(row["label"]) for row in kept]
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(clips, labels)
    windows = [
        values(window)
        for number in range(n_minutes)
        for window in audio.read(scapes / f"scape_{number:04d}.ogg")[0].reshape(-1, 5 * RATE_HZ)
    ]
    return np.asarray(model.predict_proba(np.stack(windows)))


def _truth(scapes: Path, classes: list[str], n_minutes: int) -> NDArray[np.bool_]:
    with (scapes / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = [row["labels"].split(";") for row in csv.DictReader(file)]
    n_windows = n_minutes * soundscapes.SCAPE_S // soundscapes.WINDOW_S
    return np.array([[name in labels for name in classes] for labels in rows[:n_windows]])


def _print(name: str, scores: NDArray[np.floating], truth: NDArray[np.bool_], classes: list[str]) -> None:
    judged = metrics.judge(scores, truth, classes)
    print(f"{name:16} macro ROC-AUC {judged['macro_roc_auc']:.3f}", flush=True)


def speed(work: Path, n_minutes: int, repeats: int) -> None:
    """Print the wall time of infer beside that of decoding alone."""
    paths = [str(work / f"scapes/scape_{number:04d}.ogg") for number in range(n_minutes)]
    (work / "list.txt").write_text("\n".join(paths))
    jobs = {"decode": lambda: _decode(paths), **{name: _infer_of(work, name) for name in TIMED}}
    found: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(repeats):
        for name, job in jobs.items():
            began = time.perf_counter()
            job()
            found[name].append(time.perf_counter() - began)
            print(f"  {name:7} {found[name][-1]:7.2f} s", flush=True)
    alone = statistics.median(found["decode"])
    for name, times in found.items():
        taken = statistics.median(times)
        rate = f"{n_minutes * 60 / taken:,.0f} times real time"
        print(f"{name:7} {taken:7.2f} s  {taken / alone:.2f} of decoding  {rate}")


def _decode(paths: list[str]) -> None:
    cores = usable_cores()
    running = []
    for place, cpu in enumerate(cores):
        one = subprocess.Popen([sys.executable, "-c", DECODE, str(cpu)], stdin=subprocess.PIPE, text=True)
        assert one.stdin is not None
        one.stdin.write("\n".join(paths[place :: len(cores)]))
        one.stdin.close()
        running.append(one)
    codes = [one.wait() for one in running]
    if any(codes):
        raise SystemExit("decoding failed")


def _infer_of(work: Path, preset: str):
    def infer() -> None:
        with tempfile.TemporaryDirectory() as output:
            command = ["infer", work / "list.txt", "--model", work / preset, "-o", output, "--quiet"]
            subprocess.run([sys.executable, "-m", "birdfast", *map(str, command)], check=True)

    return infer


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(dest="part", required=True)
    part = parts.add_parser("quality")
    part.add_argument("clips", type=Path, metavar="CLIPS.csv")
    part.add_argument("work", type=Path, metavar="WORK")
    part.add_argument("--minutes", type=int, default=100, help="(default: %(default)s)")
    part = parts.add_parser("speed")
    part.add_argument("work", type=Path, metavar="WORK")
    part.add_argument("--minutes", type=int, default=700, help="(default: %(default)s)")
    part.add_argument("--repeats", type=int, default=3, help="(default: %(default)s)")
    chosen = parser.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    if chosen.part == "quality":
        quality(chosen.clips, chosen.work, chosen.minutes)
    else:
        speed(chosen.work, chosen.minutes, chosen.repeats)


if __name__ == "__main__":
    main()
