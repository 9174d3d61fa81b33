"""Every call that four commands make fails once, and for ever: what they come to then, and the run after.

A library that is preloaded (tests/faults/failing.c) counts calls on the command's files, pipes, processes
and threads, in its children, too, and makes one fail, or kills who makes it. Held against an undisturbed run:
the exit code is one of the contract, no traceback is printed, nothing lives on, and the same command ends
with the same bytes afterwards. A library that crashes may end the command as a kill does: it is told by name,
and counted apart; our own code may crash nowhere. Ends with exit code 1 where that does not hold.

    python bench/faults.py                                    all calls, with the first error of each kind
    python bench/faults.py --jobs merge --kinds write --all-errors
    python bench/faults.py --sample 20 --seed 3               so many of each command
    python bench/faults.py --for-s 600                        as many as there is time for, of all kinds alike
    python bench/faults.py --power 100                        so many power cuts in each command alone
    python bench/faults.py --allocations 100                  that so many allocations fail in each command
    python bench/faults.py --memory 100                       in so many amounts of memory alone

A power cut: the command is written down, stopped at some moment, and of what it had not brought to the disk a
part is lost, in any order (tests/faults/powerloss.py). What has its name is whole, all of it is there if the
command had ended, and the next run ends with the same bytes.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from subprocess import CompletedProcess

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.faults import powerloss
from tests.faults.house import HUNG, JOBS, House, of_a_library
from tests.faults.preload import ALLOCATIONS, CALLS, ERRORS, KILL, KINDS, Fault, Preload

OF_PYTHON = 8 << 20  # bytes; with less it cannot import its own modules
SHORT_S, SLOWER = 60.0, 20  # a run hangs that takes longer than this, and than so many undisturbed ones
UNDER_MORE = ("pipe", "socket", "allocation")  # which processes have between them, and what they ask for


def main() -> int:
    """Run it, and print what was tried and what broke."""
    chosen = arguments()
    broke = 0
    with tempfile.TemporaryDirectory() as scratch:
        house = House(Path(scratch))
        preload = Preload(Path(scratch), f"{house.work}", *UNDER_MORE)
        for job in chosen.jobs:
            with house.warm(preload.library, job):
                if chosen.sample or not (chosen.power or chosen.memory or chosen.allocations):
                    broke += sweep(house, preload, job, chosen, chosen.kinds, chosen.sample)
                if chosen.allocations:
                    broke += sweep(house, preload, job, chosen, ALLOCATIONS, chosen.allocations)
                if chosen.power:
                    broke += cuts(house, preload, job, chosen)
            if chosen.memory:
                broke += limits(house, preload, job, chosen)
    return bool(broke)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=JOBS, metavar="JOB")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=CALLS, metavar="KIND")
    parser.add_argument("--all-errors", action="store_true", help="each call with each error it may have")
    parser.add_argument("--at-most", type=int, default=0, metavar="N", help="calls of a kind, spread evenly")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="faults of a job, by chance")
    parser.add_argument("--for-s", type=float, default=float("inf"), metavar="S", help="a job's faults")
    parser.add_argument("--power", type=int, default=0, metavar="N", help="power cuts in each job")
    parser.add_argument("--allocations", type=int, default=0, metavar="N", help="that fail in each job")
    parser.add_argument("--memory", type=int, default=0, metavar="N", help="amounts of memory in each job")
    parser.add_argument("--seed", default="1", help="what decides which: a number, a commit")
    parser.add_argument(
        "--one", metavar="KIND:NUMBER:HOW:once|ever", help="this fault alone, with what is said"
    )
    return parser.parse_args()


def sweep(
    house: House, preload: Preload, job: str, chosen: argparse.Namespace, kinds: Sequence[str], n: int
) -> int:
    """Try faults in a job, tell them, and return how many of them broke something."""
    began = time.monotonic()
    tried, numbers, struck, broken, ends, crashes = Counter(), set(), 0, Counter(), Counter(), Counter()
    house.fresh(job)
    done = house.ran(house.command(job), **preload.environment())
    assert done.returncode == 0, done.stderr
    peace, counts = house.tables(), preload.counts()
    faults = chosen_of([*planned(counts, chosen, kinds)], job, chosen, n)
    for fault in faults:
        if time.monotonic() - began > chosen.for_s:
            break
        house.fresh(job)
        done = house.ran(house.command(job), **preload.environment(fault))
        ends[done.returncode] += 1
        tried[fault.kind] += 1
        numbers.add((fault.kind, fault.number))
        where, crash = preload.struck(), preload.crash() or of_a_library(done)
        struck += bool(where)
        if crash:
            crashes[crash] += 1
            print(f"{job}: {fault} at {where}: ended in {crash}, exit code {done.returncode}", flush=True)
        if chosen.one:
            print(done.returncode, done.stderr, where, *preload.stack(), sep="\n")
        if wrong := house.wrong(job, peace, done, [-signal.SIGKILL] * (fault.how == KILL), crash):
            broken[fault.kind] += 1
            print(f"{job}: {fault} at {where}: {wrong}", flush=True)
    of_kinds, calls = Counter(fault.kind for fault in faults), Counter(kind for kind, _ in numbers)
    for kind in kinds:
        told = f"{counts[kind]:5} calls, {calls[kind]:5} of them tried in {tried[kind]:5} faults"
        print(f"{job:9} {kind:9} {told}, {of_kinds[kind] - tried[kind]:5} not tried, {broken[kind]} broke")
    what = f"{tried.total()} of {len(faults)} tried, {struck} struck, {broken.total()} broke"
    print(f"{job}: {what}; {ending(ends, crashes)}; {time.monotonic() - began:.0f} s", flush=True)
    return broken.total()


def ending(ends: Counter[int], crashes: Counter[str]) -> str:
    """Return how often a command ended with each exit code, and in whose code it crashed."""
    codes = ", ".join(f"{code}: {n}" for code, n in sorted(ends.items()))
    whose = ", ".join(f"{name}: {n}" for name, n in sorted(crashes.items())) or "none"
    return f"exit codes {codes}; crashes {whose}"


def cuts(house: House, preload: Preload, job: str, chosen: argparse.Namespace) -> int:
    """Cut the power in a job, tell what was tried, and return how often the next run was another's."""
    began, chance = time.monotonic(), random.Random(f"{chosen.seed} {job}")
    folders = (house.out, house.cache, house.tmp)
    house.fresh(job)
    disk = powerloss.Disk(folders)
    done = house.ran(house.command(job), **preload.environment(is_logged=True))
    assert done.returncode == 0, done.stderr
    peace, log = house.tables(), powerloss.entries(preload.log.read_bytes())
    broken = 0
    for _ in range(chosen.power):
        moment = chance.choice([chance.randrange(len(log) + 1), len(log)])
        disk.cut(log[:moment], chance)
        left = house.tables()
        torn = sorted(name for name in {*left} & {*peace} if left[name] != peace[name])
        lost = sorted({*peace} - {*left}) if moment == len(log) else []
        wrong = f"torn: {', '.join(torn)}; lost: {', '.join(lost)}" if torn or lost else ""
        if wrong := wrong or house.wrong_next(job, peace):
            broken += 1
            print(f"{job}: cut after {moment} of {len(log)} changes: {wrong}", flush=True)
    kinds = Counter(entry.what for entry in log)
    told = ", ".join(f"{kinds[what]} {name}" for what, name in powerloss.WORDS.items())
    seconds = time.monotonic() - began
    print(f"{job}: {told}; power cut {chosen.power} times, {broken} broke; {seconds:.0f} s", flush=True)
    return broken


