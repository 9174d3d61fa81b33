"""Progress bars on standard error."""

from __future__ import annotations

from typing import Any


def of_bytes(total: int) -> Any:
    """Return a bar over the bytes of a run's files, with room for a remark: a context manager."""
    from tqdm import tqdm

    layout = "{percentage:3.0f}% |{bar}| {postfix}, {remaining} left"
    return tqdm(total=total, bar_format=layout, smoothing=0.05, dynamic_ncols=True)


def of_recordings(total: int, *, shown: bool, doing: str = "") -> Any:
    """Return a bar over recordings that goes away when done, for terminals alone: a context manager.

    `doing` stands before it.
    """
    from tqdm import tqdm

    layout = "{l_bar}{bar}| {n_fmt}/{total_fmt} recordings [{elapsed}<{remaining}]"
    return tqdm(
        total=total, bar_format=layout, leave=False, disable=None if shown else True, desc=doing or None
    )
