"""What sounds like a detection: of all windows the nearest, in a page and from a server."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from birdfast import inputs, models
from birdfast.config import Options
from birdfast.errors import ConfigError
from birdfast.runs import How, Run
from birdfast.runs.results import Results, Windows

from .pages import invented
from .recordings import noise, write

pytest.importorskip("jinja2", reason="pages need the extra [report]")
pytest.importorskip("matplotlib", reason="pages need the extra [report]")

from birdfast.report import Sound, alike, columns, gather, making
from birdfast.report.gathered import Gathered
from birdfast.report.rows import ROW

from .test_page import Scripts, asked, serving

RATE_HZ, WINDOW_S = 8_000, 0.5
N_FILES, N_WINDOWS = 3, 9


class Invented(Results):
    """Embeddings that nobody has heard, of windows of 2 s, one begun each second, in parts."""

    parts: tuple[int, ...] = ()
    channels = np.zeros(N_WINDOWS, np.int32)
    values = np.zeros((N_FILES, N_WINDOWS, 2), np.float32)

    def embeddings(self, model: str | None = None, files: object = None) -> Iterator[Windows]:
        for number in range(N_FILES):
            path = f"{number}.wav"
            if files is None or path in files:
                start_s = np.arange(N_WINDOWS, dtype=np.float64)
                every = start_s, start_s + 2, self.channels, self.values[number]
                for part in zip(*(np.split(one, self.parts) for one in every), strict=True):
                    yield Windows(path, *part)


def rows(places: list[tuple[int, int, int, int]]) -> Gathered:
    """Return what is gathered of rows: file, first window, further windows and confidence of each."""
    found = np.zeros(len(places), ROW)
    for place, (file, start, more, confidence) in enumerate(sorted(places)):
        found[place] = (file, place % 3, 0, 0, start, start + 2 + more, confidence / 10)
    gathered = invented(1, N_FILES)
    files = [one._replace(path=f"{number}.wav") for number, one in enumerate(gathered.files)]
    return gathered._replace(rows=found, files=files, embedding=("tiny",))


def lie_within(row: np.void, file: int, start: int) -> bool:
    return bool(row["file"] == file and row["start_s"] <= start and start + 2 <= row["end_s"])


A_ROW = some.tuples(
    some.integers(0, N_FILES - 1), some.integers(0, 6), some.integers(0, 2), some.integers(1, 9)
)


@settings(max_examples=80, deadline=None)
@given(
    some.lists(A_ROW, min_size=1, max_size=8),
    some.integers(1, 5),
    some.lists(some.integers(0, N_WINDOWS), max_size=2).map(sorted),
    some.integers(0, 3),
)
def test_the_nearest_are_those_of_all(
    places: list[tuple[int, int, int, int]], n: int, cuts: list[int], seed: int
) -> None:
    gathered = rows(places)
    values = np.random.default_rng(seed).integers(-2, 3, (N_FILES, N_WINDOWS, 2)).astype(np.float32)
    lengths = np.linalg.norm(values.astype(float), axis=2, keepdims=True)
    unit = values / np.where(lengths > 0, lengths, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Invented, "parts", tuple(cuts))
        patch.setattr(Invented, "values", values)
        patch.setattr(alike, "Results", Invented)
        each = alike.of_each(gathered, range(len(gathered.rows)), n)
        every = [alike.of_row(gathered, row, n) for row in range(len(gathered.rows))]
    for number, row in enumerate(gathered.rows):
        queries = [unit[row["file"], k] for k in range(N_WINDOWS) if lie_within(row, row["file"], k)]
        of_rows, alone = dict[int, float](), list[float]()
        for file in range(N_FILES):
            for k in range(N_WINDOWS):
                if file == row["file"] and k + 2 > row["start_s"] and k < row["end_s"]:
                    continue  # it shares sound with the row
                near = max(float(query @ unit[file, k]) for query in queries)
                its = [at for at, one in enumerate(gathered.rows) if lie_within(one, file, k)]
                if its:
                    best = max(its, key=lambda at: (gathered.rows[at]["confidence"], at))
                    of_rows[best] = max(of_rows.get(best, -2), near)
                else:
                    alone.append(near)
        found = each[number]
        assert len({at for at, _ in found}) == len(found) == min(n, len(of_rows))
        nearest = sorted(of_rows.values(), reverse=True)[:n]
        np.testing.assert_allclose([near for _, near in found], nearest, atol=1e-12)
        assert all(near == pytest.approx(of_rows[at]) for at, near in found)
        nearest = sorted([*of_rows.values(), *alone], reverse=True)[:n]
        np.testing.assert_allclose([one.nearness for one in every[number]], nearest, atol=1e-12)


def test_the_same_moment_in_another_channel_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows are by turns of two channels, and each overlaps with the ones beside it."""
    monkeypatch.setattr(alike, "Results", Invented)
    monkeypatch.setattr(Invented, "values", np.ones((N_FILES, N_WINDOWS, 2), np.float32))
    monkeypatch.setattr(Invented, "channels", np.arange(N_WINDOWS, dtype=np.int32) % 2)
    gathered = rows([(0, 4, 0, 9)])
    found = [one.start_s for one in alike.of_row(gathered, 0, 99) if one.file == "0.wav"]
    assert found == [0, 1, 2, 6, 7, 8]