def limits(house: House, preload: Preload, job: str, chosen: argparse.Namespace) -> int:
    """Run a job in less and less memory, and return how often it ended neither well nor in words.

    From somewhat more than the program needs to say which version it is, up to what the job needs.
    """
    began, ends, broken, crashes = time.monotonic(), Counter(), 0, Counter()
    house.fresh(job)
    assert house.ran(house.command(job)).returncode == 0
    peace, limit_s = house.tables(), max(SHORT_S, SLOWER * (time.monotonic() - began))

    def tried(n_bytes: int) -> CompletedProcess[str]:
        nonlocal broken
        house.fresh(job)
        done = house.ran(house.command(job), n_bytes, limit_s)
        if done.returncode == HUNG:
            broken += 1
            print(f"{job}: in {n_bytes:,} bytes: {done.stderr}", flush=True)
        return done

    least = needed(lambda n: house.ran(["--version"], n, limit_s)) + OF_PYTHON
    most = needed(tried)
    for number in range(chosen.memory):
        n_bytes = least + (most - least) * number // chosen.memory
        house.fresh(job)
        done = house.ran(house.command(job), n_bytes, limit_s, **preload.environment())
        ends[done.returncode] += 1
        if crash := preload.crash() or of_a_library(done):
            crashes[crash] += 1
            print(f"{job}: in {n_bytes:,} bytes: ended in {crash}", flush=True)
        if wrong := house.wrong(job, peace, done, crash=crash):
            broken += 1
            print(f"{job}: in {n_bytes:,} bytes: {wrong}", flush=True)
    between = f"{chosen.memory} amounts of memory from {least >> 20} to {most >> 20} MB"
    seconds = time.monotonic() - began
    print(f"{job}: {between}, {broken} broke; {ending(ends, crashes)}; {seconds:.0f} s", flush=True)
    return broken


