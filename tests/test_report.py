"""What another way of running a network does to detections is counted on the user's own recordings."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from birdfast import models
from birdfast.__main__ import main
from birdfast.arrays import Float32
from birdfast.config import Options
from birdfast.errors import ConfigError, ModelError
from birdfast.pipeline import listener
from birdfast.runs import report
from birdfast.runs.report import THRESHOLDS, Report

NAN = float("nan")


def counts(found: Report) -> list[tuple[int, int, int]]:
    return [*zip(found.kept.tolist(), found.come.tolist(), found.gone.tolist(), strict=True)]


def rows(*values: float) -> Float32:
    return np.array([values], np.float32)


def test_detections_stay_come_and_go_at_each_threshold() -> None:
    found = Report(["one", "other"])
    found.add(rows(0.8, 0.3, 0.24, 0.0), rows(0.7, 0.2, 0.26, 0.05))
    assert THRESHOLDS == (0.1, 0.25, 0.5, 0.75)
    assert counts(found) == [(3, 0, 0), (1, 1, 1), (1, 0, 0), (0, 0, 1)]
    assert found.largest_difference == pytest.approx(0.1)
    found.add(rows(0.6, 0, 0, 0), rows(0, 0, 0, 0.9))
    assert counts(found)[2:] == [(1, 1, 1), (0, 1, 1)]
    assert (found.n_windows, found.largest_difference) == (2, pytest.approx(0.9))


def test_what_is_no_number_is_the_same_as_no_number_alone() -> None:
    found = Report(["one", "other"])
    found.add(rows(NAN, 0.3), rows(NAN, 0.3))
    assert (counts(found)[0], found.largest_difference) == ((1, 0, 0), 0)
    found.add(rows(0.3, 0.3), rows(NAN, 0.3))
    assert (counts(found)[0], found.largest_difference) == ((2, 0, 1), float("inf"))


def test_the_rewritten_network_is_compared_with_the_original(tiny: models.Model, wav: Path) -> None:
    usual, other = report.options_of()
    assert (usual, other) == (Options(graft=False), Options())
    found = report.compare([str(wav), str(wav)], tiny, usual, other)  # at batches of 1 and 4
    assert (found.n_windows, found.n_recordings) == (10, 2)
    assert sum(gone + come for _, come, gone in counts(found)) == 0
    assert found.kept[0] > 0
    assert found.largest_difference < 1e-5
    assert found.ways[0].endswith(", the original graph")


def test_an_engine_is_compared_with_the_usual_one() -> None:
    assert report.options_of("openvino", "bf16") == (
        Options(),
        Options(runtime="openvino", precision="bf16"),
    )
    assert report.options_of("openvino", None, 2.0) == (
        Options(max_hours=2),
        Options(runtime="openvino", max_hours=2),
    )
    with pytest.raises(ConfigError, match="; add --runtime openvino"):
        report.options_of(None, "bf16")


def test_windows_are_compared_with_themselves_whatever_the_batches(
    tiny: models.Model, wav: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = report.compare([str(wav)], tiny, *report.options_of())
    shifted: Callable[..., Float32] = listener.Listener.confidences

    def louder(self: listener.Listener, scored: listener.Scored) -> Float32:
        return shifted(self, scored) + np.float32(0.25 * self.number)

    monkeypatch.setattr(listener.Listener, "confidences", louder)
    found = report.compare([str(wav)], tiny, *report.options_of())
    assert found.n_windows == expected.n_windows
    assert found.largest_difference == pytest.approx(0.25, abs=1e-5)
    assert found.gone.tolist() == [0] * len(THRESHOLDS)
    assert found.come.sum() > 0


@pytest.mark.filterwarnings("ignore:the original graph is used. it always takes 4 windows:RuntimeWarning")
def test_a_network_is_not_compared_with_itself(
    tiny: models.Model, wav: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install '.[onnx]'")
    onnxnetworks = pytest.importorskip("tests.onnxnetworks", reason="onnx is not installed")
    monkeypatch.setattr(report, "_hear", pytest.fail)
    picture = onnxnetworks.network(onnxnetworks.PICTURE_SHAPE, n_values=820), onnxnetworks.PICTURE
    fixed = onnxnetworks.network((4, onnxnetworks.WINDOW_SAMPLES)), ""
    ways = [(tiny, ("litert",)), (tiny, (None, "f32"))]
    for i, (made, manifest) in enumerate((picture, fixed)):
        model = models.find(onnxnetworks.write_folder(tmp_path / str(i), made, manifest))
        ways += [(model, ()), (model, ("onnxruntime",))]
    for model, way in ways:
        with pytest.raises(ConfigError, match=rf"{model.path}: nothing to compare: both ways are the same"):
            report.compare([str(wav)], model, *report.options_of(*way))


def test_a_bad_file_is_told_and_the_rest_is_heard(tiny: models.Model, wav: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF")
    told: list[str] = []
    found = report.compare([str(bad), str(wav)], tiny, *report.options_of(), told.append)
    assert (found.n_recordings, [*found.failures]) == (1, [str(bad)])
    assert len(told) == 1
    assert told[0].startswith(f"{bad}: ")


def test_the_command_prints_a_table(
    tiny: models.Model, wav: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["optimize", str(tiny.path.parent), "--report", str(wav)]) == 0
    title, head, *lines, last, speed = capsys.readouterr().out.splitlines()
    assert "the original graph: 5 windows of 1 recording" in title
    assert head.split() == ["confidence", "kept", "come", "gone"]
    assert [line.split()[0] for line in lines] == ["0.1", "0.25", "0.5", "0.75"]
    assert last.startswith("largest difference of a confidence: ")
    assert re.fullmatch(r"[0-9.,]+ windows a second, beside [0-9.,]+: [0-9.]+ times as many", speed)
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    assert main(["optimize", str(tiny.path.parent), "--report", str(tmp_path / "bad.wav")]) == 3
    assert main(["optimize", str(tiny.path.parent), "--report", str(wav), str(tmp_path / "bad.wav")]) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--runtime", "openvino"], "--runtime can only go with --report"),
        (["--precision", "bf16", "--labels", "x.txt"], "--labels, --precision can only go with --report"),
        (["-o", "x.tflite", "--report", "x.wav"], "-o cannot go with --report"),
        (["--portable", "--report", "x.wav"], "--portable cannot go with --report"),
        (["--precision", "bf16", "--report", "x.wav"], "; add --runtime openvino"),
        (["--runtime", "onnxruntime", "--report", "WAV"], "onnxruntime does not fit"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    tiny: models.Model, wav: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    given = [str(wav) if one == "WAV" else one for one in arguments]
    assert main(["optimize", str(tiny.path.parent), *given]) == 64
    assert words in capsys.readouterr().err


def test_the_speeds_are_of_all_windows_and_of_each_way() -> None:
    found = Report(["one", "other"])
    found.add(rows(0.8, 0.3), rows(0.7, 0.2))
    found.add(rows(0.8, 0.3), rows(0.7, 0.2))
    found.hearing_s += (1, 0.25)
    assert found.windows_a_second == (2, 8)
    assert [*found.lines()][-1] == "8 windows a second, beside 2: 4.00 times as many"
    assert "a second" not in [*Report(["one", "other"]).lines()][-1]


def test_labels_that_a_message_asks_for_can_be_named(
    tiny: models.Model,
    wav: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone = tmp_path / "alone.tflite"
    shutil.copy(tiny.path, alone)
    command = ["optimize", str(alone), "--report", str(wav)]
    assert main(command) == 64
    assert "name them with --labels" in capsys.readouterr().err
    asked: list[object] = []
    monkeypatch.setattr(models, "find", lambda *given: asked.extend(given) or tiny)
    assert main([*command, "--labels", str(tiny.labels_path)]) == 0
    assert asked == [str(alone), tiny.labels_path]


def test_a_network_that_fails_ends_the_report(
    tiny: models.Model, wav: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> Report:
        raise ModelError("the TFLite runtime cannot run the model")

    monkeypatch.setattr(report, "_hear", refused)
    with pytest.raises(ModelError, match=rf"^{tiny.path}: the TFLite runtime cannot run the model"):
        report.compare([str(wav)], tiny, *report.options_of())
