"""Pictures of recordings: every name is read, nothing lies over the sound, and any length fits."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from birdfast import models, picture
from birdfast.__main__ import main
from birdfast.journal import Record
from birdfast.outcomes import Detection
from birdfast.picture import marks, spectrum
from birdfast.picture.spectrum import COLUMNS, HOP_SAMPLES, N_FFT, Spectrum
from birdfast.runs.answers import Answers
from birdfast.runs.seen import seen, surest
from birdfast.spectrogram import Stft
from birdfast.tables import whose

from . import networks
from .commands import infer
from .recordings import noise, write

RATE_HZ = 8_000


def row(start_s: float, name: str = "A bird", confidence: float = 0.5, model: str = "tiny") -> Detection:
    return Detection(start_s, start_s + 3, f"Avis {name}", name, confidence, "a.wav", model)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that are written."""
    pytest.importorskip("matplotlib", reason="pictures need the extra [report]")
    from birdfast import canvas

    found, write_one = list[Any](), canvas.write
    monkeypatch.setattr(canvas, "write", lambda figure, to: (found.append(figure), write_one(figure, to)))
    return found


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write(tmp_path / "a.wav", noise(RATE_HZ * 30), RATE_HZ)


def of(columns: Spectrum, samples: np.ndarray, *cuts: int) -> np.ndarray:
    for block in np.split(samples, sorted(cut for cut in cuts if cut < len(samples))):
        columns.push(block)
    columns.end()
    return columns.decibels()


@given(some.lists(some.integers(0, 20_000), max_size=5), some.integers(N_FFT, 20_000))
@settings(max_examples=20)
def test_columns_hang_on_no_blocks(cuts: list[int], n_samples: int) -> None:
    samples = noise(n_samples)[:, 0]
    assert (of(Spectrum(n_samples), samples, *cuts) == of(Spectrum(n_samples), samples)).all()


@pytest.mark.parametrize("n_columns", [1, 2 * COLUMNS - 1, 2 * COLUMNS, 2 * COLUMNS + 1, 9 * COLUMNS + 5])
def test_a_column_has_the_highest_of_its_frames(n_columns: int) -> None:
    samples = noise(N_FFT + HOP_SAMPLES * (n_columns - 1))[:, 0]
    columns = Spectrum()
    found = of(columns, samples, 70_000, 1_000_000)
    power = np.abs(Stft(N_FFT, HOP_SAMPLES)(samples)) ** 2
    per = columns.column_samples // HOP_SAMPLES
    power = np.concatenate([power, np.repeat(power[-1:], -len(power) % per, axis=0)])
    highest = power.reshape(-1, per, power.shape[1]).max(axis=1)
    assert len(found) == len(highest) <= 2 * COLUMNS
    expected = 10 * np.log10(highest / highest.max())
    np.testing.assert_allclose(found, np.maximum(expected, -spectrum.RANGE_DB), atol=1e-3)


