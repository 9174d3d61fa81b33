"""Storing: results that go into a bucket, from a run that is at work in a folder of this machine.

The journal is put at intervals and at the end, the tables then, and last what lists them (`commits`). So a
run that ended at any moment goes on here, or on another machine, from the bucket's journal.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from ..errors import BirdfastError, OutputError, StoreError
from ..journal import Folder
from ..models import Model
from ..models.places import runs_folder
from ..sources import deposits, stores
from .bucket import Bucket, TakenOverError
from .follower import Follower
from .leaving import Leave, Left
from .output import alone, output_folder, telling
from .results import Results
from .run import Run

EVERY_S = 600.0  # what a machine that is lost takes with it, at most, while
MOST_OF_TIME = 0.05  # that putting takes: a journal grows, and goes whole each time
LAST_S = 15.0  # that the last put has where the run was asked to leave: who asked kills it soon
Tell = Callable[[str], object]


class Place:
    """Where a run is at work.

    Attributes
    ----------
    folder : path
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = folder

    def work(self, run: Run, *followers: Follower, leave: Leave | None = None) -> Results:
        """Let a run in the folder work; arguments and errors as `Run.work`."""
        return run.work(*followers, leave=leave)


class _Shown(Place):
    """A folder whose journal is put into a bucket at intervals, while the context lasts."""

    def __init__(self, bucket: Bucket, warn: Tell) -> None:
        super().__init__(bucket.folder)
        self.is_stopped = False
        self._bucket, self._warn, self._leave = bucket, warn, Leave()
        self._taken_over: TakenOverError | None = None
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> _Shown:
        self._keeper.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        last = threading.Thread(target=self._end, args=(kind is not None,), daemon=True)
        last.start()
        is_asked = self._leave.is_asked or (kind is not None and issubclass(kind, Left))
        is_in_haste = kind is not None and is_asked and self._taken_over is None
        last.join(LAST_S if is_in_haste else None)
        if last.is_alive():
            self._warn(
                f"the store takes long, and the run was to leave; the journal is in {self.folder} so far"
            )

    def _end(self, is_cut_short: bool) -> None:
        """Wait for the put at work, and put what there is where nobody else will."""
        self._keeper.join()
        if is_cut_short and self._taken_over is None:
            self._keep_once()
            if self._taken_over is not None:
                self._warn(str(self._taken_over))

    def work(self, run: Run, *followers: Follower, leave: Leave | None = None) -> Results:
        """Let it work until another takes over; names are refused that something has which is not ours.

        Raises
        ------
        TakenOverError
            Another has: the run left in good order.
        """
        if not run.how.force:
            self._bucket.check(run.places())
        self._leave = leave or self._leave
        if self._taken_over is not None:
            raise self._taken_over
        try:
            results = run.work(*followers, leave=self._leave)
        except Left:
            if self._taken_over is not None:
                raise self._taken_over from None
            raise
        self.is_stopped = results.stopped is not None
        return results

    def _keep(self) -> None:
        """Put the journal at intervals, and wait the longer the longer that takes."""
        pause_s = EVERY_S
        while not self._over.wait(pause_s) and self._taken_over is None:
            began_s = monotonic()
            if self._keep_once():
                pause_s = max(EVERY_S, (monotonic() - began_s) / MOST_OF_TIME)

    def _keep_once(self) -> bool:
        try:
            self._bucket.keep()
        except TakenOverError as error:
            self._taken_over = error
            self._leave.ask_soon(error)
        except (BirdfastError, OSError) as error:
            self._warn(f"{error}; the journal is in {self.folder} so far")
        else:
            return True
        return False


@contextmanager
def working(
    output: str | os.PathLike[str], models: Sequence[Model], force: bool, say: Tell, warn: Tell
) -> Iterator[Place]:
    """Give a run the place to be at work in: the output, or of a URL a folder whose content is put there.

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
        yield Place(output)
        return
    deposits.check(url := stores.plain(output))
    url = url.rstrip("/")
    home = runs_folder() / hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    folder = output_folder(home / "results")
    with telling(home), alone(home):
        bucket = Bucket(url, home, folder)
        with Folder(folder):  # another run may be at work in it by its own name
            bucket.begin(models, force, say)
        with _Shown(bucket, warn) as place:
            yield place
        try:
            say(bucket.put(is_stopped=place.is_stopped))
        except StoreError as error:
            raise OutputError(
                f"{error}; what was done is kept in {folder}, and the same command goes on"
            ) from error
