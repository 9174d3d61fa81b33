"""Results in stores: tables lie in a bucket as in a folder, whenever the run that puts them ends."""

from __future__ import annotations

import hashlib
import random
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from itertools import product
from pathlib import Path

import pytest

import birdfast
from birdfast import models
from birdfast.cli import exits
from birdfast.errors import ConfigError, OutputError, StoreError
from birdfast.runs import commits, storing
from birdfast.runs.bucket import Bucket
from birdfast.runs.commits import Commit, Content
from birdfast.runs.leaving import Leave, Left
from birdfast.sources import deposits, stores

from .commands import ended, started
from .recordings import noise, write
from .stores import ACCESS, Proxy, client, s3

fsspec = pytest.importorskip("fsspec", reason="URLs are read by fsspec")
pytestmark = pytest.mark.usefixtures("no_backoff")
URL = "memory://b/out"


class Killed(BaseException):
    """What ends a run as if its process had gone: nothing of it is caught on the way."""


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for number in range(6):
        write(tmp_path / "in" / f"{number}.wav", noise(8_000, seed=number), 8_000)
    return tmp_path / "in"


@pytest.fixture
def local(sounds: Path, tiny: models.Model, tmp_path: Path) -> dict[str, bytes]:
    """Return the tables of a run in a folder."""
    birdfast.run(sounds, tiny.path.parent, output=tmp_path / "local", workers=1)
    return {one.name: one.read_bytes() for one in (tmp_path / "local").glob("*.csv")}


def put(sounds: Path, tiny: models.Model, url: str = URL, **how: object) -> birdfast.Results:
    return birdfast.run(sounds, tiny.path.parent, output=url, workers=1, **how)


def lying(url: str = URL) -> dict[str, bytes]:
    """Return what lies in a store, as its list tells of it: all that is there, and nothing else."""
    told = Commit.of(url, commits.read(url) or b"")
    found = {name: deposits.read(f"{url}/{name}", 1 << 30) or b"" for name in told.files}
    assert {*deposits.names(url)} == {*told.files, commits.NAME}
    assert told.changing == frozenset()
    assert told.complete
    for name, one in told.files.items():
        assert one == Content(len(found[name]), hashlib.sha256(found[name]).hexdigest())
    del found["journal.sqlite"]
    return found


def test_tables_lie_in_a_store_as_in_a_folder(
    memory: object, machine: object, sounds: Path, tiny: models.Model, local: dict[str, bytes]
) -> None:
    results = put(sounds, tiny)
    assert lying() == local
    assert len(list(results)) > 0
    before = {name: memory.modified(f"/b/out/{name}") for name in local}
    put(sounds, tiny)
    assert {name: memory.modified(f"/b/out/{name}") for name in local} == before
    assert lying() == local


def test_another_machine_goes_on_and_old_tables_go(
    memory: object, machine: Callable[[str], None], sounds: Path, tiny: models.Model, local: dict[str, bytes]
) -> None:
    put(sounds, tiny, kinds=("csv", "raven", "ndjson"))
    assert {*local} < {*lying()}
    machine("two")
    heard = list[str]()

    class Hears(birdfast.Follower):
        def add(self, path: str, outcome: object) -> None:
            heard.append(path)

    put(sounds, tiny, followers=[Hears()])
    assert lying() == local
    write(sounds / "7.wav", noise(8_000, seed=7), 8_000)
    put(sounds, tiny, followers=[Hears()])
    machine("one")  # where an older journal lies
    (sounds / "7.wav").unlink()
    put(sounds, tiny, followers=[Hears()])
    assert [Path(path).name for path in heard] == ["7.wav"]
    assert lying() == local


