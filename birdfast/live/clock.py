"""The clock of a stream: what time it was so many seconds after it began."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def later(began: datetime, seconds: float) -> datetime:
    """Return the time so many seconds later, where it began.

    Sums within a zone are those of its clock, which a change to or from summer time sets.
    """
    if began.tzinfo is None:
        return began + timedelta(seconds=seconds)
    return (began.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(began.tzinfo)
