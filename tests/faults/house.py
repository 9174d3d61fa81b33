"""A small house with all that four commands need, and what they may come to when something fails."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from birdfast.cli import exits
from birdfast.journal import NAME

from .. import networks
from ..commands import LIMIT_S, ran
from ..recordings import noise, song, write
from .preload import OURS
from .warm import MODULES, Warm

JOBS = ("infer", "merge", "train", "optimize")
RECIPE = "window_s = 0.5\n[codebook]\nn_centroids = 8\nn_components = 0\n[skipgram]\nepochs = 1\ndim = 4\n"
MEANT = (exits.FINE, exits.SOME_FAILED, exits.NONE_WORKED, exits.USAGE, exits.OUTPUT)
MARK = "FAILING_HOUSE"  # in the environment of all that is started here
FINISHED = "holds a finished model"  # what a training says that has nothing left to do
LAST_WORDS = ("OpenBLAS error", "jemalloc")
CRASHES = (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGILL, -signal.SIGFPE)
HUNG = -signal.SIGALRM  # as which that counts what did not end
GRACE_S = 10.0


def of_a_library(done: subprocess.CompletedProcess[str]) -> str:
    """Return the words with which a library ended the program for want of memory; empty where none did."""
    said = (words for words in LAST_WORDS if words in done.stderr)
    return next(said, "") if done.returncode == 1 else ""


def deaths(crash: str) -> tuple[int, ...]:
    """Return as what a command may end in which somebody's code crashed (`Preload.crash`): not in ours."""
    return CRASHES if crash not in ("", OURS) else ()


