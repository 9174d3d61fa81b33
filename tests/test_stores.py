"""Recordings in stores: what is heard of them is what is heard of files, and nothing is lost on the way."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

import birdfast
from birdfast import inputs, models
from birdfast.cli import exits
from birdfast.config import Options
from birdfast.errors import ConfigError, OutputError, StoreError
from birdfast.journal import stamp
from birdfast.outcomes import Outcome
from birdfast.runs import How, Results, Run
from birdfast.sources import deposits, listings, stores, transfers, tries
from birdfast.sources.urls import links
from birdfast.sources.versions import Version
from birdfast.workers import Job, fetched, share
from birdfast.workers import scratch as scratch_module
from birdfast.workers.beside import PREFIX, TOLD
from birdfast.workers.pool import Pool
from birdfast.workers.scratch import Scratch, ScratchRoom

from .commands import ended, started
from .recordings import noise, write
from .stores import ACCESS, Proxy, client, most_bytes, s3

fsspec = pytest.importorskip("fsspec", reason="URLs are read by fsspec")
pytestmark = pytest.mark.usefixtures("no_backoff")


@pytest.fixture(scope="module")
def bucket() -> Iterator[int]:
    pytest.importorskip("s3fs", reason="S3 is spoken by s3fs")
    pytest.importorskip("moto", reason="an S3 for tests")
    with s3() as port:
        client(port).create_bucket(Bucket="birds")
        yield port


def recordings(folder: Path, n: int, seconds: int = 1) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(n):
        write(folder / f"{number:02}.wav", noise(8_000 * seconds, seed=number), 8_000)
    return [f"{number:02}.wav" for number in range(n)]


def heard(paths: list[str], tiny: models.Model, folder: Path, **how: object) -> dict[str, str]:
    """Return the tables of a run, with what leads to the recordings' folder left out."""
    Run(paths, [tiny], birdfast.config.Options(), folder, How(n_workers=2, **how)).work()
    above = inputs.base((), paths)
    return {
        path.name: path.read_text().replace(f"{above}/", "")
        for path in folder.iterdir()
        if path.suffix == ".csv"
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("s3://b/a.wav", True),
        ("zip://a.wav::s3://b/a.zip", True),
        ("https://a.org/b.wav", True),
        ("memory://a", True),
        ("a/b.wav", False),
        ("C:/a.wav", False),
        ("a::b.wav", False),
        ("", False),
    ],
)
def test_what_is_a_url(path: str, expected: bool) -> None:
    assert stores.is_url(path) is expected


def test_a_folder_of_a_store_is_found_as_one_of_the_disk_is(memory: object) -> None:
    for name in ("b/2/x.WAV", "b/1.wav", "b/.hidden.wav", "b/.d/y.wav", "b/note.csv", "b/2-a.flac"):
        memory.pipe_file(f"/{name}", b"x")
    found = ["memory://b/1.wav", "memory://b/2-a.flac", "memory://b/2/x.WAV"]
    assert inputs.find(["memory://b"]) == inputs.find(["memory://b/"]) == found
    assert inputs.find(["memory://b/1.wav", "memory://b"]) == found
    assert inputs.find(["memory://b/*.wav"]) == ["memory://b/1.wav"]
    assert inputs.base(["memory://b"], found) == inputs.base((), found) == "memory://b"
    assert inputs.size_bytes(found[0]) == 1


def test_a_protocol_in_capital_letters_is_that_in_small_ones(memory: object, tmp_path: Path) -> None:
    memory.pipe_file("/B/X.wav", b"x")
    memory.pipe_file("/B/list.TXT", b"MEMORY://B/X.wav\n")
    (tmp_path / "list.txt").write_text("Memory://B/X.wav\n")
    names = (
        "Memory://B",
        "MEMORY://B/X.wav",
        "MEMORY://B/*.wav",
        "memory://B/list.TXT",
        f"{tmp_path}/list.txt",
    )
    for name in names:
        assert inputs.find([name, "memory://B/X.wav"]) == ["memory://B/X.wav"]
    assert inputs.base(["MEMORY://B"], ["memory://B/a/X.wav"]) == "memory://B"
    assert stores.plain("ZIP://A.wav::S3://B/C.zip") == "zip://A.wav::s3://B/C.zip"
    assert stores.plain("A::S3") == "A::S3"
    for url in ("MEMORY://B/X.wav", "memory://B/X.wav"):
        assert stores.version(url).size == 1


class NoCredentialsError(Exception):
    """As botocore's."""


