"""Skip-gram learns what its equations say, from the negatives it should draw, and the same way each time."""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from birdfast.errors import ConfigError, ModelError
from birdfast.train import checkpoint, epochs, sentences, skipgram

from .commands import ran
from .golden import make_skipgram_norms
from .reference import skipgram_pass

kernels = pytest.importorskip(
    "birdfast.train._skipgram_numba", reason="training needs numba: pip install '.[train]'"
)

GOLDEN = np.load(Path(__file__).parent / "golden" / "skipgram.npz")
HALF_STEP = kernels.LIMIT / kernels.ENTRIES  # how far a score is from the sigmoid's table, so is the loss
SMALL: dict[str, Any] = {"dim": 16, "window": 5, "epochs": 3, "subsample": 0}
AS_PYTHON = """
import json, sys
import numpy as np
from birdfast.train import _skipgram_numba as kernels
from birdfast.train import skipgram
from tests.test_skipgram import two_topics
kernels.prefetch = lambda *place: None
with np.errstate(over="ignore"):  # random bits go round
    rows = skipgram.train(two_topics(6, 20), 20, **json.loads(sys.argv[1]))
np.save(sys.argv[2], rows)
"""


def two_topics(n_sentences: int = 60, length: int = 40) -> list[np.ndarray]:
    """Sentences of tokens 0..9 and sentences of tokens 10..19, which never meet."""
    dice = np.random.default_rng(7)
    return [dice.integers(0, 10, length, np.int32) + 10 * (i % 2) for i in range(n_sentences)]


def model_of(vocabulary: int, dim: int, table: list[int]) -> tuple[np.ndarray, ...]:
    dice = np.random.default_rng(3)
    inputs, outputs = dice.normal(0, 0.4, (2, vocabulary + 1, dim)).astype(np.float32)
    inputs[-1] = 0
    middles = (np.arange(kernels.ENTRIES) + 0.5) * (2 * kernels.LIMIT / kernels.ENTRIES) - kernels.LIMIT
    sigmoid = (1 / (1 + np.exp(-middles))).astype(np.float32)
    return inputs, outputs, np.resize(np.array(table, np.int32), kernels.DRAWS), sigmoid


