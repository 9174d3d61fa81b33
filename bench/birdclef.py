"""BirdCLEF in small: clips to models, 700 minutes of soundscapes to submissions, and how good each is.

    python bench/birdclef.py CLIPS.csv WORK/ --on birdnet-2.4 --on YAMNET.tflite --minutes 700

Models learn from the clips of folds 1 to 3: tokens (preset soundscapes), and a head on each network.
Soundscapes are made of folds 4 and 5 (soundscapes.py), which choose nothing: no two are alike, and each is of
one of 8 groups of clips. Each model makes a submission, and all of them one by ranks; then each of these goes
through each step of post-processing, with the numbers that the steps have by themselves.

The figure is the macro ROC-AUC of rows of 5 s. Its interval is that of 95 of 100 draws: of soundscapes, which
tells what other mixes of the same clips would bring, and of groups, which tells (roughly, as they are few)
what other clips would. Differences are of the same draws. Times are those of `birdfast infer` with its start,
on --workers cores; models and soundscapes that are in WORK already are taken as they are.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundscapes

from birdfast.metrics import bootstrap, ranking

STEPS = ("smooth", "smooth5", "top2", "power")
N_DRAWS, N_GROUPS = 1000, 8
ENDS = range(soundscapes.WINDOW_S, soundscapes.SCAPE_S + 1, soundscapes.WINDOW_S)
BLEND = "blend by rank"


class Took(NamedTuple):
    """The seconds of a command: by the clock, and of the CPU, which other work makes little longer."""

    clock_s: float
    cpu_s: float

    def __str__(self) -> str:
        return f"{self.clock_s:.1f} s ({self.cpu_s:.1f} s of CPU)"


def birdfast(*arguments: object) -> Took:
    """Run a command, and return how long it took."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "birdfast", *map(str, arguments), "--quiet"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(time.perf_counter() - began, cpu_s)


def submission(path: Path, n_minutes: int) -> np.ndarray:
    """Read a submission's scores, [n_rows, n_classes] in the order of the truth."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        found = {row[0]: [float(value) for value in row[1:]] for row in rows}
    return np.array([found[f"scape_{number:04d}_{end}"] for number in range(n_minutes) for end in ENDS])


class Figure(NamedTuple):
    """A figure, and what it is in each draw: of soundscapes, and of groups of clips."""

    value: float
    draws: tuple[np.ndarray, np.ndarray]

    def __sub__(self, other: Figure) -> Figure:
        pairs = zip(self.draws, other.draws, strict=True)
        one, more = (mine - its for mine, its in pairs)
        return Figure(self.value - other.value, (one, more))

    def intervals(self) -> list[bootstrap.Interval]:
        return [bootstrap.interval(draws) for draws in self.draws]


class Judge:
    """Macro ROC-AUC over the classes that occur; every figure is of the same draws."""

    def __init__(self, truth: np.ndarray, seed: int = 0) -> None:
        self._truth, scapes = truth, np.arange(len(truth)) // len(ENDS)
        self._draws = [bootstrap.Bootstrap(one, N_DRAWS, seed) for one in (scapes, scapes % N_GROUPS)]

    def __call__(self, scores: np.ndarray) -> Figure:
        """Return the figure of a submission."""
        classes = [index for index in range(scores.shape[1]) if self._truth[:, index].any()]
        areas = [ranking.roc_auc(scores[:, index], self._truth[:, index]) for index in classes]
        one, more = (
            np.nanmean(
                [area for area, _ in draws.of_classes(scores[:, classes], self._truth[:, classes])], axis=0
            )
            for draws in self._draws
        )
        return Figure(float(np.mean(areas)), (one, more))


def prepared(clips: Path, work: Path, n_minutes: int) -> np.ndarray:
    """Make what is missing of soundscapes, clips to learn from, and a sample; return the truth."""
    scapes = work / "scapes"
    if not (scapes / "truth.csv").exists():
        soundscapes.make(clips, scapes, {"4", "5"}, n_minutes, seed=0, n_groups=N_GROUPS)
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
    return np.array([[name in told for name in classes] for told in truth])


def trained(work: Path, networks: list[str]) -> dict[str, list[object]]:
    """Train the models that are missing; return what `infer` is told to take each."""
    models: dict[str, list[object]] = {"stsg": ["--preset", "soundscapes"]}
    for on in networks:
        title = Path(on).name.removesuffix(".tflite").removesuffix(".onnx")
        models[f"head-{title}"] = ["--on", on, "--head", "linear"]
    for name, how in models.items():
        if not (work / name / "model.toml").exists():
            print(f"{name}: trained in {birdfast('train', work / 'kept.csv', '-o', work / name, *how)}")
    return {name: ["--model", work / name] for name in models}


def told(title: str, figure: Figure, more: str = "", *, signed: bool = False) -> dict[str, object]:
    """Print a figure with its intervals, and return them."""
    sign = "+" if signed else ""
    one, other = (f"{low:{sign}.4f} to {high:{sign}.4f}" for low, high in figure.intervals())
    print(f"{title:30} {figure.value:{sign}.4f}  {one:20} {other:20} {more}", flush=True)
    return {"what": title, "figure": figure.value, "of_soundscapes_and_of_clips": figure.intervals()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path, metavar="CLIPS.csv")
    parser.add_argument("work", type=Path, metavar="WORK")
    parser.add_argument("--on", action="append", default=[], metavar="NETWORK")
    parser.add_argument("--minutes", type=int, default=700, help="(default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="(default: %(default)s)")
    chosen = parser.parse_args()
    work = chosen.work
    work.mkdir(parents=True, exist_ok=True)
    judge = Judge(prepared(chosen.clips, work, chosen.minutes))
    jobs = trained(work, chosen.on)
    jobs[BLEND] = [part for job in jobs.values() for part in job] + ["--blend-by", "rank"]
    common = (work / "list.txt", "--rtype", "submission", "--sample", work / "sample.csv")
    common += ("--workers", chosen.workers)
    figures: dict[str, Figure] = {}
    rows = []
    print(f"{'macro ROC-AUC':30} {'':7} {'95 % of soundscapes':20} {'95 % of clips':20}")
    for name, how in jobs.items():
        output = work / f"submission-{name.replace(' ', '-')}"
        taken = birdfast("infer", *common, *how, "-o", output, "--force")
        figures[name] = judge(submission(output / "submission.csv", chosen.minutes))
        rows.append({**told(name, figures[name], str(taken)), "seconds": taken})
    for name in [name for name in jobs if name != BLEND]:
        rows.append(told(f"{BLEND} less {name}", figures[BLEND] - figures[name], signed=True))
    for name, how in jobs.items():
        output = work / f"submission-{name.replace(' ', '-')}"
        for step in STEPS:
            birdfast("infer", *common, *how, "-o", output, "--post", step)
            changed = judge(submission(output / "submission.csv", chosen.minutes))
            rows.append(told(f"{name}, {step}", changed - figures[name], signed=True))
    (work / "birdclef.json").write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
