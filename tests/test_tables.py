"""Tables open in other tools, say the same in both kinds, and have their names only when whole."""

from __future__ import annotations

import csv
import errno
import os
from pathlib import Path

import pyarrow.parquet
import pytest

from birdfast import tables
from birdfast.errors import ConfigError, OutputError
from birdfast.outcomes import Detection, Failure
from birdfast.tables.detections import CsvTable, ParquetTable
from birdfast.tables.table import About, AboutModel, Result

from .journals import RUN, rows_of

ABOUT = About({"model": "tiny"}, (AboutModel("tiny"),))
MADE = {"csv": CsvTable, "parquet": ParquetTable}

ROWS = [
    Detection(0.0, 3.0, "Parus major", "Great Tit", 0.987654, "dawn/a, b.wav"),
    Detection(0.96, 1.935, "Engine", 'En"gine', 0.25, "line\nbreak.wav"),
    Detection(3.0, 6.0, "Engine", "Engine", 0.5, "carriage\rreturn.wav"),
    Detection(86_397.0, 86_400.0, "Strix aluco", "Tawny Owl", 1.0, "odd\udcff.wav"),
]


def written(folder: Path, kind: str, rows: list[Detection] = ROWS) -> Path:
    with MADE[kind](folder, ABOUT) as table:
        for row in rows:
            table.detections([row])
    return table.path


def test_csv_has_birdnets_columns(tmp_path: Path) -> None:
    path = written(tmp_path, "csv")
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["Start (s)", "End (s)", "Scientific name", "Common name", "Confidence", "File"]
    assert rows[1] == ["0.0", "3.0", "Parus major", "Great Tit", "0.9877", "dawn/a, b.wav"]
    assert rows[2] == ["0.96", "1.935", "Engine", 'En"gine', "0.2500", "line\nbreak.wav"]
    assert rows[3][-1] == "carriage\rreturn.wav"
    assert rows[4] == ["86397.0", "86400.0", "Strix aluco", "Tawny Owl", "1.0000", "odd\udcff.wav"]


def test_parquet_has_full_precision_and_metadata(tmp_path: Path) -> None:
    table = pyarrow.parquet.read_table(written(tmp_path, "parquet"))
    assert table.schema.metadata[b"model"] == b"tiny"
    rows = table.to_pylist()
    assert rows[1] == {
        name: value for name, value in ROWS[1]._asdict().items() if name not in ("model", "channel")
    }
    assert rows[0]["confidence"] == pytest.approx(0.987654, abs=1e-7)
    assert rows[3]["file"] == "odd\\xff.wav"


def test_parquet_streams_in_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables.detections, "ROW_GROUP_ROWS", 2)
    file = pyarrow.parquet.ParquetFile(written(tmp_path, "parquet"))
    assert (file.num_row_groups, file.metadata.num_rows) == (2, 4)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_empty_table_has_its_columns(tmp_path: Path, kind: str) -> None:
    assert written(tmp_path, kind, []).stat().st_size > 0


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_broken_run_leaves_the_old_table_and_no_litter(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, kind)
    before = path.read_bytes()

    def break_off() -> None:
        with MADE[kind](tmp_path, ABOUT) as table:
            table.detections(ROWS[:1])
            assert path.read_bytes() == before
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_failures(tmp_path: Path) -> None:
    with tables.FailuresTable(tmp_path, ABOUT) as table:
        table.write(Failure("a,b.wav", "audio", "AudioError", "cut short", 44, 8_000, 1.5))
    text = (tmp_path / "failures.csv").read_text()
    assert text == (
        "path,stage,error,message,bytes,rate_hz,duration_s\n"
        '"a,b.wav",audio,AudioError,cut short,44,8000,1.5\n'
    )


def test_a_table_is_read_back_whatever_the_files_are_called(tmp_path: Path) -> None:
    path = written(tmp_path, "csv")
    assert [row.file for row in tables.read_csv(path)] == [row.file for row in ROWS]
    assert b"\r\n" not in path.read_bytes()


def test_a_failure_of_a_file_with_a_carriage_return_is_one_row(tmp_path: Path) -> None:
    with tables.FailuresTable(tmp_path, ABOUT) as table:
        table.write(Failure("a\rb.wav", "audio", "AudioError", "cut short"))
    with (tmp_path / "failures.csv").open(newline="") as file:
        assert list(csv.reader(file))[1:] == [["a\rb.wav", "audio", "AudioError", "cut short", "", "", ""]]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_whose_name_is_a_folders_is_refused_at_the_start(tmp_path: Path, kind: str) -> None:
    (tmp_path / f"detections.{kind}").mkdir()
    with pytest.raises(ConfigError, match=rf"detections\.{kind}: cannot be written \(it is a folder\)"):
        MADE[kind](tmp_path, ABOUT)


@pytest.mark.parametrize("folder", ["gone", "file"])
def test_a_folder_that_takes_no_table_is_named(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=f"cannot be written into {tmp_path / folder} "):
        MADE["csv"](tmp_path / folder, ABOUT)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_full_disk_leaves_no_litter(tmp_path: Path, kind: str) -> None:
    def is_full(self: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    table = MADE[kind](tmp_path, ABOUT)
    full = type("Full", (), {"flush": is_full, "close": is_full, "closed": False, "write": is_full})()
    with pytest.raises(OSError, match="No space left"), table:
        if kind == "parquet":
            table._writer.close()
            table._writer = full
        table.stream.close()
        table.stream = full
    assert list(tmp_path.iterdir()) == []


def results(number: int) -> list[Result]:
    failure = Failure("b.wav", "audio", "AudioError", f"reason {number}")
    dense = {(0, kind): [rows_of(number)] for kind in tables.DENSE}
    return [
        Result("a.wav", [ROWS[:number]], [], [f"note {number}"], dense),
        Result("b.wav", [], [failure], [], {(0, kind): [] for kind in tables.DENSE}),
    ]


@pytest.mark.parametrize(
    "name", ["detections.csv", "detections.parquet", "scores.parquet", "embeddings.parquet"]
)
def test_a_table_that_fails_at_its_last_byte_leaves_all_the_old_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    kinds, about = tables.KINDS, RUN
    tables.write_all(tmp_path, kinds, about, results(1))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    fsync = os.fsync

    def fail(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").readlink().name.startswith(f".{name}."):
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        tables.write_all(tmp_path, kinds, about, results(2))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert len(before) == 6


def test_tokens_without_their_footer_are_no_table(tmp_path: Path) -> None:
    def is_full(self: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    table = tables.TokensParquet(tmp_path, 0.01)
    with pytest.raises(OSError, match="No space left"), table:
        table._writer.close()
        table._writer = type("Full", (), {"close": is_full})()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_has_gone_since_is_the_disks_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written into"):
        tables.check_places(tmp_path / "gone", ["csv"], ABOUT)
    with pytest.raises(OutputError, match="cannot be written into"):
        tables.write_all(tmp_path / "gone", ["csv"], ABOUT, [])
    with pytest.raises(OutputError, match="cannot be written into"):
        tables.write_failures(tmp_path / "gone", ABOUT, [])


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(ConfigError, match="'xls' is no kind of table; it takes csv, parquet"):
        tables.check("xls")
