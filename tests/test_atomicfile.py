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
        status = os.fstat(handle)
        is_folder = stat.S_ISDIR(status.st_mode)
        synced.append((is_folder, path.exists(), 0 if is_folder else status.st_size))
        sync(handle)

    monkeypatch.setattr(os, "fsync", note)
    with AtomicFile(path, mode="wb") as file:
        file.stream.write(b"whole")
    assert synced == [(False, False, 5), (True, True, 0)], "all of the content before the name, then the name"


def test_a_new_folder_is_there_after_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    atomicfile.make_folder(tmp_path / "a" / "b")
    assert {*synced} == {tmp_path.stat().st_ino, (tmp_path / "a").stat().st_ino}, "those that have new names"
    atomicfile.make_folder(tmp_path / "a" / "b")
    assert len(synced) == 2


def test_others_may_do_with_a_file_what_the_umask_lets_them(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with AtomicFile(tmp_path / "table.csv", mode="wb"):
            pass
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "table.csv").stat().st_mode) == 0o640


def test_what_only_looks_like_a_part_of_ours_stays(tmp_path: Path) -> None:
    names = [".a.csv.k3_x.part", ".a.csv.k3_x.part.bak", ".b.csv.k3_x.part", "a.csv.k3_x.part", ".a.csv.part"]
    for name in names:
        (tmp_path / name).touch()
    atomicfile.tidy(tmp_path, r"a\.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])


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