def test_long_sound_is_looked_at_here_and_there() -> None:
    n_samples = 2 * COLUMNS * N_FFT * 20
    columns = Spectrum(n_samples)
    for _ in range(n_samples // 100_000):
        columns.push(np.zeros(100_000, np.float32))
    columns.end()
    assert COLUMNS <= len(columns.decibels()) <= 2 * COLUMNS


@pytest.mark.parametrize("n_species", [1, 5, 40])
def test_no_name_or_number_lies_over_another(
    n_species: int, sound: Path, figures: list[Any], tmp_path: Path
) -> None:
    chance = np.random.default_rng(n_species)
    rows = [
        row(float(start_s), f"A bird with a long name {number}", float(chance.uniform()), model)
        for number in range(n_species)
        for start_s in (0, 1.5, 3, 9.9, 10.2, 10.6, 28)
        for model in (("tiny", "soft") if n_species == 5 else ("tiny",))
    ]
    assert picture.draw(sound, rows, tmp_path / "a.png").n_detections == len(rows)
    (figure,) = figures
    figure.draw_without_rendering()
    panel, image = figure.axes[:2]
    named = [text for text in panel.get_yticklabels() if text.get_text()]
    assert len(named) == min(n_species * (2 if n_species == 5 else 1), marks.MOST_LINES)
    boxes = [text.get_window_extent() for text in (*panel.texts, *named)]
    assert panel.texts
    for one, other in itertools.combinations(boxes, 2):
        assert not one.padded(-0.5).overlaps(other.padded(-0.5))
    for box in boxes:
        assert 0 <= box.x0 <= box.x1 <= figure.bbox.x1
    assert not image.patches  # nothing is laid over the sound
    assert not image.collections


def test_a_species_has_one_colour_whoever_hears_it() -> None:
    pytest.importorskip("matplotlib", reason="pictures need the extra [report]")
    rows = [row(0, name, model=model) for name in ("A", "B") for model in ("tiny", "soft")]
    assert list(marks.lines(rows)) == ["A (tiny)", "A (soft)", "B (tiny)", "B (soft)"]
    assert len({*map(tuple, marks.colours(rows).values())}) == len(marks.colours(rows)) == 2


def test_the_whole_recording_is_drawn(sound: Path, figures: list[Any], tmp_path: Path) -> None:
    for length_s, end_s in ((None, 30), (60, 30), (4, 9)):
        picture.draw(sound, [], tmp_path / "a.png", 5, length_s)
        assert figures[-1].axes[0].get_xlim() == (5, end_s)


@pytest.fixture
def run(tiny: models.Model, sound: Path, tmp_path: Path) -> Path:
    out = tmp_path / "out"
    assert infer(tiny, sound, "-o", out, "--min-conf", "0.3", "--channel", "1").returncode == 0
    return out


def test_scores_are_those_that_are_kept(run: Path, sound: Path) -> None:
    found = seen(sound, run, 2, 3.0, 9.0)
    (scores,) = found.scores
    assert len(scores.names) == 2
    with Record(run) as record:
        answers = Answers(record)
        ((_, entry),) = record.entries()
        ((some, confidence, _),) = answers.kept(entry, 0)
    assert len(scores.values) == len(some.windows)
    names = ("First Bird", "Second Bird", "Noise")
    for window, label, one in zip(some.window, some.label, confidence, strict=True):
        if names[label] in scores.names:
            assert scores.values[window, scores.names.index(names[label])] == one
    inside = (scores.end_s > 3) & (scores.start_s < 9)
    left = next(label for label, name in enumerate(names) if name not in scores.names)
    own = [
        one for window, label, one in zip(some.window, some.label, confidence, strict=True) if label == left
    ]
    assert np.nanmax(scores.values[inside], axis=0).min() >= np.array(own)[inside].max()
    for detection in found.rows:
        column = scores.names.index(detection.common_name) if detection.common_name in scores.names else None
        if column is not None:
            (place,) = np.flatnonzero(scores.start_s == detection.start_s)
            assert scores.values[place, column] == np.float32(detection.confidence)


def test_a_picture_has_scores_and_tokens_below(
    run: Path, sound: Path, tmp_path: Path, figures: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    networks.write_tokens(model)
    how = ["plot", str(sound), str(run), "-o", str(tmp_path / "x.png"), "--scores", "2"]
    assert main([*how, "--tokens", str(model)]) == 0
    marked, sounding, scored, tokens = (axes for axes in figures[-1].axes if axes.get_label() != "<colorbar>")
    assert [text.get_text() for text in tokens.get_yticklabels()] == ["tokens of model"]
    assert {axes.get_xlim() for axes in (marked, sounding, scored, tokens)} == {(0, 30)}
    assert main([*how[:2], str(run / "detections.csv"), *how[3:]]) == 64
    assert "no journal of a run" in capsys.readouterr().err
    assert main([*how[:-1], "101"]) == 64
    assert "scores: 101 does not fit; it takes" in capsys.readouterr().err


def test_a_recording_is_found_where_it_is_now(
    run: Path, sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="pictures need the extra [report]")
    (tmp_path / "elsewhere").mkdir()
    copy = Path(shutil.copy(sound, tmp_path / "elsewhere"))
    other = write(tmp_path / "other.wav", noise(RATE_HZ * 3), RATE_HZ)
    for path, told in (
        (copy, f"drawn is what it says of {sound}"),
        (other, "it has 1 file, such as "),
    ):
        assert main(["plot", str(path), str(run), "-o", str(tmp_path / "x.png")]) == 0
        assert told in capsys.readouterr().err
    assert main(["tables", str(run), "--min-conf", "1"]) == 0
    assert main(["plot", str(sound), str(run), "-o", str(tmp_path / "x.png")]) == 0
    assert f"{run} has no detection of {sound}, as it was asked; none is drawn" in capsys.readouterr().err


def test_several_of_a_name_are_told_by_their_size(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(bytes(7))
    files = ["x/a.wav", "y/a.wav", "y/b.wav"]
    assert whose.named(tmp_path / "a.wav", files).alike == ["x/a.wav", "y/a.wav"]
    assert whose.named(tmp_path / "a.wav", files, {"x/a.wav": 5, "y/a.wav": 7}).files == ["y/a.wav"]
    assert whose.named(tmp_path / "a.wav", files, {"x/a.wav": 7, "y/a.wav": 7}).files == ()


def test_of_results_alone_the_surest_detection_is_drawn(
    run: Path, figures: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best = surest(run)
    assert main(["plot", str(run), "--length", "9", "-o", str(tmp_path / "a.png")]) == 0
    assert Path(best.file).name in capsys.readouterr().out
    low, high = figures[-1].axes[0].get_xlim()
    assert low <= best.start_s < high
    assert main(["plot", best.file, "--length", "9", str(run), "-o", str(tmp_path / "b.png")]) == 0
    assert main(["plot", str(tmp_path)]) == 64
    assert main(["plot", best.file]) == 64
    assert "not a table of detections" in capsys.readouterr().err