@pytest.mark.long
def test_whatever_call_to_the_store_is_the_last_the_next_run_gives_the_same(
    memory: object,
    machine: Callable[[str], None],
    sounds: Path,
    tiny: models.Model,
    local: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(sounds, tiny, kinds=("csv", "raven"), min_confidence=0.9)
    whole = {path: memory.cat_file(path) for path in memory.find("/b")}
    calls, last, is_done = 0, 0, False

    def dying(call: Callable[..., object]) -> Callable[..., object]:
        def ask(*given: object) -> object:
            nonlocal calls
            calls += 1
            if calls == last:
                if is_done:
                    call(*given)
                raise Killed
            if calls > last:
                raise Killed
            return call(*given)

        return ask

    for last, is_done in product(range(1, 40), (False, True)):
        machine("one")
        for path in memory.find("/b"):
            memory.rm_file(path)
        for path, content in whole.items():
            memory.pipe_file(path, content)
        shutil.rmtree(storing.runs_folder(), ignore_errors=True)
        with monkeypatch.context() as patched:
            patched.setattr(deposits, "put", dying(deposits.put))
            patched.setattr(deposits, "remove", dying(deposits.remove))
            calls = 0
            try:
                put(sounds, tiny)
            except Killed:
                pass
            else:
                break
        for name, one in Commit.of(URL, commits.read(URL) or b"").files.items():
            content = memory.cat_file(f"/b/out/{name}")
            assert one == Content(len(content), hashlib.sha256(content).hexdigest()), (last, is_done)
        if last % 3:
            machine(f"other-{last}-{is_done}")
        put(sounds, tiny)
        assert lying() == local
    assert 6 < last < 39


def test_a_strangers_tables_are_refused(
    memory: object, machine: object, sounds: Path, tiny: models.Model, local: dict[str, bytes]
) -> None:
    memory.pipe_file("/b/out/detections.csv", b"theirs")
    memory.pipe_file("/b/out/notes.txt", b"theirs")
    with pytest.raises(ConfigError, match=r"memory://b/out/detections\.csv: is there, and no birdfast\.json"):
        put(sounds, tiny)
    put(sounds, tiny, force=True)
    assert memory.cat_file("/b/out/detections.csv") == local["detections.csv"]
    assert memory.cat_file("/b/out/notes.txt") == b"theirs"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'{"format": 2}',
        b'{"format": 1, "run": "", "files": {}, "changing": ["../a"], "complete": true}',
        b'{"format": 1, "run": "", "files": {"a": {"bytes": 1, "sha256": "x"}}, "changing": [],'
        b' "complete": true}',
    ],
)
def test_a_list_that_is_none_of_ours_is_refused(
    memory: object, machine: object, sounds: Path, tiny: models.Model, text: bytes
) -> None:
    memory.pipe_file("/b/out/birdfast.json", text)
    with pytest.raises(ConfigError, match=r"^memory://b/out/birdfast\.json: "):
        put(sounds, tiny)
    put(sounds, tiny, force=True)
    lying()


def test_who_puts_behind_anothers_back_is_told(
    memory: object, machine: Callable[[str], None], sounds: Path, tiny: models.Model
) -> None:
    class Other(birdfast.Follower):
        def end(self) -> None:
            machine("two")
            put(sounds, tiny)
            machine("one")

    with pytest.raises(ConfigError, match="another run has put its results there"):
        put(sounds, tiny, followers=[Other()])
    lying()


