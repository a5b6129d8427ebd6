"""Results looked up in place of an evaluation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from pnag_problems import SMALL, SPACE

from heliostat import PartRef
from heliostat.errors import DataError
from heliostat_methods.pnag.spaces.additive import AdditiveSpace
from heliostat_methods.pnag.spaces.moves import all_architectures, sample
from heliostat_methods.pnag.training.known import Table, answers

ARCHS = all_architectures(SMALL)
NUMBERS = np.arange(len(ARCHS))


def test_a_table_answers_in_the_order_of_the_question() -> None:
    table = Table(SPACE, ARCHS, NUMBERS / 400, NUMBERS + 1.0)
    asked = np.random.default_rng(2).permutation(len(ARCHS))[:50]
    accuracy, cost = answers(table, SMALL)(ARCHS[asked])
    assert_array_equal(accuracy, asked / 400)
    assert_array_equal(cost, asked + 1.0)


def test_an_unknown_network_is_named() -> None:
    table = Table(SPACE, ARCHS[:5], NUMBERS[:5] / 400, NUMBERS[:5] + 1.0)
    with pytest.raises(DataError, match=f"no result of {SMALL.write(ARCHS[7])}"):
        answers(table, SMALL)(ARCHS[[4, 7, 9]])


def test_without_a_table_the_space_itself_answers() -> None:
    space = AdditiveSpace()
    none = np.empty((0, 45), np.int16)
    table = Table(PartRef("additive"), none, np.empty(0), np.empty(0))
    archs = sample(space, 4, np.random.default_rng(3))
    for ours, its in zip(answers(table, space)(archs), space.look_up(archs), strict=True):
        assert_array_equal(ours, its)
    with pytest.raises(DataError, match="neither a table nor a space that is known"):
        answers(table, SMALL)
