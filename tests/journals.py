"""Journals and dense rows for tests: what a run would hand over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet

from birdfast.arrays import Rows
from birdfast.journal import Entry, Facts, Journal, Record
from birdfast.outcomes import DETECTION, Failure, Heard, Outcome, Part, row
from birdfast.runs import answers, results
from birdfast.scores import keeping
from birdfast.tables import About, AboutModel, Names

NAMES = Names(("Avis", "Engine"), ("Bird", "Engine"))
WIDTHS = {"scores": 2, "embeddings": 2}
RUN = About({"model": "tiny"}, (AboutModel("tiny", (NAMES,), WIDTHS),))
TWO = About({"model": "both"}, tuple(AboutModel(name, (NAMES,), WIDTHS) for name in ("one", "two")))


def rows_of(count: int, width: int = 2, first: int = 0) -> Rows:
    rows = np.zeros(count, row(width))
    rows["start_s"] = np.arange(first, first + count)
    rows["end_s"] = rows["start_s"] + 3
    rows["values"] = np.random.default_rng(first).random((count, width), np.float32)
    return rows


def read(out: Path, kind: str) -> pyarrow.Table:
    return pyarrow.parquet.read_table(out / f"{kind}.parquet")


FACTS = Facts({"model": "a", "overlap_s": "null"}, RUN)
INPUTS = "2 files, a"  # of two shards
FACTS_OF_TWO = FACTS._replace(about=TWO)


def decided(**changed: str) -> Facts:
    """Return the facts of another run."""
    return FACTS._replace(decides={**FACTS.decides, **changed})


KEPT = keeping.told([keeping.Keeping("none")])


def kept_rows(n_rows: int) -> bytes:
    """Return the scores of windows in which a bird is heard, and one in which nothing is."""
    some = keeping.kept(
        np.arange(n_rows + 1.0),
        3.0,
        0,
        [np.array([[0.9, 0.1]] * n_rows + [[0.0, 0.0]], np.float32)],
        [keeping.Keeping("none")],
    )
    return keeping.pack(some, 2)


def hear(journal: Journal, path: str, came: Outcome) -> None:
    """Hand over an outcome with the scores that its detections are made of."""
    for heard in came.heard:
        part = Part(heard.model, came.stretch, heard.n_parts, keeping.KIND, kept_rows(len(heard.detections)))
        heard.n_parts += 1
        heard.kept = KEPT
        journal.keep(path, part)
    journal.add(path, came)


def kept(journal: Journal, entry: Entry, *models: int) -> list[bytes]:
    """Return what is kept of a file's scores."""
    return [
        array.tobytes()
        for model in models or (0,)
        for _, some in journal.kept(entry, 2, model)
        for array in some
    ]


def n_detections(folder: Path) -> dict[str, int]:
    """Return how many detections there are by file."""
    with Record(folder) as record:
        return {
            result.path: sum(map(len, result.parts)) for result in results.results(answers.Answers(record))
        }


def outcome(n_rows: int = 2, stretch: int = 0, n_stretches: int = 1) -> Outcome:
    found = np.zeros(n_rows, DETECTION)
    found["start_s"] = np.arange(n_rows)
    return Outcome(stretch, n_stretches, audio_s=3.0, heard=[Heard(detections=found)])


def parted(n_parts: int, stretch: int = 0, n_stretches: int = 1, failure: Failure | None = None) -> Outcome:
    """Return the outcome of a stretch that sent parts of dense rows."""
    return Outcome(stretch, n_stretches, failure=failure, heard=[Heard(n_parts=n_parts)])


def failed(path: str) -> Outcome:
    """Return the outcome of a file that could not be read."""
    return Outcome(failure=Failure(path, "audio", "AudioError", "no sound"), heard=[Heard()])


def by_all(*places: int) -> list[tuple[int, tuple[int, ...]]]:
    """Return what `Journal.plan` says of files that the one model is to hear."""
    return [(place, (0,)) for place in places]


def of_two_shards(folder: Path, planned: tuple[int, int] = (0, 1), inputs: str = INPUTS) -> list[Path]:
    """Return the folders of a run of two files, finished by two machines."""
    parts, paths = [folder / "one", folder / "two"], [f"{number}.wav" for number in range(2)]
    for number, part in enumerate(parts):
        part.mkdir()
        with Journal(part, shard_of(number, inputs)) as journal:
            journal.plan([paths[number]], [planned[number]])
            hear(journal, paths[number], outcome())
    return parts


def shard_of(number: int, inputs: str = INPUTS) -> Facts:
    return FACTS._replace(shard=f"{number + 1}/2", inputs=inputs)
