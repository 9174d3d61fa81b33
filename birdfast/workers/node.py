"""A node: the program that hears shares on one machine, with its pool, one after the other.

Standard input names orders, and the output tells what came of each. It ends with its parent, and when nobody
wants what it hears: its workers go with it.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import threading
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from .. import voice
from ..config import Options
from ..errors import BirdfastError, ConfigError, OutputError
from ..models import Digests, check_unchanged, described
from ..outcomes import Outcome
from ..sources import reach
from . import orders, parts, share
from .pool import Pool
from .process import Job
from .scratch import Scratch
from .share import IDLE_S

MOST_UNSEEN = 8  # files that are not to be had, before this machine says so and hears no more
LOOK_EVERY_S = 2.0  # whether anybody still wants what is being heard
LOOKS = 2  # in a row at which nobody does: a network's file system may miss a file for a moment


class _Hearer:
    """Hears shares one after the other, with one pool so long as they want the same."""

    def __init__(self) -> None:
        self.pool: Pool | None = None
        self._pool_of: tuple[Any, ...] = ()
        self._stack = ExitStack()
        self._asides: dict[str, None] = {}

    def hear(self, path: Path, n_workers: int | None) -> dict[str, Any]:
        """Hear a share, write its part, and return what `share.hear` does."""
        try:
            order = orders.read(path)
        except ConfigError as error:
            if share.has_gone(path):
                return {"gone": f"{socket.gethostname()} does not see {path}"}
            return _error(error)
        try:
            pool = self._pool(order, n_workers)
            files, unseen = order["files"], _Unseen(order["lacking"])
            jobs = [Job(name, tuple(models)) for name, models, *_ in files]
            with parts.Writer(parts.of(path), {"of": order["of"], "files": files}) as part:
                for number, what in pool.work(jobs):
                    part.add(number, what)
                    unseen.look(number, jobs[number].path, what)
                unseen.check()  # or the next driver would take the part as it is
                part.finish()
        except _Unfit:
            self.end()
            return {"unseen": unseen.told}
        except BirdfastError as error:
            self.end()
            return _error(error)
        except OSError as error:
            self.end()  # its workers are still at files that nobody waits for
            return _error(OutputError(f"{path.parent}: cannot be written ({error.strerror or error})"))
        told = {"part": part.sha256, "notes": [*pool.notes], "asides": [*self._asides]}
        self._asides.clear()
        return told

    def _pool(self, order: dict[str, Any], n_workers: int | None) -> Pool:
        wanted = (order["how"], n_workers)
        if wanted != self._pool_of:
            self.end()
            self._open(order["how"], n_workers)
            self._pool_of = wanted
        assert self.pool is not None
        return self.pool

    def _open(self, hearing: dict[str, Any], n_workers: int | None) -> None:
        try:
            os.chdir(hearing["folder"])  # names of recordings may be seen from there
        except OSError as error:
            raise ConfigError(
                f"{hearing['folder']}: {error.strerror}; name recordings by whole paths"
            ) from error
        models = [described(**facts) for facts in hearing["models"]]
        n = hearing["n_workers"] or n_workers
        self.pool = pool = Pool(models, Options(**hearing["options"]), n, hearing["timeout_s"])
        pool.scratch = Scratch(*hearing["scratch"])
        pool.hear = lambda line: self._asides.setdefault(line)
        self._stack.enter_context(pool)
        meant = [Digests(*told) for told in hearing["digests"]]
        if [one.every for one in pool.digests] != [one.every for one in meant]:
            check_unchanged(models, meant)

    def end(self) -> None:
        """End the pool, and forget what it had to say."""
        self._stack.close()
        self._asides.clear()
        self._pool_of = ()


class _Unfit(Exception):
    """This machine does not get at files that it is to hear."""


class _Unseen:
    """What a machine does not get at, of files that were there where the order was written: file, and why."""

    def __init__(self, lacking: Collection[int]) -> None:
        self.told, self._lacking = list[tuple[str, str]](), frozenset(lacking)

    def look(self, number: int, path: str, what: object) -> None:
        """Look why a file failed; raise `_Unfit` where that is so of many for want of them."""
        failure = what.failure if isinstance(what, Outcome) else None
        if failure is not None and failure.stage in ("audio", "fetch") and number not in self._lacking:
            if why := reach.why_not(path):
                self.told.append((path, why))
            if len(self.told) == MOST_UNSEEN:
                raise _Unfit

    def check(self) -> None:
        """Raise `_Unfit` if there is any such file."""
        if self.told:
            raise _Unfit


def _error(error: BirdfastError) -> dict[str, Any]:
    return {"error": type(error).__name__, "message": f"{socket.gethostname()}: {error}"}


class _Watch(threading.Thread):
    """Ends this process when its parent has gone, or nobody wants what it hears: its workers go with it."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.order: Path | None = None

    def run(self) -> None:
        """Look at standard input, which hangs up, and at the order, which is taken away."""
        poll = select.poll()
        poll.register(0, 0)
        n_gone = 0
        while n_gone < LOOKS and not poll.poll(LOOK_EVERY_S * 1000):
            n_gone = 0 if self.is_wanted() else n_gone + 1
        os._exit(1)

    def is_wanted(self) -> bool:
        """Whether anybody wants what is heard now, if anything is."""
        order = self.order  # once: the other thread changes it
        return order is None or not share.has_gone(order)


def main() -> None:
    """Hear shares, of which standard input names the orders, and tell on the output what came of each."""
    voice.prepare()
    with os.fdopen(os.dup(voice.OUT), "w", encoding="ascii") as answers:
        os.dup2(voice.ERR, voice.OUT)  # what a library prints is no answer
        _work(answers)


def _work(answers: TextIO) -> None:
    hearer, watch = _Hearer(), _Watch()
    _say(answers, {"ready": True})
    watch.start()
    try:
        while select.select([0], [], [], IDLE_S)[0] and (line := sys.stdin.readline()):
            order, n_workers = json.loads(line)
            watch.order = Path(order)
            told = hearer.hear(watch.order, n_workers)
            watch.order = None
            _say(answers, told)
    finally:
        hearer.end()


def _say(answers: TextIO, told: Mapping[str, Any]) -> None:
    answers.write(json.dumps(told) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
