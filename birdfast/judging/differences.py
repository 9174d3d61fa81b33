"""What a comparison says on a terminal, and its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..tables import escaped
from ..tables.files import CsvFile
from . import report
from .comparison import Pairs

JSON, CSV, ROWS = "comparison.json", "comparison.csv", "differences.csv"
SHOWN = 10


def write(
    folder: Path, told: Mapping[str, Any], pairs: Pairs, what: Mapping[str, str], *, csv_safe: bool = False
) -> list[Path]:
    """Write comparison.json, comparison.csv (by species and by file) and differences.csv (what differs).

    Parameters
    ----------
    folder : path
    told : dict
        What `comparison.compare` returned.
    pairs : Pairs
        Those that differ.
    what : dict of str to str
        What was compared.
    csv_safe : bool
        Put an apostrophe before names that a spreadsheet would run.
    """
    report.write_signed(folder / JSON, what, told)
    columns = ("by", "name", "both", "only_a", "only_b", "max_difference", "median_difference")
    with CsvFile(folder / CSV, columns, csv_safe=csv_safe) as table:
        for kind in ("species", "file"):
            for row in told[f"by_{kind}"]:
                table.write_row((kind, *("" if cell is None else cell for cell in row.values())))
    columns = ("file", "start_s", "end_s", "scientific_name", "common_name", "a", "b")
    with CsvFile(folder / ROWS, columns, csv_safe=csv_safe) as table:
        for file, which, start_s, end_s, (a, b) in zip(*pairs[2:], strict=True):
            seconds = (f"{start_s:.10g}", f"{end_s:.10g}")
            table.write_row((pairs.files[file], *seconds, *pairs.species[which], *map(_cell, (a, b))))
    return [folder / name for name in (JSON, CSV, ROWS)]


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is to be read at a glance."""
    low = [("-" if one is None else f"{one:.4g}") for one in told["lowest_confidence"]]
    yield f"from a confidence of {told['compared_from']:.4g} on (A has them from {low[0]}, B from {low[1]})"
    yield f"{'':<30}{'both':>10}{'only A':>10}{'only B':>10}"
    for kind in ("windows", "detections"):
        yield f"{kind:<30}" + _numbers(told[kind])
    if n := told["detections"]["at_threshold"]:
        yield f"and {n:,} of one alone at the threshold, which do not count"
    if n := told["not_compared"]:
        yield f"not compared: {n:,} with less; --min-conf X compares from X on"
    gap = told["difference"]
    if gap["max"] is not None:
        yield f"confidences differ by {gap['max']:.4f} at most, {gap['median']:.4f} in the middle"
        tenths = _tenths(gap["histogram_by_0.1"])
        yield f"beyond {told['tolerance']:g}: {gap['n_beyond']:,}; by tenths: {tenths}"
    for kind in ("species", "file"):
        rows = [row for row in told[f"by_{kind}"] if _differs(row, told["tolerance"])]
        if rows:
            yield f"{f'differ by {kind}':<30}{'both':>10}{'only A':>10}{'only B':>10}{'largest':>10}"
        for row in rows[:SHOWN]:
            largest = "-" if row["max_difference"] is None else f"{row['max_difference']:.4f}"
            yield f"{_short(row['name']):<30}{_numbers(row)}{largest:>10}"
        if len(rows) > SHOWN:
            yield f"and {len(rows) - SHOWN:,} more"
    yield _verdict(told)


def _verdict(told: Mapping[str, Any]) -> str:
    if told["is_same"]:
        return "the same"
    there, gap = told["detections"], told["difference"]
    if there["only_a"] or there["only_b"] or gap["n_beyond"]:
        return "they differ"
    return "what was compared is the same; nothing tells the threshold of both, so the rest may differ"


def _short(name: str) -> str:
    """Return the end of a name: of a path what tells it from its neighbours."""
    name = escaped(name)
    return name if len(name) < 30 else f"…{name[-28:]}"


def _numbers(row: Mapping[str, int]) -> str:
    return "".join(f"{row[key]:>10,}" for key in ("both", "only_a", "only_b"))


def _tenths(histogram: list[int]) -> str:
    last = max((place for place, n in enumerate(histogram) if n), default=0)
    return ", ".join(f"{n:,}" for n in histogram[: last + 1])


def _differs(row: Mapping[str, Any], tolerance: float) -> bool:
    return bool(row["only_a"] or row["only_b"] or (row["max_difference"] or 0) > tolerance)


def _cell(value: float) -> object:
    return "" if value != value else f"{value:.6g}"
