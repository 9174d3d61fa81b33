"""Where results go: a folder that is there in time, and what its disk cannot do, in words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ConfigError, OutputError

KEPT = "what was done is kept, the same command goes on"
AGAIN = "the same command begins anew"


def output_folder(name: str | os.PathLike[str]) -> Path:
    """Return a folder that is there now.

    Raises
    ------
    ConfigError
        It cannot be made, or is a file.
    """
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be the output folder ({error.strerror})") from error
    return folder


@contextmanager
def telling(output: Path, advice: str = KEPT) -> Iterator[None]:
    """Say in words what the disk cannot do; files that cannot be read never come here.

    Raises
    ------
    OutputError
        In the place of an OSError, with `advice` behind it.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{output}: cannot be written ({reason}); {advice}") from error
