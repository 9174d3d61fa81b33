"""Kinds of table as people type them: joined by commas, or as several words."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from typing import Any

from . import flags, values

USUAL = "csv"
ANALYZE, OF_ANALYZE = "analyze", "raven"  # BirdNET-Analyzer's command, and what it writes


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
    return OF_ANALYZE if command == ANALYZE else USUAL


def wanted(chosen: argparse.Namespace) -> tuple[str, ...]:
    """Return the kinds that are asked for, `per_file` being settled.

    A CSV of all recordings has the name that BirdNET-Analyzer gives it where its command was called.
    """
    from ..tables import COMBINED

    found = values.kinds(chosen.rtype or usual(chosen.command))
    if chosen.command != ANALYZE or chosen.per_file:
        return found
    return tuple(COMBINED if kind == USUAL else kind for kind in found)


def for_each_file(chosen: argparse.Namespace) -> tuple[bool, str]:
    """Return whether each recording gets its own tables, and what is to be said of that."""
    if chosen.per_file or chosen.command != ANALYZE or not (flag := flags.per_file(chosen)):
        return chosen.per_file, ""
    told = f"{flag}: as in BirdNET-Analyzer {flags.OLD.replace(', ', ' and ')}, a table for each recording"
    return True, f"{told}; {flags.COMBINE} writes one for all"


def _all_in(word: str, kinds: Collection[str]) -> bool:
    return all(kind in kinds for kind in word.split(",") if kind)


def arguments(parser: argparse._ActionsContainer) -> None:
    """Declare which tables are written, and INPUTs that follow them: see `Several`."""
    values.rtype(parser, default=None, nargs="+", action=Several)
    parser.add_argument("--input", dest="more", action="append", default=[], help=argparse.SUPPRESS)
