"""Several models hear one sound in one pass, and each hears what it would hear alone."""

from __future__ import annotations

import dataclasses
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

import birdfast
from birdfast import audio, models
from birdfast.arrays import Float32
from birdfast.cli import exits
from birdfast.config import Options
from birdfast.errors import ConfigError
from birdfast.journal import Journal, Record
from birdfast.outcomes import Detection, Failure, Heard, Outcome, Part
from birdfast.pipeline import Pipeline
from birdfast.pipeline.stretches import STRETCH_S
from birdfast.runs import Follower, How, Results, Run
from birdfast.runs.results import Windows

from . import networks
from .commands import LIMIT_S, contents, started, table
from .journals import FACTS_OF_TWO, failed
from .recordings import noise, write

EVERYTHING = Options(min_confidence=0)


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """A network at another rate, with shorter windows that do not fall together with the tiny one's."""
    folder = networks.write_folder(tmp_path_factory.mktemp("other"), networks.weights(3, 7_700))
    (folder / "model.toml").write_text("rate_hz = 11000\nwindow_samples = 7700\n")
    return dataclasses.replace(models.find(folder), name="other")


@pytest.fixture(scope="session")
def same_rate(tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """A network at the tiny one's rate, with windows of 0.35 s."""
    folder = networks.write_folder(tmp_path_factory.mktemp("same"), networks.weights(3, 2_800))
    (folder / "model.toml").write_text('name = "same"\nrate_hz = 8000\nwindow_samples = 2800\n')
    return models.find(folder)


@pytest.fixture
def recordings(tmp_path: Path) -> list[str]:
    """A long recording, a short one, one that ends early, and one that is no sound."""
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder / "long.flac", noise(int(2.3 * STRETCH_S * 8_000), seed=1), 8_000)
    write(folder / "short.wav", noise(42_000, seed=2), 8_000)
    whole = write(folder / "cut.wav", noise(50_000, seed=3), 8_000).read_bytes()
    (folder / "cut.wav").write_bytes(whole[: len(whole) // 2])
    (folder / "none.wav").write_text("no sound")
    return sorted(map(str, folder.iterdir()))


def count_frames(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the number of frames of each block that is decoded."""
    decoded: list[int] = []
    native = audio.Recording._native

    def counted(*where: object) -> object:
        for block in native(*where):
            decoded.append(len(next(iter(block.values()))))
            yield block

    monkeypatch.setattr(audio.Recording, "_native", counted)
    return decoded


def test_load_takes_several_and_says_who_heard_what(
    tiny: models.Model, same_rate: models.Model, wav: Path
) -> None:
    """As its docstring shows."""
    pipeline = birdfast.load([tiny.path.parent, same_rate.path.parent], min_confidence=0)
    assert {found.model for found in pipeline.detect(wav)} == {tiny.name, "same"}


def test_a_recording_is_decoded_once(
    tiny: models.Model, other: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.wav", noise(100_000), 8_000)
    pipeline, decoded = Pipeline([tiny, other], EVERYTHING), count_frames(monkeypatch)
    outcome = pipeline.analyse(str(path))
    assert [heard.n_windows > 0 for heard in outcome.heard] == [True, True]
    assert sum(decoded) == 100_000
    decoded.clear()
    assert pipeline.detect(path)
    assert sum(decoded) == 100_000


@pytest.mark.parametrize("second", ["other", "same_rate"])
def test_a_stretch_is_decoded_once_and_each_model_hears_all_of_it(
    request: pytest.FixtureRequest, tiny: models.Model, recordings: list[str], second: str
) -> None:
    both = [tiny, request.getfixturevalue(second)]
    pipeline = Pipeline(both, EVERYTHING)
    path = next(path for path in recordings if path.endswith("long.flac"))
    outcomes = [pipeline.analyse(path, stretch) for stretch in range(3)]
    assert [outcome.n_stretches for outcome in outcomes] == [3, 3, 3]
    assert [outcome.is_last for outcome in outcomes] == [False, False, True]
    assert sum(outcome.audio_s for outcome in outcomes) == pytest.approx(int(2.3 * STRETCH_S * 8_000) / 8_000)
    for number, model in enumerate(both):
        found = np.concatenate([outcome.heard[number].detections for outcome in outcomes])
        alone = Pipeline(model, EVERYTHING).detect(path)
        assert found["start_s"].tolist() == [row.start_s for row in alone]
        np.testing.assert_allclose(found["confidence"], [row.confidence for row in alone], atol=1e-6)


def run(recordings: list[str], listening: list[models.Model], folder: Path, **how: object) -> Results:
    kinds = ("csv", "parquet", "scores")
    return Run(recordings, listening, EVERYTHING, folder, How(kinds=kinds, n_workers=2, **how)).work()


def by_file(scores: Iterable[Windows]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for some in scores:
        found[some.file] = found.get(some.file, b"") + some.values.tobytes()
    return found


def test_each_models_rows_are_those_of_its_own_run(
    tiny: models.Model, same_rate: models.Model, recordings: list[str], tmp_path: Path
) -> None:
    together = run(recordings, [tiny, same_rate], tmp_path / "both")
    assert together.standing[:3] == (2, 2, 0)
    rows = table(tmp_path / "both" / "detections.csv")
    for model in (tiny, same_rate):
        alone = run(recordings, [model], tmp_path / model.name)
        assert [row for row in together if row.model == model.name] == list(alone)
        own = [dict(list(row.items())[:6]) for row in rows if row["Model"] == model.name]
        assert own == table(tmp_path / model.name / "detections.csv")
        assert by_file(together.scores(model.name)) == by_file(alone.scores())
    assert {Path(failure.path).name for failure in together.failures} == {"cut.wav", "none.wav"}
    assert (tmp_path / "both" / "scores-same.parquet").exists()


def test_the_same_bytes_for_any_number_of_workers(
    tiny: models.Model, other: models.Model, recordings: list[str], tmp_path: Path
) -> None:
    for n_workers in (1, 3):
        how = How(kinds=("csv", "parquet", "scores"), n_workers=n_workers)
        Run(recordings, [tiny, other], EVERYTHING, tmp_path / str(n_workers), how).work()
    assert contents(tmp_path / "1") == contents(tmp_path / "3")


# A run over two models, from the start or where another was killed; each file is committed at once.
GOES_ON = """
import sys, birdfast, birdfast.journal.writable
from birdfast.cli import exits
birdfast.journal.writable.COMMIT_EVERY_S = 0
folder, output, *models = sys.argv[1:]
kinds = ["csv", "parquet", "scores"]
results = birdfast.run(folder, models, output=output, kinds=kinds, min_confidence=0, workers=2)
sys.exit(exits.of_run(results.standing))
"""


@pytest.mark.long
def test_a_run_that_is_killed_goes_on_and_says_the_same(
    tiny: models.Model, same_rate: models.Model, recordings: list[str], tmp_path: Path
) -> None:
    for number in range(150):
        write(tmp_path / "in" / f"{number:03d}.wav", noise(80_000, seed=number), 8_000)
    command = [sys.executable, "-c", GOES_ON, tmp_path / "in", tmp_path / "out"]
    command += [tiny.path.parent, same_rate.path.parent]
    done = [0]
    for _ in range(2):
        with started(*command) as process:
            while process.poll() is None and n_done(tmp_path / "out") < done[-1] + 5:
                time.sleep(0.02)
        assert process.returncode == -signal.SIGKILL
        done.append(n_done(tmp_path / "out"))
    assert 0 < done[1] < done[2] < 154
    with started(*command) as process:
        assert process.wait(timeout=LIMIT_S) == 2
    run([*map(str, sorted((tmp_path / "in").iterdir()))], [tiny, same_rate], tmp_path / "whole")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def n_done(folder: Path) -> int:
    """Return how many files of a run at work are committed as done."""
    try:
        standing = Results(folder).standing
    except ConfigError:  # its journal is not made yet
        return 0
    return standing.done + standing.failed


class Counts(Follower):
    """Counts the windows that are scored, and whose they are."""

    def __init__(self) -> None:
        self.n_windows: Counter[tuple[str, int]] = Counter()

    def add(self, path: str, outcome: Outcome) -> None:
        for heard in outcome.heard:
            self.n_windows[Path(path).name, heard.model] += heard.n_windows


def test_a_retry_scores_the_windows_of_the_model_that_failed_alone(
    tiny: models.Model, tmp_path: Path
) -> None:
    matrix = networks.weights(3, 2_800)
    matrix[1] = 1e38  # too much for sound that is loud
    (tmp_path / "loud").mkdir()
    folder = networks.write_folder(tmp_path / "loud", matrix)
    (folder / "model.toml").write_text('name = "loud"\nrate_hz = 8000\nwindow_samples = 2800\n')
    both = [tiny, models.find(folder)]
    sounds = {"quiet.wav": np.zeros((16_000, 1), np.float32), "loud.wav": np.ones((16_000, 1), np.float32)}
    paths = [str(write(tmp_path / name, sound, 8_000)) for name, sound in sounds.items()]
    how = How(kinds=("csv", "parquet", "scores"), n_workers=1)
    first, second = Counts(), Counts()
    results = Run(paths, both, EVERYTHING, tmp_path / "out", how).work(first)
    assert first.n_windows == {
        ("quiet.wav", 0): 4, ("quiet.wav", 1): 6, ("loud.wav", 0): 4, ("loud.wav", 1): 0}  # fmt: skip
    before, standing = contents(tmp_path / "out"), results.standing
    again = Run(paths, both, EVERYTHING, tmp_path / "out", dataclasses.replace(how, retry=True)).work(second)
    assert second.n_windows == {("loud.wav", 1): 0}
    assert [failure.model for failure in again.failures] == ["loud"]
    assert (contents(tmp_path / "out"), again.standing) == (before, standing)


def test_one_models_tables_have_the_columns_that_they_always_had(
    tiny: models.Model, same_rate: models.Model, recordings: list[str], tmp_path: Path
) -> None:
    headers = {}
    for listening in ([tiny], [tiny, same_rate]):
        folder = tmp_path / str(len(listening))
        run(recordings[:1], listening, folder)
        for name in ("detections.csv", "failures.csv"):
            headers[len(listening), name] = (folder / name).read_text().splitlines()[0].split(",")
    found = ["Start (s)", "End (s)", "Scientific name", "Common name", "Confidence", "File"]
    failed = ["path", "stage", "error", "message", "bytes", "rate_hz", "duration_s"]
    assert headers[1, "detections.csv"] == found
    assert headers[2, "detections.csv"] == [*found, "Model"]
    assert headers[1, "failures.csv"] == failed
    assert headers[2, "failures.csv"] == [*failed, "model"]


def test_a_model_that_fails_costs_its_own_rows_alone(
    tiny: models.Model, recordings: list[str], tmp_path: Path
) -> None:
    matrix = networks.weights()
    matrix[1] = np.inf
    (tmp_path / "bad").mkdir()
    bad = dataclasses.replace(models.find(networks.write_folder(tmp_path / "bad", matrix)), name="bad")
    path = next(path for path in recordings if path.endswith("short.wav"))
    results = run([path], [bad, tiny], tmp_path / "out")
    (failure,) = results.failures
    assert (failure.model, failure.stage) == ("bad", "network")
    assert [row._replace(model="") for row in results] == [
        row._replace(model="") for row in Pipeline(tiny, EVERYTHING).detect(path)
    ]
    (row,) = table(tmp_path / "out" / "failures.csv")
    assert row["model"] == "bad"


def test_a_journal_goes_on_model_by_model(tmp_path: Path) -> None:
    def heard(*which: int, failure: Failure | None = None) -> Outcome:
        return Outcome(audio_s=1.0, heard=[Heard(model, n_parts=1, failure=failure) for model in which])

    def parts(journal: Journal, *which: int) -> None:
        for model in which:
            journal.keep("a.wav", Part(model, 0, 0, "scores", b""))

    with Journal(tmp_path, FACTS_OF_TWO) as journal:
        assert journal.plan(["a.wav", "b.wav"], range(2)) == [(0, (0, 1)), (1, (0, 1))]
        parts(journal, 0, 1)
        outcome = heard(0, 1)
        outcome.heard[1].failure = Failure("a.wav", "network", "ModelError", "odd", model="two")
        journal.add("a.wav", outcome)
        journal.add("b.wav", dataclasses.replace(failed("b.wav"), heard=[Heard(0), Heard(1)]))
        assert journal.standing()[:3] == (0, 2, 0)
        assert journal.plan(["a.wav", "b.wav"], range(2)) == []
        assert journal.plan(["a.wav", "b.wav"], range(2), retry=True) == [(0, (1,)), (1, (0, 1))]
        parts(journal, 1)
        journal.add("a.wav", heard(1))
    with Record(tmp_path) as record:
        assert record.standing()[:3] == (1, 0, 1)
        entries = [entry for _, entry in record.entries()]
        assert [[one.state for one in entry.hearings] for entry in entries] == [["done"] * 2, ["waiting"] * 2]
        assert [list(record.kept(entries[0], 1, model)) for model in (0, 1)] == [[], []]


def test_what_one_model_heard_stays_when_another_hears_the_file_again(tmp_path: Path) -> None:
    def came(*which: int, **of_sound: object) -> Outcome:
        odd = Failure("a.wav", "network", "ModelError", "odd", model="two")
        return Outcome(heard=[Heard(model, failure=odd if model else None) for model in which], **of_sound)

    with Journal(tmp_path, FACTS_OF_TWO) as journal:
        journal.plan(["a.wav"], [0])
        journal.add("a.wav", came(0, 1, audio_s=3.0, notes=["repaired"], decoder="another"))
        assert (journal.standing().audio_s, exits.of_run(journal.standing())) == (3.0, 2)
        gone = dataclasses.replace(failed("a.wav"), heard=[Heard(1)])
        for again in (came(1), gone):  # the model fails at once, and then the sound
            assert journal.plan(["a.wav"], [0], retry=True) == [(0, (1,))]
            journal.add("a.wav", again)
            ((_, entry),) = journal.entries()
            assert (entry.audio_s, entry.remarks(), entry.decoder) == (3.0, ["repaired"], "another")
            assert [hearing.state for hearing in entry.hearings] == ["done", "failed"]
            assert exits.of_run(journal.standing()) == 2
            assert list(journal.kept(entry, 1, 0)) == []
        journal.plan(["a.wav"], [0], retry=True)
        ((_, entry),) = journal.entries()
        assert (entry.failures(), entry.waiting) == ([], {1})


def test_another_list_of_models_is_another_run(
    tiny: models.Model, same_rate: models.Model, wav: Path, tmp_path: Path
) -> None:
    run([str(wav)], [tiny], tmp_path / "out")
    with pytest.raises(ConfigError, match="of a run that differs"):
        run([str(wav)], [tiny, same_rate], tmp_path / "out")


def test_sound_in_memory_is_heard_by_all(tiny: models.Model, other: models.Model) -> None:
    sound: Float32 = noise(20_000)[:, 0]
    pipeline = Pipeline([tiny, other], EVERYTHING)
    found = pipeline.detect(sound, 8_000)
    alone: list[Detection] = []
    for model in (tiny, other):
        alone += Pipeline(model, EVERYTHING).detect(sound, 8_000)
        assert next(pipeline.score(sound, 8_000, model=model.name)).start_s[0] == 0
    assert found == alone
    with pytest.raises(ConfigError, match="several models: name one with model=; it takes tiny, other"):
        next(pipeline.score(sound, 8_000))


def test_two_models_of_one_name_are_refused(tiny: models.Model) -> None:
    with pytest.raises(ConfigError, match="tiny, tiny"):
        Pipeline([tiny, tiny])
