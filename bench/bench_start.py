"""The first result of a fresh process, and the memory that it takes: STSG and BirdNET, `load` and `infer`.

    python bench/bench_start.py [--before REVISION|FOLDER] [--repeats 9] [--stsg MODEL/] [--only KIND]

A process hears nine seconds of sound: a program with `birdfast.load(...).detect(path)`, or the command
`infer` into an empty folder. Told are seconds by the clock, the median and the best, which other programs
disturbed least; seconds of CPU time; and the memory at its most of the largest process, as /usr/bin/time has
it; all with the processes that it starts. Caches are warm: of networks, of compiled modules, of files.

With --before the package as it was at a revision of this repository is built in a folder of its own, or the
one that is built in a folder is taken, and both take turns. Models' tables are noise: 1,024 tokens and 128
values, as the preset `best` has them (or a MODEL/ of yours), and 16,383 and 256 ("paper").
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from birdfast import audio, modelfolder, models, soundscape
from birdfast.errors import ModelError
from birdfast.grafting import proven

HERE = Path(__file__).resolve().parents[1]
SOUND_S = 9.0
# Starts a command from a small process: a child's peak of memory is at first that of whoever starts it.
STARTER = """
import os, sys, time
began_s = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
print(time.perf_counter() - began_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
sys.exit(status != 0)
"""
LOAD = "import birdfast, sys; birdfast.load(sys.argv[1]).detect(sys.argv[2])"
SETTLED_S = proven.SETTLED_S + 5  # files of the cache are believed without being read when they are so old
CLASSES = ["Avis prima_First Bird", "Avis secunda_Second Bird", "Noise"]


class Took(NamedTuple):
    """What a process took, with those that it started."""

    clock_s: float
    cpu_s: float
    memory_mb: float


def noise(folder: Path, n_tokens: int, dim: int) -> Path:
    """Write the folder of a model that learnt nothing."""
    random = np.random.default_rng(2)
    shapes = {"centroids": (n_tokens, 20), "embeddings": (n_tokens, dim)}
    shapes |= {"layer0_weight": (len(CLASSES), dim), "layer0_bias": (len(CLASSES),)}
    arrays = {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    facts = {"title": "noise", "licence": "none", "activation": "softmax", "window_s": 5.0}
    folder.mkdir()
    modelfolder.write(
        folder, {**facts, "classes": CLASSES, "frontend": {"rate_hz": 32_000}, "pooling": {}}, arrays
    )
    return folder


def tree_of(revision: str, folder: Path) -> Path:
    """Build the package as it was at a revision, or take the folder that it is in."""
    if Path(revision).is_dir():
        return Path(revision).absolute()
    tree = folder / "before"
    subprocess.run(["git", "-C", HERE, "worktree", "add", "--detach", tree, revision], check=True)
    command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
    subprocess.run(command, cwd=tree, check=True, env={**os.environ, "PYTHONPATH": str(tree)})
    return tree


def ran(command: list[str], tree: Path, place: Path) -> Took:
    """Run a command with the package of a tree, and return what it took."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPATH": str(tree), "BIRDFAST_CACHE": str(place / "cache")}
    environment["PYTHONPYCACHEPREFIX"] = str(place / "compiled")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", STARTER, *command],
        env=environment, cwd=place, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{command[-1]}: {done.stderr}")
    return Took(*map(float, done.stdout.split()[-3:]))


def once(job: str, model: str, sound: Path, tree: Path, place: Path) -> Took:
    """Run one job in a fresh process."""
    if job == "load":
        return ran([sys.executable, "-c", LOAD, model, str(sound)], tree, place)
    shutil.rmtree(place / "out", ignore_errors=True)
    arguments = ["infer", str(sound), "--model", model, "-o", str(place / "out"), "--quiet"]
    return ran([sys.executable, "-m", "birdfast", *arguments], tree, place)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--before", metavar="REVISION|FOLDER")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--stsg", metavar="MODEL", type=Path)
    parser.add_argument("--only", choices=("stsg", "birdnet", "paper"))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trees = {"now": HERE}
        try:
            if chosen.before:
                trees = {"before": tree_of(chosen.before, folder), **trees}
            measured(chosen, folder, trees)
        finally:
            if (folder / "before").exists():
                remove = ["git", "-C", HERE, "worktree", "remove", "--force", folder / "before"]
                subprocess.run(remove, check=False)


def measured(chosen: argparse.Namespace, folder: Path, trees: dict[str, Path]) -> None:
    """Measure every job, tree by tree in turns, and tell."""
    sound = folder / "short.wav"
    audio.write(sound, soundscape.make(60.0)[0][: int(SOUND_S * soundscape.RATE_HZ)], soundscape.RATE_HZ)
    stsg = chosen.stsg or noise(folder / "stsg", 1_024, 128)
    networks = {"stsg": str(stsg.absolute()), "birdnet": "birdnet-2.4"}
    networks["paper"] = str(noise(folder / "paper", 16_383, 256))
    try:
        models.find(networks["birdnet"])
    except ModelError as error:
        print(error)
        del networks["birdnet"]
    if chosen.only:
        networks = {chosen.only: networks[chosen.only]}
    places = {tree: folder / f"place-{tree}" for tree in trees}
    jobs = [(job, model) for model in networks for job in ("load", "infer")]
    for tree, place in places.items():
        place.mkdir()
        for job, model in jobs:
            once(job, networks[model], sound, trees[tree], place)
    time.sleep(SETTLED_S)
    print(f"{'':24}{'median s':>10}{'best s':>10}{'CPU s':>10}{'MB':>8}")
    for job, model in jobs:
        took: dict[str, list[Took]] = {tree: [] for tree in trees}
        for number in range(-1, chosen.repeats):  # the first of all keeps what it learns of settled files
            for tree, place in places.items():
                one = once(job, networks[model], sound, trees[tree], place)
                took[tree] += [one] * (number >= 0)
        for tree, every in took.items():
            clock_s, cpu_s, memory_mb = np.array(every).T
            told = f"{np.median(clock_s):10.3f}{clock_s.min():10.3f}{np.median(cpu_s):10.3f}"
            print(f"{model:8} {job:6} {tree:8}{told}{memory_mb.max():8.0f}")


if __name__ == "__main__":
    main()
