"""Many small files: what a run's driver does for each, by stages, without the sound.

    python bench/bench_million.py [--files 10000 100000] [--shares 2] [--folder DIR]

For each number of files, in a process of its own: the files are found in a tree of folders (hard links to
one) and in a list, a new run's journal plans them, takes two detections of each, plans them once more
(nothing is left), writes detections.csv and .parquet, and shares of it are merged. Printed are seconds
of CPU by stage, what they are a file, and the process's peak of resident memory after each. A stage is
linear where the time a file stays.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from birdfast import inputs
from birdfast.journal import Facts, Journal
from birdfast.outcomes import DETECTION, Heard, Outcome, Part
from birdfast.runs import How, results, retelling, shards
from birdfast.runs.answers import Answers
from birdfast.runs.merging import merge
from birdfast.scores import keeping
from birdfast.tables import About, AboutModel, Names

A_FOLDER = 1000
NAMES = Names(("Avis", "Engine"), ("Bird", "Engine"))
FACTS = Facts({"model": "none"}, About({"model": "none"}, (AboutModel("none", (NAMES,)),)))
KEEPING = [keeping.Keeping("none")]


@contextmanager
def stage(name: str, n_files: int) -> Iterator[None]:
    """Time what is done within it."""
    began_s = time.process_time()
    yield
    cpu_s = time.process_time() - began_s
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    each_us = 1e6 * cpu_s / n_files
    print(f"{n_files:9,} {name:14} {cpu_s:8.2f} s {each_us:8.1f} us a file {peak:7.0f} MB", flush=True)


def tree(folder: Path, n_files: int) -> Path:
    """Make so many files that are there in a thousand a folder; each is a hard link of the first there."""
    place = folder / f"tree{n_files}"
    for first in range(0, n_files, A_FOLDER) if not place.exists() else ():
        below = place / f"{first // A_FOLDER:04d}"
        below.mkdir(parents=True)
        one = below / "000.wav"
        one.write_bytes(b"RIFF")
        for number in range(1, min(A_FOLDER, n_files - first)):
            (below / f"{number:03d}.wav").hardlink_to(one)
    return place


def hear(journal: Journal, path: str) -> None:
    """Hand over what a minute of sound might come to."""
    found = np.zeros(2, DETECTION)
    found["start_s"] = 0, 3
    some = keeping.kept(np.array([0.0, 3.0]), 3.0, 0, [np.array([[0.9, 0.1]] * 2, np.float32)], KEEPING)
    journal.keep(path, Part(0, 0, 0, keeping.KIND, keeping.pack(some, 2)))
    heard = Heard(0, found, n_parts=1, kept=keeping.told(KEEPING))
    journal.add(path, Outcome(audio_s=6.0, heard=[heard]))


def run(folder: Path, n_files: int, n_shares: int) -> None:
    """Go through the stages."""
    place = tree(folder, n_files)
    with stage("find", n_files):
        paths = inputs.find([place])
    listed = folder / f"{n_files}.txt"
    listed.write_text("".join(f"{path}\n" for path in paths))
    with stage("find in a list", n_files):
        assert len(inputs.find([listed])) == n_files
    with stage("home", n_files):
        inputs.base([place], paths)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        out = Path(scratch)
        with Journal(out, FACTS) as journal:
            with stage("plan", n_files):
                journal.plan(paths, range(len(paths)))
            with stage("hear", n_files):
                for path in paths:
                    hear(journal, path)
        with stage("open", n_files):
            opened = Journal(out, FACTS)
        with opened as journal:
            with stage("plan again", n_files):
                assert not journal.plan(paths, range(len(paths)))
            with stage("tables", n_files):
                answers, counts = Answers(journal), list[tuple[int, int, int]]()

                def again() -> Iterator[results.Result]:
                    return results.results(answers, count=counts.append)

                how = How(kinds=("csv", "parquet"))
                retelling.write([answers], again, out, how, None, None, print, print)
            with stage("count", n_files):
                journal.count(counts)
        parts = [out / f"{number:04d}" for number in range(1, n_shares + 1)]
        with stage(f"{n_shares:,} shares", n_files):
            for number, part in enumerate(parts, 1):
                part.mkdir()
                shard = shards.Shard(number, n_shares)
                own = shards.share(paths, shard)
                facts = FACTS._replace(shard=str(shard), inputs=shards.digest(paths))
                with Journal(part, facts) as journal:
                    journal.plan([paths[one] for one in own], own)
                    for one in own:
                        hear(journal, paths[one])
        with stage("merge", n_files):
            merge(parts, out / "all", ("csv", "parquet"))
        same = [(one / "detections.csv").read_bytes() for one in (out, out / "all")]
        assert same[0] == same[1]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", nargs="+", type=int, default=[10_000, 100_000])
    parser.add_argument("--shares", type=int, default=2, help="that are merged")
    parser.add_argument("--folder", type=Path, help="where the files are made, and stay for another time")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.folder or Path(scratch)
        for n_files in chosen.files:
            how = (folder, n_files, chosen.shares)
            process = multiprocessing.get_context("spawn").Process(target=run, args=how)
            process.start()
            process.join()


if __name__ == "__main__":
    main()
