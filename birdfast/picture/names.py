"""Names as pictures have them."""

from __future__ import annotations

from ..tables import escaped

MOST_SIGNS = 40


def plain(name: str) -> str:
    """Return a name that is text, and not too long to stand beside a picture."""
    shown = escaped(name)
    return shown if len(shown) <= MOST_SIGNS else f"{shown[: MOST_SIGNS - 1]}\N{HORIZONTAL ELLIPSIS}"
