"""Tokens of a recording: the nearest of a codebook's centroids, on every CPU table, and through faiss.

    OMP_NUM_THREADS=1 taskset -c 1 python bench/bench_tokens.py

Medians of interleaved repeats, one core, microseconds a frame. A call is one recording: 480 MFCC frames are
a minute, 1,500 patches too. faiss also gets calls as large as it likes; brute force of ours gets the same, so
that both are compared at their best. "float" is plain brute force, which the other ways of searching are
measured by. The bars are printed with what they ask for.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import token_frames
from peers import tokens as peers

from birdfast import _kernels
from birdfast.tokens import Codebook
from birdfast.train import codebook

Float32 = npt.NDArray[np.float32]
Job = Callable[[Float32], Any]

PEER_CALLS = (1_500, 6_000, 12_000)
LARGE = "float, calls of "


class Task(NamedTuple):
    """A codebook's size, how it is trained, and what is asked of the search."""

    name: str
    n_centroids: int
    n_values: int
    call_frames: int
    best_bar: float  # brute force against faiss' best call size
    call_bar: float  # brute force against faiss in calls of one recording
    way_bar: float  # the chosen way against brute force


TASKS = (
    Task("MFCC", 16_383, 20, 480, 1.3, 4.0, 3.0),
    Task("whitened patches", 2_048, 64, 1_500, 1.3, 4.0, 1.8),
    Task("whitened patches", 1_024, 128, 1_500, 1.0, 1.0, 1.0),
)


def frames_of(task: Task) -> tuple[Float32, Float32, str]:
    """Return frames to train on, frames to search, and where the sound is from."""
    if task.name == "MFCC":
        return token_frames.mfcc_frames()
    return token_frames.patch_frames(task.n_values)


def own_jobs(centroids: Float32, task: Task) -> dict[str, Job]:
    """Return our searches: brute force and the chosen way on every table, and the four nearest."""
    chosen = Codebook(centroids).search
    jobs: dict[str, Job] = {}
    for cpu in reversed(_kernels.cpu_tables()):
        for way in dict.fromkeys((chosen, "float")):
            jobs[f"{cpu}, {way}"] = assigner(Codebook(centroids, search=way, cpu=cpu), task.call_frames)
    book = Codebook(centroids)
    out = (np.empty((task.call_frames, 4), np.int32), np.empty((task.call_frames, 4), np.float32))
    jobs[f"the nearest 4, {chosen}"] = lambda frames: book.nearest(frames, 4, out=out)
    return jobs


def assigner(book: Codebook, n_frames: int) -> Job:
    """Return a job that writes tokens into an array that is there already."""
    out = np.empty(n_frames, np.int32)
    return lambda frames: book.assign(frames, out=out[: len(frames)])


def microseconds(jobs: dict[str, tuple[Job, int]], frames: Float32, repeats: int) -> dict[str, float]:
    """Return the median time a frame of each job, in calls of so many frames; they take turns."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    random = np.random.default_rng(0)
    for _ in range(repeats):
        for name, (job, n_frames) in jobs.items():
            n_frames = min(n_frames, len(frames))
            start = int(random.integers(len(frames) - n_frames + 1))
            call = frames[start : start + n_frames]
            started = perf_counter()
            job(call)
            times[name].append(1e6 * (perf_counter() - started) / n_frames)
    return {name: statistics.median(values) for name, values in times.items()}


def report(task: Task, us: dict[str, float], ways: tuple[str, str]) -> bool:
    """Print a task's table and bars; say whether all are met."""
    own, brute = (us[f"{_kernels.cpu_table()}, {way}"] for way in ways)
    for name, value in us.items():
        print(f"  {name:32}{value:9.2f} us{value / own:8.2f}x")
    at_best = min(
        value for name, value in us.items() if name.startswith((LARGE, f"{_kernels.cpu_table()}, float"))
    )
    bars = [(f"{ways[0]} against brute force", brute / own, task.way_bar)]
    if peers.available():
        calls = us[f"faiss, calls of {task.call_frames:,}"]
        best = min(value for name, value in us.items() if name.startswith("faiss"))
        bars.append(("brute force against faiss, both at their best", best / at_best, task.best_bar))
        bars.append(
            (f"brute force against faiss, calls of {task.call_frames:,}", calls / brute, task.call_bar)
        )
        bars.append((f"{ways[0]} against faiss at its best", best / own, task.best_bar))
        bars.append((f"{ways[0]} against faiss, calls of {task.call_frames:,}", calls / own, task.call_bar))
    for text, ratio, bar in bars:
        print(f"  {'met   ' if ratio >= bar else 'MISSED'}  {text}: {ratio:.2f} (bar {bar:g})")
    return all(ratio >= bar for _, ratio, bar in bars)


def search_bench(task: Task, centroids: Float32, searched: Float32, repeats: int) -> bool:
    """Time all searches of one task."""
    jobs = {name: (job, task.call_frames) for name, job in own_jobs(centroids, task).items()}
    if peers.available():
        peer = peers.search(centroids)
        for n_frames in sorted({task.call_frames, *PEER_CALLS}):
            jobs[f"faiss, calls of {n_frames:,}"] = (peer, n_frames)
        for n_frames in PEER_CALLS:
            jobs[f"{LARGE}{n_frames:,}"] = (assigner(Codebook(centroids, search="float"), n_frames), n_frames)
    ways = (Codebook(centroids).search, "float")
    print(f"  the codebook chose: {ways[0]}; tables: {', '.join(_kernels.cpu_tables())}")
    return report(task, microseconds(jobs, searched, repeats), ways)


def train_bench(task: Task, frames: Float32, n_iterations: int) -> tuple[Float32, bool]:
    """Time k-means, and compare its inertia; return the centroids, and whether it keeps up."""
    started = perf_counter()
    book = codebook.fit(frames, task.n_centroids, n_iterations=n_iterations)
    seconds = perf_counter() - started
    inertia = book.nearest(frames, 1)[1].sum(dtype=np.float64)
    print(f"  k-means of {len(frames):,} frames, {n_iterations} iterations: {seconds:.2f} s", end="")
    if not peers.available():
        print()
        return book.centroids, True
    started = perf_counter()
    theirs = Codebook(peers.kmeans(frames, task.n_centroids, n_iterations))
    their_seconds = perf_counter() - started
    ratio = inertia / theirs.nearest(frames, 1)[1].sum(dtype=np.float64)
    print(f", faiss {their_seconds:.2f} s; inertia {ratio:.3f} of faiss'")
    met = seconds <= their_seconds and ratio <= 1.01
    print(f"  {'met   ' if met else 'MISSED'}  no slower than faiss, inertia within 1 %")
    return book.centroids, met


def main() -> None:
    """Run the tasks; exit status 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15, help="of each search (%(default)s)")
    parser.add_argument("--iterations", type=int, default=10, help="of k-means (%(default)s)")
    parser.add_argument("--task", type=int, choices=range(len(TASKS)), help="one alone")
    options = parser.parse_args()
    met = []
    for task in TASKS if options.task is None else [TASKS[options.task]]:
        train, searched, source = frames_of(task)
        print(f"\n{task.n_centroids:,} x {task.n_values}, {task.name}; sound: {source}")
        centroids, kept_up = train_bench(task, train, options.iterations)
        met += [kept_up, search_bench(task, centroids, searched, options.repeats)]
    raise SystemExit(not all(met))


if __name__ == "__main__":
    main()
