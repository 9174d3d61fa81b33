"""Choosing: some of a species' detections, by chance or by their confidence, in memory that does not grow."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, get_args

from .. import config
from ..config import checks
from ..errors import ConfigError
from ..outcomes import Detection

Mode = Literal["confidence", "random", "balanced"]
MOST = 100_000  # of a species
MOST_BINS = 1000


class Choice(NamedTuple):
    """How many detections of each species are taken, and which.

    Attributes
    ----------
    most : int
    mode : "confidence", "random" or "balanced"
        Those of the highest confidence; any, by chance; or by chance as many as can be of each of `n_bins`
        equal bins of confidence, so that the uncertain ones are among them.
    min_confidence, max_confidence : float, 0 to 1
        Both are within.
    n_bins : int
    seed : int
        The same one takes the same detections, in whatever order they come.
    """

    most: int = 10
    mode: Mode = "confidence"
    min_confidence: float = 0.0
    max_confidence: float = 1.0
    n_bins: int = 10
    seed: int = 0

    def check(self) -> None:
        """Refuse what does not fit.

        Raises
        ------
        ConfigError
        """
        checks.whole("most", self.most, 1, MOST)
        checks.whole("n_bins", self.n_bins, 1, MOST_BINS)
        config.choice("mode", self.mode, get_args(Mode))
        if not 0 <= self.min_confidence <= self.max_confidence <= 1:
            bounds = f"{self.min_confidence:g} to {self.max_confidence:g}"
            raise ConfigError(f"confidence: {bounds} does not fit; it takes a part of 0 to 1")


def chosen(detections: Iterable[Detection], choice: Choice) -> list[Detection]:
    """Return the detections that a choice takes of each species and model, each place once.

    Species come by their names; of each the highest confidences come first.
    """
    choice.check()
    kept = dict[tuple[str, str, str], dict[int, _Best]]()
    for row in detections:
        if choice.min_confidence <= row.confidence <= choice.max_confidence:
            bins = kept.setdefault((row.scientific_name, row.common_name, row.model), {})
            bins.setdefault(_bin(row, choice), _Best(choice.most)).add(_rank(row, choice), row)
    found = dict[tuple[object, ...], Detection]()
    for species in sorted(kept):
        rows = list(_dealt(kept[species], choice.most))
        for row in sorted(rows, key=lambda row: (-row.confidence, row.file, row.start_s)):
            found.setdefault((*species[:2], row.file, row.channel, row.start_s, row.end_s), row)
    return list(found.values())


class _Best:
    """The entries of the highest ranks; of equal ones those that came first."""

    def __init__(self, most: int) -> None:
        self._most, self._n_seen = most, 0
        self._heap: list[tuple[float, int, Detection]] = []

    def add(self, rank: float, row: Detection) -> None:
        self._n_seen += 1
        entry = (rank, -self._n_seen, row)
        if len(self._heap) < self._most:
            heapq.heappush(self._heap, entry)
        elif entry > self._heap[0]:
            heapq.heapreplace(self._heap, entry)

    def rows(self) -> list[Detection]:
        return [row for _, _, row in sorted(self._heap, reverse=True)]


def _bin(row: Detection, choice: Choice) -> int:
    if choice.mode != "balanced":
        return 0
    span = choice.max_confidence - choice.min_confidence or 1.0
    place = int((row.confidence - choice.min_confidence) / span * choice.n_bins)
    return min(place, choice.n_bins - 1)


def _rank(row: Detection, choice: Choice) -> float:
    """Return what is to be high: the confidence, or a number that hangs on the detection and the seed."""
    if choice.mode == "confidence":
        return row.confidence
    told = repr((choice.seed, row.file, row.channel, row.start_s, row.scientific_name, row.model))
    digest = hashlib.blake2b(told.encode("utf-8", "surrogateescape"), digest_size=6).digest()
    return float(int.from_bytes(digest, "big"))


def _dealt(bins: dict[int, _Best], most: int) -> Iterator[Detection]:
    """Yield so many rows, one of each bin in turn."""
    rows = [bins[number].rows() for number in sorted(bins, reverse=True)]
    dealt = (row for turn in range(most) for of_bin in rows for row in of_bin[turn : turn + 1])
    yield from (row for row, _ in zip(dealt, range(most), strict=False))