@pytest.mark.parametrize(
    ("url", "error", "why"),
    [
        (
            "s3://b/x",
            NoCredentialsError("Unable to locate credentials"),
            "AWS_PROFILE of ~/.aws/cred.*FSSPEC_S3_ANON",
        ),
        ("zip://x::S3://b/x", PermissionError("Forbidden"), "AWS_ACCESS_KEY_ID .*FSSPEC_CONFIG_DIR"),
        (
            "gs://b/x",
            OSError("Anonymous caller does not have storage.objects.get"),
            "GOOGLE_APPLICATION_CRED",
        ),
        ("abfs://b/x", ValueError("Must provide account_name with credentials!"), "AZURE_STORAGE_CONNECTION"),
        ("sftp://h/x", OSError("No authentication methods available"), "the agent of ssh"),
        ("s3://b/a::b/x", PermissionError("Forbidden"), "AWS_PROFILE"),  # :: of a key
        ("s3://b/credentials", OSError("no credentials for b/credentials"), "AWS_PROFILE"),
    ],
)
def test_a_store_that_lets_nobody_in_says_where_credentials_are_looked_for(
    url: str, error: Exception, why: str
) -> None:
    asked = list[int]()

    def ask() -> None:
        asked.append(1)
        raise error

    with pytest.raises(StoreError, match=f"^{url}: the store .*; credentials are looked for in .*{why}"):
        tries.patiently(url, ask)
    assert len(asked) == 1, "another try would find none either"
    with pytest.raises(StoreError, match=r"the store fails \(cut\) [25] times$"):
        tries.patiently(url, lambda: (_ for _ in ()).throw(OSError("cut")))


def test_a_store_that_is_slow_to_fail_is_told_once_and_a_quick_one_never(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told, clock = list[str](), itertools.count(0, 2)
    monkeypatch.setattr(tries, "_hearers", [])
    monkeypatch.setattr(tries, "_slow", set())
    tries.tell(told.append)
    for url in ("s3://b/quick.wav", "s3://b/x.wav", "s3://b/y.wav", "zip://z.wav::s3://c/z.zip"):
        if url.endswith("x.wav"):
            monkeypatch.setattr(tries, "monotonic", lambda: next(clock))
        with pytest.raises(StoreError, match=f"{url}: the store fails"):
            tries.patiently(url, lambda: (_ for _ in ()).throw(OSError("nobody listens")))
    why = "the store fails (nobody listens); it is asked again, 5 times in all"
    assert told == [f"s3://b/x.wav: {why}", f"zip://z.wav::s3://c/z.zip: {why}"]


class Answer(Exception):
    """As the libraries tell of what a server answered: by a status, or without."""

    def __init__(self, text: str, **told: int) -> None:
        super().__init__(text)
        self.__dict__.update(told)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        (url := "https://h.org/credentials-2024/dawn.wav", Answer(f"500, url={url!r}", status=500)),
        (url, OSError(f"cut: {url}")),
        ("https://h.org/my credentials", OSError("cut: https://h.org/my credentials")),
        ("gs://b/my credentials", OSError("b/my credentials: cut")),
        ("sftp://h/d/credentials", OSError("/d/credentials: cut")),
        ("zip://a credential/x.wav::s3://b/y.zip", OSError("a credential/x.wav: cut")),
        ("gs://b/x", Answer("no credentials from here just now", code=503)),
    ],
)
def test_what_a_recording_is_called_is_no_lack_of_credentials(
    url: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "BACKOFF_S", 0.0)
    with pytest.raises(StoreError, match=r"the store fails \(.*\) [25] times$"):
        tries.patiently(url, lambda: (_ for _ in ()).throw(error))


def test_a_store_that_cannot_be_opened_for_want_of_credentials_is_said_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(url: str) -> None:
        raise ValueError("Must provide either a connection_string or account_name with credentials!!")

    monkeypatch.setattr(stores, "opened", refuse)
    monkeypatch.setattr(stores, "check", links)  # as if adlfs were installed
    for url in ("az://b/x.wav", "az://b/*.wav"):
        with pytest.raises(
            ConfigError, match="credentials are looked for in AZURE_STORAGE_CONNECTION_STRING"
        ):
            inputs.find([url])
    with pytest.raises(StoreError, match="credentials are looked for in AZURE_STORAGE"):
        deposits.check("az://b/results")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "nobody listens"), exits.UNAVAILABLE),
        (TimeoutError(), exits.UNAVAILABLE),
        (Answer("slow down", status=503), exits.UNAVAILABLE),
        (Answer("no credentials", code=503), exits.UNAVAILABLE),
        (Answer("forbidden", status=403), exits.USAGE),
        (FileNotFoundError("x"), exits.USAGE),
        (PermissionError("x"), exits.USAGE),
        (NoCredentialsError(), exits.USAGE),
        (ValueError("an invalid name"), exits.USAGE),
    ],
)
def test_a_store_that_is_out_as_a_command_begins_is_told_from_one_that_refuses(
    memory: Any,
    tiny: models.Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    code: int,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    (name,) = recordings(tmp_path / "in", 1)
    (tmp_path / "list.txt").write_text(f"memory://b/{name}\n")
    monkeypatch.setenv("BIRDFAST_CACHE", str(tmp_path / "cache"))
    for call in ("info", "ls", "open", "put_file"):
        monkeypatch.setattr(type(memory), call, fail)
    monkeypatch.setattr(tries, "BACKOFF_S", 0.0)
    for url in ("memory://b", "memory://b/list.txt", "memory://b/*.wav"):
        assert ended("infer", url, "-o", tmp_path / "out") == code
    if isinstance(error, FileNotFoundError):  # where nothing is, results may go, and a list's file has none
        return
    listed = ("infer", tmp_path / "list.txt", "--model", tiny.path.parent)
    assert ended(*listed, "-o", tmp_path / "out", "--shard", "1/2", "--shard-by", "bytes") == code
    with pytest.raises(StoreError, match=r"memory://c/out") as caught:
        birdfast.run(tmp_path / "in", tiny.path.parent, output="memory://c/out")
    assert caught.value.is_unavailable == (code == exits.UNAVAILABLE)


def test_a_list_names_urls_and_lies_at_one(memory: object, tmp_path: Path) -> None:
    memory.pipe_file("/b/list.txt", b"memory://b/1.wav\nmemory://b/no-suffix\n")
    (tmp_path / "list.txt").write_text("memory://b/1.wav\n")
    assert inputs.find(["memory://b/list.txt"]) == ["memory://b/1.wav", "memory://b/no-suffix"]
    assert inputs.find([tmp_path / "list.txt"]) == ["memory://b/1.wav"]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("memory://nothing/here", "memory://nothing/here: not there"),
        ("gopher://b/a.wav", "gopher://b/a.wav: nobody here speaks gopher://; s3://, "),
        ("gs://b/a.wav", "gs://b/a.wav: needs gcsfs: .*pip install gcsfs"),
        ("memory://empty", "no audio files in memory://empty"),
        ("s3://", "^s3://: names no bucket$"),
        ("S3:///2026/dawn.wav", "^s3:///2026/dawn.wav: names no bucket$"),
        ("zip://a.wav::gs:///a.zip", "names no bucket$"),
        ("az://", "^az://: names no container$"),
        ("sftp:///a.wav", "names no host$"),
    ],
)
def test_what_is_not_to_be_had_is_said_in_words(
    memory: object, url: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)  # as if it were not installed
    memory.pipe_file("/empty/a.csv", b"x")
    with pytest.raises(ConfigError, match=why):
        inputs.find([url])


