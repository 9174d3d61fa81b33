"""What a shell, a scheduler or a colleague leaves us in: limits, missing folders, stops, closed streams.

A command ends with one of its exit codes and in words, and the next one, left in peace, gives the same bytes.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from birdfast import models
from birdfast.cli import exits
from birdfast.sessions import open_session

from .commands import contents, ran, started
from .recordings import noise, write

MEANT = (exits.SOME_FAILED, exits.USAGE, exits.OUTPUT)
N_THREADS = 8


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings, and a file that is none."""
    folder = tmp_path_factory.mktemp("sounds")
    for number in range(2):
        write(folder / f"{number}.wav", noise(20_000, seed=number), 8_000)
    (folder / "2.wav").write_text("no sound")
    return folder


def words(sounds: Path, model: models.Model, out: Path) -> list[str]:
    how = ["--model", model.path.parent, "--workers", 2, "--min-conf", 0, "-o", out]
    return [*map(str, [sys.executable, "-m", "birdfast", "infer", sounds, *how])]


@pytest.fixture(scope="module")
def meant(sounds: Path, tiny: models.Model, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The tables of a run that nothing disturbs."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert ran(*words(sounds, tiny, out)).returncode == exits.SOME_FAILED
    return contents(out)


def limited(limits: str, *command: str, **how: object) -> subprocess.CompletedProcess[str]:
    return ran("/bin/sh", "-c", f"{limits}; exec {shlex.join(command)}", **how)


@pytest.mark.parametrize(
    "limits",
    [
        *("ulimit -n 8", "ulimit -f 40"),
        *(pytest.param(f"ulimit -n {n}", marks=pytest.mark.long) for n in (6, 10, 12, 14, 16, 20, 24)),
        *(pytest.param(f"ulimit -f {n}", marks=pytest.mark.long) for n in (0, 1, 2, 8, 20, 80, 160)),
        pytest.param("ulimit -n 12 -f 20", marks=pytest.mark.long),
    ],
)
def test_a_limit_ends_a_run_in_words_or_does_not_matter(
    sounds: Path, tiny: models.Model, tmp_path: Path, meant: dict[str, bytes], limits: str
) -> None:
    """Open files, blocks of 512 bytes: from too few for anything to enough for some of it."""
    command = words(sounds, tiny, tmp_path / "out")
    done = limited(limits, *command, env={**os.environ, "BIRDFAST_CACHE": str(tmp_path / "cache")})
    assert done.returncode in MEANT, done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == exits.SOME_FAILED or "birdfast: " in done.stderr
    assert ran(*command).returncode == exits.SOME_FAILED
    assert contents(tmp_path / "out") == meant


@pytest.mark.parametrize("place", ["gone", "/proc", "full of our names"])
def test_any_working_folder_will_do(
    sounds: Path, tiny: models.Model, tmp_path: Path, meant: dict[str, bytes], place: str
) -> None:
    """One that was removed beneath us; one where nobody may write; one whose files are called as modules."""
    folder = Path(place) if place.startswith("/") else tmp_path / "here"
    folder.mkdir(exist_ok=True)
    go = f"cd {shlex.quote(str(folder))}"
    if place == "gone":
        go += f" && rmdir {shlex.quote(str(folder))}"
    elif place != "/proc":
        for name in (
            "numpy",
            "birdfast",
            "soundfile",
            "sqlite3",
            "socket",
            "random",
            "json",
            "ai_edge_litert",
        ):
            (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r})\n")
        (folder / "journal.sqlite").write_text("not yours")
    command = [str(Path(sys.executable).with_name("birdfast")), *words(sounds, tiny, tmp_path / "out")[3:]]
    done = limited(go, *command)
    assert done.returncode == exits.SOME_FAILED, done.stderr
    assert contents(tmp_path / "out") == meant
    assert not (tmp_path / "ran").exists()


