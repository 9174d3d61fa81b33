"""What breaks readers, and what they have to read: tests/corpus, as bench/fuzzing found it (`make fuzz`)."""

from __future__ import annotations

import random
import runpy
import tracemalloc
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[1] / "bench"
TARGETS = runpy.run_path(str(BENCH / "fuzzing" / "targets.py"))["TARGETS"]
MUTATED = runpy.run_path(str(BENCH / "fuzz.py"))["mutated"]
CORPUS = Path(__file__).parent / "corpus"
MOST_BYTES = 1 << 26  # of memory for a file of some thousand; a FLAC's finder holds blocks of a megabyte
N_MUTANTS = 8  # of each


def inputs(name: str) -> list[Path]:
    return sorted((CORPUS / name).iterdir())


def test_every_target_has_a_corpus_and_none_is_left_over() -> None:
    assert {path.name for path in CORPUS.iterdir() if path.is_dir() and path.name[0] != "_"} == {*TARGETS}


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_a_file_holds_only_our_errors_come_out_in_bounded_memory(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    target.prepare(tmp_path)
    target.attempt(tmp_path, b"")  # what is imported by the first is none of a file's memory
    for path in inputs(name):
        chance, data = random.Random(path.name), path.read_bytes()
        for content in (data, *(MUTATED(data, chance) for _ in range(N_MUTANTS))):
            tracemalloc.start()
            try:
                target.attempt(tmp_path, content)
                assert tracemalloc.get_traced_memory()[1] < MOST_BYTES, path
            finally:
                tracemalloc.stop()


@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if target.faults])
def test_a_corpus_has_what_is_read(name: str, tmp_path: Path) -> None:
    """Else every input would be refused at once, and nothing behind that be met."""
    target = TARGETS[name]
    target.prepare(tmp_path)
    read = 0
    for path in inputs(name):
        (tmp_path / target.file).write_bytes(path.read_bytes())
        try:
            target.read(tmp_path / target.file)
        except target.faults:
            continue
        read += 1
    assert read > 0
