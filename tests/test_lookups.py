"""What lies elsewhere is asked for once; a store that is silent, or a disk that is out, takes nothing."""

from __future__ import annotations

import errno
import shutil
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from birdfast import inputs, models
from birdfast.config import Options
from birdfast.errors import ConfigError, StoreError
from birdfast.journal import Record
from birdfast.runs import Follower, How, Run
from birdfast.runs.shards import Shard
from birdfast.sources import listings, stores, tries
from birdfast.sources.versions import Version

from .commands import contents, infer
from .recordings import noise, write

pytest.importorskip("fsspec", reason="URLs are read by fsspec")
pytestmark = pytest.mark.usefixtures("no_backoff")


@pytest.fixture
def listed(memory: Any, tmp_path: Path) -> Path:
    """A list of three objects."""
    (tmp_path / "in").mkdir()
    for number in range(3):
        path = write(tmp_path / "in" / f"{number}.wav", noise(8_000, seed=number), 8_000)
        memory.put_file(str(path), f"/b/{number}.wav")
    (tmp_path / "list.txt").write_text("".join(f"memory://b/{number}.wav\n" for number in range(3)))
    return tmp_path / "list.txt"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a store was asked for each object."""
    n, fresh = Counter[str](), stores._fresh

    def counted(url: str) -> Mapping[str, Any]:
        n[url] += 1
        return fresh(url)

    monkeypatch.setattr(stores, "_fresh", counted)
    return n


def gone(error: Exception) -> Callable[[str], Any]:
    def fail(_: str) -> None:
        raise error

    return fail


class Heard(Follower):
    """What a run hears, and warns of."""

    def __init__(self) -> None:
        self.warned = list[str]()

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def begin(self, paths: Sequence[str], *_: object) -> None:
        self.paths = list(paths)


def run(listed: Path, model: models.Model, output: Path, **how: Any) -> list[str]:
    """Hear what is listed, and return what was warned of."""
    warned = Heard()
    Run(inputs.find([listed]), [model], Options(min_confidence=0), output, How(n_workers=1, **how)).work(
        warned
    )
    return warned.warned


def test_each_is_asked_for_once_before_it_is_fetched(
    listed: Path, tiny: models.Model, tmp_path: Path, asked: Counter[str]
) -> None:
    run(listed, tiny, tmp_path / "out")
    assert {*asked.values()} == {2}  # and once when it came: it may be another by then
    run(listed, tiny, tmp_path / "out")
    assert {*asked.values()} == {3}, "what an earlier run was told is not believed"


@pytest.mark.parametrize("error", [OSError("503"), TimeoutError()])
def test_a_store_that_does_not_answer_takes_nothing_away(
    listed: Path, tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    out = tmp_path / "out"
    assert run(listed, tiny, out) == []
    heard = contents(out)
    with monkeypatch.context() as patch:
        patch.setattr(stores, "_fresh", gone(error))
        (told,) = run(listed, tiny, out)
        assert told.startswith("3 files not there now, or the store does not answer: what was heard")
        assert contents(out) == heard
    assert run(listed, tiny, out) == []
    assert contents(out) == heard


def test_what_was_not_heard_yet_is_fetched_though_its_store_did_not_tell_its_version(
    listed: Path, tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(listed, tiny, tmp_path / "there")
    with monkeypatch.context() as patch:
        patch.setattr(listings, "look_up", lambda urls: None)
        run(listed, tiny, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(tmp_path / "there")
    hearing = Heard()
    Run(inputs.find([listed]), [tiny], Options(min_confidence=0), tmp_path / "out").work(hearing)
    assert hearing.paths == [], "what came is what is known of it"


def test_who_does_not_answer_is_not_asked_a_million_times(monkeypatch: pytest.MonkeyPatch) -> None:
    n = list[str]()

    def version(url: str) -> Version:
        n.append(url)
        raise StoreError(url)

    monkeypatch.setattr(stores, "version", version)
    listings.look_up(f"s3://nobody/{number}" for number in range(1_000))
    assert len(n) == listings.AT_LEAST


def test_one_that_nobody_gets_keeps_no_other_from_being_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged archive, and files that are private, for ever."""

    class Forbidden(Exception):
        status = 403

    def fresh(url: str) -> Mapping[str, Any]:
        if url.startswith("https://host/private"):
            raise FileNotFoundError(url) from Forbidden()
        if "broken" in url:
            raise zipfile.BadZipFile("no zip file")
        if "private" in url:
            raise PermissionError(errno.EACCES, "Permission denied")
        return {"size": 1}

    monkeypatch.setattr(listings, "known", listings.Versions())
    monkeypatch.setattr(stores, "_fresh", fresh)
    private = [
        "sftp://host/private.wav",
        *(f"{store}/private/{n}.wav" for store in ("s3://birds", "https://host") for n in range(100)),
    ]
    archived = [f"zip://{number}.wav::s3://birds/broken.zip" for number in range(3)]
    fine = [
        *(
            f"{store}/1.wav"
            for store in ("s3://birds", "s3://owls", "sftp://host", "sftp://other", "https://host")
        )
    ]
    fine.append("zip://1.wav::s3://birds/may.zip")
    listings.look_up([*archived, *private, *fine])
    assert {listings.known.of(url) for url in archived + private} == {None}
    assert all(listings.known.of(url) is not None for url in fine)


