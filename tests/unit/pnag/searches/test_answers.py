"""What is taken of the candidates for a budget: the likeliest, or the first that fits."""

from __future__ import annotations

from typing import Any

import numpy as np

from heliostat_methods.pnag.searches.answers import answers, chosen, unanswered
from heliostat_methods.pnag.tasks.teaching import Said

COSTS = {0: 9.0, 1: 5.0, 2: 4.0}
CANDIDATES = np.array([[0], [1], [2]], np.int16)


def taken(budget: float, known: bool) -> int:
    said = Said(np.array([budget]), (CANDIDATES,), {})
    cost = (lambda archs: np.array([COSTS[int(a)] for a in archs[:, 0]])) if known else None
    budgets, archs = chosen(said, cost)
    assert budgets.tolist() == [budget]
    return int(archs[0, 0])


def test_where_costs_are_known_the_first_that_fits_is_taken() -> None:
    assert taken(10.0, True) == 0
    assert taken(5.0, True) == 1
    assert taken(4.5, True) == 2


def test_where_nothing_fits_or_nothing_is_known_the_likeliest_is_taken() -> None:
    assert taken(1.0, True) == 0
    assert taken(5.0, False) == 0


def test_a_budget_for_which_no_network_was_said_is_left_out_and_told() -> None:
    said = Said(np.array([1.0, 2.0]), (CANDIDATES[:0], CANDIDATES), {})
    budgets, archs = chosen(said, None)
    assert budgets.tolist() == [2.0] and archs.tolist() == [[0]]
    assert unanswered(said) == [
        "for 1 of 2 budgets the generator said nothing that is a network of the space; they are "
        "left out"
    ]
    nothing = Said(np.array([1.0]), (CANDIDATES[:0],), {})
    front: Any = None  # nothing is asked of it
    assert answers(front, front, *chosen(nothing, None), lambda archs: (archs, archs)) == []
    assert unanswered(Said(np.array([2.0]), (CANDIDATES,), {})) == []
