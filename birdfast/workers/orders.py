"""Orders: which files a share of a run is to hear, and all that says how, as a file that machines read."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import sources
from .._version import __version__
from ..atomicfile import AtomicFile
from ..config import Options
from ..errors import ConfigError
from ..journal import stamp
from ..models import Digests, Model
from . import parts
from .process import Job, plain
from .scratch import USUAL, Scratch


@dataclasses.dataclass(frozen=True)
class Hearing:
    """How files are heard, as JSON has it.

    Attributes
    ----------
    how : dict
        All that `node` needs to know.
    of : str
        What tells a run's parts from another's: a digest of all that decides what is heard in a file.
    """

    how: dict[str, Any]
    of: str


def hearing(
    models: Sequence[Model],
    digests: Sequence[Digests],
    options: Options,
    n_workers: int | None,
    file_timeout_s: float | None,
    scratch: Scratch = USUAL,
) -> Hearing:
    """Return how files are heard; parameters as `crew.Crew` and `pool.Pool` have them."""
    decides = {"digests": digests, "options": options.as_dict(), "version": __version__}
    how = {"models": [plain(model) for model in models], "n_workers": n_workers, "timeout_s": file_timeout_s}
    place = None if scratch.folder is None else os.fspath(scratch.folder)
    folder = os.getcwd()  # noqa: PTH109 - names of files may be seen from there
    of = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
    return Hearing({**decides, **how, "folder": folder, "scratch": [place, scratch.gb]}, of)


def named(job: Job) -> list[Any]:
    """Return a file as orders and parts name it: with what tells later whether it is the same."""
    return [job.path, [*job.models], *(stamp.told(os.fsencode(job.path)) or (None, None))]


def write(folder: Path, hearing: Hearing, files: Sequence[Sequence[Any]]) -> Path:
    """Write an order under a name of its own, and return it."""
    path = folder / f"{secrets.token_hex(8)}{parts.ORDER}"
    try:
        with AtomicFile(path, mode="w", encoding="ascii") as file:
            file.is_synced = False  # after a power cut nobody works at it
            json.dump({"format": parts.FORMAT, **dataclasses.asdict(hearing), "files": files}, file.stream)
    except (
        ConfigError
    ) as error:  # its name is not a user's choice: what the disk says is said as of all results
        raise (error.__cause__ or error) from None
    return path


def read(path: Path) -> dict[str, Any]:
    """Return an order.

    Raises
    ------
    ConfigError
        It cannot be read, is none, or is of another version.
    """
    text = sources.text(path, ConfigError, parts.LINE_BYTES)
    try:
        told: dict[str, Any] = json.loads(text)
        found = told["format"], told["how"]["version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(f"{path}: is damaged, or no order of birdfast") from error
    if found != (parts.FORMAT, __version__):
        raise ConfigError(
            f"birdfast is {__version__} here and {found[1]} where the run is; all machines need the same"
        )
    return told
