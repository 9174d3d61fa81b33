"""What comes back of a share is taken where it is whole and of files as they are now, and else not."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from birdfast.outcomes import Heard, Outcome
from birdfast.workers import orders, parts
from birdfast.workers.bundles import Bundles
from birdfast.workers.out import Out
from birdfast.workers.process import Job
from birdfast.workers.spent import Spent

OF = "a" * 64
NAME = "0" * 16


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (path := tmp_path / "a.wav").write_text("1")
    return Job(str(path), (0,))


@pytest.fixture
def part(tmp_path: Path, job: Job) -> Path:
    """A part of one file that was heard."""
    with parts.Writer(tmp_path / f"{NAME}{parts.PART}", {"of": OF, "files": [orders.named(job)]}) as part:
        part.add(0, Outcome(audio_s=3.0, heard=[Heard(0)]))
        part.finish()
    return tmp_path / f"{NAME}{parts.PART}"


def changed(job: Job, part: Path) -> None:
    Path(job.path).write_text("22")


def damaged(job: Job, part: Path) -> None:
    part.write_bytes(part.read_bytes().replace(b"3.0", b"4.0"))


def nothing(job: Job, part: Path) -> None:
    pass


@pytest.mark.parametrize(("change", "n"), [(nothing, 1), (changed, 0), (damaged, 0)])
def test_what_a_driver_left_is_taken_of_files_as_they_are(job: Job, part: Path, change: Any, n: int) -> None:
    change(job, part)
    kept = list[bool]()
    spent = Spent(part.parent, lambda: kept.append(part.exists()))
    assert len([*spent.found([job], OF)]) == n
    spent.settle()
    assert (kept, part.exists()) == ([True], False), "rows are kept before their part goes"


@pytest.mark.parametrize(("change", "told"), [(nothing, "part"), (damaged, "lost")])
def test_a_part_that_is_damaged_is_lost(job: Job, part: Path, change: Any, told: str) -> None:
    change(job, part)
    out = Out(Bundles([1], 1).take(0.0), part.with_suffix(parts.ORDER), 0, Future())
    out.order.touch()
    out.future.set_result({"host": "here", "part": "b" * 64})
    assert told in out.told(OF, lambda path: True, has_run=True)


def test_an_order_that_is_taken_back_goes(tmp_path: Path) -> None:
    (order := tmp_path / f"{NAME}{parts.ORDER}").touch()
    out = Out(Bundles([1], 1).take(0.0), order, 0, Future())
    out.take_back()
    assert not order.exists()
    assert out.future.cancelled()
