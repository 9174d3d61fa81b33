"""Places of this machine: where models are looked for, and where rewritten networks are kept."""

from __future__ import annotations

import os
from pathlib import Path

FOLDERS_VARIABLE = "BIRDFAST_MODELS"
GEO = "birdnet-geo-2.4"  # the folder of a network that hears nothing: it tells which species are where


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether there is such a file; a name that is too long is none, where Path's own would raise."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether there is such a folder, likewise."""
    return os.path.isdir(path)  # noqa: PTH112


def folders() -> list[Path]:
    """Return where model folders are looked for: $BIRDFAST_MODELS, then the user's data folder."""
    import platformdirs

    listed = [Path(entry) for entry in os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep) if entry]
    return [*listed, platformdirs.user_data_path("birdfast") / "models"]


def cache_folder() -> Path:
    """Return where rewritten networks are kept: in $BIRDFAST_CACHE, or the user's cache folder."""
    return _cache() / "grafts"


def runs_folder() -> Path:
    """Return where runs are at work whose results go into stores: beside the rewritten networks."""
    return _cache() / "runs"


def _cache() -> Path:
    import platformdirs

    named = os.environ.get("BIRDFAST_CACHE")
    return Path(named) if named else platformdirs.user_cache_path("birdfast")
