"""A file has its name when it is whole, and what cannot have its name is refused in time."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from birdfast import atomicfile
from birdfast.atomicfile import AtomicFile
from birdfast.errors import ConfigError


def test_a_file_has_its_name_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with AtomicFile(path, mode="w", encoding="utf-8") as file:
        file.stream.write("new")
        file.stream.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(KeyError), AtomicFile(path, mode="wb") as file:
        file.stream.write(b"half")
        raise KeyError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_keeps_its_name_when_the_machine_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced, sync = tmp_path / "table.csv", [], os.fsync

    def note(handle: int) -> None:
        synced.append((stat.S_ISDIR(os.fstat(handle).st_mode), path.exists()))
        sync(handle)

    monkeypatch.setattr(os, "fsync", note)
    with AtomicFile(path, mode="wb") as file:
        file.stream.write(b"whole")
    assert synced == [(False, False), (True, True)], "the content before the name, then the name"


def test_a_folder_that_cannot_be_synced_takes_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    with AtomicFile(tmp_path / "table.csv", mode="wb") as file:
        file.stream.write(b"whole")
    assert (tmp_path / "table.csv").read_bytes() == b"whole"


def test_a_name_is_tried_and_nothing_is_left(tmp_path: Path) -> None:
    atomicfile.check(tmp_path / "table.csv")
    assert not list(tmp_path.iterdir())
    for path, reason in ((tmp_path, "it is a folder"), (tmp_path / "none" / "table.csv", "No such file")):
        with pytest.raises(ConfigError, match=f"{path}: cannot be written .*{reason}"):
            atomicfile.check(path)
        with pytest.raises(ConfigError, match=f"{path}: cannot be written .*{reason}"):
            AtomicFile(path, mode="wb")


def test_no_device_is_replaced_and_nothing_that_is_read(tmp_path: Path) -> None:
    pipe, file = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError, match="no regular file"):
        AtomicFile(pipe)
    file.write_text("what is read")
    (tmp_path / "link").symlink_to(file)
    with pytest.raises(ConfigError, match="is read, so it cannot be written"):
        atomicfile.check_apart(tmp_path / "link", tmp_path / "none", file)
    atomicfile.check_apart(tmp_path / "new", file)
