"""The list of faults that are made on purpose follows the source, and what its tests are called."""

from __future__ import annotations

import ast
import re
from collections import Counter

import pytest

from .mutants import ROOT, Mutant, listed
from .mutants.__main__ import sampled

MUTANTS = listed()
LEAST = 60


def test_there_are_enough_of_every_kind() -> None:
    assert len(MUTANTS) >= LEAST
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert min(Counter(mutant.area for mutant in MUTANTS).values()) >= 3


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_a_fault_stands_in_the_source_and_its_tests_are_there(mutant: Mutant) -> None:
    fault = mutant.of((ROOT / mutant.file).read_text())
    if mutant.file.endswith(".py"):
        ast.parse(fault)
    assert mutant.tests
    for test in mutant.tests:
        path, *names = re.sub(r"\[.*", "", test).split("::")
        there = (ROOT / path).read_text()
        assert all(re.search(rf"^ *(def|class) {name}\b", there, re.MULTILINE) for name in names), test


def test_a_sample_is_the_seeds_own_and_all_are_in_one_of_them() -> None:
    every = [sampled(MUTANTS, 30, f"commit {n}") for n in range(60)]
    assert {len(one) for one in every} == {30}
    assert every[0] == sampled(MUTANTS, 30, "commit 0") != every[1]
    assert {one.name for some in every for one in some} == {one.name for one in MUTANTS}
    assert sampled(MUTANTS, None, "") == MUTANTS == sampled(MUTANTS, 10_000, "")