def learn(
    tokens: list[int], model: tuple[np.ndarray, ...], centre: int = 0, window: int = 1, n_negatives: int = 1
) -> Any:
    """Learn one centre, at rate 0.1, with a draw of negatives that the model's table decides."""
    inputs = model[0]
    n_rows = -(-(1 + n_negatives) // kernels.GROUP) * kernels.GROUP
    desk = np.zeros((2, n_rows, inputs.shape[1]), np.float32)
    ends, state = np.array([0, len(tokens)]), np.array([11], np.uint64)
    sentence = np.array(tokens, np.int32)
    return kernels.learn(
        sentence, ends, centre, centre + 1, window, n_negatives, 0.1, model, len(inputs) - 1, desk, state
    )


@pytest.mark.parametrize("dim", [1, 15, 16, 17, 48])
@pytest.mark.parametrize("negative", [2, 0])
def test_one_pair_moves_along_the_gradient(dim: int, negative: int) -> None:
    """Centre 0, context 1, one kind of negative: 2, or the centre itself, which is none."""
    model = model_of(3, dim, [negative])
    before = [rows.astype(np.float64) for rows in model[:2]]
    loss, n_pairs = learn([0, 1], model)
    negatives = [negative] if negative else []
    inputs, outputs, expected = skipgram_pass(*before, 0, [1], negatives, 0.1)
    np.testing.assert_allclose(model[0], inputs, atol=2e-4)
    np.testing.assert_allclose(model[1], outputs, atol=2e-4)
    assert loss == pytest.approx(expected, abs=n_pairs * HALF_STEP)
    assert n_pairs == 1 + len(negatives)


@pytest.mark.parametrize("dim", [1, 16, 48])
def test_two_contexts_of_a_pass_come_one_after_the_other(dim: int) -> None:
    model = model_of(5, dim, [4])
    before = [rows.astype(np.float64) for rows in model[:2]]
    loss, n_pairs = learn([1, 0, 2], model, centre=1)
    inputs, outputs, expected = skipgram_pass(*before, 0, [1, 2], [4], 0.1)
    np.testing.assert_allclose(model[0], inputs, atol=4e-4)
    np.testing.assert_allclose(model[1], outputs, atol=4e-4)
    assert loss == pytest.approx(expected, abs=n_pairs * HALF_STEP)
    assert n_pairs == 4


def test_a_library_that_finds_no_memory_is_no_trouble_of_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """As llvmlite tells it: an OSError of many words, in the place of the loader's own."""

    class Unmapped:
        def find_spec(self, name: str, *_: object) -> None:
            if name.endswith("_skipgram_numba"):
                try:
                    raise OSError("libllvmlite.so: failed to map segment from shared object")
                except OSError:
                    raise OSError("Could not find/load shared object file")  # noqa: B904  (as llvmlite does)

    monkeypatch.delitem(sys.modules, kernels.__name__)
    monkeypatch.delattr("birdfast.train._skipgram_numba")
    monkeypatch.setattr(sys, "meta_path", [Unmapped(), *sys.meta_path])
    with pytest.raises(ImportError, match=r"^libllvmlite\.so: failed to map segment"):
        skipgram.train([np.arange(9, dtype=np.int32)], 9, **SMALL)


def test_a_context_that_comes_twice_steps_twice() -> None:
    """Twice the step from where it stands, not a step and then another: within the rate squared."""
    model = model_of(5, 32, [4])
    before = [rows.astype(np.float64) for rows in model[:2]]
    n_pairs = learn([1, 0, 1], model, centre=1)[1]
    once = skipgram_pass(*before, 0, [1], [4], 0.1)
    for rows, start, stepped in zip(model, before, once, strict=False):
        np.testing.assert_allclose(rows, start + 2 * (stepped - start), atol=4e-4)
    assert n_pairs == 4


@pytest.mark.parametrize("n_negatives", [1, 4, 5, 6, 11, 12])
def test_any_number_of_negatives_is_learnt(n_negatives: int) -> None:
    """They are one token here, whose row takes as many steps; the context moves after every six rows."""
    model = model_of(3, 16, [2])
    inputs, outputs, step = *(rows.astype(np.float64) for rows in model[:2]), np.zeros(16)
    loss, n_pairs = learn([0, 1], model, n_negatives=n_negatives)
    h, labels, expected = inputs[1].copy(), np.array([1.0] + n_negatives * [0.0]), 0.0
    for group in np.split(labels, range(6, len(labels), 6)):
        o = np.where(group[:, None] == 1, outputs[0], outputs[2])
        chances = 1 / (1 + np.exp(-o @ h))
        expected -= np.log(np.where(group == 1, chances, 1 - chances)).sum()
        step += 0.1 * ((group - chances) * (1 - group)).sum() * h
        h += 0.1 * (group - chances) @ o
    np.testing.assert_allclose(model[0][1], h, atol=2e-3)
    np.testing.assert_allclose(model[1][2], outputs[2] + step, atol=2e-3)
    assert loss == pytest.approx(expected, abs=n_pairs * HALF_STEP)
    assert n_pairs == 1 + n_negatives


def test_nobody_stays_zero() -> None:
    model = model_of(6, 16, [3, 4])
    learn([0, 1, 2, 5], model, window=3, n_negatives=5)
    assert not model[0][-1].any()


def test_contexts_stay_within_the_sentence() -> None:
    model = model_of(6, 16, [5])
    before = model[0].copy()
    tokens, ends = np.array([0, 1, 2, 3, 4], np.int32), np.array([0, 0, 2, 2, 5])
    desk, state = np.zeros((2, 6, 16), np.float32), np.array([1], np.uint64)
    kernels.learn(tokens, ends, 2, 5, 4, 5, 0.1, model, 6, desk, state)
    moved = (model[0] != before).any(axis=1)
    np.testing.assert_array_equal(moved, [False, False, True, True, True, False, False])


@pytest.mark.parametrize("length", [2, 3, 16, 17, 33, 40])
def test_a_centre_is_not_its_own_context(length: int) -> None:
    """Wherever it stands, in a pass or in a block of contexts that share their negatives."""
    for centre in range(length):
        model = model_of(length, 16, [0])
        before = model[0].copy()
        n_pairs = learn(list(range(length)), model, centre=centre, window=length)[1]
        moved = np.flatnonzero((model[0] != before).any(axis=1))
        assert centre not in moved
        np.testing.assert_array_equal(np.diff(np.sort([*moved, centre])), 1)
        assert n_pairs == len(moved) * (1 + (centre != 0))


def test_a_loss_of_any_size_is_told() -> None:
    """Scores of -8 and below say 8 nats a pair, too many for one product of likelihoods."""
    model = model_of(3, 16, [2])
    model[0][:3], model[1][0], model[1][2] = 10, -10, 10
    tokens, ends = np.array([0] + [1] * 400, np.int32), np.array([0, 401])
    desk, state = np.zeros((2, 12, 16), np.float32), np.array([5], np.uint64)
    loss, n_pairs = kernels.learn(tokens, ends, 0, 1, 100_000, 11, 1e-9, model, 3, desk, state)
    assert n_pairs > 100 * 12
    assert loss / n_pairs == pytest.approx(8, abs=0.02)


def test_windows_shrink_evenly() -> None:
    """With windows of 1..4 a centre far from both ends meets 2 (1 + 2 + 3 + 4) / 4 = 5 contexts."""
    model = model_of(2, 16, [1])
    tokens, n = np.zeros(20_000, np.int32), 19_900
    desk, state = np.zeros((2, 6, 16), np.float32), np.array([1], np.uint64)
    ends = np.array([0, len(tokens)])
    _, n_pairs = kernels.learn(tokens, ends, 50, 50 + n, 4, 1, 1e-9, model, 2, desk, state)
    assert n_pairs / 2 / n == pytest.approx(5, abs=5 * np.sqrt(5 / n))


def test_negatives_are_drawn_like_their_counts_to_the_power() -> None:
    from scipy.stats import chisquare

    counts = np.random.default_rng(2).integers(1, 3000, 60)
    table = sentences.negative_table(counts, 0.75, kernels.DRAWS, 0.5)
    state, rows, outputs = np.array([5], np.uint64), np.zeros(5001, np.int32), np.zeros((60, 16), np.float32)
    drawn = np.zeros(60, np.int64)
    for _ in range(40):
        kernels.draw_negatives(table, 5000, state, rows, outputs)
        drawn += np.bincount(rows[1:], minlength=60)
    share = counts**0.75 / (counts**0.75).sum()
    assert chisquare(drawn, share * drawn.sum()).pvalue > 0.01
    assert abs(np.corrcoef(rows[1:-1], rows[2:])[0, 1]) < 0.05  # one says nothing about the next
    assert chisquare(drawn, counts / counts.sum() * drawn.sum()).pvalue < 1e-9  # the test can tell


def test_a_token_rarer_than_an_entry_has_one_in_some_epochs() -> None:
    counts = np.array([10_000_000, 0, 1, 10_000_000])
    shifts = np.random.default_rng(0).random(200)
    tables = [sentences.negative_table(counts, 1.0, 256, shift) for shift in shifts]
    mean = np.mean([np.bincount(table, minlength=4) for table in tables], axis=0)
    assert mean[1] == 0
    assert mean == pytest.approx(256 * counts / counts.sum(), abs=0.1)
    assert {len(table) for table in tables} == {256}


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=30), st.floats(1e-6, 1))
def test_keep_probabilities_are_word2vecs(counts: list[int], subsample: float) -> None:
    keep = sentences.keep_probabilities(np.array(counts), subsample)
    total = sum(counts)
    for count, probability in zip(counts, keep, strict=True):
        threshold = subsample * total
        expected = min(1, (np.sqrt(count / threshold) + 1) * threshold / count) if count else 0
        assert probability == pytest.approx(expected, rel=1e-5)


