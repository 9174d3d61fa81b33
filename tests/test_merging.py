"""Merging is BirdNET-Analyzer's, in order, whatever parts detections come in."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast.merging import merged
from birdfast.outcomes import Detection

from .golden import make_merging


def heard(start_s: float, name: str = "Turdus merula", confidence: float = 0.5, **more: object) -> Detection:
    length_s = more.pop("length_s", 3.0)
    row = Detection(start_s, start_s + length_s, name, name, confidence, "a.wav", "tiny")
    return row._replace(**more)  # type: ignore[arg-type]


def joined(detections: list[Detection], most: int) -> list[Detection]:
    return [row for part in merged([detections], most) for row in part]


def told(rows: list[Detection]) -> list[tuple[float, float, float]]:
    return [(row.start_s, row.end_s, round(row.confidence, 6)) for row in rows]


def test_windows_that_touch_are_one_with_the_mean_of_its_three_highest() -> None:
    confidences = (0.5, 0.75, 0.25, 1.0, 0.5)
    rows = [heard(3.0 * n, confidence=c) for n, c in enumerate(confidences)]
    assert told(joined(rows, 5)) == [(0.0, 15.0, 0.75)]
    assert told(joined(rows, 2)) == [(0.0, 6.0, 0.625), (6.0, 12.0, 0.625), (12.0, 15.0, 0.5)]


def test_a_gap_parts_and_an_overlap_bridges_one() -> None:
    assert told(joined([heard(0.0), heard(6.0)], 9)) == [(0.0, 3.0, 0.5), (6.0, 9.0, 0.5)]
    overlapping = [heard(n) for n in (0.0, 2.0, 5.0, 8.5)]
    assert told(joined(overlapping, 9)) == [(0.0, 8.0, 0.5), (8.5, 11.5, 0.5)]


def test_windows_of_any_length_touch() -> None:
    """0.96 s, YAMNet's, is no sum of powers of two."""
    rows = [heard(n * 15_360 / 16_000, length_s=0.96) for n in range(1000)]
    (one,) = joined(rows, 1000)
    assert one.end_s == pytest.approx(960)


def test_species_channels_models_and_label_spaces_stay_apart() -> None:
    differing = [{}, {"channel": 2}, {"label_space": "b"}, {"scientific_name": "Parus major"}]
    rows = [heard(start, **more) for start in (0.0, 3.0) for more in differing]
    rows += [row._replace(model="deep") for row in rows]
    found = joined(rows, 2)
    assert [row._replace(end_s=3.0, confidence=0.5) for row in found] == rows[:4] + rows[8:12]
    assert {row.end_s for row in found} == {6.0}


def test_classes_that_are_called_alike_are_not_one_window_twice() -> None:
    rows = [heard(start, confidence=c) for start in (0.0, 3.0) for c in (0.75, 0.25)]
    assert told(joined(rows, 2)) == [(0.0, 6.0, 0.75), (0.0, 6.0, 0.25)]


@pytest.mark.parametrize("most", [0, 1])
def test_one_merges_nothing(most: int) -> None:
    parts = [[heard(0.0)], [], [heard(3.0)]]
    assert list(merged(iter(parts), most)) == parts


def test_no_more_is_held_than_may_be_merged() -> None:
    taken = 0

    def parts() -> list[Detection]:  # type: ignore[misc]
        nonlocal taken
        for n in range(1000):
            taken += 1
            yield [heard(3.0 * n), heard(3.0 * n, "Parus major")]

    given_back = 0
    for part in merged(parts(), 4):
        given_back += sum(4 for _ in part)
        assert 2 * taken - given_back <= 2 * (4 + 1)


@pytest.mark.parametrize("most", make_merging.MOST)
@pytest.mark.parametrize("step_s", make_merging.STEPS_S)
def test_what_is_merged_is_what_the_analyzer_merges(step_s: float, most: int) -> None:
    rows = [heard(start, species, c) for start, _, species, c in make_merging.detections(step_s)]
    found = {(row.start_s, row.end_s, row.common_name): row.confidence for row in joined(rows, most)}
    golden = make_merging.read(step_s, most)
    assert len(golden) < len(rows)
    assert found.keys() == golden.keys()
    for key, confidence in golden.items():
        assert found[key] == pytest.approx(confidence, abs=1e-6), key


windows = st.lists(
    st.tuples(
        st.integers(0, 30), st.sampled_from("abc"), st.integers(0, 2), st.sampled_from([0.25, 0.5, 0.75])
    ),
    unique_by=lambda one: one[:3],
)


@given(windows, st.integers(2, 6), st.sampled_from([1.0, 2.0, 3.0]), st.lists(st.integers(0, 40), max_size=5))
def test_what_is_merged_is_what_the_definition_says(
    found: list[tuple[int, str, int, float]], most: int, step_s: float, cuts: list[int]
) -> None:
    rows = [heard(n * step_s, name, c, channel=channel) for n, name, channel, c in sorted(found)]
    places = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    parts = [rows[start:end] for start, end in pairwise(places)]
    ours = [row for part in merged(parts, most) for row in part]
    assert [row.start_s for row in ours] == sorted(row.start_s for row in ours)
    assert sorted(ours) == sorted(defined(rows, most))
    assert ours == joined(rows, most)


def defined(rows: list[Detection], most: int) -> list[Detection]:
    """Merge species by species, from the first window on."""
    species: dict[tuple[str, int], list[list[Detection]]] = {}
    for row in rows:
        runs = species.setdefault((row.scientific_name, row.channel), [])
        if runs and len(runs[-1]) < most and runs[-1][-1].end_s >= row.start_s:
            runs[-1].append(row)
        else:
            runs.append([row])
    return [
        run[0]._replace(end_s=run[-1].end_s, confidence=mean([row.confidence for row in run]))
        for runs in species.values()
        for run in runs
    ]


def mean(confidences: list[float]) -> float:
    import numpy as np

    return float(np.float32(np.mean(sorted(confidences)[-3:])))
