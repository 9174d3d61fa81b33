"""What a recording's own file says of where and when it was made, as text that is kept with its results."""

from __future__ import annotations

import os
from pathlib import Path

from .. import deployments
from ..audio import comments


def told(path: str | os.PathLike[str]) -> str:
    """Return what a file says as `deployments.Content.to_json` has it; "" where it says nothing.

    Raises
    ------
    AudioError
        See `comments.read`.
    """
    return deployments.content.of(comments.read(Path(path))).to_json()
