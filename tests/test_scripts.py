"""Lines of scripts for BirdNET-Analyzer run under another name of a program, and write the files they expect.

The flags are those of public scripts, of versions 1 to 3; what they name is ours.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from birdfast import audio, models, soundscape

from .commands import birdfast

RAVEN = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tCommon Name"
    "\tSpecies Code\tConfidence\tBegin Path\tFile Offset (s)"
)
CSV = "Start (s),End (s),Scientific name,Common name,Confidence,File"
FIRST, SECOND = "Black-capped Chickadee", "Common Cuckoo"
TREE = ("dawn", "sub/dusk")


@pytest.fixture
def day(tmp_path: Path) -> Path:
    """A folder with day/dawn.wav and day/sub/dusk.wav, of 6 s each, and lists."""
    samples, rate_hz = soundscape.make(seed=0)[0], soundscape.RATE_HZ
    (tmp_path / "day" / "sub").mkdir(parents=True)
    audio.write(tmp_path / "day" / "dawn.wav", samples[: 6 * rate_hz], rate_hz)
    audio.write(tmp_path / "day" / "sub" / "dusk.wav", samples[12 * rate_hz : 18 * rate_hz], rate_hz)
    (tmp_path / "list.txt").write_text("Poecile atricapillus_Black-capped Chickadee\n")
    return tmp_path


def ran(folder: Path, line: str) -> str:
    done = birdfast(*shlex.split(line), cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stderr


def tables(folder: Path) -> dict[str, list[str]]:
    """Return the lines of what an Analyzer could have written, by place."""
    ours = ("failures.csv", "notes.csv")
    found = (path for path in folder.rglob("*") if path.suffix in (".csv", ".txt") and path.name not in ours)
    return {
        str(path.relative_to(folder)): path.read_text().splitlines()
        for path in found
        if not path.name.startswith(".")
    }


@pytest.mark.usefixtures("birdnet")
def test_version_1_csv_for_each_file(day: Path) -> None:
    """A museum's comparison of models."""
    ran(day, "analyze --i day --o output --min_conf 0.01 --overlap 1.0 --rtype csv")
    found = tables(day / "output")
    assert {*found} == {f"{stem}.BirdNET.results.csv" for stem in TREE}
    for (name, lines), species in zip(sorted(found.items()), (FIRST, SECOND), strict=True):
        assert lines[0] == CSV
        assert any(species in line for line in lines), name
    assert any(line.startswith("2.0,5.0,") for lines in found.values() for line in lines)


@pytest.mark.usefixtures("birdnet")
def test_version_2_raven_for_each_file(day: Path) -> None:
    """A field season's shell script: neither --rtype nor --i."""
    line = "analyze --threads 8 --lat 44.415947 --lon -91.700659 --skip_existing_results -o out day"
    said = ran(day, line)
    assert said.count("--skip_existing_results: ") == 1
    assert "--threads: as in BirdNET-Analyzer 1 and 2, a table for each recording" in said
    found = tables(day / "out")
    assert {*found} == {f"{stem}.BirdNET.selection.table.txt" for stem in TREE}
    assert all(lines[0] == RAVEN for lines in found.values())
    assert FIRST in "".join(found["dawn.BirdNET.selection.table.txt"])
    again = ran(day, line)
    assert found == tables(day / "out")
    assert "0.0 s of sound" in again or "nothing" in again


@pytest.mark.usefixtures("birdnet")
def test_version_2_a_day_combined_into_the_folder_of_its_recordings(day: Path) -> None:
    """A station's cron job."""
    ran(day, "analyze --i day/ --o day/ --rtype csv --threads 3 --slist list.txt --combine_results")
    found = tables(day / "day")
    assert {*found} == {"BirdNET_CombinedTable.csv"}
    header, *rows = found["BirdNET_CombinedTable.csv"]
    assert header == CSV
    assert rows
    assert all(FIRST in row and row.endswith("day/dawn.wav") for row in rows)


def test_version_2_a_classifier_of_ones_own(day: Path, birdnet: models.Model) -> None:
    """A Python program's call."""
    line = f"analyze --classifier {birdnet.path} --cc_species_list {birdnet.labels_path} --output out"
    ran(day, f"{line} --min_conf 0.10 day/dawn.wav")
    assert {*tables(day / "out")} == {"BirdNET_SelectionTable.txt"}


@pytest.mark.long
@pytest.mark.usefixtures("birdnet")
def test_version_2_what_a_desktop_program_asks_for(day: Path) -> None:
    line = (
        "analyze day -o out --min_conf 0.25 --overlap 0 -b 8 --lat 44.4 --lon -91.7 --week 20 -l en"
        " --combine_results --fmin 0 --fmax 15000 --sensitivity 1.0"
    )
    said = ran(day, line)
    assert "-b: birdfast batches by itself" in said
    ((name, lines),) = tables(day / "out").items()
    assert name == "BirdNET_SelectionTable.txt"
    assert lines[0] == RAVEN
    assert FIRST in "".join(lines)


@pytest.mark.usefixtures("birdnet")
def test_version_3_two_kinds_for_each_file(day: Path) -> None:
    """A night's pipeline in a container."""
    ran(
        day, "analyze day --output out --lat 44.4 --lon -91.7 --min_conf 0.2 --rtype csv table --split_tables"
    )
    endings = ("results.csv", "selection.table.txt")
    assert {*tables(day / "out")} == {f"{stem}.BirdNET.{ending}" for stem in TREE for ending in endings}


@pytest.mark.long
@pytest.mark.usefixtures("birdnet")
def test_version_3_as_short_as_can_be(day: Path) -> None:
    ran(day, "analyze day -o out --n_workers 1 --n_producers 1 --batch_size 4")
    assert {*tables(day / "out")} == {"BirdNET_SelectionTable.txt"}
