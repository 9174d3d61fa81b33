"""A bench says what was measured and what is only projected, and scales what grows with the sound."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from birdfast import inputs, models
from birdfast.cli.bench import lines
from birdfast.config import Options
from birdfast.errors import ConfigError
from birdfast.outcomes import Outcome
from birdfast.runs import bench
from birdfast.runs.stages import Bench, Stages, projected

from .commands import birdfast
from .recordings import noise, write

ONE = Stages(1, True, 2.0, 10.0, 80.0, 10.0, 1.0)
TWO = Stages(2, True, 3.0, 5.0, 40.0, 17.5, 1.0)


def test_all_but_the_start_grows_with_the_sound() -> None:
    ten = ONE.of_minutes(10)
    assert (ten.start_s, ten.working_s, ten.tables_s) == (2, 1000, 10)
    assert ten.total_s == 1012


def test_four_cores_are_a_projection_by_what_the_second_brought() -> None:
    (four,) = projected([ONE, TWO])
    assert (four.cores, four.is_measured, four.start_s) == (4, False, 3)
    assert (four.reading_s, four.network_s, four.beside_s) == (2.5, 20, 17.5), "a stage by its own gain"
    two, four = projected([ONE])
    assert (two.cores, four.cores, four.working_s) == (2, 4, 25)
    assert not two.is_measured
    (four,) = projected([ONE, Stages(2, True, 3.0, 1.0, 1.0, 1.0, 1.0)])
    assert four.working_s == 1.5, "nothing more than twice as fast"


def test_nothing_is_projected_where_two_cores_are_not_faster_than_one() -> None:
    slower = Stages(2, True, 3.0, 20.0, 100.0, 37.0, 1.0)
    assert not list(projected([ONE, slower]))
    shown = lines(Bench(["tiny"], 700, 90, 24, True, 0, 0.0, [ONE, slower], is_busy=True))
    assert shown[-2] == "two cores were not faster than one, so nothing is projected"
    assert shown[-1].startswith("other programs were at work on these cores")
    assert "projected" not in "".join(shown[:-2])


def test_what_comes_before_the_workers_are_warm_is_of_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 9.0, 10.0, 11.0, 12.0])
    monkeypatch.setattr(bench, "monotonic", lambda: next(times))
    clock = bench.Clock()
    for number in range(4):
        clock.add("a.wav", Outcome(number, 4, audio_s=60))
    assert clock.sound_s == 240
    assert clock.a_second_s() == pytest.approx(1 / 60)


def test_a_sample_is_of_the_whole_list_and_as_long_as_was_asked(tmp_path: Path) -> None:
    for number in range(9):
        write(tmp_path / f"{number}.wav", noise(8_000 * 10, seed=number), 8_000)
    (tmp_path / "no.wav").write_text("no sound")
    paths = inputs.find([str(tmp_path)])
    found = bench.chosen(paths, 0.5)
    assert 3 <= len(found) == len({*found}) <= 4
    assert {*bench.chosen(paths, 99)} == {*paths}


@pytest.mark.long
def test_the_command_measures_and_says_what_it_did_not(tiny: models.Model, tmp_path: Path) -> None:
    how = ("bench", "--model", tiny.path.parent, "--minutes", "100", "--sample-minutes", "1")
    done = birdfast(*how, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["models"], found["minutes"], found["made"]) == (["tiny"], 100, True)
    assert found["sample_minutes"] == pytest.approx(1, abs=0.01)
    assert [one["cores"] for one in found["stages"]] in ([1, 2, 4], [1, 2])  # as two were faster, or not
    assert all(one["is_measured"] for one in found["stages"] if one["cores"] == 1)
    assert not any(one["is_measured"] for one in found["stages"] if one["cores"] == 4)
    for one in found["stages"]:
        parts = ("start_s", "reading_s", "network_s", "beside_s", "tables_s")
        assert all(one[part] >= 0 for part in parts)
        assert one["total_s"] == pytest.approx(sum(one[part] for part in parts))
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    with pytest.raises(ConfigError, match="nothing of the sample can be read"):
        bench.bench([tiny], Options(), [str(bad)])


def test_the_table_names_what_is_projected() -> None:
    found = Bench(["a", "b"], 700, 90, 24, False, 1, 5.0, [ONE, TWO, *projected([ONE, TWO])])
    shown = lines(found)
    assert "a, b: 700 minutes of sound, by 24 minutes of the recordings" in shown
    assert "1 file of the sample failed" in shown
    assert [line.split() for line in shown if "measured" in line] == [["measured", "measured", "projected"]]
    assert any("budget of 90 minutes" in line and "1.9%" in line for line in shown)
    assert "once more 5.0 s" in shown[-1]
