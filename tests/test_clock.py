"""Whoever waits for a training is told how long it took and what is left, and only what can be known."""

from __future__ import annotations

import pytest

from birdfast import bars
from birdfast.errors import ConfigError
from birdfast.train.clock import STAGES, TEST, Clock, Task


class Time:
    """A time that goes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.said: list[str] = []

    def __call__(self) -> float:
        return self.now_s

    def clock(self, *tasks: Task) -> Clock:
        return Clock(tasks, self.said.append, 30, self)

    def work(self, clock: Clock, name: str, seconds: float) -> None:
        with clock.stage(name):
            self.now_s += seconds


def folds() -> tuple[Task, ...]:
    tested = (*STAGES, TEST)
    return Task("fold 1", 80, tested), Task("fold 2", 80, tested), Task("model", 100)


def test_what_was_seen_once_tells_what_is_left() -> None:
    time = Time()
    clock = time.clock(*folds())
    assert clock.left_s() == (0, True)
    with clock.stage("fold 1"):
        time.work(clock, "codebook", 8)
        assert clock.left_s() == (8 + 10, True)  # of the next fold and of the model, which has more clips
        for stage, seconds in (("embedding", 16), ("head", 4), (TEST, 2)):
            time.work(clock, stage, seconds)
        assert clock.left_s() == (8 + 16 + 4 + 2 + 10 + 20 + 5, False)
    assert time.said == [
        "fold 1 (1 of 3): codebook 8.0 s, embedding 16.0 s, head 4.0 s, test 2.0 s;"
        " 30.0 s so far, 1 min 05 s left"
    ]
    with clock.stage("fold 2"), clock.stage("codebook"):
        time.now_s += 3
        assert clock.left_s() == (65 - 3, False)
        time.now_s += 9  # longer than the first: nothing is left of it, and the model's will be longer, too
        assert clock.left_s() == (65 - 8 - 10 + 12 / 80 * 100, False)


def test_the_last_stage_of_a_name_is_the_measure() -> None:
    time = Time()
    clock = time.clock(*(Task(f"fold {number}", 10, ("head",)) for number in range(3)))
    for number, seconds, left_s in ((0, 5, 10), (1, 3, 3), (2, 9, 0)):
        with clock.stage(f"fold {number}"):
            time.work(clock, "head", seconds)
        assert clock.left_s() == (left_s, False)
    assert time.said[-1] == "fold 2 (3 of 3): head 9.0 s; 17.0 s in all"


def test_a_part_of_a_stage_says_how_long_it_is_at_least() -> None:
    time = Time()
    clock = time.clock(Task("model", 10))
    with clock.stage("model"), clock.stage("codebook"):
        for done in (1, 2, 3):
            time.now_s += 2
            clock.step(done, 10, "recordings", bar=False)
        assert clock.left_s() == (14, True)
        time.now_s += 100  # what lies between two passes says nothing of the second
        for done in (1, 2):
            time.now_s += 1
            clock.step(done, 10, "recordings", bar=False)
        assert clock.left_s() == (8, True)


def test_a_pace_is_believed_when_enough_have_been_counted() -> None:
    time = Time()
    clock = time.clock(Task("model", 10))
    with clock.stage("model"), clock.stage("codebook"):
        for done, left_s in ((1, 0), (2, 0), (5, 0), (6, 94 * 2)):
            time.now_s += 2 * (done - clock._part.done)
            clock.step(done, 100, "recordings", bar=False)
            assert clock.left_s() == (left_s, True)


def test_epochs_that_were_learnt_before_are_not_taken_for_fast_ones() -> None:
    time = Time()
    clock = time.clock(Task("model", 10))
    with clock.stage("model"), clock.stage("embedding"):
        for done in range(51, 57):
            time.now_s += 3
            clock.step(done, 100, "epochs", bar=False)
        assert clock.left_s() == (44 * 3, True)


def test_a_line_is_said_now_and_then() -> None:
    time = Time()
    clock = time.clock(*folds())
    with clock.stage("fold 1"), clock.stage("codebook"):
        for done in range(1, 7):
            time.now_s += 10
            clock.step(done, 10, "recordings", bar=False)
    assert time.said[:-1] == [
        "fold 1 (1 of 3), codebook: 3 of 10 recordings; 30.0 s so far, at least 4 min 55 s left",
        "fold 1 (1 of 3), codebook: 6 of 10 recordings; 1 min 00 s so far, at least 4 min 25 s left",
    ]


def test_beside_a_bar_it_says_the_same_and_no_line() -> None:
    time = Time()
    clock = time.clock(*folds())
    with clock.stage("fold 1"), clock.stage("codebook"):
        for done in (1, 2):
            time.now_s += 20
            remark = clock.step(done, 3, "recordings", bar=True)
        assert remark == "fold 1 (1 of 3), codebook; 40.0 s so far, at least 2 min 35 s left"
        assert time.said == []


def test_what_is_found_as_it_was_kept_is_no_measure() -> None:
    time = Time()
    clock = time.clock(Task("fold 1", 10), Task("model", 10))
    with clock.stage("fold 1"):
        time.work(clock, "head", 4)  # codebook and embedding were found
    assert time.said == ["fold 1 (1 of 2): head 4.0 s; 4.0 s so far, at least 4.0 s left"]
    with clock.stage("model"):
        pass
    assert time.said[-1] == "model (2 of 2): was done before; 4.0 s in all"


def test_a_task_that_fails_says_nothing() -> None:
    time = Time()
    clock = time.clock(*folds())
    with pytest.raises(ConfigError), clock.stage("fold 1"), clock.stage("codebook"):
        raise ConfigError("no")
    assert time.said == []


def test_bars_and_stages_are_told_to_whoever_watches(capsys: pytest.CaptureFixture[str]) -> None:
    time = Time()
    clock = time.clock(Task("model", 2))
    with bars.watched(clock), bars.stage("model"):
        assert bars.told("codebook", lambda: count(time))() == 3
    count(time)  # nobody watches
    assert time.said == [
        "codebook: 1 of 3 recordings; 31.0 s so far, what is left is not known yet",
        "codebook: 2 of 3 recordings; 1 min 02 s so far, at least 31.0 s left",
        "codebook: 3 of 3 recordings; 1 min 33 s so far, what is left is not known yet",
        "model: codebook 1 min 33 s; 1 min 33 s in all",
    ]
    assert capsys.readouterr().err == ""  # no bar off a terminal


def count(time: Time) -> int:
    with bars.of_recordings(3, shown=True) as bar:
        for _ in range(3):
            time.now_s += 31
            bar.update()
    return 3
