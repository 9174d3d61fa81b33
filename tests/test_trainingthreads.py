"""Threads of a training: results in order, one works without any, and nobody waits for one that has died."""

from __future__ import annotations

import mmap
import sys
import threading
from concurrent.futures import thread as of_python
from typing import NoReturn

import pytest

from birdfast import bars, memory
from birdfast.train import threads
from birdfast.train.threads import Threads

from .commands import ran


@pytest.mark.parametrize("n", [1, 2, 5])
def test_results_come_in_order(n: int) -> None:
    with Threads(n) as some:
        assert [*some.map(pow, range(100), [2] * 100)] == [number**2 for number in range(100)]


@pytest.mark.parametrize(("n", "is_own"), [(1, True), (2, False)])
def test_one_is_the_callers_own(n: int, is_own: bool) -> None:
    with Threads(n) as some:
        (who,) = some.map(lambda _: threading.current_thread(), range(1))
    assert (who is threading.current_thread()) == is_own


@pytest.mark.parametrize("n", [1, 2])
def test_an_error_comes_where_its_result_is_taken(n: int) -> None:
    with Threads(n) as some:
        results = some.map(lambda number: 1 / number, (1, 0, 1))
        assert next(results) == 1
        with pytest.raises(ZeroDivisionError):
            next(results)


def test_one_that_has_died_is_too_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one dies that finds no memory to call the work: its piece has no result, and never will."""

    def dies(item: object) -> NoReturn:
        raise MemoryError

    monkeypatch.setattr(of_python._WorkItem, "run", dies)
    monkeypatch.setattr(threads, "LOOK_S", 0.01)
    with Threads(2) as some, pytest.raises(MemoryError, match="a thread has died"):
        list(some.map(str, range(9)))


def test_none_is_begun_where_there_is_no_room_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> NoReturn:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(mmap, "mmap", refuses)
    with Threads(2) as some, pytest.raises(MemoryError, match="bytes"):
        some.map(str, range(9))
    with Threads(1) as own:
        assert [*own.map(str, range(2))] == ["0", "1"]


@pytest.mark.parametrize(
    ("load", "room_mb", "asked", "module"),
    [
        ("load_algebra", 40, memory.ALGEBRA_BYTES, memory.ALGEBRA),
        ("load_compiler", 240, memory.COMPILER_BYTES + memory.COMPILING_BYTES, memory.COMPILER),
    ],
)
def test_a_library_is_loaded_only_where_there_is_room_for_it(
    load: str, room_mb: int, asked: int, module: str
) -> None:
    """As it would ask for ever, or end the program, in so much more than the program has."""
    program = f"""
import numpy, resource, sys
from birdfast import memory
with open("/proc/self/statm") as file:
    n_bytes = int(file.read().split()[0]) * resource.getpagesize() + ({room_mb} << 20)
resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
try:
    memory.{load}()
except MemoryError as error:
    print(error, {module!r} in sys.modules)
"""
    done = ran(sys.executable, "-c", program, limit_s=60)
    assert done.stdout == f"{asked:,} bytes False\n", done.stderr


def test_a_bar_that_nobody_sees_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)  # whose monitor begins with the first bar, shown or not
    with bars.of_recordings(3, shown=True) as shown:
        shown.update()
