"""What others wrote is read whole or refused at once, in words, whatever lies under its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from birdfast import inputs, keyedvectors, labels, modelfolder, models, sources, tables
from birdfast.errors import BirdfastError, ConfigError, ModelError
from birdfast.grafting import original
from birdfast.sources import npy
from birdfast.tokens import Codebook
from birdfast.train import recipe, recordings

Reader = Callable[[Path], Any]

READERS: dict[str, tuple[str, Reader, type[BirdfastError]]] = {
    "list": ("list.txt", lambda path: inputs.find([str(path)]), ConfigError),
    "labels": ("labels.txt", labels.load, ModelError),
    "labels, CSV": ("labels.csv", lambda path: labels.load(path, "csv:name"), ModelError),
    "classes": ("model.toml", lambda path: labels.load(path, "toml"), ModelError),
    "trained manifest": ("model.toml", lambda path: modelfolder.facts(path.parent), ModelError),
    "array": ("x.npy", lambda path: modelfolder.arrays(path.parent, {"x": ""}), ModelError),
    "codebook": ("centroids.npy", Codebook.load, ModelError),
    "vectors": ("vectors.bin", keyedvectors.read, ModelError),
    "network": (
        "net.tflite",
        lambda path: models.Model(name="a", title="a", path=path).digests(),
        ModelError,
    ),
    "network's graph": ("net.tflite", original.read, ModelError),
    "recipe": ("mine.toml", lambda path: recipe.load("best", path), ConfigError),
    "clips": ("clips.csv", lambda path: recordings.find(str(path)), ConfigError),
    "detections": ("detections.csv", tables.read_csv, ConfigError),
}


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Callable[[], str]]:
    """A file's name, and a reader that has to refuse it by that name."""
    name, read, fault = READERS[request.param]

    def refuse() -> str:
        with pytest.raises(fault, match=name) as refused:
            read(tmp_path / name)
        return str(refused.value)

    return tmp_path / name, refuse


def test_no_reader_waits_for_a_pipe(reader: tuple[Path, Callable[[], str]]) -> None:
    path, refuse = reader
    os.mkfifo(path)
    assert "not a regular file" in refuse() or "no such folder or CSV" in refuse()


def test_no_reader_drinks_a_device_up(reader: tuple[Path, Callable[[], str]]) -> None:
    path, refuse = reader
    path.symlink_to("/dev/zero")
    assert "not a regular file" in refuse() or "no such folder or CSV" in refuse()


def test_a_file_that_is_too_large_is_refused_with_both_sizes(
    reader: tuple[Path, Callable[[], str]],
) -> None:
    path, refuse = reader
    path.touch()
    os.truncate(path, 5 << 30)
    assert "5,368,709,120 bytes; a file of its kind has " in refuse()


def test_a_folder_in_a_files_place_is_told(reader: tuple[Path, Callable[[], str]]) -> None:
    path, refuse = reader
    path.mkdir()
    assert refuse()


def test_a_model_folder_of_pipes_is_refused_at_once(tmp_path: Path) -> None:
    for name in ("net.tflite", "labels.txt", "model.toml"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(ModelError, match=r"model\.toml: cannot be read \(not a regular file\)"):
        models.find(tmp_path)


def test_a_file_that_hides_its_size_is_read_to_the_limit_and_no_further() -> None:
    assert sources.read("/proc/self/maps", ConfigError)  # of 0 bytes, as it says
    with pytest.raises(ConfigError, match="maps: more than 10 bytes; a file of its kind has 10 at most"):
        sources.read("/proc/self/maps", ConfigError, 10)


def test_a_name_that_no_file_can_have_is_told() -> None:
    with pytest.raises(ModelError, match=r"'a\\x00b': not a file name"):
        sources.read("a\0b", ModelError)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"\xff", "no TOML"),
        (b"a = ", "no TOML"),
        (b"a = " + b"[" * 100_000, "no TOML"),
        (b"\xef\xbb\xbfa=1", ""),
    ],
)
def test_toml_is_read_or_refused(tmp_path: Path, text: bytes, reason: str) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(text)
    if not reason:
        assert sources.toml(path, ModelError) == {"a": 1}
        return
    with pytest.raises(ModelError, match=rf"a\.toml: {reason}"):
        sources.toml(path, ModelError)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "lacks the column file, label"),
        (b"file\n", "lacks the column label"),
        (b"file,label\n" + b"x" * 200_000, "no CSV behind line 1"),
        (b"file,label\na,b\nc,0,5\n", "line 3: 3 columns, and 2 in the header; a value with ',' in it"),
        (b"file;label\na;b;c\n", "line 2: 3 columns, and 2 in the header; a value with ';' in it"),
        (b"file,label\n\xff,\n", "not UTF-8 text .* at byte 11"),
    ],
)
def test_a_table_that_is_none_is_told(tmp_path: Path, text: bytes, reason: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text)
    with pytest.raises(ConfigError, match=rf"a\.csv: {reason}"):
        list(sources.table(path, ("file", "label"), ConfigError))


def test_a_tables_values_may_hold_line_breaks_and_short_rows_are_empty(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'\xef\xbb\xbffile,label\r\n"a\rb\nc.wav",x\r\nd.wav\r\n')
    rows = [row for _, row in sources.table(tmp_path / "a.csv", ("file", "label"), ConfigError)]
    assert rows == [{"file": "a\rb\nc.wav", "label": "x"}, {"file": "d.wav", "label": ""}]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_tables_header_tells_what_parts_its_columns(tmp_path: Path, mark: str) -> None:
    (tmp_path / "a.csv").write_text(f"file{mark}label\na.wav{mark}x\n")
    assert list(sources.table(tmp_path / "a.csv", ("file", "label"), ConfigError)) == [
        (2, {"file": "a.wav", "label": "x"})
    ]


def _npy(header: str) -> bytes:
    told = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(told).to_bytes(2, "little") + told


@pytest.mark.parametrize(
    "content",
    [
        _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 4)}") + bytes(16),
        _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-4,)}") + bytes(16),
        _npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}") + bytes(8),
        _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}") + bytes(12),
        _npy("(" * 9_000),
        _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)" + " " * 20_000 + "}") + bytes(8),
        b"PK\x03\x04" + bytes(60),
        b"\x93NUMPY\x03\x00",
        b"\x80\x04N.",
        b"",
    ],
    ids=["huge", "negative", "object", "long", "nested", "wide", "zip", "version", "pickle", "empty"],
)
def test_an_array_is_what_its_header_says_or_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(ModelError, match=r"x\.npy: no array can be read from it"):
        Codebook.load(tmp_path / "x.npy")


def test_arrays_of_any_order_come_back(tmp_path: Path) -> None:
    by_rows = np.arange(6.0).reshape(2, 3)
    for array in (
        np.zeros((0, 3)),
        by_rows,
        by_rows.astype(">f4"),
        np.asfortranarray(by_rows),
        np.float32(4),
    ):
        np.save(tmp_path / "x.npy", array)
        found = npy.array("x.npy", (tmp_path / "x.npy").read_bytes(), ModelError)
        np.testing.assert_array_equal(found, array)
        assert not found.flags.writeable  # of any order


def test_a_large_array_takes_no_second_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((1_000, 3), np.float32))
    data = (tmp_path / "x.npy").read_bytes()
    assert np.shares_memory(npy.array("x.npy", data, ModelError), np.frombuffer(data, np.uint8))
