"""Detections to tables: rows a second of every kind, beside pandas and the loops that others write them with.

    python bench/bench_tables.py [--rows 200000]

The rows are of 3-s windows of files of ten minutes, two a window, of 200 species. Medians of the CPU time of
interleaved repeats, one core, from rows in memory to a file on the disk that has its name. Wide tables and
scores have 6,522 classes: their rows are windows. Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from byturns import medians_s

from birdfast import tables
from birdfast.outcomes import Detection, row
from birdfast.tables import About, AboutModel, Names, Result

N_SPECIES, N_CLASSES, WINDOWS, A_WINDOW = 200, 6522, 200, 2
Job = Callable[[], object]


def results(n_rows: int) -> list[Result]:
    """Files whose windows have two rows each."""
    rng = np.random.default_rng(1)
    names = [(f"Avis species{number}", f"Bird number {number}") for number in range(N_SPECIES)]
    found = []
    for number in range(max(1, n_rows // (WINDOWS * A_WINDOW))):
        path = f"/data/site{number % 20:02}/2024{number:08}.wav"
        starts = 3.0 * (np.arange(WINDOWS * A_WINDOW) // A_WINDOW)
        which = rng.integers(0, N_SPECIES, len(starts)).tolist()
        scores = rng.random(len(starts), np.float32).tolist()
        rows = [
            Detection(start, start + 3.0, *names[one], score, path, "birdnet-2.4")
            for start, one, score in zip(starts.tolist(), which, scores, strict=True)
        ]
        found.append(Result(path, [rows], duration_s=600.0))
    return found


def windows(n_rows: int) -> list[Result]:
    """Windows with all scores, most of them near nothing."""
    rows = np.zeros(n_rows, row(N_CLASSES))
    rows["start_s"] = 3.0 * np.arange(n_rows)
    rows["end_s"] = rows["start_s"] + 3.0
    rows["values"] = np.random.default_rng(1).random(rows["values"].shape, np.float32) ** 8
    return [Result("/data/a.wav", [], dense={(0, "scores"): [rows]})]


def about(n_classes: int) -> About:
    """One model, of so many classes."""
    names = Names(tuple(f"Avis {n}" for n in range(n_classes)), tuple(f"Bird {n}" for n in range(n_classes)))
    return About({"model": "birdnet-2.4"}, (AboutModel("birdnet-2.4", (names,), {"scores": n_classes}),))


def write(folder: Path, kind: str, of: About, found: list[Result], base: str | None = None) -> None:
    """Write a kind of table into a folder of its own, in the place of those of before."""
    own = folder / f"{kind}{'' if base is None else ' of each file'}"
    own.mkdir(exist_ok=True)
    tables.write_all(own, [kind], of, found, base=base)


def peers(folder: Path, found: list[Result]) -> Iterator[tuple[str, Job]]:
    """What people use today, of the same rows."""
    rows = [detection for result in found for part in result.parts for detection in part]
    yield "csv.writer, row by row", partial(by_row, folder / "row.csv", rows)
    yield "birdnet's loop", partial(as_birdnet, folder / "birdnet.csv", rows)
    if find_spec("pandas"):
        import pandas

        frame = pandas.DataFrame(rows)
        yield "pandas, csv", lambda: frame.to_csv(folder / "pandas.csv", index=False)
        yield "pandas, parquet", lambda: frame.to_parquet(folder / "pandas.parquet")


def by_row(path: Path, rows: list[Detection]) -> None:
    """Write rows as most scripts do."""
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        for one in rows:
            out.writerow((one.start_s, one.end_s, *one[2:4], f"{one.confidence:.4f}", one.file))


def as_birdnet(path: Path, rows: list[Detection]) -> None:
    """Write rows as birdnet 1.3.1 does: a line is formatted, encoded to be counted, and gathered."""
    with path.open("w", encoding="utf-8") as file:
        block, size = [], 0
        for one in rows:
            line = (
                f'"{one.file}","{clock(one.start_s)}","{clock(one.end_s)}",'
                f'"{one.scientific_name}_{one.common_name}",{one.confidence:.6f}\n'
            )
            block.append(line)
            size += len(line.encode())
            if size >= 1 << 20:
                file.writelines(block)
                block, size = [], 0
        file.writelines(block)


def clock(seconds: float) -> str:
    """birdnet's way to write a time."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{int(hours):02}:{int(minutes):02}:{rest:05.2f}"


def report(title: str, medians: dict[str, float], n_rows: int) -> None:
    """Print rows a second."""
    print(f"\n{title}\n{'':32}{'rows/s':>12}{'seconds':>10}")
    for who, value in medians.items():
        print(f"{who:32}{n_rows / value:12,.0f}{value:10.3f}")


def main() -> None:
    """Time all kinds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000, help="of detections (default: %(default)s)")
    parser.add_argument("--windows", type=int, default=600, help="with all scores (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="of each job (default: %(default)s)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, found, scores = Path(name), results(chosen.rows), windows(chosen.windows)
        n_rows = sum(len(part) for result in found for part in result.parts)
        jobs: dict[str, Job] = {
            f"birdfast, {kind}": partial(write, folder, kind, about(N_SPECIES), found)
            for kind in tables.DETECTIONS
        }
        jobs |= {
            "birdfast, csv of each file": partial(write, folder, "csv", about(N_SPECIES), found, "/data"),
            **dict(peers(folder, found)),
        }
        report(
            f"{n_rows:,} detections, {len(found):,} files",
            medians_s(jobs, chosen.repeats, time.process_time),
            n_rows,
        )
        jobs = {
            f"birdfast, {kind}": partial(write, folder, kind, about(N_CLASSES), scores)
            for kind in ("wide", "scores")
        }
        if find_spec("pandas"):
            import pandas

            (rows,) = scores[0].dense[0, "scores"]
            frame = pandas.DataFrame(rows["values"])
            jobs["pandas, csv"] = lambda: frame.to_csv(folder / "wide.csv")
        title = f"{chosen.windows:,} windows, {N_CLASSES:,} classes"
        report(title, medians_s(jobs, 1, time.process_time), chosen.windows)


if __name__ == "__main__":
    main()
