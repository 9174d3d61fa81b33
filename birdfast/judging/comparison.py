"""Comparison: what two runs or tools detected, beside each other.

Detections are the same if they are of one file, one species and one window: windows are known by where they
start, as tools end the last one differently. Species are the same by scientific or common name, files by
their names (`names.files`). What lies under the threshold of one of the two cannot be compared: counted is
what reaches the higher one in either (`floors`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, Bools, Float64, Int64
from . import floors, names
from .names import Species
from .said import Heard

START_S = 0.01  # birdnet writes hundredths of a second
TOLERANCE = 1e-3
ROUNDING = 1e-6  # of float32 and decimals
N_LARGEST = 10
N_BINS = 10


class Pairs(NamedTuple):
    """Detections of both, side by side.

    Attributes
    ----------
    files : list of str
    species : list of Species
    file, which : int64 [n]
    start_s, end_s : float64 [n]
    confidence : float64 [n, 2]
        Of the one and of the other; NaN where it has none.
    """

    files: list[str]
    species: list[Species]
    file: Int64
    which: Int64
    start_s: Float64
    end_s: Float64
    confidence: Float64

    def chosen(self, rows: Bools) -> Pairs:
        """Return some of them."""
        spans = (self.file[rows], self.which[rows], self.start_s[rows], self.end_s[rows])
        return Pairs(self.files, self.species, *spans, self.confidence[rows])

    @property
    def there(self) -> Bools:
        """Which of the two has each: bool [n, 2]."""
        found: Bools = ~np.isnan(self.confidence)
        return found

    @property
    def difference(self) -> Float64:
        """Without a sign; NaN where one has none."""
        return np.abs(self.confidence[:, 0] - self.confidence[:, 1])


def paired(one: Heard, other: Heard) -> Pairs:
    """Put detections of two tables side by side.

    Raises
    ------
    ConfigError
        A file may be any of several.
    """
    files, file = _joined_files(one.windows.files, other.windows.files)
    species, (first, second) = _joined_species(one.species, other.species)
    side = np.repeat([0, 1], [len(one.which), len(other.which)])
    all_files = np.concatenate([one.windows.file, file[other.windows.file]])
    all_species = np.concatenate([first[one.which], second[other.which]])
    start_s, end_s = (
        np.concatenate([getattr(some.windows, name) for some in (one, other)])
        for name in ("start_s", "end_s")
    )
    order = np.lexsort((side, start_s, all_species, all_files))
    place = _groups(all_files[order], all_species[order], start_s[order])
    confidence = np.full((int(place.max(initial=-1)) + 1, 2), -np.inf)
    all_confidence = np.concatenate([one.confidence, other.confidence]).astype(np.float64)
    np.maximum.at(confidence, (place, side[order]), all_confidence[order])
    confidence[np.isneginf(confidence)] = np.nan
    rows = order[np.flatnonzero(np.diff(place, prepend=-1))]
    return Pairs(files, species, all_files[rows], all_species[rows], start_s[rows], end_s[rows], confidence)


def compare(
    pairs: Pairs,
    least: float | None = None,
    tolerance: float = TOLERANCE,
    thresholds: Sequence[floors.Floors] = ((), ()),
) -> dict[str, Any]:
    """Return what is the same and what is not.

    Parameters
    ----------
    pairs : Pairs
    least : float, optional
        From which confidence on; by default the higher threshold of the two.
    tolerance : float
        Confidences that differ by no more are the same; and what one has at the threshold, the other may
        lack.
    thresholds : sequence of Floors
        Of each, where it is known: else the lowest confidence that it has is taken for it.

    Returns
    -------
    dict
        As comparison.json has it. `is_same`: there is no detection of one alone, no confidence differs, and
        none is left out that the other may have lost.
    """
    lowest = [float(np.nanmin(some)) if not np.isnan(some).all() else None for some in pairs.confidence.T]
    least, is_known = floors.common(thresholds, lowest) if least is None else (least, True)
    kept = counted(pairs, least)
    there, gap = kept.there, kept.difference
    both = there[:, 0] & there[:, 1]
    at_threshold = ~both & (np.nan_to_num(kept.confidence).max(axis=1, initial=0) < least + tolerance)
    only = [there[:, side] & ~both & ~at_threshold for side in (0, 1)]
    n_left = len(pairs.file) - len(kept.file)
    beyond = int((gap[both] > tolerance + ROUNDING).sum())
    return {
        "is_same": not (beyond or only[0].any() or only[1].any() or (n_left and not is_known)),
        "compared_from": least,
        "not_compared": n_left,
        "tolerance": tolerance,
        "lowest_confidence": lowest,
        "detections": {
            **{"both": int(both.sum()), "only_a": int(only[0].sum()), "only_b": int(only[1].sum())},
            "at_threshold": int(at_threshold.sum()),
        },
        "windows": _windows(kept),
        "difference": {"n_beyond": beyond, **_differences(gap[both])},
        "largest": list(_largest(kept, gap)),
        "by_species": _by(kept.which, [one.scientific for one in kept.species], both, only, gap),
        "by_file": _by(kept.file, kept.files, both, only, gap),
    }


def counted(pairs: Pairs, least: float) -> Pairs:
    """Return the pairs of which one reaches a confidence."""
    rows = np.nan_to_num(pairs.confidence, nan=-np.inf).max(axis=1, initial=-np.inf) >= least - ROUNDING
    return pairs.chosen(rows)


def differing(pairs: Pairs, tolerance: float) -> Pairs:
    """Return the pairs that one lacks, or whose confidences differ."""
    rows = ~pairs.there.all(axis=1) | (np.nan_to_num(pairs.difference) > tolerance + ROUNDING)
    return pairs.chosen(rows)


def _joined_files(one: Sequence[str], other: Sequence[str]) -> tuple[list[str], Int64]:
    known = names.files(one, other, "the second")
    every, places = list(one), []
    for name in other:
        if name not in known:
            known[name] = len(every)
            every.append(name)
        places.append(known[name])
    return every, np.array(places, np.int64)


def _joined_species(*tables: Sequence[Species]) -> tuple[list[Species], list[Int64]]:
    """Return the species of both, and which one each of a table's is; those with both names come first."""
    every: list[Species] = []
    places = [np.zeros(len(one), np.int64) for one in tables]
    for is_whole in (True, False):
        for one, place in zip(tables, places, strict=True):
            rows = [i for i, name in enumerate(one) if (name.scientific != name.common) == is_whole]
            known = names.classes(every, [one[row] for row in rows])
            for row, number in zip(rows, known, strict=True):
                place[row] = len(every) if number is None else number
                every += [one[row]] if number is None else []
    return every, places


