"""A question asked again, beside a new run: seconds, bytes, and that the tables are the same.

    taskset -c 1 python bench/bench_again.py [--minutes 60] [--model birdnet-2.4] [--questions 3]

Whole processes, from start to last byte, in CPU time: `infer` that keeps the best scores, all or those that
it asks for, and `tables` with other thresholds. On a part of the sound each question is asked of a new run,
too, and the tables are compared byte for byte. Then one worker's work in this process: CPU time of a minute
that is heard with the scores kept, and without, by turns.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from birdfast import audio, models, soundscape
from birdfast.config import Options
from birdfast.journal import NAME
from birdfast.pipeline import Pipeline

THRESHOLDS, SENSITIVITIES = (0.01, 0.1, 0.5, 0.9), (0.5, 0.75, 1.25, 1.5)
FASTER, COSTS = 50, 0.02  # the bars
LONG_S, RATE_HZ = 600, 48_000
TURNS = 15


def main() -> int:
    """Print the figures; exit status 1 where a bar is missed, or tables differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--model", default="birdnet-2.4")
    parser.add_argument("--questions", type=int, default=8, help="that are compared with new runs")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        sound = _sound(folder / "sound", chosen.minutes)
        faster = _asked(folder, sound, chosen.model, chosen.minutes)
        same = _compared(folder, sound, chosen.model, chosen.questions)
    costs = _costs(chosen.model, sound_s=60)
    return int(faster < FASTER or not same or costs > COSTS)


def _sound(folder: Path, minutes: int) -> Path:
    """Write so many minutes of soundscape, in files of ten."""
    folder.mkdir()
    for number in range(max(1, minutes * 60 // LONG_S)):
        samples, _ = soundscape.make(min(LONG_S, minutes * 60), seed=number)
        audio.write(folder / f"{number:02d}.flac", samples, RATE_HZ)
    return folder


def _asked(folder: Path, sound: Path, model: str, minutes: int) -> float:
    """Print what runs take and keep, and what another question takes; return how much less."""
    print(f"{model}, {minutes} minutes, {len(os.sched_getaffinity(0))} core(s)")
    infer_s = {}
    for keeps in ("best", "all", "none"):
        out = folder / keeps
        infer_s[keeps] = _ran("infer", sound, "-o", out, "--model", model, "--keep-scores", keeps, "--quiet")
        with closing(sqlite3.connect(out / NAME)) as journal:
            (n_bytes,) = journal.execute("SELECT sum(length(rows)) FROM part").fetchone()
        journal_bytes = (out / NAME).stat().st_size
        print(
            f"infer --keep-scores {keeps:4}: {infer_s[keeps]:.2f} s; {n_bytes * 60 / minutes / 1e6:.3f}"
            f" MB an hour of scores, a journal of {journal_bytes / 1e6:.3f} MB"
        )
    asked_s = []
    for number, least in enumerate(THRESHOLDS[1:] * 2):
        again = ("-o", folder / "asked", "--quiet") if number % 2 else ("--quiet",)
        asked_s.append(_ran("tables", folder / "best", "--min-conf", least, *again))
    faster = infer_s["best"] / statistics.median(asked_s)
    told = ", ".join(f"{seconds:.3f}" for seconds in asked_s)
    print(f"tables: {told} s; {faster:.0f} times as fast (bar {FASTER})")
    return faster


def _compared(folder: Path, sound: Path, model: str, n_questions: int) -> bool:
    """Print whether tables asked again are those of new runs."""
    part = folder / "part"
    part.mkdir()
    (first, *_) = sorted(sound.iterdir())
    shutil.copy(first, part)
    kinds = ("--rtype", "csv,parquet,raven")
    for keeps in ("best", "all"):
        _ran("infer", part, "-o", folder / f"of-{keeps}", "--model", model, "--keep-scores", keeps, "--quiet")
    questions = [("--min-conf", least) for least in THRESHOLDS]
    if models.find(model).name.startswith("birdnet"):  # else there is no sigmoid
        questions += [("--min-conf", 0.3, "--sensitivity", one, "--top-k", 3) for one in SENSITIVITIES]
    same = True
    for number, question in enumerate(questions[:n_questions]):
        new = folder / f"new{number}"
        _ran("infer", part, "-o", new, "--model", model, *kinds, *question, "--quiet")
        tables = [path.name for path in new.iterdir() if path.name != NAME]
        found = []
        for keeps in ("best", "all"):
            again = folder / f"{keeps}{number}"
            _ran("tables", folder / f"of-{keeps}", "-o", again, *kinds, *question, "--quiet")
            found.append(all((again / name).read_bytes() == (new / name).read_bytes() for name in tables))
        n_rows = (new / "detections.csv").read_text().count("\n") - 1
        words = ["same" if one else "DIFFERENT" for one in found]
        print(f"{' '.join(map(str, question))}: {n_rows} rows; best {words[0]}, all {words[1]}")
        same = same and all(found)
    return same


def _costs(model: str, sound_s: int) -> float:
    """Print what keeping scores adds to the CPU time of hearing a minute; return the share."""
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "minute.wav"
        samples, _ = soundscape.make(sound_s, seed=0)
        audio.write(path, samples, RATE_HZ)
        found = models.find(model)
        pipelines = {keep: Pipeline(found, Options(keep=keep)) for keep in ((), ("best",))}
        took_s: dict[tuple[str, ...], list[float]] = {keep: [] for keep in pipelines}
        for turn in range(TURNS + 1):
            for keep, pipeline in sorted(pipelines.items(), reverse=bool(turn % 2)):
                began_s = time.process_time()
                pipeline.analyse(str(path))
                if turn:
                    took_s[keep].append(time.process_time() - began_s)
    ratios = [kept / without for without, kept in zip(took_s[()], took_s["best",], strict=True)]
    share = statistics.median(ratios) - 1
    each = {keep: statistics.median(seconds) for keep, seconds in took_s.items()}
    print(
        f"a minute heard: {each[()]:.3f} s of CPU without, {each['best',]:.3f} s with scores kept:"
        f" {share:+.2%} (bar {COSTS:.0%}); {TURNS} turns, {min(ratios) - 1:+.2%} to {max(ratios) - 1:+.2%}"
    )
    return share


def _ran(*command: object) -> float:
    """Run a command of birdfast's, and return its seconds of CPU time, with all that it starts.

    On one core that is what it takes where nobody else is at work; others may be.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began_s = _children_s()
    whole = [sys.executable, "-m", "birdfast", *map(str, command)]
    done = subprocess.run(whole, check=False, env=environment)
    if done.returncode not in (0, 2):
        raise SystemExit(f"{' '.join(map(str, command))}: exit code {done.returncode}")
    return _children_s() - began_s


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
