"""A file has its name when it is whole, and what cannot have its name is refused in time."""

from __future__ import annotations

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


def test_a_name_is_tried_and_nothing_is_left(tmp_path: Path) -> None:
    atomicfile.check(tmp_path / "table.csv")
    assert not list(tmp_path.iterdir())
    for path, reason in ((tmp_path, "it is a folder"), (tmp_path / "none" / "table.csv", "No such file")):
        with pytest.raises(ConfigError, match=f"{path}: cannot be written .*{reason}"):
            atomicfile.check(path)
        with pytest.raises(ConfigError, match=f"{path}: cannot be written .*{reason}"):
            AtomicFile(path, mode="wb")
