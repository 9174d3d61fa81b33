"""A job array says whose share is whose: each task one, all together the whole, or it is refused in words."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import birdfast
from birdfast import models
from birdfast.errors import ConfigError
from birdfast.journal import Record
from birdfast.runs import jobarrays
from birdfast.runs.shards import Shard, ranges

from .commands import ended
from .recordings import noise, write


def slurm(task: int, tasks: list[int], step: int = 1) -> dict[str, str]:
    name = "SLURM_ARRAY_TASK_"
    low, high = min(tasks), max(tasks)
    told = {"ID": task, "MIN": low, "MAX": high, "STEP": step, "COUNT": len(tasks)}
    return {f"{name}{key}": str(value) for key, value in told.items()}


def sge(task: int, tasks: list[int], step: int = 1) -> dict[str, str]:
    told = {"ID": task, "FIRST": min(tasks), "LAST": max(tasks), "STEPSIZE": step}
    return {f"SGE_TASK_{key}": str(value) for key, value in told.items()}


def chosen(environment: dict[str, str], text: str | None = None) -> Shard | None:
    return jobarrays.chosen(text, "hash", environment).shard


@pytest.mark.parametrize("scheduler", [slurm, sge])
@given(first=st.integers(0, 3), step=st.integers(1, 4), n=st.integers(2, 30))
def test_the_tasks_of_an_array_have_all_shares_once(scheduler, first: int, step: int, n: int) -> None:
    tasks = [first + step * place for place in range(n)]
    found = [chosen(scheduler(task, tasks, step)) for task in tasks]
    assert found == [Shard(number, n) for number in range(1, n + 1)]


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        (slurm(5, [1, 5, 9]), "SLURM_ARRAY_TASK_ID: task 5 of an array, of how many shares is not told"),
        (slurm(17, [3, 17]), "say --shard auto/N"),
        (slurm(3, [3]), "say --shard auto/N"),
        ({"SLURM_ARRAY_TASK_ID": "x"}, "SLURM_ARRAY_TASK_ID: 'x' is no task's number"),
        ({"PBS_ARRAY_INDEX": "3"}, "PBS_ARRAY_INDEX: task 3 of an array, of how many"),
        ({"PBS_ARRAYID": "3"}, "PBS_ARRAYID: task 3"),
        ({"LSB_JOBINDEX": "3"}, "LSB_JOBINDEX: task 3"),
        ({**slurm(1, [1, 2]), **sge(2, [1, 2])}, "SLURM_ARRAY_TASK_ID and SGE_TASK_ID: which of them counts"),
    ],
)
def test_an_array_that_does_not_tell_the_share_is_refused(environment: dict[str, str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        chosen(environment)
    assert chosen(environment, "none") is None
    assert chosen(environment, "2/7") == Shard(2, 7)


def test_schedulers_that_say_the_same_are_believed_and_others_not() -> None:
    both = {"PBS_ARRAY_INDEX": "2", "PBS_ARRAYID": "2"}
    assert chosen(both, "auto/3") == Shard(2, 3)
    assert chosen({**slurm(2, [1, 2, 3]), "PBS_ARRAYID": "2"}) == Shard(2, 3)
    for text in (None, "auto/3"):
        with pytest.raises(ConfigError, match="which of them counts. say --shard I/N"):
            chosen({**both, "PBS_ARRAYID": "1"}, text)


@pytest.mark.parametrize("number", ["10000001", "1" + "0" * 24, "9" * 5000])
def test_numbers_beyond_any_array_are_refused(number: str) -> None:
    with pytest.raises(ConfigError, match="does not fit; .* 10,000,000 at most"):
        chosen({}, f"1/{number}")
    with pytest.raises(ConfigError, match="is no task's number"):
        chosen({"PBS_ARRAYID": number}, "auto/3")


@pytest.mark.parametrize("environment", [{}, {"LSB_JOBINDEX": "0"}, {"SGE_TASK_ID": "undefined"}])
def test_a_process_of_no_array_has_no_share(environment: dict[str, str]) -> None:
    assert chosen(environment) is None
    with pytest.raises(ConfigError, match="auto/4: this is no task of a job array"):
        chosen(environment, "auto/4")


@pytest.mark.parametrize("environment", [{}, {"PBS_ARRAY_INDEX": "3"}])
def test_of_how_many_has_to_be_said(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="of how many shares is not told; say --shard auto/N"):
        chosen(environment, "auto")


@pytest.mark.parametrize(
    "environment",
    [
        slurm(17, [3, 17]),
        {"PBS_ARRAY_INDEX": "17"},
        {"LSB_JOBINDEX": "17", "LSB_JOBINDEX_END": "17"},
        sge(17, [17]),
    ],
)
def test_a_task_that_is_started_again_has_the_share_it_had(environment: dict[str, str]) -> None:
    assert chosen(environment, "auto/50") == Shard(17, 50)
    with pytest.raises(ConfigError, match="does not fit task 17"):
        chosen(environment, "auto/16")


@pytest.mark.parametrize("environment", [{}, {"PBS_ARRAY_INDEX": "17"}, {"PBS_ARRAY_INDEX": "x"}])
@pytest.mark.parametrize("number", ["0", "", "x", "-1", "10000001"])
def test_a_number_of_shares_that_is_none_is_blamed_before_the_array(
    number: str, environment: dict[str, str]
) -> None:
    with pytest.raises(ConfigError, match=f"'auto/{number}' does not fit: '{number}' is no number of shares"):
        chosen(environment, f"auto/{number}")


@pytest.mark.parametrize(("text", "why"), [("9/3", "9 is more than 3"), ("0/3", "shares count from 1")])
def test_a_share_that_is_not_within_all_is_told_why(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=rf"'{text}' does not fit \({why}\); .* auto/N .* none for all"):
        chosen({}, text)


def test_lsf_tells_the_last_of_an_array_that_begins_at_1() -> None:
    told = {"LSB_JOBINDEX": "5", "LSB_JOBINDEX_END": "9", "LSB_JOBINDEX_STEP": "2"}
    assert chosen(told) == Shard(3, 5)


def test_shares_of_another_division_are_not_mixed_with_those_that_lie_there(tmp_path: Path) -> None:
    for number in (3, 17):
        share = jobarrays.folder(tmp_path, Shard(number, 50))
        share.mkdir()
    assert share.name == "shard-17-of-50"
    assert [one.name[:8] for one in jobarrays.folders([tmp_path])] == ["shard-03", "shard-17"]
    with pytest.raises(ConfigError, match="divided into 50 shares, now 2; say --shard auto/50 to go on"):
        jobarrays.folder(tmp_path, Shard(1, 2))


@pytest.mark.parametrize(
    ("output", "given"),
    [
        ("out17", "all"),
        ("out", "site017/"),
        ("o-17-x", "all"),
        ("out", "a/17/b.wav"),
        ("s3://birds/17", "all"),
        ("out", "zip://17/*.wav::s3://birds/may.zip"),
    ],
)
def test_a_share_of_what_is_one_tasks_own_is_not_guessed(output: str, given: str) -> None:
    found = jobarrays.chosen(None, "hash", slurm(17, list(range(1, 51))))
    with pytest.raises(ConfigError, match="number of a task .SLURM_ARRAY_TASK_ID.; say --shard auto/50 for"):
        jobarrays.check_meant(found, [output, given])
    for text in ("none", "auto/50", "17/50"):
        asked = jobarrays.chosen(text, "hash", slurm(17, list(range(1, 51))))
        jobarrays.check_meant(asked, [output, given])
    jobarrays.check_meant(found, ["out", "site117/", "2017", "card170/", "9" * 5000])
    from_0 = jobarrays.chosen(None, "hash", slurm(17, list(range(50))))
    with pytest.raises(ConfigError, match=r"--shard I/50 \(I counts from 1\) for the share"):
        jobarrays.check_meant(from_0, ["out-0"])


@pytest.mark.parametrize(
    ("name", "is_guessed"),
    [
        ("results", True),
        ("s3://birds/may", True),
        ("S3://birds/may", True),
        ("zip://*.wav::s3://birds/may.zip", True),
        ("results-2026", True),
        ("results-2026-05", False),
        ("/data2/birds", False),
    ],
)
@pytest.mark.parametrize("scheduler", [slurm, sge])
def test_all_tasks_guess_alike_what_a_name_means(name: str, is_guessed: bool, scheduler) -> None:
    tasks, guessed = list(range(1, 51)), list[int]()
    for task in tasks:
        found = jobarrays.chosen(None, "hash", scheduler(task, tasks))
        with suppress(ConfigError):
            jobarrays.check_meant(found, [name])
            guessed.append(task)
    assert guessed == (tasks if is_guessed else [])


@pytest.mark.parametrize("command", ["infer", "analyze"])
def test_a_share_that_nobody_asked_for_is_said_though_all_is_to_be_quiet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], command: str
) -> None:
    for name, value in slurm(9003, list(range(9001, 9006))).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    said = list[str]()
    for shard in ([], ["--shard", "auto/9005"]):
        assert ended(command, "missing.wav", "-o", "out", "--quiet", *shard) != 0
        said.append(capfd.readouterr().err)
    assert "share 3 of 5, of SLURM_ARRAY_TASK_ID; in out/shard-3-of-5; --shard none hears all" in said[0]
    assert "share" not in said[1]


@given(st.sets(st.integers(1, 60)))
def test_numbers_are_told_as_an_array_takes_them(numbers: set[int]) -> None:
    told = [part.split("-") for part in ranges(numbers).split(",") if part]
    assert {n for first, *last in told for n in range(int(first), int((last or [first])[0]) + 1)} == numbers


def test_a_program_takes_the_share_that_a_command_takes(
    tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PBS_ARRAY_INDEX", "2")
    paths = [write(tmp_path / f"{number}.wav", noise(8_000, seed=number), 8_000) for number in range(3)]

    def folder_of(shard: str | None, name: str) -> Path:
        run = birdfast.run(paths, tiny.path.parent, output=tmp_path / name, shard=shard, min_confidence=0)
        return run.folder

    assert folder_of("auto/2", "out") == tmp_path / "out" / "shard-2-of-2"
    assert folder_of("1/2", "out/shard-1-of-2") == tmp_path / "out" / "shard-1-of-2"
    assert folder_of("none", "all") == folder_of(None, "all") == tmp_path / "all"
    assert ended("merge", tmp_path / "out", "-o", tmp_path / "whole") == 0
    tables = [(tmp_path / one / "detections.csv").read_bytes() for one in ("whole", "all")]
    assert tables[0] == tables[1]
    for shard, why in (
        ("auto", "of how many shares is not told"),
        ("auto/3", "divided into 2 shares, now 3"),
    ):
        with pytest.raises(ConfigError, match=why):
            folder_of(shard, "out")


def test_a_programs_shares_are_as_large_as_it_says(tiny: models.Model, tmp_path: Path) -> None:
    lengths = [24_000, *[8_000] * 3]
    paths = [
        write(tmp_path / f"{number}.wav", noise(n, seed=number), 8_000) for number, n in enumerate(lengths)
    ]

    def heard(shard: str, by: str) -> int:
        output = tmp_path / f"{by}{shard[0]}"
        birdfast.run(paths, tiny.path.parent, output=output, shard=shard, shard_by=by, min_confidence=0)
        with Record(output) as record:
            return record.standing().files

    assert [heard(shard, "bytes") for shard in ("1/2", "2/2")] == [1, 3]
    with pytest.raises(ConfigError, match="shard_by: 'size' does not fit; it takes hash or bytes"):
        heard("1/2", "size")