@given(
    st.lists(st.tuples(st.text(), st.none() | st.integers(0, 1 << 60), st.none() | st.integers(0, 1 << 62)))
)
def test_what_a_listing_told_last_is_remembered(told: list[tuple[str, int | None, int | None]]) -> None:
    known, expected = listings.Versions(), dict[str, Version]()
    for url, *values in told:
        known.add(url, Version(*values))
        expected[url] = Version(*values)
        assert known.of(url) == expected[url]
    assert {url: known.of(url) for url in expected} == expected
    assert known.of("x" * 50) is None


def test_recordings_in_a_store_are_heard_as_files_are(
    memory: object, tiny: models.Model, tmp_path: Path
) -> None:
    names = recordings(tmp_path / "in", 5)
    (tmp_path / "in" / "broken.wav").write_bytes(b"RIFF")
    local = [str(tmp_path / "in" / name) for name in [*names, "broken.wav"]]
    for path in local:
        memory.put_file(path, f"/b/{Path(path).name}")
    archive = shutil.make_archive(str(tmp_path / "all"), "zip", tmp_path / "in")
    expected = heard(local, tiny, tmp_path / "local")
    assert expected["failures.csv"].count("\n") == 2
    for number, above in enumerate(["memory://b/{}", f"zip://{{}}::file://{archive}"]):
        urls = [above.format(Path(path).name) for path in local]
        scratch = tmp_path / f"scratch-{number}"
        if number:
            found = Results(_run(urls, tiny, tmp_path / "zip", scratch=Scratch(scratch)))
            assert len([*found]) == len([*Results(tmp_path / "local")]) > 0
            assert [failure.path for failure in found.failures] == [urls[-1]]
        else:
            assert heard(urls, tiny, tmp_path / "memory", scratch=Scratch(scratch)) == expected
        assert list(scratch.iterdir()) == []


def _run(paths: list[str], tiny: models.Model, folder: Path, **how: object) -> Path:
    Run(paths, [tiny], birdfast.config.Options(), folder, How(n_workers=1, **how)).work()
    return folder


def test_an_object_that_changed_is_heard_again_and_said_so(
    memory: object, tiny: models.Model, tmp_path: Path
) -> None:
    urls = [f"memory://b/{name}" for name in recordings(tmp_path / "in", 2)]
    for name in ("00.wav", "01.wav"):
        memory.put_file(str(tmp_path / "in" / name), f"/b/{name}")
    assert inputs.find(["memory://b"]) == urls
    assert Results(_run(urls, tiny, tmp_path / "out")).failures == []
    memory.put_file(str(tmp_path / "in" / "00.wav"), "/b/01.wav")
    inputs.find(["memory://b"])

    told = list[str]()

    class Heard(birdfast.runs.Follower):
        def say(self, words: str) -> None:
            told.append(words)

        warn = say

        def begin(self, paths: list[str], *_: object) -> None:
            assert paths == urls[1:]

    Run(urls, [tiny], birdfast.config.Options(), tmp_path / "out", How(n_workers=1)).work(Heard())
    assert any("another version" in line for line in told)


def test_one_that_changes_between_listing_and_hearing_has_failed(
    memory: object, tiny: models.Model, tmp_path: Path
) -> None:
    recordings(tmp_path / "in", 2)
    memory.put_file(str(tmp_path / "in" / "00.wav"), "/b/00.wav")
    urls = inputs.find(["memory://b"])
    time.sleep(0.01)  # this store tells contents by their times, in thousandths
    memory.put_file(str(tmp_path / "in" / "01.wav"), "/b/00.wav")
    failed = Results(_run(urls, tiny, tmp_path / "out")).failures
    assert [failure.message for failure in failed] == [f"{urls[0]}: changed during the run; run again"]