def _groups(*keys: Array) -> Int64:
    """Return the number of the group of each sorted row; the last key are starts, which may differ a bit."""
    *same, start_s = keys
    new = np.diff(start_s, prepend=-np.inf) > START_S
    for key in same:
        new |= np.diff(key, prepend=-1) != 0
    return np.cumsum(new) - 1


def _windows(pairs: Pairs) -> dict[str, int]:
    """Count the windows in which something was detected."""
    order = np.lexsort((pairs.start_s, pairs.file))
    place = _groups(pairs.file[order], pairs.start_s[order])
    there = np.zeros((int(place.max(initial=-1)) + 1, 2), bool)
    np.logical_or.at(there, place, pairs.there[order])
    both = there.all(axis=1)
    return {"both": int(both.sum()), **{f"only_{'ab'[i]}": int((there[:, i] & ~both).sum()) for i in (0, 1)}}


def _differences(gap: Float64) -> dict[str, Any]:
    edges = np.linspace(0, 1, N_BINS + 1)
    histogram = np.histogram(np.minimum(gap, 1), edges)[0]
    told = (
        {"max": float(gap.max()), "median": float(np.median(gap))}
        if len(gap)
        else {"max": None, "median": None}
    )
    return {**told, "histogram_by_0.1": histogram.tolist()}


def _largest(pairs: Pairs, gap: Float64) -> Iterator[dict[str, Any]]:
    order = np.argsort(-np.nan_to_num(gap, nan=-1), kind="stable")[:N_LARGEST]
    for row in order:
        if gap[row] > 0:
            yield {
                "file": pairs.files[pairs.file[row]],
                "start_s": float(pairs.start_s[row]),
                "species": pairs.species[pairs.which[row]].scientific,
                "a": float(pairs.confidence[row, 0]),
                "b": float(pairs.confidence[row, 1]),
            }


def _by(
    key: Int64, titles: Sequence[str], both: Bools, only: Sequence[Bools], gap: Float64
) -> list[dict[str, Any]]:
    """Return the same numbers by species or by file, those that differ most first."""
    rows = []
    order = np.argsort(key, kind="stable")
    for some in np.split(order, np.flatnonzero(np.diff(key[order])) + 1) if len(order) else ():
        gaps = gap[some][both[some]]
        rows.append(
            {
                "name": titles[key[some[0]]],
                "both": int(both[some].sum()),
                "only_a": int(only[0][some].sum()),
                "only_b": int(only[1][some].sum()),
                "max_difference": float(gaps.max()) if len(gaps) else None,
                "median_difference": float(np.median(gaps)) if len(gaps) else None,
            }
        )
    return sorted(
        rows, key=lambda row: (-row["only_a"] - row["only_b"], -(row["max_difference"] or 0), row["name"])
    )
