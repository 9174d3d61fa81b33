"""A process that is forked has what one has that is started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from birdfast import children

from . import zygote

HOW = {
    "plain": {},
    "folder": {"cwd": "/"},
    "environment": {"env": {**children.environment(), "BIRDFAST_TRIED": "\udc80 ä", "HOME": "/nowhere"}},
    "session": {"start_new_session": True},
    "no output": {"stderr": subprocess.DEVNULL},
    "one stream": {"stderr": subprocess.STDOUT},
    "no input": {"preexec_fn": zygote.Closed(0)},
    "nobody to tell": {"preexec_fn": zygote.Closed(2)},
}
PROGRAM = """
import sys
from runpy import run_path
from tests import started
def main(words):
    run_path(started.__file__, run_name="__main__")
main(sys.argv[1:])
"""


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(zygote.ROOT))
    monkeypatch.syspath_prepend(str(zygote.ROOT))


@pytest.fixture
def starts() -> Iterator[zygote.Starts]:
    """A zygote's own, as a test of the suite may be told to start all in earnest."""
    with zygote.forking(("tests.started",)) as starts:
        yield starts


def told(
    starts: zygote.Starts, real: bool, *words: str, program: str = "", **how: Any
) -> tuple[Any, int, str]:
    starts.real = real
    command = (
        [sys.executable, "-c", program, *words] if program else children.command("tests.started", *words)
    )
    done = subprocess.run(command, **{"stdout": -1, "stderr": -1, "text": True, **how}, check=False)
    return json.loads(done.stdout), done.returncode, done.stderr or ""


def differences(forked: Any, started: Any) -> dict[str, Any]:
    assert forked[1:] == started[1:]
    one, other = ({**told[0], **told[0]["environment"], "environment": ""} for told in (forked, started))
    return {key: (one.get(key), other.get(key)) for key in {*one, *other} if one.get(key) != other.get(key)}


@pytest.mark.parametrize("how", HOW.values(), ids=HOW)
def test_a_forked_process_has_what_a_started_one_has(starts: zygote.Starts, how: dict[str, Any]) -> None:
    assert differences(*(told(starts, real, "a b", "", **how) for real in (False, True))) == {}


@pytest.mark.parametrize("how", [{}, {"preexec_fn": zygote.Closed(0)}, {"preexec_fn": zygote.Closed(2)}])
@pytest.mark.parametrize("words", [["infer"], ["train"], ["infer", "raise"]])
def test_a_program_that_hands_over_to_the_command_is_forked(
    starts: zygote.Starts, words: list[str], how: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    started = told(starts, True, *words, program=PROGRAM, **how)
    told(starts, False, *words, program=PROGRAM)  # a zygote is started in earnest
    monkeypatch.setattr(zygote, "_fork_exec", None)
    forked = told(starts, False, *words, program=PROGRAM, **how)
    assert differences((*forked[:2], last(forked)), (*started[:2], last(started))) == {}


def last(told: tuple[Any, int, str]) -> str:
    """Return the last line of what was said: above it are the files that the program went through."""
    return told[2].rstrip().rpartition("\n")[2]


def test_within_zygotes_and_behind_them_starts_are_as_they_were() -> None:
    before = subprocess._fork_exec  # type: ignore[attr-defined]
    with zygote.forking():
        assert subprocess._fork_exec is not before  # type: ignore[attr-defined]
    assert subprocess._fork_exec is before  # type: ignore[attr-defined]


def test_ignored_and_blocked_signals_are_handed_down(starts: zygote.Starts) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    try:
        forked, started = (told(starts, real) for real in (False, True))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
        signal.signal(signal.SIGINT, before)
    assert "SIGINT" in forked[0]["ignored"]
    assert differences(forked, started) == {}


@pytest.mark.parametrize("word", ["raise", "read"])
def test_it_ends_as_another(starts: zygote.Starts, word: str) -> None:
    forked, started = (told(starts, real, word, input="last words") for real in (False, True))
    assert (forked[1], forked[2].splitlines()[-1]) == (started[1], started[2].splitlines()[-1])


def test_it_is_waited_for_and_ended_by_a_signal(starts: zygote.Starts) -> None:
    with subprocess.Popen(children.command("tests.started", "hang"), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["parent"] == os.getpid()
        process.send_signal(signal.SIGTERM)
        assert process.wait() == -signal.SIGTERM


def test_descriptors_have_the_numbers_that_are_meant(starts: zygote.Starts) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "w"):
        forked, started = (told(starts, real, pass_fds=[writing]) for real in (False, True))
    assert writing in forked[0]["open"]
    assert differences(forked, started) == {}


def test_a_folder_that_is_not_there_is_an_error(starts: zygote.Starts, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        told(starts, False, cwd=tmp_path / "none")


def test_other_programs_and_pythons_are_started(starts: zygote.Starts) -> None:
    others = children.environment() | {"PYTHONDEVMODE": "1"}
    assert told(starts, False, env=others)[0]["environment"]["PYTHONDEVMODE"] == "1"
    assert subprocess.run(["true"], check=False).returncode == 0


@pytest.mark.skipif(not Path(zygote.SCRIPT).exists(), reason="the script comes with what is installed")
@pytest.mark.parametrize(
    "words", [["--version"], ["infer"], ["nothing", "--of", "the kind"]], ids=lambda words: words[0]
)
def test_the_script_that_people_type_is_forked(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    how: dict[str, Any] = {"capture_output": True, "text": True, "check": False}
    with zygote.forking(("birdfast.__main__",)) as starts:
        starts.real = True
        started = subprocess.run([zygote.SCRIPT, *words], **how)
        starts.real = False
        subprocess.run([zygote.SCRIPT, "--version"], **how)  # a zygote is started in earnest
        monkeypatch.setattr(zygote, "_fork_exec", None)
        forked = subprocess.run([zygote.SCRIPT, *words], **how)
        monkeypatch.undo()
    assert (forked.returncode, forked.stdout, forked.stderr) == (
        started.returncode,
        started.stdout,
        started.stderr,
    )
