"""A run's tables tell of the species, the places and the times that are asked, whenever they are asked."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from birdfast import models
from birdfast.runs import How
from birdfast.runs.retelling import retell

from .commands import birdfast, contents, infer, table
from .test_recorded import MOTH, WARM, info, wav
from .test_species import small

NAMES = ("A_20240101_000000.wav", "A_20241201_000000.wav", "B_20241201_000000.wav")


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Three short recordings: two of one site, in two seasons, and one of another, whose file tells more."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in NAMES:
        wav(folder / name, info(WARM) if name.startswith("B") else b"")
    return folder


def ask(tiny: models.Model, recordings: Path, out: Path, *more: object) -> list[dict[str, str]]:
    result = infer(tiny, recordings, "-o", out, "--min-conf", "0", "--keep-scores", "all", *more)
    assert result.returncode == 0, result.stderr
    return table(out / "detections.csv")


def told(rows: list[dict[str, str]]) -> dict[str, set[str]]:
    return {name: {row["Common name"] for row in rows if Path(row["File"]).name == name} for name in NAMES}


def test_lists_place_and_language_choose_rows(tiny: models.Model, recordings: Path, tmp_path: Path) -> None:
    everything = told(ask(tiny, recordings, tmp_path / "all"))
    assert everything == {name: {"First Bird", "Second Bird", "Noise"} for name in NAMES}
    wanted, german, sites = (tmp_path / name for name in ("wanted.txt", "de.txt", "sites.csv"))
    wanted.write_text("Avis secunda\nNoise\n")
    german.write_text("Avis prima_Erster Vogel\n")
    sites.write_text("site,lat,lon,tz\nA,60,10,+02:00\nB,-60,10,\n")
    geo = small(tmp_path)
    (tmp_path / "BirdNET_GLOBAL_6K_V2.4_Labels.txt").write_text(
        "Avis prima_North\nAvis secunda_South\nAvis sera_Late\n"
    )
    there = {"place_model": geo, "place_threshold": 0.5}
    of_place: dict[str, Any] = {"deployments": sites, **there}
    questions: list[tuple[dict[str, Any], list[set[str]]]] = [
        ({"species": wanted}, [{"Second Bird", "Noise"}] * 3),
        ({"species": wanted, "exclude": wanted}, [set()] * 3),
        ({"language": german}, [{"Erster Vogel", "Second Bird", "Noise"}] * 3),
        ({"latitude": -60, "longitude": 10, **there}, [{"Second Bird", "Noise"}] * 3),
        (of_place, [{"First Bird", "Noise"}] * 2 + [{"Second Bird", "Noise"}]),
    ]
    for number, (question, found) in enumerate(questions):
        again = tmp_path / f"again{number}"
        retell(tmp_path / "all", again, How(), {}, question)
        assert list(told(table(again / "detections.csv")).values()) == found, question
    options = ("--deployments", sites, "--place-model", geo, "--sf-thresh", 0.5)
    for out in ("fresh", "all"):  # the second asks again
        ask(tiny, recordings, tmp_path / out, *options)
        assert contents(tmp_path / out) == contents(again), out


def test_columns_tell_where_and_when(tiny: models.Model, recordings: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    rows = ask(
        tiny, recordings, out, "--rtype", "csv,sqlite", "--tz", "UTC",
        *("--additional-columns", "time,site,serial,temperature_c,week,min_conf,model"),
    )  # fmt: skip
    last, first = rows[-1], rows[0]
    assert first["time"] == "2024-01-01T00:00:00+00:00"
    assert (first["site"], first["serial"], first["temperature_c"], first["week"]) == ("A", "", "", "1")
    assert (last["site"], last["serial"], last["temperature_c"]) == ("B", MOTH, "14.5")
    assert (last["min_conf"], last["model"]) == ("0.0", tiny.name)
    assert last["time"].startswith("2024-06-12T03:30:0")  # what the file tells with its zone
    with sqlite3.connect(out / "detections.sqlite") as database:
        (battery_v,) = database.execute("SELECT max(battery_v) FROM detections").fetchone()
    assert battery_v == 4.1


def test_what_no_model_knows_is_told_or_refused(tiny: models.Model, recordings: Path, tmp_path: Path) -> None:
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("Avis prima\nAvis tertia\n")
    result = infer(tiny, recordings, "-o", tmp_path / "out", "--slist", wanted)
    assert result.returncode == 0
    assert "1 of its names is no class here: Avis tertia" in result.stderr
    result = infer(tiny, recordings, "-o", tmp_path / "out", "--slist", wanted, "--strict")
    assert result.returncode == 64
    assert "did you mean Avis" in result.stderr


def test_what_a_file_said_is_kept_when_it_has_gone(
    tiny: models.Model, recordings: Path, tmp_path: Path
) -> None:
    out, again, columns = (
        tmp_path / "out",
        tmp_path / "again",
        ("--additional-columns", "time,serial,battery_v"),
    )
    rows = ask(tiny, recordings, out, *columns)
    assert {row["battery_v"] for row in rows} == {"", "4.1"}
    shutil.rmtree(recordings)
    result = birdfast("tables", out, "-o", again, *columns)
    assert result.returncode == 0, result.stderr
    assert table(again / "detections.csv") == rows