def test_tokens_are_kept_with_their_probability() -> None:
    n, keep = 100_000, np.array([1.0, 0.3, 0.0, 0.01], np.float32)
    tokens = np.resize(np.array([0, 1, 2, 3, -1], np.int32), n)
    kept, ends = np.empty_like(tokens), np.empty(3, np.int64)
    offsets, state = np.array([0, n // 2, n]), np.array([9], np.uint64)
    n_kept = kernels.thin(tokens, offsets, keep, state, kept, ends)
    counts = np.bincount(kept[:n_kept], minlength=4)
    spread = 4 * np.sqrt(n / 5 * keep * (1 - keep)) + 1e-9
    assert (np.abs(counts - n / 5 * keep) <= spread).all()
    assert ends[2] == n_kept
    assert kept[: ends[1]].tolist() == [t for t in kept[: ends[1]].tolist() if t >= 0]


def test_same_seed_same_bits() -> None:
    first, second = (skipgram.train(two_topics(), 20, **SMALL, seed=4) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (skipgram.train(two_topics(), 20, **SMALL, seed=5) != first).any()


@pytest.mark.parametrize("window", [1, 8])
def test_compiled_it_learns_what_it_says_as_python(window: int, tmp_path: Path) -> None:
    """The loops as they are written, to the sums' order; what asks for memory ahead is left out."""
    options = {**SMALL, "window": window, "epochs": 2, "subsample": 1e-2}
    done = ran(
        *(sys.executable, "-c", AS_PYTHON, json.dumps(options), tmp_path / "rows.npy"),
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 0, done.stderr
    compiled = skipgram.train(two_topics(6, 20), 20, **options)
    np.testing.assert_allclose(np.load(tmp_path / "rows.npy"), compiled, atol=1e-6)


def test_a_list_and_one_array_are_the_same_sentences() -> None:
    lists = two_topics()
    flat = (np.concatenate(lists), np.arange(0, 60 * 40 + 1, 40))
    np.testing.assert_array_equal(skipgram.train(lists, 20, **SMALL), skipgram.train(flat, 20, **SMALL))


@pytest.mark.parametrize("n_workers", [2, 3])
def test_more_workers_learn_as_well(n_workers: int) -> None:
    losses: dict[int, list[float]] = {}
    for n in (1, n_workers):
        told: list[skipgram.Epoch] = []
        options = {**SMALL, "epochs": 8}
        rows = skipgram.train(two_topics(400), 20, n_workers=n, progress=told.append, **options)
        assert np.isfinite(rows).all()
        losses[n] = [epoch.loss for epoch in told]
    assert losses[n_workers][-1] == pytest.approx(losses[1][-1], rel=0.05)
    assert losses[1][-1] < losses[1][0]


def test_epochs_are_told_and_the_rate_falls() -> None:
    told: list[skipgram.Epoch] = []
    skipgram.train(two_topics(), 20, progress=told.append, **SMALL)
    assert [(epoch.number, epoch.of, epoch.n_tokens) for epoch in told] == [(i, 3, 2400) for i in (1, 2, 3)]
    rates = [epoch.learning_rate for epoch in told]
    assert 0.025 > rates[0] > rates[1] > rates[2] >= 1e-4
    assert 0 < told[-1].loss < told[0].loss < 6 * np.log(2)
    assert 0 < told[-1].learning_loss < told[0].learning_loss <= np.log(2) + 1e-3


def test_every_epoch_has_its_own_dice() -> None:
    told: list[skipgram.Epoch] = []
    skipgram.train(two_topics(), 20, progress=told.append, **{**SMALL, "subsample": 1e-3})
    assert len({epoch.n_tokens for epoch in told}) == 3


def test_an_interrupted_run_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    path, whole = tmp_path / "run.npz", skipgram.train(two_topics(), 20, **SMALL)

    class Interrupted(Exception):
        pass

    def interrupt(epoch: skipgram.Epoch) -> None:
        if epoch.number == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        skipgram.train(two_topics(), 20, **SMALL, progress=interrupt, checkpoint=path, checkpoint_every_s=0)
    told: list[skipgram.Epoch] = []
    again = skipgram.train(two_topics(), 20, **SMALL, progress=told.append, checkpoint=path)
    assert [epoch.number for epoch in told] == [3]
    np.testing.assert_array_equal(again, whole)
    np.testing.assert_array_equal(skipgram.train(two_topics(), 20, **SMALL, checkpoint=path), whole)
    assert [file.name for file in tmp_path.iterdir()] == ["run.npz"]


@pytest.mark.parametrize(
    ("change", "named"), [({"window": 6}, "window is 5, not 6"), ({"seed": 1}, "seed is 0, not 1")]
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path, change: dict[str, int], named: str) -> None:
    path = tmp_path / "run.npz"
    skipgram.train(two_topics(), 20, **SMALL, checkpoint=path)
    with pytest.raises(ConfigError, match=named):
        skipgram.train(two_topics(), 20, **{**SMALL, **change}, checkpoint=path)
    with pytest.raises(ConfigError, match="sentences"):
        skipgram.train(two_topics()[:-1], 20, **SMALL, checkpoint=path)


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    checkpoint.write(path, {"what": "test"}, {"rows": np.arange(999)})
    data = path.read_bytes()
    for damaged in (b"", data[:100], data[:-100], data[:600] + b"\xff" * 9 + data[609:], b"PK" + b"\0" * 99):
        path.write_bytes(damaged)
        with pytest.raises(ModelError, match="run.npz"):
            checkpoint.read(path, {"what": "test"})


def test_a_checkpoint_holds_its_arrays_and_nothing_else_and_none_of_objects(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    checkpoint.write(path, {"what": "test"}, {"rows": np.arange(3)})
    assert list(checkpoint.read(path, {"what": "test"})) == ["rows"]
    with pytest.raises(ValueError, match="allow_pickle=False"):
        checkpoint.write(tmp_path / "other.npz", {}, {"rows": np.array([{}], object)})
    assert [file.name for file in tmp_path.iterdir()] == ["run.npz"]


def test_no_pickle_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    np.savez(path, **{checkpoint.RUN: np.array([{}], object)})
    with pytest.raises(ModelError, match="run.npz"):
        checkpoint.read(path, {})


@pytest.mark.parametrize(
    "few",
    [[], [[]], [[], [], []], [[3]], [[-1, -1]], [[-1, 3, -1]], [[1], [2], [-1]], [[0, 0]]],
    ids=str,
)
@pytest.mark.parametrize("n_workers", [1, 2])
def test_almost_no_tokens_are_no_accident(few: list[list[int]], n_workers: int) -> None:
    told: list[skipgram.Epoch] = []
    arrays = [np.array(one, np.int32) for one in few]
    rows = skipgram.train(arrays, 5, n_workers=n_workers, progress=told.append, **SMALL)
    seen = np.isin(np.arange(5), [token for one in few for token in one])
    assert rows.shape == (5, 16)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    np.testing.assert_array_equal(rows.any(axis=1), seen)
    assert len(told) == 3


def test_a_vocabulary_of_one_has_no_negatives() -> None:
    told: list[skipgram.Epoch] = []
    rows = skipgram.train([np.zeros(50, np.int64)], 1, progress=told.append, **SMALL)
    assert np.isfinite(rows).all()
    assert told[-1].loss < told[0].loss < np.log(2)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(-1, 6), max_size=40), max_size=6), st.integers(1, 50))
def test_frames_without_a_token_are_skipped(drawn: list[list[int]], window: int) -> None:
    """As if they were not there: the sentences without them give the same bits."""
    options = {"dim": 16, "window": window, "epochs": 1, "subsample": 0}
    with_holes = skipgram.train([np.array(one, np.int32) for one in drawn], 7, **options)
    whole = [np.array([token for token in one if token >= 0], np.int32) for one in drawn]
    np.testing.assert_array_equal(with_holes, skipgram.train(whole, 7, **options))


def test_rare_tokens_take_no_part() -> None:
    lists = [*two_topics(), np.array([20, 3, 20], np.int32)]
    rows = skipgram.train(lists, 22, **SMALL, min_count=3)
    assert not rows[20:].any()
    assert rows[:20].any(axis=1).all()


def test_a_long_sentence_is_not_cut() -> None:
    told: list[skipgram.Epoch] = []
    tokens = np.random.default_rng(1).integers(0, 30, 25_000)
    tokens[20_000:] += 30
    rows = skipgram.train([tokens], 60, progress=told.append, **{**SMALL, "epochs": 1})
    assert told[0].n_tokens == 25_000
    assert np.linalg.norm(rows[30:], axis=1).min() > 0.2


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"dim": 0}, "dim: 0"),
        ({"window": 0}, "window: 0"),
        ({"negatives": 0}, "negatives: 0"),
        ({"epochs": 0}, "epochs: 0"),
        ({"subsample": -1e-4}, "subsample"),
        ({"seed": -1}, "seed: -1"),
        ({"learning_rate": 1e-5}, "learning_rate: 1e-05"),
        ({"n_workers": 0}, "n_workers: 0"),
        ({"dim": 16.5}, "dim: 16.5 does not fit; it takes a whole number"),
        ({"window": "5"}, "window: '5'"),
        ({"exponent": float("nan")}, "exponent: nan"),
        ({"exponent": 60}, "exponent: 60"),
        ({"subsample": float("inf")}, "subsample: inf"),
        ({"learning_rate": float("nan")}, "learning_rate: nan"),
        ({"min_learning_rate": "0"}, "min_learning_rate: '0'"),
        ({"learning_rate": 2}, "learning_rate: 2"),
        ({"seed": True}, "seed: True"),
        ({"negatives": 2**24}, "negatives: 16777216 does not fit; it takes 1 to 1,024"),
        ({"dim": 2**24}, "dim: 16777216 does not fit; it takes 1 to 16,384"),
        ({"window": 2**25}, "window: 33554432 does not fit"),
    ],
)
def test_an_option_out_of_range_is_named(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        skipgram.train(two_topics(), 20, **options)


def test_what_finds_no_memory_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = np.zeros

    def some(shape: Any, *how: Any, **more: Any) -> Any:
        if isinstance(shape, int) and shape > 16_384 * 20:
            raise MemoryError
        return zeros(shape, *how, **more)

    monkeypatch.setattr(np, "zeros", some)
    with pytest.raises(ConfigError, match="dim: 16384 finds no memory for 20 tokens"):
        skipgram.train(two_topics(), 20, dim=16_384)
    with pytest.raises(
        ConfigError, match="vocabulary_size: 1099511627776 does not fit; it takes 1 to 16,777,216"
    ):
        skipgram.train(two_topics(), 2**40)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ([np.array([0, 20])], "token 20 at 1 is not one of -1 .. 19"),
        ([np.array([3]), np.array([-2])], "token -2 at 1"),
        ([np.array([0.5])], "integers, not float64"),
        ((np.arange(5), np.array([0, 4])), "offsets"),
        ((np.arange(5), np.array([0, 4, 3, 5])), "offsets"),
        ((np.arange(5), np.array([], int)), "offsets"),
    ],
    ids=["high", "low", "float", "short", "falling", "none"],
)
def test_a_wrong_token_is_named(wrong: Any, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        skipgram.train(wrong, 20)


def test_neighbours_are_gensims() -> None:
    """Golden: a token's nearest tokens by cosine, after gensim and after us, on the same sentences."""
    lists = np.split(GOLDEN["tokens"], GOLDEN["offsets"][1:-1])
    rows = skipgram.train(lists, len(GOLDEN["embeddings"]), **{key: GOLDEN[key].item() for key in OPTIONS})
    mine, theirs = (cosines(embeddings.astype(float)) for embeddings in (rows, GOLDEN["embeddings"]))
    topic = np.arange(len(mine)) // 10
    same = topic[:, None] == topic
    for found in (mine, theirs):
        assert (topic[found.argmax(axis=1)] == topic).all()
    off_diagonal = ~np.eye(len(mine), dtype=bool)
    assert np.corrcoef(mine[off_diagonal], theirs[off_diagonal])[0, 1] > 0.9
    for among in (same & off_diagonal, ~same):
        assert mine[among].mean() == pytest.approx(theirs[among].mean(), abs=0.08)
    lengths = [np.linalg.norm(e, axis=1).mean() for e in (rows, GOLDEN["embeddings"])]
    assert lengths[0] == pytest.approx(lengths[1], rel=0.05)


with (Path(__file__).parent / "golden" / "skipgram_norms.csv").open() as file:
    NORMS = [
        pytest.param(
            row["sentences"], float(row["subsample"]), float(row["median_norm"]), id="-".join(row.values())
        )
        for row in csv.DictReader(file)
    ]


@pytest.mark.parametrize(("name", "subsample", "theirs"), NORMS)
def test_vectors_are_as_long_as_gensims(name: str, subsample: float, theirs: float) -> None:
    """Golden: also where all pairs agree, and nothing is left to learn."""
    lists = make_skipgram_norms.CASES[name]()
    n_tokens = 1 + max(int(one.max()) for one in lists)
    rows = skipgram.train(lists, n_tokens, subsample=subsample, **make_skipgram_norms.OPTIONS)
    mine = np.linalg.norm(rows, axis=1)
    assert theirs / 1.5 < np.median(mine) < theirs * 1.5
    assert mine.max() < 20


@pytest.mark.parametrize("name", make_skipgram_norms.CASES)
def test_no_learning_rate_makes_vectors_explode(name: str) -> None:
    lists = make_skipgram_norms.CASES[name]()
    how = {"learning_rate": 1, "subsample": 0, "dim": 32, "window": 20, "epochs": 2}
    rows = skipgram.train(lists, 60, **how)
    assert np.linalg.norm(rows, axis=1).max() < 1000


@pytest.mark.parametrize("score", [20, -20])
def test_beyond_the_table_nothing_is_learnt(score: float) -> None:
    """A label that is met has no slope left, and one that is far off would be thrown further."""
    model = model_of(3, 16, [2])
    model[0][1], model[1][:] = 1, score / 16
    before = [rows.astype(np.float64) for rows in model[:2]]
    learn([0, 1], model)
    inputs, outputs, _ = skipgram_pass(*before, 0, [1], [2], 0.1)
    for rows, start, meant in zip(model, before, (inputs, outputs), strict=False):
        np.testing.assert_array_equal(rows, start)
        np.testing.assert_array_equal(rows, meant)


@pytest.mark.parametrize("where", [0, 1], ids=["context", "centre"])
def test_a_nan_finds_an_entry_of_the_table_and_is_seen(where: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(3, 16, [2])
    model[where][:2] = np.nan
    loss, n_pairs = learn([0, 1], model)
    assert np.isfinite(loss)
    assert n_pairs == 2

    def broken(*_: Any) -> tuple[float, int]:
        training._inputs[3] = np.nan
        return 0.0, 1

    options = skipgram.SkipgramOptions(**SMALL, learning_rate=1)
    training = epochs.Epochs(*sentences.flat(two_topics(), 20), 20, options, 1)
    monkeypatch.setattr(training, "_learn_all", broken)
    with pytest.raises(ConfigError, match="learning_rate: 1 .* no longer finite after epoch 1: .* 0.025"):
        training.learn(0)


OPTIONS = ("dim", "window", "negatives", "subsample", "epochs")


def cosines(embeddings: np.ndarray) -> np.ndarray:
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    product: np.ndarray = unit @ unit.T
    np.fill_diagonal(product, -1)
    return product
