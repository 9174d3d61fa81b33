"""Instructions of the core's kernels, as callgrind counts them: a change of 1 % either way is an error.

Times need a quiet machine, counts need none. A count belongs to its compiler: under another one than that of
bench/instructions.toml nothing is compared. Valgrind shows programs no AVX-512, so three tables are counted.
`make instructions` runs this, `make instructions-accept` writes the file anew; the commit says why it moved.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ACCEPTED = Path(__file__).with_suffix(".toml")
TABLES = ("scalar", "baseline", "avx2")
TOLERANCE = 0.01
CALLGRIND = ("valgrind", "--tool=callgrind", "--toggle-collect=measured", "--callgrind-out-file=/dev/null")


def main() -> int:
    """Count, and compare with what was accepted: exit code 1 where a count has moved."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="tests/native/count.c, compiled")
    parser.add_argument("--compiler", required=True, help="what compiled it: the first line of cc --version")
    parser.add_argument("--accept", action="store_true", help="what is counted is right from now on")
    chosen = parser.parse_args()
    compiler = chosen.compiler.partition(" ")[2]  # "12.2.0" whatever the command was called
    jobs = subprocess.run([chosen.program], capture_output=True, text=True, check=True).stdout.split()
    asked = [(job, table) for job in jobs for table in TABLES]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        found = dict(zip(asked, pool.map(lambda one: count(chosen.program, *one), asked), strict=True))
    if chosen.accept:
        ACCEPTED.write_text(as_toml(compiler, jobs, found))
        print(f"written: {ACCEPTED}")
        return 0
    accepted = tomllib.loads(ACCEPTED.read_text())
    comparable = accepted["compiler"] == compiler
    moved = show(found, accepted, comparable)
    if not comparable:
        print(f"{compiler}: nothing is compared, as {accepted['compiler']} made {ACCEPTED.name}")
    elif moved:
        print(f"{moved} moved by more than {TOLERANCE:.0%}: `make instructions-accept`, and say why")
    return int(comparable and moved > 0)


def count(program: str, job: str, table: str) -> int:
    """Return how many instructions a job takes on a table of kernels."""
    done = subprocess.run([*CALLGRIND, program, job, table], capture_output=True, text=True, check=False)
    counted = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not counted or counted[1] == "0":
        sys.exit(f"{job} on {table} is not counted: {done.stderr[-2000:]}")
    return int(counted[1])


def show(found: dict[tuple[str, str], int], accepted: dict[str, dict[str, int]], comparable: bool) -> int:
    """Print all counts beside the accepted ones, and return how many have moved; those of new jobs have."""
    moved = 0
    for (job, table), number in found.items():
        before = accepted.get(job, {}).get(table) if comparable else None
        change = number / before - 1 if before else 0.0
        wrong = comparable and (before is None or abs(number - before) > TOLERANCE * before)
        moved += wrong
        told = f"{change:+7.2%}{'  moved' if wrong else ''}" if before else "  new" * comparable
        print(f"{job:14} {table:9} {number:12,} {told}".rstrip())
    return moved


def as_toml(compiler: str, jobs: list[str], found: dict[tuple[str, str], int]) -> str:
    """Return the file of accepted counts."""
    lines = [
        "# Instructions of each job of tests/native/jobs.c: see instructions.py.",
        f'compiler = "{compiler}"',
    ]
    for job in jobs:
        lines += ["", f"[{job}]", *(f"{table} = {found[job, table]}" for table in TABLES)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
