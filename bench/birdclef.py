"""BirdCLEF in small: clips to models, 700 minutes of soundscapes to submissions, and how good each is.

    python bench/birdclef.py CLIPS.csv WORK/ --on birdnet-2.4 --on YAMNET.tflite --minutes 700

Models learn from the clips of folds 1 to 3: tokens (preset soundscapes), and a head on each network.
Soundscapes are made of folds 4 and 5 (soundscapes.py). Each model makes a submission, all of them one by
ranks, and the blend goes through each step of post-processing. The figure is the macro ROC-AUC of rows of
5 s, with the interval of 95 of 100 draws of recordings; differences are of the same draws. Times are those of
`birdfast infer`, with its start; models and soundscapes that are in WORK already are taken as they are.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import soundscapes

from birdfast.metrics import bootstrap, ranking

STEPS = ("smooth", "smooth5", "top2", "power")
N_DRAWS = 1000
ENDS = range(soundscapes.WINDOW_S, soundscapes.SCAPE_S + 1, soundscapes.WINDOW_S)


def birdfast(*arguments: object) -> float:
    """Run a command, and return its seconds."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "birdfast", *map(str, arguments), "--quiet"], check=True)
    return time.perf_counter() - began


def submission(path: Path, n_minutes: int) -> np.ndarray:
    """Read a submission's scores, [n_rows, n_classes] in the order of the truth."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        found = {row[0]: [float(value) for value in row[1:]] for row in rows}
    return np.array([found[f"scape_{number:04d}_{end}"] for number in range(n_minutes) for end in ENDS])


class Judge:
    """Macro ROC-AUC with intervals over recordings; every figure is of the same draws."""

    def __init__(self, truth: np.ndarray, seed: int = 0) -> None:
        self._truth = truth
        self._bootstrap = bootstrap.Bootstrap(np.arange(len(truth)) // len(ENDS), N_DRAWS, seed)

    def __call__(self, scores: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the figure, and that of each draw."""
        classes = [index for index in range(scores.shape[1]) if self._truth[:, index].any()]
        areas = [ranking.roc_auc(scores[:, index], self._truth[:, index]) for index in classes]
        drawn = self._bootstrap.of_classes(scores[:, classes], self._truth[:, classes])
        return float(np.mean(areas)), np.nanmean([area for area, _ in drawn], axis=0)


def within(draws: np.ndarray) -> str:
    """Tell the interval of draws."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"{low:+.4f} to {high:+.4f}" if low < 0 else f"{low:.4f} to {high:.4f}"


def prepared(clips: Path, work: Path, n_minutes: int) -> tuple[list[str], np.ndarray]:
    """Make what is missing of soundscapes, clips to learn from, and a sample; return classes and truth."""
    scapes = work / "scapes"
    if not (scapes / "truth.csv").exists():
        soundscapes.make(clips, scapes, {"4", "5"}, n_minutes, seed=0)
    with clips.open(encoding="utf-8", newline="") as file:
        kept = [row for row in csv.DictReader(file) if row["fold"] in ("1", "2", "3")]
    rows = [((clips.parent / row["file"]).resolve(), row["label"], row["fold"]) for row in kept]
    classes = sorted({label for _, label, _ in rows})
    for name, table in (
        ("kept.csv", [("file", "label", "fold"), *rows]),
        ("sample.csv", [("row_id", *classes), ("scape_0000_5", *[1 / len(classes)] * len(classes))]),
    ):
        with (work / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(table)
    names = [str(scapes / f"scape_{number:04d}.ogg") for number in range(n_minutes)]
    (work / "list.txt").write_text("\n".join(names))
    with (scapes / "truth.csv").open(encoding="utf-8", newline="") as file:
        labels = {row["row_id"]: row["labels"].split(";") for row in csv.DictReader(file)}
    truth = [labels[f"scape_{number:04d}_{end}"] for number in range(n_minutes) for end in ENDS]
    return classes, np.array([[name in told for name in classes] for told in truth])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path, metavar="CLIPS.csv")
    parser.add_argument("work", type=Path, metavar="WORK")
    parser.add_argument("--on", action="append", default=[], metavar="NETWORK")
    parser.add_argument("--minutes", type=int, default=700, help="(default: %(default)s)")
    chosen = parser.parse_args()
    work = chosen.work
    work.mkdir(parents=True, exist_ok=True)
    _, truth = prepared(chosen.clips, work, chosen.minutes)
    judge = Judge(truth)
    models = {"stsg": ["--preset", "soundscapes"]}
    models |= {f"head-{Path(on).stem}": ["--on", on, "--head", "linear"] for on in chosen.on}
    for name, how in models.items():
        if not (work / name / "model.toml").exists():
            print(f"{name}: trained in {birdfast('train', work / 'kept.csv', '-o', work / name, *how):.1f} s")
    common = (work / "list.txt", "--rtype", "submission", "--sample", work / "sample.csv")
    jobs = {name: ["--model", work / name] for name in models}
    jobs["blend by rank"] = [part for job in jobs.values() for part in job] + ["--blend-by", "rank"]
    draws: dict[str, np.ndarray] = {}
    for name, how in jobs.items():
        output = work / f"submission-{name.replace(' ', '-')}"
        taken = birdfast("infer", *common, *how, "-o", output, "--force")
        figure, draws[name] = judge(submission(output / "submission.csv", chosen.minutes))
        print(f"{name:18} {figure:.4f} ({within(draws[name])})  {taken:7.1f} s", flush=True)
    blend = draws["blend by rank"]
    for name in models:
        print(f"blend less {name:18} {np.mean(blend - draws[name]):+.4f} ({within(blend - draws[name])})")
    output = work / "submission-blend-by-rank"
    for step in STEPS:
        birdfast("infer", *common, *jobs["blend by rank"], "-o", output, "--post", step)
        _, changed = judge(submission(output / "submission.csv", chosen.minutes))
        print(f"{step:18} {np.mean(changed - blend):+.4f} ({within(changed - blend)})", flush=True)


if __name__ == "__main__":
    main()
