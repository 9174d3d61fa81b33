"""Earlier: the tables that lie in a folder already, of a run before, or of strangers."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from .. import voice
from ..errors import ConfigError
from . import dense, placed, wide
from . import kinds as every
from .kinds import DENSE, KINDS, OF_FILES, SUBMISSION, WIDE
from .table import About

GONE = "removed; what it was made of is not kept any more"


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
    folder: Path, kinds: Sequence[str], about: About, base: str | None, paths: Iterable[str]
) -> None:
    """Refuse a folder where a table of one recording would replace what is not ours.

    Parameters
    ----------
    folder : path
    kinds : sequence of str
        Those that are wanted; others that lie there for each recording are written anew, too.
    about : About
    base : str or None
        The folder that recordings are seen from; None where all that are wanted are of the whole run.
    paths : iterable of str
        Recordings, in the order of the tables.

    Raises
    ------
    ConfigError
        There is such a file, as BirdNET-Analyzer's beside its recording; or as `check_forms`.
    """
    check_forms(folder, kinds, about)
    chosen, bases = {*kinds}, dict[str, tuple[str, str]]()
    for kind in OF_FILES:
        for label, suffix in every.suffixes([kind], about).items():
            seen_from = base if base is not None and kind in chosen else placed.base_of(folder, label)
            if seen_from is not None:
                bases[label] = suffix, seen_from
    ours = {name for label in bases for name in _names(folder, label)}
    for place in _places(bases, paths):
        if (folder / place).is_file() and str(place) not in ours:
            raise _a_strangers(folder / place)


def places(kinds: Iterable[str], about: About, base: str | None, paths: Iterable[str]) -> Iterator[str]:
    """Yield where a run's tables will lie below its folder; arguments as `check_files` has them."""
    chosen = {*kinds}
    of_each = chosen & {*OF_FILES} if base is not None else set[str]()
    yield from every.members(chosen - of_each, about)
    suffixes = every.suffixes(sorted(of_each), about)
    bases = {label: (suffix, base or "") for label, suffix in suffixes.items()}
    yield from (place.as_posix() for place in _places(bases, paths))


def _places(bases: Mapping[str, tuple[str, str]], paths: Iterable[str]) -> Iterator[Path]:
    """Yield the places of recordings' tables, of suffixes and the folders that recordings are seen from."""
    taken = {label: set[Path]() for label in bases}
    for path in paths if bases else ():
        for label, (suffix, seen_from) in bases.items():
            place = placed.place_of(path, seen_from, suffix)
            place = placed.free(place, path, suffix, taken[label].__contains__)
            taken[label].add(place)
            yield place


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
        _forget_files(folder, label)


def check_forms(folder: Path, kinds: Iterable[str], about: About) -> None:
    """Refuse a folder where a wide or a dense table would replace a file that is not shaped as ours.

    Raises
    ------
    ConfigError
        There is one; that the folder is ours does not tell that all in it is.
    """
    for kind in kinds:
        for path in _there(folder, kind, about):
            if not _is_shaped(path, kind):
                raise ConfigError(
                    f"{path}: no table of kind {kind} of ours; move it away, or choose another folder"
                )


def those_there(folder: Path, wanted: tuple[str, ...], about: About, kept: set[str]) -> tuple[str, ...]:
    """Return the kinds of tables to write: those that are wanted, and others that lie in the folder.

    One that cannot be made anew is removed, and said to be; a submission stays, and so does what is not ours.
    """
    for kind in KINDS:
        there = [path for path in _there(folder, kind, about) if _is_shaped(path, kind)]
        if kind in wanted or kind == SUBMISSION or not there:
            continue
        wanted += (kind,) * (kind in kept)
        for path in there if kind not in kept else ():
            path.unlink(missing_ok=True)
            voice.aside(f"{path}: {GONE}")
    return wanted


def files_there(folder: Path, wanted: Mapping[str, str], about: About, kept: set[str]) -> dict[str, str]:
    """Return the same of tables for each file, with the folders that recordings are seen from."""
    found = dict(wanted)
    for kind in OF_FILES:
        for label in every.suffixes([kind], about):
            for _ in _names(folder, label):  # a list that was changed is refused before any table goes
                pass
            before = None if kind in found else placed.base_of(folder, label)
            if before is not None and kind in kept:
                found[kind] = before
            elif before is not None:
                _forget_files(folder, label)
                voice.aside(f"{folder}: tables of each file, of kind {label}: {GONE}")
    return found


def _there(folder: Path, kind: str, about: About) -> list[Path]:
    """Return the files that have the names of a run's tables of a kind."""
    names = every.members([kind], about).keys() - every.members([], about).keys()
    return [folder / name for name in sorted(names) if (folder / name).is_file()]


def _is_shaped(path: Path, kind: str) -> bool:
    """Whether a wide or a dense table is shaped as ours; all others may be."""
    if kind == WIDE:
        return wide.is_one(path)
    return all(dense.is_one(path, one) for one in DENSE if one == kind)


def _names(folder: Path, label: str) -> Iterator[str]:
    return placed.names(folder, label, every.ending(label))


def _forget_files(folder: Path, label: str) -> None:
    placed.forget(folder, label, every.ending(label))
