"""What is asked of a run becomes masks, facts and names; equal questions have equal facts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

from birdfast import models, tables
from birdfast.errors import ConfigError
from birdfast.outcomes import Detection
from birdfast.runs.question import COLUMNS, Question
from birdfast.runs.where import NO_PLACE, Where
from birdfast.tables import About, AboutModel, Names, Result

from .test_doors import NO_FLAG, NO_PATH, NO_REAL, NO_WHOLE, refused, wrong
from .test_recorded import GUANO, MOTH, WARM, chunk, info, wav
from .test_species import BIRDS, TREE, small

ABOUT = About({"options": "{}"}, (AboutModel("one", (BIRDS,)), AboutModel("two", (TREE, BIRDS))))
NORTH = Names(("Avis borealis", "Avis australis", "Avis sera", "Dog"), ("North", "South", "Late", "Dog"))


def asked(about: About = ABOUT, **question: Any) -> Where:
    return Where(Question(**question), about, {})


def indices(found: Any) -> list[list[list[int]]]:
    return [[np.flatnonzero(mask).tolist() for mask in masks] for masks in found]


def test_nothing_asked_is_everything() -> None:
    where = asked()
    assert not where.has_masks
    assert where.of("a.wav", "").masks is None
    assert (where.about, where.words) == (ABOUT, [])


def test_lists_choose_classes_of_every_model(tmp_path: Path) -> None:
    wanted, unwanted = tmp_path / "wanted.txt", tmp_path / "unwanted.txt"
    wanted.write_text("Grus grus\nParus major\nXyz\n")
    unwanted.write_text("Great Tit\n")
    assert indices(asked(species=wanted).of("a.wav", "").masks) == [[[1, 2]], [[0], [1, 2]]]
    assert indices(asked(exclude=unwanted).of("a.wav", "").masks) == [[[0, 2, 3]], [[0, 1], [0, 2, 3]]]
    both = asked(species=wanted, exclude=unwanted)
    assert indices(both.of("a.wav", "").masks) == [[[2]], [[0], [2]]]
    assert both.words == [f"{wanted}: 1 of its names is no class here: Xyz"]
    with pytest.raises(ConfigError, match="Xyz"):
        asked(species=wanted, strict=True)
    wanted.write_text("Xyz\n")
    with pytest.raises(ConfigError, match="1 of its names is no class here: Xyz"):
        asked(species=wanted)
    wanted.write_text("Acer\n")
    assert asked(species=wanted).words == [f"{wanted}: one knows none of its species"]


@pytest.fixture
def place(tmp_path: Path) -> dict[str, Any]:
    """A geo model by which a north species, a south one and, from week 24 on, a late one are expected."""
    return {"place_model": small(tmp_path), "place_threshold": 0.5}


def test_species_are_of_the_place_and_the_week(place: dict[str, Any]) -> None:
    about = About({}, (AboutModel("birds", (NORTH,)),))
    where = asked(about, latitude=60, longitude=10, **place)
    names = ("A_20240101_000000.wav", "A_20241201_000000.wav", "dawn.wav")
    assert [indices(where.of(name, "").masks) for name in names] == [[[[0, 3]]], [[[0, 2, 3]]], [[[0, 3]]]]
    assert where.words == [
        "species expected at a place: BirdNET's geo model V2.4 (CC BY-NC-SA 4.0)",
        "birds: 1 of its 4 classes are of no place, and told of everywhere",
    ]
    where.survey([(name, "") for name in names])
    assert where.words[2:] == ["1 file of no known date: species of the whole year are told of"]
    south = asked(about, latitude=-60, longitude=10, week=48, **place)
    assert indices(south.of(names[0], "").masks) == [[[1, 2, 3]]]
    whole = asked(about, latitude=60, longitude=10, week=-1, **place).of(names[1], "")
    assert (indices(whole.masks), whole.facts["week"]) == ([[[0, 3]]], -1)
    assert not asked(about, latitude=60, longitude=10, place_threshold=0).has_masks


def test_a_table_of_deployments_says_where_each_file_is(place: dict[str, Any], tmp_path: Path) -> None:
    table = tmp_path / "deployments.csv"
    table.write_text("site,lat,lon,tz\nA,60,10,Europe/Berlin\nB,-60,10,\n,,,\n".replace(",,,\n", ""))
    about = About({}, (AboutModel("birds", (NORTH,)),))
    where = asked(about, deployments=table, time_zone="UTC", **place)
    found = [where.of(f"{site}_20240612_053000.wav", "") for site in "ABC"]
    assert [None if one.masks is None else indices(one.masks) for one in found] == [
        [[[0, 3]]],
        [[[1, 3]]],
        None,
    ]
    assert [str(one.facts["time"]) for one in found] == [
        "2024-06-12 05:30:00+02:00",
        *["2024-06-12 05:30:00+00:00"] * 2,
    ]
    assert [one.facts.get("lat") for one in found] == [60.0, -60.0, None]
    where.survey([(f"{site}_20240612_053000.wav", "") for site in "ABCD"])
    assert where.words[2:] == ["2 files of no known place: species of everywhere are told of"]
    table.write_text("site,tz\nA,UTC\n")
    assert not asked(about, deployments=table).has_masks


def test_facts_are_those_of_the_file_and_its_name(tmp_path: Path) -> None:
    moth = wav(tmp_path / "20240612_033000.WAV", info(WARM))
    facts = asked(time_zone="UTC").facts(str(moth))
    assert facts == {
        "time": datetime(2024, 6, 12, 3, 30, tzinfo=UTC),
        "recorder": "AudioMoth",
        "serial": MOTH,
        "temperature_c": 14.5,
        "battery_v": 4.1,
        "week": 22,
        "sensitivity": 1.0,
        "model": "one, two",
    }
    song = wav(tmp_path / "SMM01234_20240612_053000.wav", chunk(b"guan", GUANO.encode()))
    facts = asked(week=3).facts(str(song))
    assert (facts["site"], facts["serial"], facts["lat"], facts["week"]) == ("MARSH", "SMM01234", 52.5163, 3)
    assert str(facts["time"]) == "2024-06-12 05:30:00+02:00"


def test_a_time_of_the_file_without_a_zone_goes_behind_the_names(tmp_path: Path) -> None:
    path = str(wav(tmp_path / "A_20240612_053000.wav", chunk(b"guan", b"Timestamp: 2020-01-01T00:00:00")))
    assert asked().facts(path)["time"] == datetime(2024, 6, 12, 5, 30)
    assert asked(name_pattern="{site}").facts(path)["time"] == datetime(2020, 1, 1)
    assert asked(name_pattern="{site}").facts(path)["site"] == "A_20240612_053000"


@pytest.mark.parametrize("told", ["[]", "{", '{"x": 1}', '{"start": 5}', '{"latitude": "north"}', "5", '"a"'])
def test_what_a_file_never_said_is_refused(told: str) -> None:
    with pytest.raises(ConfigError, match=r"a\.wav: what is kept of its file"):
        asked().of("a.wav", told)


def test_dates_that_no_recorder_has_seen_are_none() -> None:
    where = asked(time_zone="-12:00")
    for told in ('{"start": "0001-01-01T00:00:00+14:00"}', '{"start": "9999-12-31T23:59:59-12:00"}'):
        assert "time" not in where.facts("a.wav", told)
    assert "time" not in where.facts("A_99991231_235959.wav", "")


def test_names_that_are_no_text_are_told_with_escapes() -> None:
    path = b"M\xfchle_20240612_053000.wav".decode("utf-8", "surrogateescape")
    assert asked().facts(path, "")["site"] == "M\\xfchle"


def test_columns_are_found_where_anything_is_known() -> None:
    where = asked(columns=("site",))
    assert where.about.columns == ("site",)
    where.survey([])
    assert where.about.found == ()
    where.survey([("a.wav", ""), ("B_20240612_053000.wav", "")])
    assert where.about.found == ("time", "recorder")


@pytest.mark.parametrize(
    ("options", "decides", "overlap_s"),
    [
        ({"overlap_s": 1.5}, {}, 1.5),
        (
            {},
            {"model's rate_hz": "48000", "model's window_samples": "144000", "model's step_samples": "0"},
            0.0,
        ),
        ({"step_s": 1}, {"model's rate_hz": "48000", "model's window_samples": "144000"}, 2.0),
        (
            {},
            {"model's rate_hz": "16000", "model's window_samples": "15600", "model's step_samples": "7800"},
            0.4875,
        ),
        ({}, {}, None),
    ],
)
def test_the_overlap_of_windows(
    options: dict[str, Any], decides: dict[str, str], overlap_s: float | None
) -> None:
    about = About({"options": json.dumps(options)}, (AboutModel("one", (BIRDS,)),))
    assert Where(Question(), about, decides).facts("a", "").get("overlap") == overlap_s


def test_a_week_without_a_place_says_that_it_chooses_nothing(tmp_path: Path) -> None:
    assert asked(week=20).words == [NO_PLACE]
    assert asked(week=-1).words == asked(week=20, columns=["week"]).words == []


def test_times_with_and_without_a_zone_in_one_column_are_said(tmp_path: Path) -> None:
    zoned = wav(tmp_path / "A_20240612_053000.wav", chunk(b"guan", GUANO.encode()))
    there = [(str(zoned), None), *((f"{site}_20240612_053000.wav", "") for site in "BC")]
    for question, said in (
        ({"columns": ["time"]}, ["2 of 3 files with a time tell no time zone, the others do; --tz ZONE"]),
        ({"columns": ["time"], "time_zone": "UTC"}, []),
        ({}, []),
    ):
        where = asked(**question)
        where.survey(there)
        assert [words.partition(",")[0] for words in where.words] == [one.partition(",")[0] for one in said]
    where = asked(columns=["time"])
    where.survey(there[1:])
    assert where.words == []


def test_names_are_in_the_language(tmp_path: Path) -> None:
    path = tmp_path / "de.txt"
    path.write_text("Turdus merula_Amsel\nParus major_Kohlmeise\nGrus grus_Kranich\nEngine_Motor\n")
    where = asked(language=path)
    assert [model.label_spaces[-1].common for model in where.about.models] == [
        ("Amsel", "Kohlmeise", "Kranich", "Motor")
    ] * 2
    assert where.words == [f"{path}: 1 of 6 classes keep their names"]  # the path, once
    assert ABOUT.models[0].label_spaces[0].common[0] == "Eurasian Blackbird"


def test_a_question_counts_by_what_its_files_hold(tmp_path: Path, place: dict[str, Any]) -> None:
    path = tmp_path / "list.txt"
    path.write_text("Grus grus\n")
    question = Question(species=path, latitude=1, longitude=2, columns=("time",), strict=True, **place)
    facts = question.facts()
    assert Question().facts() == {}
    assert facts == Question(**{**vars(question)}).facts() == Question.of(facts).facts()
    assert Question.of(facts) == question
    assert facts["files"].keys() == {"species", "place_model", "place_labels"}
    path.write_text("Parus major\n")
    assert question.facts() != facts
    path.unlink()
    with pytest.raises(ConfigError, match=r"list\.txt"):
        question.facts()
    with pytest.raises(ConfigError, match="no question"):
        Question.of({"nothing": 1})


def test_a_question_is_asked_again_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list.txt").write_text("Grus grus\n")
    monkeypatch.chdir(tmp_path)
    question = Question(species="list.txt", name_pattern="{site}")
    facts = question.facts()
    monkeypatch.chdir("/")
    assert Question.of(facts).facts() == facts
    assert Question(language="de").language == "de"
    assert len(str(Question(language="d" * 999).language)) == 999


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({"latitude": 1}, "latitude and longitude: one without the other"),
        ({"latitude": 91, "longitude": 0}, "latitude: 91"),
        ({"latitude": 0, "longitude": 181}, "longitude: 181"),
        ({"week": 49}, "week: 49 does not fit; it takes -1 to 48"),
        ({"week": 0}, "week: 0"),
        ({"place_threshold": 1}, "place_threshold: 1"),
        ({"columns": ("colour",)}, f"columns: 'colour' does not fit; it takes {', '.join(COLUMNS)}"),
        ({"columns": "time"}, "columns: 'time'"),
        ({"name_pattern": "{colour}"}, "name pattern"),
        ({"time_zone": "Mars"}, "time_zone: 'Mars'"),
        ({"species": ""}, "species: ''"),
        ({"strict": "no"}, "strict: 'no'"),
        ({"merge_consecutive": 0}, "merge_consecutive: 0"),
    ],
)
def test_a_question_names_what_does_not_fit(question: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Question(**question)
    assert said in str(caught.value)


def test_birdnets_species_of_a_place(birdnet: models.Model) -> None:
    spaces = tuple(Names(one.scientific, one.common, one.space) for one in birdnet.class_names())
    about = About({}, (AboutModel(birdnet.name, spaces),))
    where = asked(about, latitude=52.52, longitude=13.41, columns=tuple(COLUMNS))
    masks = where.of("A_20240612_053000.wav", "").masks
    assert masks is not None
    assert 100 < masks[0][0].sum() < 250
    assert masks[0][0][spaces[0].common.index("Eurasian Blackbird")]
    assert not masks[0][0][spaces[0].common.index("Engine")]  # as BirdNET-Analyzer has it
    assert where.words == ["species expected at a place: BirdNET's geo model V2.4 (CC BY-NC-SA 4.0)"]
    assert where.about.metadata["place_model_licence"] == "CC BY-NC-SA 4.0"


def test_what_is_found_stands_in_tables_whose_columns_are_not_fixed(tmp_path: Path) -> None:
    where = asked(About({}, (AboutModel("one", (BIRDS,)),)), columns=("site",))
    name = "B_20240612_053000.wav"
    where.survey([(name, "")])
    row = Detection(3.0, 6.0, "Grus grus", "Common Crane", 0.5, name)
    result = Result(name, [[row]], facts=where.facts(name, ""))
    tables.write_all(tmp_path, ["csv", "parquet"], where.about, [result])
    assert (tmp_path / "detections.csv").read_text().splitlines() == [
        "Start (s),End (s),Scientific name,Common name,Confidence,File,site",
        f"3.0,6.0,Grus grus,Common Crane,0.5000,{name},B",
    ]
    (found,) = pyarrow.parquet.read_table(tmp_path / "detections.parquet").to_pylist()
    assert {key: found[key] for key in ("site", "time", "recorder")} == {
        "site": "B", "time": "2024-06-12T05:30:03", "recorder": "Song Meter"
    }  # fmt: skip


WRONG: dict[str, tuple[Any, ...]] = {
    **{name: tuple(value for value in NO_REAL if value is not None) for name in ("latitude", "longitude")},
    "place_threshold": (*NO_REAL, -0.1, 1),
    "week": tuple(value for value in (*NO_WHOLE[:-1], -2, 0, 49) if value is not None),
    "merge_consecutive": (*NO_WHOLE, 0),
    "strict": NO_FLAG,
    **{
        name: tuple(value for value in NO_PATH if value is not None)
        for name in ("species", "exclude", "deployments", "language", "place_model")
    },
    "name_pattern": (5, b"{site}", [], True, ""),
    "time_zone": (5, b"UTC", [], True, "", "nowhere"),
    "columns": ("time", 5, None, [5], ("nothing",), [[]]),
}


@wrong(WRONG)
def test_a_question_names_itself(name: str, value: Any) -> None:
    refused(lambda: Question(**{"latitude": 0, "longitude": 0, name: value}), name.replace("name_", "name "))