@pytest.mark.parametrize(
    "command",
    [
        ("clips", "results", "-o", "s3://b/out"),
        ("clips", "s3://b/results", "-o", "clips"),
        ("merge", "results", "-o", "s3://b/out"),
        ("merge", "s3://b/results", "-o", "whole"),
        ("plot", "s3://b/a.wav"),
        ("report", "s3://b/results"),
        ("evaluate", "s3://b/results", "--truth", "truth.csv"),
        ("train", "s3://b/clips", "-o", "model"),
        ("tables", "s3://b/results"),
        ("status", "s3://b/results"),
    ],
)
def test_who_needs_files_of_this_machine_says_so_of_a_url(
    command: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ended(*command) == exits.USAGE
    assert "is a URL; it takes" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []


def test_recordings_of_results_that_lie_in_a_store_are_asked_for(
    memory: object, tiny: models.Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (name,) = recordings(tmp_path / "in", 1)
    memory.put_file(str(tmp_path / "in" / name), f"/b/{name}")
    out = _run([f"memory://b/{name}"], tiny, tmp_path / "out")
    ended("plot", out, "-o", tmp_path / "a.png")
    assert f"memory://b/{name}: lies in a store; fetch it" in capsys.readouterr().err
    ended("clips", out, "-o", tmp_path / "clips")
    assert f"memory://b/{name}: lies in a store; fetch it" in capsys.readouterr().err
    assert ended("report", out, "-o", tmp_path / "page.html") == exits.FINE
    assert f"no clip: memory://b/{name}: lies in a store; a page has" in capsys.readouterr().err
    assert ended("clips", out, "--audio", tmp_path / "in", "-o", tmp_path / "clips") == exits.FINE


def test_what_was_fetched_of_a_bucket_is_doubtful_only_where_it_is_another(
    memory: object, tiny: models.Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (name,) = recordings(tmp_path / "in", 1, seconds=5)  # larger than its head
    fetched_one = tmp_path / "in" / name
    memory.put_file(str(fetched_one), f"/b/{name}")
    out = _run(inputs.find(["memory://b"]), tiny, tmp_path / "out")
    cut = ("clips", out, "--audio", tmp_path / "in", "-o", tmp_path / "clips")
    assert ended(*cut) == exits.FINE
    assert "doubtful" not in capsys.readouterr().err
    whole = fetched_one.read_bytes()
    for other in (whole + bytes(2), whole[:100] + bytes(2) + whole[102:]):
        fetched_one.write_bytes(other)
        assert ended(*cut) == exits.FINE
        assert f"doubtful: {fetched_one}: {stamp.CHANGED}" in capsys.readouterr().err


def test_tasks_of_a_cluster_fetch_to_the_scratch_folder_of_the_run(
    tiny: models.Model, tmp_path: Path
) -> None:
    names, scratch = recordings(tmp_path / "in", 4), tmp_path / "scratch"
    local = [str(tmp_path / "in" / name) for name in names]
    expected = heard(local, tiny, tmp_path / "local")
    urls = [f"file://{path}" for path in local]
    with ThreadPoolExecutor(2) as executor:
        found = heard(urls, tiny, tmp_path / "out", cluster=(executor, 2), scratch=Scratch(scratch))
        assert found == expected
        assert [*scratch.iterdir()] == []
        small = Scratch(scratch, 1e-9)
        failed = Results(_run(urls, tiny, tmp_path / "small", cluster=(executor, 2), scratch=small)).failures
    assert [failure.stage for failure in failed] == ["fetch"] * 4


@pytest.mark.long
def test_a_run_that_was_killed_while_it_fetched_goes_on_and_leaves_nothing(
    tiny: models.Model, tmp_path: Path
) -> None:
    names, scratch = recordings(tmp_path / "in", 40), tmp_path / "scratch"
    urls = [f"file://{tmp_path}/in/{name}" for name in names]
    expected = heard([str(tmp_path / "in" / name) for name in names], tiny, tmp_path / "local")
    command = (sys.executable, "-m", "birdfast", "infer", *urls, "-o", tmp_path / "out", "--scratch", scratch)
    command = (*command, "--model", tiny.path.parent, "--workers", 1, "--quiet")
    with started(*command) as process:
        while not [*scratch.glob(f"{PREFIX}*/*.wav")]:
            assert process.poll() is None
            time.sleep(0.001)
        process.kill()
        process.wait()
    assert [*scratch.iterdir()] != []
    assert heard(urls, tiny, tmp_path / "out", scratch=Scratch(scratch)) == expected
    assert [*scratch.iterdir()] == []


def test_room_is_given_in_the_order_of_turns_and_never_too_much(tmp_path: Path) -> None:
    with ScratchRoom(Scratch(tmp_path, 10e-9)) as room:
        over, came = threading.Event(), list[int]()

        def ask(turn: int) -> None:
            assert room.take(turn, 6, over.is_set)
            came.append(turn)
            assert room._taken <= 10
            room.give_back(6)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(ask, reversed(range(8))))
        assert came == sorted(came)
        assert not room.take(8, 11, lambda: True)


def test_a_fetch_that_fails_before_its_turn_or_in_it_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not foreseen in the middle of it, too; each gives its room back."""
    urls = [f"memory://b/{number}.wav" for number in range(6)]

    def version(url: str) -> Version:
        if "/0." in url:
            time.sleep(0.1)  # the others wait for their turn by then
            raise ConfigError("nobody here speaks it")
        return Version(8, 1)

    def fetch(url: str, place: str, *_: object) -> Version:
        Path(place).write_bytes(b"8 bytes.")
        if "/1." in url or "/2." in url:
            raise ConfigError("it went wrong")
        return Version(8, 1)

    monkeypatch.setattr(fetched.listings, "version", version)
    monkeypatch.setattr(fetched.stores, "fetch", fetch)
    with fetched.Fetched([Job(url) for url in urls], Scratch(tmp_path, 10e-9), lambda: None) as queue:
        done = list[int]()
        until_s = time.monotonic() + 10
        while len(done) < 3 and time.monotonic() < until_s:
            if (task := queue.take()) is None:
                time.sleep(0.01)
                continue
            done.append(task.file)
            queue.finish(task, Outcome())
        assert done == [3, 4, 5]
        assert queue._room._taken == 0
        assert [path.name for path in queue._room.path.iterdir()] == [TOLD]


@pytest.mark.parametrize("name", ["night::1.wav", "a::b", "c:/d.wav", "http:"])
def test_a_file_with_colons_in_its_name_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_bytes(b"")
    assert inputs.find([name]) == [name]


def test_keys_with_colons_are_heard_and_those_with_dots_are_told(memory: object) -> None:
    for name in ("dawn::1.wav", "d::e/2.wav", "./3.wav", "x/../4.wav", ".hidden.wav"):
        memory.store[f"/b/{name}"] = fsspec.implementations.memory.MemoryFile(memory, f"/b/{name}", b"x")
    told = list[str]()
    found = inputs.find(["memory://b"], tell=told.append)
    assert found == ["memory://b/d::e/2.wav", "memory://b/dawn::1.wav"]
    assert inputs.base(["memory://b"], found) == "memory://b"
    assert told == ["memory://b: 2 left out, as . and .. in their names would lead elsewhere"]


def test_a_name_with_colons_in_an_archive_is_refused_in_words(memory: object) -> None:
    assert links("zip://a::1.wav::memory://b/m.zip") == ["zip://a::1.wav", "memory://b/m.zip"]
    with pytest.raises(ConfigError, match="cannot be reached where a name has :: in it"):
        stores.opened("zip://a::1.wav::memory://b/m.zip")


def test_keys_of_a_bucket_are_kept_as_they_are(
    bucket: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that fsspec would take for another's name have failed, and say why."""
    odd = "odd//x.wav", "odd///y.wav", "odd/a::b.wav", "odd/c.wav?versionId=7.wav"
    for key in odd:
        client(bucket).put_object(Bucket="birds", Key=key, Body=key.encode())
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": f"http://127.0.0.1:{bucket}"})
    stores._shared.cache_clear()
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    urls = inputs.find(["s3://birds/odd"])
    assert sorted(urls) == sorted(f"s3://birds/{key}" for key in odd)
    for key in odd[:3]:
        stores.fetch(f"s3://birds/{key}", str(tmp_path / "came"), 100)
        assert (tmp_path / "came").read_text() == key
        assert inputs.find([f"s3://birds/{key}"]) == [f"s3://birds/{key}"]
    with pytest.raises(ConfigError, match="versionId= cannot be in a name here"):
        stores.fetch(f"s3://birds/{odd[3]}", str(tmp_path / "came"), 100)


def test_a_store_that_is_silent_keeps_all_threads_together_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s, silent = [0.0], threading.Event()

    def join(_: threading.Thread, timeout: float) -> None:
        now_s[0] += timeout

    monkeypatch.setattr(fetched.stores, "fetch", lambda *_: silent.wait(60))
    monkeypatch.setattr(fetched.listings, "version", lambda _: Version(1, 1))
    monkeypatch.setattr(fetched, "monotonic", lambda: now_s[0])
    monkeypatch.setattr(fetched.Thread, "join", join)
    jobs = [Job(f"memory://b/{number}.wav") for number in range(20)]
    with fetched.Fetched(jobs, Scratch(tmp_path, 1e-6), lambda: None):
        pass
    silent.set()
    assert now_s[0] == fetched.END_S


def test_a_pattern_finds_what_fits_it_and_leaves_out_no_folder_that_fails(
    memory: Any, bucket: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": f"http://127.0.0.1:{bucket}"})
    stores._shared.cache_clear()
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    names = ["fit/a.wav", "fit/day/b.wav", "fit/day/deep/c.wav", "fit/dusk/d.wav", "fitting.wav"]
    for name in names:
        client(bucket).put_object(Bucket="birds", Key=name, Body=b"x")
        memory.pipe_file(f"/birds/{name}", b"x")
    for pattern, fit in (
        ("fit/*.wav", names[:1]),
        ("fit/d*/?.wav", [names[1], names[3]]),
        ("fit/**/*.wav", names[:4]),
        ("f*.wav", names[4:]),
    ):
        for above in ("memory://birds", "s3://birds"):
            assert inputs.find([f"{above}/{pattern}"]) == [f"{above}/{name}" for name in fit], pattern
    ls = type(memory).ls

    def fail(self: object, path: str, *how: object, **more: object) -> object:
        if path.endswith("dusk"):
            raise OSError("503")
        return ls(self, path, *how, **more)

    monkeypatch.setattr(type(memory), "ls", fail)
    with pytest.raises(ConfigError, match="the store fails"):
        inputs.find(["memory://birds/fit/d*/?.wav"])


def test_a_pattern_that_begins_with_a_question_mark_tells_whole_names(memory: object) -> None:
    for name in ("1/a.wav", "2/a.wav", "33/a.wav"):
        memory.pipe(f"/marks/{name}", b"sound")
    found = [url for url, _ in listings.listed("memory://marks/?/*.wav")]
    assert found == ["memory://marks/1/a.wav", "memory://marks/2/a.wav"]


def test_what_a_killed_run_left_goes_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}dead").mkdir()
    (tmp_path / "theirs").mkdir()
    with ScratchRoom(Scratch(tmp_path)) as one, ScratchRoom(Scratch(tmp_path)) as other:
        assert {path.name for path in tmp_path.iterdir()} == {"theirs", one.path.name, other.path.name}
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]


def wanted(room: ScratchRoom, turn: int, n_bytes: int, n_looks: int = 2) -> bool:
    """Return whether there is room at one of some looks."""
    looks = iter(range(n_looks))
    return room.take(turn, n_bytes, lambda: next(looks, None) is None)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for others' room looks often, and full disks are tried again at once."""
    monkeypatch.setattr("birdfast.workers.scratch.LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(scratch_module, "FULL_WAITS_S", (0.0, 0.01, 0.01))
    monkeypatch.setattr(fetched, "FULL_WAITS_S", (0.0, *[0.05] * 10))


@pytest.mark.usefixtures("quick")
def test_rooms_in_one_place_keep_to_a_bound_together(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path, 10e-9)
    with ScratchRoom(scratch) as one, ScratchRoom(scratch) as other:
        assert wanted(one, 0, 6)
        assert not wanted(other, 0, 5)
        assert wanted(other, 0, 4)
        one.give_back(6)
        assert wanted(other, 1, 6)
        assert not wanted(one, 1, 1)
        os.close(other._folder._lock)  # as though its process were killed
        assert wanted(one, 1, 10)
        assert not other.path.exists()
        other._folder._lock = os.dup(one._folder._told)


def test_what_a_room_holds_counts_once_in_a_folder_that_is_named_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with ScratchRoom(Scratch("scratch", 10e-9)) as room:
        assert wanted(room, 0, 6)
        assert wanted(room, 1, 4)


@pytest.mark.usefixtures("quick")
def test_who_waits_long_for_others_room_says_so_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(_: str, place: str, *__: object) -> Version:
        Path(place).write_bytes(b"6bytes")
        return Version(6, 1)

    scratch, said = Scratch(tmp_path, 10e-9), list[str]()
    monkeypatch.setattr(fetched.listings, "version", lambda _: Version(6, 1))
    monkeypatch.setattr(fetched.stores, "fetch", fetch)
    jobs, until_s = [Job(f"memory://b/{number}.wav") for number in range(2)], time.monotonic() + 30
    with ScratchRoom(scratch) as other:
        assert wanted(other, 0, 8)
        with fetched.Fetched(jobs, scratch, lambda: None, said.append) as queue:
            while not queue._room._folder.n_beside and time.monotonic() < until_s:
                assert not queue.left()
            assert said == []
            monkeypatch.setattr(scratch_module, "TELL_AFTER_S", 0.0)
            while not said and time.monotonic() < until_s:
                assert not queue.left()
            assert not queue.left()
            assert said == [f"{tmp_path}: other runs have the room there; what is to be fetched waits for it"]
            other.give_back(8)
            while not queue.left() and time.monotonic() < until_s:
                time.sleep(0.001)
            assert queue.left()


@pytest.mark.usefixtures("quick")
def test_who_wants_much_room_has_it_though_others_ask_for_little_all_the_time(tmp_path: Path) -> None:
    scratch, over = Scratch(tmp_path, 10e-9), threading.Event()
    with ScratchRoom(scratch) as one, ScratchRoom(scratch) as other, ThreadPoolExecutor(1) as threads:
        assert wanted(one, 0, 6)
        large = threads.submit(other.take, 0, 8, over.is_set)
        try:
            until_s = time.monotonic() + 30
            while not other._folder._ticket and time.monotonic() < until_s:
                time.sleep(0.001)
            assert not wanted(one, 1, 1)  # there is room, but another waits
            one.give_back(6)
            assert large.result(30)
        finally:
            over.set()
        other.give_back(8)
        assert wanted(one, 1, 1)


@pytest.mark.usefixtures("quick")
def test_the_same_free_disk_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = [scratch_module.MARGIN_BYTES + 10_000]
    monkeypatch.setattr(scratch_module.shutil, "disk_usage", lambda _: SimpleNamespace(free=free[0]))
    with ScratchRoom(Scratch(tmp_path)) as one:
        assert wanted(one, 0, 9_000)
        (one.path / "0.wav").write_bytes(bytes(9_000))
        free[0] -= 9_000
        with ScratchRoom(Scratch(tmp_path)) as other:
            assert other.most_bytes >= 10_000
            assert not wanted(other, 0, 9_000)
            one.give_back(9_000)
            assert wanted(other, 0, 9_000)


def free_bytes(monkeypatch: pytest.MonkeyPatch, *tries: int) -> Iterator[int]:
    """Let a disk have so much free at each look; return what no look has found yet."""
    left, now = iter(tries), [0]

    def usage(_: object) -> SimpleNamespace:
        now[0] = next(left, now[0])
        return SimpleNamespace(free=now[0])

    monkeypatch.setattr(scratch_module.shutil, "disk_usage", usage)
    return left


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("gb", "free"), [(None, scratch_module.MARGIN_BYTES), (1.0, 0)])
def test_a_run_waits_for_a_scratch_disk_that_is_full_and_ends_as_one_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gb: float | None, free: int
) -> None:
    """Whoever filled it: nothing of ours is there."""
    scratch = Scratch(tmp_path, gb)
    free_bytes(monkeypatch, free, free, free + 10_000)
    with ScratchRoom(scratch) as room:
        assert room.most_bytes == (10_000 if gb is None else 10**9)
    never_seen = free_bytes(monkeypatch, *[free] * 4, free + 10_000)
    why = (
        "no room to fetch recordings to; --scratch names another.*what was done is kept, and the same command"
    )
    with pytest.raises(OutputError, match=why):
        ScratchRoom(scratch)
    assert [*never_seen] == [free + 10_000]  # it looked once more after each wait
    free_bytes(monkeypatch, free, free + 10_000)
    with pytest.raises(OutputError):
        ScratchRoom(scratch, lambda: True)
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(scratch_module, "FolderBeside", Mock(side_effect=full))
    with pytest.raises(OutputError, match="no room to fetch recordings to"):
        ScratchRoom(scratch)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("is_leaving", [False, True])
