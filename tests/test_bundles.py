"""Bundles: every job is through once, whatever is done, lost or late, and in whichever order."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast.workers.bundles import LATE, RETURNS, TRIES, Bundle, Bundles

from .commands import ran

SIMULATE = Path(__file__).parents[1] / "bench" / "simulate.py"
SIZES = st.lists(st.integers(0, 1 << 26), max_size=60)
MOST_BYTES, MOST_FILES = 1 << 25, 7


def drained(bundles: Bundles, now_s: float = 0.0) -> list[Bundle]:
    """Take all that may go out."""
    return list(iter(lambda: bundles.take(now_s), None))


def total(bundles: list[Bundle]) -> list[int]:
    return sorted(place for bundle in bundles for place in bundle.places.tolist())


@given(SIZES, st.integers(1, 9), st.data())
def test_every_job_is_through_once_in_any_order_of_ends(
    sizes: list[int], n_slots: int, data: st.DataObject
) -> None:
    bundles, out, through = Bundles(sizes, n_slots, most_files=MOST_FILES), list[Bundle](), Counter[int]()
    over, now_s = list[Bundle](), 0.0
    fates = data.draw(st.lists(st.integers(0, 1 << 20), max_size=200), label="what happens, and to whom")
    while not bundles.is_through:
        now_s += 1.0
        fate = fates.pop() if fates else 0
        how, whom = fate % 8, fate // 8
        bundle = bundles.take(now_s) if len(out) < n_slots else None
        bundle = bundle or (bundles.again(now_s) if how == 1 else None)
        if bundle is not None:
            out.append(bundle)
        elif out and how in (2, 3):  # an end of a worker
            through.update(bundles.lost(lost := out.pop(whom % len(out)), now_s).tolist())
            over.append(lost)
        elif over and how == 4:  # one that counted as lost comes back after all, or a message twice
            through.update(bundles.done(over[whom % len(over)], now_s).tolist())
        else:
            assert out, "jobs are left, and nobody has them"
            through.update(bundles.done(done := out.pop(whom % len(out)), now_s).tolist())
            over.append(done)
    assert through == Counter(range(len(sizes)))
    assert bundles.take(now_s) is None
    assert bundles.again(now_s) is None


@given(SIZES, st.integers(1, 9), st.booleans())
def test_no_bundle_is_over_the_most_but_one_file_alone(
    sizes: list[int], n_slots: int, knows_rate: bool
) -> None:
    bundles = Bundles(sizes, n_slots, most_bytes=MOST_BYTES, most_s=2.0, most_files=MOST_FILES)
    if knows_rate and (first := bundles.take(0.0)):
        bundles.done(first, max(1.0, first.n_bytes / (MOST_BYTES // 2)))
    for bundle in drained(bundles):
        n = len(bundle.places)
        assert 1 <= n <= MOST_FILES
        assert n == 1 or bundle.n_bytes <= MOST_BYTES


def test_bundles_get_smaller_towards_the_end_and_not_too_small() -> None:
    sizes = np.full(100_000, 1 << 20)
    taken = drained(Bundles(sizes, 100, least_bytes=10 << 20, most_bytes=1 << 32))
    n_bytes = [bundle.n_bytes for bundle in taken]
    assert n_bytes == sorted(n_bytes, reverse=True)
    assert n_bytes[0] > 300 << 20
    assert min(n_bytes[:-1]) > 9 << 20
    assert total(taken) == list(range(len(sizes)))


def test_large_files_go_out_first_and_the_others_as_they_lie() -> None:
    sizes = np.full(10_000, 1 << 20)
    sizes[[5_000, 7]] = 1 << 33, 1 << 34
    first, second, *others = drained(Bundles(sizes, 4))
    assert [first.places.tolist(), second.places.tolist()] == [[7], [5_000]]
    places = [place for bundle in others for place in bundle.places.tolist()]
    assert places == sorted(places)


@pytest.mark.parametrize("bad_bytes", [0, 1000, 1 << 20])
def test_one_bad_file_is_given_up_alone_after_few_deaths(bad_bytes: int) -> None:
    n, bad = 4096, 4095
    sizes = np.full(n, 1000)
    sizes[bad] = bad_bytes
    bundles, n_deaths, given_up = Bundles(sizes, 1, least_bytes=1 << 40), 0, list[int]()
    while bundle := bundles.take(0.0):
        if bad in bundle.places:
            n_deaths += 1
            assert n_deaths <= np.log2(n) + TRIES + 1
            given_up += bundles.lost(bundle, 1.0).tolist()
        else:
            bundles.done(bundle, 1.0)
    assert (given_up, bundles.n_left) == ([bad], 0)


@pytest.mark.parametrize(
    "deaths", [[False] * (RETURNS - 1) + [True] * TRIES, [True] * (TRIES - 1) + [False] * RETURNS]
)
def test_deaths_at_a_file_and_workers_that_retired_are_counted_apart(deaths: list[bool]) -> None:
    bundles, given_up = Bundles([1000], 1), list[list[int]]()
    for is_blamed in deaths:
        bundle = bundles.take(0.0)
        assert bundle is not None
        given_up.append(bundles.lost(bundle, 1.0, is_blamed=is_blamed).tolist())
    assert given_up == [[]] * (len(deaths) - 1) + [[0]]


def test_a_late_bundle_goes_out_again_in_pieces_and_the_first_to_end_counts() -> None:
    bundles = Bundles([1 << 20] * 100, 2, least_bytes=50 << 20, least_s=1.0)
    slow, quick = bundles.take(0.0), bundles.take(0.0)
    assert slow is not None
    assert quick is not None
    for bundle in [quick, *drained(bundles)]:
        bundles.done(bundle, bundle.n_bytes / (1 << 20))  # 1 MiB a second
    in_time_s = LATE * slow.n_bytes / (1 << 20)
    assert bundles.again(in_time_s - 0.1) is None
    pieces = list(iter(lambda: bundles.again(in_time_s + 0.1), None))
    assert len(pieces) > 2
    assert total(pieces) == slow.places.tolist()
    assert bundles.done(pieces[0], 9.0).tolist() == pieces[0].places.tolist()
    assert bundles.done(slow, 10.0).tolist() == total(pieces[1:])
    assert bundles.is_through
    assert not bundles.is_wanted(pieces[1])
    assert bundles.done(pieces[1], 11.0).size == 0


def test_a_slow_worker_gets_less_and_gets_what_others_do_once_it_is_another() -> None:
    bundles = Bundles([1 << 20] * 100_000, 4)
    n_files = list[int]()
    for _ in range(3):
        quick, slow = bundles.take(0.0, "quick"), bundles.take(0.0, "slow")
        assert quick is not None
        assert slow is not None
        n_files = [len(quick.places), len(slow.places)]
        bundles.done(quick, quick.n_bytes / (1 << 20))
        bundles.done(slow, 5 * slow.n_bytes / (1 << 20))
    assert n_files[0] > 3 * n_files[1]
    bundles.lost(lost, 0.0) if (lost := bundles.take(0.0, "slow")) else None
    drained(bundles)  # what was lost goes out first


def test_a_bad_file_among_late_ones_stands_alone_all_the_same() -> None:
    bundles, n_lost, given_up = Bundles([1000] * 64, 2, least_bytes=1 << 30), 0, list[int]()
    out, now_s = list[Bundle](), 0.0
    first = bundles.take(now_s)
    assert first is not None
    bundles.done(first, 1.0)
    while not bundles.is_through:
        now_s += 1000.0  # whoever is at one is late, and its copy is out before it ends
        while (bundle := bundles.again(now_s)) is not None:
            out.append(bundle)
        one = out.pop(0)
        if 63 in one.places:
            n_lost += 1
            assert n_lost < 100
            given_up += bundles.lost(one, now_s).tolist()
        else:
            bundles.done(one, now_s)
    assert given_up == [63]


def test_what_is_late_goes_out_again_only_when_what_is_left_takes_no_longer() -> None:
    n, n_slots = 10_000, 4
    bundles = Bundles([1 << 20] * n, n_slots)
    late = bundles.take(0.0)
    quick = bundles.take(0.0)
    assert late is not None
    assert quick is not None
    bundles.done(quick, 10.0)
    n_left, now_s = n - len(late.places) - len(quick.places), 100.0
    while (taken := bundles.again(now_s)) is not None:
        now_s += 1.0
        if np.isin(taken.places, late.places).any():
            break
        n_left -= len(taken.places)
    assert taken is not None
    assert 0 < n_left <= n_slots * len(late.places) + 1


def test_a_simulated_cluster_is_through_soon_after_the_best_possible() -> None:
    small = ["--workers", "50", "--files", "20000", "--bar", "0.06"]  # of few workers, each weighs more
    result = ran(sys.executable, SIMULATE, *small)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "3 files given up" in result.stdout