def needed(run: Callable[[int], CompletedProcess[str]]) -> int:
    """Return about the least bytes of address space in which something ends well."""
    low, high = 1 << 24, 1 << 32
    while high - low > 1 << 22:
        middle = (low + high) // 2
        low, high = (low, middle) if run(middle).returncode == 0 else (middle, high)
    return high


def planned(counts: dict[str, int], chosen: argparse.Namespace, kinds: Sequence[str]) -> Iterator[Fault]:
    """Yield the faults: each call of a kind, or some of them; each fails once, for ever, and kills."""
    for kind in kinds:
        n, most = counts[kind], chosen.at_most or counts[kind]
        numbers = sorted({1 + step * n // most for step in range(min(n, most))}) if n else []
        for place, number in enumerate(numbers):
            errors = ERRORS[kind]
            some = errors if chosen.all_errors or chosen.sample else (errors[place % len(errors)],)
            for how in some:
                yield Fault(kind, number, how)
                yield Fault(kind, number, how, ever=True)
            if kind in CALLS:
                yield Fault(kind, number, KILL)


def sampled(faults: list[Fault], n: int, chance: random.Random) -> list[Fault]:
    """Return some faults by chance, of all kinds alike."""
    kinds = sorted({fault.kind for fault in faults})
    chance.shuffle(kinds)
    of_kinds = {kind: [fault for fault in faults if fault.kind == kind] for kind in kinds}
    return [chance.choice(of_kinds[kinds[number % len(kinds)]]) for number in range(n)]


def chosen_of(faults: list[Fault], job: str, chosen: argparse.Namespace, n: int) -> list[Fault]:
    """Return which faults are tried, and in which order."""
    if chosen.one:
        kind, number, how, times = chosen.one.split(":")
        return [Fault(kind, int(number), int(how), times == "ever")]
    chance = random.Random(f"{chosen.seed} {job}")
    if n:
        return sampled(faults, n, chance)
    return faults if chosen.for_s == float("inf") else by_turns(faults, chance)


def by_turns(faults: list[Fault], chance: random.Random) -> list[Fault]:
    """Return all faults, each kind's by chance, kinds by turns, so that all have had theirs at its end."""
    turns = Counter[str]()
    chance.shuffle(faults)
    return sorted(faults, key=lambda fault: turns.update([fault.kind]) or turns[fault.kind])


if __name__ == "__main__":
    sys.exit(main())
