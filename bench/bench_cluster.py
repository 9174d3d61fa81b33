"""What other machines cost: a run handed out by an executor, beside the local pool on the same cores.

Recordings of a minute, by pairs that take turns; the processes of the shares start anew in each run.

    python bench/bench_cluster.py [--files 200] [--pairs 5] [--model birdnet-2.4]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import birdfast
from birdfast import audio
from birdfast.workers import clusters, usable_cores

RATE_HZ = 48_000


def run(folder: Path, model: str, **how: Any) -> float:
    """Return the seconds of a run."""
    with tempfile.TemporaryDirectory() as output:
        began_s = time.perf_counter()
        birdfast.run(folder, model, output=output, **how)
        return time.perf_counter() - began_s


def main() -> None:
    """Print the medians and the median of the pairs' ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--model", default="birdnet-2.4")
    parser.add_argument("--dask", action="store_true", help="a worker of Dask in place of a thread")
    chosen = parser.parse_args()
    n = len(usable_cores())
    with tempfile.TemporaryDirectory() as folder:
        random = np.random.default_rng(1)
        for number in range(chosen.files):
            sound = random.uniform(-0.1, 0.1, 60 * RATE_HZ).astype(np.float32)
            audio.write(Path(folder, f"{number:04d}.wav"), sound, RATE_HZ)
        local, there = [], []
        with clusters.opened("local:1") as dask, ThreadPoolExecutor(1) as thread:
            cluster: Any = dask if chosen.dask else (thread, 1)
            if chosen.dask:
                dask.slots()  # the cluster is there before
            for _ in range(chosen.pairs):
                local.append(run(Path(folder), chosen.model, workers=n))
                there.append(run(Path(folder), chosen.model, workers=n, cluster=cluster))
    ratios = [its / mine for its, mine in zip(there, local, strict=True)]
    print(f"{chosen.files} files of a minute, {n} worker processes, {chosen.pairs} pairs")
    print(f"local pool {statistics.median(local):.2f} s, by an executor {statistics.median(there):.2f} s")
    print(f"ratio, median of the pairs: {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
