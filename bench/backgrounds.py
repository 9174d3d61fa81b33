"""One kind of background to learn over, another in the test: how much of what is learnt is the background.

    python bench/backgrounds.py CLIPS.csv WORK/ --learn-over Rain --test-over Helicopter

CLIPS.csv has the columns file, label, fold. Sounds of animals and people, one in each 5 s, lie over a clip of
one class in training (`--learn`, folds) and over one of another class in the test (`--test`, other folds), at
levels and places by chance; sounds and backgrounds of a fold stay in it. Each recipe learns from the same
recordings. Printed are accuracy and macro ROC-AUC over the test's recordings.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundscapes
from numpy.typing import NDArray

import birdfast
from birdfast import audio, metrics

RATE_HZ, N = soundscapes.RATE_HZ, 5 * soundscapes.RATE_HZ
SOUNDS = ("Baby cry", "Dog bark", "Person sneeze", "Rooster")
ABOVE_DB = (-6.0, 10.0)  # of a sound over its background, root mean squares
BACKGROUND_DB = -30.0
DRAWS = 4  # of each clip, in the test

MEDIAN = 'streams = [{patch_frames = 16, less = "median"}, {patch_frames = 8, less = "median"}]\n'
VARIANTS = """variants = [
    {shift_mels = 1}, {shift_mels = -1}, {stretch = 0.92}, {stretch = 1.08}, {gain_db = -6.0}
]
"""
LOUDEST = "[pooling]\nloudest = 0.3\n"
HISTOGRAM = "[pooling]\nembedding = 0.0\nstatistics = 0.0\n"
LONG = 'streams = [{patch_frames = 16, less = "median"}, {patch_frames = 24, less = "median"}]\n'
TRIAL = 'streams = [{patch_frames = 8, less = "median"}]\n'
RECIPES = {
    "best": "",
    "less median": MEDIAN,
    "loudest 0.3": LOUDEST,
    "both": MEDIAN + LOUDEST,
    "both, variants": MEDIAN + VARIANTS + LOUDEST,
    "16 + 24, histogram, variants": LONG + VARIANTS + HISTOGRAM,
    "species: 16 + 24, loudest 0.5, ...": LONG + VARIANTS + HISTOGRAM + "loudest = 0.5\n",
    "8, loudest 0.3, histogram, variants": TRIAL + VARIANTS + HISTOGRAM + "loudest = 0.3\n",
}


def over(
    sound: NDArray[np.float32], background: NDArray[np.float32], dice: np.random.Generator
) -> np.ndarray:
    """Return 5 s: a sound at a level and a place by chance, over a background that goes round."""
    below = np.resize(np.roll(background, -int(dice.integers(len(background)))), N)
    below = below * 10 ** (BACKGROUND_DB / 20) / _level(below)
    sound = sound[:N]
    start = int(dice.integers(N - len(sound) + 1))
    gain = 10 ** ((BACKGROUND_DB + dice.uniform(*ABOVE_DB)) / 20) / _level(sound)
    below[start : start + len(sound)] += gain * sound
    return (below / max(1.0, float(np.abs(below).max()))).astype(np.float32)


def recordings(
    clips: Path, folds: str, background: str, n_draws: int, seed: int
) -> list[tuple[NDArray[np.float32], str]]:
    """Return the sounds of folds over a background of the same folds, and their labels."""
    with clips.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["fold"] in folds.split(",")]

    def read(*labels: str) -> list[tuple[NDArray[np.float32], str]]:
        of = [row for row in rows if row["label"] in labels]
        heard = [
            (soundscapes.trimmed(audio.read(clips.parent / row["file"], RATE_HZ)[0]), row["label"])
            for row in of
        ]
        return [(sound, label) for sound, label in heard if len(sound) >= soundscapes.SHORTEST_S * RATE_HZ]

    dice, below = np.random.default_rng(seed), read(background)
    sounds = read(*SOUNDS) * n_draws
    return [(over(sound, below[dice.integers(len(below))][0], dice), label) for sound, label in sounds]


def written(folder: Path, made: list[tuple[NDArray[np.float32], str]]) -> list[tuple[Path, str]]:
    """Write recordings and a table of them; return their files and labels."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, (sound, label) in enumerate(made):
        audio.write(folder / f"{number:04d}.flac", sound, RATE_HZ)
        rows.append((folder.resolve() / f"{number:04d}.flac", label))
    with (folder / "table.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("file", "label"), *rows])
    return rows


def learnt(folder: Path, table: Path, recipe: str, seed: int) -> Path:
    """Train a model by a recipe, beside what preset best has; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").write_text(recipe, encoding="utf-8")
    command = ["train", table, "-o", folder / "model", "--recipe", folder / "recipe.toml", "--seed", seed]
    command = [sys.executable, "-m", "birdfast", *map(str, command), "--quiet", "--force"]
    subprocess.run(command, check=True)
    return folder / "model"


def _level(sound: np.ndarray) -> float:
    return max(1e-9, float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path, metavar="CLIPS.csv")
    parser.add_argument("work", type=Path, metavar="WORK")
    parser.add_argument("--learn-over", default="Rain", help="(default: %(default)s)")
    parser.add_argument("--test-over", default="Helicopter", help="(default: %(default)s)")
    parser.add_argument("--learn", default="1,2,3", metavar="FOLDS", help="(default: %(default)s)")
    parser.add_argument("--test", default="4,5", metavar="FOLDS", help="(default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="(default: %(default)s)")
    chosen = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in RECIPES}
    for seed in range(chosen.seeds):
        work = chosen.work / str(seed)
        written(work / "learn", recordings(chosen.clips, chosen.learn, chosen.learn_over, 1, seed))
        tests = written(
            work / "test", recordings(chosen.clips, chosen.test, chosen.test_over, DRAWS, seed + 1000)
        )
        truth = np.array([[label == name for name in SOUNDS] for _, label in tests])
        for name, recipe in RECIPES.items():
            model = learnt(
                work / name.replace(" ", "_").replace(",", ""), work / "learn" / "table.csv", recipe, seed
            )
            pipeline = birdfast.load(str(model))
            scores = [
                pipeline.listener().confidences(one) for path, _ in tests for one in pipeline.score(path)
            ]
            judged = metrics.judge(np.concatenate(scores), truth, list(SOUNDS))
            found[name].append((judged["accuracy"], judged["macro_roc_auc"]))
    for name, figures in found.items():
        accuracy, auc = np.mean(figures, axis=0)
        spread = np.std(figures, axis=0)
        print(f"{name:42} accuracy {accuracy:.3f} +- {spread[0]:.3f}  ROC-AUC {auc:.3f} +- {spread[1]:.3f}")


if __name__ == "__main__":
    main()
