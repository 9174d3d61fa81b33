"""What birdfast wrote into a model's folder: its manifest lists it, so that nothing else is replaced.

A folder that holds a model is changed so that whoever looks finds the earlier model or the new one, also when
the change is ended at any step: files come under names of their own, the manifest behind them takes over, and
what is only the earlier model's goes at last. The list has a file before it is there, and until it is gone.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote

from .. import atomicfile, sources
from ..atomicfile import AtomicFile
from ..errors import ConfigError, ModelError
from ..modelfolder import MANIFEST

HEADING = "\n# What birdfast wrote into this folder: --force replaces it as long as nobody has changed it.\n"
LINE, LAST = re.compile("# sha256 ([0-9a-f]{64}) (.+)"), "# sha256 of these lines "
SHOWN = 5  # names in a message

Digests = Mapping[str, str]  # SHA-256 by a file's name, as seen from its folder


def listed(text: str, digests: Digests) -> str:
    """Return a manifest with the list of what was written behind it, in place of an earlier list."""
    lines = [f"# sha256 {digest} {quote(name)}\n" for name, digest in sorted(digests.items())]
    told = "".join([text.partition(HEADING)[0], HEADING, *lines])
    return f"{told}{LAST}{_sha256(told)}\n"


def of(folder: Path) -> dict[str, str]:
    """Return what a folder's manifest lists, the manifest itself only if it is as it was written."""
    text = manifest(folder)
    told, _, last = text.rpartition(LAST)
    found = [LINE.fullmatch(line) for line in told.partition(HEADING)[2].splitlines()]
    digests = {unquote(line[2]): line[1] for line in found if line}
    return digests | ({MANIFEST: _sha256(text)} if last.strip() == _sha256(told) else {})


def within(folder: Path) -> dict[str, str]:
    """Return the files in a folder and in those below it, but for the manifest."""
    found = {name: sources.sha256(folder / name, ModelError) for name in _names(folder)}
    found.pop(MANIFEST, None)
    return found


def manifest(folder: Path) -> str:
    """Return a manifest's text as it stands there: the ends of its lines are part of it."""
    try:
        return sources.read(folder / MANIFEST, ModelError, sources.TEXT_BYTES).decode("utf-8")
    except (ModelError, UnicodeDecodeError):
        return ""


def check_ours(folder: Path) -> None:
    """Refuse a folder with files that birdfast did not write, or that were changed since.

    Raises
    ------
    ConfigError
        It names them.
    """
    ours = of(folder)
    others = [name for name in _names(folder) if not _is_one(folder / name, ours.get(name))]
    if others:
        more = f" and {len(others) - SHOWN:,} more" if len(others) > SHOWN else ""
        raise ConfigError(
            f"{folder}: has {', '.join(others[:SHOWN])}{more}, which birdfast did not write, or which was"
            " changed since, so --force does not replace it; move it away, or take another --name or folder"
        )


def replace(folder: Path, made: Path, text: str) -> None:
    """Put a model in the place of another.

    Parameters
    ----------
    folder : path
        Of the earlier one; all of it is ours (`check_ours`).
    made : path
        A folder of the same disk with the new one's files, none of them of the name of another in `folder`.
    text : str
        The new one's manifest.
    """
    atomicfile.tidy(folder, re.escape(MANIFEST))
    new, old = within(made), of(folder)
    old.pop(MANIFEST)
    _tell(folder, manifest(folder), old | new)
    for name in new:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).replace(folder / name)
    _tell(folder, text, old | new)
    for name in {*_names(folder)} & (old.keys() - new.keys()):
        _remove(folder, name)
    _tell(folder, text, new)


def _tell(folder: Path, text: str, digests: Digests) -> None:
    with AtomicFile(folder / MANIFEST, mode="w", encoding="utf-8", newline="") as file:
        file.stream.write(listed(text, digests))


def _remove(folder: Path, name: str) -> None:
    """Remove a file, and the folders that hold nothing without it."""
    (folder / name).unlink(missing_ok=True)
    for above in [*Path(name).parents][:-1]:
        if (folder / above).is_dir() and not any((folder / above).iterdir()):
            (folder / above).rmdir()


def _names(folder: Path) -> list[str]:
    """Return the names of what is no folder, in order; not of a manifest that a killed command began."""
    begun = re.compile(rf"\.{re.escape(MANIFEST)}\.{atomicfile.RANDOM}\.part")
    found: list[str] = []
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        found += [os.path.relpath(Path(place) / name, folder) for name in (*files, *links)]
    return sorted(name for name in found if not begun.fullmatch(name))


def _is_one(path: Path, digest: str | None) -> bool:
    try:
        return digest is not None and not path.is_symlink() and sources.sha256(path, ModelError) == digest
    except ModelError:
        return False


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
