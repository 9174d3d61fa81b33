"""Every call may fail, and the power may go: a sample of bench/faults.py, and that it does what is meant."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast import errors
from birdfast.children import PACKAGE
from birdfast.errors import ConfigError, ModelError, OutputError
from birdfast.journal import MERGED, NAME
from birdfast.runs.output import merged_from, sign, telling
from birdfast.workers import process

from .commands import ran
from .faults.house import HUNG, House
from .faults.powerloss import Disk, Entry, entries
from .faults.preload import HALF, KILL, OURS, Fault, Preload, compiler, culprit
from .faults.warm import Warm
from .recordings import noise, write

BENCH = Path(__file__).parents[1] / "bench" / "faults.py"
needs_compiler = pytest.mark.skipif(
    compiler() is None, reason="what is preloaded is compiled by a C compiler"
)

# Writes and renames a file, lists the folder, and has a child read it, in this order.
PROGRAM = """
import os, subprocess, sys
os.chdir(sys.argv[1])
with open("a.new", "wb", buffering=0) as file:
    written = file.write(b"12345678")
    os.fsync(file.fileno())
os.rename("a.new", "a")
os.listdir()
print(written, flush=True)
subprocess.run([sys.executable, "-c", "print(open('a').read())"], check=True)
os.unlink("a")
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def preload(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Preload:
    return Preload(tmp_path_factory.mktemp("library"), str(work))


@needs_compiler
@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (Fault("open", 1, 13), 1, "PermissionError: [Errno 13] Permission denied: 'a.new'"),
        (Fault("open", 2, 5), 1, "OSError: [Errno 5] Input/output error: 'a'"),
        (Fault("write", 1, 28), 1, "OSError: [Errno 28] No space left on device"),
        (Fault("write", 1, HALF), 0, ""),
        (Fault("sync", 1, 5), 1, "OSError: [Errno 5] Input/output error"),
        (Fault("rename", 1, KILL), -signal.SIGKILL, ""),
        (Fault("fork", 1, 11, ever=True), 1, "BlockingIOError: [Errno 11] Resource temporarily unavailable"),
        (Fault("read", 1, KILL), 1, "died with <Signals.SIGKILL: 9>"),
        (Fault("unlink", 1, 5), 1, "OSError: [Errno 5] Input/output error: 'a'"),
        (Fault("unlink", 2, 5), 0, ""),
    ],
    ids=str,
)
def test_the_call_fails_that_is_meant(
    preload: Preload, work: Path, fault: Fault, code: int, said: str
) -> None:
    environment = {**os.environ, **preload.environment(fault)}
    done = ran(sys.executable, "-c", PROGRAM, work, env=environment)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert bool(preload.struck()) == (fault.number <= preload.counts()[fault.kind])
    if fault.how == HALF:
        assert done.stdout.split() == ["4", "1234"]


@needs_compiler
def test_what_a_warm_process_becomes_is_the_command_of_a_shell(
    preload: Preload, work: Path, tmp_path: Path
) -> None:
    """It makes the same calls, which fail as they would, and says the same."""
    command, said = ["merge", str(work / "none"), "-o", str(work / "out")], tmp_path / "said"

    def ended(code: int, told: str) -> tuple[int, str, dict[str, int]]:
        shutil.rmtree(work / "out", ignore_errors=True)
        return code, told, preload.counts() | {"thread": 0}  # which an import may start

    found = set()
    with Warm(preload.library, ["birdfast.cli.merge"]) as warm:
        for fault in (None, Fault("stat", 1, 13), Fault("stat", 1, KILL)):
            environment = preload.environment(fault)
            done = ran(sys.executable, "-m", "birdfast", *command, env={**os.environ, **environment})
            meant = ended(done.returncode, done.stderr)
            said.write_text("")
            code = warm.ran(command, preload.environment(fault), said, 600)
            assert ended(code, said.read_text()) == meant
            found.add(code)
    assert -signal.SIGKILL in found
    assert len(found) > 1


@needs_compiler
def test_memory_that_is_refused_ends_what_asked_for_it(preload: Preload, work: Path) -> None:
    program = "import os; print(len(bytearray(100_000)))"
    refusing = Preload(preload.library.parent, "allocation")
    done = ran(sys.executable, "-c", program, env={**os.environ, **refusing.environment()})
    assert (done.returncode, done.stdout) == (0, "100000\n")
    last = refusing.counts()["alloc"]
    ends = []
    for number in range(max(1, last - 12), last + 1):
        how = refusing.environment(Fault("alloc", number, 12))
        ends.append(ran(sys.executable, "-c", program, env={**os.environ, **how}))
    assert any("MemoryError" in done.stderr for done in ends)


@pytest.mark.starts
def test_what_does_not_end_is_killed_and_told_with_what_it_was_at(tmp_path: Path) -> None:
    house = House(tmp_path)
    done = house.ran(["--version"], limit_s=0.001)
    assert done.returncode == HUNG
    told = house.wrong("infer", {}, done, may_end=[-signal.SIGKILL])
    assert "did not end in 0.001 s" in told
    assert "-m birdfast --version" in told
    assert "thread " in told


