"""The benchmarks run, once and tiny, without the peers; their figures get into the README by themselves."""

from __future__ import annotations

import importlib
import os
import re
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from birdfast import _kernels

from .commands import ran

BENCH = Path(__file__).parents[1] / "bench"
PEERS = ("librosa", "faiss", "gensim")
REASONS = (
    r"(librosa|faiss|gensim) is not installed: pip install '\.\[bench\]'",
    r"(openvino|numba) is not installed: pip install '\.\[\w+\]'",
    "a model is trained: pip install '.[train]'",
    "birdnet runs BirdNET alone, which is not opened where nothing is timed",
)
OUTSIDERS = """
def test_mine(log_mel, quoted):
    assert quoted(log_mel, lambda: log_mel.samples[:: log_mel.hop_samples].sum()) != 0
"""


def suite(folder: Path, *arguments: object) -> str:
    """Run the suite where the peers are not installed, and return what was said."""
    for name in PEERS:
        (folder / f"{name}.py").write_text(f"raise ModuleNotFoundError({name!r}, name={name!r})\n")
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--benchmark-disable", *arguments)
    done = ran(*command, cwd=BENCH.parent, env={**os.environ, "PYTHONPATH": str(folder)})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    return suite(tmp_path_factory.mktemp("peers"), "bench", "-v")


def test_each_benchmark_runs_once_or_says_why_not(said: str) -> None:
    for job in ("decode", "detect", "kmeans", "log_mel", "nearest", "push", "resample", "window"):
        assert re.search(rf"::test_{job}\[\S+ PASSED", said), f"none of {job} ran"
    why = re.findall(r"SKIPPED \[\d+\] \S+: (.*)", said)
    assert [reason for reason in why if not any(re.match(one, reason) for one in REASONS)] == []


def test_peers_that_are_not_installed_are_skipped_with_a_word(said: str) -> None:
    for name in PEERS:
        assert f"{name} is not installed: pip install '.[bench]'" in said


def test_what_is_measured_on_is_said_first(said: str) -> None:
    assert re.search(r"^processor: \S.*\nkernels: .*scalar.*\nnumpy \d", said, re.MULTILINE)


def test_what_people_quote_comes_with_a_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    jobs = importlib.import_module("birdfast_jobs.job")
    stats = SimpleNamespace(median=0.5, mean=0.25, max=3.0, sorted_data=[0.125] * 99 + [3.0])
    whole = jobs.Job(group="", audio_s=120, frames=7_497, limit="all of it", limit_s=0.25)
    assert whole.quotes(stats) == {
        "audio_s_per_s": 240,
        "frames_per_s": 14_994,
        "limit": "all of it",
        "share_of_limit": 0.5,
    }
    assert jobs.Job(group="").quotes(stats) == {}
    made = dict.fromkeys(("model", "named", "rate_hz", "blocks", "window_samples"))
    pushed = jobs.PushJob(group="", audio_s=0.5, **made)
    assert pushed.quotes(stats) == {"share_of_core": 0.5, "p99_ms": 125.0, "max_ms": 3000.0}


def test_whole_windows_have_all_samples_that_were_pushed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of a block in which one window ends and the next one begins."""
    monkeypatch.syspath_prepend(str(BENCH))
    pushes = importlib.import_module("test_push")
    session = SimpleNamespace(run=lambda window: window.tolist())
    monkeypatch.setattr(pushes, "open_session", lambda *_, **__: session)
    push = pushes.whole_windows(SimpleNamespace(model=None, window_samples=5))
    sound = np.arange(21, dtype=np.float32)
    said = [one for first in range(0, 21, 7) for one in push(sound[first : first + 7])]
    assert np.ravel(said).tolist() == list(range(20))


def test_others_time_their_own_in_our_groups(tmp_path: Path) -> None:
    """As birdfast_jobs says it."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "pytest.ini").write_text(f"[pytest]\npythonpath = {BENCH}\n")
    (mine / "conftest.py").write_text('pytest_plugins = ["birdfast_jobs"]\n')
    (mine / "test_mine.py").write_text(OUTSIDERS)
    for places in ((mine,), (BENCH, mine / "test_mine.py")):
        assert "test_mine[2048] PASSED" in suite(tmp_path, *places, "-v", "-k", "test_mine")


def readme() -> dict[str, Any]:
    return runpy.run_path(str(BENCH / "readme_table.py"))


