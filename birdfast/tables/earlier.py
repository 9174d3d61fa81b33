"""Earlier: the tables that lie in a folder already, of a run before, or of strangers."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..errors import ConfigError
from . import kinds as every
from . import placed
from .kinds import KINDS, OF_FILES
from .table import About


def check_strangers(folder: Path, about: About) -> None:
    """Refuse a folder with files of any table's name, where nothing tells that they are ours.

    Raises
    ------
    ConfigError
        There is one: BirdNET-Analyzer's detections.csv, too, has this name, and the same header.
    """
    for name in every.members(KINDS, about):
        if (folder / name).is_file():
            raise _a_strangers(folder / name)


def check_files(
    folder: Path, kinds: Iterable[str], about: About, base: str | None, paths: Iterable[str]
) -> None:
    """Refuse a folder where a table of one recording would replace what is not ours.

    Parameters
    ----------
    folder : path
    kinds : iterable of str
        Those that are wanted; others that lie there for each recording are written anew, too.
    about : About
    base : str or None
        The folder that recordings are seen from; None where all that are wanted are of the whole run.
    paths : iterable of str
        Recordings, in the order of the tables.

    Raises
    ------
    ConfigError
        There is such a file, as BirdNET-Analyzer's beside its recording.
    """
    chosen, bases = {*kinds}, dict[str, tuple[str, str]]()
    for kind in OF_FILES:
        for label, suffix in every.suffixes([kind], about).items():
            seen_from = base if base is not None and kind in chosen else placed.base_of(folder, label)
            if seen_from is not None:
                bases[label] = suffix, seen_from
    ours = {name for label in bases for name in placed.names(folder, label)}
    taken = {label: set[Path]() for label in bases}
    for path in paths if bases else ():
        for label, (suffix, seen_from) in bases.items():
            place = placed.place_of(path, seen_from, suffix)
            place = placed.free(place, path, suffix, taken[label].__contains__)
            taken[label].add(place)
            if (folder / place).is_file() and str(place) not in ours:
                raise _a_strangers(folder / place)


def _a_strangers(path: Path) -> ConfigError:
    return ConfigError(
        f"{path}: nothing here tells that birdfast wrote it;"
        " move it away, choose another folder, or give it up with --force"
    )


def tidy(folder: Path, about: About) -> None:
    """Remove what a run that was killed while it wrote tables has left; the folder must be ours."""
    for name in every.members(KINDS, about):
        for part in folder.glob(f".{glob.escape(name)}.*.part"):
            part.unlink(missing_ok=True)
    for label in every.suffixes(OF_FILES, about):
        placed.tidy(folder, label)


def forget(folder: Path, about: About) -> None:
    """Remove the tables of a run that is begun anew; the folder must be ours."""
    for name in every.members(KINDS, about):
        path = folder / name
        if path.parent == folder and not path.is_dir():  # a model's name is a stranger's word
            path.unlink(missing_ok=True)
    for label in every.suffixes(OF_FILES, about):
        placed.forget(folder, label)


def those_there(folder: Path, wanted: tuple[str, ...], about: About, kept: set[str]) -> tuple[str, ...]:
    """Return the kinds of tables to write: those that are wanted, and others that lie in the folder."""
    for kind in KINDS:
        named = every.members([kind], about).keys() - every.members([], about).keys()
        there = [folder / name for name in named]
        if kind not in wanted and any(path.is_file() for path in there):
            wanted += (kind,) * (kind in kept)
            for path in there if kind not in kept else ():
                path.unlink(missing_ok=True)
    return wanted


def files_there(folder: Path, wanted: Mapping[str, str], about: About, kept: set[str]) -> dict[str, str]:
    """Return the same of tables for each file, with the folders that recordings are seen from."""
    found = dict(wanted)
    for kind in OF_FILES:
        for label in every.suffixes([kind], about):
            before = None if kind in found else placed.base_of(folder, label)
            if before is not None and kind in kept:
                found[kind] = before
            elif before is not None:
                placed.forget(folder, label)
    return found
