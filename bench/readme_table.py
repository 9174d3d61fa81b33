"""The suite's figures as a table in bench/README.md, so that nobody types them.

    pytest bench --benchmark-only --benchmark-json build/bench.json
    python bench/readme_table.py build/bench.json [MORE.json ...]

Of several reports the last that has a benchmark counts: so one job can be measured anew.

A row a group: the median of birdfast as it is by default, then how many times as long its other kernels and
the other ways take. A group in which birdfast's own way did not run is left out, with a word. Each figure's
benchmark is the row's name with the figure's own in place of the dots.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from birdfast.atomicfile import AtomicFile

README = Path(__file__).with_name("README.md")
OURS = "birdfast"  # the way of what has no tables of kernels to choose from
BEGIN, END = "<!-- written by readme_table.py -->", "<!-- to here -->"
HEAD = ("job", "benchmark", "birdfast", "other kernels", "others", "a second", "of the limit")
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))

Benchmark = dict[str, Any]


def table(report: dict[str, Any]) -> str:
    """Return the table of a report of pytest-benchmark's, and what it was measured on."""
    machine = report["machine_info"]
    told = f"{machine['processor']}; {machine['versions']}; {report['datetime'][:10]}."
    rows = [HEAD, ("---",) * len(HEAD)]
    for group, members in grouped(report["benchmarks"]):
        if ours := [one for one in members if way(one) in (OURS, *machine["kernels"])]:
            rows.append(row(group, ours, [one for one in members if one not in ours]))
        else:
            print(f"left out: {group}: birdfast's own way did not run", file=sys.stderr)
    return "\n".join([told, "", *(f"| {' | '.join(cells)} |" for cells in rows)])


def joined(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """Return several reports of one machine as one.

    Raises
    ------
    SystemExit
        They are of different machines: their figures cannot stand side by side.
    """
    if len({report["machine_info"]["processor"] for report in reports}) > 1:
        raise SystemExit("the reports are of different processors")
    latest = {one["fullname"]: one for report in reports for one in report["benchmarks"]}
    return {**reports[-1], "benchmarks": [*latest.values()]}


def grouped(benchmarks: list[Benchmark]) -> Iterator[tuple[str, list[Benchmark]]]:
    """Yield the members of each group, in the order in which they ran."""
    groups: dict[str, list[Benchmark]] = {}
    for one in sorted(benchmarks, key=lambda one: one["fullname"].partition("::")[0]):
        groups.setdefault(one["group"], []).append(one)
    yield from groups.items()


def row(group: str, ours: list[Benchmark], others: list[Benchmark]) -> tuple[str, ...]:
    """Return a group's cells; the first of ours is birdfast by default."""
    first, *rest = ours
    base = first["name"].removesuffix(f"{way(first)}]") + "...]"
    mean = "share_of_core" in first["extra_info"]
    return (
        group,
        f"`{base}`",
        f"{seconds(took(first, mean))} ({way(first)})",
        ", ".join(f"{way(one)} {times(one, first, mean)}" for one in rest),
        ", ".join(f"{way(one)} {times(one, first, mean)}" for one in others),
        rates(first["extra_info"]),
        share(first["extra_info"]),
    )


def way(one: Benchmark) -> str:
    """Return how a benchmark does its job: its parameter of that name, or its own name."""
    return str((one["params"] or {}).get("way", one["name"]))


def took(one: Benchmark, mean: bool) -> float:
    """Return a call's seconds: the median, or the mean where few calls do most of the work."""
    return float(one["stats"]["mean" if mean else "median"])


def times(one: Benchmark, first: Benchmark, mean: bool) -> str:
    """Return how many times as long as the first it takes."""
    return f"{took(one, mean) / took(first, mean):.3g}x"


def seconds(value: float) -> str:
    """Return a time in words, with three digits."""
    size, unit = next(((size, unit) for size, unit in UNITS if value >= size), UNITS[-1])
    return f"{value / size:.3g} {unit}"


def rates(quotes: dict[str, Any]) -> str:
    """Return what is quoted a second."""
    found = []
    if "audio_s_per_s" in quotes:
        found.append(f"{quotes['audio_s_per_s']:,.0f} s of sound")
    if "frames_per_s" in quotes:
        found.append(f"{quotes['frames_per_s']:,.0f} frames")
    return ", ".join(found)


def share(quotes: dict[str, Any]) -> str:
    """Return what is quoted of a limit."""
    if "share_of_core" in quotes:
        p99, slowest = (seconds(1e-3 * quotes[name]) for name in ("p99_ms", "max_ms"))
        return f"{quotes['share_of_core']:.2%} of a core, p99 {p99}, slowest {slowest}"
    return f"{quotes['share_of_limit']:.0%}" if "share_of_limit" in quotes else ""


def replaced(text: str, made: str) -> str:
    """Return a text with what is made between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"there is no {BEGIN} before a {END}")
    return f"{before}{BEGIN}\n\n{made}\n\n{END}{after}"


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reports", type=Path, nargs="+", help="what --benchmark-json wrote")
    parser.add_argument("--readme", type=Path, default=README, help="where the marks are (%(default)s)")
    chosen = parser.parse_args()
    made = table(joined([json.loads(path.read_text(encoding="utf-8")) for path in chosen.reports]))
    text = replaced(chosen.readme.read_text(encoding="utf-8"), made)
    with AtomicFile(chosen.readme, mode="w", encoding="utf-8") as file:
        file.stream.write(text)


if __name__ == "__main__":
    main()