@needs_compiler
@pytest.mark.parametrize("kind", ["read", "open"])
@pytest.mark.parametrize("suffix", ["wav", "cut.wav", "told.wav", "flac", "ogg", "aiff", "caf", "mp3"])
def test_a_recording_that_cannot_be_read_is_an_error_and_never_less_sound(
    preload: Preload, work: Path, suffix: str, kind: str
) -> None:
    """Whichever call fails, what is heard is what is there, or it is said that it could not be read."""
    path = write(work / f"song.{suffix}", noise(12_000), 8_000)
    if suffix == "cut.wav":  # as a recorder leaves it whose battery is empty: it is read piece by piece
        path.write_bytes(
            path.read_bytes()[:4] + bytes(4) + path.read_bytes()[8:40] + bytes(4) + bytes(20_000)
        )
    if suffix == "told.wav":
        said = b"guan" + struct.pack("<I", 14) + b"Make: Recorder"
        data = path.read_bytes() + said
        path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:])
    environment = {**os.environ, **preload.environment()}
    done = ran(sys.executable, "-m", "tests.faults.reading", kind, path, preload.state, env=environment)
    (_, undisturbed), *tried = (json.loads(line) for line in done.stdout.splitlines())
    assert len(tried) > 0
    assert ("Recorder" in undisturbed[1]) == (suffix == "told.wav")
    others = [found for _, found in tried if found != undisturbed]
    told = {text for text, *more in others if not more}
    if suffix == "mp3":  # its decoder keeps the reason to itself
        told -= {text for text in told if text.startswith(f"{path}: decoding failed at ")}
    assert all(len(found) == 1 for found in others), others
    assert told == {f"{path}: input/output error"}
    assert suffix == "mp3" or not done.stderr


@pytest.mark.parametrize(
    ("stack", "whose"),
    [
        (["/lib/libc.so.6\tmemcpy", f"{PACKAGE}/_kernels.so\t", "/lib/libpython3.11.so\tcall"], OURS),
        (["/lib/libpython3.11.so\t_PyErr_NoMemory", "/numpy/_umath.so\t"], "_umath.so"),
        (
            ["/lib/libpython3.11.so\tcall", "/lib/libpython3.11.so\t_PyEval_EvalFrameDefault"],
            "libpython3.11.so",
        ),
        (["/lib/libc.so.6\tabort", "/lib/libstdc++.so.6\t", "/llvmlite/libllvmlite.so\t"], "libllvmlite.so"),
        (["\t", "/lib/libpython3.11.so\t_PyEval_EvalFrameDefault"], OURS),
        (["/lib/libc.so.6\tmemcpy"], OURS),
    ],
    ids=["ours", "without Python's lock", "Python's", "thrown", "compiled just now", "a stack too short"],
)
def test_who_answers_for_a_crash(stack: list[str], whose: str) -> None:
    assert culprit(stack) == whose


@needs_compiler
def test_a_crash_is_told_by_name(preload: Preload, work: Path) -> None:
    """Also one in a process's child; and an end in words is none."""
    program = "import os, subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    found = {}
    for word in ("import os; os.abort()", "import ctypes; ctypes.string_at(0)", "raise SystemExit(3)"):
        done = ran(sys.executable, "-c", program, word, env={**os.environ, **preload.environment()})
        assert done.returncode == 0
        found[word.split()[-1].split(".")[0]] = preload.crash().split(".")[0].rstrip("0123456789")
    assert found["os"].removeprefix("lib") == "python"
    assert found["ctypes"].startswith(("_ctypes", "libffi"))
    assert found["SystemExit(3)"] == ""


def test_a_crash_of_a_library_is_an_end_and_one_of_ours_never(tmp_path: Path) -> None:
    house = House.__new__(House)
    house.folder, house.out = tmp_path, tmp_path
    died = subprocess.CompletedProcess([], -signal.SIGSEGV, "", "")
    heard = subprocess.CompletedProcess([], 0, "", "")
    house.wrong_next = lambda *_: ""  # type: ignore[method-assign]
    assert house.wrong("train", {}, died, crash="libllvmlite.so") == ""
    assert "exit code -11" in house.wrong("train", {}, died), "nobody knows whose it was"
    assert "our own code crashed" in house.wrong("train", {}, died, crash=OURS)
    assert "our own code crashed" in house.wrong("infer", {}, heard, crash=OURS), "in a worker"


