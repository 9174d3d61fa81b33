"""Places of this machine where lists of species and models of their ranges lie, as programs bring them."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

from .. import models


def of_models(*names: str) -> Iterator[Path]:
    """Yield folders of these names, where models lie."""
    for folder in models.folders():
        yield from (folder / name for name in names)


def of_package(package: str, *parts: str) -> Iterator[Path]:
    """Yield a folder of a package that is installed; it is not imported."""
    spec = importlib.util.find_spec(package)
    if spec is not None and spec.submodule_search_locations:
        yield Path(spec.submodule_search_locations[0]).joinpath(*parts)


def of_birdnet(*parts: str) -> Iterator[Path]:
    """Yield a folder where the package birdnet keeps what it fetched: $BIRDNET_APP_DATA, or the usual one."""
    import platformdirs

    named = os.environ.get("BIRDNET_APP_DATA")
    folder = Path(named).expanduser() if named else platformdirs.user_data_path("birdnet", appauthor=False)
    yield folder.joinpath(*parts)
