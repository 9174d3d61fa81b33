"""Results in a store that fails at any call: what was heard stays heard, and nobody is refused untruly."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from birdfast.errors import ClusterError, ConfigError, StoreError
from birdfast.journal import NAME, Journal, Record
from birdfast.runs import commits, storing
from birdfast.runs.bucket import Bucket, TakenOverError
from birdfast.runs.commits import Commit, Content
from birdfast.sources import deposits, stores

from .journals import FACTS, decided, hear, outcome

pytest.importorskip("fsspec", reason="URLs are read by fsspec")
pytestmark = pytest.mark.usefixtures("no_backoff")
URL = "memory://b/out"
PATHS = [f"{number}.wav" for number in range(8)]
FINE = ("works",)

Does = st.lists(st.sampled_from(("works", "works", "fails", "lands")), min_size=1, max_size=6).map(tuple)
Steps = st.lists(
    st.one_of(
        st.just(("hear", FINE)),
        st.tuples(st.sampled_from(("keep", "keep", "put", "killed")), Does),
        st.tuples(st.sampled_from(("here", "elsewhere")), Does),
    ),
    max_size=14,
)


class Machine:
    """A machine, and what it knows of a bucket: a run that hears one file after the other there."""

    def __init__(self, home: Path) -> None:
        self.home, self.folder = home, home / "results"
        self.folder.mkdir(parents=True)
        self.heard, self.facts = set[str](), FACTS
        self.bucket = Bucket(URL, self.home, self.folder)

    def begin(self, *, force: bool = False) -> None:
        """Begin the command."""
        self.bucket = Bucket(URL, self.home, self.folder)
        self.bucket.begin([], force, lambda _: None)
        with Journal(self.folder, self.facts, force=force) as journal:
            journal.plan(PATHS, range(len(PATHS)))
        self.table()

    def hear(self) -> None:
        """Hear a file that is waiting, if one is."""
        with Journal(self.folder, self.facts) as journal:
            waiting = journal.plan(PATHS, range(len(PATHS)))
            if waiting:
                hear(journal, path := PATHS[waiting[0][0]], outcome())
                self.heard.add(path)
        self.table()

    def table(self) -> None:
        (self.folder / "detections.csv").write_text("\n".join(sorted(self.done())))

    def done(self) -> set[str]:
        """Return what nobody has to hear any more."""
        return done(self.folder)


def done(folder: Path) -> set[str]:
    with Record(folder) as record:
        return {entry.path.decode() for _, entry in record.entries() if not entry.waiting}


@contextmanager
def failing(does: tuple[str, ...]) -> Iterator[None]:
    """Let calls to the store do one after the other: work, fail, or fail after they did what they should."""
    each, calls = cycle(does), {name: getattr(deposits, name) for name in ("put", "remove", "read")}

    def of(call: Any) -> Any:
        def ask(*given: Any) -> Any:
            does = next(each)
            found = call(*given) if does != "fails" else None
            if does != "works":
                raise StoreError(f"{URL}: the store does not answer 5 times")
            return found

        return ask

    with pytest.MonkeyPatch.context() as patched:
        for name, call in calls.items():
            patched.setattr(deposits, name, of(call))
        yield


def check_what_is_listed(memory: Any) -> None:
    for name, one in Commit.of(URL, commits.read(URL) or b"").files.items():
        content = memory.cat_file(f"/b/out/{name}")
        assert one == Content(len(content), hashlib.sha256(content).hexdigest())


# A store that takes nothing; and one whose answer to the first of three puts is lost.
HEAR, KEEP = ("hear", FINE), ("keep", FINE)
DOWN = [HEAR, ("keep", ("works", "fails"))]
HALF = [HEAR, ("keep", ("works", "lands")), *DOWN, *DOWN, HEAR, KEEP]


@example([HEAR, KEEP, *DOWN, *DOWN, *DOWN, ("here", FINE)])
@example(HALF)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(Steps)
def test_whatever_fails_nothing_is_heard_again_and_nobody_is_refused(
    memory: Any, steps: list[tuple[str, tuple[str, ...]]]
) -> None:
    for path in memory.find("/b"):
        memory.rm_file(path)
    with TemporaryDirectory() as above:
        machines = [Machine(Path(above, name)) for name in ("one", "two")]
        at = machines[0]
        at.begin()
        kept = set[str]()
        for what, does in [*steps, ("here", FINE), ("put", FINE), ("elsewhere", FINE), ("put", FINE)]:
            if what == "hear":
                at.hear()
            elif what in ("keep", "put"):
                with suppress(StoreError), failing(does):
                    at.bucket.keep() if what == "keep" else at.bucket.put(is_stopped=False)
                    kept = at.done()
            elif what == "killed":
                with suppress(StoreError), failing((*does, *["fails"] * 99)):
                    at.bucket.keep()
                at.begin()
            else:
                if what == "elsewhere":
                    machines.reverse()
                    at = machines[0]
                with suppress(StoreError), failing(does):
                    at.begin()
                at.begin()
            assert at.done() >= at.heard | kept
            if memory.exists("/b/out/birdfast.json"):
                check_what_is_listed(memory)
        told = Commit.of(URL, commits.read(URL) or b"")
        assert {*told.files} == {NAME, "detections.csv"}
        assert told.changing == frozenset()
        assert told.complete == (len(at.done()) == len(PATHS))
        assert at.done() >= machines[1].heard & kept


@pytest.fixture
def two(memory: object, tmp_path: Path) -> tuple[Machine, Machine]:
    return Machine(tmp_path / "one"), Machine(tmp_path / "two")


def test_of_two_that_go_on_one_is_told_and_what_both_heard_stays(two: tuple[Machine, Machine]) -> None:
    one, other = two
    one.begin()
    one.hear()
    one.bucket.keep()
    other.begin()
    for machine in (one, other, one):
        machine.hear()
    other.hear()
    other.hear()
    other.bucket.put(is_stopped=False)
    told = f"another run has put.*heard here is in {one.folder}, and"
    for put in (one.bucket.keep, lambda: one.bucket.put(is_stopped=False)):
        with pytest.raises(TakenOverError, match=told):
            put()
    one.hear()
    assert one.done() == {*PATHS[:4]}
    assert other.done() == {*PATHS[:4]}
    one.hear()
    one.begin()
    assert one.done() == {*PATHS[:5]}
    one.bucket.put(is_stopped=False)
    other.begin()
    assert other.done() == {*PATHS[:5]}


def test_who_has_nothing_to_put_is_told_too(two: tuple[Machine, Machine]) -> None:
    one, other = two
    one.begin()
    one.bucket.keep()
    with failing(("fails",)):
        one.bucket.keep()
    other.begin()
    other.hear()
    other.bucket.keep()
    with pytest.raises(TakenOverError):
        one.bucket.keep()


def test_a_journal_that_is_just_being_made_is_not_put(two: tuple[Machine, Machine], memory: Any) -> None:
    one, _ = two
    (one.folder / NAME).touch()
    one.bucket.keep()
    assert not memory.exists("/b/out")


def test_the_same_that_is_put_again_is_known_to_be_there_since(two: tuple[Machine, Machine]) -> None:
    one, other = two
    one.begin()
    one.hear()
    one.bucket.keep()
    one.hear()
    for machine, does in (one, ("works", "works", "fails")), (one, ("works",) * 4 + ("fails",)):
        other.begin()
        assert other.done() == {PATHS[0]}
        machine.begin()
        with pytest.raises(StoreError), failing(does):
            machine.bucket.keep()
    other.begin()
    assert other.done() == {*PATHS[:2]}


def test_a_list_that_lies_there_though_its_put_failed_is_ours(two: tuple[Machine, Machine]) -> None:
    one, other = two
    one.begin()
    one.hear()
    one.bucket.keep()
    one.hear()
    with pytest.raises(StoreError), failing(("works", "lands")):
        one.bucket.keep()
    one.hear()
    one.bucket.keep()
    other.begin()
    assert other.done() == {*PATHS[:3]}


def test_what_was_forced_elsewhere_is_not_gone_on_with_unasked(two: tuple[Machine, Machine]) -> None:
    one, other = two
    one.begin()
    one.hear()
    one.hear()
    one.bucket.put(is_stopped=False)
    other.begin(force=True)
    other.hear()
    other.bucket.put(is_stopped=False)
    for _ in range(2):
        with pytest.raises(ConfigError, match="lacks 1 file that this heard; move ") as no:
            one.begin()
        assert f"-o {one.folder}" in str(no.value)
        assert one.done() == {*PATHS[:2]}
    other.hear()
    other.bucket.put(is_stopped=False)
    one.begin()  # what is there has all that was heard here
    one.hear()
    other.begin(force=True)
    other.begin()
    assert other.done() == set()


def test_another_run_that_is_through_takes_no_results_of_what_was_heard_here(
    two: tuple[Machine, Machine],
) -> None:
    one, other = two
    other.facts = decided(model="b")
    for machine in two:
        machine.begin(force=machine is other)
        for _ in PATHS:
            machine.hear()
        machine.bucket.put(is_stopped=False)
    with pytest.raises(ConfigError, match="is another than the one here, and lacks 8 files that this heard"):
        one.begin()
    with Record(one.folder) as record:
        assert [*record.facts().differences(FACTS)] == []
    assert one.done() == {*PATHS}


def test_with_what_was_given_up_nobody_goes_on(two: tuple[Machine, Machine]) -> None:
    one, other = two
    one.begin()
    one.hear()
    one.bucket.put(is_stopped=False)
    one.begin(force=True)
    for _ in range(2):
        one.hear()
        with pytest.raises(StoreError), failing(("works", "works", "works", "fails")):
            one.bucket.keep()
        other.begin()
        assert other.done() == set()
    other.hear()
    other.bucket.keep()
    one.begin()
    assert one.done() == {*PATHS[:2]}


def test_a_list_that_goes_is_said_to_have_gone(two: tuple[Machine, Machine], memory: Any) -> None:
    one, _ = two
    one.begin()
    one.hear()
    one.bucket.keep()
    memory.rm_file("/b/out/birdfast.json")
    one.hear()
    with pytest.raises(TakenOverError, match=r"birdfast\.json has gone since this one began"):
        one.bucket.keep()
    memory.rm_file("/b/out/journal.sqlite")
    one.begin()
    assert one.done() == {*PATHS[:2]}


def test_a_machine_with_another_run_is_refused_before_the_new_one_has_a_journal(
    two: tuple[Machine, Machine],
) -> None:
    one, other = two
    one.begin()
    one.hear()
    one.bucket.put(is_stopped=False)
    other.begin(force=True)
    other.hear()
    with pytest.raises(StoreError), failing(("works", "works", "fails")):
        other.bucket.keep()  # the list of the new run alone
    with pytest.raises(ConfigError, match="another than the one here, and lacks 1 file that this heard"):
        one.begin()
    assert one.done() == {PATHS[0]}


@pytest.mark.parametrize("n_calls", range(8))
def test_whenever_a_forced_run_ends_nobody_takes_the_journal_that_it_gave_up(
    two: tuple[Machine, Machine], tmp_path: Path, n_calls: int
) -> None:
    one, other = two
    other.begin()
    for _ in range(3):
        other.hear()
    other.bucket.put(is_stopped=False)
    before = commits.read(URL)
    one.begin(force=True)
    with suppress(StoreError), failing((*["works"] * n_calls, *["fails"] * 9)):
        one.bucket.keep()
    is_given_up = commits.read(URL) != before
    third = Machine(tmp_path / "three")
    third.begin()
    assert third.done() == (set() if is_given_up else {*PATHS[:3]})
    one.begin()  # by itself it goes on with its own, and takes away what is there
    with suppress(TakenOverError):
        one.bucket.keep()
    assert one.done() == set()
    fourth = Machine(tmp_path / "four")
    fourth.begin()
    assert fourth.done() == set()


def test_a_forced_run_that_never_begins_puts_no_old_journal(
    memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "runs_folder", lambda: tmp_path)
    one = Machine(tmp_path / hashlib.sha256(URL.encode()).hexdigest()[:32])
    other = Machine(tmp_path / "other")
    one.begin()
    one.hear()
    one.bucket.put(is_stopped=False)
    other.begin()
    other.hear()
    other.bucket.put(is_stopped=False)
    with pytest.raises(ClusterError), storing.working(URL, [], True, print, print):
        raise ClusterError("no cluster")
    third = Machine(tmp_path / "three")
    third.begin()
    assert third.done() == {*PATHS[:2]}


def test_tables_of_a_run_that_is_at_work_in_the_folder_stay(
    memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "runs_folder", lambda: tmp_path)
    one = Machine(tmp_path / hashlib.sha256(URL.encode()).hexdigest()[:32])
    one.begin()
    with (
        Journal(one.folder, FACTS),
        pytest.raises(ConfigError, match="another run is at work in it"),
        storing.working(URL, [], False, print, print),
    ):
        raise AssertionError
    assert (one.folder / "detections.csv").exists()


def test_a_journal_that_is_put_as_another_begins_is_read_once_more(
    two: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = two
    one.begin()
    one.hear()
    one.bucket.put(is_stopped=False)
    one.hear()
    fetch = stores.fetch

    def late(*given: Any) -> Any:
        monkeypatch.setattr(stores, "fetch", fetch)
        one.bucket.put(is_stopped=False)
        return fetch(*given)

    monkeypatch.setattr(stores, "fetch", late)
    other.begin()
    assert other.done() == {*PATHS[:2]}


def test_what_could_not_be_looked_at_is_removed_all_the_same(
    memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.pipe_file("/b/x", b"1")

    def fail(*_: object, **__: object) -> None:
        raise OSError("connection reset")

    with monkeypatch.context() as patched:
        patched.setattr(type(memory), "info", fail)
        deposits.remove("memory://b/x")
    assert not memory.exists("/b/x")
    deposits.remove("memory://b/x")


def test_a_new_run_removes_nothing(two: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may put and not remove has results there all the same."""

    def refuse(*_: object) -> None:
        raise StoreError("the store refuses it")

    monkeypatch.setattr(deposits, "remove", refuse)
    one, other = two
    one.begin()
    one.hear()
    one.bucket.put(is_stopped=False)
    other.begin()
    assert other.done() == {PATHS[0]}