@pytest.mark.usefixtures("quick")
def test_who_leaves_waits_for_no_room_and_ends_as_one_that_left(
    tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_leaving: bool
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(scratch_module, "FolderBeside", Mock(side_effect=full))
    with Pool([tiny], Options(), 1) as pool:
        pool.scratch = Scratch(tmp_path)
        if is_leaving:
            pool.leave()
            assert [*pool.work([Job("memory://b/0.wav")])] == []
        else:
            with pytest.raises(OutputError, match="no room to fetch recordings to"):
                [*pool.work([Job("memory://b/0.wav")])]


@pytest.mark.usefixtures("quick")
def test_a_disk_that_is_full_is_no_fault_of_a_file_while_others_are_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk of 20 bytes, where more may be fetched: what has room once others have gone is heard."""
    sizes, tried = [8, 8, 8, 16, 8, 30, 8], Counter[str]()
    full, lock = OSError(errno.ENOSPC, "No space left on device"), threading.Lock()

    def fetch(url: str, place: str, n_bytes: int, *_: object) -> Version:
        with lock:
            tried[url] += 1
            there = sum(path.stat().st_size for path in tmp_path.rglob("*.wav"))
            Path(place).write_bytes(bytes(min(n_bytes, 4)))
            if there + n_bytes > 20:
                raise StoreError(f"{url}: the store fails ({full})") from full
            Path(place).write_bytes(bytes(n_bytes))
        return Version(n_bytes, 1)

    monkeypatch.setattr(fetched.listings, "version", lambda url: Version(sizes[int(url[-5])], 1))
    monkeypatch.setattr(fetched.stores, "fetch", fetch)
    jobs = [Job(f"memory://b/{number}.wav") for number in range(len(sizes))]
    outcomes = dict[int, Outcome]()
    with fetched.Fetched(jobs, Scratch(tmp_path, 100e-9), lambda: None) as queue:
        until_s = time.monotonic() + 60
        while not queue.is_through and time.monotonic() < until_s:
            if (task := queue.take()) is None:
                time.sleep(0.01)
            else:
                queue.finish(task, Outcome())
            outcomes |= dict(queue.came())
        assert queue._room._taken == 0
    assert [file for file, outcome in outcomes.items() if outcome.failure] == [5]
    assert outcomes[5].failure.message.endswith(
        f"5.wav: {tmp_path} has no room for it; --scratch names another folder"
    )
    assert len(outcomes) == len(sizes)
    assert tried["memory://b/5.wav"] == 1 + len(fetched.FULL_WAITS_S)


@pytest.mark.long
def test_tasks_of_one_machine_take_no_more_scratch_together_than_one(
    tiny: models.Model, tmp_path: Path
) -> None:
    names, scratch, over = (
        recordings(tmp_path / "in", 12, seconds=100),
        tmp_path / "scratch",
        threading.Event(),
    )
    at_most = int(1.2 * (tmp_path / "in" / names[0]).stat().st_size)
    urls = [f"file://{tmp_path}/in/{name}" for name in names]
    expected = heard([str(tmp_path / "in" / name) for name in names], tiny, tmp_path / "local")
    with ThreadPoolExecutor(4) as executor, ThreadPoolExecutor(1) as watch:
        most = watch.submit(most_bytes, scratch, over)
        try:
            how = {"cluster": (executor, 4), "scratch": Scratch(scratch, at_most / 1e9)}
            assert heard(urls, tiny, tmp_path / "out", **how) == expected
        finally:
            over.set()
    share.end_idle()  # what went out twice may have come back after the run
    assert 0 < most.result() <= at_most
    assert [*scratch.iterdir()] == []


def test_an_object_larger_than_the_scratch_folder_is_a_row_that_helps(
    memory: object, tiny: models.Model, tmp_path: Path
) -> None:
    recordings(tmp_path / "in", 1, seconds=4)
    write(tmp_path / "in" / "01.wav", noise(8_000), 8_000)
    for name in ("00.wav", "01.wav"):
        memory.put_file(str(tmp_path / "in" / name), f"/b/{name}")
    urls = inputs.find(["memory://b"])
    scratch = Scratch(tmp_path / "s", ((tmp_path / "in" / "01.wav").stat().st_size + 1) / 1e9)
    (failed,) = Results(_run(urls, tiny, tmp_path / "out", scratch=scratch)).failures
    assert (failed.path, failed.stage) == (urls[0], "fetch")
    assert "--scratch-gb says how much, and with more --retry asks for it again" in failed.message
    more = Scratch(tmp_path / "s", 1)
    assert Results(_run(urls, tiny, tmp_path / "out", scratch=more, retry=True)).failures == []


def test_tries_come_to_an_end_and_what_is_refused_is_not_asked_again() -> None:
    asked = list[int]()

    def fail(error: Exception) -> None:
        asked.append(1)
        raise error

    class Answer(OSError):
        status = 404

    for error, n in (
        (OSError("cut"), tries.TRIES),
        (Answer("no"), 1),
        (FileNotFoundError("no"), 1),
        (PermissionError("no"), 1),
        (ValueError("odd"), tries.TRIES),
    ):
        asked.clear()
        with pytest.raises(StoreError, match=r"^u: "):
            tries.patiently("u", lambda error=error: fail(error))
        assert len(asked) == n
    asked.clear()
    with pytest.raises(StoreError, match=r"\(cut\) 2 times$"):  # of whose libraries each tries for a minute
        tries.patiently("az://b/x", lambda: fail(OSError("cut")))
    assert len(asked) == 2


def test_what_came_in_part_is_no_recording(
    memory: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a library takes a connection that was cut for the end of an object."""
    memory.pipe_file("/b/a.wav", b"1234")
    monkeypatch.setattr(
        type(memory), "get_file", lambda store, url, file, **_: Path(file).write_bytes(b"123")
    )
    with pytest.raises(StoreError, match="3 of 4 bytes came"):
        stores.fetch("memory://b/a.wav", str(tmp_path / "a.wav"), 4)


def test_what_a_server_gets_has_its_name_when_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("whole")
    store, _ = stores.opened(url := f"file://{tmp_path}/there/a")

    def half(store: object, here: str, there: str, **_: object) -> None:
        Path(there).write_text("wh")
        raise OSError("cut")

    with monkeypatch.context() as patch:
        patch.setattr(type(store), "put_file", half)
        with pytest.raises(StoreError, match="cut"):
            deposits.put(tmp_path / "a", url)
    assert not (tmp_path / "there" / "a").exists()
    deposits.put(tmp_path / "a", url)
    assert [(path.name, path.read_text()) for path in (tmp_path / "there").iterdir()] == [("a", "whole")]


@pytest.mark.parametrize("way", ["relative_update", "absolute_update"])
def test_a_transfer_ends_where_more_comes_than_was_told_or_nobody_waits(way: str) -> None:
    closing = threading.Event()
    watched = transfers.watch(100, closing)
    getattr(watched, way)(100)
    with pytest.raises(tries.Refused, match="more than the 100 bytes"):
        getattr(watched, way)(101)
    watched = transfers.watch(100, closing)
    closing.set()
    with pytest.raises(tries.Refused, match="nobody waits"):
        getattr(watched, way)(1)


@pytest.mark.long
def test_a_bucket_behind_a_bad_network_is_heard_as_a_folder_is(
    bucket: int, tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = recordings(tmp_path / "in", 20)
    one = (tmp_path / "in" / names[0]).stat().st_size
    at_most = 6 * one
    for name in names:
        client(bucket).upload_file(str(tmp_path / "in" / name), "birds", f"day/{name}")
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    proxy, scratch, over = Proxy(bucket, seed=3, share=0.3), tmp_path / "scratch", threading.Event()
    monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": proxy.url})
    stores._shared.cache_clear()
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    urls = inputs.find(["s3://birds/day"])
    assert urls == [f"s3://birds/day/{name}" for name in names]
    expected = heard([str(tmp_path / "in" / name) for name in names], tiny, tmp_path / "local")
    with ThreadPoolExecutor(1) as watch:
        most = watch.submit(most_bytes, scratch, over)
        try:
            found = heard(urls, tiny, tmp_path / "out", scratch=Scratch(scratch, at_most / 1e9))
        finally:
            over.set()
    assert found == expected
    assert one <= most.result() <= at_most
    assert min(proxy.harm.values()) > 0
    proxy.asked.clear()
    heard(urls, tiny, tmp_path / "out", scratch=Scratch(scratch))
    assert proxy.asked == []  # what is heard is not fetched, and what was listed not asked for
    proxy.close()
