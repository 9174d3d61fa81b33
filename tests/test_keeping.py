"""What is kept of scores says of a question what all of them say, or that it cannot."""

from __future__ import annotations

import itertools

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast.outcomes import DETECTION, PART_BYTES
from birdfast.scores import ScoreRule, highest, keeping, rules
from birdfast.scores.keeping import ALL, Keeping, Packing, pack, unpack

KINDS = st.sampled_from(["scores", "low", "best", "asked"])
ACTIVATIONS = st.sampled_from(["sigmoid", "softmax", "none"])
LEAST = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.001, 0.01, 0.25, 0.5, 1.0]))
TOP_K = st.one_of(st.none(), st.integers(1, 30))
SIZES = st.lists(st.sampled_from([1, 3, 26, 40]), min_size=1, max_size=3)


@st.composite
def asked(draw: st.DrawFn) -> dict[str, object]:
    """Draw what is asked of scores."""
    return {"min_confidence": draw(LEAST), "top_k": draw(TOP_K), "sensitivity": draw(st.floats(0.5, 1.5))}


@st.composite
def logits_of(draw: st.DrawFn, sizes: list[int], activation: str) -> list[np.ndarray]:
    """Draw a batch's outputs, some windows without a number in any space."""
    n = draw(st.integers(0, 4))
    values = st.one_of(st.floats(-20, 20, width=32), st.sampled_from([0.0, -6.9067545, 16.0, -40.0]))
    if activation == "none":
        values = st.one_of(st.floats(0, 1, width=32), st.sampled_from([0.0, 0.25, 1.0]))
    found = [draw(arrays.arrays(np.float32, (n, size), elements=values)) for size in sizes]
    for window in draw(st.sets(st.integers(0, 3), max_size=1)):
        for some in found:
            some[window : window + 1] = np.nan
    return found


@given(st.data(), SIZES, ACTIVATIONS, asked(), asked(), KINDS, st.integers(-1, 2))
def test_an_answer_from_what_is_kept_is_that_of_all_scores(
    data: st.DataObject,
    sizes: list[int],
    activation: str,
    first: dict[str, float],
    again: dict[str, float],
    kind: str,
    background: int,
) -> None:
    if activation != "sigmoid":
        first, again = first | {"sensitivity": 1.0}, again | {"sensitivity": 1.0}
    background = min(background, sizes[0] - 1)
    logits = data.draw(logits_of(sizes, activation))
    each = [activation] * len(sizes)
    run = rules(each, sizes, **first, background=background)
    keepings = [keeping.of(kind, rule) for rule in run.rules]
    scores = [rule.scores(some) for rule, some in zip(run.rules, logits, strict=True)]
    start_s = np.arange(len(logits[0])) / 3
    some = unpack(pack(keeping.kept(start_s, 3.0, 2, scores, keepings), sum(sizes)), sum(sizes))
    for asking in (first, again):
        asks = rules(each, sizes, **asking, background=background)
        spaces = zip(keepings, asks.rules, sizes, strict=True)
        if not all(keep.answers(rule, size) for keep, rule, size in spaces):
            assert asking is not first  # a run's own question is answered
            assert kind != "scores"
            continue
        found = keeping.detections(some, asks)
        expected = [
            (start_s[window], start_s[window] + 3.0, 2, space, label, confidence)
            for space, (rule, its) in enumerate(zip(asks.rules, logits, strict=True))
            for window, label, confidence in zip(*rule.pick(its), strict=True)
        ]
        expected.sort(key=lambda row: (row[0], row[3]))  # it is stable
        assert found.tobytes() == np.array(expected, DETECTION).tobytes()


@given(st.data(), st.sampled_from([3, 40]), asked(), asked())
def test_of_some_species_all_that_are_asked_for_are_found(
    data: st.DataObject, size: int, first: dict[str, float], again: dict[str, float]
) -> None:
    (logits,) = data.draw(logits_of([size], "sigmoid"))
    mask = data.draw(arrays.arrays(bool, size))
    (rule,) = rules(["sigmoid"], [size], **first).rules
    keep = keeping.of("best", rule)
    some = keeping.kept(np.zeros(len(logits)), 3.0, 0, [logits], [keep])
    asks = rules(["sigmoid"], [size], **again)
    if keep.answers(asks.rules[0], size, masked=True):
        window, label, confidence = asks.rules[0].pick(np.where(mask, logits, np.float32(np.nan)))
        found = keeping.detections(some, asks, mask)
        assert found["class_index"].tolist() == label.tolist()
        assert found["confidence"].tobytes() == confidence.tobytes()
        assert len(window) == len(found)


@given(st.data(), SIZES, KINDS)
def test_what_is_packed_is_what_was_kept_however_it_is_parted(
    data: st.DataObject, sizes: list[int], kind: str
) -> None:
    run = rules(["sigmoid"] * len(sizes), sizes, 0.1, 2)
    keepings = [keeping.of(kind, rule) for rule in run.rules]
    packing, parts, every = Packing(sum(sizes)), [], []
    for _ in range(data.draw(st.integers(0, 3))):
        logits = data.draw(logits_of(sizes, "sigmoid"))
        every.append(keeping.kept(np.zeros(len(logits[0])), 3.0, 1, logits, keepings))
        parts += packing.add(every[-1])
    parts += packing.rest()
    assert len(parts) == bool(every)
    for part in parts:
        found = unpack(part, sum(sizes))
        assert pack(found, sum(sizes)) == part
        for name in ("label", "score"):
            whole = np.concatenate([getattr(some, name) for some in every])
            assert getattr(found, name).tobytes() == whole.tobytes()


