"""Readers of what strangers wrote, fuzzed under coverage (atheris, the extra [fuzz]): `python bench/fuzzing`.

Each target of targets.py has a share of the seconds, begins with tests/corpus/NAME, and goes on with what
earlier runs found worth keeping in build/fuzzing/NAME. Prints a row for each, and what broke it; ends with
exit code 1 then. What broke a target is in build/fuzzing, too: mend it, and keep the file as
tests/corpus/NAME/found-WHAT, which the tests replay.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from targets import TARGETS, Target

PROJECT = Path(__file__).parents[2]
CORPUS, KEPT = PROJECT / "tests" / "corpus", PROJECT / "build" / "fuzzing"
SLOWEST_S, MOST_MB = 10, 1024  # for one input, of the whole process
ROW = "{:<12} {:>11} {:>9} {:>8} {:>7}  {}"
DONE, NEW = re.compile(r"^Done (\d+) runs|^#(\d+)\s", re.M), re.compile(r"^#.*\sft: (\d+) corp: (\d+)/", re.M)
BROKE = re.compile(r"^ === Uncaught Python exception: ===\n(.*)|^==\d+== ?(ERROR.*)", re.M)


def main() -> int:
    """Run them, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGETS)}; default: all")
    parser.add_argument("--seconds", type=float, default=60, help="for all together (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="at a time")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    names = chosen.targets or [*TARGETS]
    seconds = max(1, round(chosen.seconds * chosen.jobs / len(names)))
    print(ROW.format("target", "executions", "features", "corpus", "seconds", "what broke it"), flush=True)
    with ThreadPoolExecutor(chosen.jobs) as threads:
        return int(any([*threads.map(lambda name: fuzz(name, seconds, chosen.seed), names)]))


def fuzz(name: str, seconds: int, seed: int) -> bool:
    """Fuzz a target; return whether an input broke it."""
    kept = KEPT / name
    kept.mkdir(parents=True, exist_ok=True)
    words = KEPT / f"{name}.words"
    words.write_text(dictionary(TARGETS[name]), encoding="ascii")
    how = {
        "max_total_time": seconds,
        "seed": seed,
        "max_len": TARGETS[name].most_bytes,
        "timeout": SLOWEST_S,
        "rss_limit_mb": MOST_MB,
        "artifact_prefix": f"{KEPT / name}-",
    } | ({"dict": words} if TARGETS[name].words else {})
    options = [f"-{option}={value}" for option, value in how.items()]
    code, log = ran(name, *options, kept, CORPUS / name)
    (KEPT / f"{name}.log").write_text(log)
    n_runs = max((int(one or other) for one, other in DONE.findall(log)), default=0)
    features, corpus = (NEW.findall(log) or [("0", "0")])[-1]
    slow = re.search(r"written to (\S+-timeout-\S+)", log)
    if slow and ran(name, f"-timeout={SLOWEST_S}", slow[1])[0] == 0:  # the machine was busy elsewhere
        Path(slow[1]).unlink()
        code = 0
    print(ROW.format(name, f"{n_runs:,}", features, corpus, seconds, said(log) if code else ""), flush=True)
    return code != 0


def ran(name: str, *options: object) -> tuple[int, str]:
    """Run a target with what libFuzzer takes; return its exit code, and all that was said."""
    command = [sys.executable, Path(__file__).with_name("one.py"), name, *options]
    done = subprocess.run(
        [*map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
        errors="replace",
    )
    return done.returncode, done.stdout


def said(log: str) -> str:
    """Return what broke a target, and where the input is."""
    found = BROKE.search(log)
    place = re.search(r"written to (\S+)", log)
    why = next((part for part in found.groups() if part), "") if found else log.strip().rpartition("\n")[2]
    return f"{why} ({Path(place[1]).relative_to(PROJECT)})" if place else why


def dictionary(target: Target) -> str:
    """Return a target's words as libFuzzer takes them."""
    escaped = ("".join(f"\\x{byte:02x}" for byte in word.encode("latin-1")) for word in target.words)
    return "".join(f'"{word}"\n' for word in escaped)


if __name__ == "__main__":
    sys.exit(main())