def test_a_relative_path_in_a_folder_that_is_gone_is_refused_in_words(
    tiny: models.Model, tmp_path: Path
) -> None:
    gone = shlex.quote(str(tmp_path / "gone"))
    go = f"mkdir {gone} && cd {gone} && rmdir ../gone || exit"  # else it would run where the tests do
    for where in (["a.wav", "-o", str(tmp_path / "out")], [".", "-o", "out"]):
        done = limited(
            go,
            str(Path(sys.executable).with_name("birdfast")),
            "infer",
            *where,
            "--model",
            str(tiny.path.parent),
        )
        assert done.returncode in (exits.USAGE, exits.OUTPUT, exits.NONE_WORKED), done.stderr
        assert "birdfast: " in done.stderr
        assert "Traceback" not in done.stderr


def test_all_streams_closed_at_once_decide_nothing(
    sounds: Path, tiny: models.Model, tmp_path: Path, meant: dict[str, bytes]
) -> None:
    done = limited("exec <&- >&- 2>&-", *words(sounds, tiny, tmp_path / "out"))
    assert (done.returncode, done.stdout, done.stderr) == (exits.SOME_FAILED, "", "")
    assert contents(tmp_path / "out") == meant


@pytest.mark.parametrize("stop", [signal.SIGTSTP, pytest.param(signal.SIGSTOP, marks=pytest.mark.long)])
def test_a_group_that_is_stopped_again_and_again_goes_on_where_it_was(
    sounds: Path, tiny: models.Model, tmp_path: Path, meant: dict[str, bytes], stop: signal.Signals
) -> None:
    """As Ctrl-Z, a scheduler that suspends jobs, and a laptop's lid do."""
    command = words(sounds, tiny, tmp_path / "out")
    with started(*command, start_new_session=True, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            time.sleep(0.1)
            for number in (stop, signal.SIGCONT):
                if process.poll() is None:
                    os.killpg(process.pid, number)
                    time.sleep(0.05)
    assert process.returncode == exits.SOME_FAILED
    assert contents(tmp_path / "out") == meant


@pytest.mark.parametrize("kind", ["tiny", "stsg"])
def test_a_network_that_is_replaced_in_mid_run_is_refused_or_the_one_that_was_meant(
    sounds: Path, request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    """Its files change again and again; no table has scores of both."""
    whole = request.getfixturevalue(kind).path.parent
    shutil.copytree(whole, tmp_path / "model")
    model, out = models.find(tmp_path / "model"), tmp_path / "out"
    changing = next((tmp_path / "model").glob("*.tflite" if kind == "tiny" else "layer0_weight.npy"))
    right = changing.read_bytes()
    wrong = bytearray(right)
    wrong[-8:] = np.float32([2.5, -2.5]).tobytes() if kind == "stsg" else wrong[-8:][::-1]
    command = words(sounds, model, out)
    assert ran(*command).returncode == exits.SOME_FAILED
    before = contents(out)
    shutil.rmtree(out)
    with started(*command, stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            for data in (wrong, right):
                changing.with_suffix(".new").write_bytes(data)
                changing.with_suffix(".new").replace(changing)
                time.sleep(0.02)
        said = process.stderr.read().decode()
    assert process.returncode in MEANT, said
    assert "Traceback" not in said
    if process.returncode == exits.SOME_FAILED:
        assert contents(out) == before or b"replaced or changed" in (out / "failures.csv").read_bytes()
    else:
        assert "changed" in said
    changing.write_bytes(right)
    assert ran(*command, "--force").returncode == exits.SOME_FAILED
    assert contents(out) == before


def test_eight_streams_of_one_model_in_eight_threads_say_what_each_says_alone(stsg: models.Model) -> None:
    session, start = open_session(stsg), threading.Barrier(N_THREADS)
    sounds = [noise(20_000 + 777 * number, seed=number)[:, 0] for number in range(N_THREADS)]

    def heard(number: int) -> list[tuple[int, bytes, bytes]]:
        stream, found = session.stream(1_000 + number), []
        for first in range(0, len(sounds[number]), 333):
            said = stream.push(sounds[number][first : first + 333])
            found += [(at, np.array(logits).tobytes(), np.array(rest).tobytes()) for at, logits, rest in said]
        return found

    meant = [heard(number) for number in range(N_THREADS)]
    assert all(len(one) > 10 for one in meant)

    def together(number: int) -> list[object]:
        start.wait()
        return [heard(number) for _ in range(3)]

    with ThreadPoolExecutor(N_THREADS) as threads:
        assert [*threads.map(together, range(N_THREADS))] == [[one] * 3 for one in meant]
