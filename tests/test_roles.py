"""Outputs have roles: label spaces, an embedding, a spatial one; each is chosen, named and kept as itself."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from ai_edge_litert import schema_py_generated as schema

from birdfast import models
from birdfast.arrays import Float32
from birdfast.config import Options
from birdfast.errors import ConfigError, ModelError
from birdfast.grafting import cache, graft
from birdfast.grafting.roles import Space, Wanted
from birdfast.grafting.signature import OPEN, Output, chosen
from birdfast.journal import Facts
from birdfast.pipeline import Pipeline
from birdfast.runs import How, Results, Run
from birdfast.runs.facts import fingerprint
from birdfast.sessions import open_session
from birdfast.sessions.session import Session
from birdfast.sessions.tflite import TfliteSession
from birdfast.sessions.wanted import wanted
from birdfast.tables import About, AboutModel, Names, read_csv
from birdfast.workers.warm import WarmPool

from . import graphs, heads, networks, roles
from .networks import WINDOW_SAMPLES
from .recordings import noise, write

ROLES = {"logits": "label", "logits:genus": "genus", "embedding": "embedding"}
ROLES["spatial_embedding"] = "spatial_embedding"
WINDOWS = np.random.default_rng(3).uniform(-0.2, 0.2, (4, WINDOW_SAMPLES)).astype(np.float32)
SOUND = WINDOWS.reshape(-1)
EVERYTHING = Options(min_confidence=0)
N = len(networks.LABELS)


def found_in(
    folder: Path, kind: str = "tflite", told: str = roles.TOLD, data: bytes | None = None
) -> models.Model:
    if kind == "onnx":
        pytest.importorskip("onnxruntime", reason="ONNX networks are run by birdfast[onnx]")
    return models.find(roles.write_folder(folder, kind, told, data))


@pytest.fixture
def spaced(tmp_path: Path) -> models.Model:
    """A TFLite network of two label spaces."""
    (tmp_path / "roles").mkdir()
    return found_in(tmp_path / "roles")


def softmax(logits: Any) -> Any:
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


# ---- which output ----


def outputs(**shapes: tuple[int, ...]) -> list[Output]:
    return [Output((name,), np.dtype(np.float32), shape) for name, shape in shapes.items()]


PERCH = outputs(
    label=(OPEN, 14_795), label_genus=(1, 2_333), embedding=(OPEN, 1_536), spatial_embedding=(1, 16, 4, 1_536)
)


@pytest.mark.parametrize(
    ("which", "place"),
    [
        ("label", 0),
        ("genus", 1),
        ("embedding", 2),
        ("spatial", 3),
        ("#0", 0),
        ("#3", 3),
        ("[1, 14795]", 0),
        ("[?,14795]", 0),
        ("[-1, 14795]", 0),
        ("[14795]", 0),
        ("[2333]", 1),
        ("[ 16, 4, 1536 ]", 3),
        ("[1,16,4,1536]", 3),
    ],
)
def test_an_output_is_chosen_by_name_place_or_shape(which: str, place: int) -> None:
    assert chosen(PERCH, which) == place


@pytest.mark.parametrize(
    ("which", "fits"),
    [
        ("el", "several outputs"),
        ("spectrogram", "no output"),
        ("#4", "no output"),
        ("#-1", "no output"),
        ("#", "no output"),
        ("[1, 14796]", "no output"),
        ("[4, 14795]", "no output"),
        ("[1, 4, 1536]", "no output"),
        ("[]", "no output"),
        ("[1, x]", "no output"),
    ],
)
def test_what_fits_none_or_several_is_an_error_that_lists_them(which: str, fits: str) -> None:
    with pytest.raises(
        ModelError, match=f"spatial_embedding = .* fits {fits}; there are: #0 label "
    ) as raised:
        chosen(PERCH, which, "spatial_embedding")
    assert "#3 spatial_embedding float32 [1, 16, 4, 1536]" in str(raised.value)


def test_a_shape_of_two_outputs_is_ambiguous_and_a_row_is_no_batch() -> None:
    with pytest.raises(ModelError, match="fits several outputs"):
        chosen(outputs(a=(1, 7), b=(OPEN, 7)), "[7]")
    assert chosen(outputs(a=(521,), b=(7,)), "[7]") == 1
    assert chosen(outputs(a=(4, 7), b=(1, 7)), "[4, 7]") == 0
    assert chosen(outputs(a=(1, OPEN, 7), b=(1, 9)), "[3, 7]") == 0


def test_a_name_goes_before_a_place() -> None:
    assert chosen(outputs(**{"a": (1, 2), "#0": (1, 3)}), "#0") == 1


# ---- sessions ----

WAYS: dict[str, tuple[str, Callable[[models.Model, Path], Session]]] = {
    "TFLite as it is": ("tflite", lambda model, _: open_session(model, N, None, [2])),
    "TFLite batched": ("tflite", lambda model, folder: open_session(model, N, folder, [2])),
    "ONNX": ("onnx", lambda model, _: open_session(model, N, None, [2])),
}
TOLD_BY = {
    "name": {},
    "place": {"label": "#3", "genus": "#2", "embedding": "#1", "spatial_embedding": "#0"},
    "shape": {"label": "[1, 3]", "genus": "[2]", "embedding": "[1, 4]", "spatial_embedding": "[3, 2, 4]"},
}


def told_by(names: dict[str, str]) -> str:
    told = roles.TOLD
    for key, output in (
        ("output", "label"),
        ("embedding",) * 2,
        ("spatial_embedding",) * 2,
        ("output", "genus"),
    ):
        told = told.replace(f'\n{key} = "{output}"', f'\n{key} = "{names.get(output, output)}"')
    return told


@pytest.mark.parametrize("told", TOLD_BY)
@pytest.mark.parametrize("way", WAYS)
def test_each_kind_of_session_shows_the_same_roles(tmp_path: Path, way: str, told: str) -> None:
    kind, opened = WAYS[way]
    session = opened(found_in(tmp_path, kind, told_by(TOLD_BY[told])), tmp_path / "cache")
    assert session.outputs == {"logits": 3, "logits:genus": 2, "embedding": 4, "spatial_embedding": 24}
    assert (session.spatial_shape, session.ends_in, session.ends) == (
        (3, 2, 4),
        "none",
        {"logits:genus": "none"},
    )
    for one in (session, session.twin()):
        for n in {1, 3, one.batch}:
            said, meant = one.run(WINDOWS[: min(n, one.batch)]), roles.meaning(WINDOWS)
            assert said.keys() == ROLES.keys()
            for role, name in ROLES.items():
                expected = meant[name][: len(said[role])].reshape(len(said[role]), -1)
                np.testing.assert_allclose(said[role], expected, atol=1e-4)


@pytest.mark.parametrize("way", [way for way in WAYS if way.startswith("TFLite")])
def test_without_an_embedding_told_what_the_last_matrix_takes_is_one(tmp_path: Path, way: str) -> None:
    told = 'rate_hz = 8000\noutput = "label"\n'
    model = found_in(tmp_path, told=told, data=roles.tflite(("genus", "label")))
    session = open_session(model, N, tmp_path / "cache" if "batched" in way else None)
    assert session.outputs == {"logits": 3, "embedding": 4}
    expected = roles.meaning(WINDOWS[:1])["embedding"]
    np.testing.assert_allclose(session.run(WINDOWS[:1])["embedding"], expected, atol=1e-4)


def test_a_tensor_that_is_an_output_already_is_shown_once(tmp_path: Path) -> None:
    model = found_in(tmp_path, told='rate_hz = 8000\noutput = "label"\n')
    assert TfliteSession(model).outputs == {"logits": 3, "embedding": 4}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("key", "output", "said"),
    [
        (
            "embedding",
            "spatial_embedding",
            r"its embedding is spatial_embedding float32 .*takes float32 \[1, values",
        ),
        ("spatial_embedding", "embedding", r"its spatial_embedding is .*takes float32 \[1, places"),
        ("spatial_embedding", "beds", "spatial_embedding = 'beds' fits no output; there are: #0 "),
        ("embedding", "bed", "embedding = 'bed' fits several outputs; there are: #0 "),
    ],
)
def test_an_embedding_that_is_none_is_refused(
    tmp_path: Path, way: str, key: str, output: str, said: str
) -> None:
    kind, opened = WAYS[way]
    model = dataclasses.replace(found_in(tmp_path, kind), **{key: output})
    with pytest.raises(ModelError, match=rf"roles\.{kind}: .*{said}"):
        opened(model, tmp_path / "cache")


@pytest.mark.parametrize("way", WAYS)
def test_labels_that_are_too_many_are_refused_by_their_space(tmp_path: Path, way: str) -> None:
    kind, _ = WAYS[way]
    model = found_in(tmp_path, kind)
    options = Options(graft="batched" in way)
    (tmp_path / "genera.csv").write_text("genus\nAvis\nCorvus\nParus\n")
    with pytest.raises(ModelError, match=rf"roles\.{kind}: label space genus: scores 2 classes, .* 3 labels"):
        Pipeline(model, options)
    (tmp_path / "genera.csv").write_text("genus\nAvis\nCorvus\n")
    (tmp_path / "labels.txt").write_text("A_B\nC_D\n")
    with pytest.raises(ModelError, match=rf"roles\.{kind}: scores 3 classes, but there are 2 labels"):
        Pipeline(model, options)


def test_two_label_spaces_have_not_one_output(tmp_path: Path) -> None:
    told = roles.TOLD.replace('output = "genus"', 'output = "label"')
    with pytest.raises(ModelError, match="label space genus: its scores are another's, label float32"):
        Pipeline(found_in(tmp_path, told=told))
    told = roles.TOLD.replace('output = "genus"', 'output = "family"')
    with pytest.raises(
        ModelError, match="label space genus: output = 'family' fits no output; there are: #0"
    ):
        Pipeline(found_in(tmp_path, told=told))


def test_a_label_space_is_found_by_the_number_of_its_labels(tmp_path: Path) -> None:
    told = roles.TOLD.replace('output = "genus"\n', "").replace('output = "label"\n', "")
    session = Pipeline(found_in(tmp_path, told=told), EVERYTHING)
    (scored,) = session.score(SOUND, 8_000)
    np.testing.assert_allclose(scored.outputs["logits:genus"], roles.meaning(WINDOWS)["genus"], atol=1e-4)


def test_a_rewrite_is_proved_for_all_that_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, shown = found_in(tmp_path), Wanted("label", N, more=(Space("genus", "genus", 2),))
    right = graft.verification.logits
    judged: list[int] = []

    def wrong(graph: Any, tensor: int, *how: Any) -> Float32:
        judged.append(tensor)
        return right(graph, tensor, *how) + (len(judged) % 2 == 0)

    monkeypatch.setattr(graft.verification, "logits", wrong)
    with pytest.warns(RuntimeWarning, match=r"logits differ by 1.0e\+00"):
        assert cache.cached(model.path, None, wanted=shown) is None
    assert len({*judged}) == 2


def test_what_is_kept_for_other_roles_is_another_file(tmp_path: Path) -> None:
    model = found_in(tmp_path)
    for shown in (Wanted("label"), Wanted("label", embedding="embedding"), wanted(model)):
        for _ in range(2):
            kept = cache.cached(model.path, tmp_path / "cache", wanted=shown)
            assert kept is not None
            assert (kept.more.keys() == {"logits:genus", "spatial_embedding"}) == (shown == wanted(model))
    assert len([*(tmp_path / "cache").glob("*.graft")]) == 3


# ---- label spaces ----


def test_each_label_space_has_its_own_activation_and_threshold(spaced: models.Model) -> None:
    meant = roles.meaning(WINDOWS)
    expected = {"species": 1 / (1 + np.exp(-meant["label"])), "genus": softmax(meant["genus"])}
    names = {"species": tuple(line.partition("_")[0] for line in networks.LABELS), "genus": roles.GENERA}
    rows = Pipeline(spaced, EVERYTHING).detect(SOUND, 8_000)
    assert len(rows) == 4 * (3 + 2)
    assert [row.start_s for row in rows] == sorted(row.start_s for row in rows)
    for row in rows:
        place = names[row.label_space].index(row.scientific_name)
        said = expected[row.label_space][int(row.start_s * 2), place]
        assert row.confidence == pytest.approx(said, abs=1e-4)
    best = Pipeline(spaced, Options(min_confidence=0, top_k=1)).detect(SOUND, 8_000)
    assert [row.label_space for row in best] == ["species", "genus"] * 4
    some = Pipeline(spaced, Options(min_confidence=0.5)).detect(SOUND, 8_000)
    assert some == [row for row in rows if row.confidence >= 0.5]
    assert len(some) < len(rows)


@pytest.mark.parametrize(
    ("end", "told", "expected"),
    [
        ("SOFTMAX", 'activation = "none"', "in the graph"),
        ("SOFTMAX", "", "in the graph"),  # the model's own "softmax" is not told of this one
        ("LOGISTIC", 'activation = "softmax"', "refused"),
        (None, 'activation = "softmax"', "softmax"),
        (None, "", "sigmoid"),
    ],
)
def test_a_label_space_gets_no_second_activation(
    tmp_path: Path, end: str | None, told: str, expected: str
) -> None:
    manifest = roles.TOLD.replace('activation = "softmax"', told)
    data = roles.tflite(ends={"genus": end} if end else {})
    pipeline = (
        Pipeline(found_in(tmp_path, told=manifest, data=data), EVERYTHING) if expected != "refused" else None
    )
    if pipeline is None:
        with pytest.raises(
            ModelError, match=r"label space genus: its graph ends in a sigmoid, and activation = "
        ):
            Pipeline(found_in(tmp_path, told=manifest, data=data))
        return
    (scored,) = pipeline.score(SOUND, 8_000)
    logits = roles.meaning(WINDOWS)["genus"]
    meant = 1 / (1 + np.exp(-logits)) if expected == "sigmoid" else softmax(logits)
    np.testing.assert_allclose(pipeline.listener().confidences(scored)[:, 3:], meant, atol=1e-4)


def test_a_sensitivity_needs_a_sigmoid_in_all_spaces(spaced: models.Model) -> None:
    with pytest.raises(ConfigError, match="sensitivity: roles has no sigmoid"):
        Pipeline(spaced, Options(sensitivity=1.25))


def test_scores_that_are_not_finite_are_refused_in_every_space(
    spaced: models.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, right = Pipeline(spaced, Options(graft=False)), TfliteSession.run

    def run(session: TfliteSession, windows: Float32) -> Any:
        said = right(session, windows)
        said["logits:genus"][0, 1] = np.nan
        return said

    monkeypatch.setattr(TfliteSession, "run", run)
    with pytest.raises(ModelError, match="scores are not finite in the window at 0 s"):
        pipeline.detect(SOUND, 8_000)


def test_a_space_alone_may_have_a_name(tmp_path: Path) -> None:
    told = roles.TOLD[: roles.TOLD.index('[[label_spaces]]\nname = "genus"')]
    model = found_in(tmp_path, told=told)
    assert {row.label_space for row in Pipeline(model, EVERYTHING).detect(SOUND, 8_000)} == {"species"}


def test_the_first_space_tells_the_models_own(tmp_path: Path) -> None:
    first = '[[label_spaces]]\nname = "genus"\noutput = "genus"\nlabels = "genera.csv"\n'
    told = f'rate_hz = 8000\n{first}labels_format = "csv:genus"\nactivation = "softmax"\n'
    model = found_in(tmp_path, told=told)
    assert (model.output, model.labels_path.name, model.activation) == ("genus", "genera.csv", "softmax")
    rows = Pipeline(model, EVERYTHING).detect(SOUND, 8_000)
    assert {row.scientific_name for row in rows} == {*roles.GENERA}


def test_the_labels_of_further_spaces_are_not_taken_for_the_models_own(tmp_path: Path) -> None:
    roles.write_folder(tmp_path)
    (tmp_path / "genera.csv").rename(tmp_path / "genus_labels.txt")
    told = roles.TOLD.replace('"genera.csv"\nlabels_format = "csv:genus"', '"genus_labels.txt"')
    (tmp_path / "model.toml").write_text(told)
    assert [path.name for path in models.find(tmp_path).files[1:]] == ["labels.txt", "genus_labels.txt"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "genus"', "", "label_spaces.name: '' does not fit"),
        ('name = "genus"', 'name = "species"', "'species' does not fit; each has a name of its own"),
        ('labels = "genera.csv"', "", "label_spaces.labels: genus has none"),
        (
            'labels = "genera.csv"',
            'labels = "none.csv"',
            r"labels that its model.toml names are missing \(.*none.csv",
        ),
        (
            'labels_format = "csv:genus"',
            "",
            "genera.csv: a CSV needs.*one of its columns, genus",
        ),
        ('labels_format = "csv:genus"', 'labels_format = "csv:family"', "family"),
        ('activation = "softmax"', 'activation = "soft"', "'soft' does not fit; it takes sigmoid or softmax"),
        ('activation = "softmax"', "threshold = 0.5", "label_spaces.threshold: unknown"),
        ('name = "genus"', "name = 3", "label_spaces.name: 3 does not fit; str is wanted"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused_by_the_key(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        Pipeline(found_in(tmp_path, told=roles.TOLD.replace(old, new)))


def test_label_spaces_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model.toml: label_spaces = 'genus' does not fit"):
        found_in(tmp_path, told='label_spaces = "genus"\n')
    with pytest.raises(ModelError, match=r"model.toml: label_spaces: a table is wanted, not 'genus'"):
        found_in(tmp_path, told='label_spaces = ["genus"]\n')


# ---- runs ----


def run(model: models.Model, folder: Path, out: Path, **how: Any) -> Results:
    kinds = ("csv", "parquet", "scores", "embeddings")
    paths = sorted(map(str, folder.iterdir()))
    return Run(paths, [model], EVERYTHING, out, How(kinds=kinds, n_workers=2, **how)).work()


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Two recordings."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(2):
        write(folder / f"{number}.wav", noise(WINDOW_SAMPLES * 5, seed=number), 8_000)
    return folder


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_a_run_keeps_label_spaces_apart(tmp_path: Path, recordings: Path, kind: str) -> None:
    (tmp_path / kind).mkdir()
    model, out = found_in(tmp_path / kind, kind), tmp_path / "out"
    found = list(run(model, recordings, out))
    alone = Pipeline(model, EVERYTHING)
    heard = [row for path in sorted(recordings.iterdir()) for row in alone.detect(path)]
    assert [row[:4] + row[5:] for row in found] == [row[:4] + row[5:] for row in heard]
    assert {row.label_space for row in found} == {"species", "genus"}
    rows = read_csv(out / "detections.csv")
    assert [(row.scientific_name, row.label_space) for row in rows] == [
        (row.scientific_name, row.label_space) for row in found
    ]
    table = pyarrow.parquet.read_table(out / "detections.parquet")
    assert table["label_space"].to_pylist() == [row.label_space for row in found]
    assert (out / "detections.csv").read_text().partition("\n")[0].endswith("File,Label space")


def test_rows_of_scores_have_all_spaces_side_by_side(
    spaced: models.Model, tmp_path: Path, recordings: Path
) -> None:
    results = run(spaced, recordings, tmp_path / "out")
    table = pyarrow.parquet.read_table(tmp_path / "out" / "scores.parquet")
    told = table.schema.metadata
    assert json.loads(told[b"label_spaces"]) == [["species", 3], ["genus", 2]]
    assert json.loads(told[b"scientific_names"])[3:] == [*roles.GENERA]
    values = np.concatenate([windows.values for windows in results.scores()])
    assert values.shape == (10, 5)
    np.testing.assert_allclose(values[:, 3:].sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(np.array(table["scores"].to_pylist(), np.float32), values)
    by_class = {(row.file, row.start_s, row.scientific_name): row.confidence for row in results}
    first = next(results.scores())
    assert by_class[first.file, 0.0, "Corvus"] == pytest.approx(float(first.values[0, 4]))
    assert pyarrow.parquet.read_table(tmp_path / "out" / "embeddings.parquet").num_rows == 10


def test_a_run_goes_on_and_a_changed_space_is_another_run(
    spaced: models.Model, tmp_path: Path, recordings: Path
) -> None:
    out = tmp_path / "out"
    before = list(run(spaced, recordings, out))
    write(recordings / "2.wav", noise(WINDOW_SAMPLES * 3, seed=7), 8_000)
    after = list(run(spaced, recordings, out))
    assert after[: len(before)] == before
    assert len(after) == len(before) + 3 * 5
    species, genus = spaced.label_spaces
    other = dataclasses.replace(genus, activation="sigmoid")
    with pytest.raises(ConfigError, match="a run that differs.*model's label_spaces: "):
        run(dataclasses.replace(spaced, label_spaces=(species, other)), recordings, out)
    (spaced.path.parent / "genera.csv").write_text("genus\nAvis\nPica\n")
    with pytest.raises(ConfigError, match="a run that differs.*model's labels of genus: "):
        run(spaced, recordings, out)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(models.LabelSpace)])
def test_all_of_a_label_space_decides_but_its_files_name(spaced: models.Model, field: str) -> None:
    species, genus = spaced.label_spaces
    changed = dataclasses.replace(genus, **{field: "none"})
    other = dataclasses.replace(spaced, label_spaces=(species, changed))
    usual, now = (fingerprint([one], EVERYTHING, [spaced.digests()]) for one in (spaced, other))
    differ = {name for name in {*usual, *now} if usual.get(name) != now.get(name)}
    names = {"model's labels of genus", "model's labels of none"} if field == "name" else set()
    assert differ == (set() if field == "labels" else {"model's label_spaces", *names})


def test_a_warm_pools_answers_are_the_pipelines(spaced: models.Model) -> None:
    pipeline = Pipeline(spaced, EVERYTHING)
    (expected,) = pipeline.score(SOUND, 8_000)
    with WarmPool(spaced.path.parent, workers=1, min_confidence=0) as pool:
        assert pool.detect(SOUND, 8_000) == pipeline.detect(SOUND, 8_000)
        found = pool.score(SOUND, 8_000)
    assert found.outputs.keys() == {"logits", "logits:genus", "embedding"}
    for role, values in found.outputs.items():
        np.testing.assert_array_equal(values, expected.outputs[role])


def test_a_journal_from_before_label_spaces_had_names_is_read() -> None:
    about = About({}, (AboutModel("tiny", (Names(("Avis",), ("Bird",), "species"),)),))
    told, asked = Facts({}, about).to_json()
    assert Facts.of(told, asked).about == about
    older = Facts.of(told.replace(', "species"]', "]"), asked)
    assert older.about.models[0].label_spaces == (Names(("Avis",), ("Bird",)),)


def test_a_head_and_its_backbone_have_label_spaces_of_their_own(spaced: models.Model, tmp_path: Path) -> None:
    first, second = heads.matrix(roles.DIM, 1), heads.matrix(roles.DIM, 2, n_classes=3)
    b = graphs.Builder()
    embedding = b.input((1, roles.DIM), (-1, roles.DIM))
    scores = []
    for name, matrix in (("family", first), ("order", second)):
        options = schema.FullyConnectedOptionsT()
        inputs = [embedding, b.constant(matrix), -1]
        scores.append(b("FULLY_CONNECTED", inputs, (1, len(matrix)), options))
        b.graph.tensors[scores[-1]].name = name.encode()
    told = """on = "../roles"
        output = "family"
        [[label_spaces]]
        name = "family"
        [[label_spaces]]
        name = "order"
        labels = "order_labels.txt"
    """
    folder = heads.write(tmp_path / "head", b.finish(*scores), ".tflite", told)
    (folder / "order_labels.txt").write_text("A\nB\nC\n")
    pipeline = Pipeline([spaced, models.find(folder)], EVERYTHING)
    (scored,) = pipeline.score(SOUND, 8_000, "head")
    below = roles.meaning(WINDOWS)["embedding"]
    np.testing.assert_allclose(scored.outputs["logits"], below @ first.T, atol=1e-4)
    np.testing.assert_allclose(scored.outputs["logits:order"], below @ second.T, atol=1e-4)
    told_of = {(row.model, row.label_space) for row in pipeline.detect(SOUND, 8_000)}
    assert told_of == {("roles", "species"), ("roles", "genus"), ("head", "family"), ("head", "order")}
    (folder / "order_labels.txt").write_text("A\nB\nC\nD\n")
    with pytest.raises(ModelError, match=r"label space order: which output holds the scores\? .*#1 order"):
        Pipeline(models.find(folder))


# ---- the spatial embedding ----


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_a_spatial_embedding_keeps_its_shape(tmp_path: Path, kind: str) -> None:
    pipeline, meant = Pipeline(found_in(tmp_path, kind)), roles.meaning(WINDOWS)
    for sound, n in ((SOUND, 4), (SOUND[:WINDOW_SAMPLES], 1), (SOUND[:0], 0)):
        found = pipeline.embed(sound, 8_000, role="spatial_embedding")
        assert (found.shape, found.dtype) == ((n, *roles.SPATIAL), np.float32)
        np.testing.assert_allclose(found, meant["spatial_embedding"][:n], atol=1e-4)
        np.testing.assert_allclose(pipeline.embed(sound, 8_000), meant["embedding"][:n], atol=1e-4)


def test_a_role_that_there_is_not_is_refused(spaced: models.Model, tiny: models.Model) -> None:
    with pytest.raises(ConfigError, match="role: 'logits' does not fit"):
        Pipeline(spaced).embed(SOUND, 8_000, role="logits")
    with pytest.raises(ModelError, match="has no spatial embedding to show"):
        Pipeline(tiny).embed(SOUND, 8_000, role="spatial_embedding")
