"""Kinds of table as people type them: joined by commas, or as several words."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from typing import Any

from . import values

USUAL = "csv"
OF_ANALYZE = "raven"  # what BirdNET-Analyzer's command of that name writes


class Several(argparse.Action):
    """Takes the words behind --rtype that are kinds; what follows them are INPUTs, as without it.

    Those are in `more`. The first word is a kind in any case, so that a slip of the pen is told.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Keep the kinds as text with commas."""
        from .. import tables

        known = {*tables.KINDS, *tables.ALIASES}
        words: Sequence[str] = values
        n = next(
            (place for place, word in enumerate(words) if place and not _all_in(word, known)), len(words)
        )
        setattr(namespace, self.dest, ",".join(words[:n]))
        namespace.more = [*namespace.more, *words[n:]]


def usual(command: str) -> str:
    """Return the kind of table that a command writes unasked, by the name that it was called by."""
    return OF_ANALYZE if command == "analyze" else USUAL


def _all_in(word: str, kinds: Collection[str]) -> bool:
    return all(kind in kinds for kind in word.split(",") if kind)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which tables are written, and INPUTs that follow them: see `Several`."""
    values.rtype(parser, default=None, nargs="+", action=Several)
    parser.add_argument("--input", dest="more", action="append", default=[], help=argparse.SUPPRESS)
