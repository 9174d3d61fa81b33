"""How good heads on networks are beside models of tokens, how fast, and how large.

    python bench/heads.py CLIPS.csv WORK/ --on birdnet-2.4 --on yamnet [--presets best soundscapes]

Each model is trained and tested by `birdfast train --cv`: for each fold of the CSV one that has not heard it,
and whose strength inner folds of all others have chosen. So nothing is chosen by what is tested. Heads are on
each network, and on all of them joined. Then the model of all clips hears them once more with one worker on
one core: seconds of sound in a second of that core's time, start-up included. Bytes are the model's own, and
those of the networks below it.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from birdfast import audio, models

KINDS = ("linear", "mlp", "ridge")


class Job(NamedTuple):
    """A model to train: what it is called, where it goes, and the options of `train`."""

    name: str
    folder: str
    how: tuple[str, ...]


def jobs(networks: Sequence[str], kinds: Sequence[str], presets: Sequence[str]) -> Iterator[Job]:
    """Yield the models: heads of one network share a folder, so that it is asked once."""
    for preset in presets:
        yield Job(f"stsg, {preset}", f"stsg-{preset}", ("--preset", preset))
    joined = [tuple(networks)] if len(networks) > 1 else []
    for below in [*((one,) for one in networks), *joined]:
        name = " and ".join(Path(one).stem if os.sep in one else one for one in below)
        on = [part for one in below for part in ("--on", one)]
        for kind in kinds:
            yield Job(f"{name}, {kind}", name.replace(" and ", "+"), (*on, "--head", kind))


def birdfast(*arguments: object, core: int | None = None) -> float:
    """Run a command, on one core if it is told, and return its CPU seconds, its children's included."""
    before, cores = resource.getrusage(resource.RUSAGE_CHILDREN), os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores if core is None else {core})
    try:
        subprocess.run([sys.executable, "-m", "birdfast", *map(str, arguments), "--quiet"], check=True)
    finally:
        os.sched_setaffinity(0, cores)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measured(job: Job, clips: Path, recordings: Sequence[Path], sound_s: float, work: Path) -> str:
    """Train and test a model, let it hear all clips, and return a line of the table."""
    folder, results = work / job.folder, work / f"results-{job.folder}"
    birdfast("train", clips, "-o", folder, *job.how, "--cv", "--force")
    judged = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    listed = work / "list.txt"
    listed.write_text("".join(f"{path}\n" for path in recordings))
    core = min(os.sched_getaffinity(0))
    heard = ("infer", listed, "--model", folder, "-o", results, "--force", "--workers", 1)
    taken_s = min(birdfast(*heard, core=core) for _ in range(2))
    own = sum(path.stat().st_size for path in (*folder.glob("*.npy"), folder / "model.toml"))
    below = sum(one.path.stat().st_size for one in models.find(folder).below)
    mean = judged["mean"]
    chosen = [
        " ".join(f"{value:g}" for value in fold["chosen"].values())
        for fold in judged["folds"]
        if "chosen" in fold
    ]
    return (
        f"| {job.name} | {mean['accuracy']:.4f} / {mean['macro_roc_auc']:.4f} | {sound_s / taken_s:,.0f} |"
        f" {own:,}{f' and {below:,}' if below else ''} | {', '.join(chosen)} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path, metavar="CLIPS.csv")
    parser.add_argument("work", type=Path, metavar="WORK")
    parser.add_argument("--on", action="append", default=[], metavar="NETWORK")
    parser.add_argument("--heads", nargs="*", choices=KINDS, default=KINDS)
    parser.add_argument("--presets", nargs="*", default=("best", "soundscapes"), metavar="PRESET")
    chosen = parser.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    with chosen.clips.open(encoding="utf-8", newline="") as file:
        recordings = [(chosen.clips.parent / row["file"]).resolve() for row in csv.DictReader(file)]
    sound_s = 0.0
    for path in recordings:
        with audio.Recording(path) as recording:
            sound_s += recording.duration_s or 0.0
    print(f"{len(recordings):,} clips, {sound_s:,.0f} s")
    print("| model | accuracy / macro ROC-AUC | times real time, one core | bytes | chosen, by fold |")
    print("|---|---|---|---|---|", flush=True)
    for job in jobs(chosen.on, chosen.heads, chosen.presets):
        print(measured(job, chosen.clips, recordings, sound_s, chosen.work), flush=True)


if __name__ == "__main__":
    main()
