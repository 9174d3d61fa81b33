"""Workers that are begun ahead, and messages that come in pieces."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import cast

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast import models, workers
from birdfast.config import Options
from birdfast.outcomes import DETECTION, Heard, Outcome
from birdfast.workers import begun, wire


def test_the_first_worker_is_the_one_that_was_begun(tmp_path: Path) -> None:
    with begun.ahead(tmp_path / "out"):
        (ahead,) = begun._ahead
        first, second = workers.Worker(), workers.Worker()
    assert first.process is ahead.process is not second.process
    for worker in (first, second):
        worker.process.kill()
        worker.end()


def test_who_waits_for_models_that_open_slowly_is_told(
    tiny: models.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr("birdfast.workers.pool.TELL_EVERY_S", 0.0)
    with workers.Pool([tiny], Options(), 1) as pool:
        pool.hear = told.append
        assert pool.widths()
    assert {line.rpartition(",")[0] for line in told} == {"the models are still being opened"}


@pytest.mark.parametrize(("size", "most", "expected"), [(9, None, 1), (1 << 20, None, 3), (1 << 20, 2, 2)])
def test_as_many_are_begun_as_find_work_and_a_core_beside_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, most: int | None, expected: int
) -> None:
    monkeypatch.setattr(begun, "usable_cores", lambda: [0, 1, 2, 3])
    (tmp_path / "long.wav").write_bytes(bytes(size))
    with begun.ahead(tmp_path / "out", [str(tmp_path / "long.wav")], most):
        assert len(begun._ahead) == expected
    assert not begun._ahead


@pytest.mark.parametrize("broken", [False, True])
def test_a_worker_that_nobody_took_is_ended(tmp_path: Path, broken: bool) -> None:
    try:
        with begun.ahead(tmp_path / "out"):
            (ahead,) = begun._ahead
            if broken:
                raise ValueError
    except ValueError:
        assert broken
    assert not psutil.pid_exists(ahead.process.pid)
    assert ahead.errors.closed
    assert not begun._ahead


def test_none_is_begun_where_all_may_have_been_heard_or_where_none_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with begun.ahead(tmp_path):
        assert not begun._ahead

    def refused(*_: object, **how: object) -> None:
        raise OSError(11, "no more processes")

    monkeypatch.setattr(subprocess, "Popen", refused)
    with begun.ahead(tmp_path / "out"):
        assert not begun._ahead


def test_to_begin_one_takes_the_standard_library_alone() -> None:
    code = "import sys, birdfast.workers.begun; print({'numpy', 'birdfast.models'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


class Pieces:
    """A socket that gives what was sent piece by piece, the last of `cut` first."""

    def __init__(self) -> None:
        self.cut: list[bytes] = []

    def recv(self, most: int) -> bytes:
        piece = self.cut.pop()
        if len(piece) > most:
            self.cut.append(piece[most:])
        return piece[:most]

    def recv_into(self, room: memoryview, most: int) -> int:
        piece = self.recv(min(most, len(room)))
        room[: len(piece)] = piece
        return len(piece)


@given(
    messages=st.lists(st.tuples(st.text(max_size=9), st.binary(max_size=2_000)), max_size=6),
    sizes=st.lists(st.integers(1, 900), min_size=1, max_size=5),
)
def test_messages_are_what_was_sent_however_it_is_cut(
    messages: list[tuple[str, bytes]], sizes: list[int]
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        outbox = wire.Outbox(ours)
        for word, blob in messages:
            outbox.put({"word": word}, blob)
        ours.shutdown(socket.SHUT_WR)
        sent = b"".join(iter(lambda: theirs.recv(1 << 16), b""))
    pieces, place = Pieces(), 0
    while place < len(sent):
        size = sizes[len(pieces.cut) % len(sizes)]
        pieces.cut.append(sent[place : place + size])
        place += size
    pieces.cut.reverse()
    inbox = wire.Inbox(cast(socket.socket, pieces))
    came: list[wire.Message] = []
    while pieces.cut:
        came += inbox.read()
    assert [(told["word"], bytes(blob)) for told, blob in came] == messages


def test_an_outcome_is_what_was_sent() -> None:
    heard = []
    for model, n in ((2, 3), (0, 0), (1, 2)):
        rows = np.zeros(n, DETECTION)
        rows["start_s"], rows["confidence"] = np.arange(n), 0.1 * (1 + model)
        heard.append(Heard(model, detections=rows, n_parts=n))
    told, blob = wire.of_outcome(Outcome(1, 4, audio_s=2.5, notes=["odd"], heard=heard))
    came = wire.outcome(json.loads(json.dumps(told))["outcome"], blob)
    assert (came.stretch, came.n_stretches, came.audio_s, came.notes) == (1, 4, 2.5, ["odd"])
    assert [(one.model, one.n_parts) for one in came.heard] == [(2, 3), (0, 0), (1, 2)]
    for one, meant in zip(came.heard, heard, strict=True):
        np.testing.assert_array_equal(one.detections, meant.detections)