def test_a_row_sounds_like_what_its_own_channel_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows are by turns of two channels: what lies in a row's time and is the other's asks for nothing."""
    values = np.zeros((N_FILES, N_WINDOWS, 2), np.float32)
    values[0, 0::2, 0] = values[0, 1::2, 1] = 1
    values[1, 3, 0] = values[2, 5, 1] = 1
    monkeypatch.setattr(alike, "Results", Invented)
    monkeypatch.setattr(Invented, "values", values)
    monkeypatch.setattr(Invented, "channels", np.arange(N_WINDOWS, dtype=np.int32) % 2)
    gathered = rows([(0, 4, 2, 9)])  # three windows: two of channel 0, one of channel 1
    found = [one for one in alike.of_row(gathered, 0, 99) if one.nearness == 1 and one.file != "0.wav"]
    assert [(one.file, one.start_s) for one in found] == [("1.wav", 3.0)]


@pytest.fixture(scope="module")
def heard(deep: models.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that kept its embeddings; its third recording is the first one again."""
    folder = tmp_path_factory.mktemp("alike")
    (folder / "in").mkdir()
    for number, seed in enumerate((0, 1, 0)):
        write(folder / "in" / f"{number}.wav", noise(RATE_HZ * 4, seed=seed), RATE_HZ)
    how = How(n_workers=1, kinds=("csv", "embeddings"))
    Run(
        inputs.find([str(folder / "in")]), [deep], Options(min_confidence=0, top_k=1), folder / "out", how
    ).work()
    return folder / "out"


def test_a_sound_finds_itself_in_another_recording(heard: Path) -> None:
    gathered = gather(heard)
    assert gathered.embedding == ("tiny",)
    for row in range(3):
        first, *others = alike.of_row(gathered, row)
        assert Path(first.file).name == "2.wav"
        assert first.start_s == gathered.rows[row]["start_s"]
        assert first.nearness == pytest.approx(1)
        assert len(others) == alike.MOST - 1
        assert first.row == np.flatnonzero(
            (gathered.rows["file"] == 2) & (gathered.rows["start_s"] == first.start_s)
        )


def test_the_page_has_it_of_the_best(heard: Path, tmp_path: Path) -> None:
    gathered = gather(heard)
    making.write(gathered, tmp_path / "x.html", Sound(gathered), best=2)
    _, sound, _ = (content for _, content in Scripts((tmp_path / "x.html").read_text()).found)
    told = json.loads(sound)
    assert {str(clip["row"]) for clip in told["clips"]} == told["alike"].keys()
    for row, found in told["alike"].items():
        assert [one for one, _ in found] == [one.row for one in alike.of_row(gathered, int(row))]
        assert all(-1 <= nearness <= 1 for _, nearness in found)


def test_a_server_finds_it_for_all_and_gives_only_those_clips(heard: Path) -> None:
    gathered = gather(heard, most=4)  # so that there are windows in which nothing is shown
    with serving(gathered) as server:
        status, content = asked(server, f"{server.root}near/0")
        found = json.loads(content)["near"]
        assert status == 200
        assert {one["row"] for one in found} > {-1}
        for number, one in enumerate(found):
            status, content = asked(server, f"{server.root}near/0/{number}")
            is_known = one["file"] in {file.path for file in gathered.files}
            assert status == (200 if is_known else 404), content
            if is_known:
                clip = json.loads(content)
                assert clip["from_s"] <= one["start_s"] < one["end_s"] <= clip["to_s"] + 1e-9
        for wrong in ("near/4", "near/0/10", "near/0/", "near/", "near/0/-1", "clip/0/0", "near/0/0/0"):
            assert asked(server, f"{server.root}{wrong}")[0] == 404, wrong


def test_a_run_without_embeddings_says_what_is_wanted(tiny: models.Model, tmp_path: Path) -> None:
    write(tmp_path / "a.wav", noise(RATE_HZ * 2), RATE_HZ)
    options = Options(min_confidence=0, top_k=1)
    Run([os.fspath(tmp_path / "a.wav")], [tiny], options, tmp_path / "out", How(n_workers=1)).work()
    gathered = gather(tmp_path / "out")
    assert gathered.embedding == ()
    assert alike.of_each(gathered, [0, 1]) == {}
    with pytest.raises(ConfigError, match="--rtype embeddings` keeps them"):
        alike.of_row(gathered, 0)
    with serving(gathered) as server:
        status, content = asked(server, f"{server.root}near/0")
    assert (status, json.loads(content)) == (404, {"error": alike.WANTED})
    assert columns.told(gathered)["silent"] == alike.WANTED
