"""A change of any library is seen the day it comes: what recordings come to is what it was.

Where this fails, tests/golden/make_remembered.py says what to do.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from birdfast import _kernels

from . import remembered
from .golden import make_remembered
from .remembered import OURS, Row

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install '.[onnx]'")
pytest.importorskip("openvino", reason="OpenVINO is not installed: pip install '.[openvino]'")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("recordings")
    remembered.record(made)
    return made


@pytest.mark.parametrize("cpu", _kernels.cpu_tables())
def test_what_recordings_come_to_is_what_it_was(folder: Path, cpu: str) -> None:
    known: dict[tuple[str, str], list[Row]] = {}
    for row in make_remembered.known():
        known.setdefault(row[:2], []).append(row)
    made = remembered.anew(folder, cpu)
    if cpu == _kernels.cpu_tables()[-1]:
        assert {row[:2] for row in made} == {*known}
    assert not [why for row in made for why in differences(row, known[row[:2]])]


def differences(row: Row, known: list[Row]) -> list[str]:
    """Say what is not as this version had it, or if it is a new one, as any other had it."""
    same = [one for one in known if one.by == row.by] or known
    if any(one.is_like(row) for one in same):
        return []
    was = "; ".join(f"{one.value} of {one.by}" for one in same)
    return [f"{row.recording}: {row.what} is {row.value} of {row.by}, and was {was}"]


def test_what_is_remembered_is_of_every_container_and_every_way() -> None:
    known = make_remembered.known()
    names = {row.recording for row in known} - {"all"}
    assert len(names) >= 40
    assert {row.what for row in known if row.recording in names} == {
        *("sound", "samples", "steep", "soxr-hq", "tokens", "tflite", "tflite as it is"),
        *("onnx", "onnx front end", "openvino"),
    }
    assert all((row.by == OURS) <= (row.tolerance == 0) for row in known)


@pytest.mark.parametrize(
    ("row", "n_found"),
    [
        (Row("a", "sound", "av 18", 0.1, "1.0 2.05"), 0),
        (Row("a", "sound", "av 18", 0.1, "1.0 2.15"), 1),
        (Row("a", "sound", "av 18", 0.1, "1.0"), 1),
        (Row("a", "sound", "av 19", 0.1, "3.0 4.0"), 0),  # as one of the others had it
        (Row("a", "sound", "av 17", 0.1, "1.0 2.0"), 1),  # its own is known
    ],
)
def test_a_version_is_compared_with_itself_and_a_new_one_with_all(row: Row, n_found: int) -> None:
    known = [Row("a", "sound", by, 0.1, value) for by, value in (("av 17", "3.0 4.0"), ("av 18", "1.0 2.0"))]
    assert len(differences(row, known)) == n_found