def test_a_run_that_another_took_over_leaves_and_its_hearing_is_taken_along(
    memory: object,
    machine: Callable[[str], None],
    sounds: Path,
    tiny: models.Model,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(6, 30):
        write(sounds / f"{number}.wav", noise(8_000, seed=number), 8_000)
    monkeypatch.setattr(storing, "EVERY_S", 0.01)
    asked, heard, ask_soon = threading.Event(), list[str](), Leave.ask_soon
    monkeypatch.setattr(Leave, "ask_soon", lambda self, why: (ask_soon(self, why), asked.set()))
    keep, is_one_silent = Bucket.keep, threading.Lock()

    def keep_in_turn(bucket: Bucket) -> None:
        with is_one_silent if "one" in bucket.folder.parts else nullcontext():
            keep(bucket)

    monkeypatch.setattr(Bucket, "keep", keep_in_turn)

    class Hears(birdfast.Follower):
        def add(self, path: str, outcome: object) -> None:
            heard.append(Path(path).name)

    class Overtaken(Hears):
        def add(self, path: str, outcome: object) -> None:
            super().add(path, outcome)
            if len(heard) == 1:
                with is_one_silent:
                    machine("two")
                    put(sounds / "9.wav", tiny)
                    machine("one")
                assert asked.wait(20)

    with pytest.raises(ConfigError, match=r"another run has put.* what was heard here is in .*one"):
        put(sounds, tiny, followers=[Overtaken()])
    assert 1 <= len(heard) < 20
    before = {*heard}
    heard.clear()
    monkeypatch.setattr(storing, "EVERY_S", 600.0)
    put(sounds, tiny, followers=[Hears()])
    assert {*heard} == {path.name for path in sounds.iterdir()} - before - {"9.wav"}
    birdfast.run(sounds, tiny.path.parent, output=sounds.parent / "all", workers=1)
    assert lying() == {one.name: one.read_bytes() for one in (sounds.parent / "all").glob("*.csv")}


def test_the_journal_goes_before_the_tables(
    memory: object, machine: object, sounds: Path, tiny: models.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, call = list[str](), deposits.put

    def tell(file: Path, url: str) -> None:
        names.append(url.removeprefix(f"{URL}/"))
        if names[-1] == "detections.csv":  # what is listed by then is what was heard
            told = Commit.of(URL, commits.read(URL) or b"")
            assert {*told.files} == {"journal.sqlite"}
        call(file, url)

    monkeypatch.setattr(deposits, "put", tell)
    put(sounds, tiny)
    assert next(name for name in names if name != commits.NAME) == "journal.sqlite"


def test_a_journal_that_takes_long_is_put_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    takes_s = [1.0, 60.0, StoreError("down"), 90.0, None]
    pauses, now_s = list[float](), 0.0

    class Over:
        def wait(self, pause_s: float) -> bool:
            pauses.append(pause_s)
            return len(pauses) == len(takes_s)

    class Bucket:
        folder = Path("out")

        def keep(self) -> None:
            nonlocal now_s
            took = takes_s[len(pauses) - 1]
            if isinstance(took, StoreError):
                raise took
            now_s += took

    monkeypatch.setattr(storing, "monotonic", lambda: now_s)
    shown = storing._Shown(Bucket(), lambda _: None)
    shown._over = Over()
    shown._keep()
    assert pauses == [600.0, 600.0, 1200.0, 1200.0, 1800.0]


def test_a_run_that_is_asked_to_leave_does_not_wait_for_a_store_that_is_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(storing, "LAST_S", 0.01)
    is_over, told = threading.Event(), list[str]()

    class Bucket:
        folder = Path("out")

        def keep(self) -> None:
            assert is_over.wait(20)
            told.append("kept")

    with pytest.raises(Left), storing._Shown(Bucket(), told.append) as shown:
        shown._leave.ask()
    assert [one[:20] for one in told] == ["the store takes long"]
    is_over.set()


def test_of_a_run_that_stops_at_a_failure_the_tables_are_not_those_of_all(
    memory: object, machine: object, sounds: Path, tiny: models.Model
) -> None:
    (sounds / "9.wav").write_bytes(b"no sound")
    assert put(sounds, tiny, fail_fast=True).stopped.path.endswith("9.wav")
    told = Commit.of(URL, commits.read(URL) or b"")
    assert (told.complete, {*told.files}) == (False, {"failures.csv", "journal.sqlite"})
    put(sounds, tiny)
    lying()


def below(memory: object, names: Iterable[str]) -> set[str]:
    return {one.removeprefix("/b/out/") for one in names}


def test_tables_of_each_recording_lie_there_whatever_these_are_called(
    memory: object, machine: object, sounds: Path, tiny: models.Model
) -> None:
    for name in (".dawn.wav", "parts/dusk.wav", ".b/c/noon.wav"):
        (sounds / name).parent.mkdir(parents=True, exist_ok=True)
        write(sounds / name, noise(8_000, seed=1), 8_000)
    given = [sounds / name for name in (".dawn.wav", "parts/dusk.wav", ".b/c/noon.wav", "0.wav")]
    birdfast.run(given, tiny.path.parent, output=URL, workers=1, per_file=True)
    told = Commit.of(URL, commits.read(URL) or b"")
    stems = (".dawn", "parts/dusk", ".b/c/noon", "0")
    always = {"failures.csv", "journal.sqlite"}
    assert {*told.files} == {f"{stem}.BirdNET.results.csv" for stem in stems} | always
    birdfast.run(given[3:], tiny.path.parent, output=URL, workers=1)
    assert below(memory, memory.find("/b/out")) == {*always, "detections.csv", commits.NAME}


@pytest.mark.parametrize("name", ["0.BirdNET.results.csv", "deep/er/1.BirdNET.results.csv"])
def test_a_strangers_table_of_a_recording_is_refused_before_anything_is_heard(
    memory: object, machine: object, sounds: Path, tiny: models.Model, name: str
) -> None:
    (sounds / "deep" / "er").mkdir(parents=True)
    write(sounds / "deep" / "er" / "1.wav", noise(8_000, seed=1), 8_000)
    memory.pipe_file(f"/b/out/{name}", b"theirs")
    for _ in range(2):
        with pytest.raises(ConfigError, match=f"{name}: is there, and no birdfast.json tells"):
            put(sounds, tiny, per_file=True)
        assert memory.cat_file(f"/b/out/{name}") == b"theirs"
        put(sounds, tiny)  # which puts a list that does not tell of it
    put(sounds, tiny, per_file=True, force=True)
    assert memory.cat_file(f"/b/out/{name}") != b"theirs"
    put(sounds, tiny, per_file=True)


def test_a_journal_that_is_not_the_one_is_refused(
    memory: object, machine: Callable[[str], None], sounds: Path, tiny: models.Model
) -> None:
    put(sounds, tiny)
    memory.pipe_file("/b/out/journal.sqlite", b"nothing")
    machine("two")
    with pytest.raises(ConfigError, match="not the one that birdfast.json tells of"):
        put(sounds, tiny)
    put(sounds, tiny, force=True)
    lying()


def test_the_journal_is_put_while_the_run_is_at_work(
    memory: object,
    machine: Callable[[str], None],
    sounds: Path,
    tiny: models.Model,
    local: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(storing, "EVERY_S", 0.01)
    monkeypatch.setattr("birdfast.journal.writable.COMMIT_EVERY_S", 0.0)

    class Waits(birdfast.Follower):
        def add(self, path: str, outcome: object) -> None:
            if path.endswith("3.wav"):
                until = time.monotonic() + 20
                while not memory.exists("/b/out/birdfast.json") or not lies_whole():
                    assert time.monotonic() < until
                    time.sleep(0.01)
                raise Killed

    def lies_whole() -> bool:
        told = Commit.of(URL, commits.read(URL) or b"")
        assert not told.complete
        return "journal.sqlite" in told.files

    with pytest.raises(Killed):
        put(sounds, tiny, followers=[Waits()])
    machine("two")
    put(sounds, tiny)
    assert lying() == local


def test_a_store_that_takes_nothing_at_the_end_loses_nothing(
    memory: object,
    machine: object,
    sounds: Path,
    tiny: models.Model,
    local: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken, take = list[object](), deposits.put

    def refuse(*what: object) -> None:
        if taken:
            raise StoreError("memory://b/out/detections.csv: the store refuses it")
        taken.append(take(*what))  # as it begins

    with monkeypatch.context() as patched:
        patched.setattr(deposits, "put", refuse)
        with pytest.raises(OutputError, match="refuses it; what was done is kept in .*the same command"):
            put(sounds, tiny)
    put(sounds, tiny)
    assert lying() == local


@pytest.mark.parametrize("url", ["zip://a::memory://b", "https://example.org/out", "gopher://a/b"])
def test_what_takes_nothing_is_refused(machine: object, sounds: Path, tiny: models.Model, url: str) -> None:
    with pytest.raises(ConfigError, match="nothing can be put there; s3://, "):
        put(sounds, tiny, url)


@pytest.mark.parametrize("url", ["s3://", "s3:///out"])
def test_results_without_a_bucket_are_refused_and_no_store_is_asked(
    machine: object, sounds: Path, tiny: models.Model, url: str
) -> None:
    with pytest.raises(ConfigError, match=f"^{url}: names no bucket$"):
        put(sounds, tiny, url)


def test_shares_lie_below_the_results_of_all(
    machine: object,
    sounds: Path,
    tiny: models.Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    url = f"file://{tmp_path}/out"
    command = ("infer", sounds, "-o", url, "--model", tiny.path.parent, "--workers", 1)
    assert ended(*command, "--shard", "auto/3") == 0
    assert f"in {url}/shard-2-of-3: 3 files" in capsys.readouterr().err
    lying(f"{url}/shard-2-of-3")
    assert ended(*command, "--shard", "auto/4") == exits.USAGE
    assert f"{url}/shard-2-of-3: the run has been divided into 3" in capsys.readouterr().err


def test_the_command_puts_no_results_where_they_end_with_it(
    sounds: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended("infer", sounds, "-o", "Memory://b/out") == exits.USAGE
    assert "'Memory://b/out' ends with the command; it takes a folder" in capsys.readouterr().err


@pytest.mark.long
def test_a_bucket_behind_a_bad_network_takes_the_results_of_runs_that_are_killed(
    tiny: models.Model, sounds: Path, local: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("s3fs", reason="S3 is spoken by s3fs")
    pytest.importorskip("moto", reason="an S3 for tests")
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    chance = random.Random(5)
    with s3() as port:
        client(port).create_bucket(Bucket="birds")
        proxy = Proxy(port, seed=5, share=0.2)
        monkeypatch.setenv("FSSPEC_S3_ENDPOINT_URL", proxy.url)
        monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": f"http://127.0.0.1:{port}"})
        stores._shared.cache_clear()
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        url = "s3://birds/out"
        command = ("-m", "birdfast", "infer", sounds, "-o", url, "--model", tiny.path.parent, "--workers", 1)
        for number in range(8):
            monkeypatch.setenv("BIRDFAST_CACHE", str(tmp_path / f"machine-{number % 3}"))
            with started(sys.executable, *command, "--quiet") as process:
                n = len(proxy.asked)
                while process.poll() is None and (number == 7 or len(proxy.asked) < n + 1 + 3 * number):
                    time.sleep(0.005)
                time.sleep(chance.random() / 50)
                if number < 7:
                    process.kill()
                code = process.wait()
        assert code == 0
        assert lying(url) == local
        assert min(proxy.harm.values()) > 0
        proxy.close()
    stores._shared.cache_clear()
