"""A disk after a power cut: of what a command wrote and named stays what was brought to the disk, and more.

Which of the rest stays is by chance, as the system writes in the order that it likes. Of a file's bytes:
none, all, a beginning, or any blocks of them. Of names: a beginning of all changes, as a file system with a
journal keeps it; or of each folder's changes, as one without may.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

HEAD = struct.Struct("4Q2Ic7x")  # `struct entry` of failing.c
BLOCK = 4096
WORDS = {
    "W": "written",
    "T": "cut",
    "C": "made",
    "L": "linked",
    "R": "renamed",
    "U": "removed",
    "S": "synced",
}


class Entry(NamedTuple):
    """What happened: W written, T cut, C made, L linked, R renamed, U removed, M, D of folders, S synced."""

    what: str
    inode: int
    offset: int
    one: str
    other: str
    bytes: bytes


class Change(NamedTuple):
    """A change of a file's bytes, or of a name; `place`: the file's or the folder's."""

    entry: Entry
    place: int | str
    is_synced: bool


@dataclass
class File:
    """A file's bytes."""

    content: bytearray = field(default_factory=bytearray)

    def apply(self, entry: Entry, first: int = 0, last: int | None = None) -> None:
        """Do a change, or a part of it."""
        if entry.what == "T":
            del self.content[entry.offset :]
            self.content.extend(bytes(entry.offset - len(self.content)))
            return
        some, start = entry.bytes[first:last], entry.offset + first
        self.content.extend(bytes(max(0, start + len(some) - len(self.content))))
        self.content[start : start + len(some)] = some


def entries(log: bytes) -> list[Entry]:
    """Read a log; a file that gets the number of one that has gone gets one of its own."""
    found, at, numbers = [], 0, dict[int, int]()
    while at < len(log):
        size, inode, offset, _, of_one, of_other, what = HEAD.unpack_from(log, at)
        names = log[at + HEAD.size : at + HEAD.size + of_one + of_other]
        data = log[at + HEAD.size + of_one + of_other : at + size]
        if what == b"C":
            numbers[inode] = -len(found) - 1
        one, other = os.fsdecode(names[:of_one]), os.fsdecode(names[of_one:])
        found.append(Entry(what.decode(), numbers.get(inode, inode), offset, one, other, data))
        at += size
    return found


class Disk:
    """Folders as they were, and as they may be after a power cut.

    Parameters
    ----------
    folders : sequence of path
        As they are before the command; what lies elsewhere stays as it is.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = list(folders)
        self.names: dict[str, int | None] = {}  # None: a folder
        self.files: dict[int, bytes] = {}
        for folder in self.folders:
            for path in [folder, *folder.rglob("*")] if folder.exists() else ():
                self.names[str(path)] = None if path.is_dir() else path.stat().st_ino
                if path.is_file():
                    self.files[path.stat().st_ino] = path.read_bytes()

    def cut(self, done: list[Entry], chance: random.Random) -> None:
        """Make the folders what may be left after what was done."""
        names, files = dict(self.names), {n: File(bytearray(some)) for n, some in self.files.items()}
        for change in _kept_names([*_changes(done, "CLRUMD")], chance):
            _rename(names, change)
        of_files: dict[int | str, list[Change]] = {}
        for change in _changes(done, "WT"):
            of_files.setdefault(change.place, []).append(change)
        for number, changes in of_files.items():
            assert isinstance(number, int)
            _write(files.setdefault(number, File()), changes, chance)
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)
        for name, number in sorted(names.items()):
            if not Path(name).parent.is_dir():
                continue  # its folder's name was lost
            if number is None:
                Path(name).mkdir(exist_ok=True)
            else:
                Path(name).write_bytes(files.get(number, File()).content)


def _changes(done: list[Entry], kinds: str) -> Iterator[Change]:
    """Yield changes in their order, and whether each was brought to the disk later."""
    synced: set[int | str] = set()
    found = []
    for entry in reversed(done):
        if entry.what == "S":
            synced |= {entry.inode, entry.one}
        elif entry.what in kinds:
            place = entry.inode if entry.what in "WT" else str(Path(entry.other or entry.one).parent)
            found.append(Change(entry, place, place in synced))
    yield from reversed(found)


def _kept_names(changes: list[Change], chance: random.Random) -> Iterator[Entry]:
    """Yield which changes of names are on the disk."""
    places = {change.place for change in changes} if chance.random() < 0.5 else {None}
    last = {}
    for place in sorted(places, key=str):
        of_place = [n for n, change in enumerate(changes) if place in (None, change.place)]
        synced = max((n for n in of_place if changes[n].is_synced), default=-1)
        last[place] = chance.choice([synced, *(n for n in of_place if n > synced)])
    for n, change in enumerate(changes):
        if n <= last[None if None in last else change.place]:
            yield change.entry


def _rename(names: dict[str, int | None], entry: Entry) -> None:
    """Do a change of names; of what is not there nothing is done."""
    if entry.what == "C" and entry.one:
        names[entry.one] = entry.inode
    elif entry.what == "L":
        names[entry.other] = entry.inode
    elif entry.what == "M":
        names[entry.one] = None
    elif entry.what in "UD":
        names.pop(entry.one, None)
    elif entry.what == "R":
        for name in [name for name in names if name == entry.one or name.startswith(f"{entry.one}/")]:
            names[entry.other + name.removeprefix(entry.one)] = names.pop(name)


def _write(file: File, changes: list[Change], chance: random.Random) -> None:
    """Do what was brought to the disk, and of the rest none, all, a beginning, or blocks by chance."""
    way = chance.choice(("none", "all", "beginning", "blocks"))
    rest = [n for n, change in enumerate(changes) if not change.is_synced]
    until = chance.choice(rest) if rest and way == "beginning" else -1
    for n, (entry, _, is_synced) in enumerate(changes):
        if is_synced or way == "all" or n < until:
            file.apply(entry)
        elif n == until:  # torn
            file.apply(entry, 0, len(entry.bytes) // 2)
        elif way == "blocks":
            for first in range(0, max(1, len(entry.bytes)), BLOCK):
                if chance.random() < 0.5:
                    file.apply(entry, first, first + BLOCK)