class House:
    """Recordings, networks, shards and clips in a folder, and four commands on them.

    Parameters
    ----------
    folder : path
        Empty. `work` in it is where all lies that the commands read and write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.work, self.said = folder, folder / "work", folder / "said"
        self.warmth: Warm | None = None
        self.out, self.cache, self.tmp = (self.work / name for name in ("out", "cache", "tmp"))
        for name in ("in", "tiny", "cache", "tmp"):
            (self.work / name).mkdir(parents=True)
        for number in range(3):
            write(self.work / f"in/{number}.wav", noise(12_000, seed=number), 8_000)
        networks.write_folder(self.work / "tiny")
        for kind in ("whistle", "rattle"):
            (self.work / "clips" / kind).mkdir(parents=True)
            for number in range(2):
                write(self.work / f"clips/{kind}/{number}.wav", song(kind, number)[:, None], 32_000)
        (self.work / "small.toml").write_text(RECIPE)
        for number in (1, 2):
            shard = [*self._infer(), "--shard", f"{number}/2", "-o", self.work / f"shard{number}"]
            assert self.ran(shard).returncode == exits.FINE
        self.kept = folder / "kept"
        shutil.copytree(self.cache, self.kept)

    def _infer(self) -> list[object]:
        how = ["--min-conf", "0", "--rtype", "csv,parquet,scores", "--workers", "1"]
        return ["infer", self.work / "in", "--model", self.work / "tiny", *how]

    def command(self, job: str, after: int = exits.FINE) -> list[object]:
        """Return a command, and behind one that ended so: what failed is heard again."""
        return {
            "infer": [*self._infer(), "-o", self.out, *["--retry"] * (after != exits.FINE)],
            "merge": ["merge", *(self.work / f"shard{n}" for n in (1, 2)), "-o", self.out],
            "train": [
                *("train", self.work / "clips", "-o", self.out, "--preset", "paper", "--workers", "1"),
                *("--recipe", self.work / "small.toml"),
                *["--force"] * (after == exits.SOME_FAILED),  # a model is there, of the other clips
            ],
            "optimize": [
                "optimize",
                self.work / "tiny/tiny.tflite",
                "--portable",
                "-o",
                self.out / "fast.tflite",
            ],
        }[job]

    def fresh(self, job: str) -> None:
        """Put everything back to where a job begins; networks are known, but where that is the job."""
        for folder in (self.out, self.cache, self.tmp):
            shutil.rmtree(folder, ignore_errors=True)
        self.tmp.mkdir()
        if job == "optimize":
            self.cache.mkdir()
            self.out.mkdir()
        else:
            shutil.copytree(self.kept, self.cache)

    def ran(
        self,
        command: list[object],
        n_bytes: int = resource.RLIM_INFINITY,
        limit_s: float = LIMIT_S,
        **more: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of birdfast in so much memory, with more in its environment; what hangs is `HUNG`."""
        words = [*map(str, command)]
        self.said.write_bytes(b"")
        try:
            code, hung = self._code(words, n_bytes, limit_s, more), ""
        except subprocess.TimeoutExpired as error:
            code, hung = HUNG, "\n".join([f"did not end in {limit_s:g} s", *error.__notes__, ""])
        return subprocess.CompletedProcess(words, code, "", hung + self.said.read_text())

    def _code(self, words: list[str], n_bytes: int, limit_s: float, more: dict[str, str]) -> int:
        places = {"BIRDFAST_CACHE": str(self.cache), "TMPDIR": str(self.tmp), MARK: str(self.folder)}
        if self.warmth is not None and n_bytes == resource.RLIM_INFINITY:
            return self.warmth.ran(words, {**places, **more}, self.said, limit_s)
        with self.said.open("a") as said:
            return ran(
                *(sys.executable, "-m", "birdfast", *words),
                limit_s=limit_s,
                env={**os.environ, "OMP_NUM_THREADS": "1", **places, **more},
                stdout=said, stderr=said, stdin=subprocess.DEVNULL,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes)),
            ).returncode  # fmt: skip

    @contextmanager
    def warm(self, library: Path, job: str) -> Iterator[None]:
        """Let a warm process run commands meanwhile, which has all modules that a job imports."""
        names = self.folder / "modules"
        with Warm(library, []) as self.warmth:
            self.fresh(job)
            assert self.ran(self.command(job), **{MODULES: str(names)}).returncode == exits.FINE
        with Warm(library, json.loads(names.read_text())) as self.warmth:
            yield
        self.warmth = None

    def tables(self) -> dict[str, bytes]:
        """Return what a command left, but for its journal, and the stages that a training goes on from."""
        files = [path for path in self.out.rglob("*") if path.is_file() and path.suffix != ".part"]
        names = {str(path.relative_to(self.out)): path for path in files}
        return {
            name: path.read_bytes()
            for name, path in sorted(names.items())
            if not path.name.startswith(NAME) and not name.startswith("stages/")  # SQLite may leave its log
        }

    def wrong(
        self,
        job: str,
        peace: dict[str, bytes],
        done: subprocess.CompletedProcess[str],
        may_end: Collection[int] = (),
        crash: str = "",
    ) -> str:
        """Return what is not as it has to be of a command in which something failed, and of the next one.

        Besides the exit codes of the contract it may end with those of `may_end`, and as a crash in a library
        ends it. Where our own code crashed that is wrong, also in a worker whose files were heard again.
        """
        if crash == OURS:
            return f"our own code crashed (exit code {done.returncode}): {done.stderr[-600:]}"
        found = [*self._of_first(done, {*MEANT, *may_end, *deaths(crash)})]
        if found:
            return "; ".join(found)
        if done.returncode == exits.FINE:
            differing = self._differing(peace)
            return (
                f"says that all is fine, and its tables differ: {', '.join(differing)}" if differing else ""
            )
        return self.wrong_next(job, peace, done.returncode)

    def wrong_next(self, job: str, peace: dict[str, bytes], after: int = exits.UNFINISHED) -> str:
        """Return what is not as it has to be of the same command, run again in peace."""
        again = self.ran(self.command(job, after))
        if again.returncode != exits.FINE and FINISHED not in again.stderr:
            return f"the next run ends with {again.returncode}: {again.stderr[-900:]}"
        differing = self._differing(peace)
        is_ours = job != "optimize"  # its file lies in a folder of the user's, which nobody tidies
        litter = sorted(path.name for path in self.out.rglob("*.part") if is_ours)
        found = {"the next run's differ": differing, "stays behind": litter}
        return "; ".join(f"{what}: {', '.join(names)}" for what, names in found.items() if names)

    def _differing(self, peace: dict[str, bytes]) -> list[str]:
        tables = self.tables()
        return sorted(name for name in {*tables, *peace} if tables.get(name) != peace.get(name))

    def _of_first(self, done: subprocess.CompletedProcess[str], meant: Collection[int]) -> Iterator[str]:
        if done.returncode == HUNG:
            yield done.stderr
        elif done.returncode not in meant and not of_a_library(done):
            yield f"exit code {done.returncode}: {done.stderr[-600:]}"
        if "Traceback" in done.stderr and done.returncode not in CRASHES:
            yield f"a traceback (exit code {done.returncode}): {done.stderr[-1500:]}"
        elif done.returncode > 0 and not done.stderr.strip():
            yield f"exit code {done.returncode} without a word"
        if left := self.left():
            yield f"left behind: {left}"

    def left(self) -> list[psutil.Process]:
        """Return processes that still live; they are killed."""
        until = time.monotonic() + GRACE_S
        while (left := [*self._living()]) and time.monotonic() < until:
            time.sleep(0.05)
        for process in left:
            process.kill()
        return left

    def _living(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            try:
                is_ours = process.environ().get(MARK) == str(self.folder)
                if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                    yield process
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                pass