def test_parts_are_of_bounded_size() -> None:
    scores = np.zeros((16, 6000), np.float32)
    some = keeping.kept(np.zeros(16), 3.0, 0, [scores], [Keeping("sigmoid")])
    packing = Packing(6000)
    sizes = [len(part) for part in itertools.chain(*(packing.add(some) for _ in range(20)), packing.rest())]
    assert len(sizes) > 5
    assert max(sizes) <= PART_BYTES


def test_a_window_of_which_all_is_kept_needs_no_classes() -> None:
    scores = [np.zeros((2, 100), np.float32)]
    whole, few = (
        pack(keeping.kept(np.zeros(2), 3.0, 0, scores, [keep]), 100)
        for keep in (Keeping("sigmoid"), Keeping("sigmoid", np.inf, 99))
    )
    assert len(whole) == 4 + 2 * (22 + 100 * 4)
    assert len(few) == 4 + 2 * (22 + 99 * 6)


@pytest.mark.parametrize("cut", [1, 3, 30, -1, -2, -7])
def test_what_is_no_kept_scores_is_refused(cut: int) -> None:
    blob = pack(keeping.kept(np.zeros(2), 3.0, 0, [np.ones((2, 9), np.float32)], [Keeping("none", 0.5)]), 9)
    with pytest.raises(ValueError, match=r".*"):
        unpack(blob[:cut], 9)
    with pytest.raises(ValueError, match=r".*"):
        unpack(blob + b"\0\0", 9)


def test_classes_that_there_are_not_are_refused() -> None:
    scores = np.array([[0.0] * 8 + [1.0]], np.float32)
    blob = pack(keeping.kept(np.zeros(1), 3.0, 0, [scores], [Keeping("none", 0.5)]), 9)
    with pytest.raises(ValueError, match="classes that there are not"):
        unpack(blob, 8)


@given(
    st.lists(st.builds(Keeping, ACTIVATIONS, st.one_of(st.just(ALL), st.floats(-9, 9)), st.integers(0, 30)))
)
def test_what_is_kept_is_told_and_read(every: list[Keeping]) -> None:
    assert keeping.of_told(keeping.told(every)) == tuple(every)


@pytest.mark.parametrize("text", ["{", "[1]", "[[]]", '[["tanh", 0.0, 1]]', '[["sigmoid", "0", 1]]', "null"])
def test_what_tells_no_way_to_keep_is_refused(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        keeping.of_told(text)


@given(
    arrays.arrays(
        np.float32, st.tuples(st.integers(0, 3), st.integers(1, 12)), elements=st.sampled_from([0, 1, 2])
    ),
    st.integers(0, 14),
)
def test_the_highest_are_the_first_of_all_in_order(scores: np.ndarray, n: int) -> None:
    for row, found in zip(scores, highest(scores, n), strict=True):
        order = sorted(range(len(row)), key=lambda label: (-row[label], label))
        assert np.flatnonzero(found).tolist() == sorted(order[:n])


def test_of_a_models_own_thresholds_the_lowest_decides_what_is_kept() -> None:
    run = rules(["sigmoid"], [3], None, None, thresholds=(0.9, 0.2, 0.5), background=1)
    (rule,) = run.rules
    assert keeping.of("asked", rule) == Keeping("sigmoid", float(ScoreRule("sigmoid", 0.5).lowest()[0]))


def test_background_takes_nobodys_place_among_the_highest_kept() -> None:
    run = rules(["sigmoid"], [3], 0.0, 1, background=1)
    (rule,) = run.rules
    assert not Keeping("sigmoid", np.inf, 1).answers(rule, 3)
    keep = keeping.of("asked", rule)
    logits = np.array([[-9.0, 9.0, -8.0]], np.float32)
    some = keeping.kept(np.zeros(1), 3.0, 0, [logits], [keep])
    assert keep.answers(rule, 3)
    assert keeping.detections(some, run)["class_index"].tolist() == [2]


@pytest.mark.parametrize("masked", [False, True])
def test_no_more_classes_than_are_kept_of_each_window_answer_any_question(masked: bool) -> None:
    (first,), (asked,) = (rules(["sigmoid"], [20], least, None).rules for least in (0.25, 0.0))
    keep = keeping.of("best", first)
    assert keep.answers(asked, keeping.BEST, masked=masked)
    assert not keep.answers(asked, keeping.BEST + 1, masked=masked)


def test_a_score_on_the_floor_itself_is_kept() -> None:
    floor = float(np.float32(-6.9))
    below = np.nextafter(np.float32(floor), np.float32(-np.inf)) - np.float32(0.01)
    which = Keeping("sigmoid", floor).which(np.array([[floor, below]], np.float32))
    assert which.tolist() == [[True, False]]


def test_as_many_are_kept_as_are_asked_for() -> None:
    rule = ScoreRule("sigmoid", 1e-6, top_k=keeping.BEST + 10)
    assert keeping.of("best", rule).best == keeping.BEST + 10
