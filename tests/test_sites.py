"""A table of deployments tells of a recording by its site, its folder and its date, or nothing."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from birdfast.deployments.sites import Sites
from birdfast.errors import ConfigError

DAWN = datetime(2024, 6, 12, 5, 30)


def sites(folder: Path, text: str) -> Sites:
    path = folder / "deployments.csv"
    path.write_text(text, encoding="utf-8-sig")
    return Sites(path)


def test_a_spreadsheet_with_decimal_commas_is_read(tmp_path: Path) -> None:
    (row,) = sites(tmp_path, "Site;Lat;Lon\nS0;52,5;-13,4\n").rows
    assert (row.site, row.latitude, row.longitude) == ("S0", 52.5, -13.4)


def test_decimal_commas_between_commas_are_told_by_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"deployments\.csv: line 2: 5 columns, and 3 in the header"):
        sites(tmp_path, "site,lat,lon\nS0,52,5,13,4\n")


def test_what_a_recording_is_called_goes_before_the_folder_it_lies_in(tmp_path: Path) -> None:
    found = sites(tmp_path, "site,lat,lon\nforest,52,13\nS2,48,11\n").of("forest/S2_1.wav", ["S2"], None)
    assert found is not None
    assert found.latitude == 48


@pytest.mark.parametrize(
    ("path", "names", "start", "latitude"),
    [
        ("a/MARSH_1.wav", ["Marsh"], DAWN, 1.0),
        ("a/MARSH_1.wav", ["Marsh"], datetime(2024, 6, 30, 23, 59), 1.0),
        ("a/MARSH_1.wav", ["Marsh"], datetime(2024, 7, 1), 2.0),
        ("a/MARSH_1.wav", ["Marsh"], datetime(2024, 5, 31), None),
        ("a/MARSH_1.wav", ["Marsh"], None, None),  # no date tells which of two
        ("marsh/1.wav", [], DAWN, 1.0),  # a folder of the site's name
        ("x/card 7/week1/1.wav", [], DAWN, 3.0),
        ("x/card 7/1.wav", [], None, 3.0),
        ("x/card 7/deep/1.wav", [], None, 4.0),  # the longer folder tells more
        ("x/card 77/1.wav", [], DAWN, None),
        ("1.wav", ["ridge"], DAWN, None),
    ],
)
def test_a_row_is_of_a_place_and_a_time(
    tmp_path: Path, path: str, names: list[str], start: datetime | None, latitude: float | None
) -> None:
    table = sites(
        tmp_path,
        "Site,folder,Latitude,Longitude,start,end,tz\n"
        "MARSH,,1,10,2024-06-01,2024-06-30,Europe/Berlin\n"
        "marsh,,2,10,2024-07-01,,+02:00\n"
        ",card 7,3,10,,,\n"
        ",card 7/deep,4,10,,,\n",
    )
    found = table.of(path, names, start)
    assert (found and found.latitude) == latitude
    assert table.has_places


def test_names_are_composed_and_blanks_count_nothing(tmp_path: Path) -> None:
    table = sites(tmp_path, "site,tz\n Mu\u0308hle ,UTC\n")
    found = table.of("MÜHLE/1.wav", [], None)
    assert found is not None
    assert not table.has_places


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,lat,lon\na,1,2\n", "lacks a column site or folder; it has name, lat, lon"),
        ("site,lat,lon\n", "no deployments in it"),
        ("site,lat,lon\n,1,2\n", "line 2: neither a site nor a folder"),
        ("site,lat,lon\na,1,\n", "line 2: lat and lon: one without the other"),
        ("site,lat,lon\na,91,2\n", "line 2: lat: '91' is not in -90 to 90"),
        ("site,lat,lon\na,1,east\n", "line 2: lon: 'east' is not in -180 to 180"),
        ("site,lat,lon\na,nan,2\n", "line 2: lat: 'nan'"),
        ("site,start\na,June\n", "line 2: start: 'June' is no date"),
        ("site,start,end\na,2024-02-01,2024-01-01\n", "line 2: ends .2024-01-01. before it starts"),
        ("site,tz\na,Mars\n", "line 2: tz: 'Mars' does not fit"),
        ("site,start\na,2024-01-01\nA,2024-06-01\n", "line 3: tells of the same place and time as line 2"),
    ],
)
def test_what_does_not_fit_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=rf"deployments\.csv: {said}"):
        sites(tmp_path, text)
