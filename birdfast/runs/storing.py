"""Storing: results that go into a bucket, from a run that is at work in a folder of this machine.

The journal is put at intervals and at the end, the tables then, and last what lists them (`commits`). So a
run that ended at any moment goes on here, or on another machine, from the bucket's journal.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .. import sources
from ..atomicfile import AtomicFile
from ..errors import BirdfastError, ConfigError, OutputError, StoreError
from ..journal import NAME, Record
from ..journal.copied import copy
from ..journal.database import FILES
from ..models import Model
from ..models.places import runs_folder
from ..sources import deposits, stores
from ..tables import KINDS, escaped, kinds
from ..words import counted
from ..workers import parts
from . import commits
from .commits import Commit, Content
from .facts import about_alone
from .output import alone, output_folder, telling

EVERY_S = 600.0  # what a machine that is lost takes with it, at most
Tell = Callable[[str], object]


@contextmanager
def working(
    output: str | os.PathLike[str], models: Sequence[Model], force: bool, say: Tell, warn: Tell
) -> Iterator[str | os.PathLike[str]]:
    """Give a run the folder to be at work in: the output, or of a URL one whose content is put there.

    Parameters
    ----------
    output : path or URL
    models : sequence of Model
    force : bool
        Begin anew, whatever is in the bucket.
    say, warn : callable of str
        Hear what is fetched and put, and what could not be put yet.

    Raises
    ------
    ConfigError
        Nothing can be put there, another run puts its results there or is at work here, or there are tables
        that are not known to be ours.
    StoreError
        The store does not give what it should.
    OutputError
        It does not take the results.
    """
    if not (isinstance(output, str) and stores.is_url(output)):
        yield output
        return
    url = stores.plain(output).rstrip("/")
    deposits.check(url)
    home = runs_folder() / hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    folder = output_folder(home / "results")
    with telling(home), alone(home):
        bucket = _Bucket(url, home, folder)
        bucket.begin(models, force, say)
        over = threading.Event()
        keeper = threading.Thread(target=_keep, args=(bucket, over, warn), daemon=True)
        keeper.start()
        try:
            yield folder
        except BaseException:
            over.set()
            keeper.join()
            _keep_once(bucket, warn)
            raise
        over.set()
        keeper.join()
        try:
            say(bucket.put())
        except StoreError as error:
            raise OutputError(
                f"{error}; what was done is kept in {folder}, and the same command goes on"
            ) from error


def _keep(bucket: _Bucket, over: threading.Event, warn: Tell) -> None:
    """Put the journal at intervals."""
    while not over.wait(EVERY_S):
        _keep_once(bucket, warn)


def _keep_once(bucket: _Bucket, warn: Tell) -> None:
    try:
        bucket.keep()
    except (BirdfastError, OSError) as error:
        warn(f"{error}; the journal is in {bucket.folder} so far")


class _Bucket:
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
        self._told, self._sent = Commit(), list[bytes | None]()

    def begin(self, models: Sequence[Model], force: bool, say: Tell) -> None:
        """Make the folder ready: a journal that is ahead of the one here is fetched; tables are made anew."""
        text = commits.read(self.url)
        self._sent = [text]
        if text is not None:
            self._told = self._read(text, force)
        elif not force:
            ours = {*kinds.members(KINDS, about_alone(models)), NAME}
            if strangers := sorted(ours & {*deposits.names(self.url)}):
                raise ConfigError(
                    f"{self.url}/{strangers[0]}: is there, and no {commits.NAME} tells that birdfast put it;"
                    " take another folder, or --force to replace it"
                )
        for path in self.folder.iterdir():
            if path.name not in (*FILES, parts.FOLDER):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        is_here = (self.folder / NAME).exists() and self._told.journal in self._ours()
        if force:  # nothing that is there is believed
            self._told = dataclasses.replace(self._told, files={}, changing=frozenset(self._told.names))
            self._claim(self._told.journal)
        elif NAME in self._told.names and not is_here and self._fetch():
            say(f"{self.url}: its journal goes on here, in {self.folder}")

    def keep(self) -> None:
        """Put the journal as it is now, if it is another."""
        if (self.folder / NAME).exists():
            self._put({NAME: self._copied()}, {*self._told.names} - {NAME})

    def put(self) -> str:
        """Put all that there is, and take away what is no part of it any more; return what was done."""
        found = {escaped(path.relative_to(self.folder).as_posix()): path for path in self._tables()}
        with Record(self.folder) as record:
            complete = not record.standing().waiting
        n_bytes = self._put({**found, NAME: self._copied()}, (), complete)
        told = f"{counted(len(found) + 1, 'file')}, {counted(n_bytes, 'byte')} of them new"
        return f"in {self.url}: {told}, listed in {commits.NAME}"

    def _put(self, files: dict[str, Path], others: Iterable[str], complete: bool = False) -> int:
        """Put files, and leave those alone that are there; return how many bytes were put."""
        before, others = self._told, {*others}
        new = {name: _content(path) for name, path in files.items()}
        differs = [name for name in new if before.files.get(name) != new[name]]
        gone = before.names - new.keys() - others
        if not differs and not gone and before.complete == complete:
            return 0
        self._claim(journal := new[NAME].sha256)
        changing = before.changing | {*differs} | gone
        settled = {name: one for name, one in before.files.items() if name not in changing}
        self._tell(Commit(journal, settled, changing))
        for name in differs:
            deposits.put(files[name], f"{self.url}/{name}")
        now = Commit(journal, {**settled, **new}, changing - new.keys(), complete)
        self._tell(now)
        for name in gone:
            deposits.remove(f"{self.url}/{name}")
        if gone:
            self._tell(dataclasses.replace(now, changing=now.changing - gone))
        return sum(new[name].bytes for name in differs)

    def _tell(self, commit: Commit) -> None:
        """Put the list, unless another run has put one since."""
        if commits.read(self.url) not in self._sent:
            raise ConfigError(
                f"{self.url}: another run has put its results there since this one began; run again"
            )
        self._sent = [self._sent[-1], text := commit.text()]  # of a put that failed either may be there
        file = self._home / commits.NAME
        file.write_bytes(text)
        deposits.put(file, f"{self.url}/{commits.NAME}")
        self._sent, self._told = [text], commit

    def _read(self, text: bytes, force: bool) -> Commit:
        try:
            return Commit.of(f"{self.url}/{commits.NAME}", text)
        except ConfigError:
            if force:
                return Commit()
            raise

    def _fetch(self) -> bool:
        """Fetch the journal; return whether it had been put at all."""
        url, file = f"{self.url}/{NAME}", self._home / NAME
        try:
            stores.fetch(url, os.fspath(file), stores.version(url).size or 0)
        except StoreError as error:
            if NAME in self._told.changing and isinstance(error.__cause__, FileNotFoundError):
                return False
            raise
        if (known := self._told.files.get(NAME)) is not None and _content(file) != known:
            raise ConfigError(f"{url}: not the one that {commits.NAME} tells of; --force starts anew")
        for name in FILES:
            (self.folder / name).unlink(missing_ok=True)
        file.replace(self.folder / NAME)
        self._claim(self._told.journal)
        return True

    def _copied(self) -> Path:
        copy(self.folder, file := self._home / NAME)
        return file

    def _tables(self) -> Iterator[Path]:
        """Yield the files of the folder that are results."""
        for place, folders, names in os.walk(self.folder):
            others = (*FILES, parts.FOLDER) if Path(place) == self.folder else ()
            folders[:] = [one for one in sorted(folders) if not one.startswith(".") and one not in others]
            for name in sorted(names):
                if not name.startswith(".") and name not in others:
                    yield Path(place) / name

    def _ours(self) -> list[str]:
        """Return which journals of the bucket came from the folder here, or went into it."""
        file = self._home / "ours.json"
        return list(json.loads(sources.text(file, ConfigError))) if file.exists() else []

    def _claim(self, journal: str) -> None:
        """Write down that a journal is the folder's, before it is in the bucket."""
        with AtomicFile(self._home / "ours.json", mode="w", encoding="ascii") as file:
            json.dump([*self._ours()[-1:], journal], file.stream)


def _content(path: Path) -> Content:
    with sources.opened(path, OutputError, sys.maxsize) as file:
        return Content(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
