"""The list of faults that are made on purpose follows the source, and what its tests are called."""

from __future__ import annotations

import ast
import re
from collections import Counter

import pytest

from .mutants import ROOT, Mutant, listed

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
