"""Vectors that are kept are found again, bit for bit, or it is as if they had never been kept."""

from __future__ import annotations

import errno
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast.train.vectorfile import VectorFile


def rows(n: int, n_columns: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, n_columns)).astype(np.float32)


def silent(_: str) -> None: ...


@given(n=st.sampled_from([0, 1, 5, 1023, 1024, 1025, 2500]), n_columns=st.integers(1, 4))
def test_what_is_kept_is_found(n: int, n_columns: int) -> None:
    file = VectorFile(None, silent)
    file.keep(b"a", rows(n, n_columns), ["repaired"])
    file.keep(b"a", rows(n, n_columns, 1), [])  # of a copy, at the same time: the first one stays
    found = file.find(b"a")
    assert found is not None
    np.testing.assert_array_equal(found[0], rows(n, n_columns))
    assert found[1] == ("repaired",)
    assert file.find(b"b") is None
    file.close()


def test_it_is_there_after_a_close_and_for_threads(tmp_path: Path) -> None:
    file = VectorFile(tmp_path / "v.sqlite", silent)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: file.keep(bytes([n]), rows(n, seed=n), []), range(40)))
    file.close()
    again = VectorFile(tmp_path / "v.sqlite", pytest.fail)
    for n in range(40):
        found = again.find(bytes([n]))
        assert found is not None
        np.testing.assert_array_equal(found[0], rows(n, seed=n))
    again.close()


KILLED = """
import os, sys
from pathlib import Path
import numpy as np
from birdfast.train.vectorfile import VectorFile
file = VectorFile(Path(sys.argv[1]), print)
file.keep(b"whole", np.ones((3000, 2), np.float32), [])
file.flush()
file.keep(b"lost", np.ones((3000, 2), np.float32), [])
os._exit(9)
"""


def test_what_was_not_on_the_disk_when_it_was_killed_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "v.sqlite"
    assert subprocess.run([sys.executable, "-c", KILLED, path], check=False).returncode == 9
    file = VectorFile(path, pytest.fail)
    assert file.find(b"whole") is not None
    assert file.find(b"lost") is None
    file.close()


def _garbage(path: Path) -> None:
    path.write_bytes(b"no database at all, but long enough to be read as one" * 100)


def _flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    place = content.find(rows(400).tobytes()[:32])
    content[place + 5] ^= 1
    path.write_bytes(content)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _changed(statement: str):
    def change(path: Path) -> None:
        with sqlite3.connect(path) as database:
            database.execute(statement)
        database.close()

    return change


@pytest.mark.parametrize(
    "damage",
    [
        *(_garbage, _flipped, _cut),
        _changed("DELETE FROM part"),
        _changed("UPDATE item SET n_rows = 'many'"),
        _changed("UPDATE item SET remarks = '{'"),
        _changed("DROP TABLE part"),
        _changed("CREATE TRIGGER t AFTER INSERT ON item BEGIN DELETE FROM part; END"),
        _changed("PRAGMA user_version = 2"),
        _changed("PRAGMA application_id = 1"),
    ],
)
def test_a_damaged_file_is_begun_anew(tmp_path: Path, damage) -> None:
    path, said = tmp_path / "v.sqlite", list[str]()
    file = VectorFile(path, silent)
    file.keep(b"a", rows(400), [])
    file.keep(b"b", rows(2, seed=1), [])
    file.close()
    damage(path)
    file = VectorFile(path, said.append)
    assert file.find(b"a") is None
    assert "damaged" in said[0]
    file.keep(b"a", rows(400), [])
    file.close()
    again = VectorFile(path, pytest.fail)
    assert again.find(b"a") is not None
    again.close()


def test_a_flipped_bit_costs_what_it_is_in(tmp_path: Path) -> None:
    path = tmp_path / "v.sqlite"
    file = VectorFile(path, silent)
    file.keep(b"a", rows(400), [])
    file.keep(b"b", rows(400, seed=1), [])
    file.close()
    _flipped(path)
    file = VectorFile(path, silent)
    assert file.find(b"a") is None
    assert file.find(b"b") is not None
    file.close()


def test_a_place_that_takes_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="unable to open"):
        VectorFile(tmp_path / "no such folder" / "v.sqlite", silent)


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    file = VectorFile(tmp_path / "v.sqlite", silent)
    file._database.execute("PRAGMA max_page_count = 20")
    with pytest.raises(OSError, match="full") as refused:
        file.keep(b"a", rows(100_000), [])
    assert refused.value.errno == errno.ENOSPC
    file.flush()
    assert file.find(b"a") is None
