"""Digests kept from one process to the next: a file that is not as it was is read anew."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from birdfast import sources
from birdfast.errors import ModelError
from birdfast.grafting import proven

pytestmark = pytest.mark.skipif(not proven.BOOT.exists(), reason="the system tells no name of its start")

FIRST, OTHER = b"weights" * 1_000, b"WEIGHTS" * 1_000
TICK_S = 0.02  # of the clock of files: the fixture below lets those count that changed just now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """All files are older than this process, by far."""
    monkeypatch.setattr(proven, "BEGAN_S", time.time() + 1e6)
    monkeypatch.setattr(sources, "SETTLED_S", -1e6)
    monkeypatch.setattr(sources, "_KNOWN", {})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The cache's, which is not there yet."""
    return tmp_path / "cache"


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A file whose last change was at no round time."""
    path = tmp_path / "network"
    path.write_bytes(FIRST)
    while path.stat().st_ctime_ns % proven.COARSE_NS == 0:
        os.utime(path)
    return path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were read for their digests."""
    found: list[str] = []

    def counted(file: Any, kind: str) -> Any:
        found.append(file.name)
        return file_digest(file, kind)

    file_digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", counted)
    return found


def asked_by_a_new_process(network: Path, folder: Path | None) -> str:
    """Return the digest that a process says which knows nothing of its own."""
    sources._KNOWN.clear()
    with proven.believed(folder):
        return sources.sha256(network, ModelError)


def test_a_file_as_it_was_is_read_once_for_all_processes(
    network: Path, folder: Path, reads: list[str]
) -> None:
    told = {asked_by_a_new_process(network, folder) for _ in range(3)}
    assert told == {hashlib.sha256(FIRST).hexdigest()}
    assert len(reads) == 1


def replaced(path: Path) -> None:
    path.with_name("new").write_bytes(OTHER)
    path.with_name("new").replace(path)


def replaced_by_one_with_its_times(path: Path) -> None:
    status = path.stat()
    replaced(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def rewritten(path: Path) -> None:
    path.write_bytes(OTHER)


def rewritten_and_set_back(path: Path) -> None:
    status = path.stat()
    rewritten(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def written_to_in_memory(path: Path) -> None:
    import mmap

    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as there:
        there[:] = OTHER
        there.flush()


@pytest.mark.parametrize(
    "change",
    [replaced, replaced_by_one_with_its_times, rewritten, rewritten_and_set_back, written_to_in_memory],
)
def test_a_file_that_changed_says_what_it_holds_now(
    network: Path, folder: Path, change: Callable[[Path], None]
) -> None:
    asked_by_a_new_process(network, folder)
    time.sleep(TICK_S)
    change(network)
    assert asked_by_a_new_process(network, folder) == hashlib.sha256(OTHER).hexdigest()


def test_a_touched_file_is_read_anew(network: Path, folder: Path, reads: list[str]) -> None:
    asked_by_a_new_process(network, folder)
    time.sleep(TICK_S)
    os.utime(network)
    asked_by_a_new_process(network, folder)
    assert len(reads) == 2


@pytest.mark.parametrize(
    "why",
    [
        *["another start", "no start", "young", "coarse", "others write", "no folder"],
        *["in memory", "no mounts", "strange mounts"],
    ],
)
def test_what_cannot_be_sure_is_read_anew(
    network: Path, folder: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch, why: str, tmp_path: Path
) -> None:
    if why == "young":
        monkeypatch.setattr(proven, "BEGAN_S", time.time())
    if why == "coarse":
        monkeypatch.setattr(proven, "COARSE_NS", 1)
    if why in ("in memory", "no mounts", "strange mounts"):
        device = network.stat().st_dev
        line = f"36 35 {os.major(device)}:{os.minor(device)} / /dev/shm rw shared:4 - tmpfs tmpfs rw\n"
        (tmp_path / "mounts").write_text("strange" if why == "strange mounts" else line)
        monkeypatch.setattr(proven, "MOUNTS", tmp_path / ("none" if why == "no mounts" else "mounts"))
    if why == "no start":
        monkeypatch.setattr(proven, "BOOT", tmp_path / "none")
    asked_by_a_new_process(network, None if why == "no folder" else folder)
    if why == "another start":
        (tmp_path / "boot").write_text("11111111-2222-3333-4444-555555555555\n")
        monkeypatch.setattr(proven, "BOOT", tmp_path / "boot")
    if why == "others write":
        (folder / proven.NAME).chmod(0o666)
    asked_by_a_new_process(network, folder)
    assert len(reads) == 2


def test_what_another_process_told_is_not_kept_as_read_here(
    network: Path, folder: Path, reads: list[str]
) -> None:
    sources.sha256(network, ModelError)
    told = sources.known()
    sources._KNOWN.clear()
    sources.believe(told)
    with proven.believed(folder):
        sources.sha256(network, ModelError)
    assert not (folder / proven.NAME).exists()
    assert len(reads) == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[1]", b'[["a", ["b", [1, 2, 3, 4, 5]]]]', b'[["a", ["bb", 3]]]', b"\xff", b"[" * 9_999],
)
def test_a_damaged_file_is_made_anew(network: Path, folder: Path, reads: list[str], content: bytes) -> None:
    asked_by_a_new_process(network, folder)
    (folder / proven.NAME).write_bytes(content)
    asked_by_a_new_process(network, folder)
    asked_by_a_new_process(network, folder)
    assert len(reads) == 2


def test_so_many_files_are_remembered(network: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proven, "MOST", 3)
    for number in range(5):
        network.write_bytes(b"%d" % number)
        os.utime(network, ns=(1, 1))
        asked_by_a_new_process(network, folder)
    kept = json.loads((folder / proven.NAME).read_bytes())
    assert len(kept) == 3
    assert kept[-1][1][0] == hashlib.sha256(b"4").hexdigest()