def test_every_figure_of_the_readme_is_of_a_benchmark(said: str) -> None:
    made = readme()
    _, _, rest = (BENCH / "README.md").read_text(encoding="utf-8").partition(made["BEGIN"])
    table, end, _ = rest.partition(made["END"])
    assert end
    there = set(re.findall(r"::(test_\S+\])", said))
    rows = [line.split(" | ") for line in table.splitlines() if "`test_" in line]
    assert rows
    for _, name, ours, kernels, others, *_ in rows:
        ways = [re.findall(r"\((\S+)\)", ours)[0]]
        ways += [one.split()[0] for one in f"{kernels}, {others}".split(", ") if one.strip()]
        for way in ways:
            full = name.strip("`").replace("...]", f"{way}]")
            assert full in there or way.startswith("avx"), f"{full}: there is no such benchmark"


def test_every_script_that_the_readme_names_is_there() -> None:
    text = (BENCH / "README.md").read_text(encoding="utf-8")
    listed = [line for line in text.splitlines() if line.startswith("| `") and ".py`" in line]
    names = re.findall(r"bench/(\w+\.py)", text) + re.findall(r"`(\w+\.py)`", "\n".join(listed))
    assert names
    assert [name for name in names if not (BENCH / name).exists()] == []


def benchmark(name: str, way: str, median: float, **quotes: object) -> dict[str, Any]:
    stats = {"median": median, "mean": 2 * median}
    fullname = f"test_{name}.py::test_{name}[a-{way}]"
    return {
        "name": fullname.partition("::")[2],
        "fullname": fullname,
        "group": f"a {name}",
        "params": {"way": way},
        "stats": stats,
        "extra_info": quotes,
    }


def test_a_table_has_a_row_a_group_and_times_of_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    report = {
        "machine_info": {"processor": "A CPU", "versions": "numpy 2", "kernels": ["avx2", "scalar"]},
        "datetime": "2026-01-02T03:04:05",
        "benchmarks": [
            benchmark("push", "avx2", 1e-6, share_of_core=0.01, p99_ms=0.5, max_ms=2.0),
            benchmark("push", "live", 3e-6, share_of_core=0.03, p99_ms=0.7, max_ms=3.0),
            benchmark("mel", "avx2", 0.0053, audio_s_per_s=22_641.5, share_of_limit=0.7),
            benchmark("mel", "scalar", 0.0265),
            benchmark("mel", "librosa", 0.083),
        ],
    }
    made = readme()
    told, _, head, _, *rows = made["table"](report).splitlines()
    assert told == "A CPU; numpy 2; 2026-01-02."
    assert head.count("|") == 8
    assert rows == [
        "| a mel | `test_mel[a-...]` | 5.3 ms (avx2) | scalar 5x | librosa 15.7x | 22,642 s of sound | 70% |",
        "| a push | `test_push[a-...]` | 2 us (avx2) |  | live 3x |  |"
        " 1.00% of a core, p99 500 us, slowest 2 ms |",
    ]
    theirs = {**report, "benchmarks": [benchmark("push", "window-by-window", 1e-6)]}
    assert made["table"](theirs).count("\n") == 3, "nobody else's figure stands as ours"
    assert "left out: a push: birdfast's own way did not run" in capsys.readouterr().err
    late = {**report, "benchmarks": [*theirs["benchmarks"], benchmark("push", "avx2", 2e-6)]}
    assert "| 2 us (avx2) |  | window-by-window 0.5x |" in made["table"](late)
    anew = {**report, "benchmarks": [benchmark("mel", "librosa", 0.053)]}
    assert "librosa 10x" in made["table"](made["joined"]([report, anew]))
    elsewhere = {**report, "machine_info": {**report["machine_info"], "processor": "Another"}}
    with pytest.raises(SystemExit, match="different processors"):
        made["joined"]([report, elsewhere])
    text = f"before\n{made['BEGIN']}\nold\n{made['END']}\nafter\n"
    assert made["replaced"](text, "new") == f"before\n{made['BEGIN']}\n\nnew\n\n{made['END']}\nafter\n"
    with pytest.raises(SystemExit, match="there is no"):
        made["replaced"]("no marks", "new")


def test_a_run_by_itself_is_timed_on_every_table_of_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """`pytest bench` is not switched off by the tests' settings, and times what this CPU has."""
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        monkeypatch.delenv(name)  # of a worker of these tests, which times nothing
    command = (sys.executable, "-m", "pytest", "bench", "--benchmark-only", "--collect-only", "-q")
    done = ran(*command, "-p", "no:cacheprovider", cwd=BENCH.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in _kernels.cpu_tables():
        assert f"test_log_mel[2048-{name}]" in done.stdout
