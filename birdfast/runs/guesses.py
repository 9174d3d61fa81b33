"""Guesses at what a network's file does not say, the best one first, from what lies beside it."""

from __future__ import annotations

import glob
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from .. import labels
from ..errors import ModelError
from ..grafting.signature import OPEN, Output
from ..models import Model, catalogue
from ..sources import ordered

RATES_HZ = (48_000, 32_000, 16_000, 22_050, 24_000, 44_100, 8_000)
WORDS = ("*abels*", "*class*", "*species*")
WINDOWS_S = (3, 5, 1, 2, 10, 4, 0.96)
LABELS = ("{stem}_Labels.txt", *(f"{word}.{kind}" for kind in ("txt", "csv", "json") for word in WORDS))
SCIENTIFIC = ("scientific_name", "sci_name", "scientific", "latin_name")
COMMON = ("common_name", "com_name", "common", "english_name")
COLUMNS = ("scientific_name", "ebird2021", "display_name", "primary_label", "species", "name", "label")


def rates_hz(window_samples: int) -> list[int]:
    """Return the rates at which a window is as long as networks have it: those of known networks first."""
    known = [model.rate_hz for model in _known(window_samples)]
    usual = [rate for seconds in WINDOWS_S for rate in RATES_HZ if round(rate * seconds) == window_samples]
    return list(dict.fromkeys(known + usual))


def activation(window_samples: int) -> str:
    """Return what is usually left to do to scores of which the graph's end says nothing."""
    known = [model.activation for model in _known(window_samples)]
    return next((one for one in known if one in ("sigmoid", "softmax")), "sigmoid")


def _known(window_samples: int) -> list[Model]:
    """Return the known networks of sound that take such windows."""
    every = catalogue().values()
    return [model for model in every if model.window_samples == window_samples and model.front_end is None]


def labels_beside(path: Path, n_classes: Collection[int]) -> list[Path]:
    """Return files that may be a network's labels: those with as many as an output has values come first."""
    patterns = [pattern.format(stem=glob.escape(path.stem)) for pattern in LABELS]
    found = dict.fromkeys(other for pattern in patterns for other in sorted(path.parent.glob(pattern)))
    return sorted((other for other in found if other.is_file()), key=lambda other: not _fit(other, n_classes))


def columns(path: Path) -> list[str]:
    """Return the columns of a table of labels: those with names first, those that number something last.

    Before them come those of scientific and common names together, where it has both.

    Raises
    ------
    ModelError
        It has no header, or no rows.
    """
    rows = [row for _, row in labels.table(path)]
    names = [name for name in rows[0] if name and name.strip()]
    if not names:
        raise ModelError(f"{path}: no table of labels: it has no header")
    usual = {name: place for place, name in enumerate(COLUMNS)}

    def unlikely(name: str) -> tuple[bool, bool, int]:
        has_names = any(ordered.is_name(row[name] or "") for row in rows)
        return not has_names, ordered.is_index(name), usual.get(name, len(usual))

    found = sorted(names, key=unlikely)
    return _both([name for name in found if not any(unlikely(name)[:2])]) + found


def _both(names: Sequence[str]) -> list[str]:
    """Return the columns of scientific and common names as one is written that has both."""
    known = {re.sub("[ -]", "_", name.strip().casefold()): name for name in names}
    scientific, common = (
        next((known[one] for one in usual if one in known), "") for usual in (SCIENTIFIC, COMMON)
    )
    return [f"{scientific}+{common}"] if scientific and common else []


def outputs(every: Sequence[Output], n_labels: int) -> list[str]:
    """Return the names of the outputs that may hold the scores of so many classes."""
    return [one.names[0] for one in every if one.n_classes in (n_labels, OPEN) and one.is_numbers]


def _fit(path: Path, n_classes: Collection[int]) -> bool:
    try:
        its = labels.format_of(path, column=lambda path: columns(path)[0])
        return len(labels.load(path, its)) in n_classes
    except ModelError:
        return False
