"""Which recordings a run is about: files, folders, and lists of files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from .errors import ConfigError

# What libsndfile reads, and what it does not read but people record in: those become rows of
# failures.csv with a hint, instead of being passed over in silence.
READ = "wav wave flac ogg oga opus mp3 aif aiff aifc au snd caf w64 rf64 voc sph nist ircam sf"
UNREAD = "m4a mp4 aac wma wv ape"
SUFFIXES = frozenset(f".{suffix}" for suffix in f"{READ} {UNREAD}".split())
LIST_SUFFIX = ".txt"


def find(inputs: Iterable[str]) -> list[str]:
    """Return the recordings that are meant, each once.

    Parameters
    ----------
    inputs : iterable of str
        A folder means all audio files below it, in the order of their names, hidden ones left out;
        a .txt file means the files it lists, one path a line; anything else is a recording.

    Raises
    ------
    ConfigError
        An input does not exist, a list is not text, or nothing was found at all.
    """
    inputs = list(inputs)
    found = dict.fromkeys(path for entry in inputs for path in _expand(entry))
    if not found:
        raise ConfigError(f"no audio files in {', '.join(inputs)}")
    return list(found)


def _expand(entry: str) -> Iterator[str]:
    if Path(entry).is_dir():
        yield from _below(entry, frozenset())
    elif not Path(entry).exists():
        raise ConfigError(f"{entry}: no such file or folder")
    elif entry.endswith(LIST_SUFFIX):
        yield from _listed(entry)
    else:
        yield entry


def _below(folder: str, above: frozenset[tuple[int, int]]) -> Iterator[str]:
    """Walk a folder in the order of names; a link to a folder above is not followed."""
    status = Path(folder).stat()
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        return
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be listed ({error.strerror})") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _below(entry.path, above | {identity})
        elif Path(entry.name).suffix.lower() in SUFFIXES:
            yield entry.path


def _listed(path: str) -> list[str]:
    try:
        text = Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    if "\0" in text:
        raise ConfigError(f"{path}: not a list of paths, one a line")
    return [line.strip("\r") for line in text.split("\n") if line.strip()]
