"""Make faults on purpose, one at a time, and see that the tests see them.

Each fault of mutants.toml is made in a copy of the project, and the tests that are named beside it are run:
one of them has to fail. Before that all of these tests have to pass. Ends with exit code 1 where a fault is
not seen that is not named as one that nobody can see, and under CI=true where its tests are skipped.

    python -m tests.mutants                    all of them
    python -m tests.mutants journal "score"    those of such an area, or with these words in their names
    python -m tests.mutants --sample 30 --seed COMMIT    so many of each commit's own, and always the same
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from . import Mutant, listed
from .tree import Tree

CAUGHT, SURVIVED, EQUIVALENT, SKIPPED = "caught", "survived", "equivalent", "not tried"
WRONG = "wrong"  # in the list: what cannot be compiled, is not there, or is named equivalent and is seen


def main() -> int:
    """Run them, and print what came of each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--trust", action="store_true", help="that all tests pass without a fault")
    parser.add_argument("--sample", type=int, metavar="N", help="so many of them; default: all")
    parser.add_argument("--seed", default="", help="what decides which: a commit, so that others have others")
    asked = parser.parse_args()
    words = asked.words
    meant = [one for one in listed() if not words or any(word in f"{one.area}: {one.name}" for word in words)]
    chosen = sampled(meant, asked.sample, asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        return _all(Tree(Path(folder)), chosen, trust=asked.trust)


def sampled(mutants: Sequence[Mutant], n: int | None, seed: str) -> list[Mutant]:
    """Return n of some mutants in their order, or all; a seed decides which, and never how many there are."""
    drawn = sorted(mutants, key=lambda one: hashlib.sha256(f"{seed}: {one.name}".encode()).digest())[:n]
    return [one for one in mutants if one in drawn]


def _all(tree: Tree, chosen: Sequence[Mutant], *, trust: bool) -> int:
    began = time.monotonic()
    if not trust:
        tests = dict.fromkeys(test for mutant in chosen for test in mutant.tests)
        passed, said = tree.tested([*tests])
        print(f"{time.monotonic() - began:6.1f} s  {len(tests)} tests without a fault", flush=True)
        if passed is False:
            print(said[-5000:])
            return 1
    counts = Counter[str]()
    for mutant in chosen:
        started = time.monotonic()
        what, why = _tried(tree, mutant)
        counts[what] += 1
        told = f"{time.monotonic() - started:6.1f} s  {what:10}  {mutant.area}: {mutant.name}"
        print(f"{told}{why and f' ({why})'}", flush=True)
    print(", ".join(f"{counts[what]} {what}" for what in (CAUGHT, SURVIVED, EQUIVALENT)), end="")
    print("".join(f", {counts[what]} {what}" for what in (SKIPPED, WRONG) if counts[what]), end="")
    print(f", {time.monotonic() - began:.0f} s")
    is_missing = counts[SKIPPED] and os.environ.get("CI") == "true"
    return bool(counts[SURVIVED] or counts[WRONG] or is_missing)


def _tried(tree: Tree, mutant: Mutant) -> tuple[str, str]:
    try:
        with tree.broken(mutant):
            passed, _ = tree.tested(mutant.tests)
    except ValueError as error:
        return WRONG, str(error).strip()
    except subprocess.CalledProcessError as error:
        return WRONG, error.stderr[-1000:]
    if passed is None:
        return SKIPPED, "its tests are skipped here"
    if mutant.equivalent:
        return (EQUIVALENT, mutant.equivalent) if passed else (WRONG, "is named equivalent, and is seen")
    return (SURVIVED, "") if passed else (CAUGHT, "")


if __name__ == "__main__":
    sys.exit(main())