@pytest.mark.parametrize(
    ("first", "then", "n_again"),
    [
        ({"etag": "a"}, {"etag": "a"}, 0),
        ({"etag": "a"}, {"etag": "b"}, 3),
        ({}, {}, 0),
        ({}, {"etag": "a"}, 3),
        ({"size": 16_044}, {"etag": "a"}, 3),
    ],
)
def test_objects_of_which_no_size_is_told_are_there_and_known_again(
    listed: Path,
    tiny: models.Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    first: dict[str, Any],
    then: dict[str, Any],
    n_again: int,
) -> None:
    n_heard = []
    for told in (first, then, then):
        monkeypatch.setattr(stores, "_fresh", lambda url, told=told: {"type": "file", **told})
        hearing = Heard()
        Run(inputs.find([listed]), [tiny], Options(min_confidence=0), tmp_path / "out").work(hearing)
        assert hearing.warned == []
        n_heard.append(len(hearing.paths))
    assert n_heard == [3, n_again, 0]
    with Record(tmp_path / "out") as record:
        assert all(entry.size for _, entry in record.entries()), "what came is known by its size, too"


def test_a_disk_that_was_taken_out_takes_nothing_away(tiny: models.Model, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    for number in range(3):
        write(tmp_path / "disk" / f"{number}.wav", noise(8_000, seed=number), 8_000)
    (tmp_path / "list.txt").write_text("".join(f"{tmp_path}/disk/{number}.wav\n" for number in range(3)))
    assert infer(tiny, tmp_path / "list.txt", "-o", tmp_path / "out").returncode == 0
    heard = contents(tmp_path / "out")
    shutil.move(tmp_path / "disk", tmp_path / "away")
    done = infer(tiny, tmp_path / "list.txt", "-o", tmp_path / "out")
    assert done.returncode == 0
    assert "3 files not there now" in done.stderr
    assert contents(tmp_path / "out") == heard


def test_a_page_is_not_there_only_where_its_server_says_so() -> None:
    class Answer(Exception):
        def __init__(self, status: int) -> None:
            super().__init__(f"status {status}")
            self.status = status

    def ask(cause: Exception | None) -> None:
        raise FileNotFoundError("https://a.org/b.wav") from cause

    for cause, is_not_there in ((None, True), (FileNotFoundError("404"), True), (Answer(503), False)):
        with pytest.raises(StoreError) as raised:
            tries.patiently("https://a.org/b.wav", lambda cause=cause: ask(cause))
        assert tries.is_not_there(raised.value) is is_not_there
        assert ("not there" in str(raised.value)) is is_not_there


def test_versions_are_asked_for_and_remembered_by_several_threads_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As fetching threads do while others are told."""
    known = listings.Versions()
    monkeypatch.setattr(listings, "known", known)
    monkeypatch.setattr(stores, "version", lambda url: Version(len(url), None))
    urls = [f"s3://b/{number}" for number in range(2_000)]
    reading = threading.Event()

    def read() -> None:
        while not reading.is_set():
            known.of(urls[7])

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        try:
            listings.look_up(urls)
        finally:
            reading.set()
        for reader in readers:
            reader.result()
    assert [known.of(url) for url in urls] == [Version(len(url), None) for url in urls]


def test_a_list_is_sorted_a_few_times_and_not_with_each_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    n, sort = list[int](), listings.Versions._sort
    monkeypatch.setattr(listings, "known", listings.Versions())
    monkeypatch.setattr(listings.Versions, "_sort", lambda self: n.append(1) or sort(self))
    monkeypatch.setattr(stores, "version", lambda url: Version(1, 1))
    listings.look_up(f"s3://b/{number}" for number in range(1_000))
    assert len(n) <= 1


def test_shares_by_bytes_are_none_where_a_store_does_not_tell_them(
    listed: Path, tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "_fresh", gone(OSError("503")))
    with pytest.raises(ConfigError, match="memory://b/0.wav: its store does not tell how large it is"):
        run(listed, tiny, tmp_path / "out", shard=Shard(1, 2, "bytes"))
