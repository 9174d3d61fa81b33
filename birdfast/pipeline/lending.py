"""Sessions are lent: those of listeners that stand on one backbone together, so that it runs once for all."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from ..config import AUTO, Engine
from ..errors import AudioError
from ..models import Model
from ..sessions import backbone, open_head, open_session
from ..sessions.head import HeadSession
from ..sessions.session import Session
from ..sessions.shared import SharedSession

# Of what is done to windows before a network, and to scores behind it: listeners do that, each for itself.
NO_MATTER: dict[str, Any] = {
    "name": "",
    "title": "",
    "labels_path": Path(),
    "labels_format": "",
    "n_classes": 0,
    "step_samples": 0,
    "normalization": "none",
    "activation": "",
}


class Backbone:
    """A network with which listeners hear: as it is, by heads on it, or both.

    What it lends is a session for each of them, on one session of the network, to one thread at a time;
    another set is made when all are lent. One that was broken off in the middle, by an interrupt or by its
    network, is not lent again: whoever keeps that error keeps views into the session's memory, and it could
    not run.
    """

    def __init__(self, session: Session) -> None:
        self.session, self.shared = session, SharedSession(session)
        self._members: dict[int, Session] = {}
        self._free: list[Mapping[int, Session]] = []
        # Also those that are lent: who is collected with them in a cycle gives them back, and what only the
        # cycle held would have been finalised before.
        self._lent: dict[int, Mapping[int, Session]] = {}
        self._is_lent, self._lock = False, Lock()

    def join(self, number: int, member: Session) -> None:
        """Take in the listener of that number, before the first session is lent."""
        self._members[number] = member

    @contextmanager
    def lent(self) -> Iterator[Mapping[int, Session]]:
        """Lend the sessions of all its listeners, by number."""
        with self._lock:
            free = self._free.pop() if self._free else None
            is_first, self._is_lent = not self._is_lent, True
        sessions = free or self._assembled(is_first)
        self._lent[id(sessions)] = sessions
        is_whole = False
        try:
            yield sessions
            is_whole = True
        except (AudioError, GeneratorExit):  # between two runs
            is_whole = True
            raise
        finally:
            del self._lent[id(sessions)]
            if is_whole:
                self._take_back(sessions)

    def _assembled(self, is_first: bool) -> Mapping[int, Session]:
        """Return sessions on one of the network: the one that was opened, then its twins."""
        several = len(self._members) > 1
        first = self.shared if several else self.session
        below: Session = first if is_first else first.twin()
        return {
            number: HeadSession(below, member.head if is_first else member.head.twin())
            if isinstance(member, HeadSession)
            else below
            for number, member in self._members.items()
        }

    def _take_back(self, sessions: Mapping[int, Session]) -> None:
        with self._lock:
            self._free.append(sessions)


class Backbones:
    """The networks of listeners that hear together, each opened once.

    Parameters
    ----------
    engine : Engine
        What runs them.
    spatial : bool
        Whether they show the spatial embedding that their models tell. No table has it, and it is large: so
        it is not fetched, nor missed where a file lacks it, unless it is asked for.
    """

    def __init__(self, engine: Engine = AUTO, spatial: bool = False) -> None:
        self._engine, self._spatial = engine, spatial
        self._known: dict[Model, dict[int, Backbone]] = {}  # by the number of classes, too

    def join(
        self, number: int, model: Model, n_classes: Sequence[int], cache: Path | None
    ) -> tuple[Backbone, Session]:
        """Open what a listener of that number needs, and return what it stands on, and a session to ask.

        `n_classes` are those that the labels name, by label space.

        Raises
        ------
        ModelError
            As `sessions.open_session`.
        """
        if model.backbone is None:
            below = self._opened(model, n_classes, cache)
            below.join(number, below.session)
            return below, below.session
        below = self.below(model, cache)
        first, *others = n_classes
        # on trial, heads hear the same sounds
        session = open_head(model, below.shared, first, cache, others, self._engine)
        below.join(number, session)
        return below, session

    def below(self, head: Model, cache: Path | None) -> Backbone:
        """Open what a head stands on, be there a head already or not; errors as `join`."""
        on = backbone(head)
        more = [len(names) for names in on.class_names()[1:]] if on.found else []
        return self._opened(on, [on.n_classes, *more], cache)

    def _opened(self, model: Model, n_classes: Sequence[int], cache: Path | None) -> Backbone:
        first, *more = n_classes
        if not self._spatial:
            model = dataclasses.replace(model, spatial_embedding="")
        key = dataclasses.replace(model, path=model.path.resolve(), **NO_MATTER)
        known = self._known.setdefault(key, {})
        if first not in known:
            session = open_session(model, first, cache, more, self._engine)
            known[first] = _alike(known, first, session) or Backbone(session)
        return known[first]


def _alike(known: Mapping[int, Backbone], n_classes: int, session: Session) -> Backbone | None:
    """Return who shows the same, where one of the two was not told how many classes there are.

    That one's scores are the only ones, so it is known only when it is open: who else listens must not decide
    what a head hears.
    """
    for n, one in known.items():
        if 0 in (n, n_classes) and one.session.outputs == session.outputs:
            return one
    return None


class Borrower(Protocol):
    """Who is lent a session: a listener, by its number."""

    number: int
    backbone: Backbone


@contextmanager
def lent(borrowers: Sequence[Borrower]) -> Iterator[list[Session]]:
    """Lend each a session; those on one backbone share its. Whoever runs them does so in the context."""
    with ExitStack() as stack:
        below = dict.fromkeys(borrower.backbone for borrower in borrowers)
        sets = {one: stack.enter_context(one.lent()) for one in below}
        yield [sets[borrower.backbone][borrower.number] for borrower in borrowers]
