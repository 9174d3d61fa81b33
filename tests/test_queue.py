"""A queue hands out files in their order, not too far ahead, and gives back what came in that order."""

from __future__ import annotations

from collections.abc import Iterator

from birdfast.outcomes import Failure, Heard, Outcome, Part
from birdfast.workers import Job, Jobs, Task
from birdfast.workers.queue import AHEAD_FILES, Queue
from birdfast.workers.work import given_up


def queue_of(n_files: int) -> Queue:
    return Queue([Job(f"{number}.wav", (0, 2)) for number in range(n_files)])


def taken(queue: Queue) -> list[Task]:
    """Take all that may be handed out now."""
    return list(iter(queue.take, None))


def outcome(task: Task, n_stretches: int = 1) -> Outcome:
    return Outcome(task.stretch, n_stretches, heard=[Heard(0), Heard(2)])


def places(came: Iterator[tuple[int, Outcome | Part]]) -> list[tuple[int, int]]:
    return [(file, what.stretch) for file, what in came]


def test_files_are_not_handed_out_far_ahead_of_the_first_unfinished_one() -> None:
    n_files = AHEAD_FILES + 40
    queue = queue_of(n_files)
    tasks = taken(queue)
    assert tasks == [Task(file, 0) for file in range(AHEAD_FILES)]
    assert queue.left() == 0
    for task in tasks[1:]:  # the first one takes its time
        queue.finish(task, outcome(task))
    assert (places(queue.came()), queue.left(), queue.take()) == ([], 0, None)
    queue.finish(tasks[0], outcome(tasks[0]))
    assert places(queue.came()) == [(file, 0) for file in range(AHEAD_FILES)]
    assert queue.left() == 40
    rest = taken(queue)
    assert [task.file for task in rest] == list(range(AHEAD_FILES, n_files))
    for task in rest:
        assert not queue.is_through
        queue.finish(task, outcome(task))
    assert len(places(queue.came())) == 40
    assert queue.is_through


def test_one_more_file_may_be_handed_out_for_each_that_is_through() -> None:
    queue = queue_of(AHEAD_FILES + 5)
    tasks = taken(queue)
    for number in range(3):
        queue.finish(tasks[number], outcome(tasks[number]))
    assert len(places(queue.came())) == queue.left() == len(taken(queue)) == 3


def test_the_rest_of_a_file_comes_before_the_next_one_and_what_no_worker_began_first() -> None:
    queue = queue_of(3)
    first, second = queue.take(), queue.take()
    assert (first, second) == (Task(0, 0), Task(1, 0))
    queue.finish(Task(0, 0), outcome(Task(0, 0), 3))
    assert queue.left() == 3
    queue.put_back(Task(1, 0))
    assert queue.left() == 4
    assert taken(queue) == [Task(1, 0), Task(0, 1), Task(0, 2), Task(2, 0)]


def test_stretches_come_in_their_order_whatever_came_first() -> None:
    queue = queue_of(2)
    taken(queue)
    queue.finish(Task(1, 0), outcome(Task(1, 0)))
    queue.finish(Task(0, 0), outcome(Task(0, 0), 3))
    assert places(queue.came()) == [(0, 0)]
    taken(queue)
    queue.finish(Task(0, 2), outcome(Task(0, 2), 3))
    assert places(queue.came()) == []
    queue.finish(Task(0, 1), outcome(Task(0, 1), 3))
    assert places(queue.came()) == [(0, 1), (0, 2), (1, 0)]
    assert queue.is_through


def test_a_file_that_changes_in_mid_run_keeps_the_number_of_stretches_that_it_had() -> None:
    queue = queue_of(2)
    taken(queue)
    for stretch, n_stretches in enumerate((3, 1, 7)):  # it becomes another, twice
        queue.finish(Task(0, stretch), outcome(Task(0, stretch), n_stretches))
    came = [what for _, what in queue.came()]
    assert [what.n_stretches for what in came] == [3, 3, 3]
    assert [what.is_last for what in came] == [False, False, True]
    assert taken(queue) == [Task(0, 1), Task(0, 2)]
    assert queue._n_stretches == {}  # of files that are through nothing is kept


def test_a_task_that_is_given_up_is_a_failure_of_all_models_that_were_to_hear_it() -> None:
    queue = queue_of(2)
    taken(queue)
    queue.finish(Task(0, 0), outcome(Task(0, 0), 2))
    failure = Failure("0.wav", "worker", "SIGKILL", "killed")
    queue.finish(Task(0, 1), given_up(Task(0, 1), queue.job(Task(0, 1)), failure))
    queue.finish(Task(1, 0), given_up(Task(1, 0), queue.job(Task(1, 0)), failure._replace(path="1.wav")))
    came = [what for _, what in queue.came()]
    assert [(what.stretch, what.n_stretches) for what in came] == [(0, 2), (1, 2), (0, 1)]
    assert [what.failures for what in came[:2]] == [[], [failure]]
    assert [heard.model for heard in came[1].heard] == [0, 2]
    assert queue.is_through


def test_parts_come_at_once_with_their_files_number_and_before_outcomes() -> None:
    queue = queue_of(2)
    taken(queue)
    parts = [Part(0, stretch, 0, "scores", b"") for stretch in (0, 0)]
    queue.finish(Task(0, 0), outcome(Task(0, 0)))
    queue.keep(Task(1, 0), parts[0])
    queue.keep(Task(0, 0), parts[1])
    came = list(queue.came())
    assert [(file, type(what)) for file, what in came] == [(1, Part), (0, Part), (0, Outcome)]
    assert list(queue.came()) == []


def test_jobs_are_made_when_they_are_asked_for() -> None:
    paths = [f"{number}.wav" for number in range(4)]
    jobs, wanted = Jobs(paths, [(0, (0, 2)), (3, (1,))]), [Job("0.wav", (0, 2)), Job("3.wav", (1,))]
    assert [*jobs] == wanted
    assert (jobs[0], jobs[-1], jobs[:1], len(jobs)) == (*wanted, wanted[:1], 2)
    assert not Jobs(paths, [])
