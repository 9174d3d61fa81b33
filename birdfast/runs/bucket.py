"""Buckets: what lies at a URL of results, and the folder of this machine that is at work for it."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import ConfigError, NotBegunError, StoreError
from ..journal import NAME, Record
from ..journal.copied import copy
from ..journal.database import FILES
from ..models import Model
from ..sources import deposits, stores
from ..sources.tries import is_not_there
from ..tables import KINDS, escaped, is_aside, kinds
from ..words import counted
from ..workers import parts
from . import commits, joining
from .commits import Commit, Content
from .facts import about_alone
from .owned import Owned

Tell = Callable[[str], object]


class TakenOverError(ConfigError):
    """What lies in the bucket is another run's by now."""


class Bucket:
    """What lies at a URL, and the folder that is at work for it.

    Parameters
    ----------
    url : str
    home : path
        What is known here of the bucket, and `folder`, the run's.
    folder : path
    """

    def __init__(self, url: str, home: Path, folder: Path) -> None:
        self.url, self.folder, self._home = url, folder, home
        self._ours = Owned(home / "ours.json")
        self._told = Commit()
        self._seen: bytes | None = None  # the list as it was there for sure

    def begin(self, models: Sequence[Model], force: bool, say: Tell) -> None:
        """Make the folder ready: where another went on, from what is there; tables are made anew.

        Raises
        ------
        ConfigError
            There are tables that are not known to be ours, or another run was begun there since.
        StoreError
            The store does not give what it should, or takes nothing where nothing is yet.
        """
        self._seen = text = commits.read(self.url)
        if text is not None:
            self._told = self._read(text, force)
        elif not force:
            self.check([*kinds.members(KINDS, about_alone(models)), NAME])
        for path in self.folder.iterdir():
            if path.name not in (*FILES, parts.FOLDER):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        for path in self._tables():  # of recordings in a folder that is called as that of parts
            path.unlink()
        if force:  # before a run begins that may end before it has a journal, which no other is taken for
            _forget(self.folder)
            self._ours.begin_anew(text)
        elif text is not None and not (self._ours.has(text) and (self.folder / NAME).exists()):
            self._follow(say)
        if self._seen is None:  # so a bucket that takes nothing is known before anything is heard
            self._tell(Commit(self._ours.run))

    def check(self, names: Iterable[str]) -> None:
        """Refuse names below the URL that something has which is not known to be ours.

        Raises
        ------
        ConfigError
            With the first of them.
        """
        others = dict[str, set[str]]()  # by their folders
        for name in map(escaped, names):
            above, _, last = name.rpartition("/")
            if above not in others:
                there = deposits.names(f"{self.url}/{above}".rstrip("/"))
                others[above] = {one for one in there if f"{above}/{one}".lstrip("/") not in self._told.names}
            if last in others[above]:
                raise ConfigError(
                    f"{self.url}/{name}: is there, and no {commits.NAME} tells that birdfast put it;"
                    " move it away, take another folder, or --force, which starts anew"
                )

    def keep(self) -> None:
        """Put the journal as it is now, if it is another, and ask whose all is.

        Raises
        ------
        TakenOverError
            Another run has put its results there.
        StoreError
            The store does not take it.
        """
        with suppress(NotBegunError):
            if (self.folder / NAME).exists() and self._keep(self._copied()):
                return
        with suppress(StoreError):  # nothing was to be put
            self._check_ours()

    def put(self, *, is_stopped: bool) -> str:
        """Put all that there is, and take away what is no part of it any more; return what was done.

        The journal goes first, as it has what was heard: tables are made of it at any time. Of a run that
        is stopped they are not those of all files. Errors as `keep`.
        """
        found = {escaped(path.relative_to(self.folder).as_posix()): path for path in self._tables()}
        with Record(self.folder) as record:
            complete = not is_stopped and not record.standing().waiting
        journal = self._copied()
        n_bytes = self._keep(journal)
        every = {NAME: journal, **{name: (path, Content.of(path)) for name, path in found.items()}}
        n_bytes += self._put(every, set(), complete)
        told = f"{counted(len(every), 'file')}, {counted(n_bytes, 'byte')} of them new"
        return f"in {self.url}: {told}, listed in {commits.NAME}"

    def _keep(self, journal: tuple[Path, Content]) -> int:
        return self._put({NAME: journal}, self._told.names - {NAME})

    def _put(
        self, files: Mapping[str, tuple[Path, Content]], others: set[str], complete: bool | None = None
    ) -> int:
        """Put files, and leave those alone that are there; return how many bytes were put.

        What is neither among them nor the others goes. `complete` stays as it is where nothing is put.
        """
        if self._told.run != self._ours.run:  # now that the new journal is there; its tables go, as they are
            self._tell(Commit(self._ours.run, {}, frozenset(self._told.names - {NAME})))
        before = self._told
        differs = [name for name, (_, one) in files.items() if before.files.get(name) != one]
        gone = before.names - files.keys() - others
        if not differs and not gone and complete in (None, before.complete):
            return 0
        changing = before.changing | {*differs} | gone
        settled = {name: one for name, one in before.files.items() if name not in changing}
        if NAME not in before.names and NAME in deposits.names(self.url):  # what --force gave up
            self._check_ours()
            deposits.remove(f"{self.url}/{NAME}")
        self._tell(Commit(self._ours.run, settled, changing))
        for name in differs:
            deposits.put(files[name][0], f"{self.url}/{name}")
        whole = settled | {name: one for name, (_, one) in files.items()}
        now = Commit(self._ours.run, whole, changing - files.keys(), bool(complete))
        self._tell(now)
        for name in gone:
            deposits.remove(f"{self.url}/{name}")
        if gone:
            self._tell(dataclasses.replace(now, changing=now.changing - gone))
        return sum(files[name][1].bytes for name in differs)

    def _tell(self, commit: Commit) -> None:
        """Put the list, unless another run has put one since."""
        self._check_ours()
        self._ours.add(text := commit.text())  # of a put that fails it may be there all the same
        self._put_list(text)
        self._told = commit

    def _put_list(self, text: bytes) -> None:
        (file := self._home / commits.NAME).write_bytes(text)
        deposits.put(file, f"{self.url}/{commits.NAME}")
        self._seen = text

    def _check_ours(self) -> None:
        """Refuse to go on with what is another's by now."""
        if (there := commits.read(self.url)) != self._seen and (there is None or not self._ours.has(there)):
            what = f"{commits.NAME} has gone" if there is None else "another run has put its results there"
            raise TakenOverError(
                f"{self.url}: {what} since this one began; what was heard here is in {self.folder},"
                " and the same command takes it along when it goes on from what is there"
            )

    def _read(self, text: bytes, force: bool) -> Commit:
        try:
            return Commit.of(f"{self.url}/{commits.NAME}", text)
        except ConfigError:
            if force:
                return Commit()
            raise

    def _follow(self, say: Tell) -> None:
        """Go on with the journal that is there, and bring into it what was heard here besides."""
        if not self._fetch():
            if self._told.run == self._ours.run and (self.folder / NAME).exists():
                return
            joining.check_unheard(self.url, self.folder)
            _forget(self.folder)
            self._ours.follow(self._told.run, self._seen)
            return
        n_brought = joining.bring(self.url, self.folder, self._home, self._told.run == self._ours.run)
        (self._home / NAME).replace(self.folder / NAME)
        self._ours.follow(self._told.run, self._seen)
        more = f", with {counted(n_brought, 'file')} that had been heard here" if n_brought else ""
        say(f"{self.url}: its journal goes on here, in {self.folder}{more}")

    def _fetch(self) -> bool:
        """Fetch the journal, which is not the folder's yet; return whether it had been put at all."""
        url, file = f"{self.url}/{NAME}", self._home / NAME
        _forget(self._home)  # of one that was killed as it brought
        while NAME in self._told.names:
            known = self._told.files.get(NAME)
            try:
                stores.fetch(url, os.fspath(file), stores.version(url).size or 0)
                if known is None or Content.of(file) == known:
                    return True
                told = f"{url}: not the one that {commits.NAME} tells of; --force starts anew"
                error: ConfigError | StoreError = ConfigError(told)
            except StoreError as caught:
                if known is None and is_not_there(caught):
                    return False
                error = caught  # another may have been put meanwhile, larger than this one
            if (text := commits.read(self.url)) in (None, self._seen):  # nobody put another meanwhile
                raise error
            self._told, self._seen = self._read(text, force=False), text
        return False

    def _copied(self) -> tuple[Path, Content]:
        copy(self.folder, file := self._home / NAME)
        return file, Content.of(file)

    def _tables(self) -> Iterator[Path]:
        """Yield the files of the folder that are results."""
        for path in sorted(self.folder.rglob("*")):
            place = path.relative_to(self.folder).parts[0]
            is_part = place == parts.FOLDER and path.suffix in (parts.ORDER, parts.PART)
            if path.is_file() and not (is_part or place in FILES or is_aside(place)):
                yield path


def _forget(folder: Path) -> None:
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
