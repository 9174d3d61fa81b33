"""Recordings as they really come are heard as they should: see `bench/recordings.py`."""

from __future__ import annotations

import os
import runpy
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from birdfast import models

from .conftest import SHARED

PROJECT = Path(__file__).parents[1]
CASES = SHARED / "cases"
TOOLS = ("ffmpeg", "lame", "sox", "oggenc", "flac")
BENCH = runpy.run_path(str(PROJECT / "bench" / "recordings.py"))


def lacking() -> str:
    """Say what is not here that the recordings are made or heard with."""
    if not (CASES / "make.py").exists():
        return "real data is not part of the project: cases is not beside it"
    tools = [tool for tool in TOOLS if shutil.which(tool) is None]
    model = models.catalogue()["birdnet-2.4"]
    return (
        f"no {', '.join(tools)} to make recordings with"
        if tools
        else ""
        if model.found
        else model.how_to_get()
    )


@pytest.fixture(scope="module")
def results() -> Mapping[str, Any]:
    """What every recording came to, and what is wrong with that; made once, and kept in build/."""
    if reason := lacking():
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    work = PROJECT / "build" / "recordings"
    BENCH["make"](CASES, work)
    return BENCH["judged"](CASES, work, "birdnet-2.4")


@pytest.mark.long
def test_every_recording_is_heard_as_it_should(results: Mapping[str, Any]) -> None:
    wrong = {name: complaints for name, (_, complaints) in results.items() if complaints}
    assert wrong == {}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"seconds": 59.8}, "59.80 s of sound instead of 60.0"),
        ({"late_s": 0.06}, "a song is 0.060 s out of place"),
        ({"detections": []}, "0 detections instead of 10"),
        ({"failure": None}, "no failure"),
        ({"failure": "cut.w64: cut short"}, "nothing is said of"),
    ],
)
def test_what_is_wrong_is_told(change: Mapping[str, Any], complaint: str) -> None:
    row = {"seconds": "60.0", "detections_at_0.5": "10", "failure": "yes"}
    told = "cut.w64: cut short: ends at 60.00 s of 120.00 s"
    right = BENCH["Found"](60.0, 0.0, [{"File": "cut.w64"}] * 10, told, [])
    assert [*BENCH["complain"]("other/cut.w64", row, right)] == []
    found = " ".join(BENCH["complain"]("other/cut.w64", row, right._replace(**change)))
    assert complaint in found