@needs_compiler
def test_what_is_written_is_written_down(preload: Preload, work: Path) -> None:
    environment = {**os.environ, **preload.environment(is_logged=True)}
    assert ran(sys.executable, "-c", PROGRAM, work, env=environment).returncode == 0
    found = entries(preload.log.read_bytes())
    assert "".join(entry.what for entry in found) == "CWSRU"
    assert len({entry.inode for entry in found[:3]}) == 1
    assert found[1].bytes == b"12345678"
    assert (found[3].one, found[3].other) == (f"{work}/a.new", f"{work}/a")
    counts = preload.counts()
    assert {kind: counts[kind] for kind in ("open", "sync", "rename", "fork")} == {
        "open": 2, "sync": 1, "rename": 1, "fork": 1,
    }  # fmt: skip


def replaced(folder: Path, is_synced: bool) -> list[Entry]:
    """What an atomic file does, with and without what makes it one."""
    old, new = str(folder / "a"), str(folder / "a.new")
    made = [Entry("C", -1, 0, new, "", b""), Entry("W", -1, 0, "", "", b"new" * 5_000)]
    synced = [Entry("S", -1, 0, new, "", b"")]
    named = [Entry("R", 0, 0, new, old, b""), *[Entry("S", 1, 0, str(folder), "", b"")] * is_synced]
    return [*made, *synced * is_synced, *named]


def test_what_was_brought_to_the_disk_is_there_and_the_rest_may_be(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "a").write_bytes(b"old")
    disk, found = Disk([folder]), {True: set(), False: set()}
    for is_synced, seen in found.items():
        for seed in range(60):
            disk.cut(replaced(folder, is_synced), random.Random(seed))
            seen.add((folder / "a").read_bytes())
    whole = b"new" * 5_000
    assert found[True] == {whole}
    assert {b"old", b"", whole} < found[False], "and what is torn"


@given(moment=st.integers(0, 5), seed=st.integers(0, 1_000))
def test_an_atomic_file_is_the_old_one_or_the_new(
    tmp_path_factory: pytest.TempPathFactory, moment: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("out")
    (folder / "a").write_bytes(b"old")
    Disk([folder]).cut(replaced(folder, True)[:moment], random.Random(seed))
    assert (folder / "a").read_bytes() in (b"old", b"new" * 5_000)


# ---- what was found


def test_a_merge_that_was_killed_leaves_no_half_of_its_sign(tmp_path: Path) -> None:
    half = tmp_path / f".{MERGED}.a1_b.part"
    half.touch()
    sign(tmp_path, "merge", [])
    assert [path.name for path in tmp_path.iterdir()] == [MERGED]


def test_a_merge_knows_its_folders_whatever_their_names_are(tmp_path: Path) -> None:
    names = ["/a b", "/w\x0c1\n2", "/u\u2028v", "/r\rx", "/\udcff", '/"quoted"']
    sign(tmp_path, "merge", map(Path, names))
    assert merged_from(tmp_path) == names


@needs_compiler
def test_a_new_folder_has_its_name_after_a_power_cut(preload: Preload, work: Path) -> None:
    program = (
        "import sys, pathlib; from birdfast import atomicfile as a; a.make_folder(pathlib.Path(sys.argv[1]))"
    )
    environment = {**os.environ, **preload.environment(is_logged=True)}
    assert ran(sys.executable, "-c", program, work / "new/output", env=environment).returncode == 0
    found = [(entry.what, entry.one) for entry in entries(preload.log.read_bytes())]
    assert [one for one in found if one[0] == "M"] == [("M", f"{work}/new"), ("M", f"{work}/new/output")]
    assert {("S", f"{work}"), ("S", f"{work}/new")} <= {*found[2:]}


def test_a_folder_that_cannot_be_asked_about_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise PermissionError(13, "Permission denied", str(tmp_path / "out"))

    with (
        pytest.raises(OutputError, match="cannot be written"),
        monkeypatch.context() as patch,
        telling(tmp_path / "out"),
    ):
        patch.setattr(os, "stat", refuse)
        refuse()


def test_all_that_a_worker_says_of_a_model_is_known_to_its_parent() -> None:
    of_models = {
        one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, ModelError)
    }
    assert {*process.ERRORS.values()} == {ConfigError, *of_models}


def test_all_that_a_command_leaves_is_compared_but_what_it_goes_on_from(tmp_path: Path) -> None:
    house = House.__new__(House)
    house.out = tmp_path
    (tmp_path / "stages").mkdir()
    for name in ("model.toml", "centroids.npy", "clips.csv.part", "stages/0.npy", NAME):
        (tmp_path / name).write_text(name)
    assert house.tables() == {name: name.encode() for name in ("centroids.npy", "model.toml")}


# ---- the whole


@needs_compiler
@pytest.mark.long
@pytest.mark.parametrize(
    ("job", "how"),
    [("infer", ["--sample", "5"]), ("train", ["--sample", "3"]), ("merge", ["--power", "5"])],
    ids=["infer", "train", "merge"],
)
def test_a_command_ends_in_words_and_the_next_one_with_the_same_bytes(job: str, how: list[str]) -> None:
    done = ran(sys.executable, BENCH, "--jobs", job, *how)
    assert done.returncode == 0, done.stdout + done.stderr
